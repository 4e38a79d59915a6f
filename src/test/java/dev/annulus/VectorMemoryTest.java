package dev.annulus;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.annulus.internal.driver.Operation.Piece;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** The memory of transfers of several buffers: where each byte of them is, and that all of it comes back. */
class VectorMemoryTest {
  private static final int PAGE = BufferPool.PAGE_BYTES;
  private static final int BLOCK = NativeBlocks.MAX_BYTES;

  private final Engine engine = new Engine(new HandDriver(), TestPolicies.plain());

  @AfterEach
  void free() {
    assertEquals(0, engine.heapCopies().blocks().lentBytes());
    assertEquals(0, engine.bufferPool().stats(0).leasedBytes());
    engine.freeMemory();
    assertEquals(0, engine.heapCopies().blocks().allocatedBytes());
  }

  private VectorMemory memory(List<ByteBuffer> buffers, boolean read, boolean direct, boolean whole) {
    VectorMemory memory =
        VectorMemory.of(engine, buffers, Buffers.checkAll(buffers, read), read, direct, whole);
    memory.take();
    return memory;
  }

  @SuppressWarnings("restricted")
  private static MemorySegment at(Piece piece) {
    return MemorySegment.ofAddress(piece.address()).reinterpret(piece.length());
  }

  private static int total(List<Piece> pieces) {
    return pieces.stream().mapToInt(Piece::length).sum();
  }

  private static ByteBuffer heap(int size, int seed) {
    return ByteBuffer.wrap(BackendContract.bytes(size, seed));
  }

  // ---- places ----

  @Test
  void pieces_areTheBuffersInTurn_withoutEmptyOnes() {
    ByteBuffer direct = ByteBuffer.allocateDirect(100).position(10).limit(60);
    ByteBuffer first = heap(70, 1);
    ByteBuffer second = heap(200, 2).position(5);
    List<ByteBuffer> buffers = List.of(first, ByteBuffer.allocate(0), direct, second, ByteBuffer.allocateDirect(0));
    VectorMemory memory = memory(buffers, false, false, false);
    List<Piece> pieces = memory.pieces();
    assertEquals(List.of(70, 50, 195), pieces.stream().map(Piece::length).toList());
    assertEquals(MemorySegment.ofBuffer(direct).address(), pieces.get(1).address());
    byte[] head = new byte[70];
    first.duplicate().get(head);
    assertArrayEquals(head, at(pieces.get(0)).toArray(ValueLayout.JAVA_BYTE));
    byte[] tail = new byte[195];
    second.duplicate().get(tail);
    assertArrayEquals(tail, at(pieces.get(2)).toArray(ValueLayout.JAVA_BYTE));
    assertTrue(memory.isInOneOperation());
    assertFalse(memory.isEmpty());
    memory.release();
    memory.release();
  }

  @Test
  void emptyBuffersOnly_areNoPieces() {
    VectorMemory memory = memory(List.of(ByteBuffer.allocate(0), ByteBuffer.allocateDirect(0)), true, false, true);
    assertTrue(memory.isEmpty());
    assertTrue(memory.isInOneOperation());
    assertEquals(List.of(), memory.pieces());
    assertFalse(memory.transferred(0));
    assertEquals(0, engine.heapCopies().blocks().allocatedBytes());
    memory.release();
  }

  /** With direct I/O each piece must begin at a page, without it at a cache line; no two share a byte. */
  @Test
  void pieces_ofHeapBuffers_areAlignedAndApart() {
    for (boolean direct : new boolean[] {false, true}) {
      List<ByteBuffer> buffers = List.of(heap(1, 1), heap(65, 2), heap(64, 3), heap(PAGE + 1, 4), heap(1, 5));
      VectorMemory memory = memory(buffers, false, direct, true);
      long behind = 0;
      List<Integer> gaps = new ArrayList<>();
      for (Piece piece : memory.pieces()) {
        assertEquals(0, piece.address() % (direct ? PAGE : 64));
        assertTrue(piece.address() >= behind, "they overlap");
        gaps.add(behind == 0 ? 0 : (int) (piece.address() - behind));
        behind = piece.address() + piece.length();
      }
      assertEquals(direct ? List.of(0, 4095, 4031, 4032, 4095) : List.of(0, 63, 63, 0, 63), gaps);
      memory.release();
    }
  }

  @Test
  void buffers_pastTheMostThatOneOperationTakes_areLeftOut() {
    ByteBuffer direct = ByteBuffer.allocateDirect(2000);
    List<ByteBuffer> buffers = new ArrayList<>(Collections.nCopies(500, ByteBuffer.allocateDirect(0)));
    for (int i = 0; i < 1025; i++) {
      buffers.add(direct.slice(i, 1));
    }
    VectorMemory memory = memory(buffers, false, false, false);
    assertEquals(1024, memory.pieces().size());
    assertTrue(memory.isInOneOperation());
    assertFalse(memory.transferred(1024), "there is no more to come");
    assertEquals(1, buffers.get(500 + 1023).position());
    assertEquals(0, buffers.getLast().position());
    memory.release();
  }

  // ---- transfers ----

  @Test
  void read_thatIsShort_fillsAndMovesThatMuchOnly() {
    ByteBuffer first = ByteBuffer.allocate(100).position(20);
    ByteBuffer direct = ByteBuffer.allocateDirect(50);
    ByteBuffer last = ByteBuffer.allocate(40);
    VectorMemory memory = memory(List.of(first, direct, last), true, false, false);
    List<Piece> pieces = memory.pieces();
    for (Piece piece : pieces) {
      MemorySegment _ = at(piece).fill((byte) 5);
    }
    assertFalse(memory.transferred(80 + 50 + 3));
    assertEquals(100, first.position());
    assertEquals(50, direct.position());
    assertEquals(3, last.position());
    assertEquals(0, first.get(19));
    assertEquals(5, first.get(20));
    assertEquals(5, first.get(99));
    assertEquals(5, last.get(2));
    assertEquals(0, last.get(3));
    memory.release();
  }

  @Test
  void write_ofMoreThanABlock_goesOnWhereItWas() {
    byte[] contents = BackendContract.bytes(2 * BLOCK + 500, 6);
    ByteBuffer direct = ByteBuffer.allocateDirect(77).put(contents, 300, 77).flip();
    List<ByteBuffer> buffers =
        List.of(ByteBuffer.wrap(contents, 0, 300), direct, ByteBuffer.wrap(contents, 377, contents.length - 377));
    for (boolean toTheEnd : new boolean[] {true, false}) {
      VectorMemory memory = memory(buffers, false, false, false);
      assertFalse(memory.isInOneOperation());
      int done = 0;
      for (boolean more = true; more; ) {
        List<Piece> pieces = memory.pieces();
        int at = done;
        for (Piece piece : pieces) {
          byte[] held = at(piece).toArray(ValueLayout.JAVA_BYTE);
          for (int i = 0; i < held.length; i++) {
            if (held[i] != contents[at + i]) {
              assertEquals(contents[at + i], held[i], "byte " + (at + i));
            }
          }
          at += held.length;
        }
        int count = total(pieces) - (toTheEnd ? 0 : 1);
        more = memory.transferred(count);
        done += count;
        assertEquals(done, buffers.stream().mapToInt(ByteBuffer::position).sum() - (done > 377 ? 377 : 0));
        assertEquals(toTheEnd && done < contents.length, more, "a short one is the last");
        if (more) {
          memory.place();
        }
      }
      if (toTheEnd) {
        assertEquals(contents.length, done);
        assertTrue(memory.isInOneOperation());
      }
      memory.release();
      ByteBuffer _ = buffers.get(0).position(0);
      ByteBuffer _ = buffers.get(1).position(0);
      ByteBuffer _ = buffers.get(2).position(377);
    }
  }

  /** A piece of no bytes might be taken for the end of a file. */
  @Test
  void buffer_thatFillsTheBlockToItsEnd_isTheLastPieceOfItsOperation() {
    VectorMemory memory = memory(List.of(heap(BLOCK, 1), heap(10, 2)), false, false, false);
    assertEquals(List.of(BLOCK), memory.pieces().stream().map(Piece::length).toList());
    assertTrue(memory.transferred(BLOCK));
    memory.place();
    assertEquals(List.of(10), memory.pieces().stream().map(Piece::length).toList());
    assertTrue(memory.isInOneOperation());
    memory.release();
  }

  @Test
  void limitToOneOperation_leavesOutTheRest() {
    ByteBuffer large = heap(BLOCK + 10, 7);
    VectorMemory memory = memory(List.of(large), false, false, false);
    assertFalse(memory.isInOneOperation());
    memory.limitToOneOperation();
    assertTrue(memory.isInOneOperation());
    assertEquals(BLOCK, total(memory.pieces()));
    assertFalse(memory.transferred(BLOCK));
    assertEquals(BLOCK, large.position());
    memory.release();
  }

  @Test
  void whole_isOneOperationWhateverItsSize() {
    VectorMemory memory = memory(List.of(heap(BLOCK, 8), heap(BLOCK + 1, 9)), false, false, true);
    assertTrue(memory.isInOneOperation());
    assertEquals(2 * BLOCK + 1, total(memory.pieces()));
    memory.release();
  }

  // ---- giving back ----

  @Test
  void block_releasedTwice_isNotLentTwice() {
    VectorMemory memory = memory(List.of(heap(100, 1), heap(100, 2)), true, false, false);
    memory.release();
    memory.release();
    NativeBlocks blocks = engine.heapCopies().blocks();
    Set<Long> addresses = new HashSet<>();
    List<NativeBlocks.Block> taken = new ArrayList<>();
    for (int i = 0; i < 3; i++) {
      taken.add(blocks.take(PAGE));
      assertTrue(addresses.add(taken.getLast().segment().address()), "lent twice");
    }
    taken.forEach(block -> block.giveBack(block.lending));
  }

  @Test
  void leasesAmongTheBuffers_areHeldEachUntilTheRelease() {
    BufferPool pool = engine.bufferPool();
    BufferPool.Lease one = pool.tryLease(100).orElseThrow();
    BufferPool.Lease two = pool.tryLease(100).orElseThrow();
    List<ByteBuffer> buffers = List.of(one.buffer(), heap(100, 1), two.buffer());
    VectorMemory memory = memory(buffers, true, false, false);
    assertEquals(3 * PAGE, pool.stats(0).leasedBytes());
    one.close();
    two.close();
    assertEquals(3 * PAGE, pool.stats(0).leasedBytes());
    assertTrue(memory.transferred(300) || one.toString().contains("closed"));
    memory.release();
    assertEquals(0, pool.stats(0).leasedBytes());
  }

  @Test
  void buffers_ofWhichOneIsOfAClosedLease_areAllLetGo() {
    BufferPool pool = engine.bufferPool();
    BufferPool.Lease open = pool.tryLease(100).orElseThrow();
    BufferPool.Lease closed = pool.tryLease(100).orElseThrow();
    ByteBuffer gone = closed.buffer();
    closed.close();
    List<ByteBuffer> buffers = List.of(open.buffer(), gone);
    assertThrows(IllegalStateException.class, () -> memory(buffers, false, false, false));
    assertTrue(open.toString().contains("used by 0"), open.toString());
    open.close();
  }

  @Test
  void standIn_forBuffersThatFitIntoThePool_isThePools() {
    engine.bufferPool().lease(1).close();
    VectorMemory memory = memory(List.of(heap(100, 1), heap(100, 2)), false, false, false);
    assertTrue(engine.bufferPool().holds(memory.pieces().getFirst().address()));
    assertEquals(PAGE, engine.bufferPool().stats(0).leasedBytes());
    memory.release();
    VectorMemory large = memory(List.of(heap(5 * PAGE, 3)), false, false, false);
    assertFalse(engine.bufferPool().holds(large.pieces().getFirst().address()));
    assertNotEquals(0, engine.heapCopies().blocks().lentBytes());
    large.release();
  }
}
