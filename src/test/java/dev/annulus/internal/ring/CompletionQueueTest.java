package dev.annulus.internal.ring;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The consumer's side over plain memory: the test is the kernel, and fills entries and moves the tail. */
class CompletionQueueTest {
  private static final int ENTRIES = 4;
  private static final long HEAD = 8;
  private static final long TAIL = 12;
  private static final long OVERFLOW = 16;
  private static final long CQES = 32;

  private final MemorySegment ring = Arena.ofAuto().allocate(CQES + ENTRIES * 16, 8);

  @ParameterizedTest
  @ValueSource(ints = {0, 1, 3, Integer.MAX_VALUE - 3, Integer.MAX_VALUE - 1, Integer.MAX_VALUE, -4, -2, -1})
  void completions_indicesFromAnywhere_areReadInOrder(int start) {
    CompletionQueue queue = queue(start);
    assertEquals(ENTRIES, queue.entries());
    assertEquals(0, queue.ready());
    int produced = 0;
    int consumed = 0;
    for (int round = 0; round < 8; round++) {
      int count = 1 + round % ENTRIES;
      for (int i = 0; i < count; i++) {
        complete(start + produced, 100 + produced, -produced);
        produced++;
      }
      assertEquals(count, queue.ready());
      for (int i = 0; i < count; i++) {
        assertEquals(100 + consumed + i, queue.userData(i), "round " + round);
        assertEquals(-(consumed + i), queue.result(i), "round " + round);
      }
      assertEquals(start + consumed, ring.get(JAVA_INT, HEAD), "given back before advance");
      queue.advance(count);
      consumed += count;
      assertEquals(start + consumed, ring.get(JAVA_INT, HEAD));
      assertEquals(0, queue.ready());
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {0, Integer.MAX_VALUE - 1, -2})
  void advance_byFewerThanReady_leavesTheRestAtTheFront(int start) {
    CompletionQueue queue = queue(start);
    for (int i = 0; i < ENTRIES; i++) {
      complete(start + i, i, i);
    }
    assertEquals(ENTRIES, queue.ready());
    queue.advance(3);
    assertEquals(1, queue.ready());
    assertEquals(3, queue.userData(0));
    assertEquals(3, queue.result(0));
  }

  @Test
  void userData_all64Bits_areKept() {
    CompletionQueue queue = queue(0);
    complete(0, 0xfedcba9876543210L, Integer.MIN_VALUE);
    assertEquals(0xfedcba9876543210L, queue.userData(0));
    assertEquals(Integer.MIN_VALUE, queue.result(0));
  }

  @Test
  void lost_countedByTheKernel_isTold() {
    CompletionQueue queue = queue(0);
    assertEquals(0, queue.lost());
    ring.set(JAVA_INT, OVERFLOW, 3);
    assertEquals(3, queue.lost());
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 3, 6, -1})
  void entries_notAPowerOfTwo_areRefused(int count) {
    assertThrows(
        IllegalArgumentException.class,
        () -> new CompletionQueue(ring, new CompletionQueue.Shape(HEAD, TAIL, OVERFLOW, CQES, count)));
  }

  private CompletionQueue queue(int start) {
    ring.set(JAVA_INT, HEAD, start);
    ring.set(JAVA_INT, TAIL, start);
    return new CompletionQueue(ring, new CompletionQueue.Shape(HEAD, TAIL, OVERFLOW, CQES, ENTRIES));
  }

  private void complete(int index, long userData, int result) {
    long at = CQES + (index & (ENTRIES - 1)) * 16L;
    ring.set(JAVA_LONG, at, userData);
    ring.set(JAVA_INT, at + 8, result);
    ring.set(JAVA_INT, TAIL, index + 1);
  }
}
