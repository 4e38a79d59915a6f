package dev.annulus.internal.runtime;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.annulus.internal.driver.Closing;
import dev.annulus.internal.driver.Operation;
import dev.annulus.internal.driver.Request;
import dev.annulus.testing.RecordingRequest.How;
import dev.annulus.testing.RecordingRequest;
import java.lang.invoke.VarHandle;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(120)
class IntakeTest {
  private final Throwable ended = new RejectedExecutionException("ended by the test");

  @Test
  void take_bounded_comesInOrderAndGivesItsPlaceBack() {
    Intake intake = new Intake(4, true);
    List<RecordingRequest> requests = new ArrayList<>();
    assertTrue(intake.isEmpty());
    for (int i = 0; i < 4; i++) {
      requests.add(RecordingRequest.nop());
      put(intake, requests.get(i));
    }
    assertFalse(intake.isEmpty());
    assertEquals(4, intake.size());
    assertNotNull(intake.admission().enter());
    for (int i = 0; i < 3; i++) {
      assertSame(requests.get(i), intake.take());
    }
    intake.leavePlaces();
    assertEquals(1, intake.size());
    assertSame(requests.get(3), intake.take());
    assertNull(intake.take());
    intake.leavePlaces();
    intake.leavePlaces();
    assertEquals(0, intake.size());
    assertTrue(intake.isEmpty());
  }

  @Test
  void take_ownAndOthers_takeTurns() {
    Intake intake = new Intake(64, true);
    for (int i = 0; i < 20; i++) {
      put(intake, new RecordingRequest(new Operation.Nop()));
      intake.putOwn(new RecordingRequest(new Operation.Sync(1, true)));
    }
    for (int i = 0; i < 20; i++) {
      String first = takeName(intake);
      String second = takeName(intake);
      assertFalse(first.equals(second), "two in a row of " + first);
    }
    assertNull(intake.take());
  }

  /** Where the others have nothing it is the reaper's turn each time. */
  @Test
  void take_ownOnly_comesEachTime() {
    Intake intake = new Intake(4, true);
    List<RecordingRequest> own = new ArrayList<>();
    for (int i = 0; i < 4; i++) {
      own.add(RecordingRequest.nop());
      intake.putOwn(own.get(i));
    }
    for (RecordingRequest request : own) {
      assertSame(request, intake.take());
    }
  }

  @Test
  void take_urgentRequests_comeFirstAndNeedNoPlace() {
    Intake intake = new Intake(1, true);
    RecordingRequest bounded = RecordingRequest.nop();
    RecordingRequest urgent = RecordingRequest.nop();
    put(intake, bounded);
    intake.putUrgent(urgent);
    assertSame(urgent, intake.take());
    assertSame(bounded, intake.take());
    assertTrue(intake.isEmpty());
  }

  @Test
  void takeCancellation_ofSomeRequests_comesInOrderBesideRequests() {
    Intake intake = new Intake(2, true);
    RecordingRequest first = RecordingRequest.nop();
    RecordingRequest second = RecordingRequest.nop();
    assertFalse(intake.hasCancellation());
    intake.putCancellation(first);
    intake.putCancellation(second);
    assertTrue(intake.hasCancellation());
    assertTrue(intake.isEmpty());
    assertSame(first, intake.takeCancellation());
    assertSame(second, intake.takeCancellation());
    assertNull(intake.takeCancellation());
  }

  @Test
  void end_waitingRequests_areRefusedWithTheCause() {
    Intake intake = new Intake(8, true);
    RecordingRequest bounded = RecordingRequest.nop();
    RecordingRequest own = RecordingRequest.nop();
    RecordingRequest urgent = RecordingRequest.nop();
    RecordingRequest inFlight = RecordingRequest.nop();
    put(intake, bounded);
    intake.putOwn(own);
    intake.putCancellation(inFlight);
    intake.putUrgent(urgent);
    intake.end(ended);
    for (RecordingRequest request : List.of(bounded, own, urgent)) {
      assertRefused(request);
    }
    assertEquals(0, inFlight.ends(), "a cancellation is not a submission");

    RecordingRequest late = RecordingRequest.nop();
    late.mark(Reaper.Marks.QUEUED);
    intake.putOwn(late);
    assertRefused(late);
    assertSame(ended, intake.admission().enter());
  }

  /** A mark says where a request is, for cancelling it; and nothing is left to be cancelled. */
  @Test
  void end_whatIsRefused_isNowhereAnyMore() {
    Intake intake = new Intake(8, true);
    RecordingRequest waiting = RecordingRequest.nop();
    waiting.mark(Reaper.Marks.QUEUED);
    put(intake, waiting);
    intake.putCancellation(waiting);
    intake.end(ended);
    assertRefused(waiting);
    assertFalse(intake.hasCancellation());
    intake.putCancellation(waiting);
    intake.putCancellation(waiting);
    intake.afterPut();
    assertFalse(intake.hasCancellation(), "kept for a reaper that has gone");
  }

  /** Cut each time it is to be refused, before it is told. */
  private static RecordingRequest unmarkable() {
    return new RecordingRequest(new Operation.Nop()) {
      @Override
      public void mark(int mark) {
        throw new OutOfMemoryError("thrown by the test");
      }
    };
  }

  @Test
  void end_cutBeforeARefusal_refusesAllTheSame() {
    Intake intake = new Intake(2, true);
    RecordingRequest cut = unmarkable();
    RecordingRequest next = RecordingRequest.nop();
    put(intake, cut);
    put(intake, next);
    intake.end(ended);
    assertRefused(cut);
    assertRefused(next);
  }

  /** Where nothing succeeds it is not tried for ever: who comes later goes on. */
  @Test
  void end_cutAgainAndAgain_leavesTheRestToTheNext() {
    int tries = 100;
    int count = 2 * tries + 1;
    Intake intake = new Intake(count, true);
    List<RecordingRequest> all = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      all.add(unmarkable());
      put(intake, all.get(i));
    }
    intake.end(ended);
    assertEquals(tries, all.stream().filter(RecordingRequest::hasEnded).count());
    intake.afterPut();
    assertEquals(2L * tries, all.stream().filter(RecordingRequest::hasEnded).count());
    intake.afterPut();
    all.forEach(this::assertRefused);
  }

  /** Places that could not be given back are still owed, and come with the next. */
  @Test
  void leavePlaces_cut_givesThemBackLater() {
    int places = 4;
    Intake intake = new Intake(places, true);
    put(intake, RecordingRequest.nop());
    put(intake, RecordingRequest.nop());
    assertNotNull(intake.take());
    assertNotNull(intake.take());
    int beyond = Integer.MAX_VALUE - places + 1;
    intake.admission().leave(beyond); // so that no more can be counted
    assertThrows(Error.class, intake::leavePlaces);
    assertNull(intake.admission().enter());
    assertNull(intake.admission().enter());
    intake.leavePlaces();
    int full = intake.admission().taken();
    intake.leavePlaces();
    assertEquals(full, intake.admission().taken(), "given back twice");
    assertThrows(Error.class, () -> intake.admission().leave(2), "not given back");
  }

  /** Requests that are urgent or the reaper's own have no places. */
  @Test
  void leavePlaces_afterAllKinds_givesThoseOfTheBoundedBack() {
    Intake intake = new Intake(3, true);
    put(intake, RecordingRequest.nop());
    put(intake, RecordingRequest.nop());
    assertNull(intake.admission().enter());
    intake.putOwn(RecordingRequest.nop());
    intake.putUrgent(RecordingRequest.nop());
    for (int i = 0; i < 4; i++) {
      assertNotNull(intake.take());
    }
    intake.leavePlaces();
    assertEquals(1, intake.size());
  }

  @Test
  void beginClose_twice_keepsTheFirstLimits() {
    Intake intake = new Intake(2, true);
    assertFalse(intake.isClosing());
    assertNull(intake.closing());
    Closing first = Closing.begin(Duration.ofSeconds(1));
    assertSame(first, intake.beginClose(first));
    assertSame(first, intake.beginClose(Closing.begin(Duration.ofSeconds(2))));
    assertSame(first, intake.closing());
    assertTrue(intake.isClosing());
  }

  /** While closing another thread may look through what waits, and the own queue is not made for that. */
  @Test
  void putOwn_whileClosing_goesWhereOthersMayLook() {
    Intake intake = new Intake(2, true);
    RecordingRequest before = RecordingRequest.nop();
    intake.putOwn(before);
    assertTrue(intake.hasOwn());
    assertSame(before, intake.take());
    assertFalse(intake.hasOwn());
    Closing _ = intake.beginClose(Closing.begin(Duration.ofSeconds(1)));
    RecordingRequest late = RecordingRequest.nop();
    intake.putOwn(late);
    assertFalse(intake.hasOwn());
    assertSame(late, intake.take());
  }

  @Test
  void afterPut_onceGivenUp_tellsWhatIsUrgentAndKeepsIt() {
    Intake intake = new Intake(2, true);
    List<Throwable> told = new ArrayList<>();
    RecordingRequest urgent =
        new RecordingRequest(new Operation.Nop()) {
          @Override
          public void givenUp(Throwable cause) {
            told.add(cause);
          }
        };
    assertNull(intake.givenUpBecause());
    intake.putUrgent(urgent);
    intake.afterPut();
    assertEquals(List.of(), told);
    intake.giveUp(ended);
    assertSame(ended, intake.givenUpBecause());
    intake.afterPut();
    assertEquals(List.of(ended), told);
    assertSame(urgent, intake.take());
  }

  /** A completion that runs on the reaper's thread submits while that is given up: in users' code it may be for ever. */
  @Test
  void putOwn_onceGivenUp_isToldAtOnceAndKept() {
    Intake intake = new Intake(2, true);
    List<Throwable> told = new ArrayList<>();
    RecordingRequest own =
        new RecordingRequest(new Operation.Nop()) {
          @Override
          public void givenUp(Throwable cause) {
            told.add(cause);
          }
        };
    Closing _ = intake.beginClose(Closing.begin(Duration.ofSeconds(1)));
    intake.giveUp(ended);
    intake.putOwn(own);
    assertEquals(List.of(ended), told);
    assertSame(own, intake.take());
  }

  @Test
  void forEach_whatWaits_isAllOfIt() {
    Intake intake = new Intake(4, true);
    RecordingRequest bounded = RecordingRequest.nop();
    RecordingRequest own = RecordingRequest.nop();
    RecordingRequest urgent = RecordingRequest.nop();
    put(intake, bounded);
    intake.putOwn(own);
    intake.putUrgent(urgent);
    Set<Request> seen = new HashSet<>();
    intake.forEach(request -> assertTrue(seen.add(request)));
    assertEquals(Set.of(bounded, own, urgent), seen);
  }

  @Test
  void unnamedCancellations_asked_areACancellationUntilLookedFor() {
    Intake intake = new Intake(2, true);
    assertFalse(intake.hasUnnamedCancellations());
    intake.unnamedCancellations(true);
    assertTrue(intake.hasCancellation());
    assertTrue(intake.hasUnnamedCancellations());
    intake.unnamedCancellations(false);
    assertFalse(intake.hasCancellation());
  }

  @Test
  void size_withPlacesOwed_givesThemBack() {
    Intake intake = new Intake(2, true);
    assertNull(intake.admission().enter());
    assertEquals(1, intake.size());
    intake.admission().owed = 1;
    assertEquals(0, intake.size());
    assertEquals(0, intake.admission().owed);
  }

  @Test
  void put_moreThanPlaces_isAnErrorAndNotSilent() {
    Intake intake = new Intake(2, true);
    assertThrows(
        AssertionError.class,
        () -> {
          for (int i = 0; i < 1000; i++) {
            intake.put(RecordingRequest.nop());
          }
        });
  }

  @Test
  void put_racingWithEnd_isTakenOrRefusedExactlyOnce() throws Exception {
    int putters = 8;
    int rounds = 3000;
    ExecutorService pool = Executors.newFixedThreadPool(putters);
    try {
      for (int round = 0; round < rounds; round++) {
        race(pool, putters, round);
      }
    } finally {
      pool.shutdownNow();
    }
  }

  /** Each putter puts two requests while this thread, as the reaper, takes a few and ends. */
  private void race(ExecutorService pool, int putters, int round) throws Exception {
    Intake intake = new Intake(4, false);
    CyclicBarrier start = new CyclicBarrier(putters + 1);
    List<RecordingRequest> requests = new ArrayList<>();
    List<Future<?>> done = new ArrayList<>();
    for (int i = 0; i < putters; i++) {
      RecordingRequest first = RecordingRequest.nop();
      RecordingRequest second = RecordingRequest.nop();
      requests.add(first);
      requests.add(second);
      boolean urgent = i % 3 == 0;
      done.add(
          pool.submit(
              () -> {
                start.await(10, TimeUnit.SECONDS);
                submit(intake, first, urgent);
                submit(intake, second, urgent);
                return null;
              }));
    }
    start.await(10, TimeUnit.SECONDS);
    List<Request> taken = new ArrayList<>();
    for (int i = 0; i < round % 16; i++) {
      Request request = intake.take();
      if (request != null) {
        taken.add(request);
        request.completed(0);
      }
    }
    intake.end(ended);
    for (Future<?> putter : done) {
      putter.get(10, TimeUnit.SECONDS);
    }
    for (RecordingRequest request : requests) {
      // Putter and reaper have both gone: whoever is to refuse it has done so.
      assertEquals(1, request.ends(), "round " + round);
      RecordingRequest.How expected =
          taken.contains(request) ? RecordingRequest.How.COMPLETED : RecordingRequest.How.REFUSED;
      assertEquals(expected, request.await().how(), "round " + round);
    }
  }

  /** What the driver does with a request, with the fence of its wake-up. */
  private static void submit(Intake intake, RecordingRequest request, boolean urgent) {
    if (urgent) {
      intake.putUrgent(request);
    } else {
      Throwable refusal = intake.admission().enter();
      if (refusal != null) {
        request.refused(refusal);
        return;
      }
      intake.put(request);
    }
    VarHandle.fullFence();
    intake.afterPut();
  }

  private static void put(Intake intake, RecordingRequest request) {
    assertNull(intake.admission().enter());
    intake.put(request);
    intake.afterPut();
  }

  private static String takeName(Intake intake) {
    Request request = intake.take();
    assertNotNull(request);
    return request.operation().name();
  }

  private void assertRefused(RecordingRequest request) {
    assertEquals(new RecordingRequest.End(RecordingRequest.How.REFUSED, 0, ended), request.await());
    assertEquals(Request.NO_MARK, request.mark());
  }

  /** It was admitted before closing began, and was held up on its way: nobody comes for it any more. */
  @Test
  void put_boundedAfterTheReaperWasGivenUp_isGivenUp() {
    Intake intake = new Intake(4, true);
    Throwable lost = new RejectedExecutionException("given up by the test");
    AtomicReference<Throwable> told = new AtomicReference<>();
    RecordingRequest late =
        new RecordingRequest(new Operation.Nop()) {
          @Override
          public void givenUp(Throwable cause) {
            told.set(cause);
          }
        };
    assertNull(intake.admission().enter());
    intake.giveUp(lost);
    intake.put(late);
    intake.afterPut();
    assertSame(lost, told.get());
  }
}
