package dev.annulus.internal.portable;

import dev.annulus.internal.driver.Request;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * What waits, what runs, and who has nothing to do. All of it is guarded by the pool's lock.
 *
 * <p>A move changes fields only: it neither allocates nor calls anything once it has begun, so that
 * no error of the JVM's can leave it half done.
 *
 * <p>A lane may hold {@code perLane} threads. A thread that has been at one task for longer than
 * {@link #SLOW_NANOS} does not count any more: its device hangs, or its user's code does.
 *
 * <p>Where there are so few threads that one device's hung operations take all of them, there may be
 * a few more, for lanes that do not hang.
 */
final class PoolState {
  static final long SLOW_NANOS = TimeUnit.SECONDS.toNanos(1);

  /** One lane leaves this part of all threads to the others. */
  private static final int RESERVED_PART = 8;

  private static final long LOOK_NANOS = TimeUnit.MILLISECONDS.toNanos(20);

  private static final int MIN_BUCKETS = 64;
  private static final int MAX_BUCKETS = 1 << 16;

  /** Stands for a thread that is to be started. */
  static final PoolWorker START = new PoolWorker(null);

  private static final VarHandle QUEUED;

  static {
    try {
      QUEUED = MethodHandles.lookup().findVarHandle(PoolState.class, "queued", int.class);
    } catch (ReflectiveOperationException e) {
      throw new ExceptionInInitializerError(e);
    }
  }

  private final int perLane;
  private final int maxThreads;

  /** How much one lane may hold with all that is slow: it leaves others their share. */
  private final int maxPerLane;

  /** How many more threads there may be while operations hang. */
  private final int reserve;

  /** Queued tasks by the identity of their requests. */
  private final @Nullable PoolTask[] buckets;

  /** Where to look for the next task. */
  private Lane cursor;

  private int lanes = 1;
  private @Nullable PoolWorker firstIdle;
  private @Nullable PoolWorker firstOfAll;

  int queued;
  int running;

  /** Those of {@link #running} that are slow, but for those that may just wait for somebody. */
  private int hung;

  /** Whether all threads were looked through for slow ones, and when last. */
  private boolean looked;

  private long lastLook;
  int ending;
  int threads;
  private int searching;
  boolean closing;
  boolean ended;

  PoolState(int perLane, int maxThreads, int maxQueued, Lane lane) {
    this.perLane = perLane;
    this.maxThreads = maxThreads;
    this.maxPerLane = Math.max(perLane, maxThreads - maxThreads / RESERVED_PART);
    this.reserve = Math.max(1, maxThreads / RESERVED_PART);
    int wanted = Math.clamp(maxQueued, MIN_BUCKETS, MAX_BUCKETS);
    this.buckets = new PoolTask[Integer.highestOneBit(wanted)];
    this.cursor = lane;
  }

  void add(Lane lane) {
    lane.following = cursor.following;
    cursor.following = lane;
    lanes++;
  }

  /** Without the lock: whether something is queued, as far as this thread sees. */
  boolean isSomethingQueued() {
    return (int) QUEUED.getOpaque(this) > 0;
  }

  boolean isQuiet() {
    return running == 0 && queued == 0 && ending == 0;
  }

  // ---- tasks ----

  void enqueue(PoolTask task) {
    Lane lane = task.lane;
    int bucket = task.identity & buckets.length - 1;
    PoolTask before = lane.last[task.queue];
    task.previous = before;
    if (before == null) {
      lane.first[task.queue] = task;
    } else {
      before.next = task;
    }
    lane.last[task.queue] = task;
    task.chained = buckets[bucket];
    buckets[bucket] = task;
    task.state = PoolTask.State.QUEUED;
    lane.queued++;
    queued++;
  }

  private void dequeue(PoolTask task) {
    Lane lane = task.lane;
    PoolTask before = task.previous;
    PoolTask after = task.next;
    if (before == null) {
      lane.first[task.queue] = after;
    } else {
      before.next = after;
    }
    if (after == null) {
      lane.last[task.queue] = before;
    } else {
      after.previous = before;
    }
    task.previous = null;
    task.next = null;
    int bucket = task.identity & buckets.length - 1;
    PoolTask chained = buckets[bucket];
    if (chained == task) {
      buckets[bucket] = task.chained;
    } else {
      while (chained != null && chained.chained != task) {
        chained = chained.chained;
      }
      if (chained != null) {
        chained.chained = task.chained;
      }
    }
    task.chained = null;
    lane.queued--;
    queued--;
  }

  /** The queued task of a request, or {@code null}. */
  @SuppressWarnings("ReferenceEquality") // this very request
  @Nullable PoolTask find(Request request, int identity) {
    PoolTask task = buckets[identity & buckets.length - 1];
    while (task != null && task.request != request) {
      task = task.chained;
    }
    return task;
  }

  /** Takes a task that was just queued out again; false if somebody else has it. */
  boolean takeBack(PoolTask task) {
    if (task.state != PoolTask.State.QUEUED) {
      return false;
    }
    dequeue(task);
    task.state = PoolTask.State.NEW;
    return true;
  }

  /** A queued task is to be ended without running. */
  void endQueued(PoolTask task) {
    dequeue(task);
    task.state = PoolTask.State.ENDING;
    ending++;
  }

  /** The first of all queued tasks, or {@code null}. */
  @Nullable PoolTask firstQueued() {
    Lane lane = cursor;
    for (int i = 0; i < lanes; i++) {
      for (PoolTask task : lane.first) {
        if (task != null) {
          return task;
        }
      }
      lane = lane.following;
    }
    return null;
  }

  /** The task that is to run next, or {@code null} if none may. Lanes have their turns. */
  @Nullable PoolTask next(long now) {
    if (queued == 0 || ended) {
      return null;
    }
    if (running >= maxThreads && (!looked || now - lastLook >= LOOK_NANOS)) {
      looked = true;
      lastLook = now;
      findSlow(null, now);
    }
    if (running >= threadLimit()) {
      return null;
    }
    Lane lane = cursor;
    for (int i = 0; i < lanes; i++) {
      if (lane.queued > 0 && hasThreadFor(lane, now)) {
        PoolTask task = lane.first[1 - lane.served];
        return task != null ? task : lane.first[lane.served];
      }
      lane = lane.following;
    }
    return null;
  }

  private boolean hasThreadFor(Lane lane, long now) {
    if (lane.held - lane.slow >= perLane && lane.held < maxPerLane) {
      findSlow(lane, now);
    }
    boolean mayHaveReserve = running < maxThreads || lane.slow * RESERVED_PART < maxThreads;
    return mayHaveReserve && lane.held - lane.slow < perLane && lane.held < maxPerLane;
  }

  private int threadLimit() {
    return maxThreads + Math.min(hung, reserve);
  }

  /** Finds those of a lane, or of all if it is {@code null}. */
  private void findSlow(@Nullable Lane lane, long now) {
    for (PoolWorker worker = firstOfAll; worker != null; worker = worker.nextOfAll) {
      PoolTask task = worker.task;
      if (task != null
          && (lane == null || task.lane == lane)
          && !task.slow
          && now - task.since > SLOW_NANOS) {
        task.slow = true;
        task.lane.slow++;
        task.hung = task.state == PoolTask.State.RUNNING && !task.lane.waits;
        hung += task.hung ? 1 : 0;
      }
    }
  }

  private void hangsNoMore(PoolTask task) {
    hung -= task.hung ? 1 : 0;
    task.hung = false;
  }

  void start(PoolWorker worker, PoolTask task, long now) {
    dequeue(task);
    task.state = PoolTask.State.RUNNING;
    task.since = now;
    task.lane.served = task.queue;
    cursor = task.lane.following;
    worker.task = task;
    task.lane.held++;
    running++;
  }

  /** The operation is over: the thread that ran it is to end the request, unless it was given up. */
  void stopRunning(PoolTask task) {
    if (task.state == PoolTask.State.RUNNING) {
      hangsNoMore(task);
      task.state = PoolTask.State.ENDING;
      running--;
      ending++;
    }
  }

  /** The request of a running task is to be ended by the thread that closes. */
  void giveUp(PoolTask task) {
    hangsNoMore(task);
    task.state = PoolTask.State.ENDING;
    task.givenUp = true;
    running--;
    ending++;
  }

  /** The request has been ended. */
  void end(PoolTask task) {
    if (task.state == PoolTask.State.ENDING) {
      task.state = PoolTask.State.OVER;
      ending--;
    }
  }

  /** The worker has done with its task. */
  void letGo(PoolWorker worker, PoolTask task) {
    worker.task = null;
    task.lane.held--;
    task.lane.slow -= task.slow ? 1 : 0;
  }

  // ---- workers ----

  /**
   * Who is to look for work, beside those who do already: an idle worker, which counts as one that
   * looks from now on; {@link #START} for a new one, which is counted too; or {@code null}.
   */
  @Nullable PoolWorker summon(long now) {
    if (queued <= searching) {
      return null;
    }
    boolean useful = next(now) != null;
    PoolWorker worker = firstIdle;
    if (worker != null) {
      if (useful) {
        leaveIdle(worker);
        worker.searching = true;
        searching++;
        return worker;
      }
      return null; // it looks now and then
    }
    // Somebody must see when a thread becomes a slow one.
    boolean watcherNeeded = !useful && searching == 0;
    if (useful ? threads < threadLimit() : watcherNeeded && threads <= maxThreads) {
      threads++;
      searching++;
      return START;
    }
    return null;
  }

  /** The worker looks for work; the first time it becomes known by it. */
  void looks(PoolWorker worker) {
    if (worker.searching) {
      worker.searching = false;
      searching--;
    }
    if (worker.idle) {
      leaveIdle(worker);
    }
    if (!worker.known) {
      forgetGone();
      worker.known = true;
      worker.nextOfAll = firstOfAll;
      firstOfAll = worker;
    }
  }

  /** The worker goes on looking for a while, and counts as one that does. False if another does already. */
  boolean linger(PoolWorker worker) {
    if (searching > 0) {
      return false;
    }
    worker.searching = true;
    searching++;
    return true;
  }

  void becomeIdle(PoolWorker worker) {
    PoolWorker other = firstIdle;
    worker.idle = true;
    worker.previousIdle = null;
    worker.nextIdle = other;
    if (other != null) {
      other.previousIdle = worker;
    }
    firstIdle = worker;
  }

  private void leaveIdle(PoolWorker worker) {
    PoolWorker before = worker.previousIdle;
    PoolWorker after = worker.nextIdle;
    worker.idle = false;
    if (before == null) {
      firstIdle = after;
    } else {
      before.nextIdle = after;
    }
    if (after != null) {
      after.previousIdle = before;
    }
    worker.previousIdle = null;
    worker.nextIdle = null;
  }

  /** All workers, those that have retired included. */
  @Nullable PoolWorker firstOfAll() {
    return firstOfAll;
  }

  void retire(PoolWorker worker) {
    worker.retired = true;
    threads--;
  }

  /** The thread that {@link #summon} asked for could not be started. */
  void startFailed() {
    threads--;
    searching--;
  }

  /** Forgets workers whose threads are gone. */
  void forgetGone() {
    PoolWorker kept = null;
    PoolWorker worker = firstOfAll;
    while (worker != null) {
      PoolWorker after = worker.nextOfAll;
      Thread thread = worker.thread;
      if (!worker.retired || thread == null || thread.isAlive()) {
        kept = worker;
      } else if (kept == null) {
        firstOfAll = after;
      } else {
        kept.nextOfAll = after;
      }
      worker = after;
    }
  }
}
