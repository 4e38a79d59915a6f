package dev.annulus;

import static java.nio.file.StandardOpenOption.CREATE;
import static java.nio.file.StandardOpenOption.DELETE_ON_CLOSE;
import static java.nio.file.StandardOpenOption.WRITE;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.annulus.internal.driver.Errno;
import dev.annulus.internal.driver.Operation;
import dev.annulus.internal.driver.Request;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.RejectedExecutionException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * What opening and deleting are made of, and what becomes of a file that nobody wants any more when
 * it comes.
 */
@Timeout(60)
class OpenByHandTest {
  private static final Path PATH = Path.of("any");
  private static final int FD = HandFile.FD;
  private static final Operation UNLINK = new Operation.Remove(PATH, false);
  private static final Operation RMDIR = new Operation.Remove(PATH, true);
  private static final Operation CLOSE = new Operation.Close(FD);

  private final HandDriver hand = new HandDriver();
  private final IoRuntime runtime =
      new IoRuntime("by-hand", Backend.IO_URING, hand, TestPolicies.plain(), Duration.ZERO);

  private void end(Operation expected, int result) {
    assertEquals(expected, hand.next().operation());
    hand.endNext(result);
  }

  private Request takeOpen() {
    Request request = Objects.requireNonNull(hand.requests.poll());
    assertTrue(request.operation() instanceof Operation.Open);
    return request;
  }

  private void assertNothingSubmitted() {
    assertTrue(hand.requests.isEmpty(), () -> "submitted was: " + hand.next().operation());
  }

  /** A file that was given to the user, which is open and closes with one operation. */
  private void assertOpen(CompletableFuture<AsyncFile> opening) {
    AsyncFile file = opening.join();
    assertTrue(file.isOpen());
    assertNothingSubmitted();
    CompletableFuture<Void> closed = file.closeAsync();
    end(CLOSE, 0);
    assertTrue(closed.isDone());
    assertNothingSubmitted();
  }

  // ---- wanted ----

  @Test
  void open_givesTheFileOnce() {
    CompletableFuture<AsyncFile> opening = runtime.openFile(PATH, CREATE, WRITE);
    Request request = takeOpen();
    request.completed(FD);
    request.completed(FD); // told again, after an error of the JVM
    assertOpen(opening);
  }

  @Test
  void open_toBeDeletedOnClosing_removesTheNameFirst() {
    for (int result : new int[] {0, -Errno.ENOENT, -Errno.EACCES}) {
      CompletableFuture<AsyncFile> opening = runtime.openFile(PATH, CREATE, WRITE, DELETE_ON_CLOSE);
      takeOpen().completed(FD);
      assertFalse(opening.isDone(), "nobody is to have the file while it has its name");
      end(UNLINK, result);
      assertOpen(opening);
    }
  }

  @Test
  void open_thatFailsOrIsRefused_fails() {
    CompletableFuture<AsyncFile> failing = runtime.openFile(PATH, WRITE, DELETE_ON_CLOSE);
    takeOpen().completed(-Errno.ENOENT);
    assertTrue(failing.exceptionNow() instanceof NoSuchFileException);
    CompletableFuture<AsyncFile> refused = runtime.openFile(PATH, WRITE);
    takeOpen().refused(new RejectedExecutionException("full"));
    Futures.assertNames(refused.exceptionNow(), "full");
    assertNothingSubmitted();
  }

  // ---- not wanted any more ----

  @Test
  void open_givenUp_closesTheFileThatComes() {
    IoFuture<AsyncFile> opening = (IoFuture<AsyncFile>) runtime.openFile(PATH, CREATE, WRITE);
    assertTrue(opening.cancel(true));
    Request request = takeOpen();
    assertSame(request, hand.cancelled.peek());
    assertFalse(opening.released().isDone());
    request.completed(FD);
    end(CLOSE, 0);
    assertTrue(opening.released().isDone());
    assertNothingSubmitted();
  }

  @Test
  void open_givenUp_thatFailsOrNeverBegan_closesNothing() {
    CompletableFuture<AsyncFile> failing = runtime.openFile(PATH, CREATE, WRITE, DELETE_ON_CLOSE);
    CompletableFuture<AsyncFile> notBegun = runtime.openFile(PATH, CREATE, WRITE, DELETE_ON_CLOSE);
    assertTrue(failing.cancel(true) && notBegun.cancel(true));
    takeOpen().completed(-Errno.ECANCELED);
    takeOpen().neverBegun();
    assertNothingSubmitted();
  }

  /** The name goes too, if it was not removed before, and cannot have been. */
  @Test
  void openToBeDeleted_givenUpAtEitherStep_closesAndLeavesNoName() {
    CompletableFuture<AsyncFile> opening = runtime.openFile(PATH, CREATE, WRITE, DELETE_ON_CLOSE);
    assertTrue(opening.cancel(true));
    takeOpen().completed(FD);
    end(UNLINK, 0);
    end(CLOSE, 0);
    assertNothingSubmitted();

    CompletableFuture<AsyncFile> removing = runtime.openFile(PATH, CREATE, WRITE, DELETE_ON_CLOSE);
    takeOpen().completed(FD);
    assertTrue(removing.cancel(true));
    end(UNLINK, 0);
    end(CLOSE, 0);
    assertNothingSubmitted();

    CompletableFuture<AsyncFile> cancelled = runtime.openFile(PATH, CREATE, WRITE, DELETE_ON_CLOSE);
    takeOpen().completed(FD);
    assertTrue(cancelled.cancel(true));
    end(UNLINK, -Errno.ECANCELED);
    end(UNLINK, 0);
    end(CLOSE, 0);
    assertNothingSubmitted();
  }

  /** It was opened, and its completion waited in an executor. */
  @Test
  void open_givenUpBeforeItsCompletionRuns_isClosed() {
    Deque<Runnable> tasks = new ArrayDeque<>();
    Policies policies = TestPolicies.with(tasks::add, Durability.SYNC_AFTER);
    IoRuntime elsewhere = new IoRuntime("by-hand", Backend.IO_URING, hand, policies, Duration.ZERO);
    CompletableFuture<AsyncFile> opening = elsewhere.openFile(PATH, CREATE, WRITE);
    takeOpen().completed(FD);
    assertFalse(opening.isDone());
    assertTrue(opening.cancel(true));
    assertNothingSubmitted();
    tasks.remove().run();
    end(CLOSE, 0);
    assertNothingSubmitted();
  }

  /** The file the user put there is the user's; ours is closed. */
  @Test
  void open_completedByHandWithAnother_closesOurs() {
    CompletableFuture<AsyncFile> opening = runtime.openFile(PATH, CREATE, WRITE);
    AsyncFile own = HandFile.open(new HandDriver()).file;
    assertTrue(opening.complete(own));
    takeOpen().completed(FD);
    end(CLOSE, 0);
    assertSame(own, opening.join());
    assertTrue(own.isOpen());
    assertNothingSubmitted();
  }

  // ---- deleting ----

  @Test
  void delete_ofWhatTurnsOutToBeADirectory_removesThat() {
    for (int answer : new int[] {-Errno.EISDIR, -Errno.EPERM}) {
      CompletableFuture<Void> deleting = runtime.delete(PATH);
      end(UNLINK, answer);
      end(RMDIR, 0);
      assertTrue(deleting.isDone() && !deleting.isCompletedExceptionally());
      assertNothingSubmitted();
    }
  }

  /** Of something that is no directory after all, the first answer was the true one. */
  @Test
  void delete_ofNoDirectory_tellsTheFirstAnswer() {
    CompletableFuture<Void> denied = runtime.delete(PATH);
    end(UNLINK, -Errno.EPERM);
    end(RMDIR, -Errno.ENOTDIR);
    assertEquals(Errno.EPERM, Futures.errnoOf(denied.exceptionNow()).errno());
    CompletableFuture<Void> full = runtime.delete(PATH);
    end(UNLINK, -Errno.EISDIR);
    end(RMDIR, -Errno.ENOTEMPTY);
    assertEquals(Errno.ENOTEMPTY, Futures.errnoOf(full.exceptionNow()).errno());
    CompletableFuture<Void> missing = runtime.delete(PATH);
    end(UNLINK, -Errno.ENOTDIR);
    assertTrue(missing.exceptionNow() instanceof NotDirectoryException);
    assertNothingSubmitted();
  }
}
