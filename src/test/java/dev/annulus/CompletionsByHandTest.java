package dev.annulus;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.annulus.internal.driver.Errno;
import dev.annulus.internal.driver.Operation;
import dev.annulus.internal.driver.Request;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * When a future ends, and what it has let go of by then: also on an executor, and when it is told
 * more than once.
 */
@Timeout(60)
class CompletionsByHandTest {
  private static final int SIZE = 8;

  private final HandDriver hand = new HandDriver();
  private final Deque<Runnable> tasks = new ArrayDeque<>();

  private HandFile open(Executor executor) {
    return HandFile.open(hand, TestPolicies.with(executor, Durability.SYNC_AFTER));
  }

  private static ByteBuffer buffer() {
    return ByteBuffer.allocateDirect(SIZE);
  }

  // ---- on an executor ----

  @Test
  void completion_isHandedToTheExecutorOnce_andNothingIsHeldMeanwhile() {
    HandFile on = open(tasks::add);
    IoFuture<Integer> read = on.file.read(ByteBuffer.allocate(SIZE), 0);
    Request request = on.take(Operation.Read.class);
    request.completed(SIZE);
    assertFalse(read.isDone());
    assertEquals(0, on.leases());
    request.completed(SIZE); // told again, after an error of the JVM
    assertEquals(1, tasks.size());
    tasks.remove().run();
    assertEquals(SIZE, read.join());
    assertTrue(read.released().isDone());
    on.assertNothingBorrowed();
  }

  /** The operation is over, and the driver does not have it any more. */
  @Test
  void cancel_whileTheCompletionWaits_doesNotAskTheDriver() {
    HandFile on = open(tasks::add);
    IoFuture<Integer> read = on.file.read(buffer(), 0);
    on.end(Operation.Read.class, SIZE);
    assertTrue(read.cancel(true));
    assertTrue(hand.cancelled.isEmpty());
    tasks.remove().run();
    assertTrue(read.isCancelled() && read.released().isDone());
  }

  @Test
  void failure_isHandedToTheExecutorOnce() {
    HandFile on = open(tasks::add);
    IoFuture<Integer> read = on.file.read(buffer(), 0);
    Request request = on.take(Operation.Read.class);
    request.completed(-Errno.EIO);
    request.completed(-Errno.EIO);
    request.neverBegun();
    assertFalse(read.isDone());
    assertEquals(1, tasks.size());
    tasks.remove().run();
    assertEquals(Errno.EIO, Futures.errnoOf(read.exceptionNow()).errno());
    assertTrue(read.released().isDone());
  }

  @Test
  void cancelledOperation_isOverWhereTheExecutorSaysSo() {
    HandFile on = open(tasks::add);
    IoFuture<Integer> read = on.file.read(buffer(), 0);
    assertTrue(read.cancel(true));
    on.end(Operation.Read.class, -Errno.ECANCELED);
    assertFalse(read.released().isDone());
    tasks.remove().run();
    assertTrue(read.released().isDone());
    assertTrue(tasks.isEmpty());
  }

  @Test
  void abandonedOperation_andTheCloseOfItsFile_failWhereTheExecutorSaysSo() {
    HandFile on = open(tasks::add);
    IoFuture<Integer> read = on.file.read(buffer(), 0);
    CompletableFuture<Void> closed = on.file.closeAsync();
    on.take(Operation.Read.class).abandoned(new RejectedExecutionException("gone"));
    assertFalse(read.isDone() || closed.isDone());
    while (!tasks.isEmpty()) {
      tasks.remove().run();
    }
    assertTrue(read.isCompletedExceptionally() && read.released().isCompletedExceptionally());
    assertTrue(closed.isCompletedExceptionally());
  }

  /** A completion that an executor refuses, loses its mind over, or runs twice, is done once. */
  @Test
  void completion_whateverTheExecutorDoes_isDoneOnce() {
    List<Executor> odd =
        List.of(
            _ -> {
              throw new RejectedExecutionException("full");
            },
            _ -> {
              throw new StackOverflowError("by the test");
            },
            task -> {
              task.run();
              throw new RejectedExecutionException("too late");
            },
            task -> {
              task.run();
              task.run();
            });
    for (Executor executor : odd) {
      HandFile on = open(executor);
      List<Integer> heard = new ArrayList<>();
      IoFuture<Integer> read = on.file.read(buffer(), 0);
      CompletableFuture<Integer> _ = read.whenComplete((count, _) -> heard.add(count));
      on.end(Operation.Read.class, SIZE);
      assertEquals(List.of(SIZE), heard);
      CompletableFuture<Void> closed = on.file.closeAsync();
      on.end(Operation.Close.class, 0);
      assertTrue(closed.isDone());
    }
  }

  // ---- in which order ----

  /** Who hears of the end may use the file's last lease, and must find the buffer moved. */
  @Test
  void dependents_findEverythingGivenBack() {
    HandFile on = HandFile.open(hand);
    List<String> seen = new ArrayList<>();
    ByteBuffer dst = ByteBuffer.allocate(SIZE);
    IoFuture<Integer> read = on.file.read(dst, 0);
    CompletableFuture<Integer> _ =
        read.whenComplete((count, _) -> seen.add(count + " " + dst.position() + " " + on.leases()));
    on.end(Operation.Read.class, 5);
    IoFuture<Integer> failing = on.file.write(buffer(), 0);
    CompletableFuture<Integer> _ = failing.whenComplete((_, failure) -> seen.add((failure != null) + " " + on.leases()));
    on.end(Operation.Write.class, -Errno.EIO);
    assertEquals(List.of("5 5 0", "true 0"), seen);
  }

  /**
   * Told once more after an error of the JVM, it neither moves the buffer again nor gives back
   * again.
   */
  @Test
  void result_toldTwice_countsOnce() {
    HandFile on = HandFile.open(hand);
    ByteBuffer dst = buffer();
    IoFuture<Integer> read = on.file.read(dst, 0);
    IoFuture<Integer> other = on.file.read(buffer(), 0);
    Request request = on.take(Operation.Read.class);
    request.completed(5);
    request.completed(5);
    request.refused(new RejectedExecutionException("late"));
    assertEquals(5, read.join());
    assertEquals(5, dst.position());
    assertEquals(1, on.leases());
    on.end(Operation.Read.class, SIZE);
    assertEquals(SIZE, other.join());
    on.assertNothingBorrowed();
  }

  /**
   * Once over, it is no more the driver's to cancel; while it is not, each way to end it early asks
   * for that.
   */
  @Test
  void earlyEnd_asksTheDriverAsLongAsTheOperationIsNotOver() {
    HandFile on = HandFile.open(hand);
    IoFuture<Integer> over = on.file.read(buffer(), 0);
    on.end(Operation.Read.class, SIZE);
    assertFalse(over.cancel(true));
    over.obtrudeValue(3);
    assertTrue(hand.cancelled.isEmpty());
    List<Integer> heard = new ArrayList<>();
    IoFuture<Integer> read = on.file.read(buffer(), 0);
    CompletableFuture<Integer> _ = read.whenComplete((count, _) -> heard.add(count));
    assertFalse(hand.next().isGivenUp());
    assertTrue(read.complete(1));
    assertEquals(List.of(1), heard, "who waits is told at once");
    assertTrue(hand.next().isGivenUp());
    assertEquals(1, hand.cancelled.size());
    on.end(Operation.Read.class, SIZE);
    assertEquals(1, read.join());
    on.assertNothingBorrowed();
  }

  /** Given up while it goes on, it stays with the driver, and what it has borrowed too. */
  @Test
  void givenUpOperation_endsItsFutureAndKeepsWhatItBorrowed() {
    HandFile on = HandFile.open(hand);
    List<String> heard = new ArrayList<>();
    IoFuture<Integer> read = on.file.read(ByteBuffer.allocate(SIZE), 0);
    CompletableFuture<Integer> _ = read.whenComplete((_, failure) -> heard.add(String.valueOf(failure.getMessage())));
    hand.next().givenUp(new RejectedExecutionException("closed"));
    hand.next().givenUp(new RejectedExecutionException("closed"));
    assertEquals(List.of("closed"), heard);
    assertFalse(read.released().isDone());
    assertEquals(1, on.leases());
    on.end(Operation.Read.class, SIZE);
    assertTrue(read.released().isDone());
    on.assertNothingBorrowed();
  }

  // ---- who watches ----

  @Test
  void routes_areToldAsTheyWere() {
    List<String> routes = new ArrayList<>();
    HandFile on = HandFile.open(hand, TestPolicies.with(null, true, Durability.SYNC_AFTER));
    on.engine.listeners().add(
        new RuntimeListener() {
          @Override
          public void operationEnded(OperationEnd end) {
            routes.add(end.route() + " " + end.outcome() + " " + end.transferredBytes() + " of " + end.requestedBytes());
          }
        });
    hand.cached = SIZE;
    IoFuture<Integer> _ = on.file.read(buffer(), 0);
    hand.caller = _ -> 3;
    IoFuture<Integer> _ = on.file.callerRuns().write(buffer(), 0);
    IoFuture<Integer> _ = on.file.write(buffer(), 0);
    on.end(Operation.Write.class, -Errno.EIO);
    IoFuture<Void> fully = on.file.writeFully(buffer(), 0);
    on.end(Operation.Write.class, 3);
    on.end(Operation.Write.class, SIZE - 3);
    IoFuture<Integer> cancelled = on.file.write(buffer(), 0);
    assertTrue(fully.isDone() && cancelled.cancel(true));
    on.end(Operation.Write.class, 2);
    IoFuture<Integer> _ = on.file.write(buffer(), 0);
    on.take(Operation.Write.class).refused(new RejectedExecutionException("full"));
    IoFuture<Integer> _ = on.file.write(buffer(), 0);
    on.take(Operation.Write.class).abandoned(new RejectedExecutionException("gone"));
    assertEquals(
        List.of(
            "INLINE COMPLETED 8 of 8",
            "CALLER COMPLETED 3 of 8",
            "SUBMITTED FAILED 0 of 8",
            "SUBMITTED COMPLETED 3 of 8",
            "SUBMITTED COMPLETED 5 of 5",
            "SUBMITTED CANCELLED 2 of 8",
            "SUBMITTED REFUSED 0 of 8",
            "SUBMITTED ABANDONED 0 of 8"),
        routes);
  }
}
