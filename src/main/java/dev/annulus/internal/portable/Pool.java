package dev.annulus.internal.portable;

import dev.annulus.internal.driver.Admission;
import dev.annulus.internal.driver.Errno;
import dev.annulus.internal.driver.Operation;
import dev.annulus.internal.driver.Request;
import dev.annulus.internal.driver.SharedCounters;
import dev.annulus.internal.driver.StackRoom;
import dev.annulus.internal.driver.StallWatch;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.function.ToIntFunction;
import org.jspecify.annotations.Nullable;

/**
 * Threads that run requests, and the queues the requests wait in. Threads start on demand and
 * retire when idle.
 *
 * <p>A request is in one place at a time: queued, running, or being ended; the lock guards the
 * moves between them. Whoever takes it out of a place ends it, outside the lock, so that each is
 * ended once. An error of the JVM's may be thrown at any point: the moves of {@link PoolState} are
 * never half done, and a thread goes on where it was.
 */
final class Pool {
  /** Makes a thread that is to be started. */
  interface ThreadMaker {
    Thread make(Runnable body, String name);
  }

  static final Duration IDLE = Duration.ofSeconds(10);

  /** How long an idle thread sleeps before it looks by itself. */
  private static final long NAP_NANOS = TimeUnit.MILLISECONDS.toNanos(200);

  /**
   * How long one thread that has found nothing looks on before it sleeps. Where operations come one after the other, and take less than a
   * thread needs to wake up, nobody has to be woken then.
   */
  private static final long LINGER_NANOS = TimeUnit.MICROSECONDS.toNanos(50);

  private static final int MAX_TRIES = 100;
  private static final int MAX_CLOSES = 10;

  /** How long a thread waits that has failed twice in a row. */
  private static final long PAUSE_NANOS = TimeUnit.MILLISECONDS.toNanos(1);

  private final String threadNames;
  private final PoolState state;
  private final ToIntFunction<Operation> runner;
  private final ThreadMaker maker;
  private final long idleNanos;
  private final @Nullable StallWatch watch;
  private final Endings endings;
  private final PoolLock lock = new PoolLock();
  private final PoolClosing closing;
  private final AtomicInteger threadsStarted = new AtomicInteger();

  Pool(
      String threadNames,
      PoolState state,
      Admission admission,
      SharedCounters counters,
      ToIntFunction<Operation> runner,
      ThreadMaker maker,
      Duration idle,
      Duration stallWarning) {
    this.threadNames = threadNames;
    this.state = state;
    this.runner = runner;
    this.maker = maker;
    this.idleNanos = idle.toNanos();
    this.watch = StallWatch.of(stallWarning, "and no operation can use it meanwhile");
    this.endings = new Endings(admission, counters);
    this.closing = new PoolClosing(lock, state, endings);
  }

  /** What ends the pool. */
  PoolClosing closing() {
    return closing;
  }

  /** Adds a lane for one more device. */
  void add(Lane lane) {
    lock.lock();
    try {
      state.add(lane);
    } finally {
      lock.held = false;
    }
  }

  /**
   * Queues a task. If it throws, nothing was taken. If no thread can be started and there is no
   * other, the request is refused. {@link StackRoom#check} comes before it, and before whatever is
   * borrowed for the task.
   *
   * @return false if nothing is taken any more; the request is then the caller's still
   */
  boolean put(PoolTask task) {
    PoolWorker helper = null;
    try {
      long now = System.nanoTime();
      lock.lock();
      try {
        if (state.ended) {
          return false;
        }
        state.enqueue(task);
        helper = state.summon(now);
      } finally {
        lock.held = false;
      }
    } catch (Throwable e) {
      boolean known = false;
      boolean takenBack = false;
      for (int tries = 0; !known && tries < MAX_TRIES; tries++) {
        try {
          takenBack = isTakenBack(task);
          known = true;
        } catch (VirtualMachineError again) {
          known = false; // what is wanting comes back: there is stack for it
        }
      }
      if (takenBack) {
        throw e;
      }
      return true;
    }
    // Here and not in a method of its own: a call that is cut before it begins would forget whom to rouse.
    Throwable failure = null;
    for (int tries = 0; helper != null && tries < MAX_TRIES; tries++) {
      try {
        rouse(helper, failure);
        helper = null;
      } catch (Throwable e) {
        failure = e;
      }
    }
    return true;
  }

  /** Whether nobody has it: then it is out of its queue. */
  private boolean isTakenBack(PoolTask task) {
    lock.lock();
    try {
      return task.state == PoolTask.State.NEW || state.takeBack(task);
    } finally {
      lock.held = false;
    }
  }

  /** Takes a request out of its queue and ends it; false if it is in none. */
  boolean remove(Request request) {
    StackRoom.check();
    int identity = System.identityHashCode(request);
    PoolTask task;
    lock.lock();
    try {
      task = state.find(request, identity);
      if (task == null) {
        return false;
      }
      state.endQueued(task);
    } finally {
      lock.held = false;
    }
    boolean over = false;
    for (int tries = 0; !over && tries < MAX_TRIES; tries++) {
      try {
        endings.cancel(task);
        closing.over(task);
        over = true;
      } catch (Throwable e) {
        over = false; // it goes on where it was cut
      }
    }
    return true;
  }

  int running() {
    lock.lock();
    try {
      return state.running;
    } finally {
      lock.held = false;
    }
  }

  /** The tasks whose operations have been running since a moment. */
  List<PoolTask> runningSince(long moment) {
    List<PoolTask> tasks = new ArrayList<>();
    lock.lock();
    try {
      PoolWorker worker = state.firstOfAll();
      for (; worker != null; worker = worker.nextOfAll) {
        PoolTask task = worker.task;
        if (task != null && task.state == PoolTask.State.RUNNING && task.since - moment <= 0) {
          tasks.add(task);
        }
      }
      return tasks;
    } finally {
      lock.held = false;
    }
  }

  // ---- the threads ----

  /**
   * Wakes a worker, or starts one, which is counted already.
   *
   * @param failure what an earlier try failed with: then it is not tried again, but counted back
   */
  private void rouse(PoolWorker worker, @Nullable Throwable failure) {
    if (worker != PoolState.START) {
      LockSupport.unpark(worker.thread); // should this fail, the worker looks by itself
    } else if (failure == null) {
      startThread();
    } else {
      boolean none = isLastFailing();
      boolean done = false;
      // It is counted back: nothing may be thrown from here on, or that would be done once more.
      for (int tries = 0; !done && tries < MAX_TRIES; tries++) {
        try {
          Log.warning("cannot start a thread", threadNames, failure);
          if (none) {
            refuseQueued(failure);
          }
          done = true;
        } catch (VirtualMachineError e) {
          done = false; // what is wanting comes back
        }
      }
    }
  }

  /** The thread makes itself known when it runs. */
  private void startThread() {
    PoolWorker worker = new PoolWorker(watch);
    Runnable body =
        () -> {
          boolean ended = false;
          while (!ended) {
            try {
              work(worker);
              ended = true;
            } catch (Throwable e) {
              ended = false; // it has not even begun
            }
          }
        };
    maker.make(body, threadNames + "-" + threadsStarted.incrementAndGet()).start();
  }

  /** A thread could not be started; true if there is none now that could run what is queued. */
  private boolean isLastFailing() {
    lock.lock();
    try {
      state.startFailed();
      return state.threads == 0;
    } finally {
      lock.held = false;
    }
  }

  private void refuseQueued(Throwable cause) {
    Throwable refusal = Endings.noThread(cause);
    PoolTask task = null;
    boolean more = true;
    while (more) {
      try {
        if (task == null) {
          task = takeIfNoThread();
        }
        if (task == null) {
          more = false;
        } else {
          endings.refuse(task, refusal);
          closing.over(task);
          task = null;
        }
      } catch (Throwable e) {
        Log.warning("refusing an operation goes on after an error", threadNames, e);
      }
    }
  }

  private @Nullable PoolTask takeIfNoThread() {
    lock.lock();
    try {
      PoolTask task = state.threads == 0 ? state.firstQueued() : null;
      if (task != null) {
        state.endQueued(task);
      }
      return task;
    } finally {
      lock.held = false;
    }
  }

  private void work(PoolWorker worker) {
    Throwable failure = null;
    int failures = 0;
    boolean stays = true;
    while (stays) {
      try {
        if (failure != null) {
          pauseAfter(failure, failures);
          failure = null;
        }
        stays = workOnce(worker);
        failures = 0;
      } catch (Throwable e) {
        failure = e;
        failures++;
      }
    }
  }

  /** The first of several in a row is logged, and none is followed by many more a second. */
  private void pauseAfter(Throwable failure, int failures) {
    if (failures == 1) {
      Log.error("a thread of the pool goes on after an error", threadNames, failure);
    } else {
      LockSupport.parkNanos(PAUSE_NANOS);
    }
  }

  /** In a method of its own: the frame of a thread that waits must not keep the last task. */
  private boolean workOnce(PoolWorker worker) {
    rouseHelper(worker);
    PoolTask task = worker.task;
    if (task == null) {
      return findTask(worker);
    }
    carryOut(worker, task);
    return true;
  }

  /** Rouses whom the worker has summoned. Where it is cut, the worker comes here again. */
  private void rouseHelper(PoolWorker worker) {
    Throwable failure = null;
    PoolWorker helper = worker.helper;
    for (int tries = 0; helper != null && tries < MAX_TRIES; tries++) {
      try {
        rouse(helper, failure);
        helper = null;
      } catch (Throwable e) {
        failure = e;
      }
    }
    worker.helper = null;
  }

  /** Waits for a task. False if the thread is to end. */
  private boolean findTask(PoolWorker worker) {
    worker.thread = Thread.currentThread();
    worker.where.begin();
    long idleSince = System.nanoTime();
    boolean mayLinger = true;
    while (true) {
      long now = System.nanoTime();
      boolean lingers = false;
      lock.lock();
      try {
        state.looks(worker);
        PoolTask task = state.next(now);
        if (task != null) {
          state.start(worker, task, now);
          worker.helper = state.summon(now);
        } else if (state.queued == 0 && (state.closing || now - idleSince >= idleNanos)) {
          state.retire(worker);
          return false;
        } else if (mayLinger && state.linger(worker)) {
          lingers = true;
        } else {
          state.becomeIdle(worker);
        }
      } finally {
        lock.held = false;
      }
      rouseHelper(worker);
      if (worker.task != null) {
        return true;
      }
      if (lingers) {
        awaitQueued(now);
      } else {
        long patience = Math.max(1, idleNanos - (now - idleSince));
        LockSupport.parkNanos(this, Math.min(patience, NAP_NANOS));
      }
      mayLinger = !lingers;
    }
  }

  /** Until something is queued, or some time is over. Whoever else can use the processor has it. */
  @SuppressWarnings("ThreadPriorityCheck") // nothing relies on it
  private void awaitQueued(long since) {
    while (!state.isSomethingQueued() && System.nanoTime() - since < LINGER_NANOS) {
      Thread.yield();
    }
  }

  /** Runs a task and ends its request. Called again after it has thrown, it goes on where it was. */
  private void carryOut(PoolWorker worker, PoolTask task) {
    endings.giveBackPlace(task);
    if (!task.begun) {
      task.begun = !(task.operation instanceof Operation.Close); // which may be done again, and the others may not
      task.result = -Errno.ENOMEM;
      endings.begins();
      task.tries++;
      task.result = run(task.operation, task.tries);
      task.begun = true;
    }
    if (isToEnd(task)) {
      complete(worker, task);
    }
    takeNext(worker, task);
  }

  /** Lets go of a task, and takes the next if there is one: one look at the state, not two, since all threads want it. */
  private void takeNext(PoolWorker worker, PoolTask task) {
    long now = System.nanoTime();
    Thread closer;
    lock.lock();
    try {
      if (!task.givenUp) {
        state.end(task);
      }
      state.letGo(worker, task);
      closer = closing.whoAwaitsThis();
      PoolTask next = state.next(now);
      if (next != null) {
        state.start(worker, next, now);
        worker.helper = state.summon(now);
      }
    } finally {
      lock.held = false;
    }
    rouseHelper(worker);
    if (closer != null) {
      LockSupport.unpark(closer); // should this fail, the closer looks by itself
    }
  }

  /** Ends the request, and so runs users' code. */
  private void complete(PoolWorker worker, PoolTask task) {
    worker.where.intoUsersCode();
    try {
      endings.complete(task);
    } finally {
      worker.where.back();
    }
  }

  /** Whatever goes wrong, the request must end. A close that an error of the JVM has cut is done again. */
  private int run(Operation operation, int tries) {
    try {
      return runner.applyAsInt(operation);
    } catch (Throwable e) {
      if (operation instanceof Operation.Close && e instanceof VirtualMachineError cut && tries < MAX_CLOSES) {
        throw cut;
      }
      Log.error("running an operation failed", operation.name(), e);
      return e instanceof VirtualMachineError ? -Errno.ENOMEM : -Errno.EIO;
    }
  }

  /** The operation is over. False if the request was given up meanwhile. */
  private boolean isToEnd(PoolTask task) {
    lock.lock();
    try {
      state.stopRunning(task);
      return task.state == PoolTask.State.ENDING && !task.givenUp;
    } finally {
      lock.held = false;
    }
  }
}
