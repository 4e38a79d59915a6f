package dev.annulus.internal.ring;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The producer's side over plain memory: the test is the kernel, and moves the head. */
class SubmissionQueueTest {
  private static final int ENTRIES = 4;
  private static final long HEAD = 16;
  private static final long TAIL = 20;
  private static final long FLAGS = 24;
  private static final long ARRAY = 32;
  private static final int UNTOUCHED = 0x5a5a5a5a;

  private final MemorySegment ring = Arena.ofAuto().allocate(ARRAY + ENTRIES * 4, 8);
  private final MemorySegment entries = Arena.ofAuto().allocate(ENTRIES * 64, 8);

  @ParameterizedTest
  @ValueSource(ints = {0, 1, 3, Integer.MAX_VALUE - 3, Integer.MAX_VALUE - 1, Integer.MAX_VALUE, -4, -2, -1})
  void push_indicesFromAnywhere_wrapRound(int start) {
    SubmissionQueue queue = queue(start, ARRAY);
    assertEquals(ENTRIES, queue.entries());
    for (int i = 0; i < 3 * ENTRIES; i++) {
      // Two are always under way: the kernel is behind by two.
      int place = (start + i) & (ENTRIES - 1);
      queue.push(1, 2, 3, 4, 5, 6, 1000L + i);
      queue.publish();
      assertEquals(1000 + i, userDataAt(place), "entry " + i);
      assertEquals(start + i + 1, ring.get(JAVA_INT, TAIL));
      int unconsumed = Math.min(i + 1, 3);
      assertEquals(unconsumed, queue.unconsumed());
      assertEquals(ENTRIES - unconsumed, queue.free());
      if (i >= 2) {
        ring.set(JAVA_INT, HEAD, start + i - 1);
        assertEquals(2, queue.unconsumed());
        assertEquals(ENTRIES - 2, queue.free());
      }
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {0, Integer.MAX_VALUE - 1, -2})
  void push_fullQueue_throwsAndWritesNothing(int start) {
    SubmissionQueue queue = queue(start, ARRAY);
    for (int i = 0; i < ENTRIES; i++) {
      queue.push(1, 2, 3, 4, 5, 6, i);
    }
    queue.publish();
    byte[] entriesBefore = entries.toArray(JAVA_BYTE);
    byte[] ringBefore = ring.toArray(JAVA_BYTE);
    assertEquals(0, queue.free());
    assertThrows(IllegalStateException.class, () -> queue.push(9, 9, 9, 9, 9, 9, 9));
    queue.publish();
    assertArrayEquals(entriesBefore, entries.toArray(JAVA_BYTE));
    assertArrayEquals(ringBefore, ring.toArray(JAVA_BYTE));
    assertEquals(ENTRIES, queue.unconsumed());

    ring.set(JAVA_INT, HEAD, start + 1);
    queue.push(9, 9, 9, 9, 9, 9, 99);
    assertEquals(99, userDataAt(start & (ENTRIES - 1)));
  }

  /** The kernel takes entries, and nobody looks in between. */
  @ParameterizedTest
  @ValueSource(ints = {0, Integer.MAX_VALUE - 1, -2})
  void hasRoom_asEntriesComeAndGo_isAsFreeSays(int start) {
    SubmissionQueue queue = queue(start, ARRAY);
    int pushed = 0;
    for (int taken = 0; taken < 3 * ENTRIES; taken++) {
      while (pushed - taken < ENTRIES) {
        assertTrue(queue.hasRoom(ENTRIES - (pushed - taken)));
        assertFalse(queue.hasRoom(ENTRIES - (pushed - taken) + 1));
        queue.push(1, 2, 3, 4, 5, 6, 7);
        pushed++;
      }
      assertFalse(queue.hasRoom(1));
      ring.set(JAVA_INT, HEAD, start + taken + 1);
      assertTrue(queue.hasRoom(1));
      assertFalse(queue.hasRoom(2));
      assertEquals(1, queue.free());
    }
  }

  @Test
  void push_staleMemory_isOverwrittenInAll64Bytes() {
    SubmissionQueue queue = queue(0, ARRAY);
    entries.fill((byte) 0xff);
    queue.push(0xab, -7, 0x1122334455667788L, 0x01020304, 0x99aabbccddeeff00L, 0x0a0b0c0d, 0x123456789abcdef0L);

    ByteBuffer expected = ByteBuffer.allocate(64).order(ByteOrder.nativeOrder());
    expected.put(0, (byte) 0xab);
    expected.putInt(4, -7);
    expected.putLong(8, 0x99aabbccddeeff00L);
    expected.putLong(16, 0x1122334455667788L);
    expected.putInt(24, 0x01020304);
    expected.putInt(28, 0x0a0b0c0d);
    expected.putLong(32, 0x123456789abcdef0L);
    assertArrayEquals(expected.array(), entries.asSlice(0, 64).toArray(JAVA_BYTE));

    byte[] others = new byte[(ENTRIES - 1) * 64];
    Arrays.fill(others, (byte) 0xff);
    assertArrayEquals(others, entries.asSlice(64).toArray(JAVA_BYTE));
  }

  @Test
  void publish_afterPushes_isWhatMakesThemVisible() {
    SubmissionQueue queue = queue(7, ARRAY);
    queue.push(1, 2, 3, 4, 5, 6, 7);
    queue.push(1, 2, 3, 4, 5, 6, 8);
    assertEquals(7, ring.get(JAVA_INT, TAIL));
    assertEquals(2, queue.unconsumed());
    queue.publish();
    assertEquals(9, ring.get(JAVA_INT, TAIL));
  }

  @Test
  void array_there_isTheIdentity() {
    SubmissionQueue queue = queue(0, ARRAY);
    for (int i = 0; i < queue.entries(); i++) {
      assertEquals(i, ring.get(JAVA_INT, ARRAY + i * 4L));
    }
    assertEquals(UNTOUCHED, ring.get(JAVA_INT, 0));
  }

  @Test
  void array_none_leavesTheRingAlone() {
    ring.fill((byte) 0x5a);
    byte[] before = ring.toArray(JAVA_BYTE);
    SubmissionQueue queue = new SubmissionQueue(ring, entries, shape(SubmissionQueue.NO_ARRAY, ENTRIES));
    assertArrayEquals(before, ring.toArray(JAVA_BYTE));
    queue.push(1, 2, 3, 4, 5, 6, 7);
    assertArrayEquals(before, ring.toArray(JAVA_BYTE));
    queue.publish();
    assertEquals(UNTOUCHED, ring.get(JAVA_INT, 0));
    assertEquals(UNTOUCHED + 1, ring.get(JAVA_INT, TAIL));
  }

  @Test
  void completionsOverflowed_flagSetByTheKernel_isSeen() {
    SubmissionQueue queue = queue(0, ARRAY);
    assertFalse(queue.completionsOverflowed());
    ring.set(JAVA_INT, FLAGS, 2);
    assertTrue(queue.completionsOverflowed());
    // IORING_SQ_NEED_WAKEUP and IORING_SQ_TASKRUN stand beside it.
    ring.set(JAVA_INT, FLAGS, 1 | 4);
    assertFalse(queue.completionsOverflowed());
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 3, 6, -1})
  void entries_notAPowerOfTwo_areRefused(int count) {
    assertThrows(
        IllegalArgumentException.class,
        () -> new SubmissionQueue(ring, entries, shape(SubmissionQueue.NO_ARRAY, count)));
  }

  private SubmissionQueue queue(int start, long array) {
    ring.fill((byte) 0x5a);
    ring.set(JAVA_INT, HEAD, start);
    ring.set(JAVA_INT, TAIL, start);
    ring.set(JAVA_INT, FLAGS, 0);
    return new SubmissionQueue(ring, entries, shape(array, ENTRIES));
  }

  private static SubmissionQueue.Shape shape(long array, int entries) {
    return new SubmissionQueue.Shape(HEAD, TAIL, FLAGS, array, entries);
  }

  private long userDataAt(int place) {
    return entries.get(JAVA_LONG, place * 64L + 32);
  }
}
