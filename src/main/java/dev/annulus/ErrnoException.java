package dev.annulus;

import dev.annulus.internal.driver.Errno;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * An operation failed with an error number of the operating system. Thrown itself by operations on open files; the cause of the
 * {@link java.nio.file.FileSystemException} that operations on paths throw.
 *
 * <p>The numbers are Linux's, with either backend and on every system.
 */
public final class ErrnoException extends IOException {
  private static final long serialVersionUID = 1L;

  private final int errno;
  private final String operation;

  private ErrnoException(int errno, String operation, String message) {
    super(message);
    this.errno = errno;
    this.operation = operation;
  }

  /**
   * An exception for a failed operation.
   *
   * @param errno the error number, positive
   * @param operation the name of what failed, such as {@code fsync}
   * @param path the file it failed on, if there is one
   * @param detail what more there is to say, such as the position; may be empty
   * @return the exception, with a message that names all of these, the symbol of the number and a remedy where one is known
   */
  public static ErrnoException of(int errno, String operation, @Nullable Path path, String detail) {
    return of(errno, operation, path, detail, remedy(errno));
  }

  /** As {@link #of(int, String, Path, String)}, with what is known of the remedy in this case. */
  static ErrnoException of(int errno, String operation, @Nullable Path path, String detail, String remedy) {
    Objects.requireNonNull(operation, "operation");
    StringBuilder message = new StringBuilder(operation);
    if (path != null) {
      message.append(" of ").append(path);
    }
    if (!detail.isEmpty()) {
      message.append(' ').append(detail);
    }
    message.append(" failed: ").append(reason(errno, remedy));
    return new ErrnoException(errno, operation, message.toString());
  }

  /**
   * The error number.
   *
   * @return the number, positive, such as 28
   */
  public int errno() {
    return errno;
  }

  /**
   * The number's symbol.
   *
   * @return the symbol, such as {@code ENOSPC}
   */
  public String symbol() {
    return Errno.symbol(errno);
  }

  /**
   * What kind of failure this is.
   *
   * @return the kind
   */
  public ErrorKind kind() {
    return ErrorKind.ofErrno(errno);
  }

  /**
   * What failed.
   *
   * @return the name of the operation, in the kernel's words, such as {@code read} or {@code fsync}
   */
  public String operation() {
    return operation;
  }

  /** Symbol, number, text and remedy. */
  static String reason(int errno, String remedy) {
    return Errno.symbol(errno) + " (errno " + errno + ", " + Errno.text(errno) + ")" + remedy;
  }

  /** What to do about it, where that is known from the number alone; else nothing. */
  static String remedy(int errno) {
    return switch (errno) {
      case Errno.EMFILE -> "; close files, or raise the process's limit (ulimit -n)";
      case Errno.ENFILE -> "; the whole system is out of descriptors (fs.file-max)";
      case Errno.ENOSPC -> "; free space on the device";
      case Errno.EDQUOT -> "; the user's quota is used up";
      case Errno.EFBIG -> "; the file system's or the process's largest file (ulimit -f) is reached";
      case Errno.EXDEV -> "; source and target are on different file systems: copy instead";
      case Errno.EROFS -> "; the file system is mounted read-only";
      default -> "";
    };
  }
}
