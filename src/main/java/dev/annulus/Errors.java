package dev.annulus;

import dev.annulus.internal.driver.Errno;
import dev.annulus.internal.driver.OpenFlag;
import dev.annulus.internal.driver.Operation;
import java.io.IOException;
import java.nio.channels.AsynchronousCloseException;
import java.nio.file.AccessDeniedException;
import java.nio.file.AtomicMoveNotSupportedException;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.FileSystemLoopException;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import java.util.concurrent.RejectedExecutionException;
import org.jspecify.annotations.Nullable;

/** Turns the error numbers of the seam into the exceptions a {@code java.nio.file} user expects. */
final class Errors {
  private Errors() {}

  /**
   * Has every class loaded that an error needs. Without this, the first failure of a process that is out of descriptors could not be
   * told: its class files could not be opened.
   */
  static void prepare() {
    IOException _ = onFile(new Operation.Sync(0, true), Path.of(""), Errno.EMFILE);
    IOException _ = onPath(new Operation.Remove(Path.of(""), false), Path.of(""), null, Errno.EMFILE);
    ErrorKind _ = ErrorKind.ofErrno(Errno.EMFILE);
  }

  /** For an operation on an open file. */
  static IOException onFile(Operation operation, Path path, int errno) {
    return ErrnoException.of(errno, operation.name(), path, detail(operation));
  }

  /** As {@link #onFile(Operation, Path, int)}, with what is known of the remedy in this case. */
  static IOException onFile(Operation operation, Path path, int errno, String remedy) {
    return ErrnoException.of(errno, operation.name(), path, detail(operation), remedy);
  }

  /** For an operation on one or two paths. The cause is always the {@link ErrnoException}. */
  static IOException onPath(Operation operation, Path path, @Nullable Path other, int errno) {
    String file = path.toString();
    String second = other == null ? null : other.toString();
    String remedy = remedy(operation, errno);
    String reason = operation.name() + ": " + ErrnoException.reason(errno, remedy);
    FileSystemException exception =
        switch (errno) {
          case Errno.ENOENT -> new NoSuchFileException(file, second, reason);
          case Errno.EEXIST -> new FileAlreadyExistsException(second == null ? file : second, null, reason);
          case Errno.EACCES, Errno.EPERM -> new AccessDeniedException(file, second, reason);
          case Errno.ENOTDIR -> new NotDirectoryException(file);
          case Errno.ENOTEMPTY -> new DirectoryNotEmptyException(second == null ? file : second);
          case Errno.ELOOP -> new FileSystemLoopException(file);
          case Errno.EXDEV ->
              operation instanceof Operation.Rename
                  ? new AtomicMoveNotSupportedException(file, second, reason)
                  : new FileSystemException(file, second, reason);
          default -> new FileSystemException(file, second, reason);
        };
    exception.initCause(
        ErrnoException.of(errno, operation.name(), path, other == null ? "" : "and " + other, remedy));
    return exception;
  }

  private static String remedy(Operation operation, int errno) {
    if (operation instanceof Operation.Sync) {
      return ErrnoException.remedy(errno)
          + "; names made, changed or removed in the directory before may not be on stable storage";
    }
    boolean direct = operation instanceof Operation.Open open && open.flags().contains(OpenFlag.DIRECT);
    return direct && errno == Errno.EINVAL
        ? "; the file system may not know direct I/O: open the file without " + IoOpenOption.DIRECT
        : ErrnoException.remedy(errno);
  }

  /** A failure for one future, from a cause that many share: its stack trace will be set where it is thrown. */
  static Throwable ofOwn(Throwable shared) {
    return switch (shared) {
      case RejectedExecutionException e -> new RejectedExecutionException(e.getMessage(), e.getCause());
      case IOException e -> new IOException(e.getMessage(), e);
      default -> shared;
    };
  }

  /** For an operation that the kernel, or a thread in it, still holds. */
  static IOException abandoned(Operation operation, Path path, Throwable shared) {
    return unknown(operation, path, "was abandoned", shared);
  }

  /** For an operation whose runtime is closed though it could not be ended: it was begun, or not. */
  static Throwable givenUp(Operation operation, Path path, Throwable shared) {
    return shared instanceof RejectedExecutionException ? ofOwn(shared) : unknown(operation, path, "was given up", shared);
  }

  private static IOException unknown(Operation operation, Path path, String end, Throwable shared) {
    // Not the exception of those that were never begun.
    Throwable cause =
        shared instanceof RejectedExecutionException
            ? new IOException(shared.getMessage(), new AsynchronousCloseException())
            : shared;
    return new IOException(what(operation, path) + " " + end + ": " + cause.getMessage() + ". " + consequence(operation), cause);
  }

  private static String consequence(Operation operation) {
    return switch (operation) {
      case Operation.Read _, Operation.ReadVector _ ->
          "Bytes may yet land in its memory, which must not be used again";
      case Operation.Write _, Operation.WriteVector _ ->
          "Its bytes may be in the file, or land there yet; its memory must not be changed";
      default -> "It may have been done, or be done yet";
    };
  }

  /** For those who wait for a file to be closed whose operation was abandoned. */
  static IOException notClosed(Path path, Throwable cause) {
    return new IOException("close of " + path + ": its descriptor stays open, as an operation on it has not ended", cause);
  }

  /** An operation in words: its name, the path, and where in the file. */
  static String what(Operation operation, Path path) {
    String detail = detail(operation);
    String file = path.toString();
    return operation.name() + (file.isEmpty() ? "" : " of " + file) + (detail.isEmpty() ? "" : " " + detail);
  }

  private static String detail(Operation operation) {
    return switch (operation) {
      case Operation.Read read -> range(read.offset(), read.length());
      case Operation.Write write when write.offset() == Operation.AT_END_OF_FILE -> "(" + write.length() + " bytes at the end)";
      case Operation.Write write -> range(write.offset(), write.length());
      case Operation.ReadVector vector -> "(" + vector.pieces().size() + " buffers at position " + vector.offset() + ")";
      case Operation.WriteVector vector -> "(" + vector.pieces().size() + " buffers at position " + vector.offset() + ")";
      case Operation.Truncate truncate -> "(to " + truncate.size() + " bytes)";
      case Operation.Allocate allocate -> "(" + allocate.length() + " bytes at position " + allocate.offset() + ")";
      default -> "";
    };
  }

  private static String range(long offset, int length) {
    return "(" + length + " bytes at position " + offset + ")";
  }
}
