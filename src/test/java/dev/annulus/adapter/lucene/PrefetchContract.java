package dev.annulus.adapter.lucene;

import static java.util.concurrent.TimeUnit.SECONDS;
import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.annulus.AsyncFile;
import dev.annulus.IoRuntime;
import java.io.EOFException;
import java.io.IOException;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReferenceArray;
import org.apache.lucene.store.AlreadyClosedException;
import org.apache.lucene.store.FSLockFactory;
import org.apache.lucene.store.IOContext;
import org.apache.lucene.store.IndexInput;
import org.apache.lucene.store.RandomAccessInput;
import org.junit.jupiter.api.Test;

/** Prefetched data: who gets it, how much there may be, and that its memory is never used for two things at once. */
abstract class PrefetchContract extends DirectoryFixture {
  private static final int LENGTH = 10 * BLOCK;

  @Test
  void prefetched_thenRead_comesFromMemory_forTheInputAndAllOfItsFile() throws Exception {
    byte[] old = file("data", LENGTH, 1);
    try (AnnulusDirectory directory = directory(16L * BLOCK);
        IndexInput input = directory.openInput("data", IOContext.DEFAULT)) {
      input.prefetch(0, 3L * BLOCK);
      IndexInput slice = input.slice("end", LENGTH - 100, 100);
      slice.prefetch(0, 100);
      awaitIdle();
      // No index file changes, so only a test can tell memory from the file.
      byte[] now = contents(LENGTH, 2);
      Files.write(dir.resolve("data"), now);
      byte[] read = new byte[LENGTH];
      input.clone().readBytes(read, 0, LENGTH);
      int kept = LENGTH - 4096;
      byte[] expected = now.clone();
      System.arraycopy(old, 0, expected, 0, 3 * BLOCK);
      System.arraycopy(old, kept, expected, kept, 4096);
      assertArrayEquals(expected, read);
      awaitNoneInUse(directory);
    }
  }

  @Test
  void prefetch_stillUnderWay_isWaitedFor() throws Exception {
    byte[] contents = file("data", LENGTH, 1);
    try (AnnulusDirectory directory = directory(16L * BLOCK);
        IndexInput input = directory.openInput("data", IOContext.DEFAULT);
        ExecutorService thread = Executors.newSingleThreadExecutor()) {
      Future<byte[]> reading;
      try (HeldUp _ = new HeldUp()) {
        input.prefetch(0, LENGTH);
        reading = thread.submit(() -> readAll(input.clone()));
        await().atMost(PATIENCE).until(() -> runtime.stats().queued() == 10);
      }
      assertArrayEquals(contents, reading.get(20, SECONDS));
    }
  }

  @Test
  void prefetch_ofWhatIsPrefetched_readsItOnce() throws Exception {
    file("data", LENGTH, 1);
    try (AnnulusDirectory directory = directory(16L * BLOCK);
        IndexInput input = directory.openInput("data", IOContext.DEFAULT)) {
      input.prefetch(0, 2L * BLOCK);
      input.clone().prefetch(BLOCK, 2L * BLOCK);
      input.prefetch(100, 1);
      assertEquals(3, directory.prefetchBlocksInUse());
    }
  }

  @Test
  void prefetch_outOfBounds_isRefused_andPrefetchesNothing() throws Exception {
    file("data", 1000, 1);
    try (AnnulusDirectory directory = directory(16L * BLOCK);
        IndexInput input = directory.openInput("data", IOContext.DEFAULT)) {
      for (long[] range : new long[][] {{-1, 1}, {0, 1001}, {1000, 1}, {0, -1}, {1, Long.MAX_VALUE}}) {
        assertThrows(IndexOutOfBoundsException.class, () -> input.prefetch(range[0], range[1]));
      }
      assertThrows(IndexOutOfBoundsException.class, () -> input.slice("part", 0, 10).prefetch(0, 11));
      assertEquals(0, directory.prefetchBlocksInUse());
    }
  }

  // ---- limits ----

  @Test
  void prefetch_moreThanThereIsMemoryFor_isLeftOut() throws Exception {
    byte[] contents = file("data", LENGTH, 1);
    try (AnnulusDirectory directory = directory(4L * BLOCK);
        IndexInput input = directory.openInput("data", IOContext.DEFAULT)) {
      try (HeldUp _ = new HeldUp()) {
        input.prefetch(0, LENGTH);
        input.prefetch(5L * BLOCK, BLOCK);
        assertEquals(4, directory.prefetchBlocksInUse());
        await().atMost(PATIENCE).until(() -> runtime.stats().queued() == 4);
      }
      assertArrayEquals(contents, readAll(input));
    }
  }

  @Test
  void prefetch_whenMemoryIsFull_takesThatOfTheOldestThatHasArrived() throws Exception {
    byte[] old = file("data", LENGTH, 1);
    try (AnnulusDirectory directory = directory(4L * BLOCK);
        IndexInput input = directory.openInput("data", IOContext.DEFAULT)) {
      input.prefetch(0, 4L * BLOCK);
      awaitIdle();
      input.prefetch(7L * BLOCK, BLOCK);
      awaitIdle();
      assertEquals(4, directory.prefetchBlocksInUse());
      byte[] now = contents(LENGTH, 2);
      Files.write(dir.resolve("data"), now);
      byte[] expected = now.clone();
      System.arraycopy(old, BLOCK, expected, BLOCK, 3 * BLOCK);
      System.arraycopy(old, 7 * BLOCK, expected, 7 * BLOCK, BLOCK);
      assertArrayEquals(expected, readAll(input));
    }
  }

  @Test
  void prefetch_withoutMemory_doesNothing() throws Exception {
    byte[] contents = file("data", LENGTH, 1);
    try (AnnulusDirectory directory = directory(BLOCK - 1);
        IndexInput input = directory.openInput("data", IOContext.DEFAULT)) {
      input.prefetch(0, LENGTH);
      assertEquals(0, directory.prefetchBlocksInUse());
      assertArrayEquals(contents, readAll(input));
    }
  }

  // ---- failures and the end ----

  @Test
  void prefetch_ofAFileCutShort_failsOnlyWhoReadsThere() throws Exception {
    byte[] contents = file("data", LENGTH, 1);
    try (AnnulusDirectory directory = directory(16L * BLOCK);
        IndexInput input = directory.openInput("data", IOContext.DEFAULT)) {
      Files.write(dir.resolve("data"), Arrays.copyOf(contents, BLOCK));
      input.prefetch(0, 2L * BLOCK);
      awaitIdle();
      byte[] read = new byte[BLOCK];
      input.readBytes(read, 0, BLOCK);
      assertArrayEquals(Arrays.copyOf(contents, BLOCK), read);
      assertSays("data is shorter than when it was opened", assertThrows(EOFException.class, input::readByte));
      awaitNoneInUse(directory);
    }
  }

  @Test
  void input_closedWithPrefetchesWaiting_endsReadersAndGivesMemoryBack() throws Exception {
    file("data", LENGTH, 1);
    try (AnnulusDirectory directory = directory(16L * BLOCK);
        ExecutorService threads = Executors.newFixedThreadPool(2)) {
      IndexInput input = directory.openInput("data", IOContext.DEFAULT);
      Future<byte[]> reading;
      Future<?> closing;
      try (HeldUp _ = new HeldUp()) {
        input.prefetch(0, LENGTH);
        IndexInput clone = input.clone();
        reading = threads.submit(() -> readAll(clone));
        closing = threads.submit(() -> closeOf(input));
        await().atMost(PATIENCE).until(() -> isClosed(input));
        assertInstanceOf(AlreadyClosedException.class, failureOf(reading));
        directory.deleteFile("data");
      }
      Object _ = closing.get(20, SECONDS);
      awaitNoneInUse(directory);
    }
  }

  /** The read of an empty pipe is what a slow device's would be: the kernel has it, and may write to the memory at any time. */
  @Test
  void memory_ofAReadInTheKernel_isNotUsedAgainUntilReleased() throws Exception {
    PrefetchPool pool = new PrefetchPool(BLOCK, 1);
    AsyncFile pipe = pipe();
    InputFile file = new InputFile(runtime, pipe, BLOCK, ReadSizes.withPrefetchMemory(BLOCK), pool);
    file.prefetch(0, 100);
    await().atMost(PATIENCE).until(() -> runtime.stats().inFlight() == 1);
    assertEquals(1, pool.inUse());
    CompletableFuture<Void> closing = CompletableFuture.runAsync(file::close, command -> Thread.ofPlatform().start(command));
    await().atMost(PATIENCE).until(() -> !pipe.isOpen());
    if (!stopsReadsOfPipes()) {
      assertEquals(1, runtime.stats().inFlight());
      assertEquals(1, pool.inUse(), "memory in use while its read is in flight");
      assertNull(pool.take());
      assertFalse(closing.isDone());
      feed(pipe, 100);
    }
    Void _ = closing.get(20, SECONDS);
    await().atMost(PATIENCE).until(() -> pool.inUse() == 0);
  }

  /** Whether cancelling ends a read that the system has begun and that waits for data, or it has to be fed. */
  abstract boolean stopsReadsOfPipes();

  // ---- many threads ----

  /** Clones read and prefetch, with memory for few blocks, while other threads close the files under them. */
  @Test
  void inputs_clonedPrefetchedAndClosedByManyThreads_giveRightBytesOrSayClosed() throws Exception {
    long seed = System.nanoTime();
    int files = 4;
    byte[][] contents = new byte[files][];
    for (int i = 0; i < files; i++) {
      contents[i] = file("data" + i, LENGTH, i);
    }
    try (IoRuntime busy = IoRuntime.builder().backend(backend()).inlineReads(false).open();
        AnnulusDirectory directory = new AnnulusDirectory(dir, FSLockFactory.getDefault(), busy, 8L * BLOCK)) {
      Inputs inputs = new Inputs(directory, contents);
      List<Future<?>> ends = new ArrayList<>();
      try (ExecutorService threads = Executors.newFixedThreadPool(12)) {
        for (int i = 0; i < 12; i++) {
          Random random = new Random(seed + i);
          boolean closes = i < 3;
          ends.add(
              threads.submit(
                  () -> {
                    for (int step = 0; step < (closes ? 500 : 150); step++) {
                      if (closes) {
                        inputs.replace(random);
                      } else {
                        inputs.use(random);
                      }
                    }
                    return true;
                  }));
        }
      }
      for (Future<?> end : ends) {
        Object _ = assertDone(end, seed);
      }
      inputs.closeAll();
      assertTrue(inputs.right.get() > 0, "nothing was read");
      assertTrue(inputs.closed.get() > 0, "nothing was closed while it was used");
      await().atMost(PATIENCE).until(() -> busy.stats().inFlight() == 0);
      awaitNoneInUse(directory);
      assertEquals(0, busy.stats().staleCompletions());
    }
  }

  private static Object assertDone(Future<?> end, long seed) throws Exception {
    try {
      return end.get(40, SECONDS);
    } catch (ExecutionException e) {
      throw new AssertionError("seed " + seed, e.getCause());
    }
  }

  /** A few inputs that threads share, each of whom may clone them, and replace them by others. */
  private static final class Inputs {
    private record Opened(IndexInput input, int file) {}

    private final AnnulusDirectory directory;
    private final byte[][] contents;
    private final AtomicReferenceArray<Opened> opened = new AtomicReferenceArray<>(3);
    final AtomicLong right = new AtomicLong();
    final AtomicLong closed = new AtomicLong();

    Inputs(AnnulusDirectory directory, byte[][] contents) throws IOException {
      this.directory = directory;
      this.contents = contents;
      for (int i = 0; i < opened.length(); i++) {
        opened.set(i, open(i));
      }
    }

    private Opened open(int file) throws IOException {
      return new Opened(directory.openInput("data" + file, IOContext.DEFAULT), file);
    }

    void replace(Random random) throws IOException {
      Opened before = opened.getAndSet(random.nextInt(opened.length()), open(random.nextInt(contents.length)));
      before.input().prefetch(random.nextInt(LENGTH / 2), LENGTH / 2);
      before.input().close();
    }

    void use(Random random) throws IOException {
      Opened now = opened.get(random.nextInt(opened.length()));
      try {
        IndexInput clone = now.input().clone();
        for (int i = 0; i < 10; i++) {
          int at = random.nextInt(LENGTH - 5000);
          clone.prefetch(at, 1 + random.nextInt(5000));
          clone.prefetch(random.nextInt(LENGTH - 5000), 1);
          check(clone, contents[now.file()], at, 1 + random.nextInt(5000), random);
        }
      } catch (AlreadyClosedException e) {
        closed.incrementAndGet();
      }
    }

    private void check(IndexInput input, byte[] expected, int at, int count, Random random) throws IOException {
      byte[] read = new byte[count];
      if (random.nextBoolean()) {
        input.seek(at);
        input.readBytes(read, 0, count);
      } else {
        RandomAccessInput slice = input.randomAccessSlice(at, count);
        slice.readBytes(0, read, 0, count);
      }
      assertArrayEquals(Arrays.copyOfRange(expected, at, at + count), read);
      right.incrementAndGet();
    }

    void closeAll() throws IOException {
      for (int i = 0; i < opened.length(); i++) {
        opened.get(i).input().close();
      }
    }
  }

  // ---- small things ----

  private static byte[] readAll(IndexInput input) throws IOException {
    byte[] read = new byte[(int) input.length()];
    input.readBytes(read, 0, read.length);
    return read;
  }

  private static boolean closeOf(IndexInput input) throws IOException {
    input.close();
    return true;
  }

  private static boolean isClosed(IndexInput input) throws IOException {
    try {
      input.seek(0);
      return false;
    } catch (AlreadyClosedException e) {
      return true;
    }
  }

  private static Throwable failureOf(Future<?> future) throws Exception {
    ExecutionException failure = assertThrows(ExecutionException.class, () -> future.get(20, SECONDS));
    assertFalse(future.isCancelled());
    return Objects.requireNonNull(failure.getCause());
  }
}
