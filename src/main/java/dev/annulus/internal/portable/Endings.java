package dev.annulus.internal.portable;

import dev.annulus.internal.driver.Admission;
import dev.annulus.internal.driver.Errno;
import dev.annulus.internal.driver.Persistence;
import dev.annulus.internal.driver.SharedCounters;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.LongAdder;

/**
 * Tells requests how they ended, and counts them. What a request throws, the pool survives. Called
 * again after an error of the JVM's, a step goes on where it was cut.
 */
final class Endings {
  private final Admission admission;
  private final SharedCounters counters;

  Endings(Admission admission, SharedCounters counters) {
    this.admission = admission;
    this.counters = counters;
  }

  /** Gives the place in the admission back; once. */
  void giveBackPlace(PoolTask task) {
    if (task.holdsPlace) {
      admission.leave(1);
      task.holdsPlace = false;
    }
  }

  void begins() {
    count(counters.submitted);
  }

  /** Ends a request with the result of its task; once. */
  void complete(PoolTask task) {
    if (!task.counted) {
      task.counted = true;
      count(task.result);
    }
    if (!task.told) {
      Persistence.complete(task.request, task.result);
      task.told = true;
    }
  }

  /** Ends a request that has never run. */
  void cancel(PoolTask task) {
    giveBackPlace(task);
    if (!task.counted) {
      task.counted = true;
      count(-Errno.ECANCELED);
    }
    if (!task.told) {
      boolean _ = Persistence.run(task.request::neverBegun);
      task.told = true;
    }
  }

  /** Ends a request that will never run. */
  void refuse(PoolTask task, Throwable cause) {
    giveBackPlace(task);
    if (!task.told) {
      Persistence.refuse(task.request, cause);
      task.told = true;
    }
  }

  /** Ends a request that runs and may do so for ever. */
  void abandon(PoolTask task, Throwable because) {
    if (!task.counted) {
      task.counted = true;
      count(counters.abandoned);
    }
    if (!task.told) {
      Persistence.abandon(task.request, because);
      task.told = true;
    }
  }

  /** Why a request is refused for which there is no thread. */
  static Throwable noThread(Throwable cause) {
    try {
      return new RejectedExecutionException(
          "no thread can be started to run the operation: raise the limit of processes, or the"
              + " memory this process may have",
          cause);
    } catch (Throwable e) {
      return cause;
    }
  }

  private void count(int result) {
    try {
      counters.countResult(result);
    } catch (Throwable e) {
      Log.warning("an operation is not counted", counters, e);
    }
  }

  private static void count(LongAdder counter) {
    try {
      counter.increment();
    } catch (Throwable e) {
      Log.warning("an operation is not counted", counter, e);
    }
  }
}
