package dev.annulus.internal.runtime;

import dev.annulus.internal.driver.Request;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * One thread's own queue, without a bound. Unlike {@link java.util.ArrayDeque} it grows before it takes something in: one that has no memory
 * to grow loses nothing.
 */
final class OwnQueue {
  private static final int SMALLEST = 64;

  private @Nullable Request[] places = new Request[SMALLEST];
  private int head;
  private int size;

  void add(Request request) {
    if (size == places.length) {
      grow();
    }
    places[(head + size) & (places.length - 1)] = request;
    size++;
  }

  private void grow() {
    @Nullable Request[] more = new Request[2 * places.length];
    for (int i = 0; i < size; i++) {
      more[i] = places[(head + i) & (places.length - 1)];
    }
    places = more;
    head = 0;
  }

  @Nullable Request poll() {
    if (size == 0) {
      return null;
    }
    Request first = places[head];
    places[head] = null;
    head = (head + 1) & (places.length - 1);
    size--;
    return first;
  }

  /** The first, which stays, or {@code null}. */
  @Nullable Request peek() {
    return size == 0 ? null : places[head];
  }

  /** Has the first come last. There must be one. */
  void rotate() {
    Request first = places[head];
    places[head] = null;
    places[(head + size) & (places.length - 1)] = first;
    head = (head + 1) & (places.length - 1);
  }

  int size() {
    return size;
  }

  boolean isEmpty() {
    return size == 0;
  }

  /** Any thread, while the owner is away: calls with each request. */
  void forEach(Consumer<Request> action) {
    for (Request request : places) {
      if (request != null) {
        action.accept(request);
      }
    }
  }
}
