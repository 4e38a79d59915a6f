package fileserver;

import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/**
 * Where the server's files come from: everything that may have to wait for a disk, and the memory it reads into. Nothing here waits: event
 * loops call it. Futures complete on threads that are not an event loop's, or are complete when they are returned.
 */
interface FileAccess extends AutoCloseable {
  /**
   * Finds out what a path names, and opens it if it is a regular file. Does not follow a link at the end of the path.
   *
   * @param path what to look at
   * @return what is there; fails with what {@code java.nio.file} would throw
   */
  CompletableFuture<Found> find(Path path);

  /**
   * Resolves all links in a path.
   *
   * @param path of something that exists
   * @return its path without links
   */
  CompletableFuture<Path> realPath(Path path);

  /**
   * Lists a directory.
   *
   * @param directory its path
   * @return what is in it, in no order
   */
  CompletableFuture<List<Name>> list(Path directory);

  /**
   * Lends memory for a part of a file.
   *
   * @param bytes how much, more than 0
   * @return the memory, to be closed
   */
  Chunk chunk(int bytes);

  /** Gives up everything that is still open. */
  @Override
  void close();

  /**
   * A name in a directory.
   *
   * @param text the name alone
   * @param isDirectory whether it is a directory's; false for a link to one
   */
  record Name(String text, boolean isDirectory) {}

  /** What a path names. */
  sealed interface Found {}

  /**
   * A regular file.
   *
   * @param file open, to be closed
   */
  record Regular(OpenFile file) implements Found {}

  /** What is no regular file. */
  enum Special implements Found {
    /** A directory. */
    DIRECTORY,
    /** A symbolic link. */
    LINK,
    /** A device, a pipe, a socket: never opened, as opening it may wait for ever. */
    OTHER
  }
}
