package dev.annulus.internal.runtime;

import dev.annulus.internal.driver.Closing;
import dev.annulus.internal.driver.Driver;
import dev.annulus.internal.driver.DriverConfig;
import dev.annulus.internal.driver.DriverThread;
import dev.annulus.internal.driver.Operation;
import dev.annulus.internal.driver.Refusals;
import dev.annulus.internal.driver.Request;
import dev.annulus.internal.driver.StallWatch;
import dev.annulus.internal.driver.Unavailable;
import dev.annulus.internal.driver.Whereabouts;
import dev.annulus.internal.ring.Ring;
import java.io.IOException;
import java.time.Duration;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.RejectedExecutionException;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * The life of the reaper's thread: makes the ring, runs rounds, and ends in a fixed order.
 *
 * <pre>
 *  RUNNING    rounds without end
 *  DRAINING   close() was called: nothing new is admitted, rounds go on until idle or the time limit
 *  CANCELLING the time limit has passed: what waits is cancelled, the kernel is asked to end the rest, rounds go on a little
 *  ENDED      what is left is given up; wake-up quiet, ring unmapped and closed, eventfd closed
 * </pre>
 *
 * A failure of the ring leads to ENDED from anywhere, with that failure as the cause each request then gets.
 */
final class ReaperThread {
  /**
   * Requests whose operations never completed, and the native memory of their submissions. The kernel may yet write to either, so
   * they must never be freed: they are leaked here on purpose.
   */
  private static final Queue<Object> LEAKED = new ConcurrentLinkedQueue<>();

  private final DriverConfig config;
  private final RingDriver.RingMaker ringMaker;
  private final Intake intake;
  private final InFlightTable table;
  private final RegisteredMemory registered;
  private final BlockingFiles blockingFiles;
  private final Counters counters;
  private final Whereabouts where;
  private final CompletableFuture<Started> started = new CompletableFuture<>();

  private volatile @Nullable Thread thread;

  /** What the thread made before its first round, for other threads to know. */
  private record Started(Ring ring, Wakeup wakeup, Reaper reaper) {}

  ReaperThread(
      DriverConfig config,
      RingDriver.RingMaker ringMaker,
      Intake intake,
      InFlightTable table,
      RegisteredMemory registered,
      BlockingFiles blockingFiles,
      Counters counters) {
    this.config = config;
    this.ringMaker = ringMaker;
    this.intake = intake;
    this.table = table;
    this.registered = registered;
    this.blockingFiles = blockingFiles;
    this.counters = counters;
    this.where = new Whereabouts(StallWatch.of(config.stallWarning()));
  }

  /** Starts the thread, waits until its ring is made, and returns what wakes it. */
  Wakeup start(Driver owner) throws Unavailable {
    Thread reaperThread = new DriverThread(owner, this::run, config.threadName());
    thread = reaperThread;
    reaperThread.start();
    try {
      return started.join().wakeup;
    } catch (CompletionException e) {
      if (e.getCause() instanceof Unavailable unavailable) {
        throw unavailable;
      }
      throw new Unavailable(Unavailable.Cause.OTHER, "the ring could not be made: " + e.getCause(), e);
    }
  }

  boolean isCurrentThread() {
    return Thread.currentThread() == thread;
  }

  /** Whether the ring can run an operation; else a worker must. */
  boolean runs(Operation operation) {
    int opcode = SqeEncoder.opcode(operation);
    return opcode >= 0 && started.join().ring.supports(opcode);
  }

  String description() {
    Ring ring = started.join().ring;
    return RingSetup.describe(ring.setupFlags());
  }

  /** Waits until the thread has ended, whatever interrupts come; false if it takes longer. */
  boolean join(long limitNanos) {
    Thread reaperThread = thread;
    return reaperThread == null || DriverThread.join(reaperThread, Duration.ofNanos(limitNanos));
  }

  /** For the thread that closes, when this one does not end. */
  LostReaper lost(Reaper reaper) {
    return new LostReaper(config.threadName(), where, reaper, intake, table);
  }

  /** The reaper, for {@link #lost}. */
  Reaper reaper() {
    return started.join().reaper;
  }

  private void run() {
    Started made;
    where.begin();
    try {
      made = make();
    } catch (Throwable e) {
      started.completeExceptionally(e);
      return;
    }
    started.complete(made);
    Throwable cause = Refusals.closed();
    try {
      roundsUntilClosed(made.reaper);
    } catch (Throwable e) {
      Log.error("the reaper of " + config.threadName() + " has failed; all its operations fail", e);
      cause = new IOException("the io_uring runtime has failed: " + e.getMessage(), e);
    }
    end(made, cause);
  }

  private Started make() throws Unavailable {
    Ring ring = ringMaker.make();
    try {
      Wakeup wakeup = new Wakeup();
      Reaper reaper =
          new Reaper(
              ring, intake, wakeup, table, registered, blockingFiles, counters, where);
      return new Started(ring, wakeup, reaper);
    } catch (Throwable e) {
      ring.close();
      throw e;
    }
  }

  private void roundsUntilClosed(Reaper reaper) {
    Closing closing = intake.closing();
    while (closing == null) {
      reaper.round(0);
      closing = intake.closing();
    }
    if (!roundsUntilIdle(reaper, closing::nanosUntilCancel)) {
      reaper.cancelAll();
      boolean _ = roundsUntilIdle(reaper, graceOf(closing));
    }
  }

  /** The thread may come late, held up by users' code: then nobody waits any more, but the kernel gets its time to cancel. */
  private static LongSupplier graceOf(Closing closing) {
    if (closing.nanosUntilAbandoning() > 0) {
      return closing::nanosUntilAbandoning;
    }
    return Closing.begin(Duration.ZERO)::nanosUntilAbandoning;
  }

  /** False if the time ran out first. */
  private static boolean roundsUntilIdle(Reaper reaper, LongSupplier nanosLeft) {
    while (!reaper.isIdle()) {
      long left = nanosLeft.getAsLong();
      if (left <= 0) {
        return false;
      }
      reaper.round(left);
    }
    return true;
  }

  private void end(Started made, Throwable cause) {
    where.intoUsersCode(null);
    intake.end(cause);
    where.back();
    made.reaper.endUnsubmitted();
    abandonInFlight(cause instanceof RejectedExecutionException ? Refusals.abandoned() : cause);
    boolean quiet = false;
    try {
      quiet = made.reaper.quiesceWakeup();
    } catch (RuntimeException e) {
      Log.error("the ring does not answer", e);
    }
    made.ring.close();
    if (quiet) {
      made.wakeup.settle();
    } else {
      Log.warn("the wake-up descriptor is left open: a write to it may be under way");
    }
  }

  private void abandonInFlight(Throwable cause) {
    if (table.isEmpty()) {
      return;
    }
    Log.warn(table.size() + " operations of " + config.threadName() + " did not end; their buffers and files are kept for ever");
    table.forEachSlot(
        slot -> {
          Object kept = table.kept(slot);
          if (kept != null) {
            LEAKED.add(kept);
          }
          Request request = table.release(slot);
          LEAKED.add(request);
          Counters.count(counters.abandoned);
          request.mark(Request.NO_MARK);
          where.intoUsersCode(request);
          try {
            request.abandoned(cause);
          } catch (Throwable e) {
            Log.error("abandoning an operation failed", e);
          } finally {
            where.back();
          }
        });
  }
}
