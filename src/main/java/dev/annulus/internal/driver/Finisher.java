package dev.annulus.internal.driver;

import java.time.Duration;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Ends what is left when a runtime closes. Ending a future runs users' code, which may block for
 * ever; the next future must be ended all the same. Each action therefore runs on a helper thread,
 * and as long as helpers are stuck and actions wait, more helpers are started: twice as many each
 * time. For the use of one thread, the one that closes.
 */
public final class Finisher {
  private static final long LOOK_NANOS = TimeUnit.MILLISECONDS.toNanos(5);

  private final Driver owner;
  private final String threadNames;
  private final Queue<Runnable> waiting = new ConcurrentLinkedQueue<>();
  private final AtomicInteger unfinished = new AtomicInteger();
  private final Set<Thread> helpers = ConcurrentHashMap.newKeySet();
  private int started;

  public Finisher(Driver owner, String threadNames) {
    this.owner = owner;
    this.threadNames = threadNames;
  }

  /** Adds an action. */
  public void add(Runnable action) {
    unfinished.incrementAndGet();
    boolean added = false;
    try {
      added = waiting.add(action);
    } finally {
      if (!added) {
        unfinished.decrementAndGet();
      }
    }
  }

  /**
   * Runs what was added. Interrupts stay pending.
   *
   * @return true if all actions have ended; false if some still run when the time is over
   */
  public boolean run(long limitNanos) {
    if (unfinished.get() == 0) {
      return true;
    }
    boolean interrupted = false;
    long deadline = System.nanoTime() + limitNanos;
    while (unfinished.get() > 0) {
      startHelpers(Math.min(waiting.size(), Math.max(1, helpers.size())));
      long left = deadline - System.nanoTime();
      if (left <= 0) {
        break;
      }
      interrupted |= pause(Math.min(left, LOOK_NANOS));
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
    if (unfinished.get() > 0) {
      return false;
    }
    for (Thread helper : helpers) {
      boolean _ = DriverThread.join(helper, Duration.ofNanos(Math.max(0, deadline - System.nanoTime())));
    }
    return true;
  }

  /** Says in the log what has not ended, with the stacks of the threads that hold it. */
  public void report(String runtime) {
    int notBegun = waiting.size();
    if (notBegun > 0) {
      Log.error("closing " + runtime + ": no threads to end " + notBegun + " operations, whose futures stay open", null);
    }
    for (Thread helper : helpers) {
      if (helper.isAlive()) {
        Log.warn(
            "closing the runtime "
                + runtime
                + " leaves a dependent of a future behind, which has not returned. It is at\n"
                + StallWatch.stackOf(helper));
      }
    }
  }

  /** Waits for a change; true if the thread was interrupted. */
  private boolean pause(long nanos) {
    synchronized (this) {
      if (unfinished.get() == 0) {
        return false;
      }
      try {
        TimeUnit.NANOSECONDS.timedWait(this, nanos);
        return false;
      } catch (InterruptedException e) {
        return true;
      }
    }
  }

  private void startHelpers(int count) {
    for (int i = 0; i < count; i++) {
      Thread helper = new DriverThread(owner, this::work, threadNames + "-finisher-" + ++started);
      helpers.add(helper);
      try {
        helper.start();
      } catch (OutOfMemoryError e) {
        helpers.remove(helper);
        if (helpers.isEmpty()) {
          runOne();
        }
        return;
      }
    }
  }

  private void work() {
    try {
      while (runOne()) {}
    } finally {
      helpers.remove(Thread.currentThread());
    }
  }

  private boolean runOne() {
    Runnable action = waiting.poll();
    if (action == null) {
      return false;
    }
    try {
      action.run();
    } catch (Throwable e) {
      Log.error("ending an operation failed", e);
    } finally {
      if (unfinished.decrementAndGet() == 0) {
        synchronized (this) {
          notifyAll();
        }
      }
    }
    return true;
  }
}
