package dev.annulus.internal.runtime;

import dev.annulus.internal.driver.Admission;
import dev.annulus.internal.driver.Request;
import java.lang.invoke.VarHandle;
import java.util.ArrayDeque;
import java.util.Queue;
import org.jctools.queues.atomic.MpscAtomicArrayQueue;
import org.jctools.queues.atomic.MpscUnboundedAtomicArrayQueue;
import org.jspecify.annotations.Nullable;

/**
 * Where requests wait for the reaper: many threads put, the reaper takes.
 *
 * <p>Three queues. The bounded one carries the load, and never overflows because {@link Admission} counts its places. The urgent
 * one has no bound and takes what must not wait: cancellations, and requests that free resources. The reaper's own one takes what
 * is submitted on the reaper thread, by a completion: it could not wait for itself.
 *
 * <p>After {@link #end} nothing stays: whoever puts late takes it out again and refuses it, so that no request is ever lost
 * between a submitter and a reaper that has gone.
 */
final class Intake {
  /** A word to the reaper outside the order of requests. */
  sealed interface Urgent {
    record Submit(Request request) implements Urgent {}

    record Cancel(Request request) implements Urgent {}
  }

  private static final int URGENT_CHUNK = 64;

  private final Admission admission;
  private final Queue<Request> bounded;
  private final Queue<Urgent> urgent = new MpscUnboundedAtomicArrayQueue<>(URGENT_CHUNK);
  private final ArrayDeque<Request> own = new ArrayDeque<>();

  /** Whose turn it is, so that neither the completions' requests nor the others' starve when slots are scarce. */
  private boolean ownsTurn;

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
  void putUrgent(Urgent word) {
    boolean ignored = urgent.offer(word);
  }

  /** The reaper thread. */
  void putOwn(Request request) {
    Throwable because = ended;
    if (because == null) {
      own.add(request);
    } else {
      request.mark(Request.NO_MARK);
      request.refused(because);
    }
  }

  @Nullable Urgent takeUrgent() {
    return urgent.poll();
  }

  boolean hasUrgent() {
    return !urgent.isEmpty();
  }

  /** The next request, or {@code null} if none waits. A place taken from the bounded queue is given back here. */
  @Nullable Request take() {
    ownsTurn = !ownsTurn;
    Request request = ownsTurn ? own.poll() : null;
    if (request == null) {
      request = bounded.poll();
      if (request != null) {
        admission.leave(1);
        return request;
      }
      request = own.poll();
    }
    return request;
  }

  boolean isEmpty() {
    return own.isEmpty() && bounded.isEmpty();
  }

  /** Requests waiting; may be read from any thread, without the reaper's own. */
  int size() {
    return admission.taken();
  }

  /** The reaper, as its last act: refuses all that waits and all that will come. */
  void end(Throwable because) {
    boolean ignored = admission.close(because);
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
      return;
    }
    while (true) {
      Request request;
      synchronized (this) {
        request = pollAny();
      }
      if (request == null) {
        return;
      }
      request.mark(Request.NO_MARK);
      request.refused(because);
    }
  }

  private @Nullable Request pollAny() {
    Request request = take();
    while (request == null) {
      switch (urgent.poll()) {
        case null -> {
          return null;
        }
        case Urgent.Submit(Request late) -> request = late;
        case Urgent.Cancel _ -> {}
      }
    }
    return request;
  }
}
