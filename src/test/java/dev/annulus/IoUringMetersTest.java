package dev.annulus;

import static dev.annulus.Futures.failure;
import static dev.annulus.Futures.get;
import static java.nio.file.StandardOpenOption.READ;
import static java.nio.file.StandardOpenOption.WRITE;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.annulus.internal.abi.IoUring;
import dev.annulus.internal.driver.Driver;
import dev.annulus.internal.driver.DriverConfig;
import dev.annulus.internal.ring.KernelRing;
import dev.annulus.internal.ring.Ring;
import dev.annulus.internal.ring.RingSetupException;
import dev.annulus.internal.runtime.SimulatedDrivers;
import dev.annulus.metrics.IoRuntimeMetrics;
import dev.annulus.sim.Quirks;
import dev.annulus.sim.SimulatedDisk;
import dev.annulus.sim.SimulatedRing;
import dev.annulus.sim.Turns;
import io.micrometer.core.instrument.DistributionSummary;
import io.micrometer.core.instrument.Tags;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.function.Supplier;
import java.util.stream.IntStream;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;

class IoUringMetersTest extends MetersContract {
  @Override
  Backend backend() {
    return Backend.IO_URING;
  }

  @Test
  void nop_toASleepingReaper_wakesItAndEnters() throws Exception {
    double wakeups = read("annulus.ring.wakeups");
    double enters = read("annulus.ring.enters");
    // One at a time: it lies down in between, unless it is very slow.
    Awaitility.await()
        .until(
            () -> {
              get(runtime.nop());
              return read("annulus.ring.wakeups") > wakeups;
            });
    assertTrue(read("annulus.ring.enters") > enters);
  }

  @Test
  void batch_isWhatOneCallTookFromTheQueue() throws Exception {
    Path fifo = fifo();
    AsyncFile pipe = open(fifo, READ, WRITE);
    // What the reaper itself submits goes together, in the next round.
    CompletableFuture<List<CompletableFuture<Void>>> submitted =
        pipe.read(direct(8), 0).thenApply(_ -> IntStream.range(0, 50).mapToObj(_ -> runtime.nop()).toList());
    feed(fifo, bytes(8, 1));
    for (CompletableFuture<Void> nop : get(submitted)) {
      get(nop);
    }
    DistributionSummary batch = registry.get("annulus.ring.batch").summary();
    assertTrue(batch.max() >= 50, registry::getMetersAsString);
    assertTrue(batch.count() <= read("annulus.ring.enters"), registry::getMetersAsString);
    assertTrue(batch.totalAmount() >= 52, registry::getMetersAsString);
  }

  @Test
  void retries_ofAKernelThatAlwaysSaysTryAgain_areCountedAndEndInOneFailure() throws Exception {
    SimulatedRing.Shape shape = new SimulatedRing.Shape(8, 8, true, 0, 1024);
    Quirks calm = new Quirks(1, Quirks.Mood.CALM);
    try (IoRuntime simulated = over(() -> new SimulatedRing(shape, new SimulatedDisk(0), calm, Turns.none()));
        IoRuntimeMetrics _ = bound(simulated, Tags.of("runtime", "simulated"))) {
      AsyncFile stubborn = get(simulated.openFile(Path.of(new SimulatedDisk(0).mount(), SimulatedDisk.STUBBORN), READ));
      assertEquals(ErrorKind.WOULD_BLOCK, ErrorKind.of(failure(stubborn.read(direct(8), 0))));
      assertEquals(64, registry.get("annulus.operations.retried").tag("runtime", "simulated").functionCounter().count());
      assertEquals(
          1, registry.get("annulus.operations.failed").tags("runtime", "simulated", "kind", "would_block").counter().count());
      get(stubborn.closeAsync());
    }
  }

  @Test
  void overflows_ofATinyCompletionQueue_areCounted() throws Exception {
    Path fifo = fifo();
    try (IoRuntime tiny = over(IoUringMetersTest::tinyRing);
        IoRuntimeMetrics _ = bound(tiny, Tags.of("runtime", "tiny"))) {
      AsyncFile pipe = get(tiny.openFile(fifo, READ, WRITE));
      List<IoFuture<Integer>> reads = new ArrayList<>();
      for (int i = 0; i < 200; i++) {
        reads.add(pipe.read(direct(1), 0));
      }
      Awaitility.await().until(() -> tiny.stats().inFlight() == 200);
      feed(fifo, bytes(200, 1));
      for (IoFuture<Integer> read : reads) {
        assertEquals(1, get(read));
      }
      assertTrue(registry.get("annulus.ring.overflows").tag("runtime", "tiny").functionCounter().count() > 0);
    }
  }

  private double read(String name) {
    return registry.get(name).tag("runtime", runtime.name()).functionCounter().count();
  }

  private static IoRuntime over(Supplier<Ring> ring) {
    DriverConfig config = new DriverConfig(1024, 1024, false, Duration.ofSeconds(5), "meters");
    Driver driver = SimulatedDrivers.open(config, ring);
    return new IoRuntime("meters", Backend.IO_URING, driver, TestPolicies.plain(), Duration.ofSeconds(5));
  }

  private static Ring tinyRing() {
    try {
      return KernelRing.open(
          4, 4, IoUring.IORING_SETUP_CQSIZE | IoUring.IORING_SETUP_SINGLE_ISSUER | IoUring.IORING_SETUP_DEFER_TASKRUN);
    } catch (RingSetupException e) {
      throw new AssertionError(e);
    }
  }
}
