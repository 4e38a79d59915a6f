package dev.annulus;

import dev.annulus.OperationEnd.Outcome;
import dev.annulus.OperationEnd.Route;
import dev.annulus.internal.driver.Errno;
import dev.annulus.internal.driver.Operation;
import dev.annulus.internal.driver.Repeats;
import dev.annulus.internal.driver.Request;
import dev.annulus.internal.driver.SelfWait;
import java.nio.file.Path;
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
abstract non-sealed class OperationFuture<T> extends AwaitedFuture<T> implements Request {
  /** The marks of a request that is with no driver: it runs on its caller's thread, and there once more. */
  private static final int RUNNING_HERE = -100;

  private static final int ONCE_MORE_HERE = -101;

  private int mark = NO_MARK;

  abstract Engine engine();

  /** What it is about, for messages. */
  abstract Path path();

  /** The operation begins, for those who watch. To be called before it is submitted. */
  final void observe() {
    engine().listeners().observe(this);
  }

  /** The operation has ended with a value or a negated errno, and the user still wants to know. */
  abstract void onResult(int result);

  /** The operation has ended, with a value or a negated errno, but the user had given up: what it holds is to be freed. */
  void onUnwanted(int result) {}

  /** The operation has failed, but the user had given up. */
  void onUnheard(int errno) {}

  /** The operation was cancelled before it began, and the user still wants to know. */
  void onNeverBegun() {
    onResult(-Errno.ECANCELED);
  }

  /**
   * Whether the result is not to be believed yet. Then {@link #deliver} follows, on whatever thread.
   */
  boolean isKeptBack(int result) {
    return false;
  }

  /** Nobody wants the result any more: asks the driver to end the operation. On any thread. */
  void giveUp() {
    engine().driver().cancel(this);
  }

  /** The operation is over, or one of several is: gives back what was borrowed for its memory. */
  void release() {}

  /** The operation is over: gives back what was borrowed for it. */
  void onOver() {}

  /** The operation will never be over: what was borrowed for it must not be used again. */
  void onAbandoned(Throwable cause) {}

  /** Completes with a value, unless the user has ended the future already; runs dependents. */
  final void succeed(@Nullable T value, int result) {
    over(Outcome.COMPLETED, null);
    if (engine().hasCompletionExecutor()) {
      engine().complete(() -> finish(value, result));
    } else {
      finish(value, result);
    }
  }

  /** Completes exceptionally, unless the user has ended the future already; runs dependents. */
  final void fail(Throwable failure) {
    over(Outcome.FAILED, failure);
    engine()
        .complete(
            () -> {
              boolean _ = super.completeExceptionally(failure);
              end();
            });
  }

  /** The operation has ended, but not the request: {@link #again} must follow. Until then {@link #operation} must not change. */
  final void ended() {
    endObservation(Outcome.COMPLETED, null);
  }

  /** Goes on with what {@link #operation} returns now, past all limits: it was admitted with the first. */
  final void again() {
    observe();
    goOn();
  }

  /** As {@link #again}, where it is still the same operation to those who watch. */
  final void goOn() {
    if (mark == RUNNING_HERE) {
      mark = ONCE_MORE_HERE;
    } else {
      submitAgain();
    }
  }

  /** Has the next operation run. */
  void submitAgain() {
    engine().driver().submitPastLimits(this);
  }

  /** Whether an operation may run on its caller's thread now; then {@link #endHere} follows. Else it is to be submitted. */
  boolean tryBeginHere(Operation operation) {
    return true;
  }

  /** The operation has run on its caller's thread, and its result is known. */
  void endHere(Operation operation) {}

  /** Whether the operation's result may be kept back, so that another thread may go on with it. */
  boolean mayBeKeptBack(Operation operation) {
    return false;
  }

  /** Whether the calling thread runs the operation itself, and waits for it. */
  final boolean runsHere() {
    return mark == RUNNING_HERE;
  }

  /** Runs to the end on the calling thread, or until something must wait for others. */
  final void runHere() {
    do {
      Operation operation = operation();
      if (!tryBeginHere(operation)) {
        mark = NO_MARK;
        submitAgain();
        return;
      }
      if (mayBeKeptBack(operation)) {
        completeHereOnce(operation);
        return;
      }
      mark = RUNNING_HERE;
      try {
        completeHere(operation);
      } finally {
        endHere(operation);
      }
    } while (mark == ONCE_MORE_HERE);
    mark = NO_MARK;
  }

  /** As {@link #completeHere}; what comes after it is the driver's. */
  private void completeHereOnce(Operation operation) {
    mark = NO_MARK;
    try {
      completeHere(operation);
    } finally {
      endHere(operation);
    }
  }

  /** Whatever goes wrong, the future must end: else the file's lease would be kept, and closing it wait for ever. */
  private void completeHere(Operation operation) {
    int result;
    try {
      result = call(operation);
    } catch (Throwable e) {
      fail(e);
      return;
    }
    completed(result);
  }

  private int call(Operation operation) {
    int result = engine().driver().call(operation);
    if (Repeats.byTheDriver(operation)) {
      return result;
    }
    for (int repeats = 0; isRepeatable() && Repeats.again(result, repeats); repeats++) {
      result = engine().driver().call(operation);
    }
    return result;
  }

  private void finish(@Nullable T value, int result) {
    if (!endWith(value)) {
      onUnwanted(result);
      end();
    }
  }

  private void over(Outcome outcome, @Nullable Throwable failure) {
    endObservation(outcome, failure);
    release();
    onOver();
  }

  private void endObservation(Outcome outcome, @Nullable Throwable failure) {
    Observation seen = engine().listeners().end(this);
    if (seen != null) {
      if (mark == RUNNING_HERE) {
        seen.takes(Route.CALLER);
      }
      seen.end(outcome, operation(), path(), failure);
    }
  }

  // ---- the driver's side ----

  @Override
  public final int mark() {
    return mark;
  }

  @Override
  public final void mark(int newMark) {
    mark = newMark;
  }

  /** As {@link #completed}, of a read whose data was found in the page cache. */
  final void completedInline(int result) {
    Observation seen = engine().listeners().observationOf(this);
    if (seen != null) {
      seen.takes(Route.INLINE);
    }
    completed(result);
  }

  @Override
  public final void completed(int result) {
    Observation seen = engine().listeners().observationOf(this);
    if (seen != null) {
      seen.answered(result);
    }
    if (!isKeptBack(result)) {
      deliver(result);
    }
  }

  @Override
  public final void neverBegun() {
    Observation seen = engine().listeners().observationOf(this);
    if (seen != null) {
      seen.answered(-Errno.ECANCELED);
    }
    if (isDone()) {
      endUnheard(-Errno.ECANCELED);
      return;
    }
    try {
      onNeverBegun();
    } catch (Throwable e) {
      fail(e);
    }
  }

  private void endUnheard(int result) {
    over(Outcome.CANCELLED, null);
    onUnwanted(result);
    engine().complete(this::end);
  }

  /** The operation has ended, and its result may be told. */
  final void deliver(int result) {
    if (isDone()) {
      if (result < 0) {
        onUnheard(-result); // a loss must be known before a sync that waits for this is begun
      }
      endUnheard(result);
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
    Throwable failure = Errors.ofOwn(cause);
    endObservation(Outcome.REFUSED, failure);
    fail(failure);
  }

  @Override
  public final void givenUp(Throwable shared) {
    if (super.completeExceptionally(Errors.givenUp(operation(), path(), shared))) {
      wakeWaiter();
    }
  }

  @Override
  public final void abandoned(Throwable shared) {
    Throwable cause = Errors.abandoned(operation(), path(), shared);
    endObservation(Outcome.ABANDONED, cause);
    onAbandoned(cause);
    engine()
        .complete(
            () -> {
              boolean _ = super.completeExceptionally(cause);
              endNever(cause);
            });
  }

  // ---- the user's side ----

  @Override
  final void checkMayWait() {
    SelfWait.check(engine().driver());
  }

  @Override
  String what() {
    return FutureTexts.what(this);
  }

  @Override
  public final String toString() {
    return FutureTexts.describe(this);
  }

  /** As the JDK's, with a message. */
  @Override
  public final boolean cancel(boolean mayInterruptIfRunning) {
    boolean cancelled = (!isDone() && super.completeExceptionally(FutureTexts.cancelled(this))) || isCancelled();
    endedEarly();
    return cancelled;
  }

  @Override
  public final boolean complete(T value) {
    return gaveUp(super.complete(value));
  }

  @Override
  public final boolean completeExceptionally(Throwable failure) {
    return gaveUp(super.completeExceptionally(FutureTexts.named(failure, this)));
  }

  /**
   * The JDK ends it past {@link #complete}, and then runs the dependents it knows of: among these, and
   * not by {@link #whenComplete}, is ours.
   */
  @Override
  public final CompletableFuture<T> completeAsync(Supplier<? extends T> supplier, Executor executor) {
    CompletableFuture<T> self = super.completeAsync(supplier, executor);
    CompletableFuture<Void> _ = super.handle(this::endedAsynchronously);
    return self;
  }

  private @Nullable Void endedAsynchronously(@Nullable T value, @Nullable Throwable failure) {
    endedEarly();
    return null;
  }

  @Override
  public final void obtrudeValue(T value) {
    super.obtrudeValue(value);
    endedEarly();
  }

  @Override
  public final void obtrudeException(Throwable failure) {
    super.obtrudeException(failure);
    endedEarly();
  }

  private boolean gaveUp(boolean endedHere) {
    if (endedHere) {
      endedEarly();
    }
    return endedHere;
  }

  /** Tells who waits, and asks the driver to end the operation, unless it is over. Asking twice, or too late, does no harm. */
  private void endedEarly() {
    wakeWaiter();
    if (!isOver()) {
      giveUp();
    }
  }
}
