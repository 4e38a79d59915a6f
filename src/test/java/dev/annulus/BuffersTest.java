package dev.annulus;

import static java.nio.file.StandardOpenOption.CREATE;
import static java.nio.file.StandardOpenOption.READ;
import static java.nio.file.StandardOpenOption.WRITE;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotSame;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.annulus.internal.driver.Operation;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.MappedByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileChannel.MapMode;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What is checked about users' memory, where its bytes are, and how buffers move. */
@Timeout(60)
class BuffersTest {
  private static final int SIZE = 10_000;

  @TempDir Path dir;

  @Test
  void range_isRefusedBelowZeroAndPastTheLargestNumber_andNotAtIt() {
    Buffers.checkRange(0, 0);
    Buffers.checkRange(Long.MAX_VALUE, 0);
    Buffers.checkRange(Long.MAX_VALUE - 5, 5);
    Buffers.checkRange(0, Long.MAX_VALUE);
    for (long negative : new long[] {-1, Long.MIN_VALUE}) {
      String said =
          assertThrows(IllegalArgumentException.class, () -> Buffers.checkRange(negative, 0)).getMessage();
      assertEquals("negative position: " + negative, said);
    }
    assertThrows(IllegalArgumentException.class, () -> Buffers.checkRange(Long.MAX_VALUE - 5, 6));
    assertThrows(IllegalArgumentException.class, () -> Buffers.checkRange(1, Long.MAX_VALUE));
  }

  @Test
  void size_isWhatIsBetween_andNeverNegative() {
    assertEquals(0, Buffers.size(7, 7));
    assertEquals(3, Buffers.size(4, 7));
    assertThrows(IllegalArgumentException.class, () -> Buffers.size(8, 7));
  }

  @Test
  void snapshot_isNotMovedWithTheBuffer() {
    ByteBuffer buffer = ByteBuffer.allocate(SIZE).position(10).limit(100);
    ByteBuffer view = Buffers.snapshot(buffer);
    ByteBuffer _ = buffer.clear();
    assertEquals(0, view.position());
    assertEquals(90, view.limit());
    assertEquals(90, view.capacity());
    assertEquals(0, Buffers.snapshot(ByteBuffer.allocate(5).position(5)).capacity());
  }

  /** Every position, slices of slices, and memory of arenas, whose addresses have nothing in common with buffers'. */
  @Test
  void addressAt_ofAnyPosition_isThatOfItsSegment() {
    List<ByteBuffer> buffers = new ArrayList<>();
    ByteBuffer direct = ByteBuffer.allocateDirect(SIZE);
    buffers.add(direct);
    buffers.add(direct.slice(1, SIZE - 1));
    buffers.add(direct.slice(4097, 100).position(50).slice());
    buffers.add(direct.asReadOnlyBuffer());
    try (Arena arena = Arena.ofShared()) {
      buffers.add(arena.allocate(SIZE, 4096).asByteBuffer());
      buffers.add(arena.allocate(SIZE, 1).asSlice(3).asByteBuffer());
      for (ByteBuffer buffer : buffers) {
        MappedByteBuffer known = (MappedByteBuffer) buffer;
        assertTrue(Buffers.hasKnownAddress(known));
        ByteBuffer _ = buffer.clear();
        long start = MemorySegment.ofBuffer(buffer).address();
        for (int told : new int[] {0, 1, buffer.capacity() / 2, buffer.capacity()}) {
          ByteBuffer _ = buffer.clear().position(told);
          long somewhere = MemorySegment.ofBuffer(buffer).address();
          assertEquals(start + told, somewhere);
          for (int position : new int[] {0, 1, 17, buffer.capacity()}) {
            assertEquals(start + position, Buffers.addressAt(known, somewhere, position));
          }
        }
      }
    }
  }

  @Test
  void address_isKnownOfBuffersBelowTheUnitOnly() throws Exception {
    int unit = 1 << 30;
    try (Arena arena = Arena.ofConfined();
        FileChannel file = FileChannel.open(dir.resolve("sparse"), CREATE, READ, WRITE)) {
      MappedByteBuffer buffer = (MappedByteBuffer) file.map(MapMode.READ_WRITE, 0, unit, arena).asByteBuffer();
      assertFalse(Buffers.hasKnownAddress(buffer));
      assertTrue(Buffers.hasKnownAddress(buffer.slice(0, unit - 1)));
    }
  }

  @Test
  void length_isAtMostOneTransfer() {
    assertEquals(0, Buffers.length(0));
    assertEquals(Operation.MAX_TRANSFER_BYTES, Buffers.length(Operation.MAX_TRANSFER_BYTES));
    assertEquals(Operation.MAX_TRANSFER_BYTES - 1, Buffers.length(Operation.MAX_TRANSFER_BYTES - 1L));
    assertEquals(Operation.MAX_TRANSFER_BYTES, Buffers.length(1L << 32));
  }

  @Test
  void move_goesOnByTheCount_orSaysThatItCannot() {
    ByteBuffer buffer = ByteBuffer.allocate(10).position(2).limit(8);
    Buffers.move(buffer, 3);
    assertEquals(5, buffer.position());
    Buffers.move(buffer, 0);
    Buffers.move(buffer, 3);
    assertEquals(8, buffer.position());
    String said =
        assertThrows(IllegalArgumentException.class, () -> Buffers.move(buffer, 1)).getMessage();
    assertTrue(said != null && said.contains("another thread") && said.contains("1 bytes"), said);
    assertEquals(8, buffer.position());
  }

  @Test
  void readOnlyMemory_isRefusedAsADestinationOnly() {
    ByteBuffer heap = ByteBuffer.allocate(10).asReadOnlyBuffer();
    ByteBuffer direct = ByteBuffer.allocateDirect(10).asReadOnlyBuffer();
    MemorySegment segment = MemorySegment.ofArray(new byte[10]).asReadOnly();
    for (ByteBuffer buffer : List.of(heap, direct)) {
      assertThrows(IllegalArgumentException.class, () -> Buffers.check(buffer, true));
      assertEquals(10, Buffers.check(buffer, false).byteSize());
      List<ByteBuffer> mixed = List.of(ByteBuffer.allocate(1), buffer);
      assertThrows(IllegalArgumentException.class, () -> Buffers.checkAll(mixed, true));
      assertEquals(2, Buffers.checkAll(mixed, false).length);
    }
    assertThrows(IllegalArgumentException.class, () -> Buffers.check(segment, true));
    assertSame(segment, Buffers.check(segment, false));
    assertThrows(IllegalArgumentException.class, () -> Buffers.checkNative(true, true, true, true));
    Buffers.checkNative(true, true, true, false);
    Buffers.checkNative(false, true, true, true);
    assertThrows(IllegalArgumentException.class, () -> Buffers.checkAll(List.of(), false));
  }

  @Test
  void memory_ofAClosedArenaOrOfAnotherThread_isRefused() throws Exception {
    ByteBuffer closed;
    try (Arena arena = Arena.ofShared()) {
      closed = arena.allocate(8).asByteBuffer();
    }
    assertThrows(IllegalStateException.class, () -> Buffers.check(closed, false));
    assertThrows(IllegalStateException.class, () -> Buffers.checkNative(false, false, true, false));
    assertThrows(WrongThreadException.class, () -> Buffers.checkNative(false, true, false, false));
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment mine = arena.allocate(8);
      assertSame(mine, Buffers.check(mine, true));
      List<Throwable> thrown = new ArrayList<>();
      Thread other =
          Thread.ofPlatform()
              .start(() -> thrown.add(assertThrows(WrongThreadException.class, () -> Buffers.check(mine, true))));
      other.join();
      assertEquals(1, thrown.size());
    }
  }

  @Test
  void total_isTheSumOfAll() {
    MemorySegment[] segments = {
      MemorySegment.ofArray(new byte[3]), MemorySegment.ofArray(new byte[0]), MemorySegment.ofArray(new byte[4])
    };
    assertEquals(7, Buffers.total(segments));
    assertEquals(0, Buffers.total(new MemorySegment[0]));
  }

  @Test
  void copyOf_isNotChangedWithTheList_andNullsAreRefused() {
    List<ByteBuffer> list = new ArrayList<>(List.of(ByteBuffer.allocate(1)));
    List<ByteBuffer> copy = Buffers.copyOf(list);
    assertNotSame(list, copy);
    list.clear();
    assertEquals(1, copy.size());
  }

  @Test
  void viewedBuffer_keepsItsMemoryAndMovesTheBuffer() {
    ByteBuffer buffer = ByteBuffer.allocateDirect(10).position(2);
    MemorySegment segment = MemorySegment.ofBuffer(buffer);
    ViewedBuffer viewed = new ViewedBuffer(segment, buffer);
    Buffers.transferred(viewed, 3, true);
    Buffers.transferred(viewed, 1, false);
    assertEquals(6, buffer.position());
    assertSame(segment, viewed.segment());
    Buffers.release(viewed);
    Buffers.transferred(buffer, 2, true);
    assertEquals(8, buffer.position());
  }

  /** An object less for each operation; a driver that views memory is not given what another thread may move. */
  @Test
  void nativeBuffer_isHeldItself_unlessTheDriverViewsMemory() {
    HandDriver hand = new HandDriver();
    ByteBuffer buffer = ByteBuffer.allocateDirect(10);
    MemorySegment segment = MemorySegment.ofBuffer(buffer);
    Engine plain = new Engine(hand, TestPolicies.plain());
    assertSame(buffer, Buffers.memory(plain, buffer, segment, false));
    assertSame(buffer, Buffers.toFill(plain, buffer, segment));
    assertSame(segment, Buffers.memory(plain, null, segment, false));
    hand.views = true;
    Engine viewing = new Engine(hand, TestPolicies.plain());
    assertSame(segment, assertInstanceOf(ViewedBuffer.class, Buffers.memory(viewing, buffer, segment, false)).segment());
    assertSame(segment, assertInstanceOf(ViewedBuffer.class, Buffers.toFill(viewing, buffer, segment)).segment());
    assertSame(segment, Buffers.toFill(viewing, segment));
    plain.freeMemory();
    viewing.freeMemory();
  }
}
