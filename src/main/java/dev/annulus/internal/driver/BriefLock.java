package dev.annulus.internal.driver;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.concurrent.locks.LockSupport;

/**
 * A lock for a few instructions that neither block nor run users' code, between a driver's own threads and everybody else's.
 *
 * <p>Monitors and {@code java.util.concurrent}'s locks wake one of those who wait, and let the others sleep until that one has had its
 * turn. If it is a virtual thread, and others keep the carriers busy, its turn may never come: the reaper would sleep for ever behind a
 * thread that waits for the very operations it is to complete. Here nobody is chosen. Who waits looks again by itself, and whoever runs
 * gets on.
 */
public final class BriefLock {
  private static final int SPINS_BETWEEN_PAUSES = 200;

  /** Long enough for a holder who was preempted to be given the processor. */
  private static final long PAUSE_NANOS = 20_000;

  private static final VarHandle HELD;

  static {
    try {
      HELD = MethodHandles.lookup().findVarHandle(BriefLock.class, "held", boolean.class);
    } catch (ReflectiveOperationException e) {
      throw new ExceptionInInitializerError(e);
    }
  }

  /**
   * Whether somebody has it. Who does gives it back by writing {@code false} here, in a {@code finally}: a call might find no stack, even where
   * the taking found some, and a lock kept is kept for ever.
   */
  public volatile boolean held;

  /**
   * Takes it; waits for it, if need be, whatever interrupts there are. Not reentrant. A virtual thread never pauses here: it might not be
   * given a carrier again, with whatever else it holds. Nor need it: the holder has a thread of the system's, which will get a processor.
   */
  public void lock() {
    boolean interrupted = false;
    for (int spins = 1; !tryLock(); spins++) {
      if (spins % SPINS_BETWEEN_PAUSES == 0 && !Thread.currentThread().isVirtual()) {
        LockSupport.parkNanos(this, PAUSE_NANOS);
        interrupted |= Thread.interrupted(); // or the next pause would be none
      } else {
        Thread.onSpinWait();
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  private boolean tryLock() {
    return !held && HELD.compareAndSet(this, false, true);
  }

  /** Gives it back, where there is stack for a call in any case. By whoever has it. */
  public void unlock() {
    held = false;
  }
}
