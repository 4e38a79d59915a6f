package dev.annulus.internal.runtime;

import dev.annulus.internal.driver.Closing;
import dev.annulus.internal.driver.Driver;
import dev.annulus.internal.driver.DriverThread;
import dev.annulus.internal.driver.Errno;
import dev.annulus.internal.driver.Finisher;
import dev.annulus.internal.driver.Operation;
import dev.annulus.internal.driver.Refusals;
import dev.annulus.internal.driver.Repeats;
import dev.annulus.internal.driver.Request;
import dev.annulus.internal.driver.SharedCounters;
import dev.annulus.internal.driver.StallWatch;
import dev.annulus.internal.runtime.direct.DirectCalls;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.LinkedTransferQueue;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * Threads for what the kernel's ring cannot run without blocking the reaper: listing a directory,
 * removing a tree, trying a lock, closing, and opcodes an older kernel lacks. A few do; there are
 * up to {@link PoolGrowth#MAX_THREADS} when operations hang.
 */
final class Workers {
  static final int DEFAULT_THREADS = 4;
  private static final long IDLE_SECONDS = 10;

  private final ThreadPoolExecutor pool;
  private final PoolGrowth growth;
  private final SharedCounters counters;
  private final AtomicInteger running = new AtomicInteger();
  private final Map<Request, Task> unfinished = new ConcurrentHashMap<>();
  private final Set<Thread> threads = ConcurrentHashMap.newKeySet();

  /**
   * @param threadNames what the threads' numbers come behind
   * @param threads how many there usually are; they start when they are needed
   */
  Workers(Driver owner, String threadNames, int threads, SharedCounters counters) {
    this.counters = counters;
    AtomicInteger number = new AtomicInteger();
    pool =
        new ThreadPoolExecutor(
            threads,
            threads,
            IDLE_SECONDS,
            TimeUnit.SECONDS,
            new LinkedTransferQueue<>(), // without a lock: see BriefLock
            body -> newThread(owner, body, threadNames + number.incrementAndGet()));
    pool.allowCoreThreadTimeOut(true);
    growth = new PoolGrowth(pool);
  }

  private Thread newThread(Driver owner, Runnable body, String name) {
    threads.removeIf(earlier -> earlier.getState() == Thread.State.TERMINATED);
    Thread thread = new DriverThread(owner, body, name);
    threads.add(thread);
    return thread;
  }

  /**
   * Runs a request's operation on one of the threads.
   *
   * @param started called when it leaves the queue
   * @param mount of the file, if the request cannot tell: a descriptor that is being closed is none any more
   * @return {@code null}, or why it will not be run
   */
  @Nullable Throwable run(Request request, Runnable started, Mounts.@Nullable Mount mount) {
    Task task = new Task(request, started, mount);
    unfinished.put(request, task);
    try {
      pool.execute(task);
      counters.submitted.increment();
      growth.taskAdded();
      return null;
    } catch (RejectedExecutionException e) {
      return unfinished.remove(request) != null ? Refusals.closed() : null;
    }
  }

  int running() {
    return running.get();
  }

  /** Any thread: counts what has begun before a moment and runs. */
  void countSince(long moment, HungOperations hung) {
    for (Task task : unfinished.values()) {
      if (task.begun && task.begunAt - moment <= 0) {
        if (task.mount != null) {
          hung.add(task.mount.point());
        } else {
          hung.add(task.request);
        }
      }
    }
  }

  // Closing has three steps, so that several pools share one time limit: each step of all of them
  // before the next of any.

  /** Takes nothing more, and lets everything end. */
  void beginClose() {
    pool.shutdown();
  }

  /** Waits for the end; what has not begun in time is refused, and what runs is told to stop. */
  void endInTime(Closing closing, Finisher finisher) {
    if (!await(closing.nanosUntilCancel())) {
      pool.shutdownNow().forEach(task -> refuse((Task) task, finisher));
    }
  }

  /**
   * Waits for what was told to stop, and gives up what still runs.
   *
   * @param finisher ends the requests that are left
   */
  void giveUp(Closing closing, Finisher finisher) {
    if (await(closing.nanosUntilGivingUp())) {
      return;
    }
    List<Thread> busy = List.copyOf(threads);
    for (Request request : List.copyOf(unfinished.keySet())) {
      if (unfinished.remove(request) != null) {
        counters.abandoned.increment();
        finisher.add(() -> guarded(request, () -> request.abandoned(Refusals.abandoned())));
      }
    }
    busy.forEach(Workers::report);
  }

  private static void report(Thread thread) {
    if (thread.isAlive()) {
      Log.warn("closing the runtime leaves its helper thread " + thread.getName() + " behind. It is at\n" + StallWatch.stackOf(thread));
    }
  }

  /** A request in the pool's queue or on one of its threads. */
  private final class Task implements Runnable {
    private final Request request;
    private final Runnable started;

    private final Mounts.@Nullable Mount mount;
    private volatile boolean begun;
    private volatile long begunAt;

    Task(Request request, Runnable started, Mounts.@Nullable Mount mount) {
      this.mount = mount;
      this.request = request;
      this.started = started;
    }

    @Override
    public void run() {
      started.run();
      begunAt = System.nanoTime();
      begun = true;
      finish(request, runNow(request));
    }
  }

  private int runNow(Request request) {
    Operation operation = request.operation();
    running.incrementAndGet();
    try {
      int result = DirectCalls.run(operation);
      for (int earlier = 0; mayGoAgain(request, result, earlier); earlier++) {
        result = DirectCalls.run(operation);
      }
      return result;
    } catch (RuntimeException | Error e) {
      Log.error("running " + operation.name() + " failed", e);
      return -Errno.EIO;
    } finally {
      running.decrementAndGet();
    }
  }

  /** A lock that another holds is an answer. What was interrupted has mostly been repeated already. */
  private static boolean mayGoAgain(Request request, int result, int earlier) {
    return RetryPolicy.again(result, earlier)
        && request.isRepeatable()
        && !(request.operation() instanceof Operation.TryLock)
        && !(result == -Errno.EINTR && Repeats.byTheDriver(request.operation()));
  }

  private void finish(Request request, int result) {
    if (unfinished.remove(request) != null) {
      counters.countResult(result);
      guarded(request, () -> request.completed(result));
    }
  }

  private void refuse(Task task, Finisher finisher) {
    task.started.run();
    if (unfinished.remove(task.request) != null) {
      finisher.add(() -> guarded(task.request, () -> task.request.refused(Refusals.closed())));
    }
  }

  /** Ends a request. What it throws is its own trouble: others must be ended all the same. */
  private static void guarded(Request request, Runnable end) {
    request.mark(Request.NO_MARK);
    try {
      end.run();
    } catch (Throwable e) {
      Log.error("ending an operation failed", e);
    }
  }

  private boolean await(long limitNanos) {
    boolean interrupted = false;
    long deadline = System.nanoTime() + limitNanos;
    try {
      while (true) {
        try {
          return pool.awaitTermination(deadline - System.nanoTime(), TimeUnit.NANOSECONDS);
        } catch (InterruptedException e) {
          interrupted = true;
        }
      }
    } finally {
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }
}
