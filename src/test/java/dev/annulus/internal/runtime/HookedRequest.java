package dev.annulus.internal.runtime;

import dev.annulus.internal.driver.Operation;
import dev.annulus.internal.driver.Request;

/** A request that does something each time the driver looks at it: a way into the middle of the reaper's round. */
record HookedRequest(Request request, Runnable onLook) implements Request {
  @Override
  public Operation operation() {
    onLook.run();
    return request.operation();
  }

  @Override
  public void completed(int result) {
    request.completed(result);
  }

  @Override
  public void refused(Throwable cause) {
    request.refused(cause);
  }

  @Override
  public void abandoned(Throwable cause) {
    request.abandoned(cause);
  }

  @Override
  public int mark() {
    onLook.run();
    return request.mark();
  }

  @Override
  public void mark(int mark) {
    request.mark(mark);
  }
}
