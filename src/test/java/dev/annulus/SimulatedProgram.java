package dev.annulus;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assertions.fail;

import dev.annulus.Running.Access;
import dev.annulus.internal.driver.Driver;
import dev.annulus.internal.driver.DriverConfig;
import dev.annulus.internal.driver.Errno;
import dev.annulus.internal.runtime.SimulatedDrivers;
import dev.annulus.sim.Quirk;
import dev.annulus.sim.Quirks;
import dev.annulus.sim.Quirks.Mood;
import dev.annulus.sim.SimulatedDisk;
import dev.annulus.sim.SimulatedFile;
import dev.annulus.sim.SimulatedRing;
import dev.annulus.sim.Turns;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * A runtime on a simulated kernel, and one random program of file operations that it runs: starts them, waits for those that would
 * conflict, checks every outcome against models of the files, and ends with an inventory. The same seed gives the same run.
 */
final class SimulatedProgram {
  private static final Duration PATIENCE = Duration.ofSeconds(10);

  final SplittableRandom random;
  final Quirks quirks;
  final SimulatedDisk disk = new SimulatedDisk();
  final IoRuntime runtime;

  private final Turns turns = Turns.taken();
  private final Driver driver;
  private final AtomicReference<@Nullable SimulatedRing> ring = new AtomicReference<>();
  private final int maxQueued;
  private final boolean endsAbruptly;

  /** Where futures are completed, in some programs: on the program's own thread, when it next looks. */
  private final Queue<Runnable> completions = new ArrayDeque<>();

  private final List<Running> running = new ArrayList<>();
  private final ProgramFiles files;
  private final ProgramSteps steps;

  private long clock;
  private boolean inCallback;
  private @Nullable Throwable callbackFailure;
  private boolean ending;

  /** From now on nobody looks at {@link #completions} any more. */
  private volatile boolean closing;

  SimulatedProgram(long seed, NativePool pool) {
    random = new SplittableRandom(seed);
    List<Mood> moods = List.of(Mood.values());
    Mood mood = moods.get(random.nextInt(moods.size()));
    quirks = new Quirks(random.nextLong(), mood);
    maxQueued = 1 + random.nextInt(24);
    endsAbruptly = random.nextInt(8) == 0;
    int maxInFlight = 1 + random.nextInt(16);
    SimulatedRing.Shape shape = shape(maxInFlight);
    DriverConfig config = new DriverConfig(maxInFlight, maxQueued, true, Duration.ZERO, "simulated-" + seed);
    driver = SimulatedDrivers.open(config, () -> make(shape));
    boolean onProgram = !endsAbruptly && random.nextInt(4) == 0;
    Executor executor = onProgram ? this::complete : null;
    Durability durability = random.nextBoolean() ? Durability.SYNC_AFTER : Durability.WRITE_THROUGH;
    runtime = new IoRuntime("simulated", Backend.IO_URING, driver, TestPolicies.with(executor, durability), Duration.ZERO);
    files = new ProgramFiles(this);
    steps = new ProgramSteps(this, files, pool);
  }

  private void complete(Runnable task) {
    if (closing) {
      task.run();
    } else {
      completions.add(task);
    }
  }

  private SimulatedRing make(SimulatedRing.Shape shape) {
    SimulatedRing made = new SimulatedRing(shape, disk, quirks, turns);
    ring.set(made);
    return made;
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

  /** Runs it to its end. */
  void run() {
    try {
      boolean ignored = turns.giveUntil(() -> true);
      if (random.nextBoolean()) {
        // Else stand-ins for heap buffers would be too few for the pool to be made, and nothing would be registered.
        runtime.buffers().lease(1).close();
      }
      int length = 10 + random.nextInt(31);
      for (int i = 0; i < length; i++) {
        steps.step();
        if (random.nextInt(3) == 0) {
          lookAround();
        }
      }
      if (endsAbruptly) {
        endAbruptly();
      } else {
        endOrderly();
      }
    } catch (Throwable e) {
      addTrouble(e);
      try {
        close();
      } catch (Throwable second) {
        e.addSuppressed(second);
      }
      throw e;
    }
    close();
  }

  private void addTrouble(Throwable e) {
    SimulatedRing made = ring.get();
    RuntimeException trouble = made == null ? null : made.trouble();
    if (trouble != null) {
      e.addSuppressed(trouble);
    }
    for (Running operation : running) {
      e.addSuppressed(new IllegalStateException("running: " + operation));
    }
  }

  // ---- starting and waiting ----

  long now() {
    return clock;
  }

  /** Whether this is the callback of a future, where waiting would be waiting for oneself. */
  boolean isInCallback() {
    return inCallback;
  }

  /** Whether the next submission may find the queue full. */
  boolean queueIsFull() {
    return !driver.onDriverThread() && runtime.stats().queued() >= maxQueued;
  }

  /**
   * Waits until nothing that runs conflicts.
   *
   * @param wanted what is to be done; asked again after each wait, since the file may have another length then
   * @return what was wanted, now free; or {@code null} if it is not, and this is no place to wait
   */
  @Nullable Access clear(Supplier<Access> wanted) {
    while (true) {
      Access access = wanted.get();
      List<Running> conflicting = running.stream().filter(operation -> operation.access.conflicts(access)).toList();
      if (conflicting.isEmpty()) {
        return access;
      }
      if (inCallback) {
        return null;
      }
      await(() -> conflicting.stream().allMatch(Running::isOver), () -> conflicting + " to end");
    }
  }

  /** Takes note of an operation that was started. */
  Running start(String what, CompletableFuture<?> future, Access access, boolean full, Running.Check check) {
    Running operation = new Running(what, future, access, clock++, full, check);
    running.add(operation);
    CompletableFuture<?> ignored = future.whenComplete((value, failure) -> ended(operation, value, failure));
    return operation;
  }

  private void ended(Running operation, @Nullable Object value, @Nullable Throwable failure) {
    operation.value = value;
    operation.failure = failure;
    operation.ended++;
    files.ended(operation);
    if (!ending && !inCallback && random.nextInt(6) == 0) {
      stepInCallback();
    }
  }

  private void stepInCallback() {
    inCallback = true;
    try {
      steps.step();
    } catch (RuntimeException | Error e) {
      // Else the future would swallow it.
      callbackFailure = e;
    } finally {
      inCallback = false;
    }
  }

  /** Gives a running operation up, one way or the other. */
  void giveUpOne() {
    if (!running.isEmpty()) {
      giveUp(running.get(random.nextInt(running.size())));
    }
  }

  void giveUp(Running operation) {
    boolean cancels = random.nextBoolean();
    boolean first =
        cancels
            ? operation.future.cancel(true)
            : operation.future.completeExceptionally(new IllegalStateException("given up"));
    operation.givenUp |= first && operation.ended == 1;
  }

  void await(BooleanSupplier condition, Supplier<String> what) {
    boolean ignored = catchUp();
    while (!condition.getAsBoolean()) {
      boolean idle = turns.giveUntil(() -> condition.getAsBoolean() || !completions.isEmpty());
      boolean progress = catchUp();
      if (idle && !progress && !condition.getAsBoolean()) {
        // Operations that never end may have taken every place there is.
        Running hung = running.stream().filter(operation -> operation.hung && !operation.givenUp).findFirst().orElse(null);
        if (hung == null) {
          fail("nothing is left to happen, still waiting for " + what.get());
        }
        giveUp(hung);
      }
    }
  }

  /** Lets the ring run up to its next changing place, and checks what has ended. */
  private void lookAround() {
    boolean ignored = turns.giveUntil(() -> true);
    ignored = catchUp();
  }

  /** Completes what is to be completed here, and checks what is over. False if there was nothing of either. */
  private boolean catchUp() {
    boolean completed = runCompletions();
    boolean settled = settle();
    return completed || settled;
  }

  private boolean runCompletions() {
    boolean any = !completions.isEmpty();
    for (Runnable task = completions.poll(); task != null; task = completions.poll()) {
      task.run();
    }
    return any;
  }

  /** Checks what is over. */
  private boolean settle() {
    if (callbackFailure != null) {
      throw new AssertionError("a step in a callback failed", callbackFailure);
    }
    List<Running> over = running.stream().filter(Running::isOver).toList();
    for (Running operation : over) {
      boolean ignored = running.remove(operation);
      clock++;
      assertEquals(1, operation.ended, () -> operation + " ended more than once");
      synchronized (disk) {
        try {
          operation.check.check(operation);
        } catch (AssertionError e) {
          throw new AssertionError(operation + ": " + e.getMessage(), e);
        }
      }
    }
    return !over.isEmpty();
  }

  // ---- judging ----

  /** Whether an operation was refused for lack of room, and rightly so. */
  boolean wasRefused(Running operation) {
    boolean refused = operation.failure instanceof RejectedExecutionException;
    if (refused) {
      assertTrue(operation.mayBeRefused || ending, "refused although there was room");
    }
    return refused;
  }

  /** A failure must be one that the kernel made up. */
  void checkFailure(Running operation) {
    Throwable failure = operation.failure;
    if (operation.givenUp || failure == null || wasRefused(operation)) {
      return;
    }
    int errno = errno(failure);
    boolean injected =
        switch (errno) {
          case Errno.EIO -> quirks.seen(Quirk.IO_ERROR) + quirks.seen(Quirk.LOST_SYNC) > 0;
          case Errno.ENOSPC -> quirks.seen(Quirk.NO_SPACE) > 0;
          case Errno.ECANCELED -> quirks.seen(Quirk.CANCELLED_UNASKED) > 0 || ending;
          case Errno.EINTR -> quirks.seen(Quirk.CLOSE_INTERRUPTED) + quirks.seen(Quirk.INTERRUPTED) > 0;
          // Syncs and appends are not repeated.
          case Errno.EAGAIN -> quirks.seen(Quirk.TRY_AGAIN) > 0;
          default -> false;
        };
    if (!injected) {
      throw new AssertionError("failed for no reason of the kernel's", failure);
    }
  }

  /** The error number in a failure, or 0. */
  static int errno(Throwable failure) {
    Throwable e = failure;
    while (e != null && !(e instanceof ErrnoException)) {
      e = e.getCause();
    }
    return e instanceof ErrnoException known ? known.errno() : 0;
  }

  /** The page cache's contents of a file; empty if there is none. */
  byte[] cached(String path) {
    synchronized (disk) {
      SimulatedFile file = disk.file(path);
      return file == null ? new byte[0] : file.cached();
    }
  }

  /** What the kernel did and how the runtime counted it: the same for the same seed. */
  String trace() {
    return quirks.seen() + " " + runtime.stats();
  }

  // ---- the end ----

  private void endOrderly() {
    ending = true;
    await(() -> running.stream().allMatch(operation -> operation.isOver() || operation.hung), () -> "the rest");
    running.forEach(this::giveUp);
    await(running::isEmpty, () -> running + " to end");
    files.closeAll();
    await(() -> made().isQuiet(), () -> "the ring to be quiet");
    files.checkAll();

    RuntimeStats stats = runtime.stats();
    assertEquals(0, stats.inFlight(), "operations in flight");
    assertEquals(0, stats.queued(), "operations queued");
    assertEquals(0, stats.abandoned(), "operations abandoned");
    assertEquals(quirks.seen(Quirk.STALE_COMPLETION), stats.staleCompletions(), "stale completions");
    assertTrue(stats.submitted() <= stats.completed() + stats.failed() + stats.cancelled(), stats::toString);
    assertEquals(0, disk.openDescriptors(), "descriptors left open");
  }

  /** Closes the runtime on whatever is under way: every future must end, and every buffer come back. */
  private void endAbruptly() {
    ending = true;
    close();
    for (Running operation : running) {
      assertTrue(operation.isOver(), () -> operation + " did not end with the runtime");
    }
    boolean ignored = settle();
    files.checkAll();
    assertEquals(0, runtime.stats().inFlight(), "operations in flight");
    assertEquals(0, runtime.stats().abandoned(), "operations abandoned");
  }

  private void close() {
    ending = true;
    driver.beginClose();
    boolean ignored = runCompletions();
    closing = true;
    turns.end();
    // On a thread of its own, so that a close that does not end is a failure with a seed.
    Thread closer = Thread.ofPlatform().daemon().start(runtime::close);
    try {
      assertTrue(closer.join(PATIENCE), "the runtime does not close");
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  private SimulatedRing made() {
    SimulatedRing made = ring.get();
    if (made == null) {
      throw new IllegalStateException("no ring");
    }
    assertNull(made.trouble());
    return made;
  }
}
