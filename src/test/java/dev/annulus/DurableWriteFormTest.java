package dev.annulus;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.annulus.internal.driver.Errno;
import dev.annulus.internal.driver.OpenFlag;
import dev.annulus.internal.driver.Operation;
import dev.annulus.internal.driver.Request;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.RejectedExecutionException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** When a durable write is written through, and when it is followed by a sync. */
@Timeout(60)
class DurableWriteFormTest {
  private static final int SIZE = 8;

  /** More than are ever tried one way before the other is. */
  private static final int SOME = 20;

  private final HandDriver hand = new HandDriver();

  private HandFile open(Durability durability, OpenFlag... more) {
    hand.through = true;
    return HandFile.open(hand, TestPolicies.with(null, durability), more);
  }

  private static ByteBuffer buffer() {
    return ByteBuffer.allocateDirect(SIZE);
  }

  private static boolean isThrough(Request request) {
    return request.operation() instanceof Operation.Write write && write.isDurable();
  }

  /** One durable write to its end. True if it was written through. */
  private boolean writesThrough(HandFile on) {
    IoFuture<Void> write = on.file.writeDurably(buffer(), 0);
    boolean through = isThrough(hand.next());
    on.end(Operation.Write.class, SIZE);
    if (!through) {
      assertFalse(write.isDone());
      Request sync = on.take(Operation.Sync.class);
      assertEquals(new Operation.Sync(HandFile.FD, true), sync.operation());
      sync.completed(0);
    }
    assertTrue(write.isDone() && !write.isCompletedExceptionally(), write::toString);
    on.assertNothingSubmitted();
    return through;
  }

  private int countThrough(HandFile on) {
    int count = 0;
    for (int i = 0; i < SOME; i++) {
      count += writesThrough(on) ? 1 : 0;
    }
    return count;
  }

  // ---- what else is done with the file ----

  /** Changes of a file's contents that a later durable write is to cover. */
  enum Change {
    WRITE,
    WRITE_OF_HEAP,
    WRITE_OF_SEGMENT,
    WRITE_OF_SEVERAL,
    WRITE_FULLY,
    WRITE_SEGMENT_FULLY,
    APPEND,
    TRY,
    TRUNCATE;

    IoFuture<?> begin(AsyncFile file) {
      return switch (this) {
        case WRITE -> file.write(buffer(), 0);
        case WRITE_OF_HEAP -> file.write(ByteBuffer.allocate(SIZE), 0);
        case WRITE_OF_SEGMENT -> file.write(Arena.ofAuto().allocate(SIZE), 0);
        case WRITE_OF_SEVERAL -> file.write(List.of(buffer()), 0);
        case WRITE_FULLY -> file.writeFully(buffer(), 0);
        case WRITE_SEGMENT_FULLY -> file.writeFully(MemorySegment.ofArray(new byte[SIZE]), 0);
        case APPEND -> file.append(buffer());
        case TRUNCATE -> file.truncate(0);
        case TRY -> throw new AssertionError();
      };
    }
  }

  @ParameterizedTest
  @EnumSource
  void durableWrites_ofAFileThatIsChangedOtherwise_syncAfter(Change change) {
    HandFile on = change == Change.APPEND ? open(Durability.AUTO, OpenFlag.APPEND) : open(Durability.AUTO);
    int before = countThrough(on);
    assertTrue(before > 0 && before < SOME, before + " of " + SOME + " were written through: both forms are to be tried");
    if (change == Change.TRY) {
      hand.writer = () -> SIZE;
      assertEquals(SIZE, on.file.callerRuns().tryWrite(buffer(), 0));
    } else {
      IoFuture<?> changing = change.begin(on.file);
      hand.endNext(SIZE);
      assertTrue(changing.isDone());
    }
    assertEquals(0, countThrough(on), "would not cover what was written before");
  }

  /**
   * It may have been done, however its future ended; and it may be done while the durable write is
   * under way.
   */
  @Test
  void durableWrite_besideAnAppendThatHasNotEnded_syncsAfter() {
    HandFile on = open(Durability.AUTO, OpenFlag.APPEND);
    assertTrue(countThrough(on) > 0);
    IoFuture<Integer> append = on.file.append(buffer());
    Request appending = on.take(Operation.Write.class);
    assertEquals(0, countThrough(on));
    appending.completed(SIZE);
    assertEquals(SIZE, append.join());
  }

  @Test
  void durableWrites_ofAFileThatIsOnlyReadAndReserved_areTriedBothWays() {
    HandFile on = open(Durability.AUTO);
    IoFuture<?> read = on.file.read(buffer(), 0);
    hand.endNext(SIZE);
    IoFuture<?> allocated = on.file.allocate(0, 1);
    hand.endNext(0);
    IoFuture<?> locked = on.file.tryLockExclusive();
    hand.endNext(0);
    assertTrue(read.isDone() && allocated.isDone() && locked.isDone());
    assertTrue(countThrough(on) > 0);
  }

  @Test
  void durableWrites_thatAreToBeWrittenThrough_areAlso_whenTheFileIsChangedOtherwise() {
    HandFile on = open(Durability.WRITE_THROUGH);
    assertFalse(writesThrough(on), "nobody knows yet whether it can be synced");
    assertEquals(SOME, countThrough(on));
    IoFuture<?> write = on.file.write(buffer(), 0);
    hand.endNext(SIZE);
    assertTrue(write.isDone());
    assertEquals(SOME, countThrough(on));
  }

  @Test
  void durableWrites_thatAreToSyncAfter_do() {
    HandFile on = open(Durability.SYNC_AFTER);
    assertEquals(0, countThrough(on));
  }

  /** A sync of the user's shows as well that the file has one. */
  @Test
  void durableWrite_afterASync_mayBeWrittenThrough() {
    HandFile on = open(Durability.WRITE_THROUGH);
    IoFuture<Void> sync = on.file.sync(Sync.DATA);
    on.end(Operation.Sync.class, 0);
    assertTrue(sync.isDone());
    assertTrue(writesThrough(on));
  }

  @Test
  void durableWrite_afterASyncThatCannotBe_isNotWrittenThrough() {
    HandFile on = open(Durability.WRITE_THROUGH);
    IoFuture<Void> sync = on.file.sync(Sync.DATA);
    on.take(Operation.Sync.class).refused(new RejectedExecutionException("full"));
    assertTrue(sync.isCompletedExceptionally());
    assertFalse(writesThrough(on));
  }

  @Test
  void durableWrites_whereFilesOfTheKindAreNotKnownToSyncSuchWrites_syncAfter() {
    hand.through = true;
    HandFile on = HandFile.open(hand, TestPolicies.with(null, Durability.WRITE_THROUGH));
    hand.through = false; // asked for the file
    assertEquals(0, countThrough(on));
    hand.through = true;
    assertEquals(0, countThrough(on), "asked once");
    hand.through = false;
    HandFile other = HandFile.open(hand, TestPolicies.with(null, Durability.WRITE_THROUGH));
    hand.through = true;
    assertEquals(0, countThrough(other), "the driver cannot");
  }

  @Test
  void durableWrites_toAFileThatSyncsEachWrite_areNotWrittenThrough() {
    HandFile on = open(Durability.WRITE_THROUGH, OpenFlag.DSYNC);
    assertFalse(writesThrough(on));
    assertEquals(0, countThrough(on));
  }

  // ---- beside others ----

  private HandFile readyForWritingThrough() {
    HandFile on = open(Durability.WRITE_THROUGH);
    assertFalse(writesThrough(on));
    return on;
  }

  @Test
  void durableWrite_besideASync_isNotWrittenThrough() {
    HandFile on = readyForWritingThrough();
    IoFuture<Void> sync = on.file.sync(Sync.DATA);
    Request syncing = on.take(Operation.Sync.class);
    IoFuture<Void> write = on.file.writeDurably(buffer(), 0);
    assertFalse(isThrough(hand.next()), "each might be told of the other's loss");
    on.end(Operation.Write.class, SIZE);
    on.assertNothingSubmitted();
    syncing.completed(0);
    on.end(Operation.Sync.class, 0);
    assertTrue(sync.isDone() && write.isDone());
    assertTrue(writesThrough(on));
  }

  /** Those who wait for it go on, however it ends, and only then. */
  @Test
  void syncsBehindAWriteThrough_beginWhenItIsOver() {
    for (int end = 0; end < 5; end++) {
      HandFile on = readyForWritingThrough();
      IoFuture<Void> write = on.file.writeDurably(buffer(), 0);
      Request through = on.take(Operation.Write.class);
      IoFuture<Void> behind = on.file.sync(Sync.ALL);
      on.assertNothingSubmitted();
      switch (end) {
        case 0 -> through.completed(SIZE);
        case 1 -> through.completed(-Errno.EIO);
        case 2 -> through.refused(new RejectedExecutionException("full"));
        case 3 -> through.neverBegun();
        default -> through.abandoned(new RejectedExecutionException("gone"));
      }
      assertTrue(write.isDone());
      on.end(Operation.Sync.class, 0);
      assertTrue(behind.isDone());
      boolean lost = end == 1 || end == 4;
      assertEquals(lost, behind.isCompletedExceptionally(), "end " + end);
      on.assertNothingSubmitted();
    }
  }

  @Test
  void syncsBehindOneThatNeverBegan_goOn() {
    for (boolean refused : new boolean[] {true, false}) {
      HandFile on = open(Durability.SYNC_AFTER);
      IoFuture<Void> first = on.file.sync(Sync.DATA);
      IoFuture<Void> behind = on.file.sync(Sync.DATA);
      Request request = on.take(Operation.Sync.class);
      if (refused) {
        request.refused(new RejectedExecutionException("full"));
      } else {
        request.neverBegun();
      }
      assertTrue(first.isCompletedExceptionally());
      on.end(Operation.Sync.class, 0);
      assertTrue(behind.isDone() && !behind.isCompletedExceptionally(), behind::toString);
      on.assertNothingSubmitted();
      on.assertNothingBorrowed();
    }
  }

  /** The driver has ended. */
  @Test
  void syncs_thatComeTooLate_areRefused() {
    HandFile on = open(Durability.SYNC_AFTER);
    IoFuture<Void> first = on.file.sync(Sync.DATA);
    IoFuture<Void> behind = on.file.sync(Sync.DATA);
    on.descriptor.groupCommit().end(new RejectedExecutionException("closed"));
    Futures.assertNames(behind.exceptionNow(), "closed");
    Futures.assertNames(on.file.sync(Sync.DATA).exceptionNow(), "closed");
    on.end(Operation.Sync.class, 0);
    assertTrue(first.isDone() && !first.isCompletedExceptionally());
    on.assertNothingSubmitted();
    on.assertNothingBorrowed();
  }

  @Test
  void sync_thatIsGivenUp_isToldToAllWhoShareIt() {
    HandFile on = open(Durability.SYNC_AFTER);
    IoFuture<Void> first = on.file.sync(Sync.DATA);
    List<IoFuture<Void>> sharing = List.of(on.file.sync(Sync.DATA), on.file.sync(Sync.DATA));
    on.end(Operation.Sync.class, 0);
    assertTrue(first.isDone());
    hand.next().givenUp(new RejectedExecutionException("closed"));
    sharing.forEach(sync -> Futures.assertNames(sync.exceptionNow(), "closed"));
    on.end(Operation.Sync.class, 0);
    assertTrue(sharing.stream().allMatch(sync -> sync.released().isDone()));
  }

  /** It takes several writes, of which each would be synced. */
  @Test
  void durableWrite_ofALongHeapBuffer_isNotWrittenThrough() {
    HandFile on = readyForWritingThrough();
    IoFuture<Void> write = on.file.writeDurably(ByteBuffer.allocate(NativeBlocks.MAX_BYTES + 1), 0);
    assertFalse(isThrough(hand.next()));
    on.end(Operation.Write.class, NativeBlocks.MAX_BYTES);
    assertFalse(isThrough(hand.next()));
    on.end(Operation.Write.class, 1);
    on.end(Operation.Sync.class, 0);
    assertTrue(write.isDone() && !write.isCompletedExceptionally(), write::toString);
    on.assertNothingBorrowed();
  }

  /** A loss is known before the sync behind it is begun, which would succeed. */
  @Test
  void syncBehindAWriteThroughThatIsLost_isNotBelievedThoughItIsFaster() {
    for (boolean abandoned : new boolean[] {true, false}) {
      HandFile on = readyForWritingThrough();
      IoFuture<Void> write = on.file.writeDurably(buffer(), 0);
      Request through = on.take(Operation.Write.class);
      IoFuture<Void> behind = on.file.sync(Sync.ALL);
      hand.fast = true;
      if (abandoned) {
        through.abandoned(new RejectedExecutionException("gone"));
      } else {
        through.completed(-Errno.EIO);
      }
      hand.fast = false;
      assertTrue(write.isCompletedExceptionally());
      Futures.assertNames(behind.exceptionNow(), "earlier sync");
    }
  }

  /** The same for syncs: the next one must not be over before the loss is known. */
  @Test
  void syncBehindOneThatNeverEnds_isNotBelievedThoughItIsFaster() {
    HandFile on = open(Durability.SYNC_AFTER);
    IoFuture<Void> lost = on.file.sync(Sync.ALL);
    Request syncing = Objects.requireNonNull(hand.requests.poll());
    IoFuture<Void> behind = on.file.sync(Sync.ALL);
    hand.fast = true;
    syncing.abandoned(new RejectedExecutionException("gone"));
    assertTrue(lost.isCompletedExceptionally());
    Futures.assertNames(behind.exceptionNow(), "earlier sync", "never ended");
  }

  @Test
  void writeThrough_cutShort_keepsTheFileToItself() {
    HandFile on = readyForWritingThrough();
    IoFuture<Void> write = on.file.writeDurably(buffer(), 0);
    assertFalse(hand.next().isRepeatable());
    IoFuture<Void> behind = on.file.sync(Sync.DATA);
    on.end(Operation.Write.class, 3);
    assertTrue(isThrough(hand.next()));
    assertEquals(1, hand.requests.size());
    on.end(Operation.Write.class, SIZE - 3);
    assertTrue(write.isDone() && !write.isCompletedExceptionally());
    on.end(Operation.Sync.class, 0);
    assertTrue(behind.isDone());
    on.assertNothingBorrowed();
  }

  /** The file is given back once: a second time would let a sync begin beside another's write. */
  @Test
  void writesThrough_oneAfterAnother_eachHaveTheFileToThemselves() {
    HandFile on = readyForWritingThrough();
    IoFuture<Void> first = on.file.writeDurably(buffer(), 0);
    Request firstRequest = on.take(Operation.Write.class);
    IoFuture<Void> behind = on.file.sync(Sync.DATA);
    firstRequest.completed(SIZE);
    Request sync = on.take(Operation.Sync.class);
    firstRequest.completed(SIZE); // told again, after an error of the JVM
    IoFuture<Void> late = on.file.sync(Sync.DATA);
    on.assertNothingSubmitted();
    sync.completed(0);
    on.end(Operation.Sync.class, 0);
    assertTrue(first.isDone() && behind.isDone() && late.isDone());
    on.assertNothingSubmitted();
  }

  /** Success that came when a loss was known means nothing. */
  @Test
  void syncs_answeredWellAfterALoss_fail() {
    HandFile on = open(Durability.SYNC_AFTER);
    IoFuture<Void> sync = on.file.sync(Sync.DATA);
    on.descriptor.latchSyncFailure(new IOException("by the test"));
    on.end(Operation.Sync.class, 0);
    Futures.assertNames(sync.exceptionNow(), "earlier sync", "by the test");

    HandFile other = open(Durability.SYNC_AFTER);
    IoFuture<Void> write = other.file.writeDurably(buffer(), 0);
    other.end(Operation.Write.class, SIZE);
    other.descriptor.latchSyncFailure(new IOException("by the test"));
    other.end(Operation.Sync.class, 0);
    Futures.assertNames(write.exceptionNow(), "earlier sync", "by the test");

    HandFile through = readyForWritingThrough();
    IoFuture<Void> written = through.file.writeDurably(buffer(), 0);
    through.descriptor.latchSyncFailure(new IOException("by the test"));
    through.end(Operation.Write.class, SIZE);
    Futures.assertNames(written.exceptionNow(), "earlier sync", "by the test");
  }

  // ---- what it takes, and who is told ----

  /** So that the clock shows it. */
  private static void takeTime() {
    long until = System.nanoTime() + 3_000_000;
    while (System.nanoTime() < until) {
      Thread.onSpinWait();
    }
  }

  /** Both forms are tried, and then the one that took less time is kept to. */
  @Test
  void durableWrites_keepToTheFasterForm() {
    for (boolean throughIsFaster : new boolean[] {true, false}) {
      HandFile on = open(Durability.AUTO);
      boolean _ = writesThrough(on); // nobody knows yet whether it can be synced
      for (int i = 0; i < 2 * FasterForm.TRIALS_OF_EACH; i++) {
        IoFuture<Void> write = on.file.writeDurably(buffer(), 0);
        boolean through = isThrough(hand.next());
        if (through != throughIsFaster) {
          takeTime();
        }
        on.end(Operation.Write.class, SIZE);
        if (!through) {
          on.end(Operation.Sync.class, 0);
        }
        assertTrue(write.isDone());
      }
      assertEquals(throughIsFaster ? SOME : 0, countThrough(on));
    }
  }

  /** To those who watch, the write and the sync behind it are two operations, and each ends. */
  @Test
  void durableWrite_isToldAsTheOperationsItConsistsOf() {
    HandFile on = readyForWritingThrough();
    List<String> told = new ArrayList<>();
    on.engine
        .listeners()
        .add(
            new RuntimeListener() {
              @Override
              public void operationEnded(OperationEnd end) {
                told.add(end.type() + " " + end.outcome());
              }
            });
    assertTrue(writesThrough(on));
    assertEquals(1, told.size());
    IoFuture<Void> sync = on.file.sync(Sync.DATA);
    Request syncing = on.take(Operation.Sync.class);
    IoFuture<Void> write = on.file.writeDurably(buffer(), 0);
    on.end(Operation.Write.class, SIZE);
    String ended = told.getFirst();
    assertEquals(List.of(ended, ended), told, "a write, and another that a sync follows");
    syncing.completed(0);
    on.end(Operation.Sync.class, 0);
    assertTrue(sync.isDone() && write.isDone());
    assertEquals(4, told.size());
    assertEquals(told.get(2), told.get(3));
  }

  /** The descriptor goes with the last operation, and at once. */
  @Test
  void close_duringADurableWrite_comesWithTheEndOfThat() {
    for (Durability durability : new Durability[] {Durability.SYNC_AFTER, Durability.WRITE_THROUGH}) {
      HandFile on = open(durability);
      boolean _ = writesThrough(on);
      IoFuture<Void> write = on.file.writeDurably(buffer(), 0);
      CompletableFuture<Void> closed = on.file.closeAsync();
      on.end(Operation.Write.class, SIZE);
      if (durability == Durability.SYNC_AFTER) {
        on.end(Operation.Sync.class, 0);
      }
      assertTrue(write.isDone() && !write.isCompletedExceptionally(), write::toString);
      on.end(Operation.Close.class, 0);
      assertTrue(closed.isDone());
      on.assertNothingSubmitted();
    }
  }
}
