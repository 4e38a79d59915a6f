package dev.annulus;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.annulus.internal.driver.DriverConfig;
import dev.annulus.internal.runtime.RingDriver;
import dev.annulus.internal.runtime.SimulatedDrivers;
import dev.annulus.internal.runtime.SteppedWorkers;
import dev.annulus.sim.Quirk;
import dev.annulus.sim.Quirks;
import dev.annulus.sim.SimulatedDisk;
import dev.annulus.sim.SimulatedRing;
import dev.annulus.sim.SimulatedSyscalls;
import dev.annulus.sim.Turns;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.Executor;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/** One boot of a simulated machine: a disk, and a runtime or two that work on it, from their opening to their close or the crash. */
final class SimulatedMachine {
  private static final Duration PATIENCE = Duration.ofSeconds(10);

  /** A runtime with a ring of its own. */
  final class Instance {
    final int number;
    final IoRuntime runtime;
    final Durability durability;
    private final Turns turns = Turns.taken();
    private final RingDriver driver;
    private final SteppedWorkers workers;
    private final AtomicReference<@Nullable SimulatedRing> ring = new AtomicReference<>();
    private final int maxQueued;

    private Instance(int number, String name, @Nullable Executor executor) {
      this.number = number;
      maxQueued = 1 + random.nextInt(24);
      int maxInFlight = 1 + random.nextInt(16);
      SimulatedRing.Shape shape = shape(maxInFlight);
      DriverConfig config = new DriverConfig(maxInFlight, maxQueued, true, Duration.ZERO, name);
      driver = SimulatedDrivers.open(config, () -> make(shape));
      workers = SteppedWorkers.of(driver);
      List<Durability> durabilities = List.of(Durability.values());
      durability = durabilities.get(random.nextInt(durabilities.size()));
      Policies policies = TestPolicies.with(executor, random.nextInt(3) == 0, durability);
      runtime = new IoRuntime("simulated", Backend.IO_URING, driver, policies, Duration.ZERO);
      boolean ignored = turns.giveUntil(() -> true);
      if (random.nextBoolean()) {
        // Else stand-ins for heap buffers would be too few for the pool to be made, and nothing would be registered.
        runtime.buffers().lease(1).close();
      }
    }

    private SimulatedRing make(SimulatedRing.Shape shape) {
      SimulatedRing made = new SimulatedRing(shape, disk, quirks, turns);
      ring.set(made);
      return made;
    }

    /** Whether so many more submissions may find the queue full. */
    boolean queueIsFull(int more) {
      return !driver.onDriverThread() && runtime.stats().queued() + more > maxQueued;
    }

    Turns turns() {
      return turns;
    }

    private SimulatedRing made() {
      SimulatedRing made = ring.get();
      if (made == null) {
        throw new IllegalStateException("no ring");
      }
      return made;
    }

    boolean isQuiet() {
      assertNull(made().trouble());
      return workers.isIdle() && made().isQuiet();
    }

    private void close(Runnable begun) {
      driver.beginClose();
      begun.run();
      turns.end();
      // On a thread of its own, so that a close that does not end is a failure with a seed.
      Thread closer = Thread.ofPlatform().daemon().start(runtime::close);
      try {
        assertTrue(closer.join(PATIENCE), "the runtime does not close");
      } catch (InterruptedException e) {
        throw new IllegalStateException(e);
      }
    }
  }

  final SimulatedDisk disk;
  final List<Instance> instances = new ArrayList<>();
  private final SplittableRandom random;
  private final Quirks quirks;
  private final ProgramErrors errors;

  /** Boots on a disk. */
  SimulatedMachine(
      SimulatedDisk disk,
      SplittableRandom random,
      Quirks quirks,
      ProgramErrors errors,
      String name,
      int runtimes,
      @Nullable Executor executor) {
    this.disk = disk;
    this.random = random;
    this.quirks = quirks;
    this.errors = errors;
    SimulatedSyscalls.mount(disk, quirks);
    for (int i = 0; i < runtimes; i++) {
      instances.add(new Instance(i, name, executor));
    }
  }

  private SimulatedRing.Shape shape(int maxInFlight) {
    int submissionEntries = 2 << random.nextInt(4);
    int completionEntries = 1 << random.nextInt(5);
    int firstIndex =
        switch (random.nextInt(4)) {
          case 0 -> 0;
          case 1 -> Integer.MAX_VALUE - random.nextInt(8);
          case 2 -> -1 - random.nextInt(8);
          default -> random.nextInt();
        };
    return new SimulatedRing.Shape(submissionEntries, completionEntries, random.nextBoolean(), firstIndex, maxInFlight);
  }

  /** Whether threads of the runtimes' pools have something to do. */
  boolean workersWait() {
    for (Instance instance : instances) {
      if (!instance.workers.isIdle()) {
        return true;
      }
    }
    return false;
  }

  /** Lets the threads of the pools do what they have to. False if that is nothing. */
  boolean runWorkers() {
    boolean any = false;
    for (Instance instance : instances) {
      while (instance.workers.step()) {
        any = true;
      }
    }
    return any;
  }

  Instance any() {
    return instances.size() == 1 ? instances.getFirst() : instances.get(random.nextInt(instances.size()));
  }

  /**
   * Lets each ring run until a condition holds, for a while if there are several.
   *
   * @return whether all sleep with nothing to do
   */
  boolean giveUntil(BooleanSupplier condition) {
    BooleanSupplier until = () -> errors.calledBack(condition::getAsBoolean);
    if (instances.size() == 1) {
      return instances.getFirst().turns.giveUntil(until);
    }
    int first = random.nextInt(instances.size());
    boolean idle = true;
    for (int i = 0; i < instances.size() && !until.getAsBoolean(); i++) {
      int[] left = {random.nextInt(6)};
      Instance next = instances.get((first + i) % instances.size());
      idle &= next.turns.giveUntil(() -> until.getAsBoolean() || left[0]-- <= 0);
    }
    return idle;
  }

  boolean isQuiet() {
    boolean quiet = true;
    for (Instance instance : instances) {
      quiet &= instance.isQuiet();
    }
    return quiet;
  }

  /**
   * Closes the runtimes, one after the other.
   *
   * @param begun called for each when it takes no more operations
   */
  void close(Runnable begun) {
    instances.forEach(instance -> instance.close(begun));
  }

  /** With everything ended and closed, nothing may be left anywhere. */
  void checkIdle(int staleBefore) {
    long stale = 0;
    for (Instance instance : instances) {
      RuntimeStats stats = instance.runtime.stats();
      assertEquals(0, stats.inFlight(), "operations in flight");
      assertEquals(0, stats.queued(), "operations queued");
      assertEquals(0, stats.abandoned(), "operations abandoned");
      stale += stats.staleCompletions();
      // An error of the JVM may come between an end and its count.
      long uncounted = errors.mostThrown();
      assertTrue(stats.submitted() <= stats.completed() + stats.failed() + stats.cancelled() + uncounted, stats::toString);
    }
    assertEquals(quirks.seen(Quirk.STALE_COMPLETION) - staleBefore, stale, "stale completions");
    assertEquals(0, disk.openDescriptors(), "descriptors left open");
  }

  /** After an abrupt end. */
  void checkEnded() {
    for (Instance instance : instances) {
      assertEquals(0, instance.runtime.stats().inFlight(), "operations in flight");
      assertEquals(0, instance.runtime.stats().abandoned(), "operations abandoned");
    }
  }

  /** Adds what the kernel has against the client to a failure. */
  void addTrouble(Throwable failure) {
    for (Instance instance : instances) {
      SimulatedRing made = instance.ring.get();
      RuntimeException trouble = made == null ? null : made.trouble();
      if (trouble != null) {
        failure.addSuppressed(trouble);
      }
    }
  }

  long overflows() {
    long overflows = 0;
    for (Instance instance : instances) {
      overflows += instance.runtime.stats().cqOverflows();
    }
    return overflows;
  }

  @Override
  public String toString() {
    StringBuilder text = new StringBuilder();
    instances.forEach(instance -> text.append(instance.runtime.stats()).append(' '));
    return text.toString();
  }
}
