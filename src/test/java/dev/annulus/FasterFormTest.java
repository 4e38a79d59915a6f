package dev.annulus;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Random;
import org.junit.jupiter.api.Test;

class FasterFormTest {
  /** Runs trials with given times, and the noise of one in ten taking much longer. */
  private static void measure(FasterForm form, long firstNanos, long secondNanos, Random noise) {
    for (int i = 0; i < 1000; i++) {
      boolean second = form.next();
      long nanos = second ? secondNanos : firstNanos;
      form.took(second, noise.nextInt(10) == 0 ? 50 * nanos : nanos + noise.nextInt(100));
    }
  }

  @Test
  void next_whenTheSecondIsClearlyFaster_isTheSecond() {
    FasterForm form = new FasterForm();
    measure(form, 150_000, 100_000, new Random(1));
    for (int i = 0; i < 100; i++) {
      assertTrue(form.next());
    }
  }

  @Test
  void next_whenTheSecondIsHardlyFasterOrSlower_isTheFirst() {
    for (long second : new long[] {149_000, 150_000, 300_000}) {
      FasterForm form = new FasterForm();
      measure(form, 150_000, second, new Random(2));
      for (int i = 0; i < 100; i++) {
        assertFalse(form.next(), "second takes " + second);
      }
    }
  }

  @Test
  void next_duringTrials_asksForBothAndDoesNotEndForWantOfAnswers() {
    FasterForm form = new FasterForm();
    int seconds = 0;
    for (int i = 0; i < 1000; i++) {
      seconds += form.next() ? 1 : 0; // all fail: none is told
    }
    assertEquals(500, seconds);
  }

  @Test
  void next_afterManyUses_triesAgainAndFollowsTheChange() {
    FasterForm form = new FasterForm();
    measure(form, 100, 50_000, new Random(3));
    assertFalse(form.next());
    for (int i = 0; i < 2 * FasterForm.USES_BETWEEN_TRIALS; i++) {
      boolean second = form.next();
      form.took(second, second ? 100 : 50_000);
    }
    assertTrue(form.next());
  }

  /** The order has no period that a caller's own could fall in with. */
  @Test
  void next_duringTrials_followsTheThueMorseSequence() {
    FasterForm form = new FasterForm();
    StringBuilder order = new StringBuilder();
    for (int i = 0; i < 2 * FasterForm.TRIALS_OF_EACH; i++) {
      boolean second = form.next();
      order.append(second ? 1 : 0);
      form.took(second, second ? 100 : 1000);
    }
    assertEquals("0110100110010110", order.toString());
    for (int i = 0; i < FasterForm.USES_BETWEEN_TRIALS; i++) {
      assertTrue(form.next());
      form.took(true, 1_000_000); // no trial
    }
    assertTrue(form.next());
    assertFalse(form.next(), "the next trials begin where the last ended");
  }

  /** A few that took much longer, in whatever order, do not count. */
  @Test
  void trials_areJudgedByTheirMedians() {
    FasterForm form = new FasterForm();
    long[] firsts = {10, 10, 10, 1000, 1000, 10, 10, 10};
    int first = 0;
    for (int i = 0; i < 2 * FasterForm.TRIALS_OF_EACH; i++) {
      boolean second = form.next();
      form.took(second, second ? 50 : firsts[first++]);
    }
    assertFalse(form.next());
  }

  /** All but the time of the last trial of the second way are told. */
  private static FasterForm oneBeforeTheEnd(long firstNanos, long secondNanos) {
    FasterForm form = new FasterForm();
    for (int i = 0; i < FasterForm.TRIALS_OF_EACH; i++) {
      form.took(false, firstNanos);
      if (i > 0) {
        form.took(true, secondNanos);
      }
    }
    return form;
  }

  @Test
  void trials_ofWhichTheSecondIsJustNotClearlyFaster_choosesTheFirst() {
    for (long second : new long[] {94, 95, 96}) {
      FasterForm form = oneBeforeTheEnd(100, second);
      form.took(true, second);
      assertEquals(second < 95, form.next(), "95 of 100 is the limit, and it was " + second);
      assertEquals(second < 95, form.next());
    }
  }

  // ---- several threads at once ----

  @Test
  void next_isAskedForByOneThreadAtATime() throws Exception {
    FasterForm form = new FasterForm();
    assertFalse(Meanwhile.assertWaitsFor(Meanwhile.lockOf(form), form::next));
    assertTrue(form.next());
  }

  @Test
  void took_isToldByOneThreadAtATime() throws Exception {
    FasterForm form = oneBeforeTheEnd(1000, 10);
    Meanwhile.assertWaitsFor(Meanwhile.lockOf(form), () -> form.took(true, 10));
    for (int i = 0; i < FasterForm.TRIALS_OF_EACH; i++) {
      assertTrue(form.next(), "the trials have not ended");
    }
  }
}
