package dev.annulus.internal.portable;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.annulus.internal.driver.Errno;
import dev.annulus.testing.CapturedLog;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.channels.AsynchronousCloseException;
import java.nio.channels.ClosedByInterruptException;
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
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class FailuresTest {
  static Stream<Arguments> failures() {
    return Stream.of(
        Arguments.of(new NoSuchFileException("f"), Errno.ENOENT),
        Arguments.of(new FileAlreadyExistsException("f"), Errno.EEXIST),
        Arguments.of(new AccessDeniedException("f"), Errno.EACCES),
        Arguments.of(new NotDirectoryException("f"), Errno.ENOTDIR),
        Arguments.of(new DirectoryNotEmptyException("f"), Errno.ENOTEMPTY),
        Arguments.of(new FileSystemLoopException("f"), Errno.ELOOP),
        Arguments.of(new AtomicMoveNotSupportedException("f", "g", "other device"), Errno.EXDEV),
        Arguments.of(new FileSystemException("f", null, "Is a directory"), Errno.EISDIR),
        Arguments.of(new FileSystemException("f", null, "Operation not permitted"), Errno.EPERM),
        Arguments.of(new FileSystemException("f", null, "Read-only file system"), Errno.EROFS),
        Arguments.of(
            new FileSystemException(
                "f", null, "Too many levels of symbolic links or unable to access attributes of symbolic link"),
            Errno.ELOOP),
        Arguments.of(new IOException("Too many levels of symbolic links (NOFOLLOW_LINKS specified)"), Errno.ELOOP),
        Arguments.of(new FileSystemException("f"), Errno.EIO),
        Arguments.of(new IOException("No space left on device"), Errno.ENOSPC),
        Arguments.of(new IOException("File too large"), Errno.EFBIG),
        Arguments.of(new IOException("Invalid argument"), Errno.EINVAL),
        Arguments.of(
            new IOException("Channel position (5) is not a multiple of the block size (4096)"), Errno.EINVAL),
        Arguments.of(new IOException("what no system says"), Errno.EIO),
        Arguments.of(new IOException((String) null), Errno.EIO),
        Arguments.of(new ClosedChannelException(), Errno.EBADF),
        Arguments.of(new AsynchronousCloseException(), Errno.ECANCELED),
        Arguments.of(new ClosedByInterruptException(), Errno.ECANCELED),
        Arguments.of(new NotLinkException("f"), Errno.EINVAL),
        Arguments.of(new UnsupportedOperationException(), Errno.EOPNOTSUPP),
        Arguments.of(new IllegalArgumentException(), Errno.EINVAL),
        Arguments.of(new UncheckedIOException(new IOException("Disk quota exceeded")), Errno.EDQUOT),
        Arguments.of(new NonReadableChannelException(), Errno.EBADF),
        Arguments.of(new NonWritableChannelException(), Errno.EBADF),
        Arguments.of(new OverlappingFileLockException(), Errno.EAGAIN),
        Arguments.of(new UncheckedIOException(new NoSuchFileException("f")), Errno.ENOENT),
        Arguments.of(new DirectoryIteratorException(new IOException("Input/output error")), Errno.EIO),
        Arguments.of(new WrongThreadException(), Errno.EFAULT),
        Arguments.of(new IllegalStateException("Already closed"), Errno.EFAULT),
        Arguments.of(new OutOfMemoryError("test"), Errno.ENOMEM),
        Arguments.of(new StackOverflowError("test"), Errno.ENOMEM));
  }

  @ParameterizedTest
  @MethodSource("failures")
  void errno_ofFailure_isTheSystemsNumber(Throwable failure, int errno) {
    assertEquals(errno, Failures.errno(failure));
  }

  /** Nothing says what it means: whoever runs the program is told. */
  @Test
  void errno_ofWhatNobodyExpects_isAnErrorOfTheDevice_andLogged() {
    try (CapturedLog log = new CapturedLog()) {
      assertEquals(Errno.EIO, Failures.errno(new ArithmeticException("by the test")));
      assertEquals(1, log.messagesWith("unexpected way").size());
      assertEquals(Errno.EIO, Failures.errno(new IOException("what no system says")));
      assertEquals(1, log.messagesWith("unexpected way").size());
    }
  }
}
