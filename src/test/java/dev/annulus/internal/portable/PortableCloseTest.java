package dev.annulus.internal.portable;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.annulus.internal.driver.Admission;
import dev.annulus.internal.driver.Errno;
import dev.annulus.internal.driver.Operation;
import dev.annulus.internal.driver.SharedCounters;
import dev.annulus.testing.RecordingRequest.How;
import dev.annulus.testing.RecordingRequest;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.channels.FileChannel;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
class PortableCloseTest {
  private static final Duration SHORT = Duration.ofMillis(100);

  @TempDir Path dir;

  @Test
  void close_withRequestsQueued_endsThemFirst() throws Exception {
    PortableDriver driver = PortableDriver.open(DriverUse.config(1, 100, false, Duration.ofSeconds(10)));
    Path file = dir.resolve("file");
    int fd = DriverUse.open(driver, file, DriverUse.READ_WRITE_CREATE);
    List<RecordingRequest> writes = new ArrayList<>();
    for (int i = 0; i < 100; i++) {
      RecordingRequest write = new RecordingRequest(DriverUse.write(fd, DriverUse.bytes("x"), i));
      writes.add(write);
      driver.submit(write);
    }
    driver.close();
    for (RecordingRequest write : writes) {
      assertTrue(write.hasEnded(), "close returns when all is done");
      assertEquals(1, write.result());
    }
    assertEquals("x".repeat(100), Files.readString(file));
  }

  @Test
  void close_withAReadOfAnEmptyFifo_cancelsIt() throws Exception {
    PortableDriver driver = PortableDriver.open(DriverUse.config(1, 10, false, SHORT));
    Path fifo = DriverUse.fifo(dir, "fifo");
    int fd = DriverUse.open(driver, fifo, DriverUse.READ_WRITE_CREATE);
    RecordingRequest running = new RecordingRequest(DriverUse.read(fd, Arena.ofAuto().allocate(1), 0));
    driver.submit(running);
    Awaitility.await().until(() -> driver.stats().inFlight() == 1);
    RecordingRequest queued = new RecordingRequest(new Operation.Nop());
    driver.submit(queued);
    driver.close();
    assertTrue(running.hasEnded() && queued.hasEnded());
    assertEquals(-Errno.ECANCELED, running.result());
    assertEquals(0, queued.result(), "with its predecessor ended it had its turn");
    assertFalse(isOpenHere(fifo));
    assertEquals(0, driver.call(new Operation.Close(fd)), "the descriptor can still be given back");
    assertEquals(-Errno.EBADF, driver.call(new Operation.Close(fd)));
  }

  @Test
  void close_withAnOpenThatNeverEnds_abandonsItAndClosesTheLateFile() throws Exception {
    PortableDriver driver = PortableDriver.open(DriverUse.config(4, 10, false, SHORT));
    Path fifo = DriverUse.fifo(dir, "fifo");
    RecordingRequest open = new RecordingRequest(new Operation.Open(fifo, DriverUse.READ, 0));
    driver.submit(open);
    Awaitility.await().until(() -> driver.stats().inFlight() == 1);
    driver.close();
    assertTrue(open.hasEnded());
    assertEquals(How.ABANDONED, open.await().how());
    assertEquals(1, driver.stats().abandoned());
    // Somebody at the other end lets it finish after all.
    try (FileChannel writer = FileChannel.open(fifo, StandardOpenOption.WRITE)) {
      assertTrue(writer.isOpen());
    }
    Awaitility.await().atMost(10, TimeUnit.SECONDS).until(() -> !isOpenHere(fifo));
    assertEquals(1, open.ends());
  }

  @Test
  void close_withFilesLeftOpen_closesTheirChannels() throws Exception {
    PortableDriver driver = DriverUse.driver();
    Path file = dir.resolve("file");
    int plain = DriverUse.open(driver, file, DriverUse.READ_WRITE_CREATE);
    int appending = DriverUse.open(driver, file, DriverUse.APPEND_CREATE);
    assertTrue(isOpenHere(file));
    driver.close();
    assertFalse(isOpenHere(file));
    assertEquals(0, driver.call(new Operation.Close(plain)));
    assertEquals(0, driver.call(new Operation.Close(appending)));
  }

  @Test
  void closedDriver_anyRequest_isRefused() {
    PortableDriver driver = DriverUse.driver();
    driver.beginClose();
    RecordingRequest submitted = new RecordingRequest(new Operation.Nop());
    driver.submit(submitted);
    assertEquals(How.REFUSED, submitted.await().how());
    RecordingRequest closing = new RecordingRequest(new Operation.Nop());
    driver.submitPastLimits(closing);
    assertEquals(0, closing.result(), "what frees resources still runs until the end");
    driver.close();
    driver.close();
    RecordingRequest late = new RecordingRequest(new Operation.Nop());
    driver.submitPastLimits(late);
    assertEquals(How.REFUSED, late.await().how());
    assertInstanceOf(RejectedExecutionException.class, late.await().cause());
    assertEquals("the runtime is closed", Objects.requireNonNull(late.await().cause()).getMessage());
    assertEquals(-Errno.ECANCELED, driver.call(new Operation.Nop()));
  }

  @Test
  void close_byManyThreads_allReturnAfterTheEnd() throws Exception {
    PortableDriver driver = PortableDriver.open(DriverUse.config(1, 10, false, Duration.ofSeconds(10)));
    CountDownLatch hold = new CountDownLatch(1);
    RecordingRequest slow =
        new RecordingRequest(new Operation.Nop()) {
          @Override
          public void completed(int result) {
            awaitOpen(hold);
            super.completed(result);
          }
        };
    driver.submit(slow);
    Queue<Boolean> endedFirst = new ConcurrentLinkedQueue<>();
    List<Thread> closers = new ArrayList<>();
    for (int i = 0; i < 4; i++) {
      closers.add(
          Thread.ofPlatform()
              .start(
                  () -> {
                    driver.close();
                    endedFirst.add(slow.hasEnded());
                  }));
    }
    Awaitility.await()
        .until(() -> closers.stream().allMatch(t -> t.getState() != Thread.State.RUNNABLE && t.getState() != Thread.State.NEW));
    hold.countDown();
    for (Thread closer : closers) {
      assertTrue(closer.join(Duration.ofSeconds(10)));
    }
    assertEquals(List.of(true, true, true, true), List.copyOf(endedFirst));
  }

  /** A thread that retires just then has left the pool's count, but not yet the machine. */
  @Test
  void close_whileAThreadRetires_waitsForThatToo() {
    Duration idle = Duration.ofNanos(20_000);
    for (int round = 0; round < 2_000; round++) {
      Lane lane = new Lane();
      Pool pool =
          new Pool(
              "retiring",
              new PoolState(1, 1, 1, lane),
              new Admission(1, false),
              new SharedCounters(),
              _ -> 0,
              (body, name) -> Thread.ofPlatform().name(name).unstarted(body),
              idle,
              Duration.ZERO);
      RecordingRequest request = RecordingRequest.nop();
      assertTrue(pool.put(new PoolTask(request, request.operation(), lane, false)));
      assertEquals(0, request.result());
      Thread thread = Objects.requireNonNull(request.endedOn());
      long until = System.nanoTime() + round % 200 * 1_000L;
      while (System.nanoTime() < until) {
        Thread.onSpinWait();
      }
      pool.closing().begin();
      assertTrue(pool.closing().awaitQuiet(TimeUnit.SECONDS.toNanos(10)));
      assertTrue(pool.closing().awaitThreads(TimeUnit.SECONDS.toNanos(10)));
      assertFalse(thread.isAlive(), "a thread is left in round " + round);
    }
  }

  @RepeatedTest(20)
  void close_againstASubmitStorm_everyRequestEndsOnce() throws Exception {
    PortableDriver driver = PortableDriver.open(DriverUse.config(4, 8, false, SHORT));
    int submitters = 32;
    CountDownLatch warm = new CountDownLatch(200);
    Queue<RecordingRequest> all = new ConcurrentLinkedQueue<>();
    List<Thread> threads = new ArrayList<>();
    for (int i = 0; i < submitters; i++) {
      boolean past = i % 4 == 0;
      threads.add(
          Thread.ofPlatform()
              .start(
                  () -> {
                    RecordingRequest request;
                    do {
                      request = new RecordingRequest(new Operation.Nop());
                      all.add(request);
                      if (past) {
                        driver.submitPastLimits(request);
                        RecordingRequest.End _ = request.await();
                      } else {
                        driver.submit(request);
                        driver.cancel(request);
                      }
                      warm.countDown();
                    } while (!request.hasEnded() || request.await().how() != How.REFUSED);
                  }));
    }
    assertTrue(warm.await(20, TimeUnit.SECONDS));
    driver.close();
    for (Thread thread : threads) {
      assertTrue(thread.join(Duration.ofSeconds(20)), "a submitter hangs");
    }
    long refused = 0;
    for (RecordingRequest request : all) {
      assertEquals(1, request.ends());
      refused += request.await().how() == How.REFUSED ? 1 : 0;
    }
    assertTrue(refused >= submitters);
    assertEquals(0, driver.stats().inFlight());
    assertEquals(0, driver.stats().abandoned());
    assertEquals(all.size() - refused, driver.stats().completed() + driver.stats().cancelled());
  }

  private static void awaitOpen(CountDownLatch latch) {
    try {
      assertTrue(latch.await(20, TimeUnit.SECONDS));
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  /** Whether this process has a descriptor of the file. */
  private static boolean isOpenHere(Path file) throws IOException {
    try (DirectoryStream<Path> descriptors = Files.newDirectoryStream(Path.of("/proc/self/fd"))) {
      for (Path descriptor : descriptors) {
        try {
          if (Files.readSymbolicLink(descriptor).equals(file.toRealPath())) {
            return true;
          }
        } catch (IOException e) {
          // Closed meanwhile.
          assertFalse(Files.isSymbolicLink(descriptor) && Files.exists(descriptor), () -> e.toString());
        }
      }
    }
    return false;
  }
}
