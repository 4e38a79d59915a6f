package dev.annulus;

import static dev.annulus.Futures.get;
import static java.nio.file.StandardOpenOption.READ;
import static java.nio.file.StandardOpenOption.WRITE;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

/** Where and when dependents of futures run. */
abstract class CompletionContract extends BackendContract {
  /** A read of an empty pipe stays in flight until this test writes to it: dependents are attached before it completes. */
  @Test
  void dependents_byDefault_runOnARuntimeThread() throws Exception {
    try (AsyncFile pipe = open(fifo(), READ, WRITE)) {
      CompletableFuture<Boolean> onRuntimeThread = pipe.read(direct(8), 0).thenApply(_ -> runtime.isRuntimeThread());
      feed(pipe.path(), bytes(3, 1));
      assertTrue(get(onRuntimeThread));
    }
    assertFalse(runtime.isRuntimeThread());
  }

  @Test
  void dependents_ofFailures_runOnARuntimeThreadToo() throws Exception {
    try (AsyncFile pipe = open(fifo(), READ, WRITE)) {
      CompletableFuture<Boolean> dependent =
          pipe.read(direct(8), 0)
              .thenCompose(_ -> runtime.stat(missing()))
              .handle((_, failure) -> failure != null && runtime.isRuntimeThread());
      feed(pipe.path(), bytes(3, 1));
      assertTrue(get(dependent));
    }
  }

  @Test
  void dependents_withAnExecutor_runOnIt() throws Exception {
    try (ExecutorService executor = Executors.newSingleThreadExecutor(Thread.ofPlatform().name("completer").factory());
        IoRuntime other = builder().completionExecutor(executor).open()) {
      AsyncFile pipe = get(other.openFile(fifo(), READ, WRITE));
      ByteBuffer dst = direct(3);
      CompletableFuture<String> read =
          pipe.read(dst, 0).thenApply(count -> Thread.currentThread().getName() + " " + count + " " + dst.position());
      CompletableFuture<String> failed =
          pipe.read(direct(3), 0)
              .thenCompose(_ -> other.delete(missing()))
              .handle((_, failure) -> Thread.currentThread().getName() + " " + (failure != null));
      CompletableFuture<String> released =
          pipe.read(direct(3), 0).released().thenApply(_ -> Thread.currentThread().getName());
      for (int i = 0; i < 3; i++) {
        feed(pipe.path(), bytes(3, 1));
      }
      assertEquals("completer 3 3", get(read));
      assertEquals("completer true", get(failed));
      assertEquals("completer", get(released));
      pipe.close();
    }
  }

  @Test
  void completion_whenTheExecutorRefuses_isNotLost() throws Exception {
    ExecutorService gone = Executors.newSingleThreadExecutor();
    gone.shutdown();
    AtomicInteger asked = new AtomicInteger();
    assertNothingIsLost(
        builder()
            .completionExecutor(
                task -> {
                  asked.incrementAndGet();
                  gone.execute(task);
                })
            .open());
    assertTrue(asked.get() >= 200, "asked " + asked);
  }

  @Test
  void completion_whenTheExecutorThrowsAnythingElse_isNotLost() throws Exception {
    assertNothingIsLost(
        builder()
            .completionExecutor(
                _ -> {
                  throw new IllegalStateException("the executor is broken");
                })
            .open());
  }

  private void assertNothingIsLost(IoRuntime other) throws Exception {
    byte[] contents = bytes(4_096, 1);
    Path path = file(contents);
    try (other) {
      AsyncFile file = get(other.openFile(path, READ));
      List<IoFuture<Integer>> reads = new ArrayList<>();
      List<ByteBuffer> buffers = new ArrayList<>();
      for (int i = 0; i < 200; i++) {
        // Heap buffers too: what stands in for them is to be given back once, or two reads would share it.
        buffers.add(i % 2 == 0 ? direct(4_096) : ByteBuffer.allocate(4_096));
        reads.add(file.read(buffers.get(i), 0));
      }
      for (int i = 0; i < 200; i++) {
        assertEquals(4_096, get(reads.get(i)));
        assertNull(get(reads.get(i).released()));
        assertArrayEquals(contents, drained(buffers.get(i)));
      }
      Futures.failure(NoSuchFileException.class, other.stat(missing()));
      assertNull(get(file.closeAsync()));
      assertEquals(0, Processes.descriptorsOf(path));
    }
    assertEquals(0, other.stats().inFlight());
  }

  /** Closing waits for what the completion executor's thread is not needed for, so it may be called there. */
  @Test
  void close_onTheOnlyThreadOfTheExecutor_doesNotWaitForItself() throws Exception {
    Path path = file(bytes(10, 1));
    try (ExecutorService executor = Executors.newSingleThreadExecutor()) {
      IoRuntime other = builder().completionExecutor(executor).open();
      AsyncFile first = get(other.openFile(path, READ));
      AsyncFile second = get(other.openFile(path, READ));
      CompletableFuture<Void> closed =
          other
              .nop()
              .thenRunAsync(
                  () -> {
                    first.close();
                    other.close();
                  },
                  executor);
      assertNull(get(closed));
      assertEquals(0, Processes.descriptorsOf(path));
      assertNull(get(second.closeAsync()));
    }
  }

  @Test
  void bufferPosition_whenDependentsRun_hasMoved() throws Exception {
    try (AsyncFile file = open(file(bytes(4_096, 1)), READ, WRITE)) {
      List<CompletableFuture<Integer>> seen = new ArrayList<>();
      for (int i = 0; i < 300; i++) {
        ByteBuffer buffer = i % 2 == 0 ? direct(100) : ByteBuffer.allocate(100);
        CompletableFuture<?> transfer =
            switch (i % 6) {
              case 0, 1 -> file.read(buffer, i);
              case 2, 3 -> file.readFully(buffer, i);
              default -> file.write(buffer, i);
            };
        seen.add(transfer.thenApply(_ -> buffer.position()));
      }
      for (CompletableFuture<Integer> position : seen) {
        assertEquals(100, get(position));
      }
    }
  }

  @Test
  void dependents_thatThrow_harmNothing() throws Exception {
    try (AsyncFile file = open(file(bytes(4_096, 1)), READ)) {
      for (int i = 0; i < 50; i++) {
        CompletableFuture<Integer> broken =
            file.read(direct(100), 0)
                .thenApply(
                    count -> {
                      throw new RejectedExecutionException("on purpose " + count);
                    });
        CompletableFuture<Void> error =
            file.readFully(ByteBuffer.allocate(100), 0)
                .thenAccept(
                    _ -> {
                      throw new AssertionError("on purpose");
                    });
        Futures.failure(RejectedExecutionException.class, broken);
        Futures.failure(AssertionError.class, error);
      }
      assertEquals(100, get(file.read(direct(100), 0)));
    }
  }

  @Test
  void dependents_ofAnyFuture_arePlainFutures() throws Exception {
    try (AsyncFile pipe = open(fifo(), READ, WRITE)) {
      IoFuture<Integer> read = pipe.read(direct(8), 0);
      CompletableFuture<Integer> dependent = read.thenApply(count -> count + 1);
      assertFalse(dependent instanceof IoFuture);
      assertFalse(read.copy() instanceof IoFuture);
      assertTrue(dependent.cancel(true));
      assertFalse(read.isDone());
      feed(pipe.path(), bytes(3, 1));
      assertEquals(3, get(read));
    }
  }

  /** The user may change a buffer meanwhile, though it is not allowed to: that operation fails, and nothing else. */
  @Test
  void bufferLimit_movedDuringTheRead_failsTheReadAlone() throws Exception {
    try (AsyncFile pipe = open(fifo(), READ, WRITE)) {
      for (ByteBuffer buffer : List.of(direct(8), ByteBuffer.allocate(8))) {
        IoFuture<Integer> read = pipe.read(buffer, 0);
        ByteBuffer tampered = buffer.limit(1);
        feed(pipe.path(), bytes(3, 1));
        Futures.failure(IllegalArgumentException.class, read);
        assertNull(get(read.released()));
        assertEquals(0, tampered.position());
      }
      IoFuture<Integer> next = pipe.read(direct(8), 0);
      feed(pipe.path(), bytes(3, 1));
      assertEquals(3, get(next));
    }
    awaitIdle(runtime);
  }

  /** Each completion submits the next operation from the runtime's own thread, which is never held up by the limits. */
  @Test
  void chain_submittedFromTheRuntimeThreadPastAllLimits_doesNotDeadlock() throws Exception {
    Path path = file(bytes(4_096, 1));
    try (IoRuntime narrow = builder().maxInFlight(1).maxQueued(1).open();
        AsyncFile file = get(narrow.openFile(path, READ));
        AsyncFile pipe = get(narrow.openFile(fifo(), READ, WRITE))) {
      IoFuture<Integer> gate = pipe.read(direct(8), 0);
      CompletableFuture<List<IoFuture<Integer>>> burst =
          gate.thenApply(
              _ -> {
                List<IoFuture<Integer>> reads = new ArrayList<>();
                for (int i = 0; i < 5_000; i++) {
                  reads.add(file.read(direct(16), i % 4_000));
                }
                return reads;
              });
      // The pipe is held by the only slot: its writer is another.
      try (FileChannel writer = FileChannel.open(pipe.path(), WRITE)) {
        assertEquals(3, writer.write(direct(bytes(3, 1))));
      }
      for (IoFuture<Integer> read : get(burst)) {
        assertEquals(16, get(read));
      }
      assertEquals(0, get(chain(narrow, 20_000)));
    }
  }

  private static CompletableFuture<Integer> chain(IoRuntime runtime, int links) {
    CompletableFuture<Integer> end = new CompletableFuture<>();
    class Link implements Runnable {
      private int left = links;

      @Override
      public void run() {
        CompletableFuture<Void> next =
            runtime
                .nop()
                .whenComplete(
                    (_, failure) -> {
                      if (failure != null) {
                        end.completeExceptionally(failure);
                      } else if (--left == 0) {
                        end.complete(0);
                      } else {
                        run();
                      }
                    });
        assertFalse(next.isCancelled());
      }
    }
    new Link().run();
    return end;
  }
}
