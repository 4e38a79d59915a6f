package dev.annulus;

import static dev.annulus.Futures.failure;
import static dev.annulus.Futures.get;
import static java.nio.file.StandardOpenOption.CREATE;
import static java.nio.file.StandardOpenOption.READ;
import static java.nio.file.StandardOpenOption.WRITE;
import static java.util.concurrent.TimeUnit.MILLISECONDS;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.locks.LockSupport;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Futures that are ended early. In flight is mostly a read of an empty pipe, which ends only when it is cancelled. */
abstract class CancellationContract extends BackendContract {
  /** Ways to end a future early. */
  enum Way {
    CANCEL,
    COMPLETE,
    COMPLETE_EXCEPTIONALLY,
    COMPLETE_ASYNC,
    OR_TIMEOUT,
    COMPLETE_ON_TIMEOUT,
    OBTRUDE_VALUE,
    OBTRUDE_EXCEPTION;

    void end(CompletableFuture<Integer> future) throws Exception {
      IllegalStateException mine = new IllegalStateException("mine");
      switch (this) {
        case CANCEL -> assertTrue(future.cancel(true));
        case COMPLETE -> assertTrue(future.complete(77));
        case COMPLETE_EXCEPTIONALLY -> assertTrue(future.completeExceptionally(mine));
        case COMPLETE_ASYNC -> assertEquals(77, get(future.completeAsync(() -> 77)));
        case OR_TIMEOUT -> assertInstanceOf(TimeoutException.class, failure(future.orTimeout(20, MILLISECONDS)));
        case COMPLETE_ON_TIMEOUT -> assertEquals(77, get(future.completeOnTimeout(77, 20, MILLISECONDS)));
        case OBTRUDE_VALUE -> future.obtrudeValue(77);
        case OBTRUDE_EXCEPTION -> future.obtrudeException(mine);
      }
    }

    void assertEnded(CompletableFuture<Integer> future) throws Exception {
      assertTrue(future.isDone());
      switch (this) {
        case CANCEL -> {
          assertTrue(future.isCancelled());
          assertInstanceOf(CancellationException.class, failure(future));
        }
        case COMPLETE, COMPLETE_ASYNC, COMPLETE_ON_TIMEOUT, OBTRUDE_VALUE -> assertEquals(77, get(future));
        case COMPLETE_EXCEPTIONALLY, OBTRUDE_EXCEPTION -> assertEquals("mine", failure(future).getMessage());
        case OR_TIMEOUT -> assertInstanceOf(TimeoutException.class, failure(future));
      }
    }
  }

  /** Whether a read that waits for data can be stopped, rather than only be no longer waited for. */
  boolean stopsPendingReads() {
    return true;
  }

  /** Gives a read that cannot be stopped what it waits for: one byte, a zero like the buffer it goes to. */
  final void letGo(Path fifo) throws IOException {
    if (!stopsPendingReads()) {
      try (FileChannel writer = FileChannel.open(fifo, WRITE)) {
        assertEquals(1, writer.write(ByteBuffer.allocate(1)));
      }
    }
  }

  @ParameterizedTest
  @EnumSource(Way.class)
  void pendingRead_endedEarly_isReleasedSoonAfter(Way way) throws Exception {
    try (AsyncFile pipe = open(fifo(), READ, WRITE)) {
      for (ByteBuffer dst : List.of(direct(8), ByteBuffer.allocate(8))) {
        IoFuture<Integer> read = pipe.read(dst, 0);
        awaitInKernel();
        assertFalse(read.isDone());
        CompletableFuture<Void> released = read.released();
        assertFalse(released.isDone());
        way.end(read);
        way.assertEnded(read);
        letGo(pipe.path());
        assertNull(get(released));
        assertNull(get(read.released()));
        way.assertEnded(read);
        awaitIdle(runtime);
        // The kernel no longer waits with that buffer: what is written now goes to the next read.
        assertEquals(0, dst.position());
        assertEquals(3, get(pipe.write(direct(bytes(3, 1)), 0)));
        ByteBuffer next = direct(8);
        assertEquals(3, get(pipe.read(next, 0)));
        assertEquals(0, dst.get(0));
      }
    }
  }

  private void awaitInKernel() {
    Awaitility.await().pollInterval(Duration.ofMillis(1)).until(() -> runtime.stats().inFlight() == 1);
  }

  @Test
  void released_completedByTheCaller_isStillTheTruthForOthers() throws Exception {
    try (AsyncFile pipe = open(fifo(), READ, WRITE)) {
      IoFuture<Integer> read = pipe.read(direct(8), 0);
      assertTrue(read.released().complete(null));
      assertFalse(read.released().isDone());
      assertTrue(read.cancel(false));
      letGo(pipe.path());
      assertNull(get(read.released()));
    }
  }

  @Test
  void released_ofWhatRanToItsEnd_isComplete() throws Exception {
    try (AsyncFile file = open(file(bytes(100, 1)), READ)) {
      IoFuture<Integer> read = file.read(direct(8), 0);
      assertEquals(8, get(read));
      assertNull(get(read.released()));
      IoFuture<Void> failed = file.readFully(direct(200), 0);
      Futures.settled(failed);
      assertNull(get(failed.released()));
    }
  }

  /** The ring tries without waiting, mostly, and is then told that there is nobody; else it waits too, and can be cancelled. */
  @Test
  void openFile_ofAPipeThatNobodyReads_failsOrWaitsUntilSomebodyDoes() throws Exception {
    Path fifo = fifo();
    CompletableFuture<AsyncFile> writing = runtime.openFile(fifo, WRITE);
    Awaitility.await().until(() -> writing.isDone() || runtime.stats().inFlight() == 1);
    if (stopsPendingReads()) {
      boolean waited = writing.cancel(true);
      assertNull(get(((IoFuture<?>) writing).released()));
      assertTrue(waited || Futures.errnoOf(failure(writing)).symbol().equals("ENXIO"), writing.toString());
    }
    try (FileChannel reader = FileChannel.open(fifo, READ, WRITE);
        AsyncFile writer = get(stopsPendingReads() ? runtime.openFile(fifo, WRITE) : writing)) {
      assertEquals(3, get(writer.write(direct(bytes(3, 1)), 0)));
      ByteBuffer told = direct(8);
      assertEquals(3, reader.read(told));
    }
  }

  @Test
  void syncDirectory_cancelledAtAnyMoment_leavesNoDescriptor() throws Exception {
    int cancelled = 0;
    for (int i = 0; i < 300; i++) {
      CompletableFuture<Void> sync = runtime.syncDirectory(dir);
      long pause = System.nanoTime() + i * 500L;
      while (System.nanoTime() < pause && !sync.isDone()) {
        Thread.onSpinWait();
      }
      cancelled += sync.cancel(true) ? 1 : 0;
      assertNull(get(((IoFuture<?>) sync).released()));
    }
    assertTrue(cancelled > 0, "none was caught under way");
    Awaitility.await().until(() -> Processes.descriptorsOf(dir) == 0);
    awaitIdle(runtime);
  }

  @Test
  void finishedRead_cancelled_isUnchanged() throws Exception {
    try (AsyncFile file = open(file(bytes(100, 1)), READ)) {
      for (int i = 0; i < 100; i++) {
        ByteBuffer dst = direct(8);
        IoFuture<Integer> read = file.read(dst, 0);
        assertEquals(8, get(read));
        assertFalse(read.cancel(true));
        assertFalse(read.complete(5));
        assertFalse(read.completeExceptionally(new IllegalStateException()));
        assertEquals(8, get(read));
        assertEquals(8, dst.position());
        assertNull(get(read.released()));
      }
      long cancelled = runtime.stats().cancelled();
      assertEquals(0, cancelled);
      assertEquals(8, get(file.read(direct(8), 0)));
    }
  }

  @Test
  void queuedOperations_cancelledBeforeTheyAreSubmitted_endAndTouchNothing() throws Exception {
    byte[] contents = bytes(100, 1);
    Path path = file(contents);
    try (IoRuntime narrow = builder().maxInFlight(1).open()) {
      AsyncFile pipe = get(narrow.openFile(fifo(), READ, WRITE));
      AsyncFile file = get(narrow.openFile(path, READ, WRITE));
      long before = narrow.stats().submitted();
      IoFuture<Integer> blocking = pipe.read(direct(8), 0);
      List<IoFuture<Integer>> queued = new ArrayList<>();
      List<ByteBuffer> buffers = new ArrayList<>();
      for (int i = 0; i < 100; i++) {
        buffers.add(i % 2 == 0 ? direct(8) : ByteBuffer.allocate(8));
        queued.add(i % 4 < 2 ? file.read(buffers.get(i), 0) : file.write(buffers.get(i), 0));
      }
      CompletableFuture<Void> last = narrow.nop();
      queued.forEach(future -> assertTrue(future.cancel(true)));
      if (backend() == Backend.IO_URING) {
        assertFalse(queued.getFirst().released().isDone(), "released, though only the reaper can know");
      }
      try (FileChannel writer = FileChannel.open(pipe.path(), WRITE)) {
        assertEquals(3, writer.write(direct(bytes(3, 1))));
      }
      assertEquals(3, get(blocking));
      for (IoFuture<Integer> future : queued) {
        assertNull(get(future.released()));
      }
      assertNull(get(last));
      assertTrue(buffers.stream().allMatch(buffer -> buffer.position() == 0 && buffer.get(0) == 0));
      assertEquals(before + 2, narrow.stats().submitted(), "cancelled operations were submitted");
      assertNull(get(file.closeAsync()));
    }
    assertEquals(100, Files.size(path));
    assertEquals(-1, Arrays.mismatch(contents, Files.readAllBytes(path)));
  }

  /** The opening may be over before it is cancelled, during it, or after: in no case may a descriptor stay. */
  @Test
  void openFile_cancelledAtRandomMoments_leavesNoDescriptor() throws Exception {
    long seed = 7L;
    Random random = new Random(seed);
    Path existing = file(bytes(10, 1));
    int opened = 0;
    int cancelled = 0;
    for (int i = 0; i < 1_000; i++) {
      CompletableFuture<AsyncFile> opening =
          i % 2 == 0 ? runtime.openFile(existing, READ) : runtime.openFile(dir.resolve("new-" + i % 10), CREATE, WRITE);
      if (random.nextInt(4) > 0) {
        LockSupport.parkNanos(random.nextInt(100_000));
      }
      if (opening.cancel(true)) {
        cancelled++;
      } else {
        get(opening).close();
        opened++;
      }
    }
    Awaitility.await()
        .untilAsserted(
            () ->
                assertEquals(
                    List.of(),
                    Processes.descriptors().stream().filter(target -> target.startsWith(dir.toString())).toList(),
                    "seed " + seed));
    awaitIdle(runtime);
    assertTrue(cancelled > 10 && opened > 10, "one-sided: " + cancelled + " cancelled, " + opened + " opened");
  }

  // ---- closing a file that is in use ----

  @Test
  void closeAsync_withAReadPending_keepsTheDescriptorUntilItEnds() throws Exception {
    AsyncFile pipe = open(fifo(), READ, WRITE);
    IoFuture<Integer> first = pipe.read(direct(8), 0);
    IoFuture<Integer> second = pipe.read(direct(8), 0);
    CompletableFuture<Void> closed = pipe.closeAsync();
    IllegalStateException refused = assertThrows(IllegalStateException.class, () -> pipe.read(direct(8), 0).join());
    assertInstanceOf(ClosedChannelException.class, refused.getCause());
    assertNull(get(runtime.nop()));
    assertFalse(closed.isDone());
    assertEquals(1, Processes.descriptorsOf(pipe.path()));
    assertTrue(first.cancel(true));
    assertNull(get(first.released()));
    assertNull(get(runtime.nop()));
    assertFalse(closed.isDone());
    assertEquals(1, Processes.descriptorsOf(pipe.path()));
    assertTrue(second.cancel(true));
    assertNull(get(closed));
    assertEquals(0, Processes.descriptorsOf(pipe.path()));
  }

  @Test
  void close_withAReadPending_waitsForIt() throws Exception {
    AsyncFile pipe = open(fifo(), READ, WRITE);
    IoFuture<Integer> read = pipe.read(direct(8), 0);
    try (var executor = Executors.newVirtualThreadPerTaskExecutor()) {
      CompletableFuture<Void> closing = CompletableFuture.runAsync(pipe::close, executor);
      Awaitility.await().until(() -> isClosed(pipe));
      assertFalse(closing.isDone());
      try (FileChannel writer = FileChannel.open(pipe.path(), WRITE)) {
        assertEquals(3, writer.write(direct(bytes(3, 1))));
      }
      assertEquals(3, get(read));
      assertNull(get(closing));
    }
    assertEquals(0, Processes.descriptorsOf(pipe.path()));
  }

  private static boolean isClosed(AsyncFile file) {
    try {
      CompletableFuture<Long> size = file.size();
      return size.isCancelled();
    } catch (IllegalStateException e) {
      return true;
    }
  }
}
