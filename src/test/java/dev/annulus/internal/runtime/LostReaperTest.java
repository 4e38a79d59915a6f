package dev.annulus.internal.runtime;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.annulus.internal.driver.Closing;
import dev.annulus.internal.driver.Driver;
import dev.annulus.internal.driver.Finisher;
import dev.annulus.internal.driver.Operation;
import dev.annulus.internal.driver.Whereabouts;
import dev.annulus.testing.CapturedLog;
import java.io.IOException;
import java.lang.reflect.Proxy;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What the thread that closes finds in the hands of a reaper that does not come back, and whom it tells what. */
@Timeout(30)
class LostReaperTest {
  private static final Driver OWNER =
      (Driver) Proxy.newProxyInstance(Driver.class.getClassLoader(), new Class<?>[] {Driver.class}, (_, _, _) -> null);

  private final HandReaper hand = new HandReaper(4, 8);
  private final LostReaper lost = new LostReaper("lost", hand.where, hand.intake, hand.table, hand.reaper.heldBack());

  @AfterEach
  void close() {
    hand.close();
  }

  /** Remembers why it was given up. */
  private static class Given extends HandReaper.Prompt {
    final List<Throwable> causes = new CopyOnWriteArrayList<>();

    Given(Operation operation) {
      super(operation);
    }

    Given() {
      this(new Operation.Nop());
    }

    @Override
    public void givenUp(Throwable cause) {
      causes.add(cause);
    }

    void assertBegun() {
      assertInstanceOf(IOException.class, causes.getFirst());
    }

    void assertWaited() {
      assertInstanceOf(RejectedExecutionException.class, causes.getFirst());
    }
  }

  /** How many were begun. */
  private int giveUp() {
    Finisher finisher = new Finisher(OWNER, "lost");
    int begun = lost.giveUp(finisher, Closing.begin(Duration.ofMillis(100)));
    assertTrue(finisher.run(TimeUnit.SECONDS.toNanos(10)));
    return begun;
  }

  @Test
  void giveUp_reaperInTheKernel_endsWhatItHasInHand() {
    Given inFlight = new Given();
    long _ = hand.inFlight(inFlight);
    Given doomed = new Given();
    Given own = new Given();
    Given urgent = new Given();
    Given queued = new Given();
    Given late = new Given();
    hand.put(doomed);
    hand.cancel(doomed);
    List<Integer> begun = new ArrayList<>();
    hand.ring.answerNext(
        enter -> {
          hand.intake.putOwn(own);
          hand.put(queued);
          hand.putUrgent(urgent);
          begun.add(giveUp());
          hand.putUrgent(late);
          return hand.ring.takeAll(enter);
        });
    hand.reaper.round(1);
    assertEquals(List.of(1), begun);
    inFlight.assertBegun();
    for (Given waited : List.of(doomed, own, urgent, queued, late)) {
      waited.assertWaited();
    }
    assertEquals(1, inFlight.causes.size());
    assertEquals(0, inFlight.ends(), "it is still with the driver");
  }

  @Test
  void giveUp_reaperInUsersCode_endsTheOneThatHoldsItToo() {
    List<Integer> begun = new ArrayList<>();
    Given second = new Given();
    Given holder =
        new Given() {
          @Override
          public void completed(int result) {
            begun.add(giveUp());
            super.completed(result);
          }
        };
    long holderData = hand.inFlight(holder);
    long secondData = hand.inFlight(second);
    hand.ring.complete(holderData, 0);
    hand.ring.complete(secondData, 0);
    hand.reaper.round(1);
    assertEquals(List.of(2), begun);
    holder.assertBegun();
    second.assertBegun();
    assertEquals(0, second.result(), "ended when the reaper came back");
  }

  /** What it reads while the reaper moves does not belong together. */
  @Test
  void giveUp_reaperInItsOwnCode_touchesNothing() {
    Given inFlight = new Given();
    long _ = hand.inFlight(inFlight);
    assertEquals(0, giveUp());
    assertEquals(List.of(), inFlight.causes);
  }

  /** Whoever has ended holds nothing, wherever it was seen last. */
  @Test
  void giveUp_reaperThatHasEnded_touchesNothing() throws Exception {
    Given inFlight = new Given();
    long _ = hand.inFlight(inFlight);
    Whereabouts ended = new Whereabouts(null);
    Thread thread =
        Thread.ofPlatform()
            .start(
                () -> {
                  ended.begin();
                  ended.intoKernel();
                });
    assertTrue(thread.join(Duration.ofSeconds(20)));
    LostReaper gone = new LostReaper("gone", ended, hand.intake, hand.table, hand.reaper.heldBack());
    Finisher finisher = new Finisher(OWNER, "gone");
    assertEquals(0, gone.giveUp(finisher, Closing.begin(Duration.ofMillis(100))));
    assertTrue(finisher.run(TimeUnit.SECONDS.toNanos(10)));
    assertEquals(List.of(), inFlight.causes);
  }

  /** What was read before it moved and after does not belong together. */
  @Test
  void giveUp_reaperThatMovesMeanwhile_looksAgain() {
    Given first = new Given();
    long _ = hand.inFlight(first);
    Given second = new Given();
    List<Integer> begun = new ArrayList<>();
    hand.ring.answerNext(
        enter -> {
          hand.table.afterRead =
              () -> {
                hand.table.afterRead = () -> {};
                hand.where.back();
                int _ = hand.table.claim(() -> second);
                hand.where.intoKernel();
              };
          begun.add(giveUp());
          return hand.ring.takeAll(enter);
        });
    hand.reaper.round(1);
    assertEquals(List.of(2), begun);
    first.assertBegun();
    second.assertBegun();
  }

  @Test
  void report_ofAReaperThatIsAway_saysWhereAndTheStack() {
    hand.ring.answerNext(
        enter -> {
          try (CapturedLog log = new CapturedLog()) {
            lost.report(3);
            assertEquals(1, log.messagesWith("the kernel held its thread", "futures of 3 operations", "LostReaperTest").size(), log.messages().toString());
          }
          return hand.ring.takeAll(enter);
        });
    Given holder =
        new Given() {
          @Override
          public void completed(int result) {
            try (CapturedLog log = new CapturedLog()) {
              lost.report(0);
              assertEquals(1, log.messagesWith("users' code held its thread").size(), log.messages().toString());
            }
            super.completed(result);
          }
        };
    long userData = hand.inFlight(holder);
    hand.ring.complete(userData, 0);
    hand.reaper.round(1);
    assertEquals(0, holder.result());
  }
}
