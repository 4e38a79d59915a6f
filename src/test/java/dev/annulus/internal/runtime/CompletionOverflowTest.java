package dev.annulus.internal.runtime;

import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.annulus.internal.abi.Fcntl;
import dev.annulus.internal.abi.IoUring;
import dev.annulus.internal.abi.Syscalls;
import dev.annulus.internal.driver.DriverConfig;
import dev.annulus.internal.driver.Errno;
import dev.annulus.internal.driver.Operation;
import dev.annulus.internal.ring.KernelRing;
import dev.annulus.internal.ring.RingSetupException;
import dev.annulus.testing.RecordingRequest;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** More completions at once than the completion queue holds: the kernel keeps them back, and none may get lost. */
@Timeout(60)
class CompletionOverflowTest {
  private static final int EFD_SEMAPHORE = 1;
  private static final int ENTRIES = 4;
  private static final int READS = 500;

  @Test
  void completions_beyondTheQueuesRoom_allArriveAndTheOverflowIsCounted() throws Exception {
    DriverConfig config = new DriverConfig(1024, 1024, false, Duration.ofSeconds(5), "overflow");
    // Each read of an eventfd with semaphore semantics takes one of the units that a single write makes ready.
    int eventFd = Syscalls.eventfd(Fcntl.EFD_CLOEXEC | EFD_SEMAPHORE);
    assertTrue(eventFd >= 0);
    try (Arena arena = Arena.ofShared();
        RingDriver driver = RingDriver.open(config, CompletionOverflowTest::tinyRing)) {
      MemorySegment buffers = arena.allocate((READS + 1L) * Long.BYTES, Long.BYTES);
      List<RecordingRequest> reads = new ArrayList<>();
      for (int i = 0; i < READS; i++) {
        RecordingRequest read =
            new RecordingRequest(
                new Operation.PlainRead(eventFd, buffers, buffers.address() + (long) i * Long.BYTES, Long.BYTES, 0));
        reads.add(read);
        driver.submit(read);
      }
        Awaitility.await().atMost(Duration.ofSeconds(10)).until(() -> driver.stats().inFlight() == READS);

      MemorySegment units = buffers.asSlice((long) READS * Long.BYTES, Long.BYTES);
      units.set(JAVA_LONG, 0, READS);
      assertEquals(Long.BYTES, Syscalls.write(eventFd, units.address(), Long.BYTES));

      for (RecordingRequest read : reads) {
        assertEquals(Long.BYTES, read.result());
      }
      for (int i = 0; i < READS; i++) {
        assertEquals(1, buffers.get(JAVA_LONG, (long) i * Long.BYTES));
      }
      assertEquals(READS, driver.stats().completed());
      assertEquals(0, driver.stats().inFlight());
      assertTrue(driver.stats().completionQueueOverflows() > 0, () -> "nothing overflowed: " + driver.stats());
    } finally {
      int _ = Syscalls.close(eventFd);
    }
  }

  /** Whether completions are put off until the ring is entered, as newer kernels can, or not: there is no room for them. */
  private static KernelRing tinyRing() {
    int newer = IoUring.IORING_SETUP_SINGLE_ISSUER | IoUring.IORING_SETUP_DEFER_TASKRUN;
    try {
      return KernelRing.open(ENTRIES, ENTRIES, IoUring.IORING_SETUP_CQSIZE | newer);
    } catch (RingSetupException e) {
      assertEquals(Errno.EINVAL, e.errno(), "why there is no ring");
    }
    try {
      return KernelRing.open(ENTRIES, ENTRIES, IoUring.IORING_SETUP_CQSIZE);
    } catch (RingSetupException e) {
      throw new AssertionError(e);
    }
  }
}
