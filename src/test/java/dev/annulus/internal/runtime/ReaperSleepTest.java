package dev.annulus.internal.runtime;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.annulus.internal.driver.Closing;
import dev.annulus.internal.driver.Errno;
import dev.annulus.internal.driver.Operation;
import dev.annulus.internal.runtime.HandRing.Enter;
import dev.annulus.internal.runtime.HandRing.Entry;
import dev.annulus.internal.runtime.Reaper.RingFailure;
import dev.annulus.testing.RecordingRequest;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** When the reaper waits in the kernel, when it does not, and what it does when the kernel is short of something. */
@Timeout(30)
class ReaperSleepTest {
  private static final long BACK_OFF_NANOS = 1_000_000;

  private HandReaper hand = new HandReaper(8, 8);

  @AfterEach
  void close() {
    hand.close();
  }

  /** What comes to a reaper that is about to sleep. */
  enum Event {
    REQUEST,
    URGENT,
    CANCELLATION,
    UNNAMED_CANCELLATION,
    CLOSING
  }

  /** So many entries have been completed. */
  private int done;

  private RecordingRequest inFlight = HandReaper.nop();
  private RecordingRequest late = HandReaper.nop();

  private void happen(Event event) {
    switch (event) {
      case REQUEST -> hand.put(late);
      case URGENT -> hand.putUrgent(late);
      case CANCELLATION -> hand.cancel(inFlight);
      case UNNAMED_CANCELLATION -> {
        hand.intake.unnamedCancellations(true);
        hand.wakeup.urgent();
      }
      case CLOSING -> {
        Closing _ = hand.intake.beginClose(Closing.begin(Duration.ofSeconds(5)));
        hand.wakeup.urgent();
      }
    }
  }

  private boolean isPending(Event event) {
    return switch (event) {
      case REQUEST, URGENT -> !hand.intake.isEmpty();
      case CANCELLATION, UNNAMED_CANCELLATION -> hand.intake.hasCancellation();
      case CLOSING -> hand.intake.isClosing();
    };
  }

  /** At each look the reaper takes at its table, and so before, between and behind its looks at the queues. */
  @ParameterizedTest
  @EnumSource
  void round_somethingComingAtAnyMomentBeforeTheWait_isNotSleptOver(Event event) {
    int moments = 0;
    while (comesAtMoment(event, moments + 1)) {
      moments++;
    }
    assertTrue(moments >= 4, "only " + moments + " moments");
  }

  /** False if the reaper waits before there are so many moments. */
  private boolean comesAtMoment(Event event, int moment) {
    hand.close();
    hand = new HandReaper(8, 8);
    inFlight = HandReaper.nop();
    late = HandReaper.nop();
    long userData = hand.inFlight(inFlight);
    int[] looks = {0};
    boolean[] happened = {false};
    boolean[] waits = {false};
    hand.table.onLook =
        () -> {
          if (++looks[0] == moment && !waits[0]) {
            happened[0] = true;
            happen(event);
          }
        };
    hand.ring.answerUsually(
        enter -> {
          int taken = hand.ring.takeAll(enter);
          if (enter.waits()) {
            waits[0] = true;
            boolean woken = hand.readWakes() > 0;
            assertFalse(isPending(event) && !woken, () -> event + " at look " + moment + " is slept over");
            assertEquals(0, enter.timeoutNanos());
          }
          return taken;
        });
    for (int rounds = 0; rounds < 4; rounds++) {
      waits[0] = false;
      if (event != Event.CLOSING || !hand.intake.isClosing()) {
        hand.reaper.round(0);
      }
    }
    hand.table.onLook = () -> {};
    if (happened[0] && (event == Event.REQUEST || event == Event.URGENT)) {
      assertEquals(2, hand.ring.entries().size(), "not taken");
    } else if (happened[0] && event == Event.CANCELLATION) {
      assertEquals(userData, hand.ring.entries().getLast().address(), "not cancelled");
    }
    return happened[0];
  }

  /** Puts a no-operation, and has a round; whether the kernel was asked to wait in it. */
  private boolean waitsForOne() {
    int before = hand.ring.enters().size();
    hand.put(HandReaper.nop());
    hand.reaper.round(0);
    List<Enter> enters = hand.ring.enters();
    assertEquals(before + 1, enters.size(), "not one call in a round");
    return enters.getLast().waits();
  }

  /** Takes what is offered, and has done all it ever took when it comes back. */
  private int doAtOnce(Enter enter) {
    int taken = hand.ring.takeAll(enter);
    List<Entry> all = hand.ring.entries();
    all.subList(done, all.size()).forEach(entry -> hand.ring.complete(entry.userData(), 0));
    done = all.size();
    return taken;
  }

  /** Takes what is offered, and has done it when it has waited. */
  private int doInTime(Enter enter) {
    return enter.waits() ? doAtOnce(enter) : hand.ring.takeAll(enter);
  }

  @Test
  void round_operationsThatEndAtOnce_announceNoSleepBeforeLong() {
    hand.ring.answerUsually(this::doAtOnce);
    int rounds = 0;
    while (waitsForOne()) {
      assertTrue(++rounds <= 64, "sleeps on and on");
    }
    for (int more = 0; more < 200; more++) {
      assertFalse(waitsForOne(), "sleeps though all ended at once");
      assertTrue(hand.table.isEmpty(), "has not ended");
    }
    assertFalse(hand.wakeup.isReaperAsleep());
    hand.reaper.round(0);
    assertTrue(hand.ring.enters().getLast().waits(), "goes round with nothing to submit");
  }

  @Test
  void round_operationsThatEndAtOnceNoMore_sleepsFromTheNextOn() {
    hand.ring.answerUsually(this::doAtOnce);
    while (waitsForOne()) {
      assertTrue(hand.table.isEmpty());
    }
    hand.ring.answerUsually(hand.ring::takeAll);
    assertFalse(waitsForOne(), "the first could not be known");
    assertTrue(waitsForOne());
    assertTrue(waitsForOne());
  }

  /** It costs a call of the kernel each time. */
  @Test
  void round_operationsThatTakeTime_areRarelyTriedOtherwise() {
    hand.ring.answerUsually(this::doInTime);
    int tries = 0;
    for (int rounds = 0; rounds < 640; rounds++) {
      if (!waitsForOne()) {
        tries++;
        hand.reaper.round(0);
      }
      assertTrue(hand.table.isEmpty(), "has not ended");
    }
    assertEquals(10, tries);
  }

  @Test
  void wait_withoutLimit_hasItsWakeUpArmed() {
    hand.ring.answerUsually(
        enter -> {
          int taken = hand.ring.takeAll(enter);
          assertEquals(1, hand.ring.wakeReads().size(), "none armed, or two");
          assertTrue(hand.wakeup.isReaperAsleep());
          return taken;
        });
    for (int rounds = 0; rounds < 3; rounds++) {
      hand.reaper.round(0);
      assertFalse(hand.wakeup.isReaperAsleep());
    }
    assertEquals(3, hand.ring.enters().stream().filter(Enter::waits).count());
  }

  @Test
  void wait_submittersMeanwhile_wakeOnceForEachSleep() {
    for (int sleeps = 1; sleeps <= 3; sleeps++) {
      hand.ring.answerNext(
          enter -> {
            int taken = hand.ring.takeAll(enter);
            hand.put(HandReaper.nop());
            assertEquals(1, hand.readWakes());
            hand.put(HandReaper.nop());
            hand.cancel(HandReaper.nop());
            assertEquals(0, hand.readWakes(), "a second write for one sleep");
            hand.ring.complete(UserData.WAKE, Long.BYTES);
            return taken;
          });
      hand.reaper.round(0);
      assertEquals(sleeps, hand.counters.wakeups.get());
      assertFalse(hand.wakeup.isArmed());
      hand.reaper.round(1);
      assertEquals(2 * sleeps, hand.ring.entries().size());
      hand.ring.entries().subList(2 * sleeps - 2, 2 * sleeps).forEach(entry -> hand.ring.complete(entry.userData(), 0));
      hand.roundsUntil(_ -> hand.table.isEmpty());
    }
    assertEquals(0, hand.readWakes());
    assertEquals(3 + 1, hand.ring.wakeReads().size() + (hand.wakeup.isArmed() ? 0 : 1));
  }

  @Test
  void wait_everySlotTaken_isEndedByUrgentMattersOnly() {
    for (int i = 0; i < 8; i++) {
      hand.put(HandReaper.nop());
    }
    hand.reaper.round(1);
    assertTrue(hand.table.isFull());
    hand.ring.answerNext(
        enter -> {
          int taken = hand.ring.takeAll(enter);
          hand.put(HandReaper.nop());
          assertEquals(0, hand.readWakes(), "woken for what it has no slot for");
          hand.putUrgent(HandReaper.nop());
          assertEquals(1, hand.readWakes());
          return taken;
        });
    hand.reaper.round(0);
    assertEquals(1, hand.counters.wakeups.get());
  }

  @Test
  void round_moreRequestsThanSlots_takesTheNextWhenOneIsFree() {
    List<RecordingRequest> all = new ArrayList<>();
    for (int i = 0; i < 8; i++) {
      all.add(HandReaper.nop());
    }
    all.forEach(hand::put);
    hand.reaper.round(1);
    all.add(HandReaper.nop());
    all.add(HandReaper.nop());
    all.subList(8, 10).forEach(hand::put);
    hand.reaper.round(1);
    assertEquals(8, hand.ring.entries().size());
    assertEquals(2, hand.intake.size());
    hand.ring.complete(hand.ring.entries().getFirst().userData(), 0);
    hand.reaper.round(1);
    hand.reaper.round(1);
    assertEquals(9, hand.ring.entries().size());
    assertEquals(1, hand.intake.size());
    assertTrue(hand.table.isFull());
  }

  @Test
  void wait_nobodyComing_countsNoWakeUp() {
    hand.reaper.round(0);
    hand.reaper.round(0);
    assertEquals(0, hand.counters.wakeups.get());
    assertEquals(0, hand.readWakes());
  }

  @Test
  void wait_withALimit_isPassedToTheKernel() {
    hand.reaper.round(123_456);
    assertEquals(123_456, hand.ring.enters().getLast().timeoutNanos());
    assertEquals(1, hand.ring.enters().getLast().minComplete());
  }

  @Test
  void round_completionsReadyAndNothingToSubmit_doesNotEnter() {
    RecordingRequest request = HandReaper.nop();
    long userData = hand.inFlight(request);
    int enters = hand.ring.enters().size();
    hand.ring.complete(userData, 7);
    hand.reaper.round(0);
    assertEquals(7, request.result());
    assertEquals(enters, hand.ring.enters().size());
  }

  @Test
  void round_completionsReadyAndSomethingToSubmit_entersWithoutWaiting() {
    RecordingRequest request = HandReaper.nop();
    long userData = hand.inFlight(request);
    hand.ring.complete(userData, 7);
    hand.put(HandReaper.nop());
    hand.reaper.round(0);
    Enter last = hand.ring.enters().getLast();
    assertEquals(new Enter(1, 0, 0), last);
    assertEquals(7, request.result());
  }

  // ---- a kernel that is short of something ----

  @ParameterizedTest
  @ValueSource(ints = {Errno.EAGAIN, Errno.EBUSY})
  void enter_kernelShort_waitsALittleAndSubmitsAgain(int errno) {
    RecordingRequest request = HandReaper.nop();
    hand.put(request);
    for (int i = 1; i <= 3; i++) {
      hand.ring.answerNext(HandRing.refusing(errno));
      hand.ring.answerNext(HandRing.refusing(Errno.ETIME));
      hand.reaper.round(0);
      assertEquals(2 * i, hand.ring.enters().size(), "calls");
      assertEquals(new Enter(0, 1, BACK_OFF_NANOS), hand.ring.enters().getLast());
      assertEquals(2L * i, hand.counters.enters.get());
      assertEquals(List.of(), hand.ring.entries());
    }
    hand.reaper.round(0);
    assertEquals(1, hand.ring.entries().size());
    assertFalse(request.hasEnded());
  }

  @Test
  void enter_kernelShortWithCompletionsReady_reapsInsteadOfWaiting() {
    RecordingRequest request = HandReaper.nop();
    long userData = hand.inFlight(request);
    hand.put(HandReaper.nop());
    int before = hand.ring.enters().size();
    hand.ring.answerNext(
        _ -> {
          hand.ring.complete(userData, 5);
          return -Errno.EBUSY;
        });
    hand.reaper.round(0);
    assertEquals(before + 1, hand.ring.enters().size());
    assertEquals(5, request.result());
  }

  @Test
  void enter_entriesTakenInPart_waitsALittleAndSubmitsTheRest() {
    hand.put(HandReaper.nop());
    hand.put(HandReaper.nop());
    hand.ring.answerNext(_ -> hand.ring.take(1));
    hand.ring.answerNext(HandRing.refusing(Errno.ETIME));
    hand.reaper.round(0);
    assertEquals(2, hand.ring.enters().size());
    assertEquals(new Enter(0, 1, BACK_OFF_NANOS), hand.ring.enters().getLast());
    hand.reaper.round(0);
    assertEquals(2, hand.ring.entries().size());
    assertEquals(3, hand.ring.enters().size(), "waited although all was taken");
  }

  @Test
  void enter_entriesTakenInPartWithCompletionsReady_reaps() {
    RecordingRequest request = HandReaper.nop();
    long userData = hand.inFlight(request);
    hand.put(HandReaper.nop());
    hand.put(HandReaper.nop());
    int before = hand.ring.enters().size();
    hand.ring.answerNext(
        _ -> {
          hand.ring.complete(userData, 5);
          return hand.ring.take(1);
        });
    hand.reaper.round(0);
    assertEquals(before + 1, hand.ring.enters().size());
    assertEquals(5, request.result());
  }

  @ParameterizedTest
  @ValueSource(ints = {Errno.EINTR, Errno.ETIME})
  void enter_interruptedOrTimedOut_isNoFailureAndNoShortage(int errno) {
    hand.put(HandReaper.nop());
    hand.ring.answerNext(
        enter -> {
          int _ = hand.ring.takeAll(enter);
          return -errno;
        });
    hand.reaper.round(0);
    assertEquals(1, hand.ring.enters().size());
  }

  @ParameterizedTest
  @CsvSource({"EBADF,9", "ENXIO,6", "EINVAL,22", "EFAULT,14", "EOPNOTSUPP,95", "ENOMEM,12", "EPERM,1"})
  void enter_refusedForGood_isARingFailureThatNamesTheError(String symbol, int errno) {
    hand.put(HandReaper.nop());
    hand.ring.answerNext(HandRing.refusing(errno));
    RingFailure e = assertThrows(RingFailure.class, () -> hand.reaper.round(0));
    assertTrue(e.toString().contains("io_uring_enter failed: " + symbol), e.toString());
    assertFalse(hand.wakeup.isReaperAsleep(), "submitters would write to a descriptor that is closed");
  }

  @ParameterizedTest
  @ValueSource(ints = {Errno.EINTR, Errno.ETIME, Errno.EAGAIN, Errno.EBUSY, 0, -1})
  void wait_forAKernelThatIsShort_mayEndAnyWay(int errno) {
    hand.put(HandReaper.nop());
    hand.ring.answerNext(HandRing.refusing(Errno.EAGAIN));
    hand.ring.answerNext(HandRing.refusing(errno));
    hand.reaper.round(0);
    assertEquals(2, hand.ring.enters().size());
    hand.reaper.round(0);
    assertEquals(1, hand.ring.entries().size());
  }

  @Test
  void wait_forAKernelThatIsShort_thatIsRefusedForGood_isARingFailure() {
    hand.put(HandReaper.nop());
    hand.ring.answerNext(HandRing.refusing(Errno.EAGAIN));
    hand.ring.answerNext(HandRing.refusing(Errno.EBADF));
    RingFailure e = assertThrows(RingFailure.class, () -> hand.reaper.round(0));
    assertTrue(e.toString().contains("EBADF"), e.toString());
  }

  // ---- completions that found no room ----

  @Test
  void round_completionsOverflowed_entersForThemWithoutWaiting() {
    hand.ring.overflowed(true);
    hand.reaper.round(0);
    assertEquals(List.of(new Enter(0, 0, 0)), hand.ring.enters());
    assertEquals(List.of(), hand.ring.wakeReads());
    assertEquals(1, hand.counters.overflows.get());
    hand.reaper.round(0);
    assertEquals(1, hand.counters.overflows.get(), "the same, counted again");
    hand.ring.overflowed(false);
    hand.reaper.round(0);
    assertTrue(hand.ring.enters().getLast().waits());
    hand.ring.overflowed(true);
    hand.reaper.round(0);
    assertEquals(2, hand.counters.overflows.get());
  }

  @Test
  void round_completionsReadyAndOverflowed_entersAtOnce() {
    RecordingRequest request = HandReaper.nop();
    long userData = hand.inFlight(request);
    hand.ring.complete(userData, 0);
    hand.ring.overflowed(true);
    int before = hand.ring.enters().size();
    hand.reaper.round(0);
    assertEquals(before + 1, hand.ring.enters().size());
    assertEquals(new Enter(0, 0, 0), hand.ring.enters().getLast());
    assertEquals(0, request.result());
  }

  @Test
  void round_aCompletionLost_isARingFailure() {
    hand.reaper.round(0);
    hand.ring.lose();
    RingFailure e = assertThrows(RingFailure.class, () -> hand.reaper.round(0));
    assertTrue(e.toString().contains("EBADR"), e.toString());
  }

  // ---- the rest ----

  @Test
  void round_fewEntries_keepsOneForTheWakeUp() {
    hand.close();
    hand = new HandReaper(new HandRing(4, 64), 16, 16);
    hand.ring.answerUsually(
        enter -> {
          assertTrue(!enter.waits() || hand.wakeup.isArmed(), "waits with no wake-up armed");
          return hand.ring.takeAll(enter);
        });
    for (int i = 0; i < 9; i++) {
      hand.put(HandReaper.nop());
    }
    for (int rounds = 0; rounds < 3; rounds++) {
      hand.reaper.round(0);
    }
    assertEquals(9, hand.ring.entries().size());
    assertEquals(1, hand.ring.wakeReads().size());
    // A kernel that takes nothing: the queue fills up, all but one entry.
    hand.ring.answerUsually(_ -> 0);
    hand.ring.answerNext(_ -> 0);
    for (int i = 0; i < 4; i++) {
      hand.put(HandReaper.nop());
    }
    hand.reaper.round(0);
    hand.reaper.round(0);
    assertEquals(1, hand.ring.submissions().free());
  }

  @Test
  void batches_takenByTheKernel_areTold() {
    List<Integer> told = new ArrayList<>();
    hand.counters.batchListener = told::add;
    hand.put(HandReaper.nop());
    hand.put(HandReaper.nop());
    hand.reaper.round(0); // with the read of the wake-up
    hand.reaper.round(0);
    hand.ring.answerNext(HandRing.refusing(Errno.EINTR));
    hand.put(HandReaper.nop());
    hand.reaper.round(0);
    hand.reaper.round(0);
    assertEquals(List.of(3, 1), told);
  }

  @Test
  void quiesceWakeup_armed_endsTheReadThatIsInTheKernel() {
    hand.reaper.round(0);
    assertTrue(hand.wakeup.isArmed());
    hand.ring.answerUsually(
        enter -> {
          if (enter.waits()) {
            assertEquals(1, hand.readWakes(), "nothing was written that ends the read");
            hand.ring.complete(UserData.CANCEL, 0);
            hand.ring.complete(UserData.WAKE, Long.BYTES);
          }
          return hand.ring.takeAll(enter);
        });
    int before = hand.ring.enters().size();
    assertTrue(hand.reaper.quiesceWakeup());
    assertFalse(hand.wakeup.isArmed());
    assertEquals(before + 1, hand.ring.enters().size());
    assertEquals(0, hand.ring.unread());
    assertTrue(hand.reaper.quiesceWakeup());
    assertEquals(before + 1, hand.ring.enters().size(), "nothing was armed");
  }

  /** Other completions come first, and the place behind them holds an old one. */
  @Test
  void quiesceWakeup_otherCompletions_areNotTakenForTheReads() {
    hand.close();
    hand = new HandReaper(new HandRing(64, 1), 8, 8);
    hand.reaper.round(0);
    hand.ring.complete(UserData.WAKE, Long.BYTES);
    hand.reaper.round(0);
    assertFalse(hand.wakeup.isArmed());
    hand.reaper.round(0);
    assertTrue(hand.wakeup.isArmed());
    int before = hand.ring.enters().size();
    hand.ring.answerNext(hand.ring::takeAll);
    hand.ring.answerNext(
        enter -> {
          assertTrue(hand.wakeup.isArmed());
          hand.ring.complete(UserData.CANCEL, Long.BYTES);
          return hand.ring.takeAll(enter);
        });
    hand.ring.answerNext(
        enter -> {
          assertTrue(hand.wakeup.isArmed());
          hand.ring.complete(UserData.WAKE, Long.BYTES);
          return hand.ring.takeAll(enter);
        });
    assertTrue(hand.reaper.quiesceWakeup());
    assertEquals(before + 3, hand.ring.enters().size());
    assertEquals(0, hand.ring.unread());
  }

  @Test
  void quiesceWakeup_readThatNeverEnds_isGivenUp() {
    hand.reaper.round(0);
    int before = hand.ring.enters().size();
    assertFalse(hand.reaper.quiesceWakeup());
    assertEquals(before + 1000, hand.ring.enters().size());
    assertTrue(hand.ring.enters().getLast().timeoutNanos() > 0, "waits for ever");
  }

  @Test
  void isIdle_throughTheLifeOfARequest_isTrueBeforeAndAfter() {
    assertTrue(hand.reaper.isIdle());
    RecordingRequest request = new HandReaper.Prompt(new Operation.Nop(), _ -> assertFalse(hand.reaper.isIdle()));
    hand.put(request);
    assertFalse(hand.reaper.isIdle());
    hand.reaper.round(1);
    assertFalse(hand.reaper.isIdle());
    hand.ring.complete(hand.ring.entries().getLast().userData(), 0);
    hand.reaper.round(1);
    assertEquals(0, request.result());
    assertTrue(hand.reaper.isIdle());
  }
}
