package dev.annulus;

import static java.nio.file.StandardOpenOption.READ;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** A reaper that is never out of work submits many operations in one system call. */
class IoUringSharedEntersTest extends BackendContract {
  private static final int IN_FLIGHT = 128;
  private static final int OPERATIONS = 40_000;
  private static final int BLOCK_BYTES = 4096;

  /** With no more completions ended in a round than four, it is one call for four of them. */
  private static final int OPERATIONS_PER_ENTER = 16;

  @Override
  Backend backend() {
    return Backend.IO_URING;
  }

  @Override
  boolean inlineReads() {
    return true;
  }

  @Test
  void nops_startedByCompletions_shareSystemCalls() throws Exception {
    assertShared(runtime::nop);
  }

  @Test
  void cachedReads_startedByCompletions_shareSystemCalls() throws Exception {
    AsyncFile file = openCached();
    ByteBuffer anywhere = ByteBuffer.allocateDirect(BLOCK_BYTES); // all at once: their contents are not looked at
    assertShared(() -> file.read(anywhere.duplicate(), 0));
  }

  @Test
  void cachedRead_onTheRuntimesThreadAlone_isCompleteWhenReturned() throws Exception {
    AsyncFile file = openCached();
    boolean done =
        onTheRuntimesThread(
            () -> CompletableFuture.completedFuture(file.read(ByteBuffer.allocateDirect(BLOCK_BYTES), 0).isDone()));
    assertTrue(done, () -> "went to the ring: " + runtime.stats());
  }

  @Test
  void cachedRead_onTheRuntimesThreadBesideAnother_goesToTheRing() throws Exception {
    AsyncFile file = openCached();
    long hits = runtime.stats().inlineHits();
    int count =
        onTheRuntimesThread(
            () -> {
              CompletableFuture<Void> _ = runtime.nop();
              return file.read(ByteBuffer.allocateDirect(BLOCK_BYTES), 0);
            });
    assertEquals(BLOCK_BYTES, count);
    assertEquals(hits, runtime.stats().inlineHits());
  }

  private AsyncFile openCached() throws Exception {
    Path path = file(bytes(BLOCK_BYTES, 1));
    assertEquals(BLOCK_BYTES, Files.readAllBytes(path).length); // and it is in the page cache now
    return open(path, READ);
  }

  private <T> T onTheRuntimesThread(Supplier<CompletableFuture<T>> body) throws Exception {
    return Futures.get(submitOnTheRuntimesThread(body));
  }

  /** A nop may be over before its dependent is attached, which then runs here: not what is wanted. */
  private <T> CompletableFuture<T> submitOnTheRuntimesThread(Supplier<CompletableFuture<T>> body) {
    return runtime.nop().thenCompose(_ -> runtime.isRuntimeThread() ? body.get() : submitOnTheRuntimesThread(body));
  }

  private void assertShared(Supplier<? extends CompletableFuture<?>> operation) throws Exception {
    AtomicInteger left = new AtomicInteger(OPERATIONS);
    AtomicReference<@Nullable Throwable> failure = new AtomicReference<>();
    CountDownLatch ended = new CountDownLatch(IN_FLIGHT);
    int _ =
        onTheRuntimesThread(
            () -> {
              for (int i = 0; i < IN_FLIGHT; i++) {
                goOn(operation, left, ended, failure);
              }
              return CompletableFuture.completedFuture(IN_FLIGHT);
            });
    long before = runtime.stats().enters();
    assertTrue(ended.await(60, TimeUnit.SECONDS), () -> left + " operations not begun: " + runtime.stats());
    long enters = runtime.stats().enters() - before;
    assertEquals(null, failure.get());
    assertTrue(enters * OPERATIONS_PER_ENTER <= OPERATIONS, () -> enters + " system calls for " + OPERATIONS + " operations");
  }

  private static void goOn(
      Supplier<? extends CompletableFuture<?>> operation,
      AtomicInteger left,
      CountDownLatch ended,
      AtomicReference<@Nullable Throwable> failure) {
    if (left.getAndDecrement() <= 0) {
      ended.countDown();
      return;
    }
    CompletableFuture<?> _ =
        operation
            .get()
            .whenComplete(
                (_, thrown) -> {
                  if (thrown != null) {
                    failure.set(thrown);
                    left.set(0);
                  }
                  goOn(operation, left, ended, failure);
                });
  }
}
