package dev.annulus;

import static dev.annulus.AsyncFile.NOT_NOW;
import static java.nio.file.StandardOpenOption.READ;
import static java.nio.file.StandardOpenOption.WRITE;
import static java.util.concurrent.TimeUnit.SECONDS;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.annulus.testing.ChildJvm;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.FutureTask;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

class IoUringTryTransferTest extends TryTransferContract {
  @Override
  Backend backend() {
    return Backend.IO_URING;
  }

  @Override
  boolean doesSome() {
    return true;
  }

  @Test
  void tryRead_withInlineReadsSwitchedOff_isDoneOnlyForCallersWhoWait() throws Exception {
    Path path = file(bytes(100, 1));
    try (IoRuntime ringOnly = builder().inlineReads(false).open()) {
      AsyncFile file = Futures.get(ringOnly.openFile(path, READ));
      assertEquals(NOT_NOW, file.tryRead(direct(100), 0));
      assertEquals(100, file.callerRuns().tryRead(direct(100), 0));
    }
  }

  /** A transfer that waits for a device there would make all others wait. */
  @Test
  void tries_onTheRuntimesOwnThread_doNotWait() throws Exception {
    AsyncFile file = open(file(bytes(100, 1)), READ, WRITE).callerRuns();
    assertEquals(8, file.tryWrite(direct(8), 0), "it is done where the caller may wait");
    CompletableFuture<Integer> there = new CompletableFuture<>();
    for (int tries = 0; tries < 1000 && !there.isDone(); tries++) {
      CompletableFuture<?> reached =
          runtime
              .nop()
              .whenComplete(
                  (_, _) -> {
                    if (runtime.isRuntimeThread()) {
                      there.complete(file.tryWrite(direct(8), 0));
                    }
                  });
      Object _ = Futures.get(reached);
    }
    assertEquals(NOT_NOW, there.get(20, SECONDS));
  }

  /** The descriptor's number may be another file's as soon as it is closed. */
  @Test
  void closeAsync_duringATry_waitsForItsEnd() throws Exception {
    HandDriver hand = new HandDriver();
    CountDownLatch begun = new CountDownLatch(1);
    CountDownLatch mayEnd = new CountDownLatch(1);
    hand.reader =
        () -> {
          begun.countDown();
          return awaited(mayEnd) ? 8 : -1;
        };
    Policies policies = new Policies(null, true, 0, Durability.SYNC_AFTER);
    IoRuntime byHand = new IoRuntime("by-hand", Backend.IO_URING, hand, policies, Duration.ZERO);
    CompletableFuture<AsyncFile> opened = byHand.openFile(Path.of("any"), READ);
    hand.endNext(1_000_000);
    AsyncFile file = Futures.get(opened);

    FutureTask<Integer> trying = new FutureTask<>(() -> file.callerRuns().tryRead(direct(8), 0));
    Thread _ = Thread.ofPlatform().daemon().start(trying);
    assertTrue(awaited(begun));
    CompletableFuture<Void> closed = file.closeAsync();
    assertTrue(hand.requests.isEmpty(), "the descriptor is being closed under a read");
    mayEnd.countDown();
    assertEquals(8, trying.get(20, SECONDS));
    hand.endNext(0);
    Void _ = Futures.get(closed);
  }

  /** In a JVM of its own: what a compiler leaves out depends on all that has run before. */
  @Test
  @Timeout(value = 300, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
  void transfers_ofCachedDataByBlockingCallers_makeNoGarbage() throws Exception {
    Path path = file(bytes(GarbageProbe.BLOCK_BYTES, 1));
    ChildJvm.Result result = ChildJvm.of(GarbageProbe.class, path.toString()).run(280);
    String none = ", bytes per call: 0";
    assertEquals(
        List.of("FsFile.readAt" + none, "FsFile.writeAt" + none, "FileChannel.read" + none, "FileChannel.write" + none),
        result.lines());
  }

  private static boolean awaited(CountDownLatch latch) {
    try {
      return latch.await(20, SECONDS);
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }
}
