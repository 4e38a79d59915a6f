package dev.annulus.internal.portable;

import dev.annulus.internal.driver.Errno;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.channels.AsynchronousCloseException;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.NonReadableChannelException;
import java.nio.channels.NonWritableChannelException;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.AccessDeniedException;
import java.nio.file.AtomicMoveNotSupportedException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.FileSystemLoopException;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.nio.file.NotLinkException;
import org.jspecify.annotations.Nullable;

/**
 * Tells the error number behind an exception of {@code java.nio}: by its type where there is one for it, else by its message, where
 * the JDK puts the system's own text for the number.
 */
final class Failures {
  private Failures() {}

  static int errno(Throwable failure) {
    return switch (failure) {
      case FileSystemException e -> ofFileSystem(e);
      case AsynchronousCloseException _ -> Errno.ECANCELED; // closed under the operation, which only closing the driver does
      case ClosedChannelException _ -> Errno.EBADF;
      case IOException e -> ofText(e.getMessage());
      case UncheckedIOException e -> errno(cause(e));
      case DirectoryIteratorException e -> errno(cause(e));
      case NonReadableChannelException _, NonWritableChannelException _ -> Errno.EBADF;
      case OverlappingFileLockException _ -> Errno.EAGAIN;
      case UnsupportedOperationException _ -> Errno.EOPNOTSUPP;
      case WrongThreadException _ -> Errno.EFAULT;
      case IllegalArgumentException _ -> Errno.EINVAL;
      case IllegalStateException _ -> Errno.EFAULT; // the memory's arena was closed
      case VirtualMachineError _ -> Errno.ENOMEM; // or want of stack
      default -> {
        Log.error("an operation failed in an unexpected way", failure, failure);
        yield Errno.EIO;
      }
    };
  }

  private static int ofFileSystem(FileSystemException failure) {
    return switch (failure) {
      case NoSuchFileException _ -> Errno.ENOENT;
      case FileAlreadyExistsException _ -> Errno.EEXIST;
      case AccessDeniedException _ -> Errno.EACCES;
      case NotDirectoryException _ -> Errno.ENOTDIR;
      case DirectoryNotEmptyException _ -> Errno.ENOTEMPTY;
      case FileSystemLoopException _ -> Errno.ELOOP;
      case AtomicMoveNotSupportedException _ -> Errno.EXDEV;
      case NotLinkException _ -> Errno.EINVAL;
      default -> ofText(failure.getReason());
    };
  }

  private static int ofText(@Nullable String text) {
    if (text == null) {
      return Errno.EIO;
    }
    if (text.contains("is not a multiple of the block size")) {
      // The JDK checks the alignment of direct I/O itself.
      return Errno.EINVAL;
    }
    if (text.startsWith(Errno.text(Errno.ELOOP))) {
      // The JDK adds to this one what it may mean.
      return Errno.ELOOP;
    }
    return Errno.ofText(text);
  }

  private static Throwable cause(Exception wrapper) {
    Throwable cause = wrapper.getCause();
    return cause == null ? new IOException(wrapper.getMessage()) : cause;
  }
}
