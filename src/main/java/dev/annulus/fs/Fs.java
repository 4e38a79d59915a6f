package dev.annulus.fs;

import dev.annulus.ErrorKind;
import dev.annulus.IoRuntime;
import java.io.IOException;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;

/**
 * A file system as a storage engine sees it: blocking calls over an {@link IoRuntime}. Safe for use by many threads.
 *
 * <p>Every call submits its operation and returns with that operation done. Failures are {@link java.io.IOException}s of the types
 * {@code java.nio.file} users expect; {@link dev.annulus.ErrorKind#of} tells their kind. Calls on a thread of the runtime's own throw
 * {@link IllegalStateException}.
 */
public interface Fs extends AutoCloseable {
  /**
   * The facade of a runtime, waiting in the cheapest way. Closing it leaves the runtime open.
   *
   * @param runtime carries out the calls
   * @return the facade
   */
  static Fs on(IoRuntime runtime) {
    return on(runtime, Blocking.ADAPTIVE);
  }

  /**
   * The facade of a runtime. Closing it leaves the runtime open.
   *
   * @param runtime carries out the calls
   * @param mode how calls wait
   * @return the facade
   */
  static Fs on(IoRuntime runtime, Blocking mode) {
    return new RuntimeFs(
        Objects.requireNonNull(runtime, "runtime"), Objects.requireNonNull(mode, "mode"), false);
  }

  /**
   * A facade with a runtime of its own, on the best backend this machine allows. Closing the facade closes the runtime.
   *
   * @return the facade
   */
  static Fs open() {
    return new RuntimeFs(IoRuntime.open(), Blocking.ADAPTIVE, true);
  }

  /**
   * Opens or creates a file. The descriptor is not inherited by child processes.
   *
   * @param path the file
   * @param options how
   * @return the open file, to be closed
   * @throws IOException if it cannot be opened; {@code IS_A_DIRECTORY} for a directory opened for writing, {@code INVALID_INPUT} for
   *     options without a meaning
   */
  FsFile open(Path path, FsOpenOptions options) throws IOException;

  /**
   * Creates a directory whose parent is there.
   *
   * @param dir the directory
   * @throws IOException {@code ALREADY_EXISTS}, {@code NOT_FOUND} if the parent is missing, or what else is the matter
   */
  void createDirectory(Path dir) throws IOException;

  /**
   * Creates a directory and the parents that are missing. One that is there already, or comes to be meanwhile, is fine.
   *
   * @param dir the directory
   * @throws IOException if something that is no directory is in the way, or for what else is the matter
   */
  void createDirectories(Path dir) throws IOException;

  /**
   * Lists a directory, without {@code .} and {@code ..} and in no order.
   *
   * @param dir the directory
   * @return its entries
   * @throws IOException {@code NOT_FOUND}, {@code NOT_A_DIRECTORY}, or what else is the matter
   */
  List<FsDirEntry> readDirectory(Path dir) throws IOException;

  /**
   * Removes a file, or a link itself.
   *
   * @param file what to remove
   * @throws IOException {@code NOT_FOUND}, {@code IS_A_DIRECTORY}, or what else is the matter
   */
  void removeFile(Path file) throws IOException;

  /**
   * Removes a file, a link itself, or an empty directory.
   *
   * <p>The facades made here leave it to the system whether a directory is empty; this default looks first, and could remove what is
   * put in it meanwhile.
   *
   * @param path what to remove
   * @throws IOException {@code NOT_FOUND}, {@code DIRECTORY_NOT_EMPTY}, or what else is the matter
   */
  default void remove(Path path) throws IOException {
    try {
      removeFile(path);
    } catch (IOException e) {
      if (ErrorKind.of(e) != ErrorKind.IS_A_DIRECTORY) {
        throw e;
      }
      if (!readDirectory(path).isEmpty()) {
        throw new DirectoryNotEmptyException(path.toString());
      }
      removeDirectoryAll(path);
    }
  }

  /**
   * Removes a directory and all in it, never following a link, not even one put in a directory's place meanwhile.
   *
   * @param dir the directory
   * @throws IOException {@code NOT_FOUND}; {@code NOT_A_DIRECTORY} for a file or a link, which stays; or what else is the matter, some
   *     of the tree then being left
   */
  void removeDirectoryAll(Path dir) throws IOException;

  /**
   * Renames, atomically replacing a file of the target's name.
   *
   * @param source what to rename
   * @param target its new name
   * @throws IOException {@code NOT_FOUND}, {@code CROSSES_DEVICES}, or what else is the matter
   */
  void rename(Path source, Path target) throws IOException;

  /**
   * Gives a file another name.
   *
   * @param link the new name, which must be free
   * @param existing the file
   * @throws IOException {@code ALREADY_EXISTS}, {@code NOT_FOUND}, or what else is the matter
   */
  void hardLink(Path link, Path existing) throws IOException;

  /**
   * Asks what a path leads to, through links.
   *
   * @param path what to ask about
   * @return the answer
   * @throws IOException {@code NOT_FOUND}, for a dangling link too, or what else is the matter
   */
  FsMetadata metadata(Path path) throws IOException;

  /**
   * Whether a path leads to something, through links. A dangling link does not.
   *
   * @param path what to ask about
   * @return whether it is there
   * @throws IOException if that cannot be found out
   */
  boolean exists(Path path) throws IOException;

  /**
   * Puts a directory on stable storage, so that names created, renamed or removed in it survive a crash.
   *
   * @param dir the directory
   * @throws IOException {@code NOT_FOUND}, {@code NOT_A_DIRECTORY}, or what else is the matter
   */
  void syncDirectory(Path dir) throws IOException;

  /** Closes the runtime, if this facade has its own. Files still open are closed with it. */
  @Override
  void close();
}
