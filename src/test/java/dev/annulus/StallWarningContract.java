package dev.annulus;

import static dev.annulus.Futures.get;
import static java.nio.file.StandardOpenOption.READ;
import static java.nio.file.StandardOpenOption.WRITE;
import static java.util.concurrent.TimeUnit.SECONDS;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.annulus.testing.CapturedLog;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;

/** A dependent that holds a thread of the runtime's is told of while it does. */
abstract class StallWarningContract extends BackendContract {
  @Test
  void dependent_thatHoldsTheThread_isLoggedOnceWithItsStack() throws Exception {
    CountDownLatch logged = new CountDownLatch(1);
    try (CapturedLog log = new CapturedLog();
        IoRuntime other = builder().stallWarning(Duration.ofMillis(100)).open()) {
      CompletableFuture<Void> held = hold(other, logged);
      Awaitility.await().until(() -> !log.messagesWith("held", "heldUntil").isEmpty());
      Awaitility.await().pollDelay(Duration.ofMillis(300)).until(() -> true);
      logged.countDown();
      get(held);
      assertEquals(1, log.messagesWith("heldUntil").size(), () -> log.messages().toString());
    }
  }

  @Test
  void dependent_thatHoldsTheThread_isNotLoggedWhenTurnedOff() throws Exception {
    CountDownLatch enough = new CountDownLatch(1);
    try (CapturedLog log = new CapturedLog();
        IoRuntime other = builder().stallWarning(Duration.ZERO).open()) {
      CompletableFuture<Void> held = hold(other, enough);
      Awaitility.await().pollDelay(Duration.ofMillis(1_500)).until(() -> true);
      enough.countDown();
      get(held);
      assertTrue(log.messagesWith("has held the thread").isEmpty(), () -> log.messages().toString());
    }
  }

  /** Holds a runtime's thread. */
  private CompletableFuture<Void> hold(IoRuntime held, CountDownLatch latch) throws Exception {
    Path fifo = fifo();
    AsyncFile pipe = get(held.openFile(fifo, READ, WRITE));
    CompletableFuture<Void> end = pipe.read(direct(8), 0).thenAccept(_ -> heldUntil(latch));
    feed(fifo, bytes(8, 1));
    return end;
  }

  private static void heldUntil(CountDownLatch latch) {
    try {
      assertTrue(latch.await(Futures.PATIENCE_SECONDS, SECONDS));
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
  }

  @Test
  void stallWarning_ofANegativeTime_isRefused() {
    assertInstanceOf(
        IllegalArgumentException.class,
        assertThrows(RuntimeException.class, () -> builder().stallWarning(Duration.ofMillis(-1))));
  }
}
