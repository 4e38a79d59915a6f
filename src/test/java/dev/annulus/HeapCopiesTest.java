package dev.annulus;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.annulus.HeapCopies.HeapCopy;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.HashSet;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** What stands in for heap memory: where it comes from, what it holds, and that it comes back once. */
class HeapCopiesTest {
  private static final int PAGE = BufferPool.PAGE_BYTES;
  private static final int BLOCK = NativeBlocks.MAX_BYTES;
  private static final byte UNTOUCHED = 9;

  private final BufferPool pool = new BufferPool(2 * BLOCK, _ -> {});
  private final HeapCopies copies = new HeapCopies(pool);

  @AfterEach
  void close() {
    copies.close();
    assertEquals(0, copies.blocks().allocatedBytes());
    assertEquals(0, pool.stats(0).leasedBytes());
  }

  private static MemorySegment heap(int size) {
    return MemorySegment.ofArray(BackendContract.bytes(size, 1));
  }

  private static HeapCopy taken(HeapCopy copy) {
    copy.take();
    return copy;
  }

  private static byte[] bytesOf(MemorySegment memory, long size) {
    return memory.asSlice(0, size).toArray(ValueLayout.JAVA_BYTE);
  }

  // ---- where it comes from ----

  /** The pool's memory is made as a whole: only who copies much has it made. */
  @Test
  void pool_isMadeForTheSixtyFifthCopy_andUsedFromThenOn() {
    for (int i = 0; i < 64; i++) {
      taken(copies.forReading(heap(100), null)).release();
      assertFalse(pool.isMade(), "made for copy " + (i + 1));
    }
    HeapCopy pooled = taken(copies.forReading(heap(100), null));
    assertTrue(pool.isMade());
    assertTrue(pool.holds(pooled.address()));
    assertEquals(PAGE, pool.stats(0).leasedBytes());
    pooled.release();
    pooled.release();
    assertEquals(0, pool.stats(0).leasedBytes());
  }

  @Test
  void pool_thatIsThere_isUsedAtOnce_butNotForTheLargest() {
    pool.lease(1).close();
    HeapCopy small = taken(copies.forReading(heap(1), null));
    HeapCopy block = taken(copies.forReading(heap(BLOCK), null));
    HeapCopy larger = taken(copies.forReading(heap(BLOCK + 1), null));
    assertTrue(pool.holds(small.address()));
    assertTrue(pool.holds(block.address()));
    assertFalse(pool.holds(larger.address()));
    assertEquals(BLOCK, larger.segment().byteSize());
    assertEquals(2, pool.stats(0).leases() - 1);
    small.release();
    block.release();
    larger.release();
  }

  @Test
  void copy_ofNothing_takesNothing() {
    pool.lease(1).close();
    HeapCopy empty = taken(copies.forWriting(heap(0), null, true));
    assertEquals(0, empty.length());
    assertEquals(0, empty.left());
    assertFalse(empty.isInPieces());
    assertEquals(0, pool.stats(0).leasedBytes());
    assertEquals(0, copies.blocks().allocatedBytes());
    empty.release();
  }

  // ---- giving back ----

  @Test
  void block_releasedTwice_isNotLentTwice() {
    HeapCopy copy = taken(copies.forReading(heap(PAGE), null));
    long address = copy.address();
    copy.release();
    copy.release();
    Set<Long> addresses = new HashSet<>();
    NativeBlocks.Block[] blocks = new NativeBlocks.Block[3];
    for (int i = 0; i < blocks.length; i++) {
      blocks[i] = copies.blocks().take(PAGE);
      assertTrue(addresses.add(blocks[i].segment().address()), "one block is lent twice");
    }
    assertTrue(addresses.contains(address), "not kept for the next");
    for (NativeBlocks.Block block : blocks) {
      block.giveBack(block.lending);
    }
  }

  @Test
  void whole_isOneStretchOfItsSize_andFreedWhenReleased() {
    byte[] contents = BackendContract.bytes(3 * BLOCK + 5, 2);
    HeapCopy whole = taken(copies.forWriting(MemorySegment.ofArray(contents), null, true));
    assertFalse(whole.isInPieces());
    assertEquals(contents.length, whole.length());
    assertArrayEquals(contents, bytesOf(whole.segment(), contents.length));
    MemorySegment memory = whole.segment();
    whole.release();
    assertFalse(memory.scope().isAlive());
    assertEquals(0, copies.blocks().allocatedBytes());
  }

  // ---- pieces ----

  @Test
  void reading_inPiecesAndShort_putsEachByteInItsPlace_andNoneBeside() {
    byte[] target = new byte[2 * BLOCK + 10];
    Arrays.fill(target, UNTOUCHED);
    ByteBuffer buffer = ByteBuffer.wrap(target);
    HeapCopy copy = taken(copies.forReading(MemorySegment.ofArray(target), buffer));
    byte[] contents = BackendContract.bytes(target.length, 3);
    assertTrue(copy.isInPieces());
    int at = 0;
    int[] counts = {100, BLOCK - 100, 7, BLOCK - 8};
    for (int count : counts) {
      assertEquals(BLOCK - at % BLOCK, copy.length());
      assertEquals(copy.segment().address() + at % BLOCK, copy.address());
      MemorySegment.copy(contents, at, copy.segment(), ValueLayout.JAVA_BYTE, at % BLOCK, count);
      copy.transferred(count, true);
      at += count;
      assertEquals(at, copy.done());
      assertEquals(target.length - at, copy.left());
      assertEquals(at, buffer.position());
      copy.proceed(true);
    }
    byte[] expected = Arrays.copyOf(contents, target.length);
    Arrays.fill(expected, at, target.length, UNTOUCHED);
    assertArrayEquals(expected, target);
    copy.release();
  }

  @Test
  void writing_inPiecesAndShort_holdsWhatComesNext() {
    byte[] contents = BackendContract.bytes(2 * BLOCK + 10, 4);
    ByteBuffer buffer = ByteBuffer.wrap(contents);
    HeapCopy copy = taken(copies.forWriting(MemorySegment.ofArray(contents), buffer, false));
    int at = 0;
    int[] counts = {BLOCK, 5, BLOCK - 5, 10};
    for (int count : counts) {
      int length = copy.length();
      int from = (int) (copy.address() - copy.segment().address());
      assertEquals(Math.min(contents.length - at, BLOCK - from), length);
      byte[] held = copy.segment().asSlice(from, length).toArray(ValueLayout.JAVA_BYTE);
      assertArrayEquals(Arrays.copyOfRange(contents, at, at + length), held, "at " + at);
      copy.transferred(count, false);
      at += count;
      copy.proceed(false);
      assertEquals(at, buffer.position());
    }
    assertEquals(0, copy.left());
    copy.release();
  }

  @Test
  void limitToOnePiece_leavesOutTheRest_ofWhatHasMore() {
    HeapCopy copy = taken(copies.forReading(heap(BLOCK + 1), null));
    copy.limitToOnePiece();
    assertFalse(copy.isInPieces());
    assertEquals(BLOCK, copy.left());
    copy.release();
    HeapCopy exact = taken(copies.forReading(heap(BLOCK), null));
    assertFalse(exact.isInPieces());
    exact.limitToOnePiece();
    assertEquals(BLOCK, exact.length());
    exact.release();
    HeapCopy small = taken(copies.forReading(heap(10), null));
    small.limitToOnePiece();
    assertEquals(10, small.length());
    small.release();
  }

  @Test
  void close_freesWhatIsKept_andWhatComesBackLater() {
    HeapCopy kept = taken(copies.forReading(heap(PAGE), null));
    HeapCopy lent = taken(copies.forReading(heap(PAGE), null));
    MemorySegment first = kept.segment();
    MemorySegment second = lent.segment();
    kept.release();
    assertNotEquals(first.address(), second.address());
    copies.close();
    assertFalse(first.scope().isAlive());
    assertTrue(second.scope().isAlive());
    lent.release();
    assertFalse(second.scope().isAlive());
    assertNull(pool.leaseOf(0));
  }

  /** The size is not the pool's affair: an int would have overflowed. */
  @Test
  void pooled_ofMoreThanABlock_isNothing() {
    pool.lease(1).close();
    assertNull(copies.pooled((1L << 32) + 1));
    assertNull(copies.pooled(BLOCK + 1L));
    BufferPool.Lease lease = copies.pooled(BLOCK);
    assertEquals(BLOCK, lease == null ? 0 : lease.segment().byteSize());
    assertThrows(IllegalArgumentException.class, () -> copies.pooled(0));
    if (lease != null) {
      lease.close();
    }
  }
}
