package dev.annulus.internal.portable;

import dev.annulus.internal.driver.Errno;
import dev.annulus.internal.driver.Operation;
import dev.annulus.internal.driver.Request;
import java.util.concurrent.CompletableFuture;

/**
 * A request whose submitter waits for it, on a thread of its own, without regard to interrupts. The memory is the submitter's
 * stack's business as long as it waits, so it is never told that the operation was given up: it waits for the true end.
 */
final class Call implements Request {
  private final Operation operation;
  private final CompletableFuture<Integer> result = new CompletableFuture<>();
  private int mark = NO_MARK;

  Call(Operation operation) {
    this.operation = operation;
  }

  /** A value or a negated errno; {@code -ECANCELED} if the driver has been closed. */
  int await() {
    return result.join();
  }

  @Override
  public Operation operation() {
    return operation;
  }

  @Override
  public void completed(int outcome) {
    boolean _ = result.complete(outcome);
  }

  @Override
  public void refused(Throwable cause) {
    boolean _ = result.complete(-Errno.ECANCELED);
  }

  @Override
  public void abandoned(Throwable cause) {
    throw new IllegalStateException("a call is waited for to its end", cause);
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
