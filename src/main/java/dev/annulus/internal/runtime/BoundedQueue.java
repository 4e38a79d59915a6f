package dev.annulus.internal.runtime;

import dev.annulus.internal.driver.Request;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.concurrent.atomic.AtomicLongArray;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Requests from any thread for one thread to take, in as many places as {@code Admission} lets in.
 *
 * <p>Who puts takes the next number and then stores in its place. No call stands between the two, so that no error of the JVM can come
 * between: a number without a request would hold up all behind it for ever. A thread that is only slow there holds them up too, and wakes
 * the reaper when it has stored.
 */
final class BoundedQueue {
  private static final VarHandle PLACE = MethodHandles.arrayElementVarHandle(Request[].class);
  private static final VarHandle NUMBER = MethodHandles.arrayElementVarHandle(long[].class);

  /** Where numbers are in arrays of their own: a line of 64 bytes away from either end, and from what others change. */
  private static final int AT = 16;

  private static final int LENGTH = 2 * AT + 2;
  private static final int SHOWN = AT + 1;

  private final @Nullable Request[] places;
  private final int mask;

  /** The next number to be given; every submitter changes it. */
  private final AtomicLongArray tail = new AtomicLongArray(LENGTH);

  /** The first number that was not free when somebody looked for it last. */
  private final AtomicLongArray limit = new AtomicLongArray(LENGTH);

  /** The taker's: the next number to be taken, and up to where others know it, which is one less at most. */
  private final long[] head = new long[LENGTH];

  BoundedQueue(int atLeast) {
    int size = Integer.highestOneBit(atLeast) << 1; // one more at least: see head
    places = new Request[size];
    mask = size - 1;
  }

  /** False if it is full, which it cannot be if everybody has been admitted. */
  boolean offer(Request request) {
    @Nullable Request[] all = places;
    int place;
    long at;
    // What the request holds is seen before the request: the store that shows it is a plain one.
    VarHandle.releaseFence();
    do {
      at = tail.getOpaque(AT);
      place = (int) at & mask;
      if (at >= limit.getOpaque(AT) && isFull(at)) {
        return false;
      }
    } while (!tail.compareAndSet(AT, at, at + 1));
    all[place] = request;
    return true;
  }

  /** Looked at once in a round through the places: the taker changes what is read here all the time. */
  private boolean isFull(long at) {
    long free = (long) NUMBER.getAcquire(head, SHOWN) + places.length;
    limit.setOpaque(AT, free);
    return at >= free;
  }

  /** Behind the last call the place is emptied, and the request is the caller's. That the place is free, others are shown by the next call. */
  @Nullable Request poll() {
    long at = head[AT];
    NUMBER.setRelease(head, SHOWN, at);
    int place = (int) at & mask;
    Request request = (Request) PLACE.getAcquire(places, place);
    if (request != null) {
      places[place] = null;
      head[AT] = at + 1;
    }
    return request;
  }

  boolean isEmpty() {
    return PLACE.getAcquire(places, (int) head[AT] & mask) == null;
  }

  /** Any thread, while the taker does not take: calls with each request. */
  void forEach(Consumer<Request> action) {
    for (int place = 0; place <= mask; place++) {
      Request request = (Request) PLACE.getAcquire(places, place);
      if (request != null) {
        action.accept(request);
      }
    }
  }
}
