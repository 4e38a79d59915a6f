package dev.annulus.internal.runtime;

import dev.annulus.internal.driver.Admission;
import dev.annulus.internal.driver.Closing;
import dev.annulus.internal.driver.Persistence;
import dev.annulus.internal.driver.Request;
import dev.annulus.internal.driver.RequestLink;
import dev.annulus.internal.driver.RequestStack;
import java.lang.invoke.VarHandle;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Where requests wait for the reaper: many threads put, the reaper takes.
 *
 * <p>Four queues. The bounded one carries the load, and never overflows because {@link Admission} counts its places. The urgent one
 * has no bound and takes requests that must not wait, since they free resources; another one takes those that are to be cancelled.
 * The reaper's own one takes what is submitted on the reaper thread, by a completion: it could not wait for itself.
 *
 * <p>A put is done or it throws, and then nothing is put. A take that is cut by an error of the JVM is continued by the next.
 *
 * <p>After {@link #end} nothing stays: whoever puts late takes it out again and refuses it, so that no request is ever lost
 * between a submitter and a reaper that has gone.
 */
final class Intake {
  /** Where even the taking fails, the next who puts something refuses the rest. */
  private static final int MAX_FAILURES = 100;

  private final Admission admission;
  private final BoundedQueue bounded;
  private final RequestStack urgent = new RequestStack();
  private final RequestStack cancellations = new RequestStack();
  private final OwnQueue own = new OwnQueue();

  /** Places of what was taken that are still to be given back. */
  private int owedPlaces;

  /** Whose turn it is, so that neither the completions' requests nor the others' starve when slots are scarce. */
  private boolean ownsTurn;

  /** Somebody had no memory to say which request is to be cancelled. */
  private volatile boolean unnamedCancellations;

  private final AtomicReference<@Nullable Closing> closing = new AtomicReference<>();

  /** Why those who put are told at once that nobody will come, once the reaper was given up. */
  private volatile @Nullable Throwable givenUp;

  private volatile @Nullable Throwable ended;

  Intake(int maxQueued, boolean refuseWhenFull) {
    admission = new Admission(maxQueued, refuseWhenFull);
    bounded = new BoundedQueue(maxQueued);
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
    urgent.put(request.link());
  }

  /**
   * Any thread: the request is to be cancelled. {@link Wakeup#urgent} and {@link #afterPut} must follow. Never fails: for want of memory the
   * reaper looks through all requests for those that were given up.
   */
  void putCancellation(Request request) {
    try {
      cancellations.put(new RequestLink(request));
    } catch (VirtualMachineError e) {
      unnamedCancellations = true;
    }
  }

  /** The reaper thread. Once closing has begun another thread may look at what waits, and {@link #own} is no queue for that. */
  void putOwn(Request request) {
    Throwable because = ended;
    if (because == null && isClosing()) {
      putUrgent(request);
      VarHandle.fullFence(); // as the one in Wakeup; see afterPut
      afterPutOwn();
    } else if (because == null) {
      own.add(request);
    } else {
      request.mark(Request.NO_MARK);
      Persistence.refuse(request, because);
    }
  }

  /** The reaper thread: whether something of its own waits. */
  boolean hasOwn() {
    return !own.isEmpty();
  }

  /** It is put: nothing that is thrown now may be taken for a failure of that. */
  private void afterPutOwn() {
    try {
      afterPut();
    } catch (VirtualMachineError e) {
      // The reaper itself will come.
    }
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
    own.forEach(action);
    bounded.forEach(action);
    urgent.forEach(action);
  }

  /** The next request to be cancelled, or {@code null}. */
  @Nullable Request takeCancellation() {
    return cancellations.poll();
  }

  boolean hasCancellation() {
    return unnamedCancellations || !cancellations.isEmpty();
  }

  /** Whether all requests that were given up are to be cancelled. */
  boolean hasUnnamedCancellations() {
    return unnamedCancellations;
  }

  /** The reaper: has them looked for, or no more. */
  void unnamedCancellations(boolean wanted) {
    unnamedCancellations = wanted;
  }

  /**
   * The next request, or {@code null} if none waits. {@link #leavePlaces} must follow, for all that were taken together. Nothing is called once a
   * request is out of its queue, and no field holds it: a store of a new object to an old one costs more than the rest.
   */
  @Nullable Request take() {
    Request taken = urgent.poll();
    if (taken != null) {
      return taken;
    }
    ownsTurn = !ownsTurn;
    if (ownsTurn) {
      taken = own.poll();
      if (taken != null) {
        return taken;
      }
    }
    taken = bounded.poll();
    if (taken != null) {
      owedPlaces++;
      return taken;
    }
    return own.poll();
  }

  /** Gives back the places of what was taken. */
  void leavePlaces() {
    if (owedPlaces > 0) {
      admission.leave(owedPlaces);
      owedPlaces = 0;
    }
  }

  boolean isEmpty() {
    return own.isEmpty() && bounded.isEmpty() && urgent.isEmpty();
  }

  /** Requests waiting; may be read from any thread, without the reaper's own. */
  int size() {
    if (admission.owed != 0) {
      admission.settle();
    }
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
    if (because != null) {
      refuseAll(because);
      return;
    }
    Throwable lost = givenUp;
    if (lost != null) {
      urgent.forEach(request -> request.givenUp(lost));
      bounded.forEach(request -> request.givenUp(lost)); // of one who was admitted before closing began, and came late
    }
  }

  /** An error of the JVM on the way to a refusal must not lose the request: it is in hand until the refusal is over. */
  private void refuseAll(Throwable because) {
    boolean more = true;
    for (int failures = 0; more && failures < MAX_FAILURES; ) {
      Request request = null;
      try {
        request = takeForRefusal();
        more = request != null;
        if (request != null) {
          request.mark(Request.NO_MARK);
          Persistence.refuse(request, because);
        }
      } catch (VirtualMachineError e) {
        failures++;
        if (request != null) {
          Persistence.refuse(request, because);
        }
      }
    }
  }

  private synchronized @Nullable Request takeForRefusal() {
    leavePlaces();
    Request request = take();
    if (request == null) {
      leavePlaces();
      while (cancellations.poll() != null) {
        // There is nothing any more that could be cancelled.
      }
    }
    return request;
  }
}
