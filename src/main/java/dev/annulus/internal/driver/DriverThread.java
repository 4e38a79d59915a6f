package dev.annulus.internal.driver;

import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/** A thread that ends requests of a driver, and must therefore never wait for one. Does not keep the JVM alive. */
public final class DriverThread extends Thread {
  private final Driver owner;
  private final boolean interruptible;

  public DriverThread(Driver owner, Runnable body, String name) {
    this(owner, body, name, true);
  }

  private DriverThread(Driver owner, Runnable body, String name, boolean interruptible) {
    super(null, body, name, 0, false);
    this.owner = owner;
    this.interruptible = interruptible;
    setDaemon(true);
  }

  /**
   * A thread on which an interrupt has no effect, whoever sends it: a {@code FileChannel} closes itself when the thread in it is
   * interrupted.
   */
  public static DriverThread uninterruptible(Driver owner, Runnable body, String name) {
    return new DriverThread(owner, body, name, false);
  }

  @SuppressWarnings("ReferenceEquality") // this very driver
  public static boolean isOf(Driver driver) {
    return Thread.currentThread() instanceof DriverThread thread && thread.owner == driver;
  }

  /** Waits for a thread to end, whatever interrupts come; false if it takes longer. */
  public static boolean join(Thread thread, Duration patience) {
    boolean interrupted = false;
    long deadline = System.nanoTime() + patience.toNanos();
    try {
      while (true) {
        try {
          return thread.join(Duration.ofNanos(Math.max(1, deadline - System.nanoTime())));
        } catch (InterruptedException e) {
          interrupted = true;
        }
      }
    } finally {
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }

  /** Waits for a latch, whatever interrupts come; false if it takes longer. */
  public static boolean await(CountDownLatch latch, long limitNanos) {
    boolean interrupted = false;
    long deadline = System.nanoTime() + Math.min(limitNanos, Long.MAX_VALUE / 2);
    try {
      while (true) {
        try {
          return latch.await(deadline - System.nanoTime(), TimeUnit.NANOSECONDS);
        } catch (InterruptedException e) {
          interrupted = true;
        }
      }
    } finally {
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }

  @Override
  public void interrupt() {
    if (interruptible) {
      super.interrupt();
    }
  }
}
