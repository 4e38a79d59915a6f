package dev.annulus.internal.driver;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.concurrent.Semaphore;
import org.jspecify.annotations.Nullable;

/**
 * The bound on requests that wait to be taken in. Who finds no room waits, parking platform and virtual threads alike, or is
 * refused. An interrupt does not end the wait: it would lose a request; it stays pending for the caller.
 */
public final class Admission {
  private static final VarHandle CLOSED_BECAUSE;
  private static final VarHandle OWED;

  static {
    try {
      CLOSED_BECAUSE = MethodHandles.lookup().findVarHandle(Admission.class, "closedBecause", Throwable.class);
      OWED = MethodHandles.lookup().findVarHandle(Admission.class, "owed", int.class);
    } catch (ReflectiveOperationException e) {
      throw new ExceptionInInitializerError(e);
    }
  }

  private final int limit;
  private final boolean refuseWhenFull;
  private final Room room;

  /** Places, of which there may be fewer than none for a while. */
  private static final class Room extends Semaphore {
    private static final long serialVersionUID = 1L;

    Room(int places) {
      super(places);
    }

    void takeAnyway() {
      reducePermits(1);
    }
  }

  /**
   * Places to be given back. Who holds one and perhaps has too little of the stack left for {@link #leave} counts it here, which takes none;
   * the next who comes or leaves gives it back. That two do so at the same moment and one is lost is less likely than that.
   */
  public volatile int owed;

  /** Read without a call: whoever holds a place must be able to look without an error of the JVM in between. */
  private volatile @Nullable Throwable closedBecause;

  public Admission(int limit, boolean refuseWhenFull) {
    this.limit = limit;
    this.refuseWhenFull = refuseWhenFull;
    this.room = new Room(limit);
  }

  /**
   * Takes a place, waiting for one if so configured. {@code null} when taken; else why not. Throws an error of the JVM only if no place is
   * taken.
   */
  public @Nullable Throwable enter() {
    if (owed != 0) {
      settle();
    }
    if (!room.tryAcquire()) {
      if (refuseWhenFull) {
        return Refusals.full(limit);
      }
      awaitRoom();
    }
    Throwable closed = closedBecause;
    if (closed != null) {
      room.release();
    }
    return closed;
  }

  private void awaitRoom() {
    StackRoom.check(); // a wait that is cut may have taken the place
    RingStallEvent stall = Stalls.waitingForRoom();
    room.acquireUninterruptibly();
    try {
      Stalls.end(stall);
    } catch (Throwable e) {
      // The stall goes unrecorded; the place is taken.
    }
  }

  /** Takes a place if there is one now and anybody is admitted. */
  public boolean tryEnter() {
    if (closedBecause != null || !room.tryAcquire()) {
      return false;
    }
    if (closedBecause != null) {
      room.release();
      return false;
    }
    return true;
  }

  /** Takes a place at once, past the limit if need be: for who has just given one back, and has to wait on. */
  public void takeAnyway() {
    room.takeAnyway();
  }

  /** Why nobody is admitted any more, or {@code null}. */
  public @Nullable Throwable closedBecause() {
    return closedBecause;
  }

  /** Gives places back. If it throws it has not, and is to be called again. */
  public void leave(int places) {
    if (owed != 0) {
      settle();
    }
    room.release(places); // last: what came behind it could be cut, and the places would be given back twice
  }

  /**
   * Gives back what is {@link #owed}, if there is enough of the stack now. It is made sure of before: a release that is cut may have given
   * its places back, and a second one would let in more than there is room for.
   */
  @SuppressWarnings("NonAtomicVolatileUpdate") // see owed
  public void settle() {
    try {
      StackRoom.check();
    } catch (StackOverflowError e) {
      return;
    }
    int places = (int) OWED.getAndSet(this, 0);
    try {
      room.release(places);
    } catch (StackOverflowError e) {
      owed = owed + places; // it has not begun
    }
  }

  /** Admits nobody any more. The place freed here wakes one who waits, who passes it on to the next. */
  public boolean close(Throwable because) {
    boolean first = CLOSED_BECAUSE.compareAndSet(this, null, because);
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
