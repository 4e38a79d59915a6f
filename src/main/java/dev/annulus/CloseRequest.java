package dev.annulus;

import dev.annulus.internal.driver.Operation;
import dev.annulus.internal.driver.Request;
import dev.annulus.internal.driver.RequestLink;
import dev.annulus.internal.driver.StackRoom;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import java.util.function.IntConsumer;

/**
 * Closes a descriptor, whatever becomes of the driver: one that has ended already is asked to do it
 * here and now.
 *
 * <p>The lock of a file goes first, by a call of its own. Closing gives it back only with the last
 * reference to the open file, and a child process holds one from its fork to its exec.
 */
final class CloseRequest implements Request {
  private final Engine engine;
  private final Operation closing;
  private final BooleanSupplier mayBeLocked;
  private final IntConsumer whenClosed;
  private final Consumer<Throwable> whenGivenUp;
  private Operation operation;
  private int mark = NO_MARK;
  private final RequestLink link = new RequestLink(this);

  /** Made beforehand, should there be a lock. */
  private final Operation unlock;

  /** Whether it was closed here, or tried: at most once, since the number may be another file's by the second time. */
  private boolean closedHere;

  private int resultHere;

  /**
   * @param mayBeLocked asked when closing begins: whether there may be a lock to give back
   * @param whenClosed takes the result, which may be a negated errno; the descriptor is gone in any case
   * @param whenGivenUp is told why the descriptor stays open, perhaps for ever
   */
  CloseRequest(
      Engine engine,
      int descriptor,
      BooleanSupplier mayBeLocked,
      IntConsumer whenClosed,
      Consumer<Throwable> whenGivenUp) {
    this.engine = engine;
    this.closing = new Operation.Close(descriptor);
    this.operation = closing;
    this.unlock = new Operation.Unlock(descriptor);
    this.mayBeLocked = mayBeLocked;
    this.whenClosed = whenClosed;
    this.whenGivenUp = whenGivenUp;
  }

  /** Has the driver close, unless it was closed here and nobody could be told. */
  void submit() {
    if (closedHere) {
      whenClosed.accept(resultHere);
      return;
    }
    if (mayBeLocked.getAsBoolean()) {
      operation = unlock;
    }
    engine.driver().submitPastLimits(this);
  }

  /** Closes on the calling thread. If it throws, {@link #submit} is to do the rest. */
  void runHere() {
    if (!closedHere) {
      if (mayBeLocked.getAsBoolean()) {
        int _ = engine.driver().call(unlock);
      }
      closeHere();
    }
    whenClosed.accept(resultHere);
  }

  private void closeHere() {
    StackRoom.check();
    resultHere = engine.driver().call(closing); // if it throws, nothing was done
    closedHere = true;
  }

  /** The close itself. */
  Operation closing() {
    return closing;
  }

  /** What runs now: the close, or before it the giving back of the lock. */
  @Override
  public Operation operation() {
    return operation;
  }

  /** Whether the lock could be given back or not, the descriptor goes. */
  @Override
  public void completed(int result) {
    if (operation instanceof Operation.Unlock) {
      operation = closing;
      try {
        engine.driver().submitPastLimits(this);
      } catch (Throwable e) {
        operation = unlock; // it is told once more
        throw e;
      }
    } else {
      whenClosed.accept(result);
    }
  }

  @Override
  public void refused(Throwable cause) {
    if (operation instanceof Operation.Unlock) {
      int _ = engine.driver().call(operation);
      operation = closing;
    }
    if (!closedHere) {
      closeHere();
    }
    whenClosed.accept(resultHere);
  }

  /**
   * The kernel has the request and will carry it out, though nobody will hear of it. A lock that is
   * never given back keeps its descriptor.
   */
  @Override
  public void abandoned(Throwable cause) {
    whenClosed.accept(0);
  }

  @Override
  public void givenUp(Throwable cause) {
    whenGivenUp.accept(cause);
  }

  /** Made beforehand: closing must not fail for want of memory. */
  @Override
  public RequestLink link() {
    return link;
  }

  @Override
  public int mark() {
    return mark;
  }

  @Override
  public void mark(int newMark) {
    mark = newMark;
  }
}
