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

  /** Where in {@link #tail}: a line of 64 bytes away from either end. */
  private static final int TAIL = 16;

  private final @Nullable Request[] places;
  private final int mask;

  /** The next number, with room on both sides: every submitter changes it. */
  private final AtomicLongArray tail = new AtomicLongArray(2 * TAIL + 1);

  /** The taker's. */
  private long head;

  BoundedQueue(int atLeast) {
    int size = atLeast <= 2 ? 2 : Integer.highestOneBit(atLeast - 1) << 1;
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
      at = tail.getOpaque(TAIL);
      place = (int) at & mask;
      if (all[place] != null && at == tail.get(TAIL)) {
        return false;
      }
    } while (!tail.compareAndSet(TAIL, at, at + 1));
    all[place] = request;
    return true;
  }

  @Nullable Request poll() {
    int place = (int) head & mask;
    Request request = (Request) PLACE.getAcquire(places, place);
    if (request != null) {
      places[place] = null;
      head++;
    }
    return request;
  }

  boolean isEmpty() {
    return PLACE.getAcquire(places, (int) head & mask) == null;
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
