package dev.annulus.adapter.lucene;

import static java.nio.file.StandardOpenOption.READ;
import static java.nio.file.StandardOpenOption.WRITE;
import static java.util.concurrent.TimeUnit.SECONDS;
import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.annulus.AsyncFile;
import dev.annulus.Backend;
import dev.annulus.IoFuture;
import dev.annulus.IoRuntime;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Random;
import org.apache.lucene.store.FSLockFactory;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A runtime for one operation at a time, which a test can hold up; files with known contents; a directory. */
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
abstract class DirectoryFixture {
  static final Duration PATIENCE = Duration.ofSeconds(20);
  static final int BLOCK = ReadSizes.withPrefetchMemory(0).block();

  @SuppressWarnings("NullAway.Init") // the test framework
  @TempDir
  Path dir;

  final IoRuntime runtime = IoRuntime.builder().backend(backend()).inlineReads(false).maxInFlight(1).open();

  abstract Backend backend();

  @AfterEach
  final void closeRuntime() {
    runtime.close();
    assertEquals(0, runtime.stats().inFlight(), "operations in flight after close");
    assertEquals(0, runtime.stats().staleCompletions(), "completions that belong to nothing");
  }

  final AnnulusDirectory directory(long maxPrefetchBytes) throws IOException {
    return new AnnulusDirectory(dir, FSLockFactory.getDefault(), runtime, maxPrefetchBytes);
  }

  final byte[] file(String name, int length, long seed) throws IOException {
    byte[] contents = contents(length, seed);
    Files.write(dir.resolve(name), contents);
    return contents;
  }

  static byte[] contents(int length, long seed) {
    byte[] contents = new byte[length];
    new Random(seed).nextBytes(contents);
    return contents;
  }

  /** Waits until the runtime has nothing to do, and has told everyone: it has one place, and what comes last has it last. */
  final void awaitIdle() {
    await().atMost(PATIENCE).until(() -> runtime.stats().inFlight() == 0 && runtime.stats().queued() == 0);
    runtime.nop().orTimeout(20, SECONDS).join();
  }

  static void assertSays(String part, Throwable failure) {
    assertTrue(String.valueOf(failure.getMessage()).contains(part), failure.toString());
  }

  static void awaitNoneInUse(AnnulusDirectory directory) {
    await().atMost(PATIENCE).until(() -> directory.prefetchBlocksInUse() == 0);
  }

  /** A named pipe, open both ways. */
  final AsyncFile pipe() throws Exception {
    Path path = dir.resolve("pipe-" + System.nanoTime());
    Process process = new ProcessBuilder("mkfifo", path.toString()).inheritIO().start();
    assertEquals(0, process.waitFor(), "mkfifo");
    return Waiting.await(runtime, runtime.openFile(path, READ, WRITE));
  }

  /** Opened both ways, since to open it for writing alone would wait for a reader. */
  static void feed(AsyncFile pipe, int bytes) throws IOException {
    try (FileChannel writer = FileChannel.open(pipe.path(), READ, WRITE)) {
      assertEquals(bytes, writer.write(ByteBuffer.allocate(bytes)));
    }
  }

  /** Keeps the runtime's one place taken until it is closed, by a read of an empty pipe: whatever comes meanwhile waits. */
  final class HeldUp implements AutoCloseable {
    private final AsyncFile pipe = pipe();
    private final IoFuture<Integer> read = pipe.read(ByteBuffer.allocateDirect(1), 0);

    HeldUp() throws Exception {
      await().atMost(PATIENCE).until(() -> runtime.stats().inFlight() == 1);
    }

    @Override
    public void close() throws IOException {
      feed(pipe, 1);
      int _ = read.join();
      pipe.close();
    }
  }
}
