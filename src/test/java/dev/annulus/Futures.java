package dev.annulus;

import static java.util.concurrent.TimeUnit.SECONDS;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeoutException;

/** Waits for futures, but never for ever. */
final class Futures {
  static final int PATIENCE_SECONDS = 20;

  private Futures() {}

  /** The value; fails with what the future failed with. */
  static <T> T get(CompletableFuture<T> future) throws Exception {
    try {
      return future.get(PATIENCE_SECONDS, SECONDS);
    } catch (ExecutionException e) {
      throw e.getCause() instanceof Exception cause ? cause : e;
    } catch (TimeoutException e) {
      throw new AssertionError("not complete after " + PATIENCE_SECONDS + " s: " + future, e);
    }
  }

  /** What the future fails with, without the wrappers dependents put around it. */
  static Throwable failure(CompletableFuture<?> future) throws Exception {
    Throwable failure = get(future.handle((_, thrown) -> thrown == null ? new NoFailure() : thrown));
    if (failure instanceof NoFailure) {
      throw new AssertionError("completed without failing: " + future);
    }
    return failure instanceof CompletionException && failure.getCause() != null ? failure.getCause() : failure;
  }

  /** What the future fails with, which must be of a type. */
  static <X extends Throwable> X failure(Class<X> type, CompletableFuture<?> future) throws Exception {
    return assertInstanceOf(type, failure(future));
  }

  /** Waits until the future has completed, however. */
  static void settled(CompletableFuture<?> future) throws Exception {
    boolean ignored = get(future.handle((_, _) -> true));
  }

  /** The error number at the bottom of a failure. */
  static ErrnoException errnoOf(Throwable failure) {
    for (Throwable t = failure; t != null; t = t.getCause()) {
      if (t instanceof ErrnoException errno) {
        return errno;
      }
    }
    throw new AssertionError("no ErrnoException in the chain", failure);
  }

  /** That the messages of a failure and its causes name each of these. */
  static void assertNames(Throwable failure, Object... parts) {
    StringBuilder said = new StringBuilder();
    for (Throwable t = failure; t != null; t = t.getCause()) {
      said.append(t).append('\n');
    }
    for (Object part : parts) {
      assertTrue(said.indexOf(part.toString()) >= 0, () -> "'" + part + "' is not named in: " + said);
    }
  }

  private static final class NoFailure extends Exception {
    private static final long serialVersionUID = 1L;
  }
}
