package dev.annulus.sim;

import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Lets a program's thread and the ring's thread run one at a time, changing over only inside of the ring's {@code enter}. The
 * program's submissions thus really come from another thread, while when they come is decided by the seed, and not by the
 * scheduler.
 */
public final class Turns {
  private static final long PATIENCE_NANOS = TimeUnit.SECONDS.toNanos(30);

  private enum Holder {
    PROGRAM,
    RING,
    /** Both run freely. */
    NOBODY
  }

  private final Thread program;
  private volatile @Nullable Thread ring;
  private volatile Holder holder;
  private BooleanSupplier until = () -> true;
  private boolean ringIsIdle;

  private Turns(Thread program, Holder holder) {
    this.program = program;
    this.holder = holder;
  }

  /** Turns for this thread and a ring's. This thread begins; it should {@link #giveUntil} once as soon as the ring exists. */
  public static Turns taken() {
    return new Turns(Thread.currentThread(), Holder.PROGRAM);
  }

  /** No turns: both threads run as they will. */
  public static Turns none() {
    return new Turns(Thread.currentThread(), Holder.NOBODY);
  }

  /**
   * The program lets the ring run, until the condition holds at one of the ring's changing places, or nothing happens any more.
   *
   * @return whether the ring sleeps with nothing to do
   */
  public boolean giveUntil(BooleanSupplier condition) {
    if (areOver()) {
      return true;
    }
    until = condition;
    ringIsIdle = false;
    holder = Holder.RING;
    LockSupport.unpark(ring);
    await(Holder.RING);
    return ringIsIdle;
  }

  /** Both run freely from now on. */
  public void end() {
    holder = Holder.NOBODY;
    LockSupport.unpark(ring);
    LockSupport.unpark(program);
  }

  boolean areOver() {
    return holder == Holder.NOBODY;
  }

  /** The ring's thread comes in for the first time. */
  void begin() {
    ring = Thread.currentThread();
    await(Holder.PROGRAM);
  }

  /** A changing place. */
  void offer() {
    if (holder == Holder.RING && until.getAsBoolean()) {
      pass();
    }
  }

  /** The ring would sleep: the program must do something. */
  void idle() {
    if (holder == Holder.RING) {
      ringIsIdle = true;
      pass();
    }
  }

  private void pass() {
    holder = Holder.PROGRAM;
    LockSupport.unpark(program);
    await(Holder.PROGRAM);
  }

  private void await(Holder other) {
    long deadline = System.nanoTime() + PATIENCE_NANOS;
    while (holder == other) {
      LockSupport.parkNanos(this, PATIENCE_NANOS);
      if (holder == other && System.nanoTime() > deadline) {
        throw new IllegalStateException("the other thread does not give the turn back");
      }
    }
  }
}
