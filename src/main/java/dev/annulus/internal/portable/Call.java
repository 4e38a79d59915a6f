package dev.annulus.internal.portable;

import dev.annulus.internal.driver.Operation;
import dev.annulus.internal.driver.Request;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * A request whose submitter waits for it, on a thread of its own, without regard to interrupts. The
 * memory is the submitter's stack's business as long as it waits, so it is never told that the
 * operation was given up: it waits for the true end. To be made by the thread that will wait; it
 * needs no memory for that.
 */
final class Call implements Request {
  private final Operation operation;
  private final Thread waiter = Thread.currentThread();
  private int mark = NO_MARK;
  private int result;
  private @Nullable Throwable refusal;

  /** Written last. */
  private volatile boolean over;

  Call(Operation operation) {
    this.operation = operation;
  }

  /** Waits for the end. What is thrown at it on the way, it outlasts: its memory is in use. */
  void await() {
    boolean interrupted = false;
    Throwable outlasted = null;
    while (!over) {
      try {
        LockSupport.park(this);
        interrupted |= Thread.interrupted();
      } catch (VirtualMachineError e) {
        outlasted = e;
      }
    }
    if (interrupted) {
      waiter.interrupt();
    }
    if (outlasted != null) {
      Log.warning("a thread waited on after an error", waiter, outlasted);
    }
  }

  boolean isOver() {
    return over;
  }

  /**
   * The result, once it is over.
   *
   * @return a value or a negated errno; {@code -ECANCELED} if the driver has been closed
   * @throws RejectedExecutionException if there was no thread for it
   */
  int result() {
    Throwable cause = refusal;
    if (cause instanceof RuntimeException e) {
      throw e;
    }
    if (cause instanceof Error e) {
      throw e;
    }
    if (cause != null) {
      throw new RejectedExecutionException(cause);
    }
    return result;
  }

  @Override
  public Operation operation() {
    return operation;
  }

  @Override
  public void completed(int outcome) {
    result = outcome;
    end();
  }

  @Override
  public void refused(Throwable cause) {
    refusal = cause;
    end();
  }

  @Override
  public void abandoned(Throwable cause) {
    throw new IllegalStateException("a call is waited for to its end", cause);
  }

  private void end() {
    over = true;
    LockSupport.unpark(waiter);
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
