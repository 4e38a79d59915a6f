package dev.annulus;

import static java.nio.file.StandardOpenOption.CREATE_NEW;
import static java.nio.file.StandardOpenOption.DSYNC;
import static java.nio.file.StandardOpenOption.WRITE;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.annulus.internal.driver.Errno;
import dev.annulus.internal.driver.Operation;
import dev.annulus.internal.driver.Request;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.RejectedExecutionException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * Writes to a file that syncs each of them: a loss is told to one of those in flight, and may be
 * another's.
 */
@Timeout(60)
class SyncedWritesTest {
  private static final int FD = 1_000_000;

  private final HandDriver hand = new HandDriver();

  @Test
  void write_withNothingElseInFlight_isToldAtOnce() throws Exception {
    AsyncFile file = open();
    IoFuture<Integer> write = file.write(buffer(), 0);
    hand.endNext(8);
    assertTrue(write.isDone());
    assertEquals(8, Futures.get(write));
    assertTrue(write.released().isDone());
  }

  @Test
  void write_inFlightWithOneThatFails_failsThoughItWasAnsweredWell() throws Exception {
    AsyncFile file = open();
    IoFuture<Integer> good = file.write(buffer(), 0);
    IoFuture<Long> bad = file.write(List.of(buffer()), 8);
    hand.endNext(8);
    assertFalse(good.isDone(), "the loss of the other may be its own");
    hand.endNext(-Errno.ENOSPC);
    Futures.assertNames(Futures.failure(bad), "ENOSPC");
    Futures.assertNames(Futures.failure(good), "in flight with this one", "ENOSPC");
    Futures.assertNames(Futures.failure(file.sync(Sync.DATA)), "earlier sync");
  }

  @Test
  void write_begunWhenTheLossWasKnown_isBelieved() throws Exception {
    AsyncFile file = open();
    IoFuture<Integer> bad = file.write(buffer(), 0);
    hand.endNext(-Errno.EIO);
    Futures.assertNames(Futures.failure(bad), "EIO");
    IoFuture<Integer> later = file.write(buffer(), 8);
    hand.endNext(8);
    assertEquals(8, Futures.get(later));
  }

  @Test
  void write_endedWell_doesNotWaitForThoseThatBeginLater() throws Exception {
    AsyncFile file = open();
    IoFuture<Integer> first = file.write(buffer(), 0);
    IoFuture<Integer> second = file.write(buffer(), 8);
    hand.endNext(8);
    IoFuture<Integer> third = file.write(buffer(), 16);
    assertFalse(first.isDone());
    hand.endNext(8);
    assertEquals(8, Futures.get(first));
    assertFalse(second.isDone(), "the third was in flight with it");
    hand.endNext(-Errno.EIO);
    Futures.assertNames(Futures.failure(third), "EIO");
    Futures.assertNames(Futures.failure(second), "in flight with this one");
  }

  @Test
  void writes_inFlightWithASyncThatFails_fail() throws Exception {
    AsyncFile file = open();
    IoFuture<Void> sync = file.sync(Sync.DATA);
    IoFuture<Void> write = file.writeFully(buffer(), 0);
    Request syncing = Objects.requireNonNull(hand.requests.poll());
    hand.endNext(8);
    assertFalse(write.isDone());
    syncing.completed(-Errno.EIO);
    Futures.assertNames(Futures.failure(sync), "EIO");
    Futures.assertNames(Futures.failure(write), "in flight with this one");
  }

  @Test
  void writeFully_inPieces_countsEachOfThem() throws Exception {
    AsyncFile file = open();
    IoFuture<Void> write = file.writeFully(buffer(), 0);
    IoFuture<Integer> other = file.write(buffer(), 8);
    hand.endNext(3);
    assertEquals(1, hand.requests.size(), "the rest waits until the first piece counts");
    hand.endNext(8);
    assertEquals(8, Futures.get(other));
    assertEquals(5, ((Operation.Write) hand.next().operation()).length());
    hand.endNext(5);
    assertNull(Futures.get(write));
  }

  @Test
  void write_inFlightWithTheLastPieceOfAnother_waitsForThat() throws Exception {
    AsyncFile file = open();
    IoFuture<Void> pieces = file.writeFully(buffer(), 0);
    hand.endNext(3);
    IoFuture<Integer> other = file.write(buffer(), 8);
    Request lastPiece = Objects.requireNonNull(hand.requests.poll());
    hand.endNext(8);
    assertFalse(other.isDone());
    lastPiece.completed(-Errno.EIO);
    Futures.assertNames(Futures.failure(pieces), "EIO");
    Futures.assertNames(Futures.failure(other), "in flight with this one");
  }

  /** What was lost is lost, but its user had given it up before. */
  @Test
  void write_cancelledWhileItIsKeptBack_countsAsCancelled() throws Exception {
    List<OperationEnd.Outcome> outcomes = new ArrayList<>();
    IoRuntime runtime = new IoRuntime("by-hand", Backend.IO_URING, hand, TestPolicies.plain(), Duration.ZERO);
    AsyncFile file = open(runtime);
    runtime.addListener(
        new RuntimeListener() {
          @Override
          public void operationEnded(OperationEnd end) {
            outcomes.add(end.outcome());
          }
        });
    IoFuture<Integer> kept = file.write(buffer(), 0);
    IoFuture<Integer> _ = file.write(buffer(), 8);
    hand.endNext(8);
    assertTrue(kept.cancel(true));
    hand.endNext(-Errno.EIO);
    assertTrue(kept.isCancelled() && kept.released().isDone());
    assertEquals(List.of(OperationEnd.Outcome.FAILED, OperationEnd.Outcome.CANCELLED), outcomes);
  }

  /** No data of theirs can be lost. */
  @Test
  void otherOperations_besideAWrite_areToldAtOnce() throws Exception {
    AsyncFile file = open();
    IoFuture<Integer> write = file.write(buffer(), 0);
    Request writing = Objects.requireNonNull(hand.requests.poll());
    IoFuture<Void> truncate = file.truncate(0);
    hand.endNext(0);
    assertTrue(truncate.isDone());
    writing.completed(8);
    assertEquals(8, Futures.get(write));
  }

  @Test
  void write_inFlightWithOneThatFailsUnheard_fails() throws Exception {
    AsyncFile file = open();
    IoFuture<Integer> good = file.write(buffer(), 0);
    IoFuture<Integer> bad = file.write(buffer(), 8);
    assertTrue(bad.cancel(true));
    hand.endNext(8);
    hand.endNext(-Errno.ECANCELED);
    Futures.assertNames(Futures.failure(good), "in flight with this one");
  }

  @Test
  void write_inFlightWithOneThatNeverEnds_fails() throws Exception {
    AsyncFile file = open();
    IoFuture<Integer> good = file.write(buffer(), 0);
    IoFuture<Integer> _ = file.write(buffer(), 8);
    hand.endNext(8);
    hand.requests.remove().abandoned(new RejectedExecutionException("gone"));
    Futures.assertNames(Futures.failure(good), "in flight with this one", "never ended");
  }

  @Test
  void write_inFlightWithThoseThatWereNeverBegun_isBelieved() throws Exception {
    AsyncFile file = open();
    IoFuture<Integer> good = file.write(buffer(), 0);
    IoFuture<Integer> refused = file.write(buffer(), 8);
    IoFuture<Integer> cancelled = file.write(buffer(), 16);
    hand.endNext(8);
    hand.requests.remove().refused(new RejectedExecutionException("full"));
    assertTrue(cancelled.cancel(true));
    assertFalse(good.isDone());
    hand.requests.remove().neverBegun();
    assertEquals(8, Futures.get(good));
    Futures.assertNames(Futures.failure(refused), "full");
  }

  @Test
  void close_whileAWriteIsKeptBack_waitsForItsEnd() throws Exception {
    AsyncFile file = open();
    IoFuture<Integer> kept = file.write(buffer(), 0);
    IoFuture<Integer> other = file.write(buffer(), 8);
    hand.endNext(8);
    assertTrue(kept.cancel(true));
    CompletableFuture<Void> closed = file.closeAsync();
    assertFalse(kept.released().isDone());
    hand.endNext(8);
    assertEquals(8, Futures.get(other));
    assertTrue(kept.released().isDone());
    hand.endNext(0);
    assertNull(Futures.get(closed));
  }

  @Test
  void writeOnItsCallersThread_besideOneThatFails_fails() throws Exception {
    AsyncFile file = open();
    IoFuture<Integer> bad = file.write(buffer(), 0);
    hand.caller = operation -> operation instanceof Operation.Write write ? write.length() : -Errno.EBADF;
    IoFuture<Void> here = file.callerRuns().writeFully(buffer(), 8);
    assertFalse(here.isDone());
    hand.endNext(-Errno.EIO);
    Futures.assertNames(Futures.failure(bad), "EIO");
    Futures.assertNames(Futures.failure(here), "in flight with this one");
  }

  @Test
  void durableWriteOnItsCallersThread_isWrittenThereAndSyncedAfter() throws Exception {
    AsyncFile file = open();
    hand.caller = operation -> operation instanceof Operation.Write write ? write.length() : -Errno.EBADF;
    IoFuture<Void> durable = file.callerRuns().writeDurably(buffer(), 0);
    assertEquals(new Operation.Sync(FD, true), hand.next().operation());
    hand.endNext(0);
    assertNull(Futures.get(durable));
  }

  @Test
  void manyWrites_ofWhichTheLastToEndFails_allFail() throws Exception {
    AsyncFile file = open();
    List<IoFuture<Integer>> writes = new ArrayList<>();
    for (int i = 0; i < 100; i++) {
      writes.add(file.write(buffer(), i * 8L));
    }
    for (int i = 0; i < 99; i++) {
      hand.endNext(8);
    }
    assertTrue(writes.stream().noneMatch(CompletableFuture::isDone));
    hand.endNext(-Errno.EIO);
    for (IoFuture<Integer> write : writes) {
      Futures.assertNames(Futures.failure(write), "EIO");
    }
  }

  private AsyncFile open() throws Exception {
    return open(new IoRuntime("by-hand", Backend.IO_URING, hand, TestPolicies.plain(), Duration.ZERO));
  }

  private AsyncFile open(IoRuntime runtime) throws Exception {
    CompletableFuture<AsyncFile> opened = runtime.openFile(Path.of("any"), CREATE_NEW, WRITE, DSYNC);
    hand.endNext(FD);
    return Futures.get(opened);
  }

  private static ByteBuffer buffer() {
    return ByteBuffer.allocateDirect(8);
  }
}
