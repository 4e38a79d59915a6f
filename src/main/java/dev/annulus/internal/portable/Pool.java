package dev.annulus.internal.portable;

import dev.annulus.internal.driver.Admission;
import dev.annulus.internal.driver.BriefLock;
import dev.annulus.internal.driver.Driver;
import dev.annulus.internal.driver.DriverThread;
import dev.annulus.internal.driver.Errno;
import dev.annulus.internal.driver.Operation;
import dev.annulus.internal.driver.Request;
import dev.annulus.internal.driver.SharedCounters;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.IdentityHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.ToIntFunction;
import org.jspecify.annotations.Nullable;

/**
 * Threads that run requests, and the queues the requests wait in. Threads start on demand and retire when idle.
 *
 * <p>A request is in one place at a time: queued, running, or being ended; the lock guards the moves between them. Whoever takes it
 * out of a place ends it, outside the lock, so that each is ended once.
 */
final class Pool {
  private static final Duration IDLE = Duration.ofSeconds(10);

  private static final System.Logger LOG = System.getLogger("dev.annulus");

  private final Driver owner;
  private final String threadNames;
  private final int mostThreads;
  private final Admission admission;
  private final SharedCounters counters;
  private final ToIntFunction<Operation> runner;
  private final long idleNanos;

  private final ReentrantLock lock = new ReentrantLock();
  private final Condition work = lock.newCondition();
  private final Condition quiet = lock.newCondition();

  /** Requests that hold a place of {@link #admission}, and those let in past the limits; oldest first. */
  private final LinkedHashSet<Request> admitted = new LinkedHashSet<>();

  private final LinkedHashSet<Request> pastLimits = new LinkedHashSet<>();

  /** Whose turn it is, so that neither queue starves the other. */
  private boolean pastLimitsNext;

  private final IdentityHashMap<Request, Thread> running = new IdentityHashMap<>();

  /** Every thread that may yet be running; those that have retired are dropped when the next one starts. */
  private final Set<Thread> alive = new HashSet<>();

  /** Requests being ended: their users' code may be running. */
  private int ending;

  private int threads;
  private int idle;
  private int threadsStarted;
  private boolean closing;
  private boolean ended;

  Pool(
      Driver owner,
      String threadNames,
      int mostThreads,
      Admission admission,
      SharedCounters counters,
      ToIntFunction<Operation> runner) {
    this(owner, threadNames, mostThreads, admission, counters, runner, IDLE);
  }

  Pool(
      Driver owner,
      String threadNames,
      int mostThreads,
      Admission admission,
      SharedCounters counters,
      ToIntFunction<Operation> runner,
      Duration idle) {
    this.owner = owner;
    this.threadNames = threadNames;
    this.mostThreads = mostThreads;
    this.admission = admission;
    this.counters = counters;
    this.runner = runner;
    this.idleNanos = idle.toNanos();
  }

  /**
   * Queues a request.
   *
   * @param holdsPlace whether it was admitted; its place is given back when it leaves the queue
   * @return false if nothing is taken any more, or no thread can be had; the request is then the caller's still
   */
  boolean put(Request request, boolean holdsPlace) {
    takeLock();
    try {
      if (ended) {
        return false;
      }
      Set<Request> queue = holdsPlace ? admitted : pastLimits;
      queue.add(request);
      if (queued() <= idle || threads >= mostThreads) {
        work.signal();
        return true;
      }
      return startThread() || !queue.remove(request);
    } finally {
      lock.unlock();
    }
  }

  /** Takes a request out of its queue; false if it is in none. */
  boolean remove(Request request) {
    takeLock();
    try {
      if (admitted.remove(request)) {
        admission.leave(1);
      } else if (!pastLimits.remove(request)) {
        return false;
      }
      ending++;
    } finally {
      lock.unlock();
    }
    deliverUnbegun(request);
    return true;
  }

  int running() {
    takeLock();
    try {
      return running.size();
    } finally {
      lock.unlock();
    }
  }

  /**
   * A virtual thread does not wait in the lock's queue, where it could be the one that is woken and never run, while the pool's threads
   * sleep behind it; nor does it give up its carrier, as it may hold a place that others wait for. See {@link BriefLock}. Nothing long is
   * done under the lock, and nothing of users'.
   */
  private void takeLock() {
    if (!Thread.currentThread().isVirtual()) {
      lock.lock();
      return;
    }
    while (!lock.tryLock()) {
      Thread.onSpinWait();
    }
  }

  // ---- the threads ----

  /** False if the system has no thread to give and there is no other to take the request. */
  private boolean startThread() {
    String name = threadNames + "-" + ++threadsStarted;
    threads++;
    try {
      Thread thread = DriverThread.uninterruptible(owner, this::work, name);
      thread.start();
      alive.removeIf(earlier -> !earlier.isAlive());
      alive.add(thread);
      return true;
    } catch (OutOfMemoryError e) {
      threads--;
      LOG.log(System.Logger.Level.WARNING, "cannot start " + name + "; going on with " + threads, e);
      return threads > 0;
    }
  }

  private void work() {
    while (workOnce()) {}
  }

  /** In a method of its own: the frame of a thread that waits for the next request must not keep the last. */
  private boolean workOnce() {
    Request request = take();
    if (request == null) {
      return false;
    }
    int result = run(request.operation());
    if (stopRunning(request)) {
      deliver(request, result);
    }
    return true;
  }

  /** Whatever goes wrong, the request must end. */
  private int run(Operation operation) {
    try {
      return runner.applyAsInt(operation);
    } catch (Throwable e) {
      LOG.log(System.Logger.Level.ERROR, "running " + operation.name() + " failed", e);
      return -Errno.EIO;
    }
  }

  /** The next request, now running; {@code null} if the thread is to end. */
  private @Nullable Request take() {
    takeLock();
    try {
      if (!awaitQueued()) {
        threads--;
        return null;
      }
      Request request = poll();
      running.put(request, Thread.currentThread());
      counters.submitted.increment();
      return request;
    } finally {
      lock.unlock();
    }
  }

  /** False if nothing came for long, or nothing will. */
  private boolean awaitQueued() {
    long patience = idleNanos;
    while (queued() == 0) {
      if (closing || patience <= 0) {
        return false;
      }
      idle++;
      try {
        patience = work.awaitNanos(patience);
      } catch (InterruptedException e) {
        throw new AssertionError("interrupts have no effect on this thread", e);
      } finally {
        idle--;
      }
    }
    return true;
  }

  private Request poll() {
    pastLimitsNext = !pastLimitsNext;
    if (admitted.isEmpty() || (pastLimitsNext && !pastLimits.isEmpty())) {
      return pastLimits.removeFirst();
    }
    admission.leave(1);
    return admitted.removeFirst();
  }

  private int queued() {
    return admitted.size() + pastLimits.size();
  }

  /** False if the request was given up meanwhile. */
  private boolean stopRunning(Request request) {
    takeLock();
    try {
      boolean still = running.remove(request) != null;
      if (still) {
        ending++;
      }
      signalIfQuiet();
      return still;
    } finally {
      lock.unlock();
    }
  }

  /** Ends a request. What it throws is its own trouble: the pool goes on. */
  private void deliver(Request request, int result) {
    counters.countResult(result);
    endBy(() -> request.completed(result));
  }

  private void deliverUnbegun(Request request) {
    counters.countResult(-Errno.ECANCELED);
    endBy(request::neverBegun);
  }

  private void endBy(Runnable how) {
    try {
      how.run();
    } catch (Throwable e) {
      LOG.log(System.Logger.Level.ERROR, "ending an operation failed", e);
    }
    takeLock();
    try {
      ending--;
      signalIfQuiet();
    } finally {
      lock.unlock();
    }
  }

  // ---- closing ----

  /** Lets threads end when they find nothing to do. */
  void beginClose() {
    takeLock();
    try {
      closing = true;
      work.signalAll();
    } finally {
      lock.unlock();
    }
  }

  /** Waits until nothing is queued, running or being ended, or the time is over; nothing is taken from then on. */
  boolean awaitQuiet(Duration patience) {
    boolean interrupted = false;
    long deadline = System.nanoTime() + patience.toNanos();
    takeLock();
    try {
      while (!running.isEmpty() || queued() > 0 || ending > 0) {
        long left = deadline - System.nanoTime();
        if (left <= 0) {
          return false;
        }
        try {
          long _ = quiet.awaitNanos(left);
        } catch (InterruptedException e) {
          interrupted = true;
        }
      }
      ended = true;
      return true;
    } finally {
      lock.unlock();
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }

  List<Operation> runningOperations() {
    takeLock();
    try {
      return running.keySet().stream().map(Request::operation).toList();
    } finally {
      lock.unlock();
    }
  }

  /**
   * Takes nothing any more, cancels what is queued, gives up what is running, and waits until everything else has been ended. Returns
   * the operations that are running still; those of {@linkplain Call calls} are not given up, as somebody waits for them.
   */
  List<Operation> abandonAll(Throwable because) {
    List<Request> cancelled = new ArrayList<>();
    List<Request> abandoned = new ArrayList<>();
    List<Operation> stuck = new ArrayList<>();
    takeLock();
    try {
      ended = true;
      admission.leave(admitted.size());
      cancelled.addAll(admitted);
      cancelled.addAll(pastLimits);
      admitted.clear();
      pastLimits.clear();
      for (Request request : running.keySet()) {
        stuck.add(request.operation());
        if (!(request instanceof Call)) {
          abandoned.add(request);
        }
      }
      alive.removeAll(running.values());
      abandoned.forEach(running::remove);
      ending += cancelled.size() + abandoned.size();
    } finally {
      lock.unlock();
    }
    cancelled.forEach(this::deliverUnbegun);
    for (Request request : abandoned) {
      LOG.log(System.Logger.Level.WARNING, "{0}: {1} did not end", threadNames, request.operation().name());
      counters.abandoned.increment();
      endBy(() -> request.abandoned(because));
    }
    awaitEnding();
    return stuck;
  }

  /** Waits until the threads have gone, but for those in operations that were given up. */
  void join() {
    List<Thread> leaving;
    takeLock();
    try {
      leaving = List.copyOf(alive);
    } finally {
      lock.unlock();
    }
    for (Thread thread : leaving) {
      boolean _ = DriverThread.join(thread, Duration.ofNanos(Long.MAX_VALUE));
    }
  }

  private void awaitEnding() {
    takeLock();
    try {
      while (ending > 0) {
        quiet.awaitUninterruptibly();
      }
    } finally {
      lock.unlock();
    }
  }

  private void signalIfQuiet() {
    if (running.isEmpty() || ending == 0) {
      quiet.signalAll();
    }
  }
}
