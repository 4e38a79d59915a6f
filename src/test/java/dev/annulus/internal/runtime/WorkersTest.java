package dev.annulus.internal.runtime;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;

import dev.annulus.internal.driver.DriverConfig;
import dev.annulus.internal.driver.Operation;
import dev.annulus.testing.RecordingRequest;
import java.lang.reflect.Field;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.ThreadPoolExecutor;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Helper threads that the system does not give. */
@Timeout(60)
class WorkersTest {
  @Test
  void submit_noThreadToBeHad_failsTheOneOperationAndKeepsNoPlace() throws Exception {
    DriverConfig config = RingDriverEndTest.config(8, Duration.ofSeconds(5));
    RingDriver driver = RingDriver.open(config);
    try {
      Field workers = RingDriver.class.getDeclaredField("workers");
      workers.setAccessible(true);
      Field pool = Workers.class.getDeclaredField("pool");
      pool.setAccessible(true);
      ThreadPoolExecutor threads = (ThreadPoolExecutor) pool.get(workers.get(driver));
      ThreadFactory usual = threads.getThreadFactory();
      threads.setThreadFactory(
          _ -> {
            throw new OutOfMemoryError("unable to create native thread; thrown by the test");
          });
      RecordingRequest failed = list();
      driver.submit(failed);
      assertInstanceOf(RejectedExecutionException.class, failed.await().cause());
      assertEquals(0, driver.stats().queued());
      assertEquals(0, driver.stats().inFlight());
      threads.setThreadFactory(usual);
      RecordingRequest works = list();
      driver.submit(works);
      assertEquals(0, works.result());
    } finally {
      driver.close();
    }
  }

  private static RecordingRequest list() {
    return new RecordingRequest(new Operation.ListDirectory(Path.of("/"), new ArrayList<>()));
  }
}
