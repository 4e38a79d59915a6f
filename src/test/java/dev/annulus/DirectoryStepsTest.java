package dev.annulus;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.annulus.internal.driver.Errno;
import dev.annulus.internal.driver.Operation;
import dev.annulus.internal.driver.Request;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.RejectedExecutionException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The four steps of syncing a directory, each of which may fail. */
@Timeout(60)
class DirectoryStepsTest {
  private static final Path DIR = Path.of("directory");
  private static final int FD = HandFile.FD;

  private final HandDriver hand = new HandDriver();
  private final IoRuntime runtime =
      new IoRuntime("by-hand", Backend.IO_URING, hand, TestPolicies.plain(), Duration.ZERO);

  private void end(Class<? extends Operation> type, int result) {
    assertTrue(type.isInstance(hand.next().operation()), () -> "submitted was: " + hand.next().operation());
    hand.endNext(result);
  }

  private static void assertTells(int errno, CompletableFuture<?> failed) {
    assertTrue(failed.isDone(), failed::toString);
    assertEquals(errno, Futures.errnoOf(failed.exceptionNow()).errno());
  }

  /** All four steps, on a descriptor of any number. */
  private void assertSyncs(int fd) {
    CompletableFuture<Void> sync = runtime.syncDirectory(DIR);
    end(Operation.Open.class, fd);
    end(Operation.Stat.class, 0);
    assertEquals(new Operation.Sync(fd, false), hand.next().operation());
    hand.endNext(0);
    assertEquals(new Operation.Close(fd), hand.next().operation());
    assertFalse(sync.isDone());
    hand.endNext(0);
    assertTrue(sync.isDone() && !sync.isCompletedExceptionally(), sync::toString);
    assertTrue(hand.requests.isEmpty());
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1, FD})
  void syncDirectory_opensAsksSyncsAndCloses(int fd) {
    assertSyncs(fd);
  }

  @Test
  void syncDirectory_ofNone_fails() {
    CompletableFuture<Void> sync = runtime.syncDirectory(DIR);
    end(Operation.Open.class, -Errno.ENOENT);
    assertTrue(sync.exceptionNow() instanceof NoSuchFileException);
    assertTrue(hand.requests.isEmpty());
  }

  /** Nothing was tried, and nothing is remembered. */
  @Test
  void syncDirectory_thatCannotTellWhatItIs_failsAndCloses() {
    CompletableFuture<Void> sync = runtime.syncDirectory(DIR);
    end(Operation.Open.class, FD);
    end(Operation.Stat.class, -Errno.EIO);
    end(Operation.Close.class, 0);
    assertTells(Errno.EIO, sync);
    assertSyncs(FD);
  }

  /** It has not failed, and has not succeeded either. */
  @Test
  void syncDirectory_whoseSyncNeverBegan_failsAndIsNotRemembered() {
    CompletableFuture<Void> sync = runtime.syncDirectory(DIR);
    end(Operation.Open.class, FD);
    end(Operation.Stat.class, 0);
    Request syncing = Objects.requireNonNull(hand.requests.poll());
    assertTrue(syncing.operation() instanceof Operation.Sync);
    syncing.neverBegun();
    end(Operation.Close.class, 0);
    assertTells(Errno.ECANCELED, sync);
    assertSyncs(FD);
  }

  @Test
  void syncDirectory_whoseCloseFails_fails() {
    CompletableFuture<Void> sync = runtime.syncDirectory(DIR);
    end(Operation.Open.class, FD);
    end(Operation.Stat.class, 0);
    end(Operation.Sync.class, 0);
    end(Operation.Close.class, -Errno.EIO);
    assertTells(Errno.EIO, sync);
    CompletableFuture<Void> twice = runtime.syncDirectory(DIR);
    end(Operation.Open.class, FD);
    end(Operation.Stat.class, 0);
    end(Operation.Sync.class, -Errno.ENOSPC);
    end(Operation.Close.class, -Errno.EIO);
    assertTells(Errno.ENOSPC, twice);
  }

  @ParameterizedTest
  @ValueSource(ints = {0, FD})
  void syncDirectory_cancelledWhileOpening_closesWhatComes(int fd) {
    CompletableFuture<Void> sync = runtime.syncDirectory(DIR);
    assertTrue(sync.cancel(true));
    end(Operation.Open.class, fd);
    assertEquals(new Operation.Close(fd), hand.next().operation());
    hand.endNext(0);
    assertTrue(hand.requests.isEmpty());
  }

  /** Whether it succeeded will never be known; the descriptor is the kernel's for ever. */
  @Test
  void syncDirectory_whoseSyncNeverEnds_isRememberedAndKeepsItsDescriptor() {
    CompletableFuture<Void> sync = runtime.syncDirectory(DIR);
    end(Operation.Open.class, FD);
    end(Operation.Stat.class, 0);
    Objects.requireNonNull(hand.requests.poll()).abandoned(new RejectedExecutionException("gone"));
    Futures.assertNames(sync.exceptionNow(), "gone");
    assertTrue(hand.requests.isEmpty(), "the descriptor is closed under a sync");
    CompletableFuture<Void> later = runtime.syncDirectory(DIR);
    end(Operation.Open.class, FD + 1);
    end(Operation.Stat.class, 0);
    end(Operation.Close.class, 0);
    Futures.assertNames(later.exceptionNow(), "earlier sync of the directory");
  }

  @Test
  void syncDirectory_whoseQuestionNeverEnds_keepsItsDescriptorAndIsNoLoss() {
    CompletableFuture<Void> sync = runtime.syncDirectory(DIR);
    end(Operation.Open.class, FD);
    Objects.requireNonNull(hand.requests.poll()).abandoned(new RejectedExecutionException("gone"));
    Futures.assertNames(sync.exceptionNow(), "gone");
    assertTrue(hand.requests.isEmpty());
    assertSyncs(FD + 1);
  }

  @Test
  void syncDirectory_whoseOpeningNeverEnds_fails() {
    CompletableFuture<Void> sync = runtime.syncDirectory(DIR);
    Objects.requireNonNull(hand.requests.poll()).abandoned(new RejectedExecutionException("gone"));
    Futures.assertNames(sync.exceptionNow(), "gone");
    assertTrue(hand.requests.isEmpty());
  }

  // ---- without a runtime around it ----

  private final Engine engine = new Engine(hand, TestPolicies.plain());

  private DirectorySync begin() {
    DirectorySync sync = new DirectorySync(engine, DIR);
    sync.submitPastLimits();
    return sync;
  }

  private static Throwable rawFailure(CompletableFuture<?> failed) {
    return Objects.requireNonNull(failed.handle((_, thrown) -> thrown).getNow(null), failed::toString);
  }

  /** Not one that is wrapped for dependents, nor what caused it. */
  @Test
  void syncDirectory_thatFails_failsWithTheSystemsAnswerItself() {
    CompletableFuture<Void> notClosed = runtime.syncDirectory(DIR);
    end(Operation.Open.class, FD);
    end(Operation.Stat.class, 0);
    end(Operation.Sync.class, 0);
    end(Operation.Close.class, -Errno.EIO);
    assertEquals(ErrnoException.class, rawFailure(notClosed).getClass());
    CompletableFuture<Void> notSynced = runtime.syncDirectory(DIR);
    end(Operation.Open.class, FD);
    end(Operation.Stat.class, 0);
    end(Operation.Sync.class, -Errno.EIO);
    end(Operation.Close.class, 0);
    assertEquals(FileSystemException.class, rawFailure(notSynced).getClass());
  }

  /** The number might be another file's by the time the kernel looks it up. */
  @Test
  void descriptor_thatTheRuntimeClosesDuringTheSync_isClosedAfterIt() {
    DirectorySync sync = begin();
    end(Operation.Open.class, FD);
    end(Operation.Stat.class, 0);
    engine.openDescriptors().forEach(OpenDescriptor::closeUnheard);
    assertEquals(1, hand.requests.size());
    end(Operation.Sync.class, 0);
    end(Operation.Close.class, 0);
    assertTrue(sync.isDone() && !sync.isCompletedExceptionally(), sync::toString);
    assertTrue(hand.requests.isEmpty());
  }

  /** The runtime's own close does not wait for it. */
  @Test
  void descriptor_whoseSyncNeverEnds_isNobodysToCloseAnyMore() {
    for (Class<? extends Operation> last : List.of(Operation.Stat.class, Operation.Sync.class)) {
      DirectorySync sync = begin();
      end(Operation.Open.class, FD);
      if (last == Operation.Sync.class) {
        end(Operation.Stat.class, 0);
      }
      assertEquals(1, engine.openDescriptors().size());
      OpenDescriptor descriptor = engine.openDescriptors().iterator().next();
      Objects.requireNonNull(hand.requests.poll()).abandoned(new RejectedExecutionException("gone"));
      assertTrue(sync.isCompletedExceptionally());
      assertEquals(Set.of(), engine.openDescriptors());
      Futures.assertNames(descriptor.close().exceptionNow(), "gone");
      assertTrue(hand.requests.isEmpty());
    }
  }

  /** Memory may be wanting when the directory has been opened: then its descriptor is closed again, once. */
  @Test
  void descriptor_ofWhichNothingCanBeMade_isClosedHere() {
    List<Operation> called = new ArrayList<>();
    hand.caller =
        operation -> {
          called.add(operation);
          return 0;
        };
    hand.whenOpened =
        () -> {
          throw new OutOfMemoryError("by the test");
        };
    DirectorySync sync = begin();
    end(Operation.Open.class, FD);
    assertEquals(OutOfMemoryError.class, rawFailure(sync).getClass());
    assertEquals(List.of(new Operation.Close(FD)), called);
    assertTrue(hand.requests.isEmpty());
    assertEquals(Set.of(), engine.openDescriptors());
  }
}
