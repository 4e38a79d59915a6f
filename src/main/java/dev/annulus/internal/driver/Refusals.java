package dev.annulus.internal.driver;

import java.nio.channels.ClosedChannelException;
import java.util.concurrent.RejectedExecutionException;

/** Why a driver does not take a request. */
public final class Refusals {
  private Refusals() {}

  /** It is closed; told from a full one by the cause. */
  public static RejectedExecutionException closed() {
    return new RejectedExecutionException("the runtime is closed", new ClosedChannelException());
  }

  /** As many wait as may. */
  public static RejectedExecutionException full(int limit) {
    return new RejectedExecutionException(
        limit + " operations are queued already: raise maxQueued, submit less at once, or let submitters wait");
  }
}
