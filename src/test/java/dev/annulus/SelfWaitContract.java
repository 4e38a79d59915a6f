package dev.annulus;

import static dev.annulus.Futures.get;
import static java.nio.file.StandardOpenOption.READ;
import static java.nio.file.StandardOpenOption.WRITE;
import static java.util.concurrent.TimeUnit.SECONDS;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.annulus.fs.Fs;
import java.nio.file.Path;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeoutException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;

/** A runtime's own thread: waiting there is refused, and holding it is told. */
abstract class SelfWaitContract extends BackendContract {
  private static final String SENTENCE =
      "a blocking call on the runtime's own thread would wait for itself: chain futures there, or use an executor";

  /** Runs on the runtime's own thread, with a future that has not ended. */
  interface OnItsThread {
    void run(IoFuture<Integer> pending) throws Exception;
  }

  private void onItsThread(IoRuntime owner, OnItsThread body) throws Exception {
    AsyncFile empty = get(owner.openFile(fifo(), READ, WRITE));
    Path fifo = fifo();
    AsyncFile pipe = get(owner.openFile(fifo, READ, WRITE));
    IoFuture<Integer> pending = empty.read(direct(8), 0);
    CompletableFuture<Void> ran = pipe.read(direct(8), 0).thenAccept(_ -> run(body, pending));
    feed(fifo, bytes(8, 1));
    get(ran);
    feed(empty.path(), bytes(8, 1));
    assertEquals(8, get(pending));
  }

  private static void run(OnItsThread body, IoFuture<Integer> pending) {
    try {
      body.run(pending);
    } catch (Exception e) {
      throw new CompletionException(e);
    }
  }

  private static void assertRefused(Executable wait) {
    assertEquals(SENTENCE, assertThrows(IllegalStateException.class, wait).getMessage());
  }

  @Test
  void wait_onItsOwnThread_isRefused() throws Exception {
    AsyncFile file = open(file(bytes(10, 1)), READ);
    onItsThread(
        runtime,
        pending -> {
          assertRefused(pending::join);
          assertRefused(pending::get);
          assertRefused(() -> pending.get(1, SECONDS));
          CompletableFuture<FileStatus> stat = runtime.stat(dir);
          if (!stat.isDone()) {
            assertRefusedUnlessDone(stat);
          }
          assertFalse(pending.isDone());
        });
    get(file.closeAsync());
  }

  /** Another thread of the runtime may end it meanwhile. */
  private static void assertRefusedUnlessDone(CompletableFuture<?> future) {
    try {
      Object _ = future.join();
      assertTrue(future.isDone());
    } catch (IllegalStateException e) {
      assertEquals(SENTENCE, e.getMessage());
    }
  }

  @Test
  void wait_onItsOwnThreadForAFileToClose_isRefused() throws Exception {
    AsyncFile empty = get(runtime.openFile(fifo(), READ, WRITE));
    IoFuture<Integer> read = empty.read(direct(8), 0);
    CompletableFuture<Void> closed = empty.closeAsync();
    onItsThread(
        runtime,
        _ -> {
          assertRefused(closed::join);
          assertRefused(closed::get);
          assertRefused(() -> closed.get(1, SECONDS));
          empty.close(); // does not wait here
        });
    feed(empty.path(), bytes(8, 1));
    assertEquals(8, get(read));
    get(closed);
  }

  @Test
  void wait_onItsOwnThreadForWhatHasEnded_isNone() throws Exception {
    IoFuture<Integer> done = open(file(bytes(10, 1)), READ).read(direct(10), 0);
    assertEquals(10, get(done));
    onItsThread(
        runtime,
        _ -> {
          assertEquals(10, done.join());
          assertEquals(10, done.get());
          assertEquals(10, done.get(1, SECONDS));
        });
  }

  @Test
  void wait_onAnotherRuntimesThread_isAllowed() throws Exception {
    AsyncFile file = open(file(bytes(10, 1)), READ);
    try (IoRuntime other = builder().open()) {
      onItsThread(other, _ -> assertEquals(10, file.read(direct(10), 0).get(20, SECONDS)));
    }
  }

  @Test
  void wait_onACompletionExecutor_isAllowed() throws Exception {
    try (ExecutorService executor = Executors.newFixedThreadPool(2);
        IoRuntime other = builder().completionExecutor(executor).open()) {
      AsyncFile file = get(other.openFile(file(bytes(10, 1)), READ));
      CompletableFuture<Integer> second = file.read(direct(10), 0).thenApply(_ -> file.read(direct(10), 0).join());
      assertEquals(10, get(second));
    }
  }

  @Test
  void facade_onTheRuntimesThread_refusesWithTheSameSentence() throws Exception {
    Fs fs = Fs.on(runtime);
    onItsThread(runtime, _ -> assertRefused(() -> fs.metadata(dir)));
  }

  @Test
  void get_withATimeoutThatPasses_saysForWhatItWaited() throws Exception {
    AsyncFile empty = open(fifo(), READ, WRITE);
    IoFuture<Integer> pending = empty.read(direct(8), 0);
    TimeoutException late = assertThrows(TimeoutException.class, () -> pending.get(1, java.util.concurrent.TimeUnit.MILLISECONDS));
    Futures.assertNames(late, "read", empty.path(), "8 bytes at position 0");
    feed(empty.path(), bytes(8, 1));
    assertEquals(8, get(pending));
  }
}
