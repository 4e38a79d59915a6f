package dev.annulus.internal.runtime;

import dev.annulus.internal.driver.Operation;
import dev.annulus.internal.driver.Request;

/** A request that counts how often it was ended, and keeps the last result. Small: the tests make millions. */
class CountedRequest implements Request {
  private static final Operation NOP = new Operation.Nop();

  /** Written by whoever ends it, read by the arbiter. */
  int completions;

  int refusals;
  int result;
  private int mark = NO_MARK;

  @Override
  public Operation operation() {
    return NOP;
  }

  @Override
  public synchronized void completed(int outcome) {
    completions++;
    result = outcome;
  }

  @Override
  public synchronized void refused(Throwable cause) {
    refusals++;
  }

  @Override
  public void abandoned(Throwable cause) {
    throw new IllegalStateException("nothing is abandoned here", cause);
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
