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

  // Moments within the grace, each with time for what follows.
  private static final long ABANDON_AFTER = TimeUnit.MILLISECONDS.toNanos(300);
  private static final long GIVE_UP_AFTER = TimeUnit.MILLISECONDS.toNanos(500);
  private static final long DRIVER_ENDED_AFTER = TimeUnit.MILLISECONDS.toNanos(850);
  private static final long FILES_CLOSED_AFTER = TimeUnit.MILLISECONDS.toNanos(950);

  private final long cancelAt;

  private Closing(long cancelAt) {
    this.cancelAt = cancelAt;
  }

  /** Begins now. */
  public static Closing begin(Duration timeout) {
    return new Closing(System.nanoTime() + timeout.toNanos());
  }

  /** The time for operations to end by themselves; then they are cancelled. Not below 0. */
  public long nanosUntilCancel() {
    return until(cancelAt);
  }

  /** The time for cancelled operations to end; then the driver's own threads abandon them. */
  public long nanosUntilAbandoning() {
    return until(cancelAt + ABANDON_AFTER);
  }

  /** The time for the driver's threads to end; then the closing thread goes on without them. */
  public long nanosUntilGivingUp() {
    return until(cancelAt + GIVE_UP_AFTER);
  }

  /** The time for the driver to close in; then the files are closed. */
  public long nanosUntilDriverEnded() {
    return until(cancelAt + DRIVER_ENDED_AFTER);
  }

  /** The time for the files to close in; then those who wait for that are told that it is open. */
  public long nanosUntilFilesClosed() {
    return until(cancelAt + FILES_CLOSED_AFTER);
  }

  /** The time until {@code close} must return. Not below 0. */
  public long nanosUntilReturn() {
    return until(cancelAt + GRACE.toNanos());
  }

  private static long until(long moment) {
    return Math.max(0, moment - System.nanoTime());
  }

  @Override
  public String toString() {
    return TimeUnit.NANOSECONDS.toMillis(nanosUntilReturn()) + " ms until close returns";
  }
}
