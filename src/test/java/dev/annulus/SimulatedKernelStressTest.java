package dev.annulus;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;

import dev.annulus.internal.driver.Driver;
import dev.annulus.internal.driver.DriverConfig;
import dev.annulus.internal.runtime.SimulatedDrivers;
import dev.annulus.sim.Quirks;
import dev.annulus.sim.Quirks.Mood;
import dev.annulus.sim.SimulatedDisk;
import dev.annulus.sim.SimulatedRing;
import dev.annulus.sim.Turns;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * The simulated kernel with threads that take no turns: what {@link SimulatedKernelPropertyTest} leaves out, a submission at the very
 * moment the reaper lies down, and submitters that wait for room, happens here. One lost wake-up, and a thread waits in vain.
 */
@Timeout(value = 5, unit = TimeUnit.MINUTES)
class SimulatedKernelStressTest {
  private static final int ROUNDS = 100;
  private static final int THREADS = 4;
  private static final int STEPS = 60;
  private static final int REGION = 512;

  @Test
  void writesAndReads_ofManyThreads_allEndWithTheirOwnBytes() throws Exception {
    try (ExecutorService threads = Executors.newFixedThreadPool(THREADS)) {
      for (long seed = 1; seed <= ROUNDS; seed++) {
        try {
          round(seed, threads);
        } catch (Exception | AssertionError e) {
          threads.shutdownNow();
          throw new AssertionError("round " + seed, e);
        }
      }
    }
  }

  private static void round(long seed, ExecutorService threads) throws Exception {
    SplittableRandom random = new SplittableRandom(seed);
    Quirks quirks = new Quirks(random.nextLong(), Mood.ROUGH);
    SimulatedDisk disk = new SimulatedDisk(0);
    int maxInFlight = 1 + random.nextInt(6);
    SimulatedRing.Shape shape =
        new SimulatedRing.Shape(2 << random.nextInt(3), 1 << random.nextInt(4), true, random.nextInt(), maxInFlight);
    AtomicReference<@Nullable SimulatedRing> ring = new AtomicReference<>();
    DriverConfig config =
        new DriverConfig(maxInFlight, 1 + random.nextInt(4), false, Duration.ofSeconds(10), "simulated-" + seed);
    Driver driver =
        SimulatedDrivers.open(
            config,
            () -> {
              SimulatedRing made = new SimulatedRing(shape, disk, quirks, Turns.none());
              ring.set(made);
              return made;
            });
    try (IoRuntime runtime = new IoRuntime("simulated", Backend.IO_URING, driver, TestPolicies.plain(), Duration.ofSeconds(10))) {
      AsyncFile file =
          runtime
              .openFile(Path.of(disk.mount(), "a"), StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE)
              .get(10, TimeUnit.SECONDS);
      List<Callable<Boolean>> bodies = new ArrayList<>();
      for (int i = 0; i < THREADS; i++) {
        int region = i * REGION;
        SplittableRandom own = random.split();
        bodies.add(() -> writeAndRead(file, region, own));
      }
      for (Future<Boolean> body : threads.invokeAll(bodies, 30, TimeUnit.SECONDS)) {
        assertEquals(true, body.get(), "a thread saw other bytes than its own");
      }
      assertEquals(0, runtime.stats().staleCompletions());
      file.closeAsync().get(10, TimeUnit.SECONDS);
      assertEquals(0, runtime.stats().inFlight());
    }
    SimulatedRing made = ring.get();
    assertNull(made == null ? null : made.trouble());
    assertEquals(0, disk.openDescriptors());
  }

  /** Each thread has a region of its own, and there alone its bytes stand. */
  private static boolean writeAndRead(AsyncFile file, int region, SplittableRandom random) throws Exception {
    for (int i = 0; i < STEPS; i++) {
      byte[] bytes = new byte[1 + random.nextInt(REGION)];
      random.nextBytes(bytes);
      file.writeFully(ByteBuffer.wrap(bytes), region).get(10, TimeUnit.SECONDS);
      byte[] back = new byte[bytes.length];
      file.readFully(ByteBuffer.wrap(back), region).get(10, TimeUnit.SECONDS);
      assertArrayEquals(bytes, back);
    }
    return true;
  }
}
