package dev.annulus.internal.runtime;

import dev.annulus.internal.driver.Closing;
import dev.annulus.internal.driver.Driver;
import dev.annulus.internal.driver.DriverConfig;
import dev.annulus.internal.driver.DriverThread;
import dev.annulus.internal.driver.Log;
import dev.annulus.internal.driver.Operation;
import dev.annulus.internal.driver.Persistence;
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
import java.util.concurrent.locks.LockSupport;
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
  private static final int MAX_CUT_ROUNDS = 100;
  private static final int ROUNDS_BEFORE_WORD = 10;
  private static final int LAST_STEPS = 4;
  private static final long PAUSE_NANOS = 1_000_000;

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

  // The thread's own.

  /** Since what did not end in time has been cancelled: how long that is waited for. */
  private @Nullable Closing grace;

  /** Whether there are no more rounds. */
  private boolean ended;

  /** Rounds in a row that an error of the JVM has cut. */
  private int cutRounds;

  private Throwable endedBecause = Refusals.closed();

  /** What has ended the rounds, until it is told. */
  private @Nullable Throwable fatal;

  private int lastStep;
  private boolean ringClosed;
  private boolean wakeupQuiet;

  /** What the thread made before its first round, for other threads to know. */
  private record Started(Ring ring, Wakeup wakeup, Reaper reaper, LastSteps lastSteps) {}

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
    this.where =
        new Whereabouts(
            StallWatch.of(config.stallWarning(), "and all other operations of the runtime wait"));
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

  /** The ring, once the thread has {@linkplain #start started}. */
  Ring ring() {
    return started.join().ring;
  }

  String description() {
    return RingSetup.describe(ring().setupFlags());
  }

  /** Waits until the thread has ended, whatever interrupts come; false if it takes longer. */
  boolean join(long limitNanos) {
    Thread reaperThread = thread;
    return reaperThread == null || DriverThread.join(reaperThread, Duration.ofNanos(limitNanos));
  }

  /** For the thread that closes, when this one does not end. */
  LostReaper lost() {
    return new LostReaper(
        config.threadName(), where, intake, table, started.join().reaper.heldBack());
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
    // What catches an error of the JVM here calls nothing: another may come at once.
    while (!ended) {
      try {
        roundsUntilClosed(made.reaper);
      } catch (VirtualMachineError e) {
        // Again.
      } catch (Throwable e) {
        fatal = e;
        ended = true;
      }
    }
    while (lastStep < LAST_STEPS) {
      try {
        end(made);
      } catch (VirtualMachineError e) {
        // Again.
      }
    }
  }

  private Throwable failure(Throwable e) {
    try {
      Log.error("the reaper of " + config.threadName() + " has failed; all its operations fail", e);
      return new IOException("the io_uring runtime has failed: " + e.getMessage(), e);
    } catch (Throwable another) {
      return e;
    }
  }

  private Started make() throws Unavailable {
    Ring ring = ringMaker.make();
    try {
      table.tick(); // has the JVM link what that takes, while it has the memory
      Wakeup wakeup = new Wakeup();
      Reaper reaper = new Reaper(ring, intake, wakeup, table, registered, blockingFiles, counters, where);
      return new Started(ring, wakeup, reaper, lastSteps(ring, wakeup, reaper));
    } catch (Throwable e) {
      ring.close();
      throw e;
    }
  }

  /**
   * A round that an error of the JVM cuts is continued by the next; so is whatever stands between rounds. A class that cannot be had may be had
   * later, but not for ever.
   */
  private void roundsUntilClosed(Reaper reaper) {
    while (!ended) {
      try {
        round(reaper);
        cutRounds = 0;
      } catch (Throwable e) {
        boolean linkage = e instanceof LinkageError && cutRounds < MAX_CUT_ROUNDS;
        if (!linkage && !Persistence.isWant(e)) {
          throw e;
        }
        cut(e);
      }
    }
  }

  /** One round, as far as the time goes; without limit until closing begins. */
  private void round(Reaper reaper) {
    Closing closing = intake.closing();
    if (closing == null) {
      reaper.round(0);
      return;
    }
    if (reaper.isIdle()) {
      ended = true;
      return;
    }
    Closing graceNow = grace;
    long left = graceNow == null ? closing.nanosUntilCancel() : graceNow.nanosUntilAbandoning();
    if (left > 0) {
      reaper.round(left);
    } else if (graceNow != null) {
      ended = true;
    } else {
      reaper.cancelAll();
      grace = graceOf(closing);
    }
  }

  /** The thread may come late, held up by users' code: then nobody waits any more, but the kernel gets its time to cancel. */
  private static Closing graceOf(Closing closing) {
    return closing.nanosUntilAbandoning() > 0 ? closing : Closing.begin(Duration.ZERO);
  }

  private void cut(Throwable e) {
    cutRounds++;
    if (cutRounds == ROUNDS_BEFORE_WORD) {
      Log.warn(config.threadName() + " goes on slowly, for want of memory or stack: " + e);
    }
    if (cutRounds > 1) {
      try {
        LockSupport.parkNanos(PAUSE_NANOS);
      } catch (VirtualMachineError again) {
        // Then without a pause.
      }
    }
  }

  private void end(Started made) {
    Throwable failed = fatal;
    if (failed != null) {
      endedBecause = failure(failed);
      fatal = null;
    }
    LastSteps steps = made.lastSteps;
    Persistence.Step step =
        switch (lastStep) {
          case 0 -> steps.refuseWaiting;
          case 1 -> steps.tellEnded;
          case 2 -> steps.abandonInFlight;
          default -> steps.closeRing;
        };
    boolean _ = Persistence.run(step);
    lastStep++;
  }

  /** What the thread does last, made while there is memory. Each step goes on where it was cut. */
  private record LastSteps(
      Persistence.Step refuseWaiting,
      Persistence.Step tellEnded,
      Persistence.Step abandonInFlight,
      Persistence.Step closeRing) {}

  private LastSteps lastSteps(Ring ring, Wakeup wakeup, Reaper reaper) {
    return new LastSteps(
        () -> refuseWaiting(reaper), reaper::tellEndings, this::abandonInFlight, () -> closeRing(ring, wakeup, reaper));
  }

  private void refuseWaiting(Reaper reaper) {
    where.intoUsersCode();
    try {
      reaper.heldBack().refuseAll(endedBecause);
      intake.end(endedBecause);
    } finally {
      where.back();
    }
  }

  private void closeRing(Ring ring, Wakeup wakeup, Reaper reaper) {
    if (!ringClosed) {
      boolean quiet = false;
      try {
        quiet = reaper.quiesceWakeup();
      } catch (RuntimeException e) {
        Log.error("the ring does not answer", e);
      }
      wakeupQuiet = quiet;
      ringClosed = true; // at most once: its descriptor's number may be another file's by the second time
      ring.close();
    }
    if (wakeupQuiet) {
      wakeup.settle();
    } else {
      Log.warn("the wake-up descriptor is left open: a write to it may be under way");
    }
  }

  private void abandonInFlight() {
    Throwable because = endedBecause;
    Throwable cause = because instanceof RejectedExecutionException ? Refusals.abandoned() : because;
    if (!table.isEmpty()) {
      Log.warn(table.size() + " operations of " + config.threadName() + " did not end; their buffers and files are kept for ever");
    }
    for (int slot = 0; slot < table.capacity(); slot++) {
      Request request = table.requestOrNull(slot);
      if (request != null) {
        abandon(slot, request, cause);
      }
    }
  }

  private void abandon(int slot, Request request, Throwable cause) {
    Object kept = table.kept(slot);
    if (kept != null) {
      LEAKED.add(kept);
    }
    LEAKED.add(request);
    Counters.count(counters.abandoned);
    request.mark(Request.NO_MARK);
    where.intoUsersCode();
    try {
      Persistence.abandon(request, cause);
    } finally {
      where.back();
    }
    Request _ = table.release(slot);
  }
}
