package dev.annulus.internal.portable;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.annulus.internal.driver.Operation;
import dev.annulus.testing.FaultPoint;
import dev.annulus.testing.RecordingRequest;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Predicate;
import org.awaitility.Awaitility;
import org.jspecify.annotations.Nullable;

/** What {@link PortableJvmErrorsTest} has run within classes that fail. */
final class PortableFaultScenarios {
  private static final Path NOWHERE = Path.of("/nowhere/at/all");
  private static final int MAX_HITS = 2_000;

  /** How many are hit is a matter of time: so often in a row there must be none. */
  private static final int MISSES = 5;

  private PortableFaultScenarios() {}

  /** Submits, cancels and completes, with errors from each hit on in turn. Returns the hits. */
  static int submissions(String thread, Integer times) {
    Predicate<Thread> meant = threads(thread);
    int last = 0;
    for (int n = 1; n < MAX_HITS; n++) {
      if (submissionsWithErrorsAt(n, times, meant) != null) {
        last = n;
      } else if (n > last + MISSES) {
        return last;
      }
    }
    throw new AssertionError("hits without an end");
  }

  private static @Nullable Error submissionsWithErrorsAt(int n, int times, Predicate<Thread> meant) {
    PortableDriver driver = PortableDriver.open(DriverUse.config(2, 4, false, Duration.ofSeconds(5)));
    assertEquals(0, DriverUse.run(driver, new Operation.Nop()));
    List<RecordingRequest> taken = new ArrayList<>();
    List<RecordingRequest> notTaken = new ArrayList<>();
    FaultPoint.arm(meant, n, times);
    @Nullable Error thrown;
    try {
      for (int i = 0; i < 6; i++) {
        Operation operation =
            i % 2 == 0 ? new Operation.Nop() : new Operation.Open(NOWHERE, DriverUse.READ, 0);
        RecordingRequest request = new RecordingRequest(operation);
        try {
          if (i < 4) {
            driver.submit(request);
          } else {
            driver.submitPastLimits(request);
          }
          taken.add(request);
        } catch (OutOfMemoryError | StackOverflowError e) {
          notTaken.add(request);
        }
        if (i == 1 || i == 5) {
          cancel(driver, request);
        }
      }
      for (RecordingRequest request : taken) {
        assertEquals(1, ends(request), () -> "at hit " + n);
      }
    } finally {
      thrown = FaultPoint.disarm();
    }
    for (RecordingRequest request : notTaken) {
      assertFalse(request.hasEnded(), () -> "ended and thrown, at hit " + n);
    }
    assertEquals(0, DriverUse.run(driver, new Operation.Nop()));
    Awaitility.await()
        .pollInterval(Duration.ofMillis(1))
        .until(() -> driver.stats().queued() == 0 && driver.stats().inFlight() == 0);
    long start = System.nanoTime();
    driver.close();
    assertTrue(System.nanoTime() - start < Duration.ofSeconds(3).toNanos(), () -> "closing after hit " + n);
    return thrown;
  }

  private static int ends(RecordingRequest request) {
    RecordingRequest.End _ = request.await();
    return request.ends();
  }

  private static void cancel(PortableDriver driver, RecordingRequest request) {
    try {
      driver.cancel(request);
    } catch (OutOfMemoryError | StackOverflowError e) {
      return; // it was to be asked, no more
    }
  }

  /** Closes with requests that wait and run, with errors from each hit on in turn. */
  static int closing(String thread, Integer times, String fifo) {
    Predicate<Thread> meant = threads(thread);
    for (int n = 1; n < MAX_HITS; n += 1 + n / 10) {
      if (closingWithErrorsAt(n, times, meant, Path.of(fifo)) == null) {
        return n - 1;
      }
    }
    return MAX_HITS; // how often a thread that waits looks depends on the machine
  }

  private static @Nullable Error closingWithErrorsAt(int n, int times, Predicate<Thread> meant, Path fifo) {
    PortableDriver driver = PortableDriver.open(DriverUse.config(1, 4, false, Duration.ofMillis(1)));
    int fd = DriverUse.open(driver, fifo, DriverUse.READ_WRITE_CREATE);
    List<RecordingRequest> requests = new ArrayList<>();
    for (int i = 0; i < 3; i++) {
      RecordingRequest request =
          new RecordingRequest(DriverUse.read(fd, DriverUse.bytes("x"), 0));
      driver.submit(request);
      requests.add(request);
    }
    long start = System.nanoTime();
    FaultPoint.arm(meant, n, times);
    try {
      driver.close();
    } catch (OutOfMemoryError | StackOverflowError e) {
      assertTrue(n > 0);
    }
    @Nullable Error thrown = FaultPoint.disarm();
    driver.close();
    assertTrue(System.nanoTime() - start < Duration.ofSeconds(3).toNanos(), () -> "closing at hit " + n);
    for (RecordingRequest request : requests) {
      assertEquals(1, ends(request), () -> "at hit " + n);
    }
    return thrown;
  }

  private static Predicate<Thread> threads(String which) {
    Thread caller = Thread.currentThread();
    return which.equals("caller")
        ? thread -> thread == caller
        : thread -> thread.getName().startsWith("portable-test");
  }
}
