package dev.annulus.internal.runtime;

import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.annulus.internal.abi.IoUring;
import dev.annulus.internal.abi.StatxLayout;
import dev.annulus.internal.driver.Errno;
import dev.annulus.internal.driver.Operation;
import dev.annulus.internal.driver.Request;
import dev.annulus.internal.driver.StallWatch;
import dev.annulus.internal.driver.StatResult;
import dev.annulus.internal.driver.Whereabouts;
import dev.annulus.internal.runtime.HandRing.Enter;
import dev.annulus.internal.runtime.HandRing.Entry;
import dev.annulus.testing.CapturedLog;
import dev.annulus.testing.RecordingRequest;
import dev.annulus.testing.RecordingRequest.How;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.function.Consumer;
import jdk.jfr.Recording;
import jdk.jfr.consumer.RecordedEvent;
import jdk.jfr.consumer.RecordingFile;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What becomes of requests in the reaper's hands: submitted, repeated, cancelled, refused, told. */
@Timeout(30)
class ReaperRequestTest {
  private static final int FD = 1_000_000;
  private static final int MAX_REPEATS = 64;

  private HandReaper hand = new HandReaper(8, 64);

  @AfterEach
  void close() {
    hand.close();
  }

  /** Remembers also whether it ended as one that never began, and may be given up. */
  private static class Noted extends HandReaper.Prompt {
    boolean neverBegun;
    boolean givenUp;

    Noted(Operation operation) {
      super(operation);
    }

    Noted(Operation operation, Consumer<RecordingRequest> onEnd) {
      super(operation, onEnd);
    }

    @Override
    public void neverBegun() {
      neverBegun = true;
      super.neverBegun();
    }

    @Override
    public boolean isGivenUp() {
      return givenUp;
    }
  }

  private static Noted nop() {
    return new Noted(new Operation.Nop());
  }

  private static Noted read() {
    MemorySegment target = Arena.ofAuto().allocate(8);
    return new Noted(new Operation.PlainRead(FD, target, target.address(), 8, 0));
  }

  private static Noted sync() {
    return new Noted(new Operation.Sync(FD, true));
  }

  // ---- completions ----

  @Test
  void completion_ofARequest_endsItAloneAndFreesItsSlot() {
    Noted first = nop();
    Noted second = nop();
    long firstData = hand.inFlight(first);
    long secondData = hand.inFlight(second);
    assertEquals(2, hand.table.size());
    hand.ring.complete(secondData, 22);
    hand.reaper.round(1);
    assertEquals(22, second.result());
    assertFalse(first.hasEnded());
    assertEquals(1, hand.table.size());
    assertEquals(Request.NO_MARK, second.mark());
    hand.ring.complete(firstData, 11);
    hand.reaper.round(1);
    assertEquals(11, first.result());
    assertTrue(hand.table.isEmpty());
    assertEquals(2, hand.counters.submitted.get());
    assertEquals(2, hand.counters.completed.get());
    assertEquals(0, hand.counters.stale.get());
  }

  /** Twice, late, of an earlier submission in the slot, of a free slot, beyond the table. */
  @Test
  void completion_ofNoOperationInFlight_isCountedAndEndsNothing() {
    Noted first = nop();
    long earlier = hand.inFlight(first);
    hand.ring.complete(earlier, 1);
    hand.reaper.round(1);
    assertEquals(1, first.result());
    Noted second = nop();
    long current = hand.inFlight(second);
    assertEquals(UserData.slot(earlier), UserData.slot(current));
    assertNotEquals(earlier, current);
    List<Long> foreign = List.of(earlier, current + (1L << 32), current + 1, UserData.of(8, 1), UserData.of(-5, 1));
    try (CapturedLog log = new CapturedLog()) {
      for (int i = 0; i < foreign.size(); i++) {
        hand.ring.complete(foreign.get(i), 7);
        hand.reaper.round(1);
        assertEquals(i + 1, hand.counters.stale.get());
        assertFalse(second.hasEnded(), "ended by user data " + Long.toHexString(foreign.get(i)));
      }
      assertEquals(foreign.size(), log.messagesWith("a completion for no operation", "result 7").size());
    }
    hand.ring.complete(current, 2);
    hand.reaper.round(1);
    assertEquals(2, second.result());
    assertEquals(1, first.ends());
  }

  @Test
  void completion_twiceInOneBatch_endsTheRequestOnce() {
    Noted request = nop();
    long userData = hand.inFlight(request);
    try (CapturedLog log = new CapturedLog()) {
      hand.ring.complete(userData, 1);
      hand.ring.complete(userData, 2);
      hand.reaper.round(1);
      assertEquals(1, request.result());
      assertEquals(1, hand.counters.stale.get());
      assertEquals(1, log.messages().size());
    }
    assertTrue(hand.table.isEmpty());
  }

  @Test
  void completion_ofACancellation_endsNothing() {
    Noted request = nop();
    long _ = hand.inFlight(request);
    for (int result : new int[] {0, -Errno.ENOENT, -Errno.EALREADY}) {
      hand.ring.complete(UserData.CANCEL, result);
    }
    hand.reaper.round(1);
    assertFalse(request.hasEnded());
    assertEquals(0, hand.counters.stale.get());
    assertEquals(0, hand.ring.unread());
  }

  /** Small batches for a reaper that sleeps now and then, larger and larger ones for one that does not. */
  @Test
  void completions_moreThanABatch_areTakenInGrowingBatches() {
    hand.close();
    hand = new HandReaper(new HandRing(512, 1024), 512, 512);
    for (int i = 0; i < 500; i++) {
      hand.put(nop());
    }
    hand.reaper.round(1);
    assertEquals(500, hand.ring.entries().size());
    hand.ring.entries().forEach(entry -> hand.ring.complete(entry.userData(), 0));
    List<Integer> batches = new ArrayList<>();
    while (hand.ring.unread() > 64) {
      int before = hand.ring.unread();
      hand.reaper.round(1);
      batches.add(before - hand.ring.unread());
    }
    assertTrue(batches.getFirst() <= 8, batches.toString());
    for (int i = 1; i < batches.size(); i++) {
      assertTrue(batches.get(i) > batches.get(i - 1), "not larger each time: " + batches);
    }
    hand.roundsUntil(_ -> hand.table.isEmpty());
    for (int i = 0; i < 8; i++) {
      hand.reaper.round(1);
    }
    List<RecordingRequest> again = new ArrayList<>();
    for (int i = 0; i < 100; i++) {
      again.add(nop());
      hand.put(again.getLast());
    }
    hand.reaper.round(1);
    hand.ring.entries().subList(500, 600).forEach(entry -> hand.ring.complete(entry.userData(), 0));
    hand.reaper.round(1);
    assertTrue(again.stream().filter(RecordingRequest::hasEnded).count() <= 8, "sleeping has not made batches small");
  }

  @Test
  void completions_veryMany_areTakenAtMost64AtATime() {
    hand.close();
    hand = new HandReaper(new HandRing(4096, 4096), 4096, 4096);
    for (int i = 0; i < 4000; i++) {
      hand.put(nop());
    }
    hand.reaper.round(1);
    hand.ring.entries().forEach(entry -> hand.ring.complete(entry.userData(), 0));
    int largest = 0;
    while (hand.ring.unread() > 0) {
      int before = hand.ring.unread();
      hand.reaper.round(1);
      largest = Math.max(largest, before - hand.ring.unread());
    }
    assertEquals(64, largest);
    assertEquals(4000, hand.counters.completed.get());
  }

  @ParameterizedTest
  @CsvSource({"0,1,0,0", "17,1,0,0", "-5,0,1,0", "-28,0,1,0", "-125,0,0,1"})
  void completion_byItsResult_isCounted(int result, int completed, int failed, int cancelled) {
    Noted request = nop();
    hand.ring.complete(hand.inFlight(request), result);
    hand.reaper.round(1);
    assertEquals(result, request.result());
    assertEquals(completed, hand.counters.completed.get());
    assertEquals(failed, hand.counters.failed.get());
    assertEquals(cancelled, hand.counters.cancelled.get());
  }

  // ---- repetitions ----

  @ParameterizedTest
  @ValueSource(ints = {Errno.EINTR, Errno.EAGAIN})
  void transientResult_ofARead_isRepeatedWithAnotherGenerationAndBounded(int errno) {
    Noted request = read();
    long userData = hand.inFlight(request);
    for (int repeats = 1; repeats <= MAX_REPEATS; repeats++) {
      hand.ring.complete(userData, -errno);
      hand.reaper.round(1);
      hand.reaper.round(1);
      assertFalse(request.hasEnded(), "after " + repeats);
      assertEquals(repeats + 1, hand.ring.entries().size());
      assertEquals(repeats, hand.counters.retries.get());
      long next = hand.ring.entries().getLast().userData();
      assertNotEquals(userData, next);
      assertEquals(1, hand.table.size());
      userData = next;
    }
    hand.ring.complete(userData, -errno);
    hand.reaper.round(1);
    assertEquals(-errno, request.result());
    assertEquals(MAX_REPEATS, hand.counters.retries.get());
    assertEquals(1, hand.counters.submitted.get());
    assertEquals(1, hand.counters.failed.get());
  }

  @Test
  void transientResult_repetitionUnderWay_lateCompletionOfTheFirstIsNotItsEnd() {
    Noted request = read();
    long first = hand.inFlight(request);
    hand.ring.complete(first, -Errno.EINTR);
    hand.reaper.round(1);
    hand.reaper.round(1);
    try (CapturedLog log = new CapturedLog()) {
      hand.ring.complete(first, 8);
      hand.reaper.round(1);
      assertEquals(1, log.messages().size());
    }
    assertFalse(request.hasEnded());
    assertEquals(1, hand.counters.stale.get());
    hand.ring.complete(hand.ring.entries().getLast().userData(), 6);
    hand.reaper.round(1);
    assertEquals(6, request.result());
  }

  /** Between its first answer and its repetition nothing of it is in the kernel. */
  @Test
  void completion_twiceForOneToBeRepeated_isStale() {
    Noted request = read();
    long first = hand.inFlight(request);
    try (CapturedLog log = new CapturedLog()) {
      hand.ring.complete(first, -Errno.EINTR);
      hand.ring.complete(first, 8);
      hand.reaper.round(1);
      assertEquals(1, log.messages().size());
    }
    assertFalse(request.hasEnded());
    assertEquals(1, hand.counters.stale.get());
  }

  @ParameterizedTest
  @ValueSource(ints = {Errno.EINTR, Errno.EAGAIN})
  void transientResult_ofWhatMustNotBeRepeated_isTold(int errno) {
    Noted request = sync();
    hand.ring.complete(hand.inFlight(request), -errno);
    hand.reaper.round(1);
    assertEquals(-errno, request.result());
    assertEquals(0, hand.counters.retries.get());
  }

  @ParameterizedTest
  @ValueSource(ints = {Errno.EIO, Errno.ENOMEM, Errno.EBUSY, Errno.ETIME, Errno.ENOSPC})
  void errorResult_ofARead_isToldAtOnce(int errno) {
    Noted request = read();
    hand.ring.complete(hand.inFlight(request), -errno);
    hand.reaper.round(1);
    assertEquals(-errno, request.result());
    assertEquals(1, hand.ring.entries().size());
  }

  @ParameterizedTest
  @ValueSource(ints = {Errno.EINTR, Errno.EAGAIN})
  void transientResult_ofACancelledRequest_isItsCancellation(int errno) {
    Noted request = read();
    long userData = hand.inFlight(request);
    hand.cancel(request);
    hand.reaper.round(1);
    hand.ring.complete(userData, -errno);
    hand.reaper.round(1);
    assertEquals(-Errno.ECANCELED, request.result());
    assertEquals(1, hand.counters.cancelled.get());
    assertFalse(request.neverBegun, "it had begun");
  }

  // ---- cancellations ----

  @Test
  void cancel_inFlight_asksTheKernelOnceByItsUserData() {
    Noted other = nop();
    long _ = hand.inFlight(other);
    Noted request = nop();
    long userData = hand.inFlight(request);
    hand.cancel(request);
    hand.cancel(request);
    hand.reaper.round(1);
    hand.cancel(request);
    hand.reaper.round(1);
    List<Entry> cancels = hand.ring.entries(IoUring.IORING_OP_ASYNC_CANCEL);
    assertEquals(1, cancels.size());
    assertEquals(new Entry(IoUring.IORING_OP_ASYNC_CANCEL, 0, -1, 0, userData, 0, 0, UserData.CANCEL), cancels.getFirst());
    assertFalse(request.hasEnded(), "the kernel may still write to its memory");
    hand.ring.complete(userData, -Errno.ECANCELED);
    hand.reaper.round(1);
    assertEquals(-Errno.ECANCELED, request.result());
    assertFalse(request.neverBegun);
    assertFalse(other.hasEnded());
  }

  @Test
  void cancel_completedWellAllTheSame_keepsItsResult() {
    Noted request = read();
    long userData = hand.inFlight(request);
    hand.cancel(request);
    hand.reaper.round(1);
    hand.ring.complete(userData, 8);
    hand.reaper.round(1);
    assertEquals(8, request.result());
  }

  @Test
  void cancel_queued_neverBegins() {
    Noted request = nop();
    hand.put(request);
    hand.cancel(request);
    hand.reaper.round(1);
    assertEquals(-Errno.ECANCELED, request.result());
    assertTrue(request.neverBegun);
    assertEquals(List.of(), hand.ring.entries());
    assertEquals(0, hand.counters.submitted.get());
    assertEquals(1, hand.counters.cancelled.get());
    assertTrue(hand.table.isEmpty());
    assertEquals(0, hand.intake.size());
    assertEquals(Request.NO_MARK, request.mark());
  }

  @Test
  void cancel_ended_asksTheKernelNothing() {
    Noted request = nop();
    long userData = hand.inFlight(request);
    hand.ring.complete(userData, 0);
    hand.reaper.round(1);
    assertEquals(0, request.result());
    hand.cancel(request);
    Noted next = nop();
    long _ = hand.inFlight(next);
    hand.reaper.round(1);
    assertEquals(List.of(), hand.ring.entries(IoUring.IORING_OP_ASYNC_CANCEL));
    hand.ring.complete(hand.ring.entries().getLast().userData(), 0);
    hand.reaper.round(1);
    assertEquals(0, next.result());
  }

  @Test
  void cancel_withAWorker_isNotTheReapers() {
    Noted request = nop();
    request.mark(Reaper.Marks.WITH_WORKER);
    hand.cancel(request);
    hand.reaper.round(1);
    assertEquals(Reaper.Marks.WITH_WORKER, request.mark());
    assertEquals(List.of(), hand.ring.entries());
  }

  /** No entry is free when it is to be cancelled; when one is, it has ended and another has its slot. */
  @Test
  void cancel_endedBeforeThereWasAnEntry_leavesTheNextInTheSlotAlone() {
    hand.close();
    hand = new HandReaper(new HandRing(2, 64), 1, 8);
    Noted request = nop();
    long userData = hand.inFlight(request);
    hand.reaper.round(1);
    hand.table.markCancelled(UserData.slot(userData));
    assertEquals(UserData.slot(userData), hand.table.nextCancel());
    hand.table.end(UserData.slot(userData), 0);
    assertEquals(-1, hand.table.nextCancel(), "it has ended");
    hand.table.told(hand.table.takeEnding());
    assertEquals(-1, hand.table.nextCancel(), "the slot is free");
    int slot = hand.table.claim(ReaperRequestTest::nop);
    assertEquals(UserData.slot(userData), slot);
    assertEquals(-1, hand.table.nextCancel(), "another's by now");
    hand.reaper.round(1);
    assertEquals(List.of(), hand.ring.entries(IoUring.IORING_OP_ASYNC_CANCEL));
    assertFalse(hand.table.hasCancels());
    hand.table.markCancelled(slot);
    assertTrue(hand.table.hasCancels(), "a slot can be cancelled once only");
  }

  @Test
  void cancel_betweenAnswerAndRepetition_isNotRepeated() {
    Noted request = read();
    long userData = hand.inFlight(request);
    hand.ring.complete(userData, -Errno.EINTR);
    hand.reaper.round(1); // now it waits for its repetition
    assertFalse(request.hasEnded());
    hand.cancel(request);
    hand.reaper.round(1);
    hand.roundsUntilEnded(request);
    assertEquals(-Errno.ECANCELED, request.result());
    assertEquals(1, hand.ring.entries().size(), hand.ring.entries().toString());
  }

  @Test
  void cancellations_unnamed_reachThoseThatWereGivenUp() {
    Noted given = nop();
    Noted kept = nop();
    long givenData = hand.inFlight(given);
    long _ = hand.inFlight(kept);
    given.givenUp = true;
    hand.intake.unnamedCancellations(true);
    hand.reaper.round(1);
    hand.reaper.round(1);
    assertEquals(List.of(givenData), hand.ring.entries(IoUring.IORING_OP_ASYNC_CANCEL).stream().map(Entry::address).toList());
    assertFalse(hand.intake.hasCancellation());
    Noted queued = nop();
    queued.givenUp = true;
    hand.put(queued);
    hand.reaper.round(1);
    assertTrue(queued.neverBegun);
  }

  /** It could not be looked whether one was given up: all are looked through once more. */
  @Test
  void cancellations_unnamed_lookThatIsCut_isTakenUpAgain() {
    boolean[] cuts = {true};
    Noted cutting =
        new Noted(new Operation.Nop()) {
          @Override
          public boolean isGivenUp() {
            if (cuts[0]) {
              throw new OutOfMemoryError("thrown by the test");
            }
            return false;
          }
        };
    Noted given = nop();
    given.givenUp = true;
    long _ = hand.inFlight(cutting);
    long givenData = hand.inFlight(given);
    hand.intake.unnamedCancellations(true);
    assertThrows(OutOfMemoryError.class, () -> hand.reaper.round(1));
    assertTrue(hand.intake.hasCancellation());
    cuts[0] = false;
    hand.reaper.round(1);
    assertEquals(List.of(givenData), hand.ring.entries(IoUring.IORING_OP_ASYNC_CANCEL).stream().map(Entry::address).toList());
    assertFalse(hand.intake.hasCancellation());
  }

  // ---- closing ----

  @Test
  void cancelAll_inFlightAndQueued_sparesCloses() {
    Noted sync = sync();
    long syncData = hand.inFlight(sync);
    Noted closing = new Noted(new Operation.Close(FD));
    long closeData = hand.inFlight(closing);
    Noted queued = nop();
    Noted queuedClose = new Noted(new Operation.Close(FD + 1));
    hand.put(queued);
    hand.putUrgent(queuedClose);
    hand.reaper.cancelAll();
    hand.reaper.round(1);
    assertEquals(List.of(syncData), hand.ring.entries(IoUring.IORING_OP_ASYNC_CANCEL).stream().map(Entry::address).toList());
    assertTrue(queued.neverBegun);
    List<Entry> closes = hand.ring.entries(IoUring.IORING_OP_CLOSE);
    assertEquals(List.of(FD, FD + 1), closes.stream().map(Entry::fd).toList(), "a queued close must give its descriptor back");
    hand.ring.complete(closeData, 0);
    hand.ring.complete(closes.getLast().userData(), 0);
    hand.ring.complete(syncData, -Errno.ECANCELED);
    hand.reaper.round(1);
    assertEquals(0, closing.result());
    assertEquals(0, queuedClose.result());
    assertEquals(-Errno.ECANCELED, sync.result());
    Noted late = nop();
    hand.put(late);
    hand.reaper.round(1);
    assertTrue(late.neverBegun);
    assertTrue(hand.reaper.isIdle());
  }

  // ---- refusals ----

  /** An operation that cannot be made into an entry. */
  @Test
  void submission_thatCannotBeEncoded_isRefusedAloneAndKeepsNothing() {
    Noted before = nop();
    Noted bad = new Noted(new Operation.Room(FD, 0, 1));
    Noted after = nop();
    hand.put(before);
    hand.put(bad);
    hand.put(after);
    hand.reaper.round(1);
    assertEquals(How.REFUSED, bad.await().how());
    assertInstanceOf(IllegalArgumentException.class, bad.await().cause());
    assertEquals(Request.NO_MARK, bad.mark());
    assertEquals(2, hand.ring.entries().size());
    assertEquals(2, hand.table.size());
    assertEquals(0, hand.intake.size());
    hand.ring.entries().forEach(entry -> hand.ring.complete(entry.userData(), 0));
    hand.roundsUntil(_ -> hand.table.isEmpty());
    for (int slot = 0; slot < hand.table.capacity(); slot++) {
      assertNull(hand.table.kept(slot), "memory is kept");
    }
    for (int i = 0; i < 8; i++) {
      hand.put(nop());
    }
    hand.reaper.round(1);
    assertTrue(hand.table.isFull(), "a slot is lost");
  }

  @Test
  void memory_ofASubmission_isKeptUntilTheCompletionAndNotLonger() {
    StatResult result = new StatResult();
    Noted stat = new Noted(new Operation.StatPath(Path.of("/nowhere"), true, result));
    long userData = hand.inFlight(stat);
    int slot = UserData.slot(userData);
    MemorySegment statx = assertInstanceOf(MemorySegment.class, hand.table.kept(slot));
    assertEquals(statx.address(), hand.ring.entries().getLast().offset());
    statx.set(JAVA_LONG, StatxLayout.STX_SIZE, 4711L);
    hand.ring.complete(userData, 0);
    hand.reaper.round(1);
    assertEquals(0, stat.result());
    assertEquals(4711, result.sizeBytes);
    assertNull(hand.table.kept(slot), "memory is kept");
  }

  @Test
  void statResult_ofAFailedCall_isLeftAsItWas() {
    StatResult result = new StatResult();
    result.sizeBytes = 1;
    Noted stat = new Noted(new Operation.Stat(FD, result));
    hand.ring.complete(hand.inFlight(stat), -Errno.EIO);
    hand.reaper.round(1);
    assertEquals(-Errno.EIO, stat.result());
    assertEquals(1, result.sizeBytes);
  }

  // ---- telling ----

  @Test
  void end_thatCannotBeToldForWantOfMemory_isToldAgainSoon() {
    int[] calls = {0};
    Noted request =
        new Noted(new Operation.Nop()) {
          @Override
          public void completed(int result) {
            if (++calls[0] <= 3) {
              throw new OutOfMemoryError("thrown by the test");
            }
            super.completed(result);
          }
        };
    Noted other = nop();
    long userData = hand.inFlight(request);
    long otherData = hand.inFlight(other);
    hand.ring.complete(userData, 9);
    hand.ring.complete(otherData, 8);
    hand.reaper.round(0);
    assertEquals(8, other.result());
    assertEquals(1, hand.table.size(), "its place is given away");
    assertFalse(hand.reaper.isIdle());
    for (int rounds = 0; rounds < 10 && !request.hasEnded(); rounds++) {
      hand.reaper.round(0);
      Enter last = hand.ring.enters().getLast();
      assertTrue(!last.waits() || (last.timeoutNanos() > 0 && last.timeoutNanos() <= 10_000_000), last.toString());
    }
    assertEquals(9, request.result());
    assertEquals(4, calls[0]);
    assertTrue(hand.reaper.isIdle());
    hand.reaper.round(0);
    assertEquals(0, hand.ring.enters().getLast().timeoutNanos());
    Set<Integer> slots = new HashSet<>();
    for (int i = 0; i < 8; i++) {
      slots.add(UserData.slot(hand.inFlight(nop())));
    }
    assertEquals(8, slots.size(), "a slot is given twice");
    assertTrue(hand.table.isFull());
  }

  @Test
  void submission_cutByAnErrorOfTheJvm_isRefusedAloneAndKeepsNothing() {
    Noted request =
        new Noted(new Operation.Nop()) {
          @Override
          public int mark() {
            throw new StackOverflowError("thrown by the test");
          }
        };
    Noted next = nop();
    hand.put(request);
    hand.put(next);
    hand.reaper.round(1);
    assertEquals(How.REFUSED, request.await().how());
    assertInstanceOf(StackOverflowError.class, request.await().cause());
    assertEquals(1, hand.ring.entries().size());
    hand.ring.complete(hand.ring.entries().getLast().userData(), 3);
    hand.reaper.round(1);
    assertEquals(3, next.result());
    assertTrue(hand.reaper.isIdle());
    assertEquals(0, hand.intake.size());
  }

  @Test
  void end_thatThrows_isLoggedAndNotToldAgain() {
    Noted request =
        new Noted(
            new Operation.Nop(),
            _ -> {
              throw new IllegalStateException("thrown by the test");
            });
    long userData = hand.inFlight(request);
    Noted next = nop();
    long nextData = hand.inFlight(next);
    try (CapturedLog log = new CapturedLog()) {
      hand.ring.complete(userData, 1);
      hand.ring.complete(nextData, 2);
      hand.reaper.round(1);
      hand.reaper.round(1);
      assertEquals(1, log.messagesWith("ending an operation failed").size());
    }
    assertEquals(1, request.ends());
    assertEquals(2, next.result());
    assertTrue(hand.reaper.isIdle());
  }

  @Test
  void whereabouts_throughARound_tellWhereTheThreadIs() {
    List<String> seen = new ArrayList<>();
    hand.ring.answerUsually(
        enter -> {
          long sequence = hand.where.sequence();
          seen.add(Whereabouts.isAway(sequence) && !Whereabouts.isInUsersCode(sequence) ? "kernel" : "not in the kernel");
          return hand.ring.takeAll(enter);
        });
    Noted[] request = new Noted[1];
    request[0] =
        new Noted(
            new Operation.Nop(),
            _ -> {
              seen.add(Whereabouts.isInUsersCode(hand.where.sequence()) ? "users' code" : "not in users' code");
            });
    hand.ring.complete(hand.inFlight(request[0]), 0);
    hand.reaper.round(1);
    assertEquals(List.of("kernel", "users' code"), seen);
    assertFalse(Whereabouts.isAway(hand.where.sequence()));
    assertEquals(0, request[0].result());

    Noted refused = new Noted(new Operation.Room(FD, 0, 1), _ -> assertTrue(Whereabouts.isInUsersCode(hand.where.sequence())));
    hand.put(refused);
    hand.reaper.round(1);
    assertEquals(How.REFUSED, refused.await().how());
    assertFalse(Whereabouts.isAway(hand.where.sequence()));
  }

  @Test
  void unsubmitted_whatNeverBegan_isToldToWhoeverLooks() {
    List<Request> seen = new ArrayList<>();
    Noted inFlight = nop();
    long _ = hand.inFlight(inFlight);
    Noted doomed = nop();
    Noted bad = new Noted(new Operation.Room(FD, 0, 1));
    hand.put(doomed);
    hand.cancel(doomed);
    hand.put(bad);
    hand.ring.answerNext(
        enter -> {
          hand.table.forEachUnbegun(seen::add);
          hand.table.forEachRequest(request -> assertEquals(inFlight, request));
          return hand.ring.takeAll(enter);
        });
    hand.reaper.round(1);
    assertEquals(List.of(doomed, bad), seen);
  }

  /** It is told, and its slot is not free yet: a round, or the end, goes on with that and tells nothing twice. */
  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void end_cutWhenItHasBeenTold_freesTheSlotBeforeAnythingElse(boolean anotherRound) {
    hand.close();
    hand = new HandReaper(1, 8);
    Noted request = nop();
    long userData = hand.inFlight(request);
    Noted next = nop();
    hand.put(next);
    hand.ring.complete(userData, 3);
    hand.table.onTold =
        () -> {
          hand.table.onTold = () -> {};
          throw new OutOfMemoryError("thrown by the test");
        };
    assertThrows(OutOfMemoryError.class, () -> hand.reaper.round(1));
    assertEquals(3, request.result());
    assertNotNull(hand.table.requestOrNull(UserData.slot(userData)));
    if (anotherRound) {
      hand.reaper.round(1);
      assertEquals(2, hand.ring.entries().size(), "no slot for the next");
    } else {
      hand.reaper.tellEndings();
      assertNull(hand.table.requestOrNull(UserData.slot(userData)), "its slot is kept");
    }
    assertEquals(1, request.ends());
  }

  /** Else others would look at what it is changing. */
  @Test
  void round_afterOneThatWasCutWhileAway_isBackBeforeItDoesAnything() {
    List<Boolean> away = new ArrayList<>();
    hand.ring.support(
        _ -> {
          away.add(Whereabouts.isAway(hand.where.sequence()));
          return false;
        });
    hand.registered.want(Arena.ofAuto().allocate(8));
    hand.where.intoKernel();
    hand.reaper.round(1);
    assertEquals(List.of(false), away);
  }

  @Test
  void memory_wantedAsRegistered_isSoFromTheNextRoundOn() {
    MemorySegment memory = Arena.ofAuto().allocate(8);
    hand.reaper.round(1);
    hand.registered.want(memory);
    assertEquals(List.of(), hand.ring.registered());
    hand.reaper.round(1);
    assertEquals(List.of(memory), hand.ring.registered());
  }

  // ---- the flight recorder ----

  /** Each end that is told, and who holds the thread for long. */
  @Test
  void ends_whileTheFlightRecorderRuns_areRecordedWithTheirHolders(@TempDir Path directory) throws IOException {
    hand.close();
    Whereabouts watched = new Whereabouts(StallWatch.of(Duration.ofHours(1), ""));
    hand = new HandReaper(new HandRing(64, 256), new HandReaper.Table(8), 8, new BlockingFiles.Unknown(), watched);
    Noted holder =
        new Noted(
            new Operation.Sync(FD, true),
            _ -> Awaitility.await().atMost(Duration.ofSeconds(20)).pollInSameThread().until(() -> !watched.stackTaken().isEmpty()));
    Noted other = nop();
    long otherData = hand.inFlight(other);
    hand.ring.complete(hand.inFlight(holder), 0);
    hand.ring.complete(otherData, 0);
    Path dump = directory.resolve("dump.jfr");
    try (Recording recording = new Recording()) {
      var _ = recording.enable("dev.annulus.RingStall").withThreshold(Duration.ZERO);
      recording.start();
      hand.roundsUntilEnded(holder);
      hand.roundsUntilEnded(other);
      boolean _ = recording.stop();
      recording.dump(dump);
    }
    List<RecordedEvent> events =
        RecordingFile.readAllEvents(dump).stream().filter(event -> event.getEventType().getName().equals("dev.annulus.RingStall")).toList();
    assertEquals(List.of("dependent", "dependent"), events.stream().map(event -> event.getString("cause")).toList());
    assertEquals(Set.of("nop", "fdatasync"), new HashSet<>(events.stream().map(event -> event.getString("operation")).toList()));
    for (RecordedEvent event : events) {
      boolean held = event.getString("holder").contains("ReaperRequestTest");
      assertEquals(event.getString("operation").equals("fdatasync"), held, event.toString());
    }
  }

  // ---- the clock ----

  @Test
  void clock_isLookedAtInEachRound() {
    Noted request = nop();
    long _ = hand.inFlight(request);
    int ticks = hand.table.ticks;
    hand.reaper.round(1);
    assertEquals(ticks + 1, hand.table.ticks, "with a sleep");
    hand.ring.overflowed(true); // which keeps it awake
    for (int i = 0; i < 10; i++) {
      hand.reaper.round(1);
    }
    assertEquals(ticks + 11, hand.table.ticks);
  }
}
