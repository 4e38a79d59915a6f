package dev.annulus.adapter.nio;

import static dev.annulus.adapter.nio.FileChannelContract.assertNotNullLock;
import static java.nio.file.StandardOpenOption.READ;
import static java.nio.file.StandardOpenOption.WRITE;
import static java.util.concurrent.TimeUnit.SECONDS;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.channels.AsynchronousCloseException;
import java.nio.channels.AsynchronousFileChannel;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.FileLockInterruptionException;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Locks beside another JVM that locks with the JDK's channels. */
abstract class FileLockContract extends ChannelContract {
  @SuppressWarnings("NullAway.Init") // openAll
  private LockingJvm other;

  @SuppressWarnings("NullAway.Init") // openAll
  private FileChannel channel;

  @SuppressWarnings("NullAway.Init") // openAll
  private AsynchronousFileChannel asynchronous;

  @BeforeEach
  final void openAll() throws Exception {
    Path path = Files.writeString(dir.resolve("f"), "0123456789");
    other = new LockingJvm(path);
    channel = AnnulusFileChannel.open(runtime, path, READ, WRITE);
    asynchronous = AnnulusAsynchronousFileChannel.open(runtime, path, READ, WRITE);
  }

  @AfterEach
  final void closeAll() throws Exception {
    channel.close();
    asynchronous.close();
    other.close();
  }

  @Test
  void lock_ofTheOtherJvm_keepsOursOut() throws Exception {
    assertTrue(other.tryLock(0, 10, false));
    assertNull(channel.tryLock(5, 1, true));
    assertNull(channel.tryLock());
    assertNull(asynchronous.tryLock(9, 1, false));
    assertNotNullLock(channel.tryLock(10, 1, false)).release();
    other.release();
    assertNotNullLock(channel.tryLock(5, 1, false)).release();

    assertTrue(other.tryLock(0, 10, true));
    assertNull(channel.tryLock(5, 1, false));
    assertNotNullLock(channel.tryLock(5, 1, true));
    assertNotNullLock(asynchronous.tryLock(6, 1, true));
  }

  @Test
  void lock_ofOurs_keepsTheOtherJvmOut() throws Exception {
    FileLock first = channel.lock(0, 4, false);
    FileLock second = asynchronous.lock(4, 4, true).get();
    assertFalse(other.tryLock(3, 1, true));
    assertFalse(other.tryLock(4, 1, false));
    assertTrue(other.tryLock(4, 1, true));
    other.release();
    first.release();
    assertTrue(other.tryLock(0, 4, false));
    assertTrue(second.isValid());
    asynchronous.close();
    assertFalse(second.isValid());
    assertTrue(other.tryLock(4, 4, false));
  }

  @Test
  void lock_thatTheOtherJvmHolds_isWaitedFor() throws Exception {
    assertTrue(other.tryLock(0, 10, false));
    CompletableFuture<FileLock> waiting = waitingLock();
    Future<FileLock> waitingToo = asynchronous.lock(8, 1, true);
    CompletableFuture<FileLock> waitingThirdly = new CompletableFuture<>();
    asynchronous.lock(9, 1, true, waitingThirdly, new ToFuture<>());
    assertThrows(OverlappingFileLockException.class, () -> asynchronous.lock(9, 1, true), "somebody waits for it");
    assertFalse(waiting.isDone() || waitingToo.isDone() || waitingThirdly.isDone());
    other.release();
    assertEquals(2, waiting.get(10, SECONDS).size());
    assertTrue(waitingToo.get(10, SECONDS).isShared());
    assertSame(asynchronous, waitingThirdly.get(10, SECONDS).acquiredBy());
    assertFalse(other.tryLock(0, 10, true));
  }

  @Test
  void lock_thatIsWaitedFor_isGivenUpOnInterrupt() throws Exception {
    assertTrue(other.tryLock(0, 10, false));
    CompletableFuture<Boolean> stillInterrupted = new CompletableFuture<>();
    Thread waiter =
        Thread.ofPlatform()
            .start(
                () -> {
                  assertThrows(FileLockInterruptionException.class, () -> channel.lock(0, 2, false));
                  stillInterrupted.complete(Thread.currentThread().isInterrupted());
                });
    awaitWaiting(0);
    waiter.interrupt();
    assertTrue(stillInterrupted.get(10, SECONDS));
    assertTrue(channel.isOpen());
    assertNull(channel.tryLock(0, 2, false), "nobody waits any more, but the other JVM has it");
  }

  @Test
  void lock_withAnInterruptPending_isRefused() {
    Thread.currentThread().interrupt();
    try {
      assertThrows(FileLockInterruptionException.class, () -> channel.lock());
      assertTrue(Thread.currentThread().isInterrupted());
      assertTrue(channel.isOpen());
    } finally {
      boolean _ = Thread.interrupted();
    }
  }

  @Test
  void lock_thatIsWaitedFor_isGivenUpOnClose() throws Exception {
    assertTrue(other.tryLock(0, 10, false));
    CompletableFuture<FileLock> waiting = waitingLock();
    Future<FileLock> waitingToo = asynchronous.lock(4, 1, false);
    channel.close();
    asynchronous.close();
    assertInstanceOf(
        AsynchronousCloseException.class, assertThrows(ExecutionException.class, () -> waiting.get(10, SECONDS)).getCause());
    assertInstanceOf(
        AsynchronousCloseException.class, assertThrows(ExecutionException.class, () -> waitingToo.get(10, SECONDS)).getCause());
  }

  @Test
  void lock_thatIsCancelled_isNotTaken() throws Exception {
    assertTrue(other.tryLock(0, 10, false));
    Future<FileLock> waiting = asynchronous.lock(0, 2, false);
    assertTrue(waiting.cancel(true));
    assertThrows(CancellationException.class, () -> waiting.get(1, SECONDS));
    other.release();
    Awaitility.await().atMost(Duration.ofSeconds(10)).until(() -> isFree(0));
    assertTrue(other.tryLock(0, 10, false), "it was taken all the same");
    assertTrue(asynchronous.isOpen());
  }

  @Test
  void lock_askedForOnTheRuntimesOwnThread_isTaken() throws Exception {
    Future<FileLock> taken = onRuntimeThread(() -> asynchronous.lock(0, 2, false));
    assertTrue(taken.get(10, SECONDS).isValid());
    assertFalse(other.tryLock(1, 1, true));
    Future<FileLock> overlap = onRuntimeThread(() -> asynchronous.lock(1, 2, false));
    Throwable refusal = assertThrows(ExecutionException.class, () -> overlap.get(10, SECONDS)).getCause();
    assertInstanceOf(OverlappingFileLockException.class, refusal);
  }

  /** A thread that waits for bytes 0 and 1. */
  private CompletableFuture<FileLock> waitingLock() {
    CompletableFuture<FileLock> lock = new CompletableFuture<>();
    Thread _ =
        Thread.ofPlatform()
            .start(
                () -> {
                  try {
                    lock.complete(channel.lock(0, 2, false));
                  } catch (Exception e) {
                    lock.completeExceptionally(e);
                  }
                });
    awaitWaiting(0);
    return lock;
  }

  /** While somebody in this JVM waits for a byte, asking for it is an overlap. */
  private void awaitWaiting(long position) {
    Awaitility.await().atMost(Duration.ofSeconds(10)).until(() -> !isFree(position));
  }

  private boolean isFree(long position) throws Exception {
    try (FileLock lock = asynchronous.tryLock(position, 1, false)) {
      return lock == null || lock.isValid();
    } catch (OverlappingFileLockException e) {
      return false;
    }
  }
}
