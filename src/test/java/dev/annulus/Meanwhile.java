package dev.annulus;

import static java.util.concurrent.TimeUnit.SECONDS;

import dev.annulus.internal.driver.BriefLock;
import java.lang.reflect.Field;
import java.util.Objects;
import java.util.concurrent.Callable;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Assertions;

/**
 * What another thread does while the test's own is in the midst of something: it gets to its end, or
 * as far as to wait for a {@link BriefLock}.
 */
final class Meanwhile<T> {
  private final FutureTask<T> task;
  private final Thread thread;

  private Meanwhile(Callable<T> what) {
    this.task = new FutureTask<>(what);
    this.thread = Thread.ofPlatform().daemon().name("meanwhile").start(task);
  }

  /** Starts it, and does not wait at all. */
  static <T> Meanwhile<T> start(Callable<T> what) {
    return new Meanwhile<>(what);
  }

  /** Starts it, and goes on when it has ended or has to wait. */
  static <T> Meanwhile<T> begin(Callable<T> what) {
    Meanwhile<T> begun = start(what);
    begun.untilItEndsOrWaits();
    return begun;
  }

  /** As {@link #begin(Callable)}. */
  static Meanwhile<Boolean> begin(Runnable what) {
    return begin(
        () -> {
          what.run();
          return true;
        });
  }

  void untilItEndsOrWaits() {
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(Futures.PATIENCE_SECONDS);
    while (!hasEnded() && !waits()) {
      Assertions.assertTrue(System.nanoTime() < deadline, "it neither ends nor waits for a lock");
      Thread.onSpinWait();
    }
  }

  boolean hasEnded() {
    return task.isDone();
  }

  /** Who waits for such a lock pauses again and again, and is seen in one of the pauses. */
  private boolean waits() {
    return LockSupport.getBlocker(thread) instanceof BriefLock;
  }

  /** What came of it. */
  T get() throws Exception {
    return task.get(Futures.PATIENCE_SECONDS, SECONDS);
  }

  /**
   * That something, done by another thread, waits for the lock of an object as long as somebody has
   * that, and then ends.
   */
  static <T> T assertWaitsFor(BriefLock lock, Callable<T> what) throws Exception {
    lock.lock();
    Meanwhile<T> begun;
    try {
      begun = begin(what);
      Assertions.assertFalse(begun.hasEnded(), "it does not wait for the lock");
      Assertions.assertTrue(lock.held, "somebody else's lock was given back");
    } finally {
      lock.unlock();
    }
    T result = begun.get();
    Assertions.assertFalse(lock.held, "the lock was kept");
    return result;
  }

  /** As {@link #assertWaitsFor(BriefLock, Callable)}. */
  static void assertWaitsFor(BriefLock lock, Runnable what) throws Exception {
    Assertions.assertTrue(
        assertWaitsFor(
            lock,
            () -> {
              what.run();
              return true;
            }));
  }

  /** The lock that guards an object. */
  static BriefLock lockOf(Object guarded) throws ReflectiveOperationException {
    return (BriefLock) fieldOf(guarded, "lock");
  }

  static Object fieldOf(Object owner, String name) throws ReflectiveOperationException {
    Field field = owner.getClass().getDeclaredField(name);
    field.setAccessible(true);
    return Objects.requireNonNull(field.get(owner));
  }
}
