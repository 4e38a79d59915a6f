package dev.annulus.fs;

import static java.util.concurrent.TimeUnit.SECONDS;
import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.annulus.ErrnoException;
import dev.annulus.ErrorKind;
import dev.annulus.IoRuntime;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.function.Executable;

/** What every part of the contract works with: a runtime, a facade on it, an empty directory, and words to say things in. */
interface FsFixture {
  /** Makes the runtimes under test: chooses the backend. */
  IoRuntime.Builder configure(IoRuntime.Builder builder);

  /** How the facades under test wait. */
  Blocking mode();

  IoRuntime runtime();

  Fs fs();

  /** A directory that is empty when a test begins. */
  Path dir();

  default Path path(String name) {
    return dir().resolve(name);
  }

  /** A file for reading and writing, made if need be. */
  default FsFile updating(String name) throws IOException {
    return fs().open(path(name), FsOpenOptions.updating());
  }

  /** A file with these contents, made without the facade. */
  default Path fileOf(String name, String contents) throws IOException {
    return Files.writeString(path(name), contents);
  }

  /** A directory with one in it, made without the facade. */
  default Path directoryWith(String name, String child) throws IOException {
    Files.createDirectories(path(name).resolve(child));
    return path(name);
  }

  /** A named pipe. */
  default Path fifo(String name) throws Exception {
    Process mkfifo = new ProcessBuilder("mkfifo", path(name).toString()).inheritIO().start();
    assertTrue(mkfifo.waitFor(10, SECONDS) && mkfifo.exitValue() == 0, "mkfifo");
    return path(name);
  }

  /**
   * Has something done on the runtime's own thread: in a dependent of a future. Where the future completes before it gets its
   * dependent, that runs here instead; then tries again.
   */
  default <T> T onRuntimeThread(Callable<T> call) {
    Callable<Optional<T>> attempt =
        () ->
            runtime()
                .nop()
                .thenApply(_ -> runtime().isRuntimeThread() ? Optional.of(called(call)) : Optional.<T>empty())
                .get(10, SECONDS);
    return await()
        .atMost(Duration.ofSeconds(20))
        .pollDelay(Duration.ZERO)
        .pollInterval(Duration.ofMillis(1))
        .until(attempt, Optional::isPresent)
        .orElseThrow();
  }

  private static <T> T called(Callable<T> call) {
    try {
      return call.call();
    } catch (Exception e) {
      throw new CompletionException(e);
    }
  }

  /** What a call throws, having seen that it is of the kind and of exactly the type expected, and holds an error number. */
  static IOException assertFails(ErrorKind kind, Class<? extends IOException> type, Executable call) {
    IOException thrown = assertFails(kind, call);
    assertEquals(type, thrown.getClass());
    ErrnoException errno = errnoOf(thrown);
    assertTrue(errno.errno() > 0, () -> "errno of " + errno);
    return thrown;
  }

  /** What a call throws, having seen that it is of the kind expected. */
  static IOException assertFails(ErrorKind kind, Executable call) {
    IOException thrown = assertThrows(IOException.class, call);
    assertEquals(kind, ErrorKind.of(thrown), () -> "kind of " + thrown);
    return thrown;
  }

  static ErrnoException errnoOf(Throwable failure) {
    Throwable t = failure;
    while (!(t instanceof ErrnoException) && t.getCause() != null) {
      t = t.getCause();
    }
    return assertInstanceOf(ErrnoException.class, t, () -> "in the cause chain of " + failure);
  }

  static ByteBuffer bytes(String text) {
    return ByteBuffer.wrap(text.getBytes(StandardCharsets.UTF_8));
  }

  /** What is between the buffer's start and its position. */
  static String textBefore(ByteBuffer buffer) {
    ByteBuffer view = buffer.duplicate().flip();
    return StandardCharsets.UTF_8.decode(view).toString();
  }

  static String textAt(FsFile file, long offset, int length) throws IOException {
    ByteBuffer buffer = ByteBuffer.allocate(length);
    int count = file.readAt(buffer, offset);
    assertEquals(count, buffer.position());
    return textBefore(buffer);
  }

  /** Reads once at the cursor. */
  static String textNext(FsFile file, int length) throws IOException {
    ByteBuffer buffer = ByteBuffer.allocate(length);
    int count = file.read(buffer);
    assertEquals(Math.max(0, count), buffer.position());
    return textBefore(buffer);
  }

  /** Runs all at the same time, a thread each, and waits for all; throws what the first failed with. */
  static void together(boolean virtual, List<? extends Callable<?>> calls) throws Exception {
    try (ExecutorService threads =
        virtual ? Executors.newVirtualThreadPerTaskExecutor() : Executors.newFixedThreadPool(calls.size())) {
      List<Future<?>> ends = new ArrayList<>();
      for (Callable<?> call : calls) {
        ends.add(threads.submit(call));
      }
      for (Future<?> end : ends) {
        Object ignored = end.get(50, SECONDS);
      }
    }
  }
}
