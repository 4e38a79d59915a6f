package dev.annulus.internal.driver;

import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/**
 * The bound on requests that wait to be taken in. Who finds no room waits, parking platform and virtual threads alike, or is
 * refused. An interrupt does not end the wait: it would lose a request; it stays pending for the caller.
 */
public final class Admission {
  private final int limit;
  private final boolean refuseWhenFull;
  private final Semaphore room;
  private final AtomicReference<@Nullable Throwable> closedBecause = new AtomicReference<>();

  public Admission(int limit, boolean refuseWhenFull) {
    this.limit = limit;
    this.refuseWhenFull = refuseWhenFull;
    this.room = new Semaphore(limit);
  }

  /** Takes a place, waiting for one if so configured. {@code null} when taken; else why not. */
  public @Nullable Throwable enter() {
    if (!room.tryAcquire()) {
      if (refuseWhenFull) {
        return Refusals.full(limit);
      }
      RingStallEvent stall = Stalls.waitingForRoom();
      room.acquireUninterruptibly();
      Stalls.end(stall);
    }
    Throwable closed = closedBecause.get();
    if (closed != null) {
      room.release();
    }
    return closed;
  }

  /** Takes a place if there is one now and anybody is admitted. */
  public boolean tryEnter() {
    if (closedBecause.get() != null || !room.tryAcquire()) {
      return false;
    }
    if (closedBecause.get() != null) {
      room.release();
      return false;
    }
    return true;
  }

  /** Why nobody is admitted any more, or {@code null}. */
  public @Nullable Throwable closedBecause() {
    return closedBecause.get();
  }

  /** Gives places back. */
  public void leave(int places) {
    room.release(places);
  }

  /** Admits nobody any more. The place freed here wakes one who waits, who passes it on to the next. */
  public boolean close(Throwable because) {
    boolean first = closedBecause.compareAndSet(null, because);
    if (first) {
      room.release();
    }
    return first;
  }

  /** Places taken. */
  public int taken() {
    return Math.clamp((long) limit - room.availablePermits(), 0, limit);
  }
}
