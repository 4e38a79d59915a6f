package dev.annulus;

import static dev.annulus.Futures.get;
import static java.nio.file.StandardOpenOption.READ;
import static java.nio.file.StandardOpenOption.WRITE;
import static java.util.concurrent.TimeUnit.SECONDS;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicIntegerArray;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * Many threads read and write blocks of one file through few slots. Each thread owns some blocks and alone writes them; all read
 * all. A block is made of its number, its writer's sequence number and a mix of both, throughout, so that any byte that is not
 * where it belongs shows.
 *
 * <p>The system does not make a read that overlaps a write see all of it or nothing. So each block has a version, odd while it is
 * being written: a read with the same even version before and after it must be exactly that version's, any other must at least be
 * of that block.
 */
abstract class ConcurrentLoadContract extends BackendContract {
  private static final int THREADS = 64;
  private static final int OPERATIONS_PER_THREAD = 10_000;
  private static final int AT_ONCE = 4;
  private static final int OWN_BLOCKS = 16;
  private static final int BLOCKS = THREADS * OWN_BLOCKS;
  private static final int BLOCK_BYTES = 512;
  private static final long SEED = 20_260_203L;

  private final AtomicIntegerArray versions = new AtomicIntegerArray(BLOCKS);
  private final AtomicLong checkedWhole = new AtomicLong();

  @Test
  @Timeout(value = 180, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
  void blocks_readAndWrittenByManyThreads_areNeverMixedUp() throws Exception {
    byte[] initial = new byte[BLOCKS * BLOCK_BYTES];
    ByteBuffer all = ByteBuffer.wrap(initial);
    for (int block = 0; block < BLOCKS; block++) {
      fill(all.slice(block * BLOCK_BYTES, BLOCK_BYTES), block, 0);
    }
    try (IoRuntime narrow = builder().maxInFlight(8).maxQueued(64).open();
        AsyncFile file = view(get(narrow.openFile(file(initial), READ, WRITE)));
        ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      List<Future<Integer>> results = new ArrayList<>();
      for (int thread = 0; thread < THREADS; thread++) {
        Worker worker = new Worker(file, thread);
        results.add(threads.submit(worker::run));
      }
      for (Future<Integer> result : results) {
        assertEquals(OPERATIONS_PER_THREAD, result.get(150, SECONDS));
      }
      awaitIdle(narrow);
      RuntimeStats stats = narrow.stats();
      assertEquals(0, stats.failed() + stats.cancelled() + stats.staleCompletions(), stats.toString());
      ByteBuffer end = direct(BLOCKS * BLOCK_BYTES);
      assertNull(get(file.readFully(end, 0)));
      for (int block = 0; block < BLOCKS; block++) {
        check(end.slice(block * BLOCK_BYTES, BLOCK_BYTES), block, versions.get(block));
      }
    }
    long total = checkedWhole.get();
    assertTrue(total > (long) THREADS * OPERATIONS_PER_THREAD / 4, "only " + total + " reads could be checked throughout");
  }

  /** One thread's work: a few operations at once, each on a block of its own or, for reading, anyone's. */
  private final class Worker {
    private final AsyncFile file;
    private final int number;
    private final Random random;
    private final List<ByteBuffer> buffers = new ArrayList<>();

    Worker(AsyncFile file, int number) {
      this.file = file;
      this.number = number;
      this.random = new Random(SEED + number);
      for (int i = 0; i < AT_ONCE; i++) {
        buffers.add(i % 2 == 0 ? direct(BLOCK_BYTES) : ByteBuffer.allocate(BLOCK_BYTES));
      }
    }

    int run() throws Exception {
      int done = 0;
      while (done < OPERATIONS_PER_THREAD) {
        List<Pending> pending = new ArrayList<>();
        for (int i = 0; i < AT_ONCE; i++) {
          pending.add(random.nextBoolean() ? write(i) : read(i));
        }
        for (Pending operation : pending) {
          operation.finish();
          done++;
        }
      }
      return done;
    }

    /** Of the thread's own blocks, each of the operations at once has a share of its own. */
    private Pending write(int share) {
      int block = number * OWN_BLOCKS + share * (OWN_BLOCKS / AT_ONCE) + random.nextInt(OWN_BLOCKS / AT_ONCE);
      int version = versions.incrementAndGet(block) + 1;
      ByteBuffer buffer = buffers.get(share).clear();
      fill(buffer, block, version);
      IoFuture<Integer> write = file.write(buffer, (long) block * BLOCK_BYTES);
      return () -> {
        assertEquals(BLOCK_BYTES, get(write));
        assertEquals(version, versions.incrementAndGet(block));
      };
    }

    private Pending read(int share) {
      int block = random.nextInt(BLOCKS);
      ByteBuffer buffer = buffers.get(share).clear();
      int before = versions.get(block);
      IoFuture<Integer> read = file.read(buffer, (long) block * BLOCK_BYTES);
      return () -> {
        assertEquals(BLOCK_BYTES, get(read));
        boolean whole = before % 2 == 0 && versions.get(block) == before;
        if (whole) {
          check(buffer, block, before);
          checkedWhole.incrementAndGet();
        } else {
          checkBlock(buffer, block);
        }
      };
    }
  }

  private interface Pending {
    void finish() throws Exception;
  }

  private static void fill(ByteBuffer buffer, int block, int version) {
    for (int at = 0; at < BLOCK_BYTES; at += 16) {
      buffer.putInt(at, block).putInt(at + 4, version).putLong(at + 8, mix(block, version, at));
    }
  }

  private static void check(ByteBuffer buffer, int block, int version) {
    checkBlock(buffer, block);
    for (int at = 0; at < BLOCK_BYTES; at += 16) {
      if (buffer.getInt(at + 4) != version || buffer.getLong(at + 8) != mix(block, version, at)) {
        throw new AssertionError(
            "block " + block + " at " + at + ": version " + buffer.getInt(at + 4) + " instead of " + version + "; seed " + SEED);
      }
    }
  }

  private static void checkBlock(ByteBuffer buffer, int block) {
    for (int at = 0; at < BLOCK_BYTES; at += 16) {
      if (buffer.getInt(at) != block) {
        throw new AssertionError("block " + block + " at " + at + ": of block " + buffer.getInt(at) + "; seed " + SEED);
      }
    }
  }

  private static long mix(int block, int version, int at) {
    long x = ((long) block << 32 | version) * 0x9e3779b97f4a7c15L + at;
    return x ^ x >>> 29;
  }
}
