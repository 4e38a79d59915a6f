package dev.annulus;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class PageRunsTest {
  private record Run(int page, int order) {}

  @Test
  void take_untilNothingIsLeft_givesEachPageOnce() {
    PageRuns runs = new PageRuns(64);
    BitSet taken = new BitSet();
    for (int i = 0; i < 64; i++) {
      int page = runs.take(0);
      assertFalse(taken.get(page), "taken twice: " + page);
      taken.set(page);
    }
    assertEquals(PageRuns.NONE, runs.take(0));
    assertEquals(64, taken.cardinality());
  }

  @Test
  void take_ofMoreThanThereIs_isNone() {
    assertEquals(PageRuns.NONE, new PageRuns(8).take(4));
    assertEquals(0, new PageRuns(8).take(3));
  }

  @Test
  void orderFor_aroundPowersOfTwo_isTheNextGreater() {
    int[][] expected = {{1, 0}, {2, 1}, {3, 2}, {4, 2}, {5, 3}, {1024, 10}, {1025, 11}, {1 << 18, 18}};
    for (int[] pair : expected) {
      assertEquals(pair[1], PageRuns.orderFor(pair[0]), "for " + pair[0]);
    }
  }

  @Test
  void pages_noPowerOfTwo_areRefused() {
    assertThrows(IllegalArgumentException.class, () -> new PageRuns(12));
    assertThrows(IllegalArgumentException.class, () -> new PageRuns(0));
  }

  /** Beside a set of bits as the model: runs never overlap, are aligned, and all of it is one run again in the end. */
  @Test
  void random_takingAndGivingBack_neverOverlapsAndMergesInTheEnd() {
    long seed = System.nanoTime();
    Random random = new Random(seed);
    PageRuns runs = new PageRuns(256);
    BitSet taken = new BitSet();
    List<Run> held = new ArrayList<>();
    for (int step = 0; step < 50_000; step++) {
      if (random.nextBoolean()) {
        int order = random.nextInt(6);
        int page = runs.take(order);
        int length = 1 << order;
        if (page == PageRuns.NONE) {
          assertFalse(hasFreeRun(taken, order), "seed " + seed + ": there was room for order " + order);
          continue;
        }
        assertEquals(0, page % length, "seed " + seed);
        assertTrue(taken.get(page, page + length).isEmpty(), "seed " + seed + ": overlaps");
        taken.set(page, page + length);
        held.add(new Run(page, order));
      } else if (!held.isEmpty()) {
        Run run = held.remove(random.nextInt(held.size()));
        runs.giveBack(run.page, run.order);
        taken.clear(run.page, run.page + (1 << run.order));
      }
    }
    held.forEach(run -> runs.giveBack(run.page, run.order));
    assertEquals(0, runs.take(8), "seed " + seed + ": not whole again");
  }

  private static boolean hasFreeRun(BitSet taken, int order) {
    int length = 1 << order;
    for (int page = 0; page < 256; page += length) {
      if (taken.get(page, page + length).isEmpty()) {
        return true;
      }
    }
    return false;
  }
}
