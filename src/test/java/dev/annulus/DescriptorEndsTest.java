package dev.annulus;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.annulus.internal.driver.Errno;
import dev.annulus.internal.driver.Operation;
import dev.annulus.internal.driver.Refusals;
import dev.annulus.internal.driver.Request;
import dev.annulus.testing.CapturedLog;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.RejectedExecutionException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * How a descriptor is given back: once, whatever stands in the way, and never under an operation.
 */
@Timeout(60)
class DescriptorEndsTest {
  private static final Operation CLOSE = new Operation.Close(HandFile.FD);
  private static final Operation UNLOCK = new Operation.Unlock(HandFile.FD);
  private static final int SIZE = 8;

  private final HandDriver hand = new HandDriver();

  /** What was done on the calling thread. */
  private final List<Operation> calls = new ArrayList<>();

  private void answerCalls(int result) {
    hand.caller =
        operation -> {
          calls.add(operation);
          return result;
        };
  }

  private static ByteBuffer buffer() {
    return ByteBuffer.allocateDirect(SIZE);
  }

  private static void assertWell(CompletableFuture<?> future) {
    assertTrue(future.isDone() && !future.isCompletedExceptionally(), future::toString);
  }

  private HandFile openLocked() {
    HandFile on = HandFile.open(hand);
    IoFuture<Boolean> lock = on.file.tryLockExclusive();
    on.end(Operation.TryLock.class, 0);
    assertTrue(lock.join());
    return on;
  }

  // ---- once ----

  @Test
  void close_askedForInEveryWayAgainAndAgain_isDoneOnce() {
    HandFile on = HandFile.open(hand);
    hand.closesOnCaller = true;
    answerCalls(0);
    List<CompletableFuture<Void>> all = new ArrayList<>();
    for (int i = 0; i < 3; i++) {
      all.add(on.file.closeAsync());
      on.descriptor.closeHere();
      on.descriptor.closeUnheard();
      on.descriptor.closeIfUnused();
      all.add(on.file.callerRuns().closeAsync());
    }
    on.end(Operation.Close.class, 0);
    all.add(on.file.closeAsync());
    on.file.close();
    on.descriptor.closeIfUnused();
    all.forEach(DescriptorEndsTest::assertWell);
    on.assertNothingSubmitted();
    assertEquals(List.of(), calls);
  }

  @Test
  void closeHere_isDoneOnceAndHere() {
    HandFile on = openLocked();
    hand.closesOnCaller = true;
    answerCalls(0);
    on.file.close();
    on.file.close();
    on.descriptor.closeHere();
    assertWell(on.file.closeAsync());
    assertEquals(List.of(UNLOCK, CLOSE), calls);
    on.assertNothingSubmitted();
  }

  /** One who could not finish must not keep the next from it. */
  @Test
  void close_thatCannotBeSubmitted_isDoneByTheNextWhoComes() {
    for (boolean here : new boolean[] {false, true}) {
      HandFile on = HandFile.open(hand);
      hand.closesOnCaller = here;
      hand.caller =
          _ -> {
            throw new OutOfMemoryError("by the test");
          };
      hand.beforeNext =
          () -> {
            throw new OutOfMemoryError("by the test");
          };
      assertThrows(OutOfMemoryError.class, here ? on.descriptor::closeHere : on.descriptor::closeUnheard);
      on.assertNothingSubmitted();
      hand.beforeNext = () -> {};
      on.assertCloses();
    }
  }

  /** What is thrown is thrown before the descriptor is given back: the next who comes has it done. */
  @Test
  void closeHere_thatThrows_isDoneByTheNextWhoComes() {
    HandFile on = openLocked();
    hand.closesOnCaller = true;
    hand.caller =
        _ -> {
          throw new IllegalStateException("by the test");
        };
    assertThrows(IllegalStateException.class, on.descriptor::closeHere);
    on.assertNothingSubmitted();
    CompletableFuture<Void> closed = on.file.closeAsync();
    on.end(Operation.Unlock.class, 0);
    on.end(Operation.Close.class, 0);
    assertWell(closed);
    on.assertNothingSubmitted();
  }

  /** By the second time the number may be another file's. */
  @Test
  void close_refusedAgain_isTriedOnceHere() {
    HandFile on = openLocked();
    answerCalls(-Errno.EIO);
    CompletableFuture<Void> closed = on.file.closeAsync();
    Request request = on.take(Operation.Unlock.class);
    request.refused(Refusals.closed());
    request.refused(Refusals.closed());
    assertEquals(List.of(UNLOCK, CLOSE), calls);
    assertEquals(Errno.EIO, Futures.errnoOf(closed.exceptionNow()).errno());
    on.assertNothingSubmitted();
  }

  @Test
  void close_ofAFileWithoutALock_refused_onlyCloses() {
    HandFile on = HandFile.open(hand);
    answerCalls(0);
    CompletableFuture<Void> closed = on.file.closeAsync();
    on.take(Operation.Close.class).refused(Refusals.closed());
    assertEquals(List.of(CLOSE), calls);
    assertWell(closed);
  }

  /** The kernel carries it out: once more would close another file. */
  @Test
  void close_thatIsAbandonedOrGivenUp_isNotDoneOnceMore() {
    answerCalls(0);
    HandFile on = HandFile.open(hand);
    CompletableFuture<Void> closed = on.file.closeAsync();
    Request request = on.take(Operation.Close.class);
    request.givenUp(new RejectedExecutionException("closed"));
    Futures.assertNames(closed.exceptionNow(), "stays open", HandFile.PATH, "closed");
    assertTrue(on.descriptor.awaitClosed(0));
    Futures.assertNames(on.file.closeAsync().exceptionNow(), "stays open");
    request.abandoned(new RejectedExecutionException("gone"));
    on.descriptor.closeIfUnused();
    assertFalse(on.engine.openDescriptors().contains(on.descriptor));

    HandFile other = HandFile.open(hand);
    CompletableFuture<Void> abandoned = other.file.closeAsync();
    other.take(Operation.Close.class).abandoned(new RejectedExecutionException("gone"));
    assertWell(abandoned);
    assertTrue(other.descriptor.awaitClosed(0));
    other.assertNothingSubmitted();
    assertEquals(List.of(), calls);
  }

  @Test
  void close_whoseUnlockIsDoneButWhoseCloseCannotBeSubmitted_isToldOnceMore() {
    HandFile on = openLocked();
    CompletableFuture<Void> closed = on.file.closeAsync();
    Request request = on.take(Operation.Unlock.class);
    hand.beforeNext =
        () -> {
          throw new OutOfMemoryError("by the test");
        };
    assertThrows(OutOfMemoryError.class, () -> request.completed(0));
    hand.beforeNext = () -> {};
    request.completed(0);
    on.end(Operation.Close.class, 0);
    assertWell(closed);
  }

  // ---- what is told ----

  @Test
  void close_thatFails_isToldToAllWhoAsk_andTheFileIsClosed() {
    try (CapturedLog _ = new CapturedLog()) {
      failingCloses();
    }
  }

  private void failingCloses() {
    for (boolean here : new boolean[] {false, true}) {
      HandFile on = HandFile.open(hand);
      hand.closesOnCaller = here;
      answerCalls(-Errno.EDQUOT);
      List<CompletableFuture<Void>> asked = new ArrayList<>();
      if (here) {
        on.file.close();
      } else {
        asked.add(on.file.closeAsync());
        on.end(Operation.Close.class, -Errno.EDQUOT);
      }
      asked.add(on.file.closeAsync());
      for (CompletableFuture<Void> closed : asked) {
        assertEquals(Errno.EDQUOT, Futures.errnoOf(closed.exceptionNow()).errno());
        Futures.assertNames(closed.exceptionNow(), "close", HandFile.PATH);
      }
      assertFalse(on.file.isOpen());
      assertFalse(on.engine.openDescriptors().contains(on.descriptor));
      assertTrue(on.descriptor.awaitClosed(0));
    }
  }

  @Test
  void close_thatFailsWithNobodyToHear_isLogged() {
    try (CapturedLog log = new CapturedLog()) {
      HandFile heard = HandFile.open(hand);
      CompletableFuture<Void> _ = heard.file.closeAsync();
      heard.end(Operation.Close.class, -Errno.EDQUOT);
      HandFile well = HandFile.open(hand);
      well.descriptor.closeUnheard();
      well.end(Operation.Close.class, 0);
      assertEquals(List.of(), log.messagesWith("nobody is told"));
      HandFile unheard = HandFile.open(hand);
      unheard.descriptor.closeUnheard();
      unheard.end(Operation.Close.class, -Errno.EDQUOT);
      assertEquals(1, log.messagesWith("nobody is told").size());
    }
  }

  /** Each who asks has a future of its own to cancel. */
  @Test
  void futuresOfAClose_endedByOne_areNotEndedForOthers() {
    HandFile on = HandFile.open(hand);
    CompletableFuture<Void> mine = on.file.closeAsync();
    CompletableFuture<Void> others = on.file.closeAsync();
    assertTrue(mine.complete(null));
    assertFalse(others.isDone() || on.file.closeAsync().isDone());
    assertFalse(on.descriptor.awaitClosed(0));
    on.end(Operation.Close.class, -Errno.EIO);
    assertEquals(Errno.EIO, Futures.errnoOf(others.exceptionNow()).errno());
  }

  @Test
  void close_toldTwice_isObservedOnce() {
    HandFile on = HandFile.open(hand);
    List<OperationEnd> ends = new ArrayList<>();
    on.engine.listeners().add(
        new RuntimeListener() {
          @Override
          public void operationEnded(OperationEnd end) {
            ends.add(end);
          }
        });
    CompletableFuture<Void> _ = on.file.closeAsync();
    Request request = on.take(Operation.Close.class);
    request.completed(-Errno.EIO);
    request.completed(-Errno.EIO); // after an error of the JVM
    assertEquals(List.of(OperationType.CLOSE), ends.stream().map(OperationEnd::type).toList());
    assertEquals(OperationEnd.Outcome.FAILED, ends.getFirst().outcome());
    assertEquals(HandFile.PATH, ends.getFirst().path());
  }

  @Test
  void operation_thatNeverEnds_failsTheCloseForAllWhoAskBeforeAndAfter() {
    HandFile on = HandFile.open(hand);
    IoFuture<Integer> lost = on.file.read(buffer(), 0);
    CompletableFuture<Void> before = on.file.closeAsync();
    assertFalse(on.descriptor.awaitClosed(0));
    on.take(Operation.Read.class).abandoned(new RejectedExecutionException("gone"));
    assertTrue(on.descriptor.awaitClosed(0));
    for (CompletableFuture<Void> closed : List.of(before, on.file.closeAsync())) {
      Futures.assertNames(closed.exceptionNow(), "stays open", HandFile.PATH, "gone");
    }
    assertTrue(lost.isCompletedExceptionally());
    assertThrows(IllegalStateException.class, () -> on.file.read(buffer(), 0));
    on.assertNothingSubmitted();
  }

  // ---- leases ----

  @Test
  void leases_ofAClosingFile_areRefusedAndCountNothing() {
    HandFile on = HandFile.open(hand);
    IoFuture<Integer> read = on.file.read(buffer(), 0);
    CompletableFuture<Void> closed = on.file.closeAsync();
    for (int i = 0; i < 3; i++) {
      assertThrows(IllegalStateException.class, on.descriptor::lease);
      assertThrows(IllegalStateException.class, () -> on.descriptor.lease(5));
    }
    assertEquals(1, on.leases());
    assertFalse(on.descriptor.hasPositions(), "not asked of a descriptor that may be gone");
    assertEquals(1, on.leases());
    on.end(Operation.Read.class, SIZE);
    on.end(Operation.Close.class, 0);
    assertWell(closed);
    assertEquals(SIZE, read.join());
  }

  @Test
  void positions_areAskedUnderALeaseUntilTheyAreKnown() {
    HandFile on = HandFile.open(hand);
    List<Integer> leases = new ArrayList<>();
    hand.positions =
        () -> {
          leases.add(on.leases());
          return leases.size() == 2;
        };
    assertFalse(on.descriptor.hasPositions());
    assertTrue(on.descriptor.hasPositions());
    assertTrue(on.descriptor.hasPositions());
    assertEquals(List.of(1, 1), leases);
    assertEquals(0, on.leases());
    HandFile other = HandFile.open(hand);
    hand.positions =
        () -> {
          other.descriptor.closeUnheard();
          return false;
        };
    assertFalse(other.descriptor.hasPositions());
    other.end(Operation.Close.class, 0);
  }

  @Test
  void toString_namesStateAndOperations() {
    HandFile on = HandFile.open(hand);
    IoFuture<Integer> _ = on.file.read(buffer(), 0);
    assertEquals("AsyncFile[by-hand (open, 1 operations in flight)]", on.file.toString());
    assertEquals("AsyncFile[by-hand (open, 1 operations in flight), callers run]", on.file.callerRuns().toString());
    CompletableFuture<Void> _ = on.file.closeAsync();
    assertEquals("AsyncFile[by-hand (closing, 1 operations in flight)]", on.file.toString());
    on.end(Operation.Read.class, SIZE);
    on.end(Operation.Close.class, 0);
    assertEquals("AsyncFile[by-hand (closed, 0 operations in flight)]", on.file.toString());
  }

  /**
   * Should an error of the JVM have cut the one who gave the last lease back, whoever waits sees to
   * it.
   */
  @Test
  void awaitClosed_afterALeaseThatNobodyWasToldOf_closes() {
    HandFile on = HandFile.open(hand);
    on.descriptor.lease();
    on.descriptor.closeUnheard();
    on.descriptor.dropLease();
    on.assertNothingSubmitted();
    hand.fast = true;
    assertTrue(on.descriptor.awaitClosed(Duration.ofSeconds(20).toNanos()));
    assertEquals(List.of(CLOSE), hand.ended);
  }

  // ---- what an error of the JVM left ----

  /** An operation that did not begin, and cannot give back what it has for so many times. */
  private static FileFuture<Void> owed(HandFile on, int failures) {
    on.descriptor.lease();
    FileFuture<Void> owed =
        new FileFuture.Plain<>(on.descriptor, new Operation.Nop()) {
          private int left = failures;

          @Override
          void onSuccess(int result) {
            throw new AssertionError();
          }

          @Override
          void release() {
            if (left-- > 0) {
              throw new OutOfMemoryError("by the test");
            }
          }
        };
    owed.leased = true;
    on.descriptor.owed[0] = owed;
    on.descriptor.owes = true;
    return owed;
  }

  @Test
  void debts_areSettledByTheNextWhoUsesOrClosesTheFile() {
    HandFile used = HandFile.open(hand);
    FileFuture<Void> first = owed(used, 0);
    IoFuture<FileStatus> stat = used.file.stat();
    assertTrue(first.isUndone());
    assertEquals(1, used.leases());
    used.end(Operation.Stat.class, 0);
    assertWell(stat);
    used.assertCloses();

    HandFile closed = HandFile.open(hand);
    FileFuture<Void> second = owed(closed, 0);
    closed.assertCloses();
    assertTrue(second.isUndone());

    HandFile here = HandFile.open(hand);
    FileFuture<Void> third = owed(here, 0);
    hand.closesOnCaller = true;
    answerCalls(0);
    here.file.close();
    assertTrue(third.isUndone());
    assertEquals(List.of(CLOSE), calls);
  }

  @Test
  void debts_thatCannotBeSettledYet_areKept_andLeasesGivenBackOnce() {
    HandFile on = HandFile.open(hand);
    FileFuture<Void> owed = owed(on, 4);
    on.descriptor.settleOwed();
    assertSame(owed, on.descriptor.owed[0]);
    assertTrue(on.descriptor.owes);
    assertFalse(owed.isUndone());
    on.descriptor.settleOwed();
    assertNull(on.descriptor.owed[0]);
    assertFalse(on.descriptor.owes);
    assertTrue(owed.isUndone());
    assertEquals(0, on.leases());
    on.assertCloses();
  }

  // ---- locks ----

  /**
   * Closed as soon as it has the lock, and before anybody has heard of that, it gives the lock back
   * first.
   */
  @Test
  void close_fasterThanTheCallThatLocks_unlocks() {
    HandFile on = HandFile.open(hand);
    List<CompletableFuture<Void>> closed = new ArrayList<>();
    hand.afterSubmit =
        () -> {
          closed.add(on.file.closeAsync());
          on.end(Operation.TryLock.class, 0);
        };
    assertTrue(on.file.tryLockExclusive().join());
    on.end(Operation.Unlock.class, 0);
    on.end(Operation.Close.class, 0);
    assertWell(closed.getFirst());
  }

  @Test
  void tryLock_thatAnotherHolds_isFalse_andFailsOtherwise() {
    HandFile on = HandFile.open(hand);
    IoFuture<Boolean> held = on.file.tryLockExclusive();
    on.end(Operation.TryLock.class, -Errno.EAGAIN);
    assertFalse(held.join());
    IoFuture<Boolean> failed = on.file.tryLockExclusive();
    on.end(Operation.TryLock.class, -Errno.EIO);
    assertEquals(Errno.EIO, Futures.errnoOf(failed.exceptionNow()).errno());
  }

  // ---- limits ----

  /** Only what users ask for may have to wait: what goes on, or ends, was admitted before. */
  @Test
  void continuationsAndCloses_passAllLimits() {
    HandFile on = HandFile.open(hand);
    IoFuture<Void> durable = on.file.writeDurably(buffer(), 0);
    on.end(Operation.Write.class, 3);
    on.end(Operation.Write.class, SIZE - 3);
    IoFuture<Void> behind = on.file.sync(Sync.DATA);
    on.end(Operation.Sync.class, 0);
    on.end(Operation.Sync.class, 0);
    assertWell(durable);
    assertWell(behind);
    assertEquals(1, hand.admitted);
    IoFuture<Void> sync = on.file.sync(Sync.DATA);
    assertEquals(2, hand.admitted, "a sync with nobody before it is one more");
    on.end(Operation.Sync.class, 0);
    assertWell(sync);
    on.assertCloses();
    assertEquals(2, hand.admitted);
  }
}
