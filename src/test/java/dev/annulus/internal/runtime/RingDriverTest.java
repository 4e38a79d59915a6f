package dev.annulus.internal.runtime;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.annulus.internal.abi.Fcntl;
import dev.annulus.internal.abi.Syscalls;
import dev.annulus.internal.driver.DriverConfig;
import dev.annulus.internal.driver.DriverStats;
import dev.annulus.internal.driver.Errno;
import dev.annulus.internal.driver.Operation;
import dev.annulus.internal.driver.Unavailable;
import dev.annulus.testing.ExpectedErrors;
import dev.annulus.testing.RecordingRequest.How;
import dev.annulus.testing.RecordingRequest;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.time.Duration;
import java.util.AbstractList;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The driver over the running kernel, while it is open. */
@Timeout(120)
@ExtendWith(ExpectedErrors.class)
class RingDriverTest {
  private static final String NAME = "driver-under-test";

  @TempDir Path directory;

  @Test
  void submit_nop_completesOnTheReaper() throws Unavailable {
    try (RingDriver driver = open(8, 8)) {
      RecordingRequest request = RecordingRequest.nop();
      driver.submit(request);
      assertEquals(0, request.result());
      Thread endedOn = request.endedOn();
      assertNotNull(endedOn);
      assertEquals(NAME, endedOn.getName());
      assertTrue(endedOn.isDaemon());
      assertFalse(driver.onDriverThread());
      assertEquals(RecordingRequest.NO_MARK, request.mark());
    }
  }

  @Test
  void submit_operationInFlightForEver_doesNotDelayAnother() throws Exception {
    try (Endless endless = new Endless();
        RingDriver driver = open(8, 8)) {
      RecordingRequest stuck = new RecordingRequest(endless.read());
      driver.submit(stuck);
      awaitInFlight(driver, 1);
      for (int i = 0; i < 100; i++) {
        RecordingRequest request = RecordingRequest.nop();
        driver.submit(request);
        assertEquals(0, request.result());
      }
      assertFalse(stuck.hasEnded());
      endless.release();
      assertEquals(8, stuck.result());
    }
  }

  /** A batch larger than the submission queue: its tail must not wait for a completion of its head. */
  @ParameterizedTest
  @ValueSource(ints = {2, 4, 8, 64})
  void submit_moreAtOnceThanEntries_allReachTheKernel(int maxInFlight) throws Exception {
    try (Endless endless = new Endless();
        RingDriver driver = open(maxInFlight, 8)) {
      List<RecordingRequest> stuck = new ArrayList<>();
      for (int i = 0; i < maxInFlight - 1; i++) {
        stuck.add(new RecordingRequest(endless.read()));
      }
      RecordingRequest last = RecordingRequest.nop();
      RecordingRequest first =
          new RecordingRequest(
              new Operation.Nop(),
              _ -> {
                stuck.forEach(driver::submit);
                driver.submit(last);
              });
      driver.submit(first);
      assertEquals(0, last.result());
      assertEquals(0, stuck.stream().filter(RecordingRequest::hasEnded).count());
      while (!stuck.isEmpty()) {
        endless.release();
        await()
            .atMost(10, TimeUnit.SECONDS)
            .pollInterval(1, TimeUnit.MILLISECONDS)
            .until(() -> stuck.stream().anyMatch(RecordingRequest::hasEnded));
        stuck.removeIf(RecordingRequest::hasEnded);
      }
    }
  }

  @Test
  void submit_duringASlowSync_completesBeforeIt() throws Exception {
    try (RingDriver driver = open(8, 8)) {
      boolean slowEnough = false;
      for (long bytes = 32L << 20; bytes <= 512L << 20 && !slowEnough; bytes *= 2) {
        slowEnough = nopsOvertakeASync(driver, bytes);
      }
      assumeTrue(slowEnough, "skipped: syncing half a gigabyte here takes less than 20 ms");
    }
  }

  /** False if the sync was too quick to tell. */
  private boolean nopsOvertakeASync(RingDriver driver, long bytes) throws Exception {
    int fd = openFile("dirty-" + bytes, Fcntl.O_RDWR | Fcntl.O_CREAT);
    try {
      MemorySegment chunk = Arena.ofAuto().allocate(1 << 20).fill((byte) 7);
      for (long at = 0; at < bytes; at += chunk.byteSize()) {
        assertEquals(1 << 20, Syscalls.pwrite(fd, chunk.address(), 1 << 20, at));
      }
      List<RecordingRequest> order = new CopyOnWriteArrayList<>();
      RecordingRequest sync = new RecordingRequest(new Operation.Sync(fd, false), order::add);
      RecordingRequest nop = new RecordingRequest(new Operation.Nop(), order::add);
      long start = System.nanoTime();
      // In one batch, so that however busy the machine is no time passes between them.
      driver.submitAll(List.of(sync, nop));
      assertEquals(0, nop.result());
      assertEquals(0, sync.result());
      boolean slow = System.nanoTime() - start > TimeUnit.MILLISECONDS.toNanos(20);
      boolean overtaken = order.equals(List.of(nop, sync));
      assertTrue(overtaken || !slow, "a no-operation waited for a sync of " + bytes + " bytes");
      return slow;
    } finally {
      assertEquals(0, Syscalls.close(fd));
    }
  }

  @Test
  void cancel_pendingPipeRead_endsItCancelled() throws Exception {
    Path fifo = directory.resolve("fifo");
    assertEquals(0, new ProcessBuilder("mkfifo", fifo.toString()).inheritIO().start().waitFor());
    // Opened for both, or the open would wait for the other side; without data the read then waits for ever.
    int fd = openFile("fifo", Fcntl.O_RDWR);
    try (RingDriver driver = open(8, 8)) {
      MemorySegment target = Arena.ofAuto().allocate(16);
      RecordingRequest read = new RecordingRequest(new Operation.PlainRead(fd, target, target.address(), 16, 0));
      driver.submit(read);
      awaitInFlight(driver, 1);
      assertFalse(read.hasEnded());
      driver.cancel(read);
      assertEquals(-Errno.ECANCELED, read.result());
      awaitInFlight(driver, 0);
      assertEquals(1, driver.stats().cancelled());
      assertEquals(0, driver.stats().staleCompletions());
    } finally {
      assertEquals(0, Syscalls.close(fd));
    }
  }

  @Test
  void cancel_requestStillQueued_endsItWithoutSubmission() throws Exception {
    try (Endless endless = new Endless();
        RingDriver driver = open(1, 8)) {
      RecordingRequest holder = new RecordingRequest(endless.read());
      RecordingRequest queued = RecordingRequest.nop();
      driver.submit(holder);
      awaitInFlight(driver, 1);
      driver.submit(queued);
      driver.cancel(queued);
      RecordingRequest behind = RecordingRequest.nop();
      driver.submit(behind);
      endless.release();
      assertEquals(8, holder.result());
      assertEquals(-Errno.ECANCELED, queued.result());
      assertEquals(0, behind.result());
      assertEquals(2, driver.stats().submitted());
    }
  }

  @Test
  void cancel_endedRequest_isHarmless() throws Unavailable {
    try (RingDriver driver = open(8, 8)) {
      RecordingRequest ended = RecordingRequest.nop();
      driver.submit(ended);
      assertEquals(0, ended.result());
      driver.cancel(ended);
      RecordingRequest next = RecordingRequest.nop();
      driver.submit(next);
      assertEquals(0, next.result());
      assertEquals(1, ended.ends());
    }
  }

  @Test
  void submit_manyThreadsFewPlaces_keepsTheLimitsAndEndsAll() throws Exception {
    int threads = 64;
    int perThread = 2000;
    int limit = 8;
    try (RingDriver driver = open(limit, limit);
        ExecutorService pool = Executors.newFixedThreadPool(threads)) {
      ConcurrentLinkedQueue<DriverStats> violations = new ConcurrentLinkedQueue<>();
      List<Future<Integer>> done = new ArrayList<>();
      for (int t = 0; t < threads; t++) {
        done.add(
            pool.submit(
                () -> {
                  List<RecordingRequest> requests = new ArrayList<>();
                  for (int i = 0; i < perThread; i++) {
                    RecordingRequest request = RecordingRequest.nop();
                    requests.add(request);
                    driver.submit(request);
                    DriverStats stats = driver.stats();
                    if (stats.inFlight() > limit || stats.inFlight() < 0 || stats.queued() > limit || stats.queued() < 0) {
                      violations.add(stats);
                    }
                  }
                  int ok = 0;
                  for (RecordingRequest request : requests) {
                    ok += request.result() == 0 ? 1 : 0;
                  }
                  return ok;
                }));
      }
      int ok = 0;
      for (Future<Integer> thread : done) {
        ok += thread.get(100, TimeUnit.SECONDS);
      }
      assertEquals(threads * perThread, ok);
      assertTrue(violations.isEmpty(), "limits passed: " + violations.peek());
      DriverStats stats = driver.stats();
      assertEquals(0, stats.inFlight());
      assertEquals(0, stats.queued());
      assertEquals(ok, stats.submitted());
      assertEquals(ok, stats.completed());
      assertEquals(0, stats.failed() + stats.cancelled() + stats.abandoned() + stats.staleCompletions());
    }
  }

  @Test
  void submit_fullAndRefusing_refusesBeyondTheLimits() throws Exception {
    DriverConfig config = new DriverConfig(2, 3, true, Duration.ofSeconds(5), NAME);
    try (Endless endless = new Endless();
        RingDriver driver = RingDriver.open(config)) {
      List<RecordingRequest> inFlight = submitReads(driver, endless, 2);
      awaitInFlight(driver, 2);
      await().atMost(10, TimeUnit.SECONDS).pollInterval(1, TimeUnit.MILLISECONDS).until(() -> driver.stats().queued() == 0);
      List<RecordingRequest> queued = submitReads(driver, endless, 3);
      assertEquals(3, driver.stats().queued());
      RecordingRequest tooMuch = RecordingRequest.nop();
      driver.submit(tooMuch);
      assertEquals(RecordingRequest.How.REFUSED, tooMuch.await().how());
      assertInstanceOf(RejectedExecutionException.class, tooMuch.await().cause());
      for (int i = 0; i < 5; i++) {
        endless.release();
        int ended = i + 1;
        await().atMost(10, TimeUnit.SECONDS).until(() -> endedOf(inFlight) + endedOf(queued) == ended);
      }
    }
  }

  @Test
  void submit_fromCompletionsBeyondEveryLimit_doesNotDeadlock() throws Exception {
    int count = 500;
    try (RingDriver driver = open(2, 2)) {
      CountDownLatch ended = new CountDownLatch(count);
      List<RecordingRequest> children = new ArrayList<>();
      for (int i = 0; i < count; i++) {
        children.add(new RecordingRequest(new Operation.Nop(), _ -> ended.countDown()));
      }
      RecordingRequest parent =
          new RecordingRequest(
              new Operation.Nop(),
              _ -> {
                assertTrue(driver.onDriverThread());
                children.forEach(driver::submit);
              });
      driver.submit(parent);
      assertEquals(0, parent.result());
      assertTrue(ended.await(20, TimeUnit.SECONDS), ended.getCount() + " did not end");
      for (RecordingRequest child : children) {
        assertEquals(0, child.result());
      }
    }
  }

  @Test
  void completed_throwing_doesNotHarmTheDriver() throws Unavailable {
    try (RingDriver driver = open(8, 8)) {
      for (int i = 0; i < 10; i++) {
        RecordingRequest throwing =
            new RecordingRequest(
                new Operation.Nop(),
                _ -> {
                  throw new IllegalStateException("thrown by the test; expected in the log");
                });
        driver.submit(throwing);
        assertEquals(0, throwing.result());
      }
    }
  }

  /** A list that cannot take anything makes a worker's operation throw what no one catches by habit. */
  @Test
  void submit_workerOperationThrowingAnError_endsWithAnErrorResult() throws Exception {
    openAndClose("entry");
    List<Operation.DirectoryItem> refusing =
        new AbstractList<>() {
          @Override
          public Operation.DirectoryItem get(int index) {
            throw new IndexOutOfBoundsException(index);
          }

          @Override
          public int size() {
            return 0;
          }

          @Override
          public void add(int index, Operation.DirectoryItem item) {
            throw new StackOverflowError("thrown by the test; expected in the log");
          }
        };
    try (RingDriver driver = open(8, 8)) {
      RecordingRequest listing = new RecordingRequest(new Operation.ListDirectory(directory, refusing));
      driver.submit(listing);
      assertEquals(-Errno.ENOMEM, listing.result());
      RecordingRequest next = new RecordingRequest(new Operation.ListDirectory(directory, new ArrayList<>()));
      driver.submit(next);
      assertEquals(0, next.result());
    }
  }

  @Test
  void readAndWrite_throughTheDriver_moveBytesAndTellErrors() throws Exception {
    int fd = openFile("data", Fcntl.O_RDWR | Fcntl.O_CREAT);
    try (RingDriver driver = open(8, 8)) {
      MemorySegment text = Arena.ofAuto().allocateFrom("driver");
      MemorySegment target = Arena.ofAuto().allocate(16);
      assertEquals(7, run(driver, new Operation.PlainWrite(fd, text, text.address(), 7, 100)));
      assertEquals(0, run(driver, new Operation.Sync(fd, true)));
      assertEquals(7, run(driver, new Operation.PlainRead(fd, target, target.address(), 16, 100)));
      assertEquals("driver", target.getString(0));
      assertEquals(0, run(driver, new Operation.PlainRead(fd, target, target.address(), 16, 107)));
      assertEquals(0, target.get(JAVA_BYTE, 6));
      assertEquals(-Errno.EBADF, run(driver, new Operation.PlainRead(1_000_000, target, target.address(), 16, 0)));
      assertEquals(1, driver.stats().failed());
    } finally {
      assertEquals(0, Syscalls.close(fd));
    }
  }

  @Test
  void idle_threeSeconds_makesNoSystemCallAndTakesNoTime() throws Exception {
    try (Endless endless = new Endless();
        RingDriver driver = open(8, 8)) {
      RecordingRequest stuck = new RecordingRequest(endless.read());
      driver.submit(stuck);
      awaitInFlight(driver, 1);
      RecordingRequest nop = RecordingRequest.nop();
      driver.submit(nop);
      assertEquals(0, nop.result());
      Thread reaper = nop.endedOn();
      assertNotNull(reaper);
      // The reaper counts the call it then sleeps in, soon after it has ended the request.
      CountDownLatch nothing = new CountDownLatch(1);
      assertFalse(nothing.await(200, TimeUnit.MILLISECONDS));
      long enters = driver.stats().enters();
      long before = ManagementFactory.getThreadMXBean().getThreadCpuTime(reaper.threadId());
      assertFalse(nothing.await(3, TimeUnit.SECONDS));
      long used = ManagementFactory.getThreadMXBean().getThreadCpuTime(reaper.threadId()) - before;
      assertTrue(before > 0, "no CPU time is measured");
      assertTrue(used < TimeUnit.MILLISECONDS.toNanos(30), "used " + used + " ns of 3 s");
      assertEquals(enters, driver.stats().enters());
      endless.release();
      assertEquals(8, stuck.result());
    }
  }

  private static RingDriver open(int maxInFlight, int maxQueued) throws Unavailable {
    return RingDriver.open(new DriverConfig(maxInFlight, maxQueued, false, Duration.ofSeconds(10), NAME));
  }

  private static int run(RingDriver driver, Operation operation) {
    RecordingRequest request = new RecordingRequest(operation);
    driver.submit(request);
    return request.result();
  }

  private static List<RecordingRequest> submitReads(RingDriver driver, Endless endless, int count) {
    List<RecordingRequest> requests = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      RecordingRequest request = new RecordingRequest(endless.read());
      requests.add(request);
      driver.submit(request);
    }
    return requests;
  }

  private static long endedOf(List<RecordingRequest> requests) {
    return requests.stream().filter(RecordingRequest::hasEnded).count();
  }

  private static void awaitInFlight(RingDriver driver, int count) {
    await().atMost(10, TimeUnit.SECONDS).pollInterval(1, TimeUnit.MILLISECONDS).until(() -> driver.stats().inFlight() == count);
  }

  private void openAndClose(String name) throws IOException {
    assertEquals(0, Syscalls.close(openFile(name, Fcntl.O_RDWR | Fcntl.O_CREAT)));
  }

  private int openFile(String name, int flags) throws IOException {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment path = arena.allocateFrom(directory.resolve(name).toString());
      int fd = Syscalls.openat(Fcntl.AT_FDCWD, path, flags | Fcntl.O_CLOEXEC, 0600);
      if (fd < 0) {
        throw new IOException("openat: " + fd);
      }
      return fd;
    }
  }
}
