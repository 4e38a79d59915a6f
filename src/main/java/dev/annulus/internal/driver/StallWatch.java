package dev.annulus.internal.driver;

import java.time.Duration;
import java.util.concurrent.CompletableFuture;
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
 * was going on for one of them: a runtime without work has none, a busy one four in each
 * threshold. While the flight recorder wants stalls there are a hundred more a second.
 */
public final class StallWatch {
  /** How often to look while the flight recorder wants stalls, whose threshold is 20 ms. */
  private static final long RECORDING_NANOS = TimeUnit.MILLISECONDS.toNanos(10);

  private static final long MIN_LOOK_NANOS = TimeUnit.MILLISECONDS.toNanos(1);

  private final long thresholdNanos;
  private final String consequence;

  /** A stack, and the sequence of the {@link Whereabouts} it belongs to. */
  record Taken(long sequence, String stack) {}

  private StallWatch(long thresholdNanos, String consequence) {
    this.thresholdNanos = thresholdNanos;
    this.consequence = consequence;
  }

  /**
   * A watch with a threshold; none for zero.
   *
   * @param consequence what it means that the thread is held, for the log
   */
  public static @Nullable StallWatch of(Duration threshold, String consequence) {
    return threshold.isZero() ? null : new StallWatch(threshold.toNanos(), consequence);
  }

  /** The thread is in users' code, and no look at it is scheduled. */
  void watch(Whereabouts where) {
    where.watched = true;
    try {
      new Look(where, false).schedule();
    } catch (Throwable e) {
      // Out of memory or threads: the next delivery tries again.
      where.watched = false;
    }
  }

  /** As {@link #watch}, for the flight recorder, whose threshold is shorter. */
  void watchForRecorder(Whereabouts where) {
    where.watchedForRecorder = true;
    try {
      new Look(where, true).schedule();
    } catch (Throwable e) {
      where.watchedForRecorder = false;
    }
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
    private final boolean forRecorder;
    private long seen;
    private long seenSince = System.nanoTime();
    private boolean told;

    Look(Whereabouts where, boolean forRecorder) {
      this.where = where;
      this.forRecorder = forRecorder;
      this.seen = where.sequence();
    }

    void schedule() {
      long nanos = forRecorder ? RECORDING_NANOS : Math.max(MIN_LOOK_NANOS, thresholdNanos / 4);
      CompletableFuture.delayedExecutor(nanos, TimeUnit.NANOSECONDS).execute(this);
    }

    @Override
    public void run() {
      try {
        if (look()) {
          schedule();
          return;
        }
      } catch (Throwable e) {
        // The next delivery begins anew.
      }
      if (forRecorder) {
        where.watchedForRecorder = false;
      } else {
        where.watched = false;
      }
    }

    /** Whether to look again: something has gone on since. */
    private boolean look() {
      long now = where.sequence();
      if (now != seen) {
        seen = now;
        seenSince = System.nanoTime();
        told = false;
        return true;
      }
      if (!Whereabouts.isInUsersCode(now)) {
        return false;
      }
      if (!told && (forRecorder || System.nanoTime() - seenSince >= thresholdNanos)) {
        tell();
      }
      return true;
    }

    private void tell() {
      Thread thread = where.thread();
      if (thread == null) {
        return;
      }
      String stack = stackOf(thread);
      if (!where.isStill(seen)) {
        return;
      }
      told = true;
      where.taken = new Taken(seen, stack);
      if (!forRecorder) {
        Log.warn(message(thread, stack));
      }
    }

    private String message(Thread thread, String stack) {
      return "a dependent has held the thread \""
          + thread.getName()
          + "\" for "
          + Duration.ofNanos(System.nanoTime() - seenSince).toMillis()
          + " ms, "
          + consequence
          + "; use an executor for what takes long (whenCompleteAsync, completionExecutor). It is at\n"
          + stack;
    }
  }
}
