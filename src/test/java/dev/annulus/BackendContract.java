package dev.annulus;

import static dev.annulus.Futures.get;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.OpenOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.Random;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What all contract suites share: a runtime on the backend under test, and files to use it on. */
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
abstract class BackendContract {
  @SuppressWarnings("NullAway.Init") // the test framework
  @TempDir
  Path dir;

  @SuppressWarnings("NullAway.Init") // openRuntime
  IoRuntime runtime;

  /** The backend under test. */
  abstract Backend backend();

  /** Whether reads may be answered from the page cache at once; else all of them take the long way. */
  boolean inlineReads() {
    return false;
  }

  /** The file as it is to be tested; a subclass may answer another view of it. */
  AsyncFile view(AsyncFile file) {
    return file;
  }

  @BeforeEach
  final void openRuntime() {
    runtime = builder().open();
    assertEquals(backend(), runtime.backend());
  }

  @AfterEach
  final void closeRuntime() {
    runtime.close();
    assertEquals(0, runtime.stats().inFlight(), "operations in flight after close");
    assertEquals(0, runtime.stats().staleCompletions(), "completions that belong to nothing");
  }

  final IoRuntime.Builder builder() {
    return IoRuntime.builder().backend(backend()).inlineReads(inlineReads()).closeTimeout(Duration.ofSeconds(5));
  }

  final AsyncFile open(Path path, OpenOption... options) throws Exception {
    return view(get(runtime.openFile(path, options)));
  }

  /** Writes to a pipe by other means than the file that reads it, whose channel may serve one caller at a time. */
  static void feed(Path fifo, byte[] contents) throws IOException {
    try (FileChannel writer = FileChannel.open(fifo, StandardOpenOption.WRITE)) {
      assertEquals(contents.length, writer.write(ByteBuffer.wrap(contents)));
    }
  }

  /** A new file with contents. */
  final Path file(byte[] contents) throws IOException {
    return Files.write(Files.createTempFile(dir, "file", ""), contents);
  }

  /** A path in the test's directory at which there is nothing. */
  final Path missing() {
    return dir.resolve("missing-" + System.nanoTime());
  }

  /** A named pipe: a read of it stays in flight until something is written to it. Open it for both, or opening waits too. */
  final Path fifo() throws Exception {
    Path path = dir.resolve("fifo-" + System.nanoTime());
    Process process = new ProcessBuilder("mkfifo", path.toString()).inheritIO().start();
    assertEquals(0, process.waitFor(), "mkfifo");
    return path;
  }

  final void awaitIdle(IoRuntime idle) {
    Awaitility.await().atMost(Duration.ofSeconds(10)).until(() -> idle.stats().inFlight() == 0 && idle.stats().queued() == 0);
  }

  /** Bytes that look like nothing else; the same each time for one seed. */
  static byte[] bytes(int count, long seed) {
    byte[] bytes = new byte[count];
    new Random(seed).nextBytes(bytes);
    return bytes;
  }

  static ByteBuffer direct(byte[] contents) {
    return ByteBuffer.allocateDirect(contents.length).put(contents).flip();
  }

  static ByteBuffer direct(int size) {
    return ByteBuffer.allocateDirect(size);
  }

  /** The bytes before the buffer's position, which do not move. */
  static byte[] drained(ByteBuffer buffer) {
    byte[] bytes = new byte[buffer.position()];
    buffer.duplicate().flip().get(bytes);
    return bytes;
  }
}
