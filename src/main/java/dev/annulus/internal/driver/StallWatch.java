package dev.annulus.internal.driver;

import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Notices users' code that keeps a driver's thread, and logs it once with its stack, taken while
 * the thread is held.
 *
 * <p>There is no thread for it. When users' code begins and no look is scheduled, one is, a quarter
 * of the threshold later. Looks go on while they find users' code at work, and stop when nothing
 * was going on for one of them: a runtime without work has none, a busy one four in each threshold,
 * or a hundred a second while the flight recorder wants stalls.
 */
public final class StallWatch {
  /** How often to look while the flight recorder wants stalls, whose threshold is 20 ms. */
  private static final long RECORDING_NANOS = TimeUnit.MILLISECONDS.toNanos(10);

  private static final long MIN_LOOK_NANOS = TimeUnit.MILLISECONDS.toNanos(1);

  private static final System.Logger LOG = System.getLogger("dev.annulus");

  private final long thresholdNanos;

  /** A stack, and the sequence of the {@link Whereabouts} it belongs to. */
  record Taken(long sequence, String stack) {}

  private StallWatch(long thresholdNanos) {
    this.thresholdNanos = thresholdNanos;
  }

  /** A watch with a threshold; none for zero. */
  public static @Nullable StallWatch of(Duration threshold) {
    return threshold.isZero() ? null : new StallWatch(threshold.toNanos());
  }

  /** The thread is in users' code, and no look at it is scheduled. */
  void watch(Whereabouts where) {
    where.watched = true;
    try {
      schedule(new Look(where, where.sequence()));
    } catch (Throwable e) {
      // Out of memory or threads: the next delivery tries again.
      where.watched = false;
    }
  }

  private void schedule(Look look) {
    long every = Stalls.recorded() ? Math.min(RECORDING_NANOS, thresholdNanos / 4) : thresholdNanos / 4;
    Executor later =
        CompletableFuture.delayedExecutor(Math.max(MIN_LOOK_NANOS, every), TimeUnit.NANOSECONDS);
    later.execute(look);
  }

  /** The stack of a thread, a frame a line. */
  public static String stackOf(Thread thread) {
    return Stream.of(thread.getStackTrace())
        .map(frame -> "\tat " + frame)
        .collect(Collectors.joining("\n"));
  }

  /** Looks at one thread again and again. */
  private final class Look implements Runnable {
    private final Whereabouts where;
    private long seen;
    private long seenSince = System.nanoTime();
    private boolean logged;

    Look(Whereabouts where, long seen) {
      this.where = where;
      this.seen = seen;
    }

    @Override
    public void run() {
      try {
        if (look()) {
          schedule(this);
          return;
        }
      } catch (Throwable e) {
        // The next delivery begins anew.
      }
      where.watched = false;
    }

    /** Whether to look again. */
    private boolean look() {
      long now = where.sequence();
      boolean same = now == seen;
      if (!same) {
        seen = now;
        seenSince = System.nanoTime();
        logged = false;
        return true;
      }
      if (!Whereabouts.isInUsersCode(now)) {
        return false;
      }
      lookAtHolder(now);
      return true;
    }

    private void lookAtHolder(long now) {
      Thread thread = where.thread();
      boolean tooLong = System.nanoTime() - seenSince >= thresholdNanos && !logged;
      if (thread == null || !(tooLong || (Stalls.recorded() && !isTaken(now)))) {
        return;
      }
      String stack = stackOf(thread);
      if (!where.isStill(now)) {
        return;
      }
      where.taken = new Taken(now, stack);
      if (tooLong) {
        logged = true;
        LOG.log(System.Logger.Level.WARNING, message(thread, stack));
      }
    }

    private boolean isTaken(long now) {
      Taken taken = where.taken;
      return taken != null && taken.sequence() == now;
    }

    private String message(Thread thread, String stack) {
      return "a dependent has held the thread \""
          + thread.getName()
          + "\" for "
          + Duration.ofNanos(System.nanoTime() - seenSince).toMillis()
          + " ms, and all other operations of the runtime wait; use an executor for what takes long"
          + " (whenCompleteAsync, completionExecutor). It is at\n"
          + stack;
    }
  }
}
