package tour;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.function.Function;

/**
 * Files and directories that are not to outlive the program: removed when this is closed, which the JVM's shutdown does too, as
 * after Ctrl-C. What this program did not create is never in here.
 */
final class Leftovers implements AutoCloseable {
  /** Creates a file or directory, failing if it is there. */
  interface Creation<T> {
    T create() throws IOException;
  }

  /** Moves a file to another name. */
  interface Move {
    void move() throws IOException;
  }

  /** Latest first: a directory's files go before it. */
  private final Deque<Path> paths = new ArrayDeque<>();

  private boolean closed;

  Leftovers() {
    Runtime.getRuntime().addShutdownHook(new Thread(this::closeAtShutdown, "tour-cleanup"));
  }

  /** Creates and notes, with no moment in between at which Ctrl-C would miss it. */
  synchronized <T> T create(Creation<T> creation, Function<T, Path> pathOf) throws IOException {
    checkOpen();
    T created = creation.create();
    paths.push(pathOf.apply(created));
    return created;
  }

  /** Moves what was created here, likewise. */
  synchronized void move(Path from, Path to, Move move) throws IOException {
    checkOpen();
    move.move();
    paths.remove(from);
    paths.push(to);
  }

  /** Lets a path stay. */
  synchronized void keep(Path path) {
    paths.remove(path);
  }

  /** Removes everything that is left. */
  @Override
  public synchronized void close() throws IOException {
    closed = true;
    while (!paths.isEmpty()) {
      Files.deleteIfExists(paths.pop());
    }
  }

  private synchronized void closeAtShutdown() {
    if (paths.isEmpty()) {
      return;
    }
    System.err.printf("%ntour: ended early; what it wrote is removed%n");
    try {
      close();
    } catch (IOException e) {
      System.err.println(Complaint.of(e));
    }
  }

  private void checkOpen() throws IOException {
    if (closed) {
      throw new IOException("interrupted");
    }
  }
}
