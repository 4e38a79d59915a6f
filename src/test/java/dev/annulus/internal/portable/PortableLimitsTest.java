package dev.annulus.internal.portable;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.annulus.internal.driver.Errno;
import dev.annulus.internal.driver.Operation;
import dev.annulus.testing.RecordingRequest.How;
import dev.annulus.testing.RecordingRequest;
import java.lang.foreign.Arena;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicInteger;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** How many requests run and wait at once, and what happens to more. */
@Timeout(60)
class PortableLimitsTest {
  private static final int MAX_IN_FLIGHT = 2;
  private static final int MAX_QUEUED = 3;

  @TempDir Path dir;

  @Test
  void submit_whenFullAndRefusing_refusesTheNext() throws Exception {
    try (PortableDriver driver = driver(true)) {
      int fd = fillUp(driver, new ArrayList<>());
      RecordingRequest oneTooMany = new RecordingRequest(new Operation.Nop());
      driver.submit(oneTooMany);
      assertEquals(How.REFUSED, oneTooMany.await().how());
      assertInstanceOf(RejectedExecutionException.class, oneTooMany.await().cause());
      assertEquals(MAX_IN_FLIGHT, driver.stats().inFlight());
      assertEquals(MAX_QUEUED, driver.stats().queued());
      feed(driver, fd);
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void submit_whenFullAndBlocking_waitsForRoomWhateverInterrupts(boolean virtual) throws Exception {
    try (PortableDriver driver = driver(false)) {
      List<RecordingRequest> requests = new ArrayList<>();
      int fd = fillUp(driver, requests);
      RecordingRequest waiting = new RecordingRequest(new Operation.Nop());
      Thread.Builder builder = virtual ? Thread.ofVirtual() : Thread.ofPlatform();
      AtomicInteger interrupted = new AtomicInteger();
      Thread submitter =
          builder.start(
              () -> {
                driver.submit(waiting);
                interrupted.set(Thread.currentThread().isInterrupted() ? 1 : 0);
              });
      Awaitility.await().until(() -> submitter.getState() == Thread.State.WAITING);
      submitter.interrupt();
      Awaitility.await().until(() -> submitter.getState() == Thread.State.WAITING);
      assertFalse(waiting.hasEnded());
      assertEquals(MAX_QUEUED, driver.stats().queued());
      feed(driver, fd);
      assertEquals(0, waiting.result());
      assertTrue(submitter.join(Duration.ofSeconds(10)));
      assertEquals(1, interrupted.get(), "the interrupt stays pending");
      for (RecordingRequest request : requests) {
        assertEquals(1, request.result());
      }
    }
  }

  @Test
  void submit_onTheDriversOwnThreadWhenFull_neverWaits() throws Exception {
    try (PortableDriver driver = driver(false)) {
      int fd = openFifo(driver);
      List<RecordingRequest> inner = new ArrayList<>();
      RecordingRequest outer =
          new RecordingRequest(new Operation.Nop()) {
            @Override
            public void completed(int result) {
              assertTrue(driver.onDriverThread());
              for (int i = 0; i < 10 * MAX_QUEUED; i++) {
                RecordingRequest request = new RecordingRequest(new Operation.Nop());
                inner.add(request);
                driver.submit(request);
              }
              super.completed(result);
            }
          };
      driver.submit(outer);
      assertEquals(0, outer.result());
      for (RecordingRequest request : inner) {
        assertEquals(0, request.result());
      }
      assertFalse(driver.onDriverThread());
      DriverUse.close(driver, fd);
    }
  }

  @Test
  void submitPastLimits_whenFull_returnsAtOnce() throws Exception {
    try (PortableDriver driver = driver(true)) {
      int fd = fillUp(driver, new ArrayList<>());
      RecordingRequest past = new RecordingRequest(new Operation.Nop());
      driver.submitPastLimits(past);
      assertFalse(past.hasEnded());
      feed(driver, fd);
      assertEquals(0, past.result());
    }
  }

  @Test
  void manyRequests_atOnce_neverExceedTheLimits() throws Exception {
    AtomicInteger most = new AtomicInteger();
    try (PortableDriver driver = driver(false)) {
      List<RecordingRequest> requests = new ArrayList<>();
      for (int i = 0; i < 2000; i++) {
        RecordingRequest request = new RecordingRequest(new Operation.Nop());
        requests.add(request);
        driver.submit(request);
        int _ = most.accumulateAndGet(driver.stats().inFlight(), Math::max);
        assertTrue(driver.stats().queued() <= MAX_QUEUED);
      }
      for (RecordingRequest request : requests) {
        assertEquals(0, request.result());
      }
      Awaitility.await().until(() -> driver.stats().completed() == 2000);
      assertEquals(2000, driver.stats().submitted());
      assertEquals(0, driver.stats().queued());
    }
    assertTrue(most.get() >= 1 && most.get() <= MAX_IN_FLIGHT, () -> "in flight: " + most);
  }

  @Test
  void cancel_ofAQueuedRequest_endsItAndFreesItsPlace() throws Exception {
    try (PortableDriver driver = driver(true)) {
      List<RecordingRequest> requests = new ArrayList<>();
      int fd = fillUp(driver, requests);
      RecordingRequest queued = requests.getLast();
      driver.cancel(queued);
      assertEquals(-Errno.ECANCELED, queued.result());
      assertEquals(MAX_QUEUED - 1, driver.stats().queued());
      assertEquals(1, driver.stats().cancelled());
      driver.cancel(queued);
      driver.cancel(requests.getFirst());
      assertFalse(requests.getFirst().hasEnded(), "what runs already runs to its end");
      feed(driver, fd);
      assertEquals(1, requests.getFirst().result());
      assertEquals(1, queued.ends());
    }
  }

  private static PortableDriver driver(boolean refuse) {
    return PortableDriver.open(DriverUse.config(MAX_IN_FLIGHT, MAX_QUEUED, refuse, Duration.ofSeconds(10)));
  }

  private int openFifo(PortableDriver driver) throws Exception {
    return DriverUse.open(driver, DriverUse.fifo(dir, "fifo"), DriverUse.READ_WRITE_CREATE);
  }

  /** Has as many reads of an empty fifo run and wait as may, each of one byte. */
  private int fillUp(PortableDriver driver, List<RecordingRequest> requests) throws Exception {
    int fd = openFifo(driver);
    for (int i = 0; i < MAX_IN_FLIGHT + MAX_QUEUED; i++) {
      RecordingRequest request = new RecordingRequest(DriverUse.read(fd, Arena.ofAuto().allocate(1), 0));
      requests.add(request);
      driver.submit(request);
      int running = Math.min(i + 1, MAX_IN_FLIGHT);
      Awaitility.await().until(() -> driver.stats().inFlight() == running);
    }
    return fd;
  }

  /** Puts enough into the fifo for all, from outside. */
  private void feed(PortableDriver driver, int fd) throws Exception {
    DriverUse.exec("sh", "-c", "printf 12345678 > '" + dir.resolve("fifo") + "'");
    Awaitility.await().until(() -> driver.stats().queued() == 0 && driver.stats().inFlight() == 0);
    assertEquals(0, driver.call(new Operation.Close(fd)));
  }
}
