package dev.annulus;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.annulus.internal.driver.Errno;
import dev.annulus.internal.driver.OpenFlag;
import dev.annulus.internal.driver.Operation;
import dev.annulus.internal.driver.Request;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.util.AbstractList;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.RejectedExecutionException;
import java.util.function.BiConsumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * What an operation borrows, a lease on its file and memory, is given back once, however it ends or
 * does not begin.
 */
@Timeout(60)
class BorrowedTest {
  private static final int SIZE = 100;
  private static final int LONG = NativeBlocks.MAX_BYTES + 1;

  private final HandDriver hand = new HandDriver();

  interface Begin {
    IoFuture<?> on(AsyncFile file, Memory memory);
  }

  /** What is transferred. */
  enum Memory {
    HEAP,
    HEAP_IN_PIECES,
    NATIVE,
    LEASED
  }

  /** A buffer of a kind, and its lease. */
  private static ByteBuffer buffer(Memory kind) {
    return switch (kind) {
      case HEAP -> ByteBuffer.allocate(SIZE);
      case HEAP_IN_PIECES -> ByteBuffer.allocate(LONG);
      case NATIVE, LEASED -> ByteBuffer.allocateDirect(SIZE);
    };
  }

  enum Kind {
    READ((file, memory) -> file.read(buffer(memory), 0)),
    READ_SEGMENT((file, memory) -> file.read(MemorySegment.ofBuffer(buffer(memory)), 0)),
    READ_FULLY((file, memory) -> file.readFully(buffer(memory), 0)),
    READ_SEGMENT_FULLY((file, memory) -> file.readFully(MemorySegment.ofBuffer(buffer(memory)), 0)),
    READ_SEVERAL((file, memory) -> file.read(List.of(buffer(memory), buffer(memory)), 0)),
    WRITE((file, memory) -> file.write(buffer(memory), 0)),
    WRITE_SEGMENT((file, memory) -> file.write(MemorySegment.ofBuffer(buffer(memory)), 0)),
    WRITE_FULLY((file, memory) -> file.writeFully(buffer(memory), 0)),
    WRITE_SEGMENT_FULLY((file, memory) -> file.writeFully(MemorySegment.ofBuffer(buffer(memory)), 0)),
    WRITE_SEVERAL((file, memory) -> file.write(List.of(buffer(memory), buffer(memory)), 0)),
    WRITE_DURABLY((file, memory) -> file.writeDurably(buffer(memory), 0)),
    APPEND((file, memory) -> file.append(buffer(memory))),
    SYNC((file, _) -> file.sync(Sync.DATA)),
    STAT((file, _) -> file.stat()),
    TRUNCATE((file, _) -> file.truncate(0)),
    ALLOCATE((file, _) -> file.allocate(0, 1)),
    LOCK((file, _) -> file.tryLockExclusive()),
    UNLOCK((file, _) -> file.unlock());

    private final Begin begin;

    Kind(Begin begin) {
      this.begin = begin;
    }

    boolean transfers() {
      return !Set.of(SYNC, STAT, TRUNCATE, ALLOCATE, LOCK, UNLOCK).contains(this);
    }

    HandFile open(HandDriver hand) {
      hand.positions = () -> true;
      return this == APPEND ? HandFile.open(hand, OpenFlag.APPEND) : HandFile.open(hand);
    }

    IoFuture<?> begin(HandFile on, Memory memory) {
      return begin.on(on.file, memory);
    }
  }

  /**
   * Each kind with heap memory, which takes the runtime's own, in one piece and in several, and
   * with native memory.
   */
  private void each(Kind kind, BiConsumer<HandFile, Memory> test) {
    for (Memory memory : List.of(Memory.HEAP, Memory.HEAP_IN_PIECES, Memory.NATIVE)) {
      test.accept(kind.open(hand), memory);
      hand.requests.clear();
    }
  }

  @ParameterizedTest
  @EnumSource
  void operation_thatIsRefused_keepsNothing(Kind kind) {
    each(
        kind,
        (on, memory) -> {
          IoFuture<?> refused = kind.begin(on, memory);
          assertEquals(1, on.leases());
          Objects.requireNonNull(hand.requests.poll()).refused(new RejectedExecutionException("full"));
          Futures.assertNames(refused.exceptionNow(), "full");
          assertTrue(refused.released().isDone());
          on.assertNothingBorrowed();
          close(on, kind);
        });
  }

  @ParameterizedTest
  @EnumSource
  void operation_thatFails_keepsNothing(Kind kind) {
    each(
        kind,
        (on, memory) -> {
          IoFuture<?> failed = kind.begin(on, memory);
          hand.endNext(-Errno.EIO);
          assertTrue(failed.isCompletedExceptionally());
          on.assertNothingBorrowed();
          close(on, kind);
        });
  }

  @ParameterizedTest
  @EnumSource
  void operation_thatCannotBeSubmitted_keepsNothing(Kind kind) {
    each(
        kind,
        (on, memory) -> {
          Error want = new OutOfMemoryError("by the test");
          hand.submitFails = want;
          assertSame(want, assertThrows(OutOfMemoryError.class, () -> kind.begin(on, memory)));
          hand.submitFails = null;
          on.assertNothingBorrowed();
          close(on, kind);
        });
  }

  /** Another thread may close the file when its memory is taken and its lease is not. */
  @ParameterizedTest
  @EnumSource
  void operation_whoseFileIsClosedBeforeItHasItsLease_keepsNothing(Kind kind) {
    each(
        kind,
        (on, memory) -> {
          closeBeforeNextLease(on);
          IllegalStateException closed = assertThrows(IllegalStateException.class, () -> kind.begin(on, memory));
          Futures.assertNames(closed, "closed", HandFile.PATH);
          on.assertNothingBorrowed();
          hand.requests.clear();
        });
  }

  /** Settling an earlier operation's debts is what happens just before a lease is taken. */
  private void closeBeforeNextLease(HandFile on) {
    on.descriptor.owed[0] =
        new FileFuture.Plain<Void>(on.descriptor, new Operation.Nop()) {
          @Override
          void onSuccess(int result) {
            throw new AssertionError();
          }

          @Override
          void release() {
            on.descriptor.closeUnheard();
          }
        };
    on.descriptor.owes = true;
  }

  @ParameterizedTest
  @EnumSource
  void operation_onAClosedFile_takesNothing(Kind kind) {
    each(
        kind,
        (on, memory) -> {
          close(on, kind);
          assertThrows(IllegalStateException.class, () -> kind.begin(on, memory));
          on.assertNothingSubmitted();
          on.assertNothingBorrowed();
        });
  }

  /**
   * Its memory is the kernel's for ever, and its descriptor's number must not be given to another
   * file.
   */
  @ParameterizedTest
  @EnumSource
  void operation_thatNeverEnds_keepsMemoryAndDescriptor(Kind kind) {
    HandFile on = kind.open(hand);
    IoFuture<?> lost = kind.begin(on, Memory.HEAP);
    Request request = Objects.requireNonNull(hand.requests.poll());
    request.abandoned(new RejectedExecutionException("gone"));
    assertTrue(lost.isCompletedExceptionally() && lost.released().isCompletedExceptionally());
    assertEquals(1, on.leases());
    assertFalse(on.file.isOpen());
    assertTrue(on.file.closeAsync().isCompletedExceptionally());
    on.descriptor.closeIfUnused();
    assertFalse(on.engine.openDescriptors().contains(on.descriptor));
    assertTrue(hand.requests.isEmpty(), "the descriptor is closed under an operation");
    on.engine.freeMemory();
    assertEquals(kind.transfers(), on.engine.heapCopies().blocks().allocatedBytes() > 0);
  }

  /** Of two operations one is abandoned, and the end of the other must not close the descriptor. */
  @Test
  void operationsBesideOneThatNeverEnds_endAndDoNotClose() {
    HandFile on = HandFile.open(hand);
    IoFuture<Integer> lost = on.file.read(buffer(Memory.HEAP), 0);
    IoFuture<Integer> other = on.file.write(buffer(Memory.HEAP), 0);
    Objects.requireNonNull(hand.requests.poll()).abandoned(new RejectedExecutionException("gone"));
    hand.endNext(SIZE);
    assertEquals(SIZE, other.join());
    assertTrue(lost.isCompletedExceptionally());
    assertTrue(on.file.closeAsync().isCompletedExceptionally());
    on.file.close();
    assertEquals(1, on.leases());
    on.assertNothingSubmitted();
  }

  @Test
  void leasedMemory_ofOperationsThatDoNotBegin_canBeLentAgain() {
    HandFile on = HandFile.open(hand);
    BufferPool.Lease lease = on.engine.bufferPool().lease(SIZE);
    ByteBuffer buffer = lease.buffer();
    IoFuture<Integer> refused = on.file.read(buffer, 0);
    Objects.requireNonNull(hand.requests.poll()).refused(new RejectedExecutionException("full"));
    assertTrue(refused.isCompletedExceptionally());
    hand.submitFails = new OutOfMemoryError("by the test");
    assertThrows(OutOfMemoryError.class, () -> on.file.write(buffer, 0));
    hand.submitFails = null;
    closeBeforeNextLease(on);
    assertThrows(IllegalStateException.class, () -> on.file.write(buffer, 0));
    lease.close();
    on.assertNothingBorrowed();
  }

  // ---- of batches ----

  @Test
  void batch_ofWhichOneHasMemoryOfAClosedLease_keepsNothingOfTheOthers() {
    HandFile on = HandFile.open(hand);
    BufferPool.Lease lease = on.engine.bufferPool().lease(2 * BufferPool.PAGE_BYTES);
    ByteBuffer closed = lease.buffer().position(BufferPool.PAGE_BYTES); // its first page will be lent again
    lease.close();
    List<BufferAt> reads = List.of(new BufferAt(buffer(Memory.HEAP), 0), new BufferAt(closed, 0));
    assertThrows(IllegalStateException.class, () -> on.file.readMany(reads));
    on.assertNothingSubmitted();
    on.assertNothingBorrowed();
    close(on, Kind.READ);
  }

  @Test
  void batch_whoseFileIsClosedBeforeItsLeases_keepsNothing() {
    HandFile on = HandFile.open(hand);
    hand.onRegister = on.descriptor::closeUnheard; // once, when the pool's memory is made for the first who uses it
    for (int i = 0; !on.engine.bufferPool().isMade(); i++) {
      assertTrue(i < 1000, "the pool is never used");
      List<BufferAt> reads = List.of(new BufferAt(buffer(Memory.HEAP), 0), new BufferAt(buffer(Memory.HEAP), 0));
      try {
        List<IoFuture<Void>> _ = on.file.readMany(reads);
        hand.endNext(SIZE);
        hand.endNext(SIZE);
      } catch (IllegalStateException e) {
        Futures.assertNames(e, "closed", HandFile.PATH);
      }
    }
    assertFalse(on.file.isOpen());
    on.end(Operation.Close.class, 0);
    on.assertNothingSubmitted();
    on.assertNothingBorrowed();
  }

  @Test
  void batch_thatIsRefusedOrCannotBeSubmitted_keepsNothing() {
    HandFile on = HandFile.open(hand);
    List<BufferAt> reads = List.of(new BufferAt(buffer(Memory.HEAP), 0), new BufferAt(buffer(Memory.NATIVE), 0));
    List<IoFuture<Void>> refused = on.file.readMany(reads);
    assertEquals(2, on.leases());
    hand.requests.remove().refused(new RejectedExecutionException("full"));
    hand.requests.remove().refused(new RejectedExecutionException("full"));
    hand.submitFails = new OutOfMemoryError("by the test");
    List<IoFuture<Void>> failed = on.file.readMany(reads);
    hand.submitFails = null;
    List<IoFuture<Void>> all = new ArrayList<>(refused);
    all.addAll(failed);
    assertTrue(all.stream().allMatch(read -> read.isCompletedExceptionally() && read.released().isDone()));
    on.assertNothingSubmitted();
    on.assertNothingBorrowed();
    close(on, Kind.READ);
  }

  // ---- bad arguments ----

  /** The list is the user's: it may do anything when it is looked at. */
  @Test
  void vectors_whoseListClosesTheFile_keepNothing() {
    for (boolean read : new boolean[] {true, false}) {
      HandFile on = HandFile.open(hand);
      List<ByteBuffer> closing =
          new AbstractList<>() {
            @Override
            public ByteBuffer get(int index) {
              on.descriptor.closeUnheard();
              return buffer(Memory.HEAP);
            }

            @Override
            public int size() {
              return 1;
            }
          };
      assertThrows(IllegalStateException.class, () -> read(on.file, closing, read));
      on.end(Operation.Close.class, 0);
      on.assertNothingSubmitted();
      on.assertNothingBorrowed();
    }
  }

  private static IoFuture<Long> read(AsyncFile file, List<ByteBuffer> buffers, boolean read) {
    return read ? file.read(buffers, 0) : file.write(buffers, 0);
  }

  @Test
  void reads_ofAFileWhosePositionsCannotBeAsked_keepNothing() {
    HandFile on = HandFile.open(hand);
    hand.positions =
        () -> {
          throw new IllegalStateException("by the test");
        };
    ByteBuffer longOne = ByteBuffer.allocate(LONG);
    List<Callable<IoFuture<?>>> reads =
        List.of(
            () -> on.file.read(longOne, 0),
            () -> on.file.read(MemorySegment.ofBuffer(longOne), 0),
            () -> on.file.read(List.of(longOne, longOne), 0));
    for (Callable<IoFuture<?>> read : reads) {
      Futures.assertNames(assertThrows(IllegalStateException.class, read::call), "by the test");
    }
    on.assertNothingSubmitted();
    on.assertNothingBorrowed();
    close(on, Kind.READ);
  }

  private static void close(HandFile on, Kind kind) {
    CompletableFuture<Void> closed = on.file.closeAsync();
    if (kind == Kind.LOCK && on.hand.next().operation() instanceof Operation.Unlock) {
      on.end(Operation.Unlock.class, 0);
    }
    on.end(Operation.Close.class, 0);
    assertTrue(closed.isDone() && !closed.isCompletedExceptionally(), closed::toString);
    on.assertNothingSubmitted();
  }
}
