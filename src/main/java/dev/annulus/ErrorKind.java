package dev.annulus;

import dev.annulus.internal.driver.Errno;
import java.io.EOFException;
import java.io.InterruptedIOException;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.NonReadableChannelException;
import java.nio.channels.NonWritableChannelException;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.AccessDeniedException;
import java.nio.file.AtomicMoveNotSupportedException;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.nio.file.ReadOnlyFileSystemException;
import java.util.Objects;
import java.util.concurrent.CancellationException;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

/** The kinds of failure a program may want to tell apart, whatever the backend. */
public enum ErrorKind {
  /** No such file or directory ({@code ENOENT}). */
  NOT_FOUND,
  /** The name is taken ({@code EEXIST}). */
  ALREADY_EXISTS,
  /** {@code EACCES} or {@code EPERM}. */
  PERMISSION_DENIED,
  /** {@code EINTR}; the library repeats such operations, so this is rare. */
  INTERRUPTED,
  /** An argument or a descriptor the operation cannot be done with ({@code EINVAL}, {@code EBADF}). */
  INVALID_INPUT,
  /** The file's contents are not what they must be. */
  INVALID_DATA,
  /** Not possible at once: {@code EAGAIN}, or no room in the queue of a runtime that refuses when full. */
  WOULD_BLOCK,
  /** The file system or system does not know the operation ({@code EOPNOTSUPP}, {@code ENOSYS}). */
  UNSUPPORTED,
  /** A rename or link from one file system to another ({@code EXDEV}). */
  CROSSES_DEVICES,
  /** The file ended before everything asked for was read. */
  UNEXPECTED_EOF,
  /** The device or the quota is full ({@code ENOSPC}, {@code EDQUOT}). */
  NO_SPACE,
  /** {@code EROFS}. */
  READ_ONLY_FILE_SYSTEM,
  /** {@code EISDIR}. */
  IS_A_DIRECTORY,
  /** {@code ENOTDIR}. */
  NOT_A_DIRECTORY,
  /** {@code ENOTEMPTY}. */
  DIRECTORY_NOT_EMPTY,
  /** The process or the system has no descriptor left ({@code EMFILE}, {@code ENFILE}). */
  TOO_MANY_OPEN_FILES,
  /** A limit on time has passed: {@link TimeoutException}, {@code ETIMEDOUT}. */
  TIMED_OUT,
  /** Given up by whoever wanted it: {@link CancellationException}, {@code ECANCELED}. */
  CANCELLED,
  /** The runtime, file or channel is closed, or was while the operation was under way. */
  CLOSED,
  /** Anything else; {@link ErrnoException#errno()} says what. */
  OTHER;

  /**
   * The kind of a failure: of the first throwable in its cause chain that tells, so that the wrappers futures put around it do
   * not matter. Knows this library's exceptions, those of {@code java.nio.file}, and those thrown for bad arguments.
   *
   * @param failure what was thrown or what a future failed with
   * @return its kind, {@link #OTHER} if nothing in the chain tells
   */
  public static ErrorKind of(Throwable failure) {
    Objects.requireNonNull(failure, "failure");
    ErrorKind guess = null;
    Throwable t = failure;
    for (int depth = 0; t != null && depth < 64; depth++, t = t.getCause()) {
      if (t instanceof ErrnoException errno) {
        return errno.kind();
      }
      if (guess == null) {
        guess = ofType(t);
      }
    }
    return guess == null ? OTHER : guess;
  }

  /** The kind of a Linux error number. */
  static ErrorKind ofErrno(int errno) {
    return switch (errno) {
      case Errno.EPERM, Errno.EACCES -> PERMISSION_DENIED;
      case Errno.ENOENT -> NOT_FOUND;
      case Errno.EINTR -> INTERRUPTED;
      case Errno.EBADF, Errno.EINVAL -> INVALID_INPUT;
      case Errno.EAGAIN -> WOULD_BLOCK;
      case Errno.EEXIST -> ALREADY_EXISTS;
      case Errno.EXDEV -> CROSSES_DEVICES;
      case Errno.ENOTDIR -> NOT_A_DIRECTORY;
      case Errno.EISDIR -> IS_A_DIRECTORY;
      case Errno.ENFILE, Errno.EMFILE -> TOO_MANY_OPEN_FILES;
      case Errno.ENOSPC, Errno.EDQUOT -> NO_SPACE;
      case Errno.EROFS -> READ_ONLY_FILE_SYSTEM;
      case Errno.ENOSYS, Errno.EOPNOTSUPP -> UNSUPPORTED;
      case Errno.ENOTEMPTY -> DIRECTORY_NOT_EMPTY;
      case Errno.EILSEQ -> INVALID_DATA;
      case Errno.ETIMEDOUT -> TIMED_OUT;
      case Errno.ECANCELED -> CANCELLED;
      default -> OTHER;
    };
  }

  private static @Nullable ErrorKind ofType(Throwable t) {
    return switch (t) {
      case NoSuchFileException _ -> NOT_FOUND;
      case FileAlreadyExistsException _ -> ALREADY_EXISTS;
      case AccessDeniedException _ -> PERMISSION_DENIED;
      case NotDirectoryException _ -> NOT_A_DIRECTORY;
      case AtomicMoveNotSupportedException _ -> CROSSES_DEVICES;
      case DirectoryNotEmptyException _ -> DIRECTORY_NOT_EMPTY;
      case ReadOnlyFileSystemException _ -> READ_ONLY_FILE_SYSTEM;
      case EOFException _ -> UNEXPECTED_EOF;
      case InterruptedIOException _ -> INTERRUPTED;
      case InterruptedException _ -> INTERRUPTED;
      case TimeoutException _ -> TIMED_OUT;
      case CancellationException _ -> CANCELLED;
      case ClosedChannelException _ -> CLOSED;
      case NonReadableChannelException _ -> INVALID_INPUT;
      case NonWritableChannelException _ -> INVALID_INPUT;
      case OverlappingFileLockException _ -> WOULD_BLOCK;
      // Full, or closed: trying again helps only with the first.
      case RejectedExecutionException e -> e.getCause() instanceof ClosedChannelException ? CLOSED : WOULD_BLOCK;
      case UnsupportedOperationException _ -> UNSUPPORTED;
      case IllegalArgumentException _ -> INVALID_INPUT;
      default -> null;
    };
  }
}
