package dev.annulus.internal.driver;

import java.time.Duration;
import java.util.concurrent.TimeUnit;

/**
 * The time limits of one closing, counted from its beginning. All steps share them, so that closing
 * takes no longer than its timeout and {@link #GRACE}.
 */
public final class Closing {
  /** The longest that closing may take on top of the timeout. */
  public static final Duration GRACE = Duration.ofSeconds(1);

  /** How much of the grace is left for ending futures and freeing, at the very least. */
  private static final Duration LAST_PART = Duration.ofMillis(400);

  private final long cancelAt;
  private final long giveUpAt;
  private final long returnAt;

  private Closing(long now, Duration timeout) {
    cancelAt = now + timeout.toNanos();
    returnAt = cancelAt + GRACE.toNanos();
    giveUpAt = returnAt - LAST_PART.toNanos();
  }

  /** Begins now. */
  public static Closing begin(Duration timeout) {
    return new Closing(System.nanoTime(), timeout);
  }

  /** The time for operations to end by themselves; then they are cancelled. Not below 0. */
  public long nanosUntilCancel() {
    return until(cancelAt);
  }

  /** The time for cancelled operations to end; then they are given up. Not below 0. */
  public long nanosUntilGivingUp() {
    return until(giveUpAt);
  }

  /** The time until {@code close} must return. Not below 0. */
  public long nanosUntilReturn() {
    return until(returnAt);
  }

  private static long until(long moment) {
    return Math.max(0, moment - System.nanoTime());
  }

  @Override
  public String toString() {
    return TimeUnit.NANOSECONDS.toMillis(nanosUntilReturn()) + " ms until close returns";
  }
}
