package dev.annulus.internal.portable;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/**
 * A {@link dev.annulus.internal.driver.BriefLock} that no error of the JVM's leaves locked: nothing
 * is called once it is taken, and it is given back by writing to a field.
 *
 * <p>A virtual thread never pauses here: it might not be given a carrier again, with whatever else
 * it holds.
 */
final class PoolLock {
  private static final int SPINS_BETWEEN_PAUSES = 50;
  private static final long PAUSE_NANOS = TimeUnit.MICROSECONDS.toNanos(100);
  private static final VarHandle HELD;

  static {
    try {
      HELD = MethodHandles.lookup().findVarHandle(PoolLock.class, "held", boolean.class);
    } catch (ReflectiveOperationException e) {
      throw new ExceptionInInitializerError(e);
    }
  }

  /** Set to false by whoever has the lock, to give it back. */
  volatile boolean held;

  /** Takes it; waits for it, if need be, whatever interrupts there are. Not reentrant. */
  void lock() {
    int spins = 0;
    while (held || !HELD.compareAndSet(this, false, true)) {
      if (++spins % SPINS_BETWEEN_PAUSES == 0 && !Thread.currentThread().isVirtual()) {
        LockSupport.parkNanos(this, PAUSE_NANOS); // with an interrupt pending, this is no pause
      } else {
        Thread.onSpinWait();
      }
    }
  }
}
