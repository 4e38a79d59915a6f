package dev.annulus;

import static dev.annulus.Futures.get;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.nio.file.StandardOpenOption.READ;
import static java.nio.file.StandardOpenOption.WRITE;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * That nothing is written to a buffer after {@link IoFuture#released()}: buffers of cancelled reads are poisoned the moment they
 * are released, and looked at again when they are needed next, many reads later. A single byte written meanwhile shows.
 */
abstract class ReleaseContract extends BackendContract {
  private static final int CANCELS = 100_000;
  private static final int BUFFERS = 256;
  private static final int SIZE = 4_096;

  /** What a released buffer is filled with; nowhere in the file or the pipe. */
  private static final byte POISON = (byte) 0xa5;

  private static final byte CONTENTS = 0x11;

  /** A buffer, and when it will have been poisoned. */
  private record Use(MemorySegment memory, CompletableFuture<Void> over) {}

  private final MemorySegment poisoned = Arena.ofAuto().allocate(SIZE).fill(POISON);

  @Test
  @Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
  void buffers_ofCancelledReads_areNotWrittenToOnceReleased() throws Exception {
    long seed = 42L;
    Random random = new Random(seed);
    byte[] contents = new byte[64 * SIZE];
    Arrays.fill(contents, CONTENTS);
    try (Arena arena = Arena.ofShared();
        AsyncFile file = open(file(contents), READ);
        AsyncFile pipe = open(fifo(), READ, WRITE)) {
      ArrayDeque<MemorySegment> free = new ArrayDeque<>();
      for (int i = 0; i < BUFFERS; i++) {
        free.add(arena.allocate(SIZE).fill(POISON));
      }
      ArrayDeque<Use> cancelled = new ArrayDeque<>();
      MemorySegment some = arena.allocate(64).fill(CONTENTS);
      int early = 0;
      for (int i = 0; i < CANCELS; i++) {
        if (free.isEmpty()) {
          for (int j = 0; j < BUFFERS / 2; j++) {
            free.add(onceOver(cancelled.remove()));
          }
        }
        MemorySegment memory = free.remove();
        assertPoisoned(memory, seed, i);
        // A pending read of the pipe cannot be stopped on the portable backend, and would hold one of its threads.
        boolean fromPipe = random.nextInt(4) == 0 && backend() == Backend.IO_URING;
        IoFuture<Long> read = fromPipe ? pipe.read(memory, 0) : file.read(memory, (long) random.nextInt(63) * SIZE);
        if (random.nextInt(64) == 0 && backend() == Backend.IO_URING) {
          // Lets some reads of the pipe end well, just as they are being cancelled.
          assertTrue(get(pipe.write(some, 0)) > 0);
        }
        early += read.cancel(true) ? 1 : 0;
        cancelled.add(new Use(memory, read.released().thenRun(() -> poison(memory))));
      }
      for (Use use : cancelled) {
        free.add(onceOver(use));
      }
      assertNull(get(runtime.nop()));
      for (MemorySegment memory : free) {
        assertPoisoned(memory, seed, CANCELS);
      }
      assertTrue(early > CANCELS / 10, "only " + early + " were cancelled before they had ended");
      awaitIdle(runtime);
    }
  }

  private static void poison(MemorySegment memory) {
    MemorySegment poisoned = memory.fill(POISON);
    assertEquals(POISON, poisoned.get(JAVA_BYTE, 0));
  }

  private static MemorySegment onceOver(Use use) throws Exception {
    assertNull(get(use.over));
    return use.memory;
  }

  private void assertPoisoned(MemorySegment memory, long seed, int step) {
    long at = memory.mismatch(poisoned);
    if (at >= 0) {
      String what = "written to after release, at byte " + at + "; seed " + seed + " step " + step;
      assertEquals(POISON, memory.get(JAVA_BYTE, at), what);
    }
  }
}
