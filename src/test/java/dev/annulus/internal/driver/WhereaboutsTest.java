package dev.annulus.internal.driver;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.annulus.testing.CapturedLog;
import java.time.Duration;
import java.util.HashSet;
import java.util.Set;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Where a driver's thread is, as others see it. */
@Timeout(30)
class WhereaboutsTest {
  @Test
  void sequence_throughAllPlaces_tellsWhereAndNeverTheSameTwice() {
    Whereabouts where = new Whereabouts(null);
    assertNull(where.thread());
    where.begin();
    assertSame(Thread.currentThread(), where.thread());
    Set<Long> away = new HashSet<>();
    for (int i = 0; i < 3; i++) {
      assertFalse(Whereabouts.isAway(where.sequence()));

      where.intoUsersCode();
      assertTrue(Whereabouts.isAway(where.sequence()));
      assertTrue(Whereabouts.isInUsersCode(where.sequence()));
      assertTrue(away.add(where.sequence()), "the same as at an earlier time");
      long before = where.sequence();
      assertTrue(where.isStill(before));
      where.back();
      assertFalse(where.isStill(before));

      where.intoKernel();
      assertTrue(Whereabouts.isAway(where.sequence()));
      assertFalse(Whereabouts.isInUsersCode(where.sequence()));
      assertTrue(away.add(where.sequence()), "the same as at an earlier time");
      where.back();
    }
  }

  @Test
  void stackTaken_ofEarlierUsersCode_isNoneOfNow() {
    Whereabouts where = new Whereabouts(null);
    assertEquals("", where.stackTaken());
    where.intoUsersCode();
    where.taken = new StallWatch.Taken(where.sequence(), "the stack");
    assertEquals("the stack", where.stackTaken());
    where.back();
    where.intoUsersCode();
    assertEquals("", where.stackTaken());
  }

  @Test
  void watch_usersCodeThatStays_isLoggedOnceWithItsStack() {
    StallWatch watch = StallWatch.of(Duration.ofMillis(20), "and the test waits");
    Whereabouts where = new Whereabouts(watch);
    where.begin();
    try (CapturedLog log = new CapturedLog()) {
      where.intoUsersCode();
      Awaitility.await()
          .atMost(Duration.ofSeconds(20))
          .pollInSameThread()
          .pollInterval(Duration.ofMillis(2))
          .until(() -> !where.stackTaken().isEmpty() && !log.messages().isEmpty());
      assertTrue(where.stackTaken().contains("WhereaboutsTest"), where.stackTaken());
      assertEquals(1, log.messagesWith("a dependent has held the thread", "and the test waits", "WhereaboutsTest").size(), log.messages().toString());
      long first = where.sequence();
      where.back();
      Awaitility.await().atMost(Duration.ofSeconds(20)).until(() -> !where.watched);
      assertEquals(1, log.messages().size());

      where.intoUsersCode();
      assertNotEquals(first, where.sequence());
      Awaitility.await()
          .atMost(Duration.ofSeconds(20))
          .pollInSameThread()
          .pollInterval(Duration.ofMillis(2))
          .until(() -> log.messages().size() == 2);
      where.back();
    }
  }

  @Test
  void watch_ofNoThreshold_isNone() {
    assertNull(StallWatch.of(Duration.ZERO, ""));
  }
}
