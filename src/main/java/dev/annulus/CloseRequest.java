package dev.annulus;

import dev.annulus.internal.driver.Operation;
import dev.annulus.internal.driver.Request;
import java.util.function.IntConsumer;

/** Closes a descriptor, whatever becomes of the driver: one that has ended already is asked to do it here and now. */
final class CloseRequest implements Request {
  private final Engine engine;
  private final Operation operation;
  private final IntConsumer whenClosed;
  private int mark = NO_MARK;

  /**
   * @param whenClosed takes the result, which may be a negated errno; the descriptor is gone in any case
   */
  CloseRequest(Engine engine, int descriptor, IntConsumer whenClosed) {
    this.engine = engine;
    this.operation = new Operation.Close(descriptor);
    this.whenClosed = whenClosed;
  }

  @Override
  public Operation operation() {
    return operation;
  }

  @Override
  public void completed(int result) {
    whenClosed.accept(result);
  }

  @Override
  public void refused(Throwable cause) {
    whenClosed.accept(engine.driver().call(operation));
  }

  /** The kernel has the request and will carry it out, though nobody will hear of it. */
  @Override
  public void abandoned(Throwable cause) {
    whenClosed.accept(0);
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
