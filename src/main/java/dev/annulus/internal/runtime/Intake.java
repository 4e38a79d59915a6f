package dev.annulus.internal.runtime;

import dev.annulus.internal.driver.Admission;
import dev.annulus.internal.driver.Closing;
import dev.annulus.internal.driver.Request;
import java.lang.invoke.VarHandle;
import java.util.ArrayDeque;
import java.util.Queue;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import org.jctools.queues.atomic.MpscAtomicArrayQueue;
import org.jctools.queues.atomic.MpscUnboundedAtomicArrayQueue;
import org.jspecify.annotations.Nullable;

/**
 * Where requests wait for the reaper: many threads put, the reaper takes.
 *
 * <p>Four queues. The bounded one carries the load, and never overflows because {@link Admission} counts its places. The urgent one
 * has no bound and takes requests that must not wait, since they free resources; another one takes those that are to be cancelled.
 * The reaper's own one takes what is submitted on the reaper thread, by a completion: it could not wait for itself.
 *
 * <p>After {@link #end} nothing stays: whoever puts late takes it out again and refuses it, so that no request is ever lost
 * between a submitter and a reaper that has gone.
 */
final class Intake {
  private static final int URGENT_CHUNK = 64;

  private final Admission admission;
  private final Queue<Request> bounded;
  private final Queue<Request> urgent = new MpscUnboundedAtomicArrayQueue<>(URGENT_CHUNK);
  private final Queue<Request> cancellations = new MpscUnboundedAtomicArrayQueue<>(URGENT_CHUNK);
  private final ArrayDeque<Request> own = new ArrayDeque<>();

  /** Whose turn it is, so that neither the completions' requests nor the others' starve when slots are scarce. */
  private boolean ownsTurn;

  private final AtomicReference<@Nullable Closing> closing = new AtomicReference<>();

  /** Why those who put are told at once that nobody will come, once the reaper was given up. */
  private volatile @Nullable Throwable givenUp;

  private volatile @Nullable Throwable ended;

  Intake(int maxQueued, boolean refuseWhenFull) {
    admission = new Admission(maxQueued, refuseWhenFull);
    bounded = new MpscAtomicArrayQueue<>(Math.max(2, maxQueued));
  }

  Admission admission() {
    return admission;
  }

  /** Any thread that was admitted. {@link Wakeup#requestQueued} and {@link #afterPut} must follow. */
  void put(Request request) {
    if (!bounded.offer(request)) {
      throw new AssertionError("more requests than places");
    }
  }

  /** Any thread. {@link Wakeup#urgent} and {@link #afterPut} must follow. */
  void putUrgent(Request request) {
    boolean _ = urgent.offer(request);
  }

  /** Any thread: the request is to be cancelled. {@link Wakeup#urgent} and {@link #afterPut} must follow. */
  void putCancellation(Request request) {
    boolean _ = cancellations.offer(request);
  }

  /** The reaper thread. Once closing has begun another thread may look at what waits, and {@link #own} is no queue for that. */
  void putOwn(Request request) {
    Throwable because = ended;
    if (because == null && isClosing()) {
      putUrgent(request);
      VarHandle.fullFence(); // as the one in Wakeup; see afterPut
      afterPut();
    } else if (because == null) {
      own.add(request);
    } else {
      refuse(request, because);
    }
  }

  /** The reaper thread: whether something of its own waits. */
  boolean hasOwn() {
    return !own.isEmpty();
  }

  /** Any thread: the reaper is to end. {@link Wakeup#urgent} must follow. Returns the limits of whoever was first. */
  Closing beginClose(Closing limits) {
    Closing earlier = closing.compareAndExchange(null, limits);
    return earlier == null ? limits : earlier;
  }

  boolean isClosing() {
    return closing.get() != null;
  }

  /** The time limits of closing, or {@code null} if it has not begun. */
  @Nullable Closing closing() {
    return closing.get();
  }

  /**
   * The thread that closes: the reaper does not come back, and who puts from now on is told at once. What is put stays, in case
   * it does.
   */
  void giveUp(Throwable because) {
    givenUp = because;
    VarHandle.fullFence();
  }

  /** Why the reaper was given up, or {@code null}. */
  @Nullable Throwable givenUpBecause() {
    return givenUp;
  }

  /** Any thread, while the reaper is away and closing has begun: what waits. */
  void forEach(Consumer<Request> action) {
    own.forEach(request -> {
      if (request != null) { // it is no queue for two threads, and says so mostly, but not always, by an exception
        action.accept(request);
      }
    });
    bounded.forEach(action);
    urgent.forEach(action);
  }

  /** The next request to be cancelled, or {@code null}. */
  @Nullable Request takeCancellation() {
    return cancellations.poll();
  }

  boolean hasCancellation() {
    return !cancellations.isEmpty();
  }

  /** The next request, or {@code null} if none waits. A place taken from the bounded queue is given back here. */
  @Nullable Request take() {
    Request request = urgent.poll();
    if (request != null) {
      return request;
    }
    ownsTurn = !ownsTurn;
    request = ownsTurn ? own.poll() : null;
    if (request != null) {
      return request;
    }
    request = bounded.poll();
    if (request != null) {
      admission.leave(1);
      return request;
    }
    return own.poll();
  }

  boolean isEmpty() {
    return own.isEmpty() && bounded.isEmpty() && urgent.isEmpty();
  }

  /** Requests waiting; may be read from any thread, without the reaper's own. */
  int size() {
    return admission.taken();
  }

  /** The reaper, as its last act: refuses all that waits and all that will come. */
  void end(Throwable because) {
    boolean _ = admission.close(because);
    ended = because;
    VarHandle.fullFence();
    afterPut();
  }

  /**
   * Refuses what was put too late. The putter's fence stands in {@link Wakeup}, between its offer and this look at {@code ended};
   * the other stands in {@link #end}, between the store of {@code ended} and its polls. So either the putter sees the end, or the
   * end sees what was put. Both may: the lock lets one at a time poll, and a request comes out once.
   */
  void afterPut() {
    Throwable because = ended;
    if (because == null) {
      Throwable lost = givenUp;
      if (lost != null) {
        urgent.forEach(request -> request.givenUp(lost));
      }
      return;
    }
    while (true) {
      Request request;
      synchronized (this) {
        request = take();
        if (request == null) {
          cancellations.clear();
        }
      }
      if (request == null) {
        return;
      }
      refuse(request, because);
    }
  }

  /** What a request throws is its own trouble: the next must be refused all the same. */
  private static void refuse(Request request, Throwable because) {
    request.mark(Request.NO_MARK);
    try {
      request.refused(because);
    } catch (Throwable e) {
      Log.error("refusing an operation failed", e);
    }
  }
}
