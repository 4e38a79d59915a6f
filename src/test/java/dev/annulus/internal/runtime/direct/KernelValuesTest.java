package dev.annulus.internal.runtime.direct;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.annulus.internal.abi.Fcntl;
import dev.annulus.internal.abi.IovecLayout;
import dev.annulus.internal.abi.StatxLayout;
import dev.annulus.internal.driver.Operation;
import dev.annulus.internal.driver.Operation.Piece;
import dev.annulus.internal.driver.StatResult;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What the kernel tells of a file, and lists of pieces as it takes them. */
class KernelValuesTest {
  private final Arena arena = Arena.ofAuto();
  private final MemorySegment statx = arena.allocate(StatxLayout.SIZE, Long.BYTES);

  @TempDir Path directory;

  private StatResult decoded() {
    StatResult into = new StatResult();
    KernelValues.decode(statx, into);
    return into;
  }

  private void time(long at, long seconds, int nanos) {
    statx.set(JAVA_LONG, at, seconds);
    statx.set(JAVA_INT, at + StatxLayout.TIMESTAMP_NSEC, nanos);
  }

  @Test
  void decode_everyField_isFoundWhereTheKernelPutsIt() {
    statx.set(JAVA_LONG, StatxLayout.STX_SIZE, 1L << 40);
    statx.set(JAVA_SHORT, StatxLayout.MODE, (short) 0xc1ff);
    statx.set(JAVA_LONG, StatxLayout.INO, 2);
    statx.set(JAVA_INT, StatxLayout.NLINK, 3);
    statx.set(JAVA_INT, StatxLayout.UID, 4);
    statx.set(JAVA_INT, StatxLayout.GID, 5);
    statx.set(JAVA_INT, StatxLayout.BLKSIZE, 6);
    statx.set(JAVA_LONG, StatxLayout.BLOCKS, 7);
    time(StatxLayout.MTIME, 8, 9);
    time(StatxLayout.ATIME, 10, 11);
    time(StatxLayout.CTIME, 12, 13);
    statx.set(JAVA_INT, StatxLayout.DIO_MEM_ALIGN, 14);
    statx.set(JAVA_INT, StatxLayout.DIO_OFFSET_ALIGN, 15);
    StatResult into = decoded();
    assertEquals(1L << 40, into.sizeBytes);
    assertEquals(0xc1ff, into.mode);
    assertEquals(2, into.inode);
    assertEquals(List.of(3, 4, 5, 6), List.of(into.linkCount, into.userId, into.groupId, into.blockSizeBytes));
    assertEquals(7, into.blocks);
    assertEquals(List.of(8L, 10L, 12L), List.of(into.modifiedSeconds, into.accessedSeconds, into.changedSeconds));
    assertEquals(List.of(9, 11, 13), List.of(into.modifiedNanos, into.accessedNanos, into.changedNanos));
    assertEquals(List.of(14, 15), List.of(into.directMemoryBytes, into.directPositionBytes));
  }

  /** All 64 bits of {@code makedev(3)}. */
  @Test
  void decode_devicesOfManyBits_arePackedAsTheCLibraryDoes() {
    statx.set(JAVA_INT, StatxLayout.DEV_MAJOR, 0x12345678);
    statx.set(JAVA_INT, StatxLayout.DEV_MINOR, 0x9abcdef0);
    assertEquals(0x123459abcde678f0L, decoded().device);
    statx.set(JAVA_INT, StatxLayout.DEV_MAJOR, 0xfedcba98);
    statx.set(JAVA_INT, StatxLayout.DEV_MINOR, 0x76543210);
    assertEquals(0xfedcb765432a9810L, decoded().device);
  }

  @Test
  void decode_timeOfBirth_isThatOfTheLastChangeWhereItIsNotKept() {
    time(StatxLayout.MTIME, 8, 9);
    time(StatxLayout.BTIME, 16, 17);
    statx.set(JAVA_INT, StatxLayout.MASK, ~Fcntl.STATX_BTIME);
    assertEquals(8, decoded().createdSeconds);
    assertEquals(9, decoded().createdNanos);
    statx.set(JAVA_INT, StatxLayout.MASK, Fcntl.STATX_BTIME);
    assertEquals(16, decoded().createdSeconds);
    assertEquals(17, decoded().createdNanos);
  }

  @Test
  void decode_alignmentOfDirectTransfers_isKnownOnlyIfItIsTold() {
    statx.set(JAVA_INT, StatxLayout.MASK, ~Fcntl.STATX_DIOALIGN);
    assertFalse(decoded().directAlignmentKnown);
    statx.set(JAVA_INT, StatxLayout.MASK, Fcntl.STATX_DIOALIGN);
    assertTrue(decoded().directAlignmentKnown);
  }

  /** Against what the JDK finds out by {@code stat(2)}. */
  @Test
  void stat_ofARealFile_saysWhatTheJdkSays() throws IOException {
    Path file = Files.write(directory.resolve("file"), new byte[5000]);
    StatResult into = new StatResult();
    assertEquals(0, DirectCalls.run(new Operation.StatPath(file, true, into)));
    Map<String, Object> expected = Files.readAttributes(file, "unix:*");
    assertEquals(expected.get("dev"), into.device);
    assertEquals(expected.get("ino"), into.inode);
    assertEquals(expected.get("mode"), into.mode);
    assertEquals(expected.get("size"), into.sizeBytes);
    assertEquals(expected.get("nlink"), into.linkCount);
  }

  /** Else the size, say, is not certain to be told. */
  @Test
  void statMask_asksForAllThatIsDecoded() {
    assertEquals(0x7ff | 0x800 | 0x2000, KernelValues.statMask());
  }

  /** The rest is for another call: the kernel refuses more as a whole. */
  @Test
  void iovecs_ofMorePiecesThanACallTakes_areCutThere() {
    MemorySegment memory = arena.allocate(8);
    List<Piece> pieces = new ArrayList<>();
    for (int i = 0; i <= IovecLayout.MAX_COUNT; i++) {
      assertEquals(i, KernelValues.iovecCount(pieces));
      pieces.add(new Piece(memory, 1000 + i, 1 + i));
    }
    assertEquals(IovecLayout.MAX_COUNT, KernelValues.iovecCount(pieces));
    MemorySegment array = KernelValues.iovecs(pieces, arena);
    assertEquals(IovecLayout.MAX_COUNT * IovecLayout.SIZE, array.byteSize());
    for (int i = 0; i < IovecLayout.MAX_COUNT; i++) {
      assertEquals(1000 + i, array.get(JAVA_LONG, i * IovecLayout.SIZE));
      assertEquals(1 + i, array.get(JAVA_LONG, i * IovecLayout.SIZE + Long.BYTES));
    }
  }
}
