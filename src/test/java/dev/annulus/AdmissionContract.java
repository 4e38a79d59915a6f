package dev.annulus;

import static dev.annulus.Futures.failure;
import static dev.annulus.Futures.get;
import static java.nio.file.StandardOpenOption.READ;
import static java.nio.file.StandardOpenOption.WRITE;
import static java.util.concurrent.TimeUnit.SECONDS;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicReference;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** The limits on operations, and what happens to who meets them. */
abstract class AdmissionContract extends BackendContract {
  private static final int QUEUED = 3;

  /** A runtime that one pending read of a pipe has filled, and a few more that wait behind it. */
  private final class Full implements AutoCloseable {
    final IoRuntime runtime;
    final AsyncFile pipe;
    final AsyncFile file;
    final Path fifo;
    final List<IoFuture<Integer>> reads = new ArrayList<>();

    Full(WhenFull policy) throws Exception {
      runtime =
          builder().maxInFlight(1).maxQueued(QUEUED).whenFull(policy).closeTimeout(Duration.ofMillis(300)).open();
      fifo = fifo();
      pipe = get(runtime.openFile(fifo, READ, WRITE));
      file = get(runtime.openFile(file(bytes(100, 1)), READ));
      reads.add(pipe.read(direct(8), 0));
      Awaitility.await().until(() -> runtime.stats().inFlight() == 1 && runtime.stats().queued() == 0);
      for (int i = 0; i < QUEUED; i++) {
        reads.add(pipe.read(direct(8), 0));
      }
      assertEquals(QUEUED, runtime.stats().queued());
    }

    /** Lets the reads end, one write each. */
    void drain() throws Exception {
      try (FileChannel writer = FileChannel.open(fifo, WRITE)) {
        for (IoFuture<Integer> read : reads) {
          assertEquals(3, writer.write(direct(bytes(3, 1))));
          assertEquals(3, get(read));
        }
      }
    }

    @Override
    public void close() {
      runtime.close();
      assertEquals(0, runtime.stats().abandoned(), runtime.stats().toString());
    }
  }

  private final ExecutorService threads = Executors.newCachedThreadPool();

  @AfterEach
  void endThreads() throws Exception {
    threads.shutdown();
    assertTrue(threads.awaitTermination(Futures.PATIENCE_SECONDS, SECONDS), "a thread hangs");
  }

  @Test
  void fullRuntime_toldToFail_refusesInTheFutureAndTouchesNothing() throws Exception {
    try (Full full = new Full(WhenFull.FAIL)) {
      for (ByteBuffer buffer : List.of(direct(8), ByteBuffer.allocate(8))) {
        IoFuture<Integer> refused = full.file.read(buffer, 0);
        RejectedExecutionException failure = failure(RejectedExecutionException.class, refused);
        assertEquals(ErrorKind.WOULD_BLOCK, ErrorKind.of(failure));
        Futures.assertNames(failure, QUEUED, "maxQueued");
        assertNull(get(refused.released()));
        assertEquals(0, buffer.position());
      }
      failure(RejectedExecutionException.class, full.runtime.stat(dir));
      failure(RejectedExecutionException.class, full.file.tryLockExclusive());
      // Closing gives something back: it is never refused, and waits its turn.
      CompletableFuture<Void> closed = full.file.closeAsync();
      full.drain();
      assertNull(get(closed));
      assertTrue(get(full.runtime.stat(dir)).isDirectory());
    }
  }

  @Test
  void fullRuntime_toldToBlock_makesAPlatformThreadWait() throws Exception {
    try (Full full = new Full(WhenFull.BLOCK)) {
      AtomicReference<IoFuture<Integer>> submitted = new AtomicReference<>();
      Thread submitter = Thread.ofPlatform().start(() -> submitted.set(full.file.read(direct(8), 0)));
      awaitWaiting(submitter);
      full.drain();
      assertTrue(submitter.join(Duration.ofSeconds(Futures.PATIENCE_SECONDS)));
      assertEquals(8, get(submitted.get()));
    }
  }

  @Test
  void interruptedWaiter_forRoom_goesOnWaitingAndKeepsTheFlag() throws Exception {
    try (Full full = new Full(WhenFull.BLOCK)) {
      AtomicReference<IoFuture<Integer>> submitted = new AtomicReference<>();
      AtomicReference<Boolean> flag = new AtomicReference<>();
      Thread submitter =
          Thread.ofPlatform()
              .start(
                  () -> {
                    submitted.set(full.file.read(direct(8), 0));
                    flag.set(Thread.currentThread().isInterrupted());
                  });
      awaitWaiting(submitter);
      submitter.interrupt();
      submitter.interrupt();
      awaitWaiting(submitter);
      full.drain();
      assertTrue(submitter.join(Duration.ofSeconds(Futures.PATIENCE_SECONDS)));
      assertEquals(true, flag.get());
      assertEquals(8, get(submitted.get()));
      assertNull(get(full.file.closeAsync()));
    }
  }

  private static void awaitWaiting(Thread thread) {
    Awaitility.await().until(() -> thread.getState() == Thread.State.WAITING);
  }

  /** Many more virtual threads wait than there are carriers; were they held, no other virtual thread could run. */
  @Test
  void fullRuntime_toldToBlock_holdsNoCarrierOfVirtualThreads() throws Exception {
    int waiters = 4 * Runtime.getRuntime().availableProcessors() + 8;
    try (Full full = new Full(WhenFull.BLOCK);
        ExecutorService virtual = Executors.newVirtualThreadPerTaskExecutor()) {
      CountDownLatch begun = new CountDownLatch(waiters);
      List<Future<Integer>> results = new ArrayList<>();
      for (int i = 0; i < waiters; i++) {
        results.add(
            virtual.submit(
                () -> {
                  begun.countDown();
                  return get(full.file.read(direct(8), 0));
                }));
      }
      assertTrue(begun.await(Futures.PATIENCE_SECONDS, SECONDS), "waiting threads held the carriers");
      assertEquals("ran", virtual.submit(() -> "ran").get(Futures.PATIENCE_SECONDS, SECONDS));
      assertTrue(results.stream().noneMatch(Future::isDone));
      full.drain();
      for (Future<Integer> result : results) {
        assertEquals(8, result.get(Futures.PATIENCE_SECONDS, SECONDS));
      }
    }
  }

  @Test
  void waitersForRoom_whenTheRuntimeCloses_areRefused() throws Exception {
    Full full = new Full(WhenFull.BLOCK);
    List<IoFuture<Integer>> reads = new CopyOnWriteArrayList<>();
    List<Thread> waiters = new ArrayList<>();
    for (int i = 0; i < 10; i++) {
      waiters.add(Thread.ofPlatform().start(() -> reads.add(full.file.read(direct(8), 0))));
    }
    waiters.forEach(AdmissionContract::awaitWaiting);
    full.close();
    for (Thread waiter : waiters) {
      assertTrue(waiter.join(Duration.ofSeconds(Futures.PATIENCE_SECONDS)));
    }
    assertEquals(10, reads.size());
    for (IoFuture<Integer> read : reads) {
      failure(RejectedExecutionException.class, read);
      assertNull(get(read.released()));
    }
    assertEquals(0, Processes.descriptorsOf(full.file.path()));
  }

  @Test
  void limits_underLoad_areNeverExceeded() throws Exception {
    int inFlight = 4;
    int queued = 8;
    try (IoRuntime limited = builder().maxInFlight(inFlight).maxQueued(queued).open();
        AsyncFile file = get(limited.openFile(file(bytes(4_096, 1)), READ, WRITE))) {
      int submitters = 8;
      CountDownLatch done = new CountDownLatch(submitters);
      List<Future<Integer>> counts = new ArrayList<>();
      for (int i = 0; i < submitters; i++) {
        int number = i;
        counts.add(threads.submit(() -> submitMany(file, number, done)));
      }
      int mostInFlight = 0;
      int mostQueued = 0;
      int samples = 0;
      while (done.getCount() > 0) {
        RuntimeStats stats = limited.stats();
        mostInFlight = Math.max(mostInFlight, stats.inFlight());
        mostQueued = Math.max(mostQueued, stats.queued());
        samples++;
        Thread.onSpinWait();
      }
      for (Future<Integer> count : counts) {
        assertEquals(3_000, count.get(Futures.PATIENCE_SECONDS, SECONDS));
      }
      assertTrue(mostInFlight <= inFlight && mostInFlight > 0, "in flight " + mostInFlight);
      assertTrue(mostQueued <= queued && mostQueued > 0, "queued " + mostQueued);
      assertTrue(samples > 100, "samples " + samples);
      awaitIdle(limited);
    }
  }

  private static int submitMany(AsyncFile file, int number, CountDownLatch done) throws Exception {
    try {
      List<CompletableFuture<?>> futures = new ArrayList<>();
      for (int i = 0; i < 3_000; i++) {
        futures.add(i % 2 == 0 ? file.read(direct(16), number) : file.write(direct(16), 16L * number));
      }
      int ended = 0;
      for (CompletableFuture<?> future : futures) {
        assertFalse(get(future) == null);
        ended++;
      }
      return ended;
    } finally {
      done.countDown();
    }
  }
}
