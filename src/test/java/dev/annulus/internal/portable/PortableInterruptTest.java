package dev.annulus.internal.portable;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.annulus.internal.driver.Operation;
import dev.annulus.testing.RecordingRequest;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** An interrupt never closes a file, although {@code FileChannel} would have it so. */
@Timeout(60)
class PortableInterruptTest {
  @TempDir Path dir;
  private final PortableDriver driver = DriverUse.driver();

  @AfterEach
  void close() {
    driver.close();
  }

  @Test
  void call_interruptPending_readsAndKeepsTheInterrupt() throws Exception {
    int fd = openWith("hello");
    MemorySegment into = Arena.ofAuto().allocate(5);
    Thread.currentThread().interrupt();
    int count = driver.call(DriverUse.read(fd, into, 0));
    assertTrue(Thread.interrupted(), "the interrupt is the caller's, and stays");
    assertEquals(5, count);
    assertEquals("hello", DriverUse.text(into, 5));
    assertEquals(5, driver.call(DriverUse.read(fd, into, 0)), "the file is open still");
  }

  @Test
  void call_interruptWhileBlocked_waitsForTheEnd() throws Exception {
    Path fifo = DriverUse.fifo(dir, "fifo");
    int fd = DriverUse.open(driver, fifo, DriverUse.READ_WRITE_CREATE);
    MemorySegment into = Arena.ofAuto().allocate(4);
    AtomicInteger count = new AtomicInteger(Integer.MIN_VALUE);
    Thread caller = Thread.ofPlatform().start(() -> count.set(driver.call(DriverUse.read(fd, into, 0))));
    Awaitility.await().until(() -> driver.stats().inFlight() == 1);
    caller.interrupt();
    DriverUse.exec("sh", "-c", "printf data > '" + fifo + "'");
    assertTrue(caller.join(Duration.ofSeconds(10)));
    assertEquals(4, count.get());
    assertEquals("data", DriverUse.text(into, 4));
  }

  @Test
  void poolThread_interruptedByACompletion_goesOn() throws Exception {
    int fd = openWith("hello");
    MemorySegment into = Arena.ofAuto().allocate(5);
    for (int i = 0; i < 40; i++) {
      RecordingRequest request =
          new RecordingRequest(DriverUse.read(fd, into, 0)) {
            @Override
            public void completed(int result) {
              Thread.currentThread().interrupt();
              super.completed(result);
            }
          };
      driver.submit(request);
      assertEquals(5, request.result());
    }
  }

  @Test
  void call_fromVirtualThreadInterrupted_readsAll() throws Exception {
    int fd = openWith("hello");
    MemorySegment into = Arena.ofAuto().allocate(5);
    AtomicInteger count = new AtomicInteger();
    Thread virtual =
        Thread.ofVirtual()
            .start(
                () -> {
                  Thread.currentThread().interrupt();
                  count.set(driver.call(DriverUse.read(fd, into, 0)));
                });
    assertTrue(virtual.join(Duration.ofSeconds(10)));
    assertEquals(5, count.get());
  }

  @Test
  void call_manyThreadsInterruptedAtRandom_nobodyFails() throws Exception {
    int fd = openWith("hello");
    AtomicInteger wrong = new AtomicInteger();
    Thread[] readers = new Thread[4];
    for (int i = 0; i < readers.length; i++) {
      MemorySegment into = Arena.ofAuto().allocate(5);
      readers[i] =
          Thread.ofPlatform()
              .start(
                  () -> {
                    for (int n = 0; n < 500; n++) {
                      if (driver.call(DriverUse.read(fd, into, 0)) != 5) {
                        wrong.incrementAndGet();
                      }
                    }
                  });
    }
    Awaitility.await()
        .atMost(30, TimeUnit.SECONDS)
        .pollInterval(1, TimeUnit.MILLISECONDS)
        .until(
            () -> {
              boolean alive = false;
              for (Thread reader : readers) {
                reader.interrupt();
                alive |= reader.isAlive();
              }
              return !alive;
            });
    assertEquals(0, wrong.get());
    assertFalse(driver.stats().completed() < 2000);
  }

  private int openWith(String contents) throws Exception {
    Path file = Files.writeString(dir.resolve("file"), contents);
    return DriverUse.open(driver, file, DriverUse.READ);
  }

  @Test
  void sync_interruptPending_works() throws Exception {
    int fd = openWith("hello");
    Thread.currentThread().interrupt();
    int result = driver.call(new Operation.Sync(fd, true));
    assertTrue(Thread.interrupted());
    assertEquals(0, result);
  }
}
