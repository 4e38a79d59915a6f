package dev.annulus;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ForkJoinWorkerThread;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BiConsumer;
import org.jspecify.annotations.Nullable;

/**
 * Who waits for a future, and who for the end of its operation, which may come later.
 *
 * <p>The first who waits for the future, a thread in {@link #join} or {@link #get()} or a {@link #whenComplete} function, is kept in a
 * field rather than in the JDK's list of dependents, whose entries are two and three times as large; that was most of what a read cost in
 * heap. Everybody else is the JDK's.
 */
abstract sealed class AwaitedFuture<T> extends IoFuture<T> permits OperationFuture {
  /** Stands in {@link #waiting} once the operation is over. Never given out: whoever gets a future may complete it. */
  private static final Release OVER = new Release();

  private static final VarHandle WAITING;

  static {
    boolean _ = OVER.complete(null);
    try {
      WAITING = MethodHandles.lookup().findVarHandle(AwaitedFuture.class, "waiting", Object.class);
    } catch (ReflectiveOperationException e) {
      throw new ExceptionInInitializerError(e);
    }
  }

  /**
   * {@code null}: nobody waits. A {@link Thread} that is blocked, or a {@link Follower}: for the future. A {@link Release}: for the end of
   * the operation; when that has come, a release that is done. A {@link Both}.
   *
   * <p>Who waits puts itself here and then looks whether the future has completed; who completes it does so and then looks here. So nobody
   * is forgotten; both may see each other, and then one takes the waiter out.
   */
  @SuppressWarnings("unused") // through WAITING
  private volatile @Nullable Object waiting;

  @Override
  public final CompletableFuture<T> whenComplete(BiConsumer<? super T, ? super Throwable> action) {
    if (waiting == null && !isDone()) {
      Follower<T> follower = new Follower<>(action);
      if (WAITING.compareAndSet(this, null, follower)) {
        if (isDone()) {
          wakeWaiter();
        }
        return follower;
      }
    }
    return super.whenComplete(action);
  }

  /** Throws if the calling thread, of the runtime's own, would wait for itself. */
  abstract void checkMayWait();

  /** What it is, for messages. */
  abstract String what();

  @Override
  public final T get(long timeout, TimeUnit unit) throws InterruptedException, ExecutionException, TimeoutException {
    if (!isDone()) {
      checkMayWait();
    }
    try {
      return super.get(timeout, unit);
    } catch (TimeoutException e) {
      throw new TimeoutException(what() + " has not ended after " + timeout + " " + unit + "; it goes on unless it is cancelled");
    }
  }

  @Override
  public final T join() {
    if (!isDone()) {
      checkMayWait();
    }
    if (mayBeWaiter()) {
      Thread thread = Thread.currentThread();
      boolean interrupted = false;
      while (!awaitAsWaiter(thread)) {
        interrupted = true;
      }
      if (interrupted) {
        thread.interrupt();
      }
    }
    return super.join();
  }

  @Override
  public final T get() throws InterruptedException, ExecutionException {
    if (!isDone()) {
      checkMayWait();
    }
    if (mayBeWaiter() && !awaitAsWaiter(Thread.currentThread())) {
      if (!isDone()) {
        throw new InterruptedException();
      }
      Thread.currentThread().interrupt();
    }
    return super.get();
  }

  /** A worker of a fork-join pool is left to the JDK, which has the pool find work for another meanwhile. */
  private boolean mayBeWaiter() {
    return !isDone() && !(Thread.currentThread() instanceof ForkJoinWorkerThread);
  }

  /**
   * Waits until the future completes or the thread is interrupted; not at all if somebody else is the waiter.
   *
   * @return false if the thread was interrupted, of which it bears no mark any more
   */
  private boolean awaitAsWaiter(Thread thread) {
    if (!WAITING.compareAndSet(this, null, thread)) {
      return true;
    }
    boolean interrupted = false;
    while (!isDone() && !interrupted) {
      LockSupport.park(this);
      interrupted = Thread.interrupted();
    }
    stopWaiting(thread);
    return !interrupted;
  }

  /** The field may hold another by now, if whoever completed the future took this one. */
  private void stopWaiting(Thread thread) {
    Object seen = waiting;
    if (seen == thread && !WAITING.compareAndSet(this, seen, null)) {
      seen = waiting; // somebody has asked for the release, or the operation has ended
    }
    if (seen instanceof Both both && both.waiter == thread) {
      boolean _ = WAITING.compareAndSet(this, seen, both.release);
    }
  }

  @Override
  public final CompletableFuture<Void> released() {
    while (true) {
      Object seen = waiting;
      if (seen instanceof Release release) {
        return release.copy();
      }
      if (seen instanceof Both both) {
        return both.release.copy();
      }
      Release release = new Release();
      if (WAITING.compareAndSet(this, seen, seen == null ? release : new Both(seen, release))) {
        return release.copy();
      }
    }
  }

  /**
   * The future has completed: runs or wakes who waits for it, unless that was done. Whoever takes the waiter out of the field is alone with
   * it; if an error of the JVM cuts the telling, the waiter is put back, for the next call or for the end of the operation.
   */
  final void wakeWaiter() {
    while (true) {
      Object seen = waiting;
      if (seen == null || seen instanceof Release) {
        return;
      }
      Object waiter = seen instanceof Both both ? both.waiter : seen;
      Object left = seen instanceof Both both ? both.release : null;
      if (WAITING.compareAndSet(this, seen, left)) {
        try {
          wake(waiter);
        } catch (Throwable e) {
          if (!WAITING.compareAndSet(this, left, seen)) {
            wake(waiter); // the operation has ended meanwhile, or somebody has asked for that: nobody would look again
          }
          throw e;
        }
        return;
      }
    }
  }

  /** Completes with a value, the operation being over. False if the future had ended before. To be called again if it is cut. */
  final boolean endWith(@Nullable T value) {
    if (!super.complete(value)) {
      return false;
    }
    Object seen = WAITING.getAndSet(this, OVER);
    if (seen != null) {
      try {
        if (seen instanceof Follower<?> follower) {
          cast(follower).accept(value, null);
        } else {
          end(seen, OVER);
        }
      } catch (Throwable e) {
        waiting = seen;
        throw e;
      }
    }
    return true;
  }

  /** The future has completed and the operation is over. To be called again if it is cut. */
  final void end() {
    end(OVER);
  }

  /** The future has completed, and the operation will never be over. To be called again if it is cut. */
  final void endNever(Throwable cause) {
    end(Release.never(cause));
  }

  /** Runs the JDK's dependents of a completed future that have not run, because an error of the JVM has cut them off. */
  final void runDependents() {
    if (isDone()) {
      boolean _ = super.complete(null);
    }
  }

  /** Whether the operation is over, or never will be, and everybody has been told. */
  final boolean isOver() {
    return waiting instanceof Release release && release.isDone();
  }

  /** Who is told stays out of the field, which says that the operation is over; if telling is cut, they are put back. */
  private void end(Release over) {
    Object seen = WAITING.getAndSet(this, over);
    if (seen != null && seen != over) {
      try {
        end(seen, over);
      } catch (Throwable e) {
        waiting = seen;
        throw e;
      }
    }
  }

  private void end(Object seen, Release over) {
    switch (seen) {
      case Both both -> {
        wake(both.waiter);
        both.release.follow(over);
      }
      case Release release -> release.follow(over);
      default -> wake(seen);
    }
  }

  private void wake(Object waiter) {
    if (waiter instanceof Thread thread) {
      LockSupport.unpark(thread);
      return;
    }
    Follower<T> follower = cast((Follower<?>) waiter);
    if (!follower.hasEnded()) {
      CompletableFuture<T> _ = super.whenComplete(follower);
      if (!follower.hasEnded()) {
        throw Follower.CUT;
      }
    }
  }

  @SuppressWarnings("unchecked") // only its own followers are ever put there
  private Follower<T> cast(Follower<?> follower) {
    return (Follower<T>) follower;
  }

  /** What {@link #released} waits for. */
  private static final class Release extends CompletableFuture<Void> {
    static Release never(Throwable cause) {
      Release never = new Release();
      boolean _ = never.completeExceptionally(cause);
      return never;
    }

    /** Ends as another has ended. */
    void follow(Release over) {
      boolean _ = over.isCompletedExceptionally() ? completeExceptionally(over.exceptionNow()) : complete(null);
    }
  }

  /** Somebody who waits for the future, and somebody who waits for the end of the operation. */
  private record Both(Object waiter, Release release) {}
}
