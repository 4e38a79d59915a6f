package dev.annulus.internal.runtime;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The other side acts at exactly the place of a fence, or just before a sleep is ended: what it does
 * there must be seen behind it. That the fences are real is said by {@link MemoryOrderTest}, and
 * shown by {@link SleepFlagRaceTest}.
 */
class SleepFlagTest {
  /** A flag at whose fences the other side acts. */
  private static final class Hooked extends SleepFlag {
    Runnable atSubmittersFence = () -> {};
    Runnable atSleepersFence = () -> {};
    Runnable beforeEnd = () -> {};

    @Override
    void submittersFence() {
      super.submittersFence();
      atSubmittersFence.run();
    }

    @Override
    void sleepersFence() {
      super.sleepersFence();
      atSleepersFence.run();
    }

    @Override
    void beforeEnd() {
      beforeEnd.run();
    }
  }

  @Test
  void endSleepForRequest_sleepAnnouncedAtTheFence_endsIt() {
    Hooked flag = new Hooked();
    flag.atSubmittersFence = () -> flag.lieDown(false);
    assertTrue(flag.endSleepForRequest(), "looked at the flag before the fence, or had none");
    assertTrue(flag.rise());
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void endSleep_sleepAnnouncedAtTheFence_endsIt(boolean full) {
    Hooked flag = new Hooked();
    flag.atSubmittersFence = () -> flag.lieDown(full);
    assertTrue(flag.endSleep(), "looked at the flag before the fence, or had none");
    assertTrue(flag.rise());
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void lieDown_submitterAtTheFence_seesTheSleep(boolean full) {
    Hooked flag = new Hooked();
    List<Boolean> ended = new ArrayList<>();
    flag.atSleepersFence = () -> ended.add(flag.endSleep());
    flag.lieDown(full);
    assertEquals(List.of(true), ended, "announced behind the fence, or there was none");
    assertTrue(flag.rise());
  }

  @Test
  void endSleep_severalAtOnce_oneIsToWake() {
    Hooked flag = new Hooked();
    List<Boolean> others = new ArrayList<>();
    flag.beforeEnd =
        () -> {
          flag.beforeEnd = () -> {};
          others.add(flag.endSleepForRequest());
          others.add(flag.endSleep());
        };
    flag.lieDown(false);
    assertFalse(flag.endSleepForRequest(), "two write for one sleep");
    assertEquals(List.of(true, false), others);
    assertTrue(flag.rise());
    assertFalse(flag.rise());
  }

  @Test
  void endSleep_sleeperRisesMeanwhile_wakesNobody() {
    Hooked flag = new Hooked();
    flag.beforeEnd = () -> assertFalse(flag.rise());
    flag.lieDown(false);
    assertFalse(flag.endSleep());
    assertFalse(flag.isAsleep());
    assertFalse(flag.rise());
  }

  @Test
  void flag_throughItsStates_tellsWhoIsToWake() {
    SleepFlag flag = new SleepFlag();
    assertFalse(flag.isAsleep());
    assertFalse(flag.endSleepForRequest());
    assertFalse(flag.endSleep());
    assertFalse(flag.rise());

    flag.lieDown(false);
    assertTrue(flag.isAsleep());
    assertFalse(flag.rise());
    flag.lieDown(true);
    assertFalse(flag.isAsleep(), "a request that came now would not have to wake it");
    assertFalse(flag.endSleepForRequest(), "woken although every slot is taken");
    assertTrue(flag.endSleep());
    assertFalse(flag.isAsleep(), "who comes now need not wake it any more");
    assertFalse(flag.endSleep());
    assertTrue(flag.rise());
    assertFalse(flag.isAsleep());
    assertFalse(flag.endSleep());
  }

  @Test
  void resume_afterAnEnd_letsTheNextEndItAgain() {
    SleepFlag flag = new SleepFlag();
    flag.lieDown(false);
    assertFalse(flag.resume(), "nobody had ended it");
    assertTrue(flag.endSleepForRequest());
    assertTrue(flag.resume());
    assertTrue(flag.endSleepForRequest());
    assertTrue(flag.rise());
    assertFalse(flag.resume(), "it has risen, and counts on the waking");
    assertFalse(flag.isAsleep());
  }
}
