package dev.annulus.internal.driver;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

class ClosingTest {
  @Test
  void limits_ofOneClosing_comeOneAfterTheOtherWithinTheGrace() {
    long timeout = TimeUnit.SECONDS.toNanos(100);
    Closing closing = Closing.begin(Duration.ofSeconds(100));
    List<Long> limits =
        List.of(
            closing.nanosUntilCancel(),
            closing.nanosUntilAbandoning(),
            closing.nanosUntilGivingUp(),
            closing.nanosUntilDriverEnded(),
            closing.nanosUntilFilesClosed(),
            closing.nanosUntilReturn());
    for (int i = 1; i < limits.size(); i++) {
      assertTrue(limits.get(i) > limits.get(i - 1), limits.toString());
    }
    assertTrue(limits.getFirst() <= timeout && limits.getFirst() > timeout - TimeUnit.SECONDS.toNanos(20), limits.toString());
    assertTrue(limits.getLast() <= timeout + Closing.GRACE.toNanos(), limits.toString());
    assertTrue(limits.getLast() > timeout, limits.toString());
    assertTrue(closing.toString().endsWith(" ms until close returns"), closing.toString());
  }

  @Test
  void limits_thatHavePassed_areZero() {
    Closing closing = Closing.begin(Duration.ofSeconds(100).negated());
    assertEquals(0, closing.nanosUntilCancel());
    assertEquals(0, closing.nanosUntilReturn());
  }
}
