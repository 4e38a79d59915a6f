package dev.annulus.internal.abi;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class CoarseClockTest {
  /** The slowest kernels tick 100 times in a second; a tick may come late. Users want to know about seconds. */
  private static final long BEHIND = TimeUnit.MILLISECONDS.toNanos(500);

  private static final long SOME_TICKS = TimeUnit.MILLISECONDS.toNanos(40);

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
    while (last - first < SOME_TICKS) {
      long now = clock.nanos();
      assertTrue(now - last >= 0, "ran back");
      last = now;
    }
  }
}
