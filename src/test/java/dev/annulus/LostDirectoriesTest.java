package dev.annulus;

import static java.util.concurrent.TimeUnit.SECONDS;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.annulus.internal.driver.BriefLock;
import dev.annulus.internal.driver.Errno;
import dev.annulus.internal.driver.Operation;
import dev.annulus.internal.driver.Request;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.RejectedExecutionException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Whose turn it is to sync a directory, with several threads and with too little memory. */
@Timeout(60)
class LostDirectoriesTest {
  private static final Path DIR = Path.of("directory");
  private static final int FD = HandFile.FD;

  private final HandDriver hand = new HandDriver();
  private final Engine engine = new Engine(hand, TestPolicies.plain());
  private final LostDirectories directories = engine.lostDirectories();

  /** Requests that the test keeps. */
  private final List<Request> held = new ArrayList<>();

  /** A sync of the one directory, up to its turn. */
  private DirectorySync begin() {
    DirectorySync sync = opened();
    hand.endNext(0);
    return sync;
  }

  /** A sync that asks which directory it is. */
  private DirectorySync opened() {
    DirectorySync sync = new DirectorySync(engine, DIR);
    sync.submitPastLimits();
    hand.endNext(FD);
    assertTrue(hand.next().operation() instanceof Operation.Stat);
    return sync;
  }

  private Request take(Class<? extends Operation> type) {
    Request request = Objects.requireNonNull(hand.requests.poll(), "nothing was submitted");
    assertTrue(type.isInstance(request.operation()), () -> "submitted was: " + request.operation());
    return request;
  }

  private void end(Class<? extends Operation> type, int times) {
    for (int i = 0; i < times; i++) {
      take(type).completed(0);
    }
  }

  private static void assertSynced(CompletableFuture<?>... syncs) {
    for (CompletableFuture<?> sync : syncs) {
      assertTrue(sync.isDone() && !sync.isCompletedExceptionally(), sync::toString);
    }
  }

  /** Want of memory at the next submission, and before that something else. */
  private void failToSubmitAfter(Runnable what) {
    hand.beforeNext =
        () -> {
          hand.beforeNext = () -> {};
          what.run();
          throw new OutOfMemoryError("by the test");
        };
  }

  // ---- several threads at once ----

  @Test
  void turns_areAskedForAndGivenBack_byOneThreadAtATime() throws Exception {
    BriefLock lock = Meanwhile.lockOf(directories);
    DirectorySync first = opened();
    Request asking = take(Operation.Stat.class);
    Meanwhile.assertWaitsFor(lock, () -> asking.completed(0));
    Request syncing = take(Operation.Sync.class);
    assertNothingSubmitted();
    Meanwhile.assertWaitsFor(lock, () -> syncing.completed(0));
    end(Operation.Close.class, 1);
    assertSynced(first);
  }

  @Test
  void turns_thatAreHandedOn_areSoByOneThreadAtATime() throws Exception {
    BriefLock lock = Meanwhile.lockOf(directories);
    DirectorySync first = begin();
    Request syncing = take(Operation.Sync.class);
    DirectorySync second = begin();
    assertNothingSubmitted();
    Meanwhile.assertWaitsFor(lock, () -> syncing.refused(new RejectedExecutionException("full")));
    Futures.assertNames(first.exceptionNow(), "full");
    assertSyncsAlone(second);
  }

  /** Who has had one sync begun looks for the next. */
  @Test
  void turns_areLedByOneThreadAtATime() throws Exception {
    BriefLock lock = Meanwhile.lockOf(directories);
    DirectorySync first = begin();
    Request syncing = take(Operation.Sync.class);
    DirectorySync second = begin();
    CountDownLatch leading = new CountDownLatch(1);
    CountDownLatch locked = new CountDownLatch(1);
    hand.beforeNext =
        () -> {
          hand.beforeNext = () -> {};
          leading.countDown();
          awaitAtMost(locked);
        };
    Meanwhile<Boolean> handingOn =
        Meanwhile.start(
            () -> {
              syncing.completed(0);
              return true;
            });
    awaitAtMost(leading);
    lock.lock();
    try {
      locked.countDown();
      handingOn.untilItEndsOrWaits();
      assertFalse(handingOn.hasEnded());
      assertTrue(lock.held, "it gave back a lock that is another's");
    } finally {
      lock.unlock();
    }
    assertTrue(handingOn.get());
    assertSyncsAlone(second);
    assertSynced(first);
  }

  private static void awaitAtMost(CountDownLatch latch) {
    try {
      assertTrue(latch.await(Futures.PATIENCE_SECONDS, SECONDS));
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
  }

  private void assertNothingSubmitted() {
    assertTrue(hand.requests.isEmpty(), () -> "submitted was: " + hand.next().operation());
  }

  /** That one is syncing, that another who comes waits for that, and both end. */
  private void assertSyncsAlone(DirectorySync sync) {
    DirectorySync late = new DirectorySync(engine, DIR);
    late.submitPastLimits();
    List<Operation> begun = new ArrayList<>();
    while (!hand.requests.isEmpty()) {
      Request request = hand.requests.remove();
      if (request.operation() instanceof Operation.Sync) {
        begun.add(request.operation());
        assertEquals(1, begun.size(), "two run at a time");
        assertFalse(late.isDone());
        held.add(request);
      } else {
        request.completed(request.operation() instanceof Operation.Open ? FD : 0);
      }
    }
    assertEquals(1, held.size(), "nobody syncs");
    assertFalse(sync.isDone());
    held.removeFirst().completed(0);
    while (!hand.requests.isEmpty()) {
      hand.endNext(0);
    }
    assertSynced(sync, late);
  }

  // ---- want of memory ----

  @Test
  void sync_thatCannotBegin_fails_andTheNextIsTriedAsEver() {
    DirectorySync first = opened();
    failToSubmitAfter(() -> {});
    end(Operation.Stat.class, 1);
    assertTrue(first.isCompletedExceptionally());
    end(Operation.Close.class, 1);
    assertTrue(first.exceptionNow() instanceof OutOfMemoryError, first::toString);
    assertSyncsAlone(begin());
  }

  @Test
  void sync_thatCannotBegin_leavesItsTurnToOneWhoWaits() {
    DirectorySync first = opened();
    Request asking = take(Operation.Stat.class);
    DirectorySync second = opened();
    failToSubmitAfter(() -> hand.endNext(0));
    asking.completed(0);
    assertTrue(first.exceptionNow() instanceof OutOfMemoryError, first::toString);
    assertSyncsAlone(second);
  }

  @Test
  void syncWhoseTurnItIs_thatCannotBegin_leavesItToOneWhoWaits() {
    DirectorySync first = begin();
    Request syncing = take(Operation.Sync.class);
    DirectorySync second = begin();
    DirectorySync third = begin();
    failToSubmitAfter(() -> {});
    syncing.completed(0);
    assertSyncsAlone(third);
    assertSynced(first);
    assertTrue(second.exceptionNow() instanceof OutOfMemoryError, second::toString);
    assertNothingSubmitted();
    assertEquals(Set.of(), engine.openDescriptors());
    assertSyncsAlone(begin());
  }

  /** Those who waited for one that failed are told, though the first of them could not be closed at once. */
  @Test
  void syncsBehindOneThatFails_areAllToldAndClosedOnce() {
    DirectorySync first = begin();
    Request syncing = take(Operation.Sync.class);
    List<DirectorySync> waiting = List.of(begin(), begin());
    failToSubmitAfter(() -> {});
    syncing.completed(-Errno.EIO);
    end(Operation.Close.class, 3);
    assertNothingSubmitted();
    assertEquals(Errno.EIO, Futures.errnoOf(first.exceptionNow()).errno());
    waiting.forEach(sync -> Futures.assertNames(sync.exceptionNow(), "earlier sync of the directory", "EIO"));
    assertEquals(Set.of(), engine.openDescriptors());
  }

  // ---- which directory it is ----

  @Test
  void keys_ofOtherDirectories_areOthers() {
    assertEquals(new LostDirectories.Key(1, 2), new LostDirectories.Key(1, 2));
    assertEquals(new LostDirectories.Key(1, 2).hashCode(), new LostDirectories.Key(1, 2).hashCode());
    assertNotEquals(new LostDirectories.Key(1, 2), new LostDirectories.Key(1, 3));
    assertNotEquals(new LostDirectories.Key(1, 2), new LostDirectories.Key(3, 2));
    assertNotEquals(new LostDirectories.Key(1, 2), new LostDirectories.Key(2, 1));
    assertFalse(new LostDirectories.Key(1, 2).equals(null));
  }

  /** Else looking for one among a thousand would take long. */
  @Test
  void keys_ofManyDirectories_areSpread() {
    Set<Integer> ofDirectories = new HashSet<>();
    Set<Integer> ofDevices = new HashSet<>();
    for (int i = 0; i < LostDirectories.MAX_REMEMBERED; i++) {
      ofDirectories.add(new LostDirectories.Key(7, i).hashCode());
      ofDevices.add(new LostDirectories.Key(i, 7).hashCode());
    }
    assertEquals(LostDirectories.MAX_REMEMBERED, ofDirectories.size());
    assertEquals(LostDirectories.MAX_REMEMBERED, ofDevices.size());
  }
}
