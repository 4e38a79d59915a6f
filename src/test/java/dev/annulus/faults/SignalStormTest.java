package dev.annulus.faults;

import static java.nio.file.StandardOpenOption.CREATE_NEW;
import static java.nio.file.StandardOpenOption.READ;
import static java.nio.file.StandardOpenOption.WRITE;
import static java.util.concurrent.TimeUnit.SECONDS;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.annulus.AsyncFile;
import dev.annulus.Backend;
import dev.annulus.IoRuntime;
import dev.annulus.Sync;
import dev.annulus.fs.Blocking;
import dev.annulus.fs.Fs;
import dev.annulus.fs.FsFile;
import dev.annulus.fs.FsOpenOptions;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Signals that hit the reaper and the callers, all the time: no operation fails for it, and no result goes to another. */
@Timeout(120)
class SignalStormTest {
  private static final int BLOCK = 4096;
  private static final int BLOCKS = 256;
  private static final int CALLERS = 4;
  private static final int ENOUGH_SIGNALS = 3_000;
  private static final int CALLS = 2_000;
  private static final String CALLER_NAME = "storm-caller";
  private static final String REAPER_NAME = "storm-reaper";

  @TempDir Path dir;

  @ParameterizedTest
  @EnumSource
  void blockingCalls_inAStormOfSignals_eachSeeTheirOwnBytes(Blocking mode) throws Exception {
    try (IoRuntime runtime = ring();
        Fs fs = Fs.on(runtime, mode);
        FsFile file = fs.open(dir.resolve("file"), FsOpenOptions.updating())) {
      for (int number = 0; number < BLOCKS; number++) {
        assertEquals(BLOCK, file.writeAt(block(number), (long) number * BLOCK));
      }
      underFire(caller -> readAndRewrite(file, new Random(caller), caller));
      assertEquals(0, runtime.stats().staleCompletions());
    }
  }

  @Test
  void futures_inAStormOfSignals_allComplete() throws Exception {
    try (IoRuntime runtime = ring()) {
      AsyncFile file = runtime.openFile(dir.resolve("file"), CREATE_NEW, READ, WRITE).get(10, SECONDS);
      for (int number = 0; number < BLOCKS; number++) {
        file.writeFully(block(number), (long) number * BLOCK).get(10, SECONDS);
      }
      underFire(
          caller -> {
            Random random = new Random(caller);
            for (int call = 0; call < CALLS; call++) {
              int number = random.nextInt(BLOCKS);
              ByteBuffer dst = ByteBuffer.allocateDirect(BLOCK);
              file.readFully(dst, (long) number * BLOCK).get(10, SECONDS);
              assertEquals(block(number), dst.flip());
              if (call % 100 == 0) {
                file.sync(Sync.DATA).get(10, SECONDS);
              }
            }
          });
      assertEquals(0, runtime.stats().inFlight());
      assertEquals(0, runtime.stats().failed());
    }
  }

  private static void readAndRewrite(FsFile file, Random random, int caller) throws Exception {
    ByteBuffer dst = ByteBuffer.allocateDirect(BLOCK);
    for (int call = 0; call < CALLS; call++) {
      int number = random.nextInt(BLOCKS);
      assertEquals(BLOCK, file.readAt(dst.clear(), (long) number * BLOCK));
      assertEquals(block(number), dst.flip());
      if (number % CALLERS == caller) {
        assertEquals(BLOCK, file.writeAt(block(number), (long) number * BLOCK));
      }
      if (call % 100 == 0) {
        file.syncData();
      }
    }
  }

  private interface Caller {
    void run(int number) throws Exception;
  }

  /** Runs the callers while signals rain on them and on the reaper, and checks that enough have fallen. */
  private static void underFire(Caller caller) throws Exception {
    AtomicBoolean over = new AtomicBoolean();
    AtomicLong signals = new AtomicLong();
    try (ExecutorService callers = Executors.newFixedThreadPool(CALLERS, Thread.ofPlatform().name(CALLER_NAME, 0).factory());
        ExecutorService sky = Executors.newSingleThreadExecutor()) {
      List<Future<?>> ends = new ArrayList<>();
      for (int i = 0; i < CALLERS; i++) {
        int number = i;
        ends.add(callers.submit((Callable<Void>) () -> {
          do {
            caller.run(number);
          } while (signals.get() < ENOUGH_SIGNALS);
          return null;
        }));
      }
      Future<?> storm = sky.submit(() -> rain(over, signals));
      try {
        for (Future<?> end : ends) {
          end.get(100, SECONDS);
        }
      } finally {
        over.set(true);
      }
      storm.get(10, SECONDS);
    }
    assertTrue(signals.get() >= ENOUGH_SIGNALS, () -> "only " + signals + " signals");
  }

  private static void rain(AtomicBoolean over, AtomicLong signals) {
    List<Integer> reapers = Signals.threadsNamed(REAPER_NAME);
    List<Integer> callers = Signals.threadsNamed(CALLER_NAME);
    assertFalse(reapers.isEmpty());
    assertFalse(callers.isEmpty());
    while (!over.get()) {
      reapers.forEach(Signals::interrupt);
      callers.forEach(Signals::interrupt);
      signals.addAndGet(reapers.size() + callers.size());
      LockSupport.parkNanos(20_000); // the rate of the storm, nothing waits for it
    }
  }

  private static IoRuntime ring() {
    return IoRuntime.builder().backend(Backend.IO_URING).threadName(REAPER_NAME).open();
  }

  /** A block that carries its number all over. */
  private static ByteBuffer block(int number) {
    ByteBuffer block = ByteBuffer.allocateDirect(BLOCK);
    while (block.hasRemaining()) {
      block.putInt(number * 31 + block.position());
    }
    return block.flip();
  }
}
