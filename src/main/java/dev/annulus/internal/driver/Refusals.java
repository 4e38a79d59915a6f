package dev.annulus.internal.driver;

import java.io.IOException;
import java.nio.channels.AsynchronousCloseException;
import java.nio.channels.ClosedChannelException;
import java.util.concurrent.RejectedExecutionException;

/** Why a driver does not take a request. */
public final class Refusals {
  private Refusals() {}

  /** It is closed; told from a full one by the cause. */
  public static RejectedExecutionException closed() {
    return new RejectedExecutionException("the runtime is closed", new ClosedChannelException());
  }

  /** It is closed, and its thread, which had begun the operation, does not come back. */
  public static IOException givenUp() {
    return new IOException("the runtime was closed while its thread was held up", new AsynchronousCloseException());
  }

  /** It is closed, and the operation has not ended. */
  public static IOException abandoned() {
    return new IOException("the runtime was closed before the operation ended", new AsynchronousCloseException());
  }

  /** As many wait as may. */
  public static RejectedExecutionException full(int limit) {
    return new RejectedExecutionException(
        limit + " operations are queued already: raise maxQueued, submit less at once, or let submitters wait");
  }

  /** No thread could be started to run it, or the JVM had no memory for the task. */
  public static Throwable noThread(Throwable cause) {
    try {
      return new RejectedExecutionException("no helper thread could run the operation: " + cause.getMessage(), cause);
    } catch (VirtualMachineError e) {
      return cause;
    }
  }
}
