package dev.annulus;

import static java.nio.file.StandardOpenOption.READ;
import static java.nio.file.StandardOpenOption.WRITE;
import static java.util.concurrent.TimeUnit.SECONDS;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.annulus.internal.driver.Errno;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.FutureTask;
import java.util.concurrent.atomic.AtomicReference;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Reads from the page cache on the calling thread: when they are, and what must not come of it. */
@Timeout(60)
class InlineReadsTest {
  private static final int BLOCK = 4096;
  private static final int BLOCKS = 64;

  @TempDir Path dir;

  private IoRuntime runtime;
  private AsyncFile file;

  @BeforeEach
  void open() throws Exception {
    runtime = IoRuntime.builder().backend(Backend.IO_URING).open();
    file = openCached(runtime);
  }

  @AfterEach
  void close() {
    runtime.close();
  }

  @Test
  void read_ofCachedData_isCompleteWhenReturned() throws Exception {
    IoFuture<Integer> read = file.read(ByteBuffer.allocateDirect(BLOCK), 0);
    assertTrue(read.isDone());
    assertEquals(BLOCK, read.get(10, SECONDS));
    assertTrue(read.released().isDone());
    AtomicReference<Thread> dependent = new AtomicReference<>();
    read.thenRun(() -> dependent.set(Thread.currentThread())).get(10, SECONDS);
    assertSame(Thread.currentThread(), dependent.get());
    assertEquals(1, runtime.stats().inlineHits());
    assertEquals(1, runtime.stats().submitted(), "only the open went to the ring");
  }

  @Test
  void read_withInlineReadsSwitchedOff_goesToTheRing() throws Exception {
    try (IoRuntime ringOnly = IoRuntime.builder().backend(Backend.IO_URING).inlineReads(false).open()) {
      AsyncFile cached = openCached(ringOnly);
      long before = ringOnly.stats().submitted();
      for (int i = 0; i < 100; i++) {
        assertEquals(BLOCK, cached.read(ByteBuffer.allocateDirect(BLOCK), 0).get(10, SECONDS));
      }
      assertEquals(100, ringOnly.stats().submitted() - before);
      assertEquals(0, ringOnly.stats().inlineHits());
    }
  }

  @Test
  void read_atAndAcrossTheEndOfFile_isTheSameAsThroughTheRing() throws Exception {
    long end = (long) BLOCK * BLOCKS;
    assertEquals(-1, file.read(ByteBuffer.allocateDirect(10), end).get(10, SECONDS));
    assertEquals(6, file.read(ByteBuffer.allocateDirect(10), end - 6).get(10, SECONDS));
    ByteBuffer heap = ByteBuffer.allocate(BLOCK);
    assertEquals(BLOCK, file.read(heap, BLOCK).get(10, SECONDS));
    assertEquals(BLOCK, heap.position());
    assertEquals(1, heap.get(0), "block 1 is full of ones");
  }

  @Test
  void chain_ofOneHundredThousandCachedReads_doesNotOverflowTheStack() throws Exception {
    assertEquals(100_000, chain(100_000, 0).get(50, SECONDS));
    assertTrue(runtime.stats().inlineHits() > 90_000, () -> runtime.stats().toString());
    assertTrue(runtime.stats().submitted() > 1, () -> "no read broke the chain: " + runtime.stats());
  }

  @Test
  void chain_startedOnTheReaperThread_doesNotOverflowTheStack() throws Exception {
    assertEquals(100_000, runtime.nop().thenCompose(_ -> chain(100_000, 0)).get(50, SECONDS));
  }

  @Test
  void directory_whichCannotBeReadInline_failsAsThroughTheRing() throws Exception {
    AsyncFile directory = runtime.openFile(dir, READ).get(10, SECONDS);
    for (int i = 0; i < 3; i++) {
      ErrorKind kind =
          directory.read(ByteBuffer.allocateDirect(10), 0).handle((_, failure) -> ErrorKind.of(failure)).get(10, SECONDS);
      assertEquals(ErrorKind.IS_A_DIRECTORY, kind);
    }
    assertEquals(1, runtime.stats().inlineMisses(), "tried once, then known to be hopeless");
  }

  @Test
  void file_whoseReadsMiss_isNotTriedForAWhile() throws Exception {
    Path fifo = dir.resolve("fifo");
    assertEquals(0, new ProcessBuilder("mkfifo", fifo.toString()).start().waitFor());
    AsyncFile pipe = runtime.openFile(fifo, READ, WRITE).get(10, SECONDS);
    for (int i = 0; i < 50; i++) {
      pipe.write(ByteBuffer.wrap(new byte[] {(byte) i}), 0).get(10, SECONDS);
      ByteBuffer one = ByteBuffer.allocate(1);
      assertEquals(1, pipe.read(one, 0).get(10, SECONDS));
      assertEquals((byte) i, one.get(0));
    }
    assertTrue(runtime.stats().inlineMisses() <= 10, () -> runtime.stats().toString());
  }

  /** Reads one block after another, each started by the completion of the one before. */
  private CompletableFuture<Integer> chain(int length, int done) {
    if (done == length) {
      return CompletableFuture.completedFuture(done);
    }
    ByteBuffer dst = ByteBuffer.allocateDirect(1);
    return file.readFully(dst, (long) (done % BLOCKS) * BLOCK).thenCompose(_ -> chain(length, done + 1));
  }

  private AsyncFile openCached(IoRuntime on) throws Exception {
    Path path = dir.resolve("cached");
    if (!Files.exists(path)) {
      ByteBuffer contents = ByteBuffer.allocate(BLOCK * BLOCKS);
      while (contents.hasRemaining()) {
        contents.put((byte) (contents.position() / BLOCK));
      }
      Files.write(path, contents.array());
    }
    assertEquals(BLOCK * BLOCKS, Files.readAllBytes(path).length); // and it is in the page cache now
    return on.openFile(path, READ).get(10, SECONDS);
  }

  // ---- a read that is put off until its caller's stack is unwound ----

  private static final int DEEP = 1_000;

  /** It must not be begun: nobody would tell the driver again that it was given up, and it might never end. */
  @Test
  void read_putOffAndCancelledMeanwhile_isNotBegun() throws Exception {
    HandDriver hand = new HandDriver();
    hand.cached = 8;
    Policies policies = new Policies(null, true, 0, Durability.SYNC_AFTER);
    IoRuntime byHand = new IoRuntime("by-hand", Backend.IO_URING, hand, policies, Duration.ZERO);
    CompletableFuture<AsyncFile> opened = byHand.openFile(Path.of("any"), READ);
    hand.endNext(1_000_000);
    AsyncFile any = opened.get(10, SECONDS);
    int notBegun = 0;
    for (int i = 0; i < 20; i++) {
      FutureTask<IoFuture<Integer>> deep = new FutureTask<>(() -> cancelledAtDepth(DEEP, any));
      Thread _ = Thread.ofPlatform().daemon().start(deep);
      IoFuture<Integer> cancelled = deep.get(10, SECONDS);
      Awaitility.await().atMost(10, SECONDS).until(() -> cancelled.released().isDone() || !hand.requests.isEmpty());
      if (hand.requests.isEmpty()) {
        notBegun++;
      } else {
        hand.endNext(-Errno.ECANCELED); // the cancellation may have come too late
      }
    }
    assertTrue(notBegun > 0, "each was begun after it had been cancelled");
  }

  private static IoFuture<Integer> cancelledAtDepth(int frames, AsyncFile any) {
    if (frames > 0) {
      return cancelledAtDepth(frames - 1, any);
    }
    IoFuture<Integer> read = any.read(ByteBuffer.allocateDirect(8), 0);
    for (int i = 0; i < 1_000 && !read.cancel(true); i++) {
      read = any.read(ByteBuffer.allocateDirect(8), 0);
    }
    assertTrue(read.isCancelled());
    return read;
  }
}
