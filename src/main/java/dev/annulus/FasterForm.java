package dev.annulus;

import dev.annulus.internal.driver.BriefLock;
import java.util.Arrays;

/**
 * Finds out which of two ways to do something is faster: tries each a few times, in an order that favours neither, keeps to the one with the
 * smaller median, and tries again after a while. The second way must be faster by more than chance would make it.
 */
final class FasterForm {
  static final int TRIALS_OF_EACH = 8;
  static final int USES_BETWEEN_TRIALS = 4096;

  /** What the second way's median must be below, in parts of the first's. */
  private static final double CLEARLY_LESS = 0.95;

  /** Guards everything below; the reaper takes it too. */
  private final BriefLock lock = new BriefLock();

  private final long[] firstNanos = new long[TRIALS_OF_EACH];
  private final long[] secondNanos = new long[TRIALS_OF_EACH];
  private int firsts;
  private int seconds;
  private int asked;
  private int usesLeft;
  private boolean second;

  /** Whether the second way is to be used now. */
  boolean next() {
    lock.lock();
    try {
      if (usesLeft > 0) {
        usesLeft--;
        return second;
      }
      // The Thue-Morse sequence: no period of the caller's own falls in with it.
      return (Integer.bitCount(asked++) & 1) == 1;
    } finally {
      lock.held = false;
    }
  }

  /** How long one way took. Those that failed are not told, and are asked for again. */
  void took(boolean bySecond, long nanos) {
    lock.lock();
    try {
      note(bySecond, nanos);
    } finally {
      lock.held = false;
    }
  }

  private void note(boolean bySecond, long nanos) {
    if (usesLeft > 0) {
      return;
    }
    if (bySecond && seconds < TRIALS_OF_EACH) {
      secondNanos[seconds++] = nanos;
    } else if (!bySecond && firsts < TRIALS_OF_EACH) {
      firstNanos[firsts++] = nanos;
    }
    if (firsts == TRIALS_OF_EACH && seconds == TRIALS_OF_EACH) {
      second = median(secondNanos) < CLEARLY_LESS * median(firstNanos);
      usesLeft = USES_BETWEEN_TRIALS;
      firsts = 0;
      seconds = 0;
    }
  }

  private static long median(long[] nanos) {
    Arrays.sort(nanos);
    return nanos[nanos.length / 2];
  }
}
