package dev.annulus;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.annulus.internal.driver.Errno;
import dev.annulus.internal.driver.Operation;
import dev.annulus.internal.driver.Request;
import java.nio.file.FileSystemException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.RejectedExecutionException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A directory's sync, step by step: opened, synced, closed, and at which step it is given up. */
@Timeout(60)
class DirectorySyncTest {
  private static final int FD = 1_000_000;
  private static final Path DIR = Path.of("any");

  private final HandDriver hand = new HandDriver();
  private final IoRuntime runtime = new IoRuntime("by-hand", Backend.IO_URING, hand, TestPolicies.plain(), Duration.ZERO);
  private final CompletableFuture<Void> future = runtime.syncDirectory(DIR);

  /** Opened, and found out which directory it is. */
  private void opened() {
    hand.endNext(FD);
    assertInstanceOf(Operation.Stat.class, hand.next().operation());
    hand.endNext(0);
  }

  private void assertClosedAndNothingElse() {
    assertEquals(1, hand.requests.size());
    assertEquals(new Operation.Close(FD), Objects.requireNonNull(hand.requests.peek()).operation());
    hand.endNext(0);
    assertTrue(hand.requests.isEmpty());
  }

  @Test
  void syncDirectory_undisturbed_completesWhenItIsClosedAgain() throws Exception {
    opened();
    hand.endNext(0);
    assertFalse(future.isDone(), "before it is closed");
    hand.endNext(0);
    assertNull(Futures.get(future));
    assertEquals(List.of(new Operation.Sync(FD, false), new Operation.Close(FD)), hand.ended.subList(2, 4));
  }

  @Test
  void syncDirectory_cancelledWhileOpening_asksTheDriverAndClosesWhatComesLate() {
    Request opening = Objects.requireNonNull(hand.requests.peek());
    assertTrue(future.cancel(true));
    assertEquals(List.of(opening), List.copyOf(hand.cancelled));
    hand.endNext(FD);
    assertClosedAndNothingElse();
  }

  /** A sync that has begun tells of losses, and is let end: an interrupted one would leave them unknown. */
  @Test
  void syncDirectory_cancelledWhileSyncing_letsTheSyncEndAndCloses() {
    opened();
    assertInstanceOf(Operation.Sync.class, hand.next().operation());
    assertTrue(future.cancel(true));
    assertTrue(hand.cancelled.isEmpty());
    hand.endNext(0);
    assertClosedAndNothingElse();
  }

  @Test
  void syncDirectory_cancelledWhileClosing_closesAllTheSame() {
    opened();
    hand.endNext(0);
    assertTrue(future.cancel(true));
    assertClosedAndNothingElse();
    assertTrue(future.isCancelled());
  }

  @Test
  void syncDirectory_thatCannotSync_closesAndFailsLikeOtherPathOperations() throws Exception {
    opened();
    hand.endNext(-Errno.EIO);
    assertClosedAndNothingElse();
    FileSystemException failure = Futures.failure(FileSystemException.class, future);
    Futures.assertNames(failure, DIR, "EIO", "fsync");
    assertEquals("EIO", Futures.errnoOf(failure).symbol());
  }

  @Test
  void syncDirectory_thatCannotClose_fails() throws Exception {
    opened();
    hand.endNext(0);
    hand.endNext(-Errno.EIO);
    assertEquals("EIO", Futures.errnoOf(Futures.failure(future)).symbol());
  }

  @Test
  void syncDirectory_refusedBetweenItsSteps_closesAndFails() throws Exception {
    opened();
    Objects.requireNonNull(hand.requests.poll()).refused(new RejectedExecutionException("the runtime is closed"));
    assertClosedAndNothingElse();
    Futures.assertNames(Futures.failure(RejectedExecutionException.class, future), "closed");
  }

  // ---- after a loss ----

  @ParameterizedTest
  @ValueSource(ints = {Errno.EIO, Errno.EINTR, Errno.EAGAIN, Errno.EINVAL, Errno.EROFS, Errno.ECANCELED, Errno.EBADF})
  void syncDirectory_afterAFailedOne_failsWithoutAskingTheSystem(int errno) throws Exception {
    opened();
    hand.endNext(-errno);
    hand.endNext(0);
    Futures.assertNames(Futures.failure(future), Errno.symbol(errno), "may not be on stable storage");

    CompletableFuture<Void> again = runtime.syncDirectory(Path.of("another name of it"));
    opened();
    assertClosedAndNothingElse();
    Throwable refused = Futures.failure(again);
    Futures.assertNames(refused, "earlier sync of the directory", "another name of it");
    assertEquals(Errno.symbol(errno), Futures.errnoOf(refused).symbol());
  }

  @Test
  void syncDirectory_thatFailsUnheard_isRemembered() throws Exception {
    opened();
    assertTrue(future.cancel(true));
    hand.endNext(-Errno.EIO);
    hand.endNext(0);
    CompletableFuture<Void> again = runtime.syncDirectory(DIR);
    opened();
    hand.endNext(0);
    Futures.assertNames(Futures.failure(again), "earlier sync of the directory");
  }

  /** The kernel tells those who had it open; who opens it late would be told that all is well. */
  @Test
  void syncDirectory_whileAnotherIsUnderWay_waitsForItsOutcome() throws Exception {
    opened();
    Request first = Objects.requireNonNull(hand.requests.poll());
    CompletableFuture<Void> late = runtime.syncDirectory(DIR);
    opened();
    assertTrue(hand.requests.isEmpty(), "no two run at a time");
    first.completed(-Errno.EIO);
    while (!hand.requests.isEmpty()) {
      assertInstanceOf(Operation.Close.class, hand.next().operation());
      hand.endNext(0);
    }
    Futures.assertNames(Futures.failure(future), "EIO");
    Futures.assertNames(Futures.failure(late), "earlier sync of the directory");
  }

  @Test
  void syncsOfADirectory_gatheredBehindAnother_shareOne() throws Exception {
    opened();
    Request first = Objects.requireNonNull(hand.requests.poll());
    List<CompletableFuture<Void>> late = new ArrayList<>();
    for (int i = 0; i < 3; i++) {
      late.add(runtime.syncDirectory(DIR));
      opened();
    }
    assertTrue(late.get(0).cancel(true));
    first.completed(0);
    int syncs = 0;
    while (!hand.requests.isEmpty()) {
      syncs += hand.next().operation() instanceof Operation.Sync ? 1 : 0;
      hand.endNext(0);
    }
    assertEquals(1, syncs);
    assertNull(Futures.get(future));
    assertNull(Futures.get(late.get(1)));
    assertNull(Futures.get(late.get(2)));
  }

  @Test
  void syncsOfADirectory_behindOneThatWasNeverBegun_areDoneAllTheSame() throws Exception {
    opened();
    Request first = Objects.requireNonNull(hand.requests.poll());
    CompletableFuture<Void> late = runtime.syncDirectory(DIR);
    opened();
    first.refused(new RejectedExecutionException("by the test"));
    int syncs = 0;
    while (!hand.requests.isEmpty()) {
      syncs += hand.next().operation() instanceof Operation.Sync ? 1 : 0;
      hand.endNext(0);
    }
    assertEquals(1, syncs);
    assertNull(Futures.get(late));
    Futures.assertNames(Futures.failure(future), "by the test");
  }

  @Test
  void syncDirectory_thatFailsWhenTooManyHave_saysThatItIsNotRemembered() throws Exception {
    hand.endNext(-Errno.ENOENT);
    for (int i = 0; i < LostDirectories.MAX_REMEMBERED; i++) {
      CompletableFuture<Void> lost = runtime.syncDirectory(DIR);
      failAs(i);
      Futures.assertNames(Futures.failure(lost), "EIO");
    }
    CompletableFuture<Void> oneMore = runtime.syncDirectory(DIR);
    failAs(LostDirectories.MAX_REMEMBERED);
    Futures.assertNames(Futures.failure(oneMore), "not remembered", "EIO");
    CompletableFuture<Void> remembered = runtime.syncDirectory(DIR);
    openedAs(0);
    hand.endNext(0);
    Futures.assertNames(Futures.failure(remembered), "earlier sync");
  }

  private void failAs(int inode) {
    openedAs(inode);
    hand.endNext(-Errno.EIO);
    hand.endNext(0);
  }

  private void openedAs(int inode) {
    hand.endNext(FD);
    ((Operation.Stat) hand.next().operation()).into().inode = inode;
    hand.endNext(0);
  }
}
