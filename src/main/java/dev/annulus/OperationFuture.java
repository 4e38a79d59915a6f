package dev.annulus;

import dev.annulus.OperationEnd.Outcome;
import dev.annulus.OperationEnd.Route;
import dev.annulus.internal.driver.Errno;
import dev.annulus.internal.driver.Operation;
import dev.annulus.internal.driver.Persistence;
import dev.annulus.internal.driver.Repeats;
import dev.annulus.internal.driver.Request;
import dev.annulus.internal.driver.SelfWait;
import java.io.IOException;
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
 *
 * <p>An error of the JVM may cut an ending anywhere. What is done is marked in {@link #done}, so that {@link #completed}, {@link #refused} and
 * {@link #abandoned} go on from there when they are called again: what was borrowed is given back exactly once, and the future ends.
 */
abstract non-sealed class OperationFuture<T> extends AwaitedFuture<T> implements Request {
  /** The marks of a request that is with no driver: it runs on its caller's thread, and there once more. */
  private static final int RUNNING_HERE = -100;

  private static final int ONCE_MORE_HERE = -101;

  private static final int END_TRIES = 20;
  private static final int UNDO_TRIES = 3;

  /** Steps of the ending, in {@link #done}. */
  private static final int RELEASED = 1;

  private static final int LET_GO = 2;
  private static final int TAKEN = 4;
  private static final int DISCARDED = 8;
  private static final int HEARD = 16;
  private static final int HANDED_ON = 32;

  /** A short does: more than 32,768 operations are never in flight. Together with {@link #done} it takes the room of one int. */
  private short mark = NO_MARK;

  /** Of those that the ending consists of, the steps that are done. */
  private byte done;

  /** Whether {@link #letGo} has something to give back. A field, so that no call comes between the lease and the note of it. */
  boolean leased;

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

  /** The operation is over: gives back what was borrowed for its memory. May be called again, and does what was cut. */
  void release() {}

  /** The operation is over: gives back what was borrowed for it. Called once; nothing can fail behind what gives it back. */
  void letGo() {}

  /** What was borrowed is given back, and what waited for that may go on. May be called again. */
  void onOver() {}

  /** The operation will never be over: what was borrowed for it must not be used again. */
  void onAbandoned(Throwable cause) {}

  /** Completes with a value, unless the user has ended the future already; runs dependents. */
  final void succeed(@Nullable T value, int result) {
    Throwable cut = over(Outcome.COMPLETED, null);
    if (engine().hasCompletionExecutor()) {
      completeElsewhere(value, result);
    } else {
      finish(value, result);
    }
    throwIf(cut);
  }

  /** Completes exceptionally, unless the user has ended the future already; runs dependents. May be called again if it is cut. */
  final void fail(Throwable failure) {
    Throwable cut = over(Outcome.FAILED, failure);
    if (engine().hasCompletionExecutor()) {
      failElsewhere(failure);
    } else {
      finishExceptionally(failure);
    }
    throwIf(cut);
  }

  /** Who has the executor has it complete; if that cannot even be asked for, it is done here. */
  private void completeElsewhere(@Nullable T value, int result) {
    Runnable completion;
    try {
      completion = () -> Persistence.run(() -> finish(value, result));
    } catch (VirtualMachineError e) {
      finish(value, result);
      return;
    }
    engine().complete(completion);
    done = (byte) (done | HANDED_ON);
  }

  private void failElsewhere(Throwable failure) {
    Runnable completion;
    try {
      completion = () -> Persistence.run(() -> finishExceptionally(failure));
    } catch (VirtualMachineError e) {
      finishExceptionally(failure);
      return;
    }
    engine().complete(completion);
    done = (byte) (done | HANDED_ON);
  }

  private void finishExceptionally(Throwable failure) {
    boolean _ = super.completeExceptionally(failure);
    end();
  }

  private static void throwIf(@Nullable Throwable cut) {
    if (cut != null) {
      throw cut instanceof VirtualMachineError error ? error : Follower.CUT;
    }
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
    done = (byte) (done & ~TAKEN);
    if (mark == RUNNING_HERE) {
      mark = ONCE_MORE_HERE;
      return;
    }
    try {
      submitAgain();
    } catch (Throwable e) {
      // Nothing was submitted. Should this result come once more, it is not to be taken for that of the next operation.
      done = (byte) (done | TAKEN);
      throw e;
    }
  }

  /** What was taken was not the result: {@link #deliver} follows with another. */
  final void expectAnother() {
    done = (byte) (done & ~TAKEN);
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
      boolean once = mayBeKeptBack(operation); // then what comes after it is the driver's
      if (!tryBeginHere(operation)) {
        mark = NO_MARK;
        submitAgain();
        return;
      }
      mark = (short) (once ? NO_MARK : RUNNING_HERE);
      try {
        completeHere(operation);
      } finally {
        boolean ended = false;
        for (int tries = 0; !ended && tries < END_TRIES; tries++) {
          try {
            endHere(operation);
            ended = true;
          } catch (VirtualMachineError e) {
            // Again: others wait for it.
          }
        }
      }
      if (once) {
        return;
      }
    } while (mark == ONCE_MORE_HERE);
    mark = NO_MARK;
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
      discard(result);
      end();
    }
  }

  private void discard(int result) {
    if (!has(DISCARDED)) {
      onUnwanted(result);
      done = (byte) (done | DISCARDED);
    }
  }

  /**
   * Gives back what was borrowed. Does what can be done, whatever errors of the JVM there are.
   *
   * @return the last such error, after which it is to be called again
   */
  private @Nullable Throwable over(Outcome outcome, @Nullable Throwable failure) {
    Throwable cut = null;
    try {
      endObservation(outcome, failure);
    } catch (VirtualMachineError e) {
      // Those who watch are not told.
    }
    try {
      if (!has(RELEASED)) {
        release();
        done = (byte) (done | RELEASED);
      }
    } catch (Throwable e) {
      cut = e;
    }
    try {
      if (leased && !has(LET_GO)) {
        letGo();
        done = (byte) (done | LET_GO);
      }
      onOver();
    } catch (Throwable e) {
      cut = e;
    }
    return cut;
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

  /**
   * The operation has not begun, or its end was cut, and nobody will get the future: gives back what was borrowed. By the shortest way, since
   * there may be hardly any stack left; the way by which it was borrowed is no shorter.
   */
  final void undo() {
    for (int tries = 0; tries < UNDO_TRIES && leased && !has(LET_GO); tries++) {
      try {
        letGo();
        done = (byte) (done | LET_GO);
      } catch (VirtualMachineError e) {
        // Again.
      }
    }
    for (int tries = 0; tries < UNDO_TRIES; tries++) {
      if (over(Outcome.REFUSED, null) == null) {
        return;
      }
    }
  }

  /** Whether {@link #undo} has nothing left to do. */
  final boolean isUndone() {
    return has(RELEASED) && (!leased || has(LET_GO));
  }

  private boolean has(int step) {
    return (done & step) != 0;
  }

  /** Whether it was {@linkplain #undo undone}, or is over. */
  final boolean hasLetGo() {
    return has(LET_GO);
  }

  // ---- the driver's side ----

  @Override
  public final int mark() {
    return mark;
  }

  @Override
  public final void mark(int newMark) {
    mark = (short) newMark;
  }

  @Override
  public final boolean isGivenUp() {
    return isDone();
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
    if (isOver() || has(HANDED_ON)) {
      settle();
    } else if (isDone()) {
      endUnheard(-Errno.ECANCELED);
    } else {
      try {
        onNeverBegun();
      } catch (Throwable e) {
        failAfter(e, -Errno.ECANCELED);
      }
    }
  }

  private void endUnheard(int result) {
    Throwable cut = over(Outcome.CANCELLED, null);
    discard(result);
    runDependents();
    if (engine().hasCompletionExecutor()) {
      engine().complete(this::end);
    } else {
      end();
    }
    throwIf(cut);
  }

  /** The operation has ended, and its result may be told. To be called again if it is cut. */
  final void deliver(int result) {
    if (isOver() || has(HANDED_ON)) {
      settle();
      return;
    }
    if (isDone()) {
      if (result < 0 && !has(HEARD)) {
        onUnheard(-result); // a loss must be known before a sync that waits for this is begun
        done = (byte) (done | HEARD);
      }
      endUnheard(result);
      return;
    }
    if (has(TAKEN) && result >= 0) {
      // What became of the result is not known any more: its delivery was cut.
      discard(result);
      fail(Untold.FAILURE);
      return;
    }
    try {
      done = (byte) (done | TAKEN);
      onResult(result);
    } catch (Throwable e) {
      // The user's buffer was tampered with during the operation, say, or a class could not be loaded: the future ends all the same.
      boolean noted = result >= 0;
      for (int tries = 0; !noted && tries < END_TRIES; tries++) {
        try {
          onUntold(-result); // before others are told of their successes
          noted = true;
        } catch (VirtualMachineError again) {
          // Again.
        }
      }
      failAfter(e, result);
    }
  }

  /** The operation has failed, and that could not be dealt with: notes what must not be forgotten, without needing any memory. */
  void onUntold(int errno) {}

  private void failAfter(Throwable e, int result) {
    if (!isDone()) {
      discard(result);
      fail(e);
    } else {
      throwIf(e);
    }
  }

  /** Everybody has been told; something that was to be given back may have been cut. */
  private void settle() {
    runDependents();
    throwIf(over(Outcome.COMPLETED, null));
  }

  @Override
  public final void refused(Throwable cause) {
    Throwable failure = ofOwn(cause);
    try {
      endObservation(Outcome.REFUSED, failure);
    } catch (VirtualMachineError e) {
      // Those who watch are not told.
    }
    runDependents();
    fail(failure);
  }

  private static Throwable ofOwn(Throwable cause) {
    try {
      return Errors.ofOwn(cause);
    } catch (VirtualMachineError e) {
      return cause;
    }
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
    try {
      endObservation(Outcome.ABANDONED, cause);
    } catch (VirtualMachineError e) {
      // Those who watch are not told.
    }
    onAbandoned(cause);
    if (engine().hasCompletionExecutor()) {
      engine().complete(() -> Persistence.run(() -> endAbandoned(cause)));
    } else {
      endAbandoned(cause);
    }
  }

  private void endAbandoned(Throwable cause) {
    runDependents();
    boolean _ = super.completeExceptionally(cause);
    endNever(cause);
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

  // Each looks at the future in the end, not at the answer: an error of the JVM may come behind what ends it.

  /** As the JDK's, with a message. */
  @Override
  public final boolean cancel(boolean mayInterruptIfRunning) {
    try {
      return (!isDone() && super.completeExceptionally(FutureTexts.cancelled(this))) || isCancelled();
    } finally {
      endedEarly();
    }
  }

  @Override
  public final boolean complete(T value) {
    try {
      return super.complete(value);
    } finally {
      endedEarly();
    }
  }

  @Override
  public final boolean completeExceptionally(Throwable failure) {
    try {
      return super.completeExceptionally(FutureTexts.named(failure, this));
    } finally {
      endedEarly();
    }
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
    try {
      super.obtrudeValue(value);
    } finally {
      endedEarly();
    }
  }

  @Override
  public final void obtrudeException(Throwable failure) {
    try {
      super.obtrudeException(failure);
    } finally {
      endedEarly();
    }
  }

  /** Tells who waits, and asks the driver to end the operation, unless it is over. Asking twice, or too late, does no harm. */
  private void endedEarly() {
    if (!isDone() || isOver()) {
      return;
    }
    try {
      wakeWaiter();
    } finally {
      if (!hasLetGo()) {
        giveUp();
      }
    }
  }

  /** What a future ends with whose operation has ended, but whose result was lost. Made beforehand. */
  static final class Untold extends IOException {
    private static final long serialVersionUID = 1L;

    @SuppressWarnings("StaticAssignmentOfThrowable") // there is no memory to make one when it is needed
    static final Untold FAILURE = new Untold();

    private Untold() {
      super("the operation has ended, but its result is not known: memory or stack was wanting when it was to be told");
    }

    @Override
    public synchronized Throwable fillInStackTrace() {
      return this;
    }
  }
}
