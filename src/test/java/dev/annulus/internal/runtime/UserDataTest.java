package dev.annulus.internal.runtime;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Random;
import org.junit.jupiter.api.Test;

class UserDataTest {
  private static final long SEED = 20261122;
  private static final int[] SLOTS = {0, 1, 2, 255, 256, 32767, 32768, 65535, 65536, 1 << 24, Integer.MAX_VALUE - 1, Integer.MAX_VALUE};
  private static final int[] GENERATIONS = {
    0, 1, 2, 255, 65536, Integer.MAX_VALUE - 1, Integer.MAX_VALUE, Integer.MIN_VALUE, Integer.MIN_VALUE + 1, -2, -1
  };

  @Test
  void of_everySlotATableReaches_roundTrips() {
    for (int generation : GENERATIONS) {
      for (int slot = 0; slot <= 1 << 16; slot++) {
        check(slot, generation);
      }
    }
  }

  @Test
  void of_edgesOfBothHalves_roundTrips() {
    for (int generation : GENERATIONS) {
      for (int slot : SLOTS) {
        check(slot, generation);
      }
    }
  }

  @Test
  void of_random_roundTrips() {
    Random random = new Random(SEED);
    for (int i = 0; i < 200_000; i++) {
      check(random.nextInt() & Integer.MAX_VALUE, random.nextInt());
    }
  }

  @Test
  void of_differentParts_differ() {
    for (int generation : GENERATIONS) {
      for (int slot : SLOTS) {
        assertNotEquals(UserData.of(slot, generation), UserData.of(slot, generation + 1));
        assertNotEquals(UserData.of(slot, generation), UserData.of(slot ^ 1, generation));
      }
    }
  }

  @Test
  void reservedValues_areNoSlotsAndDiffer() {
    assertNotEquals(UserData.WAKE, UserData.CANCEL);
    assertTrue(UserData.slot(UserData.WAKE) < 0);
    assertTrue(UserData.slot(UserData.CANCEL) < 0);
  }

  private static void check(int slot, int generation) {
    long userData = UserData.of(slot, generation);
    if (UserData.slot(userData) != slot
        || UserData.generation(userData) != generation
        || userData == UserData.WAKE
        || userData == UserData.CANCEL) {
      assertEquals(
          slot + ", generation " + generation, UserData.slot(userData) + ", generation " + UserData.generation(userData));
      throw new AssertionError("reserved: slot " + slot + ", generation " + generation + ", seed " + SEED);
    }
  }
}
