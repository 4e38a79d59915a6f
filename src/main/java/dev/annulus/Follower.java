package dev.annulus;

import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.function.BiConsumer;
import org.jspecify.annotations.Nullable;

/**
 * What {@code whenComplete} of an operation's future returns: ends as that has ended, when its function has run. Function and future are one
 * object here, where the JDK has a future and an entry in the list of dependents; to the user there is no difference.
 */
final class Follower<T> extends CompletableFuture<T> implements BiConsumer<T, @Nullable Throwable> {
  /** Thrown when an error of the JVM has kept a follower from ending. Made beforehand, without a stack. */
  @SuppressWarnings("StaticAssignmentOfThrowable") // there is no memory to make one when it is needed
  static final VirtualMachineError CUT = new Cut();

  /** Stand in {@link #work}: the function runs; it has run well, and the future is to end as the other one. */
  private static final Object RUNNING = new Object();

  private static final Object RAN = new Object();

  /**
   * The function to be run; {@link #RUNNING}; {@link #RAN}, or the failure to end with. What is known here is not lost when an error of the JVM
   * cuts the ending, which is then done again. Whoever takes the follower out of the future's field has it alone, and with it this.
   */
  private Object work;

  Follower(BiConsumer<? super T, ? super @Nullable Throwable> action) {
    this.work = Objects.requireNonNull(action, "action");
  }

  /** Whether nothing is left to be done by who calls {@link #accept}. */
  boolean hasEnded() {
    return work == RUNNING || isDone();
  }

  /**
   * The future has ended. Runs the function at most once, however often it is called. As in the JDK, the function does not run if this future was
   * ended by hand before.
   */
  @Override
  @SuppressWarnings("unchecked") // what the constructor was given
  public void accept(@Nullable T value, @Nullable Throwable failure) {
    if (isDone()) {
      return;
    }
    Object seen = work;
    if (seen instanceof BiConsumer<?, ?>) {
      work = RUNNING;
      try {
        run((BiConsumer<? super T, ? super @Nullable Throwable>) seen, value, failure);
      } finally {
        if (work == RUNNING) {
          work = seen; // it did not get so far
        }
      }
    }
    end(value);
  }

  @SuppressWarnings("ReferenceEquality") // an exception cannot be added to itself
  private void run(BiConsumer<? super T, ? super @Nullable Throwable> action, @Nullable T value, @Nullable Throwable failure) {
    try {
      action.accept(value, failure);
      work = failure == null ? RAN : failure;
    } catch (Throwable e) {
      work = failure == null ? e : failure;
      if (failure != null && failure != e) {
        addSuppressed(failure, e);
      }
    }
  }

  private static void addSuppressed(Throwable failure, Throwable e) {
    try {
      failure.addSuppressed(e);
    } catch (VirtualMachineError another) {
      // The failure is told without it.
    }
  }

  private void end(@Nullable T value) {
    Object outcome = work;
    if (outcome == RAN) {
      boolean _ = complete(value);
    } else if (outcome instanceof Throwable failure) {
      boolean _ = completeExceptionally(failure instanceof CompletionException ? failure : new CompletionException(failure));
    }
  }

  /** Dependents are plain futures. */
  @Override
  public <U> CompletableFuture<U> newIncompleteFuture() {
    return new CompletableFuture<>();
  }

  /** Counts as a want of memory: that is what lasts. */
  private static final class Cut extends OutOfMemoryError {
    private static final long serialVersionUID = 1L;

    Cut() {
      super("memory or stack was wanting");
    }

    @Override
    public synchronized Throwable fillInStackTrace() {
      return this;
    }
  }
}
