package dev.annulus.internal.runtime;

import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.annulus.internal.abi.IoUring;
import dev.annulus.internal.abi.Syscalls;
import dev.annulus.internal.driver.DriverConfig;
import dev.annulus.internal.driver.Errno;
import dev.annulus.internal.driver.Operation;
import dev.annulus.internal.driver.Unavailable;
import dev.annulus.internal.ring.CompletionQueue;
import dev.annulus.internal.ring.Ring;
import dev.annulus.internal.ring.SubmissionQueue;
import dev.annulus.testing.CapturedLog;
import dev.annulus.testing.RecordingRequest;
import dev.annulus.testing.RecordingRequest.How;
import dev.annulus.testing.SyscallTap;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** How the reaper's thread begins and ends, over rings that fail at either. */
@Timeout(60)
class ReaperThreadTest {
  private static final String NAME = "reaper-to-end";
  private static final int NOP_RESULT = 7;
  private static final long BACK_OFF_NANOS = 1_000_000;
  private static final String EVENT_FD = "anon_inode:[eventfd]";

  private static DriverConfig config(Duration closeTimeout) {
    return new DriverConfig(2, 8, false, closeTimeout, NAME);
  }

  /** A ring whose kernel completes what the test wants; its {@link #close} may fail. */
  private static final class Quiet implements Ring {
    final HandRing hand = new HandRing(16, 16);
    final List<String> events = Collections.synchronizedList(new ArrayList<>());

    /** Whether the read of the wake-up ends when it is waited for. */
    volatile boolean wakes = true;

    volatile int closesThatFail;

    /** Whether it cannot be entered any more. */
    volatile boolean fails;

    volatile boolean hasFailed;

    private int completed;

    /** The read of the wake-up is in the kernel. */
    final CountDownLatch waited = new CountDownLatch(1);

    private int wakesDone;

    Quiet() {
      hand.answerUsually(
          enter -> {
            int taken = hand.takeAll(enter);
            if (enter.waits()) {
              waited.countDown();
              if (enter.timeoutNanos() != BACK_OFF_NANOS) {
                LockSupport.parkNanos(1_000_000); // the reaper looks again and again
              }
              if (wakes && hand.wakeReads().size() > wakesDone) {
                wakesDone++;
                hand.complete(UserData.WAKE, -Errno.EINTR);
              }
            }
            return taken;
          });
    }

    @Override
    public SubmissionQueue submissions() {
      return hand.submissions();
    }

    @Override
    public CompletionQueue completions() {
      return hand.completions();
    }

    @Override
    public int enter(int toSubmit, int minComplete, long timeoutNanos) {
      if (fails) {
        hasFailed = true;
        return -Errno.EBADF;
      }
      int result = hand.enter(toSubmit, minComplete, timeoutNanos);
      List<HandRing.Entry> nops = hand.entries(IoUring.IORING_OP_NOP);
      while (completed < nops.size()) {
        hand.complete(nops.get(completed++).userData(), NOP_RESULT);
      }
      return result;
    }

    @Override
    public int registerMemory(MemorySegment memory) {
      return hand.registerMemory(memory);
    }

    @Override
    public boolean supports(int opcode) {
      return true;
    }

    @Override
    public int setupFlags() {
      return 0;
    }

    @Override
    public void close() {
      events.add("ring closed");
      int left = closesThatFail;
      closesThatFail = left - 1;
      if (left > 0) {
        throw new OutOfMemoryError("thrown by the test");
      }
    }
  }

  /** Descriptors of eventfds. */
  private static Set<Integer> eventFds() {
    Set<Integer> found = new HashSet<>();
    try (Stream<Path> links = Files.list(Path.of("/proc/self/fd"))) {
      links.forEach(
          link -> {
            try {
              if (Files.readSymbolicLink(link).toString().equals(EVENT_FD)) {
                found.add(Integer.parseInt(link.getFileName().toString()));
              }
            } catch (IOException e) {
              // Closed meanwhile.
            }
          });
    } catch (IOException e) {
      throw new AssertionError(e);
    }
    return found;
  }

  private static RecordingRequest sync(Quiet ring) {
    return new RecordingRequest(new Operation.Sync(1_000_000, true), end -> ring.events.add(end.operation().name()));
  }

  @Test
  void close_operationsThatNeverEnd_abandonsThemBeforeTheRingIsClosed() throws Exception {
    Quiet ring = new Quiet();
    RingDriver driver = RingDriver.open(config(Duration.ZERO), () -> ring);
    RecordingRequest first = sync(ring);
    RecordingRequest second = sync(ring);
    RecordingRequest waiting = new RecordingRequest(new Operation.Nop(), _ -> ring.events.add("waiting"));
    driver.submit(first);
    driver.submit(second);
    await().atMost(20, TimeUnit.SECONDS).pollInterval(Duration.ofMillis(1)).until(() -> driver.stats().inFlight() == 2);
    driver.submit(waiting);
    try (CapturedLog log = new CapturedLog()) {
      driver.close();
      assertEquals(1, log.messagesWith("2 operations of " + NAME + " did not end").size(), log.messages().toString());
    }
    for (RecordingRequest request : List.of(first, second)) {
      assertEquals(How.ABANDONED, request.await().how());
      IOException cause = assertInstanceOf(IOException.class, request.await().cause());
      assertTrue(String.valueOf(cause.getMessage()).contains("closed before the operation ended"), cause.toString());
    }
    assertEquals(How.REFUSED, waiting.await().how());
    assertInstanceOf(RejectedExecutionException.class, waiting.await().cause());
    assertEquals(List.of("waiting", "fdatasync", "fdatasync", "ring closed"), ring.events);
    assertEquals(2, driver.stats().abandoned());
    assertEquals(0, driver.stats().inFlight());
    assertEquals(2, ring.hand.entries(IoUring.IORING_OP_ASYNC_CANCEL).size(), "the kernel was not asked to stop");
  }

  /** The kernel may still read from it. */
  @Test
  void close_wakeReadThatNeverEnds_leavesTheEventFdOpen() throws Exception {
    Set<Integer> before = eventFds();
    Quiet ring = new Quiet();
    ring.wakes = false;
    RingDriver driver = RingDriver.open(config(Duration.ofSeconds(5)), () -> ring);
    assertTrue(ring.waited.await(20, TimeUnit.SECONDS));
    try (CapturedLog log = new CapturedLog()) {
      driver.close();
      assertEquals(1, log.messagesWith("the wake-up descriptor is left open").size(), log.messages().toString());
    }
    Set<Integer> left = eventFds();
    left.removeAll(before);
    assertEquals(1, left.size());
    left.forEach(fd -> assertEquals(0, Syscalls.close(fd)));
    assertEquals(List.of("ring closed"), ring.events);
  }

  /** By the second time its descriptor's number may be another file's. */
  @Test
  void close_ringWhoseClosingIsCutByAnErrorOfTheJvm_isClosedOnce() throws Exception {
    Set<Integer> before = eventFds();
    Quiet ring = new Quiet();
    ring.closesThatFail = 1;
    RingDriver driver = RingDriver.open(config(Duration.ofSeconds(5)), () -> ring);
    driver.close();
    assertEquals(List.of("ring closed"), ring.events);
    assertEquals(before, eventFds(), "the eventfd is left");
  }

  @ParameterizedTest
  @ValueSource(ints = {Errno.EMFILE, Errno.ENFILE, Errno.ENOMEM})
  void open_noEventFdToBeHad_saysSoAndClosesTheRing(int errno) {
    Quiet ring = new Quiet();
    try (SyscallTap tap = SyscallTap.of(thread -> thread.getName().equals(NAME))) {
      tap.answer(call -> call.number() == Syscalls.arch().numbers.eventfd2() ? -errno : SyscallTap.PASS);
      Unavailable e =
          assertThrows(Unavailable.class, () -> RingDriver.open(config(Duration.ofSeconds(5)), () -> ring).close());
      assertTrue(e.detail().contains("eventfd") && e.detail().contains(Integer.toString(errno)), e.detail());
    }
    assertEquals(List.of("ring closed"), ring.events);
  }

  @Test
  void close_again_returnsAtOnce() throws Exception {
    Quiet ring = new Quiet();
    RingDriver driver = RingDriver.open(config(Duration.ofSeconds(40)), () -> ring);
    driver.close();
    long begin = System.nanoTime();
    driver.close();
    assertTrue(System.nanoTime() - begin < TimeUnit.SECONDS.toNanos(20), "waits for a close that is over");
    assertEquals(List.of("ring closed"), ring.events);
  }

  /** Whoever closes may free what the driver used: all of them return when that is over. */
  @Test
  void close_whileAnotherCloses_waitsForThat() throws Exception {
    try (Endless endless = new Endless()) {
      RingDriver driver = RingDriver.open(config(Duration.ofSeconds(40)));
      RecordingRequest holder = new RecordingRequest(endless.read());
      driver.submit(holder);
      await().atMost(20, TimeUnit.SECONDS).pollInterval(Duration.ofMillis(1)).until(() -> driver.stats().inFlight() == 1);
      List<Thread> closers = new ArrayList<>();
      for (int i = 0; i < 2; i++) {
        Thread closer = Thread.ofPlatform().daemon().start(driver::close);
        closers.add(closer);
        await()
            .atMost(20, TimeUnit.SECONDS)
            .pollInterval(Duration.ofMillis(1))
            .until(() -> closer.getState() == Thread.State.TIMED_WAITING || !closer.isAlive());
        assertTrue(closer.isAlive(), "returned although an operation is in flight");
      }
      endless.release();
      assertEquals(8, holder.result());
      for (Thread closer : closers) {
        assertTrue(closer.join(Duration.ofSeconds(20)));
      }
    }
  }

  /** Its result is known: it must not be told that it never will be. */
  @Test
  void ringFailing_withAnEndThatCouldNotBeTold_tellsItAllTheSame() throws Exception {
    Quiet ring = new Quiet();
    RecordingRequest request =
        new RecordingRequest(new Operation.Nop()) {
          @Override
          public void completed(int result) {
            if (!ring.hasFailed) {
              ring.fails = true;
              throw new OutOfMemoryError("thrown by the test");
            }
            super.completed(result);
          }
        };
    try (CapturedLog log = new CapturedLog()) {
      RingDriver driver = RingDriver.open(config(Duration.ofSeconds(5)), () -> ring);
      driver.submit(request);
      assertEquals(NOP_RESULT, request.result());
      driver.close();
      assertEquals(1, log.messagesWith("the reaper of " + NAME + " has failed").size(), log.messages().toString());
    }
  }
}
