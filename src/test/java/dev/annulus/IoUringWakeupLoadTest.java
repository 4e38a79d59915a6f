package dev.annulus;

import static dev.annulus.Futures.get;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.LongAdder;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Waking the reaper costs its submitter a system call. It must be rare when there is much to do: with 128 operations in flight at most one
 * wake-up for each 20 operations, whoever submits them.
 */
class IoUringWakeupLoadTest extends BackendContract {
  private static final int IN_FLIGHT = 128;
  private static final int OPERATIONS = 40_000;
  private static final int BLOCK_BYTES = 4096;
  private static final int BLOCKS = 1024;
  private static final int OPERATIONS_PER_WAKEUP = 20;

  @Override
  Backend backend() {
    return Backend.IO_URING;
  }

  /** Who keeps the operations in flight. */
  enum Submitters {
    ONE_THREAD(1, false),
    FOUR_THREADS(4, false),
    VIRTUAL_THREADS(IN_FLIGHT, true);

    private final int count;
    private final boolean virtual;

    Submitters(int count, boolean virtual) {
      this.count = count;
      this.virtual = virtual;
    }
  }

  @ParameterizedTest
  @EnumSource
  void directReads_with128InFlight_wakeTheReaperAtMostOncePerTwenty(Submitters submitters) throws Exception {
    Path path = file(bytes(BLOCKS * BLOCK_BYTES, 1));
    AsyncFile file = open(path, StandardOpenOption.READ, IoOpenOption.DIRECT);
    try {
      long before = runtime.stats().wakeups();
      long done = load(submitters, file);
      long wakeups = runtime.stats().wakeups() - before;
      assertTrue(wakeups * OPERATIONS_PER_WAKEUP <= done, () -> wakeups + " wake-ups for " + done + " operations");
    } finally {
      get(file.closeAsync());
    }
  }

  private static long load(Submitters submitters, AsyncFile file) throws Exception {
    LongAdder done = new LongAdder();
    try (ExecutorService threads =
        submitters.virtual ? Executors.newVirtualThreadPerTaskExecutor() : Executors.newFixedThreadPool(submitters.count)) {
      List<Future<?>> all = new ArrayList<>();
      for (int i = 0; i < submitters.count; i++) {
        int seed = i;
        all.add(threads.submit(() -> keepInFlight(file, IN_FLIGHT / submitters.count, OPERATIONS / submitters.count, seed, done)));
      }
      for (Future<?> one : all) {
        Object _ = one.get(60, TimeUnit.SECONDS);
      }
    }
    return done.sum();
  }

  /** Starts another when the oldest is over. */
  private static void keepInFlight(AsyncFile file, int inFlight, int operations, int seed, LongAdder done) {
    SplittableRandom random = new SplittableRandom(seed);
    ArrayDeque<ByteBuffer> free = new ArrayDeque<>();
    for (int i = 0; i < inFlight; i++) {
      free.add(ByteBuffer.allocateDirect(2 * BLOCK_BYTES).alignedSlice(BLOCK_BYTES).limit(BLOCK_BYTES));
    }
    ArrayDeque<ByteBuffer> used = new ArrayDeque<>();
    ArrayDeque<IoFuture<Integer>> reads = new ArrayDeque<>();
    for (int i = 0; i < operations; i++) {
      if (free.isEmpty()) {
        free.add(finish(reads, used, done));
      }
      ByteBuffer buffer = free.remove();
      reads.add(file.read(buffer, (long) random.nextInt(BLOCKS) * BLOCK_BYTES));
      used.add(buffer);
    }
    while (!reads.isEmpty()) {
      ByteBuffer _ = finish(reads, used, done);
    }
  }

  private static ByteBuffer finish(ArrayDeque<IoFuture<Integer>> reads, ArrayDeque<ByteBuffer> used, LongAdder done) {
    int count = reads.remove().join();
    assertTrue(count == BLOCK_BYTES, () -> "read " + count);
    done.increment();
    return used.remove().clear().limit(BLOCK_BYTES);
  }
}
