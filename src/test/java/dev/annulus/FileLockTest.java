package dev.annulus;

import static java.nio.file.StandardOpenOption.READ;
import static java.nio.file.StandardOpenOption.WRITE;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.annulus.internal.driver.Errno;
import dev.annulus.internal.driver.Operation;
import dev.annulus.internal.driver.Refusals;
import dev.annulus.internal.driver.Request;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** In which order a file's lock and its descriptor are given back. */
@Timeout(60)
class FileLockTest {
  private static final int FD = 1_000_000;

  private final HandDriver hand = new HandDriver();
  private final IoRuntime runtime =
      new IoRuntime("by-hand", Backend.IO_URING, hand, TestPolicies.plain(), Duration.ZERO);
  private final AsyncFile file = open();

  private AsyncFile open() {
    CompletableFuture<AsyncFile> opening = runtime.openFile(Path.of("any"), READ, WRITE);
    hand.endNext(FD);
    return opening.join();
  }

  private void endNext(Operation expected, int result) {
    assertEquals(expected, hand.next().operation());
    hand.endNext(result);
  }

  @Test
  void close_ofAFileThatTookALock_unlocksBeforeItCloses() {
    CompletableFuture<Boolean> locked = file.tryLockExclusive();
    endNext(new Operation.TryLock(FD), 0);
    assertTrue(locked.join());
    CompletableFuture<Void> closed = file.closeAsync();
    endNext(new Operation.Unlock(FD), 0);
    assertFalse(closed.isDone());
    endNext(new Operation.Close(FD), 0);
    assertTrue(closed.isDone() && hand.requests.isEmpty());
  }

  @Test
  void close_whenUnlockingFails_closesAllTheSame() {
    CompletableFuture<Boolean> _ = file.tryLockExclusive();
    hand.endNext(0);
    CompletableFuture<Void> closed = file.closeAsync();
    endNext(new Operation.Unlock(FD), -Errno.EIO);
    endNext(new Operation.Close(FD), 0);
    assertFalse(closed.isCompletedExceptionally());
  }

  @Test
  void close_ofAFileThatTookNone_onlyCloses() {
    CompletableFuture<Void> closed = file.closeAsync();
    endNext(new Operation.Close(FD), 0);
    assertTrue(closed.isDone());
  }

  @Test
  void close_withALockWhoseFutureWasGivenUp_unlocks() {
    CompletableFuture<Boolean> locked = file.tryLockExclusive();
    assertTrue(locked.cancel(true));
    CompletableFuture<Void> _ = file.closeAsync();
    endNext(new Operation.TryLock(FD), 0);
    endNext(new Operation.Unlock(FD), 0);
    endNext(new Operation.Close(FD), 0);
  }

  @Test
  void close_withAnOperationInFlight_unlocksOnlyAfterIt() {
    CompletableFuture<Boolean> _ = file.tryLockExclusive();
    hand.endNext(0);
    CompletableFuture<Integer> write = file.write(ByteBuffer.allocateDirect(4), 0);
    CompletableFuture<Void> closed = file.closeAsync();
    assertEquals(1, hand.requests.size(), "the write alone");
    hand.endNext(4);
    assertEquals(4, write.join());
    endNext(new Operation.Unlock(FD), 0);
    endNext(new Operation.Close(FD), 0);
    assertTrue(closed.isDone());
  }

  @Test
  void abandonment_ofAWrite_keepsLockAndDescriptor() {
    CompletableFuture<Boolean> _ = file.tryLockExclusive();
    hand.endNext(0);
    CompletableFuture<Integer> write = file.write(ByteBuffer.allocateDirect(4), 0);
    Request request = Objects.requireNonNull(hand.requests.poll());
    request.abandoned(Refusals.closed());
    CompletableFuture<Void> closed = file.closeAsync();
    assertTrue(write.isCompletedExceptionally() && closed.isCompletedExceptionally());
    assertTrue(hand.requests.isEmpty(), "what it writes may yet land");
  }

  @Test
  void close_refusedByADriverThatEnded_unlocksAndClosesHere() {
    List<Operation> here = new ArrayList<>();
    hand.caller =
        operation -> {
          here.add(operation);
          return 0;
        };
    CompletableFuture<Boolean> _ = file.tryLockExclusive();
    hand.endNext(0);
    CompletableFuture<Void> closed = file.closeAsync();
    Objects.requireNonNull(hand.requests.poll()).refused(Refusals.closed());
    assertEquals(List.of(new Operation.Unlock(FD), new Operation.Close(FD)), here);
    assertTrue(closed.isDone());
  }
}
