package dev.annulus;

import dev.annulus.internal.driver.Operation;
import dev.annulus.internal.driver.Request;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * A future that is its own request: one object from the user's call to the last completion.
 *
 * <p>It can end twice over. For the user when it completes, by the operation or early by hand; for the kernel when the operation
 * is over. {@link #released} tells the second, and only then are buffers and file given back.
 *
 * <p>A subclass says what a result means in {@link #onResult}, which must call exactly one of {@link #succeed}, {@link #fail} and
 * {@link #again}.
 */
abstract non-sealed class OperationFuture<T> extends IoFuture<T> implements Request {
  /** Stands in {@link #released} once the operation is over. Never given out: whoever gets a future may complete it. */
  private static final CompletableFuture<Void> OVER = CompletableFuture.completedFuture(null);

  /** The mark of a request that runs on its caller's thread, and is with no driver. */
  private static final int RUNNING_HERE = -100;

  private static final VarHandle RELEASED;

  static {
    try {
      RELEASED = MethodHandles.lookup().findVarHandle(OperationFuture.class, "released", CompletableFuture.class);
    } catch (ReflectiveOperationException e) {
      throw new ExceptionInInitializerError(e);
    }
  }

  private Operation operation;
  private int mark = NO_MARK;

  @SuppressWarnings("unused") // through RELEASED
  private volatile @Nullable CompletableFuture<Void> released;

  OperationFuture(Operation operation) {
    this.operation = operation;
  }

  abstract Engine engine();

  /** The operation has ended with a value or a negated errno, and the user still wants to know. */
  abstract void onResult(int result);

  /** The operation has ended, with a value or a negated errno, but the user had given up: what it holds is to be freed. */
  void onUnwanted(int result) {}

  /** The operation has failed, but the user had given up. */
  void onUnheard(int errno) {}

  /** The operation is over: gives back what was borrowed for it. */
  void onOver() {}

  /** The operation will never be over: what was borrowed for it must not be used again. */
  void onAbandoned(Throwable cause) {}

  /** Completes with a value, unless the user has ended the future already; runs dependents. */
  final void succeed(@Nullable T value, int result) {
    over();
    if (engine().hasCompletionExecutor()) {
      engine().complete(() -> finish(value, result));
    } else {
      finish(value, result);
    }
  }

  /** Completes exceptionally, unless the user has ended the future already; runs dependents. */
  final void fail(Throwable failure) {
    over();
    engine()
        .complete(
            () -> {
              super.completeExceptionally(failure);
              signalReleased();
            });
  }

  /** Goes on with another operation, past all limits: it was admitted with the first. */
  final void again(Operation next) {
    operation = next;
    if (mark != RUNNING_HERE) {
      submitAgain(next);
    }
  }

  /** Has the next operation run. */
  void submitAgain(Operation next) {
    engine().driver().submitPastLimits(this);
  }

  /** Runs to the end on the calling thread. */
  @SuppressWarnings("ReferenceEquality") // again() has put another operation there, or has not
  final void runHere() {
    mark = RUNNING_HERE;
    Operation done;
    do {
      done = operation;
      completed(engine().driver().call(done));
    } while (operation != done);
    mark = NO_MARK;
  }

  private void finish(@Nullable T value, int result) {
    if (!super.complete(value)) {
      onUnwanted(result);
    }
    signalReleased();
  }

  private void over() {
    Buffers.release(operation);
    onOver();
  }

  private void signalReleased() {
    CompletableFuture<Void> waiting = setReleased(OVER);
    if (waiting != null) {
      waiting.complete(null);
    }
  }

  @SuppressWarnings("unchecked") // the field's own type
  private @Nullable CompletableFuture<Void> setReleased(CompletableFuture<Void> end) {
    return (CompletableFuture<Void>) RELEASED.getAndSet(this, end);
  }

  // ---- the driver's side ----

  @Override
  public final Operation operation() {
    return operation;
  }

  @Override
  public final int mark() {
    return mark;
  }

  @Override
  public final void mark(int newMark) {
    mark = newMark;
  }

  @Override
  public final void completed(int result) {
    if (isDone()) {
      over();
      onUnwanted(result);
      if (result < 0) {
        onUnheard(-result);
      }
      engine().complete(this::signalReleased);
      return;
    }
    try {
      onResult(result);
    } catch (Throwable e) {
      // The user's buffer was tampered with during the operation, say, or a class could not be loaded: the future ends all the same.
      fail(e);
    }
  }

  @Override
  public final void refused(Throwable cause) {
    fail(Errors.ofOwn(cause));
  }

  @Override
  public final void abandoned(Throwable shared) {
    Throwable cause = Errors.ofOwn(shared);
    onAbandoned(cause);
    engine()
        .complete(
            () -> {
              super.completeExceptionally(cause);
              CompletableFuture<Void> failed = CompletableFuture.failedFuture(cause);
              CompletableFuture<Void> waiting = setReleased(failed);
              if (waiting != null) {
                waiting.completeExceptionally(cause);
              }
            });
  }

  // ---- the user's side ----

  @Override
  public final CompletableFuture<Void> released() {
    CompletableFuture<Void> seen = released;
    if (seen == null) {
      CompletableFuture<Void> fresh = new CompletableFuture<>();
      seen = RELEASED.compareAndSet(this, null, fresh) ? fresh : Objects.requireNonNull(released);
    }
    return seen.copy();
  }

  @Override
  public final boolean cancel(boolean mayInterruptIfRunning) {
    boolean cancelled = super.cancel(mayInterruptIfRunning);
    giveUp();
    return cancelled;
  }

  @Override
  public final boolean complete(T value) {
    return gaveUp(super.complete(value));
  }

  @Override
  public final boolean completeExceptionally(Throwable failure) {
    return gaveUp(super.completeExceptionally(failure));
  }

  @Override
  public final CompletableFuture<T> completeAsync(Supplier<? extends T> supplier, Executor executor) {
    CompletableFuture<T> self = super.completeAsync(supplier, executor);
    CompletableFuture<T> _ = self.whenComplete((_, _) -> giveUp());
    return self;
  }

  @Override
  public final void obtrudeValue(T value) {
    super.obtrudeValue(value);
    giveUp();
  }

  @Override
  public final void obtrudeException(Throwable failure) {
    super.obtrudeException(failure);
    giveUp();
  }

  private boolean gaveUp(boolean endedHere) {
    if (endedHere) {
      giveUp();
    }
    return endedHere;
  }

  /** Asks the driver to end the operation, unless it is over. Asking twice, or too late, does no harm. */
  private void giveUp() {
    CompletableFuture<Void> seen = released;
    if (seen == null || !seen.isDone()) {
      engine().driver().cancel(this);
    }
  }
}
