package dev.annulus.internal.runtime;

import dev.annulus.internal.driver.Closing;
import dev.annulus.internal.driver.Driver;
import dev.annulus.internal.driver.DriverThread;
import dev.annulus.internal.driver.Errno;
import dev.annulus.internal.driver.Finisher;
import dev.annulus.internal.driver.HungOperations;
import dev.annulus.internal.driver.Log;
import dev.annulus.internal.driver.Mounts;
import dev.annulus.internal.driver.Operation;
import dev.annulus.internal.driver.Persistence;
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
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * Threads for what the kernel's ring cannot run without blocking the reaper: listing a directory,
 * removing a tree, trying a lock, closing, and opcodes an older kernel lacks. A few do; there are
 * up to {@link PoolGrowth#MAX_THREADS} when operations hang.
 */
final class Workers {
  static final int DEFAULT_THREADS = 4;
  private static final long IDLE_SECONDS = 10;

  /** How often a task goes on that errors of the JVM cut. */
  private static final int MAX_TRIES = 200;

  private static final int TRIES_AT_ONCE = 4;
  private static final long PAUSE_NANOS = 5_000_000;

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
   * Runs a request's operation on one of the threads. Throws an error of the JVM only if nothing was done.
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
    } catch (Throwable e) {
      // No thread could be started, say; the task may be in the queue all the same.
      return withdrawn(task) ? Refusals.noThread(e) : null;
    }
  }

  /** Whether a task will not be run. */
  private boolean withdrawn(Task task) {
    if (!task.begin()) {
      return false;
    }
    unfinished.remove(task.request);
    return true;
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
          hung.add(task.request.operation());
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

  /** Waits for the end; what has not begun in time is refused, and what runs is told to stop. May be called again if it is cut. */
  void endInTime(Closing closing, Finisher finisher) {
    if (!await(closing.nanosUntilCancel())) {
      List<Runnable> _ = pool.shutdownNow();
      for (Task task : unfinished.values()) {
        refuse(task, finisher);
      }
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
      Runnable abandonment = () -> abandon(request);
      if (unfinished.remove(request) != null) {
        counters.abandoned.increment();
        addOrRun(finisher, abandonment);
      }
    }
    busy.forEach(Workers::report);
  }

  private static void report(Thread thread) {
    if (thread.isAlive()) {
      Log.warn("closing the runtime leaves its helper thread " + thread.getName() + " behind. It is at\n" + StallWatch.stackOf(thread));
    }
  }

  private static void abandon(Request request) {
    request.mark(Request.NO_MARK);
    Persistence.abandon(request, Refusals.abandoned());
  }

  /** A request in the pool's queue or on one of its threads. Goes on where an error of the JVM has cut it. */
  private final class Task implements Runnable {
    private final Request request;
    private final Runnable started;

    private final Mounts.@Nullable Mount mount;
    private final AtomicBoolean taken = new AtomicBoolean();
    private volatile boolean begun;
    private volatile long begunAt;

    // Of the thread that runs it.
    private boolean mine;
    private boolean leftQueue;
    private boolean called;
    private boolean counted;
    private boolean ending;
    private int result;

    /** By who closes, who alone goes on with it. */
    private boolean refused;

    Task(Request request, Runnable started, Mounts.@Nullable Mount mount) {
      this.mount = mount;
      this.request = request;
      this.started = started;
    }

    /** False if another thread was first, or if it has been refused. */
    boolean begin() {
      return taken.compareAndSet(false, true);
    }

    @Override
    public void run() {
      for (int tries = 0; tries < MAX_TRIES; tries++) {
        try {
          step();
          return;
        } catch (VirtualMachineError e) {
          if (tries > TRIES_AT_ONCE) {
            pause();
          }
        }
      }
    }

    private void step() {
      if (!mine) {
        mine = begin();
        if (!mine) {
          return;
        }
      }
      if (!leftQueue) {
        started.run();
        leftQueue = true;
      }
      if (!called) {
        if (!counted) {
          begunAt = System.nanoTime();
          begun = true;
          int _ = running.incrementAndGet();
          counted = true;
        }
        result = -Errno.ENOMEM; // what cuts this is a want of memory, or of stack
        if (request.operation() instanceof Operation.Close close) {
          result = DirectCalls.close(close.fd());
          called = true;
        } else {
          called = true; // at most once: it might have been done
          result = runNow(request);
        }
      }
      if (counted) {
        int _ = running.decrementAndGet();
        counted = false;
      }
      if (!ending) {
        ending = unfinished.remove(request) != null;
        if (!ending) {
          return; // given up
        }
        counters.countResult(result);
      }
      request.mark(Request.NO_MARK);
      Persistence.complete(request, result);
    }
  }

  private static void pause() {
    try {
      LockSupport.parkNanos(PAUSE_NANOS);
    } catch (VirtualMachineError e) {
      // Then without a pause.
    }
  }

  private int runNow(Request request) {
    Operation operation = request.operation();
    try {
      int result = DirectCalls.run(operation);
      for (int earlier = 0; mayGoAgain(request, result, earlier); earlier++) {
        result = DirectCalls.run(operation);
      }
      return result;
    } catch (RuntimeException | Error e) {
      Log.error("running " + operation.name() + " failed", e);
      return e instanceof VirtualMachineError ? -Errno.ENOMEM : -Errno.EIO;
    }
  }

  /** A lock that another holds is an answer. What was interrupted has mostly been repeated already. */
  private static boolean mayGoAgain(Request request, int result, int earlier) {
    return RetryPolicy.again(result, earlier)
        && request.isRepeatable()
        && !(request.operation() instanceof Operation.TryLock)
        && !(result == -Errno.EINTR && Repeats.byTheDriver(request.operation()));
  }

  private void refuse(Task task, Finisher finisher) {
    if (!task.refused && !task.begin()) {
      return; // it runs, or was withdrawn before
    }
    task.refused = true;
    if (!task.leftQueue) {
      task.started.run();
      task.leftQueue = true;
    }
    Runnable refusal = () -> refuse(task.request);
    if (unfinished.remove(task.request) != null) {
      addOrRun(finisher, refusal);
    }
  }

  /** What is taken out of {@link #unfinished} is ended, if not elsewhere then here. */
  private static void addOrRun(Finisher finisher, Runnable end) {
    try {
      finisher.add(end);
    } catch (VirtualMachineError e) {
      end.run();
    }
  }

  private static void refuse(Request request) {
    request.mark(Request.NO_MARK);
    Persistence.refuse(request, Refusals.closed());
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
