package dev.annulus.internal.portable;

import dev.annulus.internal.driver.Operation;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/** Ends a {@link Pool}. For the use of one thread, but for what says otherwise. */
final class PoolClosing {
  /** How long the closing thread sleeps before it looks by itself. */
  private static final long NAP_NANOS = TimeUnit.MILLISECONDS.toNanos(50);

  private static final int MAX_TRIES = 100;

  private static final long SHORT_NAP_NANOS = TimeUnit.MICROSECONDS.toNanos(200);

  /** A thread of the pool, and the task it carries out, or whose request it is ending. */
  record Busy(Thread thread, PoolTask task, boolean isEnding) {}

  private final PoolLock lock;
  private final PoolState state;
  private final Endings endings;

  /** Waits until nothing is left to do. */
  private volatile @Nullable Thread awaiting;

  PoolClosing(PoolLock lock, PoolState state, Endings endings) {
    this.lock = lock;
    this.state = state;
    this.endings = endings;
  }

  /** The request of a task has been ended. On any thread. */
  void over(PoolTask task) {
    Thread closer;
    lock.lock();
    try {
      state.end(task);
      closer = whoAwaitsThis();
    } finally {
      lock.held = false;
    }
    if (closer != null) {
      LockSupport.unpark(closer); // should this fail, the closer looks by itself
    }
  }

  /** Under the lock: who is to be told when nothing is left to do, if that is now. */
  @Nullable Thread whoAwaitsThis() {
    return state.isQuiet() ? awaiting : null;
  }

  /** Lets threads end when they find nothing to do. */
  void begin() {
    lock.lock();
    try {
      state.closing = true;
      PoolWorker worker = state.firstOfAll();
      for (; worker != null; worker = worker.nextOfAll) {
        LockSupport.unpark(worker.thread);
      }
    } finally {
      lock.held = false;
    }
  }

  /**
   * Waits until nothing is queued, running or being ended, or the time is over. In the first case
   * nothing is taken from then on.
   */
  boolean awaitQuiet(long limitNanos) {
    boolean interrupted = false;
    long deadline = System.nanoTime() + limitNanos;
    awaiting = Thread.currentThread();
    boolean quiet = endIfQuiet();
    long left = limitNanos;
    while (!quiet && left > 0) {
      LockSupport.parkNanos(this, Math.min(left, NAP_NANOS));
      interrupted |= Thread.interrupted();
      quiet = endIfQuiet();
      left = deadline - System.nanoTime();
    }
    awaiting = null;
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
    return quiet;
  }

  private boolean endIfQuiet() {
    lock.lock();
    try {
      state.ended |= state.isQuiet();
      return state.ended;
    } finally {
      lock.held = false;
    }
  }

  /**
   * Takes nothing any more. What is left must then be ended by {@link #endNext}.
   *
   * @return how many requests are left
   */
  int end() {
    lock.lock();
    try {
      state.ended = true;
      int left = state.queued;
      PoolWorker worker = state.firstOfAll();
      for (; worker != null; worker = worker.nextOfAll) {
        left += canBeGivenUp(worker.task) ? 1 : 0;
      }
      return left;
    } finally {
      lock.held = false;
    }
  }

  /**
   * Refuses a queued request or gives up a running one, if there is any. {@linkplain Call Calls}
   * that run are not given up, as somebody waits for them. On any thread.
   */
  void endNext(Throwable closed, Throwable abandoned) {
    boolean runs = false;
    PoolTask task;
    lock.lock();
    try {
      task = state.firstQueued();
      if (task != null) {
        state.endQueued(task);
      } else {
        task = firstToGiveUp();
        if (task == null) {
          return;
        }
        runs = true;
        state.giveUp(task);
      }
    } finally {
      lock.held = false;
    }
    boolean over = false;
    for (int tries = 0; !over && tries < MAX_TRIES; tries++) {
      try {
        if (runs) {
          endings.abandon(task, abandoned);
        } else if (task.request instanceof Call) {
          endings.cancel(task);
        } else {
          endings.refuse(task, closed);
        }
        over(task);
        over = true;
      } catch (Throwable e) {
        over = false; // it goes on where it was cut
      }
    }
  }

  private @Nullable PoolTask firstToGiveUp() {
    for (PoolWorker worker = state.firstOfAll(); worker != null; worker = worker.nextOfAll) {
      PoolTask task = worker.task;
      if (canBeGivenUp(task)) {
        return task;
      }
    }
    return null;
  }

  private static boolean canBeGivenUp(@Nullable PoolTask task) {
    return task != null
        && task.state == PoolTask.State.RUNNING
        && !(task.request instanceof Call);
  }

  /** The operations that threads are in, given up or not. */
  List<Operation> runningOperations() {
    List<Operation> operations = new ArrayList<>();
    for (Busy busy : busyThreads()) {
      if (!busy.isEnding) {
        operations.add(busy.task.operation);
      }
    }
    return operations;
  }

  /** The threads that have something to do, given up or not. */
  List<Busy> busyThreads() {
    List<Busy> busy = new ArrayList<>();
    lock.lock();
    try {
      PoolWorker worker = state.firstOfAll();
      for (; worker != null; worker = worker.nextOfAll) {
        PoolTask task = worker.task;
        if (task != null && task.keepsItsThread() && worker.thread != null) {
          boolean ending = task.state == PoolTask.State.ENDING && !task.givenUp;
          busy.add(new Busy(worker.thread, task, ending));
        }
      }
      return busy;
    } finally {
      lock.held = false;
    }
  }

  /** Waits until all threads have gone but those that have something to do; false if some stay. */
  boolean awaitThreads(long limitNanos) {
    boolean interrupted = false;
    long deadline = System.nanoTime() + limitNanos;
    boolean gone = haveIdleGone();
    while (!gone && deadline - System.nanoTime() > 0) {
      LockSupport.parkNanos(this, SHORT_NAP_NANOS);
      interrupted |= Thread.interrupted();
      gone = haveIdleGone();
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
    return gone;
  }

  private boolean haveIdleGone() {
    lock.lock();
    try {
      state.forgetGone();
      int busy = 0;
      PoolWorker worker = state.firstOfAll();
      for (; worker != null; worker = worker.nextOfAll) {
        if (worker.retired) {
          return false; // its thread is about to end
        }
        PoolTask task = worker.task;
        busy += task != null && task.keepsItsThread() ? 1 : 0;
      }
      return state.threads <= busy;
    } finally {
      lock.held = false;
    }
  }
}
