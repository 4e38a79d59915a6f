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
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.RejectedExecutionException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A directory's sync, step by step: opened, synced, closed, and at which step it is given up. */
@Timeout(60)
class DirectorySyncTest {
  private static final int FD = 1_000_000;
  private static final Path DIR = Path.of("any");

  private final HandDriver hand = new HandDriver();
  private final IoRuntime runtime = new IoRuntime("by-hand", Backend.IO_URING, hand, TestPolicies.plain(), Duration.ZERO);
  private final CompletableFuture<Void> future = runtime.syncDirectory(DIR);

  private void assertClosedAndNothingElse() {
    assertEquals(1, hand.requests.size());
    assertEquals(new Operation.Close(FD), Objects.requireNonNull(hand.requests.peek()).operation());
    hand.endNext(0);
    assertTrue(hand.requests.isEmpty());
  }

  @Test
  void syncDirectory_undisturbed_completesWhenItIsClosedAgain() throws Exception {
    hand.endNext(FD);
    hand.endNext(0);
    assertFalse(future.isDone(), "before it is closed");
    hand.endNext(0);
    assertNull(Futures.get(future));
    assertEquals(List.of(new Operation.Sync(FD, false), new Operation.Close(FD)), hand.ended.subList(1, 3));
  }

  @Test
  void syncDirectory_cancelledWhileOpening_asksTheDriverAndClosesWhatComesLate() {
    Request opening = Objects.requireNonNull(hand.requests.peek());
    assertTrue(future.cancel(true));
    assertEquals(List.of(opening), List.copyOf(hand.cancelled));
    hand.endNext(FD);
    assertClosedAndNothingElse();
  }

  @Test
  void syncDirectory_cancelledWhileSyncing_asksTheDriverAndCloses() {
    hand.endNext(FD);
    Request syncing = Objects.requireNonNull(hand.requests.peek());
    assertInstanceOf(Operation.Sync.class, syncing.operation());
    assertTrue(future.cancel(true));
    assertEquals(List.of(syncing), List.copyOf(hand.cancelled));
    hand.endNext(-Errno.ECANCELED);
    assertClosedAndNothingElse();
  }

  @Test
  void syncDirectory_cancelledWhileClosing_closesAllTheSame() {
    hand.endNext(FD);
    hand.endNext(0);
    assertTrue(future.cancel(true));
    assertClosedAndNothingElse();
    assertTrue(future.isCancelled());
  }

  @Test
  void syncDirectory_thatCannotSync_closesAndFailsLikeOtherPathOperations() throws Exception {
    hand.endNext(FD);
    hand.endNext(-Errno.EIO);
    assertClosedAndNothingElse();
    FileSystemException failure = Futures.failure(FileSystemException.class, future);
    Futures.assertNames(failure, DIR, "EIO", "fsync");
    assertEquals("EIO", Futures.errnoOf(failure).symbol());
  }

  @Test
  void syncDirectory_thatCannotClose_fails() throws Exception {
    hand.endNext(FD);
    hand.endNext(0);
    hand.endNext(-Errno.EIO);
    assertEquals("EIO", Futures.errnoOf(Futures.failure(future)).symbol());
  }

  @Test
  void syncDirectory_refusedBetweenItsSteps_closesAndFails() throws Exception {
    hand.endNext(FD);
    Objects.requireNonNull(hand.requests.poll()).refused(new RejectedExecutionException("the runtime is closed"));
    assertClosedAndNothingElse();
    Futures.assertNames(Futures.failure(RejectedExecutionException.class, future), "closed");
  }
}
