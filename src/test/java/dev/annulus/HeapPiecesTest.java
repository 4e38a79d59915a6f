package dev.annulus;

import static java.nio.file.StandardOpenOption.APPEND;
import static java.nio.file.StandardOpenOption.DSYNC;
import static java.nio.file.StandardOpenOption.READ;
import static java.nio.file.StandardOpenOption.WRITE;
import static java.util.concurrent.TimeUnit.SECONDS;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.annulus.internal.driver.Errno;
import dev.annulus.internal.driver.Operation;
import dev.annulus.internal.driver.Operation.Piece;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.file.OpenOption;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * Heap buffers longer than a block of native memory: which operations their transfers are made of,
 * and how those may end.
 */
@Timeout(60)
class HeapPiecesTest {
  private static final int BLOCK = NativeBlocks.MAX_BYTES;
  private static final int SIZE = 3 * BLOCK + 1000;
  private static final byte UNTOUCHED = 7;

  private final HandDriver hand = new HandDriver();
  private final byte[] contents = BackendContract.bytes(SIZE, 1);

  /** What the driver has written, or reads. */
  private byte[] disk = new byte[2 * SIZE];

  /** Whether the file has no places to read from. */
  private boolean pipe;

  private AsyncFile open(OpenOption... options) throws Exception {
    hand.reader = () -> pipe ? -Errno.ESPIPE : 0;
    IoRuntime runtime = new IoRuntime("by-hand", Backend.IO_URING, hand, TestPolicies.plain(), Duration.ZERO);
    CompletableFuture<AsyncFile> opening = runtime.openFile(Path.of("file"), options);
    hand.endNext(99);
    hand.ended.clear();
    return opening.get(10, SECONDS);
  }

  /** Carries out so many bytes of the operation that was submitted, and ends it. */
  @SuppressWarnings("restricted")
  private void transfer(int count) {
    int at = 0;
    for (Piece piece : pieces(hand.next().operation())) {
      int here = Math.min(count - at, piece.length());
      MemorySegment memory = MemorySegment.ofAddress(piece.address()).reinterpret(here);
      int offset = (int) offset(hand.next().operation()) + at;
      if (isRead(hand.next().operation())) {
        MemorySegment.copy(disk, offset, memory, ValueLayout.JAVA_BYTE, 0, here);
      } else {
        MemorySegment.copy(memory, ValueLayout.JAVA_BYTE, 0, disk, offset, here);
      }
      at += here;
    }
    hand.endNext(count);
  }

  private void transferAll() {
    transfer(length(hand.next().operation()));
  }

  private static boolean isRead(Operation operation) {
    return operation instanceof Operation.Read || operation instanceof Operation.ReadVector;
  }

  private static List<Piece> pieces(Operation operation) {
    return switch (operation) {
      case Operation.Transfer transfer -> List.of(new Piece(transfer.memory(), transfer.address(), transfer.length()));
      case Operation.ReadVector vector -> vector.pieces();
      case Operation.WriteVector vector -> vector.pieces();
      default -> throw new AssertionError(operation.name());
    };
  }

  private static long offset(Operation operation) {
    return switch (operation) {
      case Operation.Transfer transfer -> Math.max(0, transfer.offset());
      case Operation.ReadVector vector -> vector.offset();
      case Operation.WriteVector vector -> vector.offset();
      default -> throw new AssertionError(operation.name());
    };
  }

  private static int length(Operation operation) {
    return pieces(operation).stream().mapToInt(Piece::length).sum();
  }

  private byte[] written() {
    return Arrays.copyOf(disk, SIZE);
  }

  private void fillDisk() {
    System.arraycopy(contents, 0, disk, 0, SIZE);
  }

  // ---- plain ones ----

  @Test
  void write_ofALongBuffer_isWrittenInPiecesThroughOneBlock() throws Exception {
    ByteBuffer buffer = ByteBuffer.wrap(contents);
    IoFuture<Integer> write = open(WRITE).write(buffer, 0);
    long address = pieces(hand.next().operation()).getFirst().address();
    int operations = 0;
    for (; !hand.requests.isEmpty(); operations++) {
      assertEquals(address, pieces(hand.next().operation()).getFirst().address());
      assertFalse(write.isDone());
      transferAll();
    }
    assertEquals(4, operations);
    assertEquals(SIZE, write.get(10, SECONDS));
    assertEquals(SIZE, buffer.position());
    assertArrayEquals(contents, written());
    assertNull(write.released().get(10, SECONDS));
  }

  @Test
  void read_ofALongBuffer_stopsAtTheFirstShortPieceAndLeavesTheRestUntouched() throws Exception {
    fillDisk();
    byte[] target = new byte[SIZE];
    Arrays.fill(target, UNTOUCHED);
    ByteBuffer buffer = ByteBuffer.wrap(target);
    IoFuture<Integer> read = open(READ).read(buffer, 0);
    transferAll();
    transfer(10);
    assertEquals(BLOCK + 10, read.get(10, SECONDS));
    assertEquals(BLOCK + 10, buffer.position());
    byte[] expected = new byte[SIZE];
    Arrays.fill(expected, UNTOUCHED);
    System.arraycopy(contents, 0, expected, 0, BLOCK + 10);
    assertArrayEquals(expected, target);
    assertTrue(hand.requests.isEmpty());
  }

  @Test
  void read_atTheEndOfFileAfterAPiece_reportsThePiece_andAtOnceReportsTheEnd() throws Exception {
    AsyncFile file = open(READ);
    IoFuture<Integer> read = file.read(ByteBuffer.allocate(SIZE), 0);
    transferAll();
    transfer(0);
    assertEquals(BLOCK, read.get(10, SECONDS));
    IoFuture<Long> atEnd = file.read(MemorySegment.ofArray(new byte[SIZE]), SIZE);
    hand.endNext(0);
    hand.endNext(0); // asked for its length, the file is empty
    assertEquals(-1L, atEnd.get(10, SECONDS));
  }

  @Test
  void transfers_thatFailAfterAPiece_reportThePiece_andAtOnceFail() throws Exception {
    AsyncFile file = open(READ, WRITE);
    for (int i = 0; i < 2; i++) {
      boolean read = i == 0;
      ByteBuffer buffer = ByteBuffer.wrap(contents);
      IoFuture<Integer> later = read ? file.read(buffer, 0) : file.write(buffer, 0);
      transferAll();
      hand.endNext(-Errno.EIO);
      assertEquals(BLOCK, later.get(10, SECONDS));
      assertEquals(BLOCK, buffer.position());
      ByteBuffer whole = ByteBuffer.wrap(contents);
      IoFuture<Integer> first = read ? file.read(whole, 0) : file.write(whole, 0);
      hand.endNext(-Errno.EIO);
      assertInstanceOf(ErrnoException.class, assertThrows(ExecutionException.class, () -> first.get(10, SECONDS)).getCause());
      assertEquals(0, whole.position());
      assertNull(first.released().get(10, SECONDS));
    }
  }

  /** The count is told, and the loss is not forgotten for it. */
  @Test
  void write_toASyncedFileThatFailsAfterAPiece_isRememberedAsALoss() throws Exception {
    AsyncFile file = open(WRITE, DSYNC);
    IoFuture<Integer> write = file.write(ByteBuffer.wrap(contents), 0);
    transferAll();
    hand.endNext(-Errno.EIO);
    assertThrows(ExecutionException.class, () -> write.get(10, SECONDS));
    IoFuture<Void> sync = file.sync(Sync.DATA);
    assertThrows(ExecutionException.class, () -> sync.get(10, SECONDS));
  }

  /** What it holds may be all there is for now; the next piece would wait. */
  @Test
  void read_ofAPipe_takesOnePieceOnly() throws Exception {
    pipe = true;
    AsyncFile file = open(READ);
    IoFuture<Integer> read = file.read(ByteBuffer.allocate(SIZE), 0);
    transferAll();
    assertEquals(BLOCK, read.get(10, SECONDS));
    IoFuture<Long> scatter = file.read(List.of(ByteBuffer.allocate(SIZE), ByteBuffer.allocate(SIZE)), 0);
    transferAll();
    assertEquals(BLOCK, scatter.get(10, SECONDS));
  }

  // ---- whole ones ----

  @Test
  void fullTransfers_shortAgainAndAgain_transferEverything() throws Exception {
    long seed = System.nanoTime();
    Random random = new Random(seed);
    AsyncFile file = open(READ, WRITE);
    IoFuture<Void> write = file.writeFully(ByteBuffer.wrap(contents), 0);
    while (!hand.requests.isEmpty()) {
      transfer(1 + random.nextInt(length(hand.next().operation())));
    }
    assertNull(write.get(10, SECONDS));
    assertArrayEquals(contents, written(), "seed " + seed);
    byte[] target = new byte[SIZE];
    IoFuture<Void> read = file.readFully(MemorySegment.ofArray(target), 0);
    while (!hand.requests.isEmpty()) {
      transfer(1 + random.nextInt(length(hand.next().operation())));
    }
    assertNull(read.get(10, SECONDS));
    assertArrayEquals(contents, target, "seed " + seed);
  }

  @Test
  void fullTransfer_thatFailsInTheMiddle_failsWithThePositionTellingHowMuchWasWritten() throws Exception {
    ByteBuffer buffer = ByteBuffer.wrap(contents);
    IoFuture<Void> write = open(WRITE).writeFully(buffer, 0);
    transferAll();
    transfer(100);
    hand.endNext(-Errno.ENOSPC);
    assertThrows(ExecutionException.class, () -> write.get(10, SECONDS));
    assertEquals(BLOCK + 100, buffer.position());
    assertNull(write.released().get(10, SECONDS));
  }

  @Test
  void writeDurably_ofALongBuffer_syncsOnceWhenAllIsWritten() throws Exception {
    hand.through = true;
    IoFuture<Void> write = open(WRITE).writeDurably(ByteBuffer.wrap(contents), 0);
    for (int i = 0; i < 4; i++) {
      assertFalse(((Operation.Write) hand.next().operation()).isDurable());
      transferAll();
      assertFalse(write.isDone());
    }
    assertInstanceOf(Operation.Sync.class, hand.next().operation());
    hand.endNext(0);
    assertNull(write.get(10, SECONDS));
    assertArrayEquals(contents, written());
  }

  // ---- appends ----

  @Test
  void appends_ofLongBuffers_areOneOperationEach() throws Exception {
    AsyncFile file = open(APPEND);
    List<IoFuture<?>> appends =
        List.of(
            file.append(ByteBuffer.wrap(contents)),
            file.write(ByteBuffer.wrap(contents), 0),
            file.write(MemorySegment.ofArray(contents), 0),
            file.writeFully(ByteBuffer.wrap(contents), 0),
            file.write(List.of(ByteBuffer.wrap(contents, 0, 2 * BLOCK), ByteBuffer.wrap(contents, 2 * BLOCK, BLOCK + 1000)), 0));
    for (IoFuture<?> append : appends) {
      Arrays.fill(disk, (byte) 0);
      assertEquals(SIZE, length(hand.next().operation()));
      transferAll();
      Object _ = append.get(10, SECONDS);
      assertArrayEquals(contents, written());
    }
    assertTrue(hand.requests.isEmpty());
  }

  @Test
  void durableAppend_ofALongBuffer_isOneWriteAndASync() throws Exception {
    IoFuture<Void> write = open(APPEND).writeDurably(ByteBuffer.wrap(contents), 0);
    assertEquals(SIZE, length(hand.next().operation()));
    transferAll();
    assertInstanceOf(Operation.Sync.class, hand.next().operation());
    hand.endNext(0);
    assertNull(write.get(10, SECONDS));
    assertArrayEquals(contents, written());
  }

  // ---- several buffers ----

  @Test
  void vectors_ofHeapAndNativeBuffers_goOnUntilAllIsTransferred() throws Exception {
    fillDisk();
    AsyncFile file = open(READ, WRITE);
    List<ByteBuffer> targets = vector();
    IoFuture<Long> read = file.read(targets, 0);
    int reads = 0;
    for (; !hand.requests.isEmpty(); reads++) {
      assertFalse(read.isDone());
      transferAll();
    }
    assertTrue(reads > 1, "in one operation");
    assertEquals(SIZE, read.get(10, SECONDS));
    assertArrayEquals(contents, joined(targets));
    Arrays.fill(disk, (byte) 0);
    targets.forEach(ByteBuffer::rewind);
    IoFuture<Long> write = file.write(targets, 0);
    while (!hand.requests.isEmpty()) {
      transferAll();
    }
    assertEquals(SIZE, write.get(10, SECONDS));
    assertArrayEquals(contents, written());
  }

  @Test
  void vectors_shortOrFailingInTheMiddle_reportWhatWasTransferred() throws Exception {
    fillDisk();
    AsyncFile file = open(READ, WRITE);
    List<ByteBuffer> targets = vector();
    IoFuture<Long> read = file.read(targets, 0);
    int first = length(hand.next().operation());
    transferAll();
    transfer(10);
    assertEquals(first + 10L, read.get(10, SECONDS));
    assertArrayEquals(Arrays.copyOf(contents, first + 10), Arrays.copyOf(joined(targets), first + 10));
    assertEquals(first + 10, targets.stream().mapToInt(ByteBuffer::position).sum());
    targets.forEach(ByteBuffer::rewind);
    IoFuture<Long> write = file.write(targets, 0);
    transferAll();
    hand.endNext(-Errno.EIO);
    assertEquals(first, write.get(10, SECONDS));
    assertNull(write.released().get(10, SECONDS));
  }

  private static List<ByteBuffer> vector() {
    return List.of(
        ByteBuffer.allocate(100),
        ByteBuffer.allocate(0),
        ByteBuffer.allocateDirect(1000),
        ByteBuffer.allocate(2 * BLOCK),
        ByteBuffer.allocateDirect(BLOCK - 200),
        ByteBuffer.allocate(100));
  }

  private static byte[] joined(List<ByteBuffer> buffers) {
    ByteBuffer all = ByteBuffer.allocate(SIZE);
    buffers.forEach(buffer -> all.put(buffer.duplicate().rewind()));
    return all.array();
  }

  // ---- the end ----

  @Test
  void transfers_cancelledInAPiece_endWithItAndGiveEverythingBack() throws Exception {
    AsyncFile file = open(READ, WRITE);
    List<IoFuture<?>> all =
        List.of(
            file.write(ByteBuffer.wrap(contents), 0),
            file.readFully(ByteBuffer.allocate(SIZE), 0),
            file.writeDurably(ByteBuffer.wrap(contents), 0),
            file.read(List.of(ByteBuffer.allocate(SIZE)), 0));
    for (int i = 0; i < all.size(); i++) {
      transferAll();
    }
    for (IoFuture<?> transfer : all) {
      assertTrue(transfer.cancel(false));
      CompletableFuture<Void> released = transfer.released();
      assertFalse(released.isDone(), "the kernel has the memory");
      hand.endNext(100);
      assertNull(released.get(10, SECONDS));
    }
    assertTrue(hand.requests.isEmpty());
    CompletableFuture<Void> closed = file.closeAsync();
    hand.endNext(0);
    assertNull(closed.get(10, SECONDS));
  }

  /** A cancellation that comes when no operation is with the driver must reach the next one. */
  @Test
  void transfer_cancelledBetweenPieces_isCancelledWhenItGoesOn() throws Exception {
    AsyncFile file = open(WRITE);
    List<IoFuture<Void>> future = new ArrayList<>();
    hand.beforeNext = () -> assertTrue(future.getFirst().cancel(false));
    future.add(file.writeFully(ByteBuffer.wrap(contents), 0));
    transferAll();
    assertTrue(hand.cancelled.size() >= 2, "the second time of the operation that was then begun");
    hand.endNext(-Errno.ECANCELED);
    assertNull(future.getFirst().released().get(10, SECONDS));
  }
}
