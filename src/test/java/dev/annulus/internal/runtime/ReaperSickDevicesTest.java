package dev.annulus.internal.runtime;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.annulus.internal.driver.Closing;
import dev.annulus.internal.driver.Driver;
import dev.annulus.internal.driver.Errno;
import dev.annulus.internal.driver.Finisher;
import dev.annulus.internal.driver.Mounts;
import dev.annulus.internal.driver.Mounts.Mount;
import dev.annulus.internal.driver.Operation;
import dev.annulus.internal.driver.OperationTarget;
import dev.annulus.internal.driver.Request;
import dev.annulus.internal.driver.Whereabouts;
import dev.annulus.internal.runtime.HandRing.Entry;
import java.lang.reflect.Proxy;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What the reaper does with requests for a device all of whose operations hang: the first digit of a descriptor says which it is of. */
@Timeout(30)
class ReaperSickDevicesTest {
  private static final int SLOTS = 8;
  private static final int ALL_SLOTS = 12;
  private static final int SICK = 1_000_000;
  private static final int HEALTHY = 2_000_000;

  private static final Driver OWNER =
      (Driver) Proxy.newProxyInstance(Driver.class.getClassLoader(), new Class<?>[] {Driver.class}, (_, _, _) -> null);

  private static final class Numbers extends BlockingFiles {
    Numbers() {
      super(new Mounts());
    }

    @Override
    Mount mountOf(Operation operation) {
      return new Mount("/" + OperationTarget.descriptorOf(operation) / SICK, "ext4", true);
    }

    @Override
    @Nullable Mount mountAtFault(Operation operation) {
      return mountOf(operation);
    }
  }

  private final HandReaper hand =
      new HandReaper(new HandRing(64, 256), new HandReaper.Table(ALL_SLOTS, SLOTS), 64, new Numbers(), new Whereabouts(null));

  /** Those that hang. */
  private final List<Noted> hung = new ArrayList<>();

  @AfterEach
  void close() {
    hand.close();
  }

  private static final class Noted extends HandReaper.Prompt {
    private final List<Throwable> causes = new CopyOnWriteArrayList<>();
    private boolean neverBegun;
    private boolean givenUp;

    Noted(int fd) {
      super(new Operation.Sync(fd, true));
    }

    @Override
    public void neverBegun() {
      neverBegun = true;
      super.neverBegun();
    }

    @Override
    public void givenUp(Throwable cause) {
      causes.add(cause);
    }

    @Override
    public boolean isGivenUp() {
      return givenUp;
    }
  }

  private Noted put(int fd) {
    Noted request = new Noted(fd);
    hand.put(request);
    return request;
  }

  /** All slots are taken by operations of one device, for seconds. */
  private void hang() {
    for (int i = 0; i < SLOTS; i++) {
      hung.add(put(SICK + i));
    }
    hand.reaper.round(1);
    assertEquals(SLOTS, hand.ring.entries().size());
    hand.table.aheadNanos = TimeUnit.SECONDS.toNanos(5);
    hand.reaper.round(1);
    assertTrue(hand.reaper.heldBack().areAny());
  }

  private Noted putAndHoldBack() {
    Noted request = put(SICK);
    hand.reaper.round(1);
    assertFalse(hand.reaper.heldBack().isEmpty());
    assertFalse(request.hasEnded());
    return request;
  }

  private List<Integer> descriptors() {
    return hand.ring.entries().stream().map(Entry::fd).toList();
  }

  private void complete(int from, int to) {
    hand.ring.entries().subList(from, to).forEach(entry -> hand.ring.complete(entry.userData(), 0));
  }

  @Test
  void requests_ofASickDevice_areHeldBackAndOthersGoOn() {
    hang();
    Noted first = put(SICK + 500);
    Noted second = put(SICK + 600);
    for (int i = SLOTS; i < ALL_SLOTS; i++) {
      Noted _ = put(HEALTHY + i);
    }
    hand.reaper.round(1);
    assertEquals(ALL_SLOTS, hand.ring.entries().size());
    assertFalse(descriptors().contains(SICK + 500));
    assertFalse(hand.reaper.isIdle());
    assertEquals(2, hand.intake.size(), "they wait in places of the queue");

    // Now there are slots for both, and one more is for that device.
    complete(0, 5);
    complete(SLOTS, ALL_SLOTS);
    for (int rounds = 0; rounds < 5; rounds++) {
      hand.reaper.round(1);
    }
    assertTrue(descriptors().contains(SICK + 500));
    assertFalse(descriptors().contains(SICK + 600), "more than half of the slots for one device");
    assertEquals(1, hand.intake.size(), "a place is kept");
    assertFalse(first.hasEnded() || second.hasEnded());
  }

  @Test
  void cancel_requestHeldBack_endsItThoughThereIsNoRoom() {
    hang();
    Noted held = putAndHoldBack();
    hand.cancel(held);
    hand.reaper.round(1);
    assertNeverBegun(held);
    assertTrue(hand.reaper.heldBack().isEmpty());
    assertEquals(0, hand.intake.size());
  }

  @Test
  void cancelAll_requestsHeldBack_endThoughThereIsNoRoom() {
    hang();
    Noted held = putAndHoldBack();
    Noted other = putAndHoldBack();
    hand.reaper.cancelAll();
    hand.reaper.round(1);
    assertNeverBegun(held);
    assertNeverBegun(other);
  }

  @Test
  void cancellations_unnamed_reachWhatIsHeldBack() {
    hang();
    Noted kept = putAndHoldBack();
    Noted given = putAndHoldBack();
    given.givenUp = true;
    hand.intake.unnamedCancellations(true);
    hand.reaper.round(1);
    assertNeverBegun(given);
    assertFalse(kept.hasEnded());
  }

  private void assertNeverBegun(Noted request) {
    assertEquals(-Errno.ECANCELED, request.result());
    assertTrue(request.neverBegun);
    assertEquals(hung.size(), hand.ring.entries().stream().filter(entry -> entry.fd() >= SICK).count());
  }

  /** Their futures are not to wait for a reaper that does not come back. */
  @Test
  void giveUp_requestsHeldBack_endAsThoseThatWait() {
    hang();
    Noted held = putAndHoldBack();
    LostReaper lost = new LostReaper("lost", hand.where, hand.intake, hand.table, hand.reaper.heldBack());
    List<Integer> begun = new ArrayList<>();
    hand.ring.answerNext(
        enter -> {
          Finisher finisher = new Finisher(OWNER, "lost");
          begun.add(lost.giveUp(finisher, Closing.begin(Duration.ofMillis(100))));
          assertTrue(finisher.run(TimeUnit.SECONDS.toNanos(10)));
          return hand.ring.takeAll(enter);
        });
    hand.reaper.round(1);
    assertEquals(List.of(SLOTS), begun);
    assertEquals(1, held.causes.size());
    Throwable cause = assertInstanceOf(RejectedExecutionException.class, held.causes.getFirst());
    List<Request> all = new ArrayList<>();
    hand.reaper.heldBack().forEach(all::add);
    assertEquals(List.of(held), all, () -> "it is still the reaper's: " + cause);
  }
}
