package dev.annulus;

import java.util.concurrent.CancellationException;
import java.util.concurrent.TimeoutException;

/** What is said of the future of an operation: in messages, thread dumps and debuggers. */
final class FutureTexts {
  /** Whose first frame is this, the JDK has made: {@link java.util.concurrent.CompletableFuture#orTimeout}. */
  private static final String JDKS_TIMEOUT = "java.util.concurrent.CompletableFuture$Timeout";

  private FutureTexts() {}

  /** The operation, the path, and where in the file. */
  static String what(OperationFuture<?> future) {
    return Errors.what(future.operation(), future.path());
  }

  /** The operation and what has become of it. Never throws: whoever debugs may ask at any moment. */
  static String describe(OperationFuture<?> future) {
    try {
      return future.what() + "[" + state(future) + "]";
    } catch (RuntimeException e) {
      return future.getClass().getSimpleName();
    }
  }

  private static String state(OperationFuture<?> future) {
    return switch (future.state()) {
      case RUNNING -> "not ended";
      case SUCCESS -> "ended well";
      case CANCELLED -> "cancelled" + operation(future);
      case FAILED -> "failed: " + future.exceptionNow() + operation(future);
    };
  }

  /** A future may end before its operation. */
  private static String operation(OperationFuture<?> future) {
    return future.isOver() ? "" : ", its operation has not ended";
  }

  static CancellationException cancelled(OperationFuture<?> future) {
    return new CancellationException(future.what() + " was cancelled; see released() for the end of the operation");
  }

  /** A failure that somebody ends a future with; with a message in place of the JDK's own for a timeout. */
  static Throwable named(Throwable failure, OperationFuture<?> future) {
    if (!(failure instanceof TimeoutException) || failure.getMessage() != null || !isJdks(failure)) {
      return failure;
    }
    return new TimeoutException(
        future.what() + " has timed out and is cancelled; see released() for the end of the operation");
  }

  private static boolean isJdks(Throwable failure) {
    StackTraceElement[] stack = failure.getStackTrace();
    return stack.length > 0 && stack[0].getClassName().equals(JDKS_TIMEOUT);
  }
}
