package dev.annulus.internal.driver;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Requests from any thread, without a bound, for one thread to take in the order they came.
 *
 * <p>Putting is one compare-and-set and allocates nothing, so an error of the JVM cannot leave it half done. The links come off all at once
 * and are turned round.
 */
public final class RequestStack {
  private static final VarHandle TOP;

  static {
    try {
      TOP = MethodHandles.lookup().findVarHandle(RequestStack.class, "top", RequestLink.class);
    } catch (ReflectiveOperationException e) {
      throw new ExceptionInInitializerError(e);
    }
  }

  private volatile @Nullable RequestLink top;

  /** The taker's: taken off the stack, last come first, and what was turned round of it. */
  private @Nullable RequestLink unturned;

  private @Nullable RequestLink oldest;

  /** Any thread. A link that is in a stack must not be put again. */
  public void put(RequestLink link) {
    RequestLink seen;
    do {
      seen = top;
      link.next = seen;
    } while (!TOP.compareAndSet(this, seen, link));
  }

  /** The taker: the request that came first, or {@code null}. */
  public @Nullable Request poll() {
    if (oldest == null) {
      turnRound();
    }
    RequestLink first = oldest;
    if (first == null) {
      return null;
    }
    oldest = first.next;
    return first.request;
  }

  /** Calls nothing behind the exchange: an error cannot lose what was taken off. */
  private void turnRound() {
    if (unturned == null && top != null) {
      unturned = (RequestLink) TOP.getAndSet(this, null);
    }
    RequestLink turned = null;
    RequestLink left = unturned;
    while (left != null) {
      RequestLink behind = left.next;
      left.next = turned;
      turned = left;
      left = behind;
    }
    unturned = null;
    oldest = turned;
  }

  /** The taker. */
  public boolean isEmpty() {
    return oldest == null && unturned == null && top == null;
  }

  /** Any thread, while the taker does not take: calls with each request, in no order. */
  public void forEach(Consumer<Request> action) {
    for (RequestLink link = oldest; link != null; link = link.next) {
      action.accept(link.request);
    }
    for (RequestLink link = unturned; link != null; link = link.next) {
      action.accept(link.request);
    }
    for (RequestLink link = top; link != null; link = link.next) {
      action.accept(link.request);
    }
  }
}
