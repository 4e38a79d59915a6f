package dev.annulus;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.annulus.internal.driver.Errno;
import java.io.EOFException;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.io.UncheckedIOException;
import java.nio.channels.AsynchronousCloseException;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.NonReadableChannelException;
import java.nio.channels.NonWritableChannelException;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.AccessDeniedException;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.FileSystemLoopException;
import java.nio.file.InvalidPathException;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import java.nio.file.ReadOnlyFileSystemException;
import java.util.Map;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeoutException;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

class ErrorKindTest {
  /** Linux's numbers (asm-generic/errno-base.h and errno.h), written out so that nothing is compared with itself. */
  private static final Map<Integer, ErrorKind> KINDS =
      Map.ofEntries(
          Map.entry(1, ErrorKind.PERMISSION_DENIED), // EPERM
          Map.entry(2, ErrorKind.NOT_FOUND), // ENOENT
          Map.entry(4, ErrorKind.INTERRUPTED), // EINTR
          Map.entry(9, ErrorKind.INVALID_INPUT), // EBADF
          Map.entry(11, ErrorKind.WOULD_BLOCK), // EAGAIN
          Map.entry(13, ErrorKind.PERMISSION_DENIED), // EACCES
          Map.entry(17, ErrorKind.ALREADY_EXISTS), // EEXIST
          Map.entry(18, ErrorKind.CROSSES_DEVICES), // EXDEV
          Map.entry(20, ErrorKind.NOT_A_DIRECTORY), // ENOTDIR
          Map.entry(21, ErrorKind.IS_A_DIRECTORY), // EISDIR
          Map.entry(22, ErrorKind.INVALID_INPUT), // EINVAL
          Map.entry(23, ErrorKind.TOO_MANY_OPEN_FILES), // ENFILE
          Map.entry(24, ErrorKind.TOO_MANY_OPEN_FILES), // EMFILE
          Map.entry(28, ErrorKind.NO_SPACE), // ENOSPC
          Map.entry(30, ErrorKind.READ_ONLY_FILE_SYSTEM), // EROFS
          Map.entry(38, ErrorKind.UNSUPPORTED), // ENOSYS
          Map.entry(39, ErrorKind.DIRECTORY_NOT_EMPTY), // ENOTEMPTY
          Map.entry(84, ErrorKind.INVALID_DATA), // EILSEQ
          Map.entry(95, ErrorKind.UNSUPPORTED), // EOPNOTSUPP
          Map.entry(110, ErrorKind.TIMED_OUT), // ETIMEDOUT
          Map.entry(122, ErrorKind.NO_SPACE), // EDQUOT
          Map.entry(125, ErrorKind.CANCELLED)); // ECANCELED

  @Test
  @DisplayName("E1 each error number has its kind, and all others OTHER")
  void ofErrno_everyNumber_givesItsKind() {
    for (int errno = 1; errno <= 4095; errno++) {
      ErrorKind expected = KINDS.getOrDefault(errno, ErrorKind.OTHER);
      assertEquals(expected, ErrorKind.ofErrno(errno), "errno " + errno);
      ErrnoException exception = ErrnoException.of(errno, "read", null, "");
      assertEquals(expected, exception.kind(), "errno " + errno);
      assertEquals(expected, ErrorKind.of(exception), "errno " + errno);
    }
  }

  @Test
  @DisplayName("E1 symbol, number, operation, path and detail are in the exception and its message")
  void errnoException_ofParts_tellsThemAll() {
    ErrnoException exception = ErrnoException.of(28, "write", Path.of("/data/log"), "(7 bytes at position 42)");
    assertEquals(28, exception.errno());
    assertEquals("ENOSPC", exception.symbol());
    assertEquals("write", exception.operation());
    assertEquals(ErrorKind.NO_SPACE, exception.kind());
    assertEquals(
        "write of /data/log (7 bytes at position 42) failed: ENOSPC (errno 28, No space left on device);"
            + " free space on the device",
        exception.getMessage());
    assertNull(exception.getCause());
    ErrnoException bare = ErrnoException.of(4000, "nop", null, "");
    assertEquals("E4000", bare.symbol());
    assertEquals("nop failed: E4000 (errno 4000, Unknown error 4000)", bare.getMessage());
  }

  @Test
  void symbol_ofKnownNumbers_isTheKernelsName() {
    Map<Integer, String> symbols =
        Map.of(1, "EPERM", 2, "ENOENT", 5, "EIO", 11, "EAGAIN", 17, "EEXIST", 22, "EINVAL", 95, "EOPNOTSUPP", 133, "EHWPOISON");
    symbols.forEach((errno, symbol) -> assertEquals(symbol, ErrnoException.of(errno, "x", null, "").symbol()));
    assertEquals(28, Errno.ofText("No space left on device"));
  }

  @Test
  void of_typesOfTheJdk_givesTheirKinds() {
    Map<Throwable, ErrorKind> kinds =
        Map.ofEntries(
            Map.entry(new NoSuchFileException("f"), ErrorKind.NOT_FOUND),
            Map.entry(new FileAlreadyExistsException("f"), ErrorKind.ALREADY_EXISTS),
            Map.entry(new AccessDeniedException("f"), ErrorKind.PERMISSION_DENIED),
            Map.entry(new NotDirectoryException("f"), ErrorKind.NOT_A_DIRECTORY),
            Map.entry(new DirectoryNotEmptyException("f"), ErrorKind.DIRECTORY_NOT_EMPTY),
            Map.entry(new ReadOnlyFileSystemException(), ErrorKind.READ_ONLY_FILE_SYSTEM),
            Map.entry(new EOFException(), ErrorKind.UNEXPECTED_EOF),
            Map.entry(new InterruptedIOException(), ErrorKind.INTERRUPTED),
            Map.entry(new InterruptedException(), ErrorKind.INTERRUPTED),
            Map.entry(new ClosedChannelException(), ErrorKind.CLOSED),
            Map.entry(new AsynchronousCloseException(), ErrorKind.CLOSED),
            Map.entry(new NonReadableChannelException(), ErrorKind.INVALID_INPUT),
            Map.entry(new NonWritableChannelException(), ErrorKind.INVALID_INPUT),
            Map.entry(new OverlappingFileLockException(), ErrorKind.WOULD_BLOCK),
            Map.entry(new RejectedExecutionException(), ErrorKind.WOULD_BLOCK),
            Map.entry(new UnsupportedOperationException(), ErrorKind.UNSUPPORTED),
            Map.entry(new IllegalArgumentException(), ErrorKind.INVALID_INPUT),
            Map.entry(new InvalidPathException("a", "b"), ErrorKind.INVALID_INPUT),
            Map.entry(new FileSystemLoopException("f"), ErrorKind.OTHER),
            Map.entry(new FileSystemException("f"), ErrorKind.OTHER),
            Map.entry(new CancellationException(), ErrorKind.CANCELLED),
            Map.entry(new TimeoutException(), ErrorKind.TIMED_OUT),
            Map.entry(new RejectedExecutionException("closed", new ClosedChannelException()), ErrorKind.CLOSED),
            Map.entry(new IOException(), ErrorKind.OTHER),
            Map.entry(new Throwable(), ErrorKind.OTHER));
    kinds.forEach((failure, kind) -> assertEquals(kind, ErrorKind.of(failure), failure::toString));
  }

  @Test
  void of_wrapped_looksThroughTheWrappers() {
    IOException errno = ErrnoException.of(17, "mkdir", Path.of("d"), "");
    FileSystemException onPath = new NoSuchFileException("d");
    assertEquals(ErrorKind.NOT_FOUND, ErrorKind.of(new CompletionException(onPath)));
    assertEquals(ErrorKind.NOT_FOUND, ErrorKind.of(new ExecutionException(new UncheckedIOException(onPath))));
    onPath.initCause(errno);
    assertEquals(ErrorKind.ALREADY_EXISTS, ErrorKind.of(new CompletionException(onPath)), "the number tells more than the type");
    assertEquals(ErrorKind.ALREADY_EXISTS, ErrorKind.of(new IOException("an earlier sync failed", errno)));
    assertEquals(
        ErrorKind.CLOSED,
        ErrorKind.of(new IllegalStateException("closed", new ClosedChannelException())));
  }

  @Test
  @SuppressWarnings("NullAway") // what nobody should pass
  void of_oddChains_ends() {
    Throwable a = new IOException("a");
    Throwable b = new IOException("b", a);
    a.initCause(b);
    assertEquals(ErrorKind.OTHER, ErrorKind.of(a));
    assertThrows(NullPointerException.class, () -> ErrorKind.of(null));
  }

  @Test
  void kinds_ofTheTable_coverAllThatComeFromNumbers() {
    for (ErrorKind kind : ErrorKind.values()) {
      boolean fromNumber = kind != ErrorKind.UNEXPECTED_EOF && kind != ErrorKind.CLOSED && kind != ErrorKind.OTHER;
      assertEquals(fromNumber, KINDS.containsValue(kind), kind::toString);
    }
    assertTrue(KINDS.size() >= 20);
  }
}
