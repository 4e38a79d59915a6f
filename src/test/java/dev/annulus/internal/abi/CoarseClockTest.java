package dev.annulus.internal.abi;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class CoarseClockTest {
  /** A tick of the slowest kernels, 100 in a second, and one that came late. */
  private static final long BEHIND = TimeUnit.MILLISECONDS.toNanos(20);

  private final CoarseClock clock = new CoarseClock();

  @Test
  void nanos_besideTheFineClock_areHardlyBehindAndNeverAhead() {
    for (int i = 0; i < 1000; i++) {
      long before = System.nanoTime();
      long shown = clock.nanos();
      long after = System.nanoTime();
      assertTrue(shown - after <= 0, () -> shown + " is ahead of " + after);
      assertTrue(before - shown < BEHIND, () -> shown + " is behind " + before);
    }
  }

  @Test
  void nanos_asTimePasses_goOnAndNeverBack() {
    long first = clock.nanos();
    long last = first;
    while (last - first < 2 * BEHIND) {
      long now = clock.nanos();
      assertTrue(now - last >= 0, "ran back");
      last = now;
    }
  }
}
