package dev.annulus.internal.runtime;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.annulus.internal.abi.CqeLayout;
import dev.annulus.internal.abi.IoUring;
import dev.annulus.internal.abi.SqeLayout;
import dev.annulus.internal.driver.DriverConfig;
import dev.annulus.internal.driver.Errno;
import dev.annulus.internal.driver.Operation;
import dev.annulus.internal.driver.StatResult;
import dev.annulus.internal.driver.Unavailable;
import dev.annulus.internal.ring.CompletionQueue;
import dev.annulus.internal.ring.ProcSelf;
import dev.annulus.internal.ring.Ring;
import dev.annulus.internal.ring.SubmissionQueue;
import dev.annulus.testing.ExpectedErrors;
import dev.annulus.testing.RecordingRequest.How;
import dev.annulus.testing.RecordingRequest;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.reflect.Field;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.FutureTask;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import java.util.function.IntSupplier;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** How a driver ends: closed in every state, or by a ring that fails. No request is lost, nothing is left. */
@Timeout(120)
@ExtendWith(ExpectedErrors.class)
class RingDriverEndTest {
  private static final String NAME = "driver-to-end";
  private static final String EVENT_FD = "anon_inode:[eventfd]";

  @Test
  void close_operationInFlightForEver_isCancelledAfterTheTimeout() throws Exception {
    try (Endless endless = new Endless()) {
      RingDriver driver = RingDriver.open(config(8, Duration.ofMillis(200)));
      RecordingRequest stuck = new RecordingRequest(endless.read());
      driver.submit(stuck);
      await().atMost(10, TimeUnit.SECONDS).until(() -> driver.stats().inFlight() == 1);
      long start = System.nanoTime();
      driver.close();
      long took = TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - start);
      assertTrue(took >= 200, "did not wait for it: " + took + " ms");
      assertTrue(took < 200 + 500 + 1000, "took " + took + " ms");
      assertEquals(-Errno.ECANCELED, stuck.result());
      assertEquals(0, driver.stats().inFlight());
      assertNoThreadLeft();
    }
  }

  @Test
  void close_operationEndingInTime_isNotCancelled() throws Exception {
    try (Endless endless = new Endless()) {
      RingDriver driver = RingDriver.open(config(8, Duration.ofSeconds(20)));
      RecordingRequest slow = new RecordingRequest(endless.read());
      driver.submit(slow);
      await().atMost(10, TimeUnit.SECONDS).until(() -> driver.stats().inFlight() == 1);
      driver.beginClose();
      RecordingRequest late = RecordingRequest.nop();
      driver.submit(late);
      assertInstanceOf(RejectedExecutionException.class, late.await().cause());
      endless.release();
      driver.close();
      assertEquals(8, slow.result());
    }
  }

  @Test
  void close_queuedRequests_areRunFirst() throws Unavailable {
    RingDriver driver = RingDriver.open(config(2, Duration.ofSeconds(20)));
    List<RecordingRequest> requests = new ArrayList<>();
    for (int i = 0; i < 500; i++) {
      RecordingRequest request = RecordingRequest.nop();
      requests.add(request);
      driver.submit(request);
    }
    driver.close();
    for (RecordingRequest request : requests) {
      assertEquals(0, request.result());
    }
  }

  @Test
  void close_severalThreadsAtOnce_allReturnWhenAllIsDone() throws Exception {
    RingDriver driver = RingDriver.open(config(8, Duration.ofSeconds(5)));
    List<FutureTask<Boolean>> closers = new ArrayList<>();
    for (int i = 0; i < 8; i++) {
      FutureTask<Boolean> closer =
          new FutureTask<>(
              () -> {
                driver.close();
                return threadsLeft().isEmpty();
              });
      closers.add(closer);
      Thread.ofVirtual().start(closer);
    }
    for (FutureTask<Boolean> closer : closers) {
      assertTrue(closer.get(10, TimeUnit.SECONDS), "returned before the thread had ended");
    }
    driver.close();
  }

  /** The reaper has decided to go on, and is told to close before it announces its sleep: it must not sleep over it. */
  @Test
  void beginClose_betweenTheLookAndTheSleep_isNoticed() throws Exception {
    try (Endless endless = new Endless()) {
      AtomicReference<@Nullable RingDriver> opened = new AtomicReference<>();
      RingDriver driver = RingDriver.open(config(8, Duration.ofMillis(50)));
      opened.set(driver);
      RecordingRequest stuck = new RecordingRequest(endless.read());
      HookedRequest hooked = new HookedRequest(stuck, () -> closeIfReaper(opened.get()));
      driver.submit(hooked);
      await().atMost(10, TimeUnit.SECONDS).until(() -> driver.stats().submitted() == 1);
      closeElsewhere(driver);
      assertEquals(-Errno.ECANCELED, stuck.result());
    }
  }

  /** As above, but the word of it comes in the same round that is about to sleep. */
  @Test
  void beginClose_whileUrgentWordsAreTaken_isNoticed() throws Exception {
    try (Endless endless = new Endless()) {
      RingDriver driver = RingDriver.open(config(8, Duration.ofMillis(50)));
      RecordingRequest stuck = new RecordingRequest(endless.read());
      driver.submit(stuck);
      await().atMost(10, TimeUnit.SECONDS).until(() -> driver.stats().inFlight() == 1);
      CountDownLatch begun = new CountDownLatch(1);
      driver.cancel(
          new HookedRequest(
              RecordingRequest.nop(),
              () -> {
                driver.beginClose();
                begun.countDown();
              }));
      assertTrue(begun.await(10, TimeUnit.SECONDS));
      closeElsewhere(driver);
      assertEquals(-Errno.ECANCELED, stuck.result());
    }
  }

  private static void closeElsewhere(RingDriver driver) throws Exception {
    FutureTask<Void> closing =
        new FutureTask<>(
            () -> {
              driver.close();
              return null;
            });
    Thread.ofPlatform().daemon().start(closing);
    closing.get(10, TimeUnit.SECONDS);
  }

  private static void closeIfReaper(@Nullable RingDriver driver) {
    if (driver != null && driver.onDriverThread()) {
      driver.beginClose();
    }
  }

  @Test
  void openAndClose_manyTimes_leaveNothing() throws Unavailable {
    RingDriver.open(config(8, Duration.ofSeconds(5))).close();
    long rings = ProcSelf.ringDescriptors();
    long eventFds = ProcSelf.descriptors(EVENT_FD);
    int mappings = ProcSelf.ringMappings().size();
    for (int i = 0; i < 200; i++) {
      RingDriver driver = RingDriver.open(config(8, Duration.ofSeconds(5)));
      RecordingRequest request = RecordingRequest.nop();
      if (i % 2 == 0) {
        driver.submit(request);
      }
      if (i % 4 == 0) {
        assertEquals(0, request.result());
      }
      driver.close();
      if (i % 2 == 0) {
        assertEquals(0, request.result());
      }
    }
    assertEquals(rings, ProcSelf.ringDescriptors());
    assertEquals(eventFds, ProcSelf.descriptors(EVENT_FD));
    assertEquals(mappings, ProcSelf.ringMappings().size());
    assertNoThreadLeft();
  }

  @Test
  void open_ringMakerFailing_tellsTheCauseAndLeavesNoThread() {
    Unavailable e =
        assertThrows(
            Unavailable.class,
            () ->
                RingDriver.open(
                        config(8, Duration.ofSeconds(5)),
                        () -> {
                          throw new Unavailable(Unavailable.Cause.MISSING_OPERATION, "said by the test");
                        })
                    .close());
    assertEquals(Unavailable.Cause.MISSING_OPERATION, e.reason());
    await().atMost(10, TimeUnit.SECONDS).until(() -> threadsLeft().isEmpty());
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3, 4, 5, 10})
  void enter_failingAfterSome_failsAllPendingAndLaterRequests(int good) throws Exception {
    try (Endless endless = new Endless()) {
      int[] calls = {0};
      RingDriver driver = openFailing(() -> calls[0]++ >= good);
      List<RecordingRequest> requests = new ArrayList<>();
      requests.add(new RecordingRequest(endless.read()));
      for (int i = 0; i < 400; i++) {
        requests.add(RecordingRequest.nop());
      }
      requests.forEach(driver::submit);
      int failed = 0;
      for (RecordingRequest request : requests) {
        RecordingRequest.End end = request.await();
        if (end.how() != RecordingRequest.How.COMPLETED) {
          failed++;
          assertFailure(end);
        }
      }
      assertTrue(failed > 0, "the ring never failed");
      assertFalse(requests.getFirst().await().how() == RecordingRequest.How.COMPLETED);
      RecordingRequest later = RecordingRequest.nop();
      driver.submit(later);
      assertEquals(RecordingRequest.How.REFUSED, later.await().how());
      assertFailure(later.await());
      driver.close();
      assertNoThreadLeft();
      assertEquals(0, driver.stats().inFlight());
    }
  }

  /** A request that was cancelled while it waited is in no queue and in no slot at the moment the ring fails. */
  @Test
  void enter_failingWhileACancelledRequestIsInHand_endsItToo() throws Exception {
    try (Endless endless = new Endless()) {
      AtomicBoolean fail = new AtomicBoolean();
      RingDriver driver = openFailing(1, fail::get);
      RecordingRequest holder = new RecordingRequest(endless.read(), _ -> fail.set(true));
      RecordingRequest cancelled = RecordingRequest.nop();
      driver.submit(holder);
      await().atMost(10, TimeUnit.SECONDS).until(() -> driver.stats().inFlight() == 1);
      driver.submit(cancelled);
      driver.cancel(cancelled);
      RecordingRequest behind = RecordingRequest.nop();
      driver.submit(behind);
      endless.release();
      assertEquals(8, holder.result());
      assertNotNull(cancelled.await());
      assertFailure(behind.await());
      driver.close();
    }
  }

  /** Ending one request badly must not cost the next its end, nor leave the ring open. */
  @Test
  void enter_failing_throwingRequestsDoNotStopTheEnding() throws Exception {
    long rings = ProcSelf.ringDescriptors();
    try (Endless endless = new Endless()) {
      AtomicBoolean fail = new AtomicBoolean();
      RingDriver driver = openFailing(2, fail::get);
      List<RecordingRequest> requests = new ArrayList<>();
      for (int i = 0; i < 6; i++) {
        requests.add(
            new RecordingRequest(
                endless.read(),
                _ -> {
                  throw new IllegalStateException("thrown by the test; expected in the log");
                }));
      }
      requests.forEach(driver::submit);
      await().atMost(10, TimeUnit.SECONDS).until(() -> driver.stats().inFlight() == 2 && driver.stats().queued() == 4);
      fail.set(true);
      driver.submitPastLimits(RecordingRequest.nop());
      for (RecordingRequest request : requests) {
        assertFailure(request.await());
      }
      driver.close();
      assertNoThreadLeft();
      assertEquals(rings, ProcSelf.ringDescriptors());
    }
  }

  /** What the kernel may yet write to outlives the driver: the request with its buffers, and the memory of the submission. */
  @Test
  void enter_failing_keepsAbandonedMemoryForEver() throws Exception {
    Field field = ReaperThread.class.getDeclaredField("LEAKED");
    field.setAccessible(true);
    Collection<?> leaked = (Collection<?>) field.get(null);
    leaked.clear();
    AtomicBoolean fail = new AtomicBoolean();
    RingDriver driver = openFailing(fail::get);
    RecordingRequest stat = new RecordingRequest(new Operation.StatPath(Path.of("/"), true, new StatResult()));
    // The reaper looks at the operation to fill the entry, and only then enters the kernel.
    HookedRequest hooked = new HookedRequest(stat, () -> fail.compareAndSet(false, driver.onDriverThread()));
    driver.submit(hooked);
    assertEquals(RecordingRequest.How.ABANDONED, stat.await().how());
    driver.close();
    assertTrue(leaked.contains(hooked));
    assertTrue(leaked.stream().anyMatch(MemorySegment.class::isInstance), "the statx buffer may be freed");
  }

  /** A close that was cancelled would leave its descriptor open for good. */
  @Test
  void close_pastItsTimeout_cancelsEverythingButCloses() throws Exception {
    List<DeafRing> rings = new ArrayList<>();
    RingDriver driver =
        RingDriver.open(
            config(8, Duration.ofMillis(50)),
            () -> {
              DeafRing ring = new DeafRing();
              rings.add(ring);
              return ring;
            });
    RecordingRequest sync = new RecordingRequest(new Operation.Sync(1_000_000, true));
    RecordingRequest closing = new RecordingRequest(new Operation.Close(1_000_001));
    driver.submit(sync);
    driver.submitPastLimits(closing);
    await().atMost(10, TimeUnit.SECONDS).until(() -> driver.stats().inFlight() == 2);
    driver.close();
    assertEquals(How.ABANDONED, sync.await().how());
    assertEquals(How.ABANDONED, closing.await().how());
    DeafRing ring = rings.getFirst();
    assertEquals(
        List.of(ring.submitted(IoUring.IORING_OP_FSYNC).getFirst().userData()),
        ring.submitted(IoUring.IORING_OP_ASYNC_CANCEL).stream().map(DeafRing.Entry::address).toList());
  }

  /** Something of it may have been done: it is not to be told as one that was never begun. */
  @Test
  void cancel_ofARequestThatIsToBeSubmittedOnceMore_doesNotSayThatItNeverBegan() throws Exception {
    DeafRing ring = new DeafRing();
    RingDriver driver = RingDriver.open(config(8, Duration.ofSeconds(5)), () -> ring);
    AtomicBoolean saidNeverBegun = new AtomicBoolean();
    MemorySegment memory = Arena.ofAuto().allocate(8);
    RecordingRequest read =
        new RecordingRequest(new Operation.PlainRead(1_000_000, memory, memory.address(), 8, 0)) {
          @Override
          public void neverBegun() {
            saidNeverBegun.set(true);
            super.neverBegun();
          }
        };
    ring.whenRead =
        () -> {
          driver.cancel(read);
          return -Errno.EAGAIN;
        };
    driver.submit(read);
    assertEquals(-Errno.ECANCELED, read.result());
    assertFalse(saidNeverBegun.get());
    driver.close();
  }

  /** Takes every entry and completes none but the read of the wake-up, whenever it is waited for. */
  private static final class DeafRing implements Ring {
    /** What the test looks at of an entry. */
    record Entry(int opcode, long address, long userData) {}

    private static final int ENTRIES = 64;
    private static final long CQES = 64;

    private final MemorySegment ring = Arena.ofAuto().allocate(CQES + ENTRIES * CqeLayout.SIZE, 64);
    private final MemorySegment sqes = Arena.ofAuto().allocate(ENTRIES * SqeLayout.SIZE, 64);
    private final SubmissionQueue submissions =
        new SubmissionQueue(ring, sqes, new SubmissionQueue.Shape(0, 4, 8, SubmissionQueue.NO_ARRAY, ENTRIES));
    private final CompletionQueue completions = new CompletionQueue(ring, new CompletionQueue.Shape(12, 16, 20, CQES, ENTRIES));
    private final List<Entry> taken = new CopyOnWriteArrayList<>();
    private boolean wakeArmed;

    /** Called when a read is taken, if it is to be answered. */
    volatile @Nullable IntSupplier whenRead;

    List<Entry> submitted(int opcode) {
      return taken.stream().filter(entry -> entry.opcode == opcode).toList();
    }

    @Override
    public SubmissionQueue submissions() {
      return submissions;
    }

    @Override
    public CompletionQueue completions() {
      return completions;
    }

    @Override
    public int enter(int toSubmit, int minComplete, long timeoutNanos) {
      int head = ring.get(JAVA_INT, 0);
      for (int i = 0; i < toSubmit; i++) {
        long at = ((head + i) % ENTRIES) * SqeLayout.SIZE;
        long userData = sqes.get(JAVA_LONG, at + SqeLayout.USER_DATA);
        if (userData != UserData.WAKE) {
          taken.add(new Entry(sqes.get(JAVA_BYTE, at + SqeLayout.OPCODE), sqes.get(JAVA_LONG, at + SqeLayout.ADDR), userData));
        }
        wakeArmed |= userData == UserData.WAKE;
        IntSupplier reader = whenRead;
        if (userData != UserData.WAKE && taken.getLast().opcode == IoUring.IORING_OP_READ && reader != null) {
          complete(userData, reader.getAsInt());
        }
      }
      ring.set(JAVA_INT, 0, head + toSubmit);
      if (minComplete > 0 && wakeArmed) {
        LockSupport.parkNanos(1_000_000); // the reaper looks again and again
        complete(UserData.WAKE, -Errno.EINTR);
        wakeArmed = false;
      }
      return toSubmit;
    }

    private void complete(long userData, int result) {
      int tail = ring.get(JAVA_INT, 16);
      long at = CQES + (tail % ENTRIES) * CqeLayout.SIZE;
      ring.set(JAVA_LONG, at + CqeLayout.USER_DATA, userData);
      ring.set(JAVA_INT, at + CqeLayout.RES, result);
      ring.set(JAVA_INT, 16, tail + 1);
    }

    @Override
    public int registerMemory(MemorySegment memory) {
      return -Errno.EOPNOTSUPP;
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
    public void close() {}
  }

  static DriverConfig config(int maxInFlight, Duration closeTimeout) {
    return new DriverConfig(maxInFlight, 64, false, closeTimeout, NAME);
  }

  private static RingDriver openFailing(BooleanSupplier fails) throws Unavailable {
    return openFailing(8, fails);
  }

  private static RingDriver openFailing(int maxInFlight, BooleanSupplier fails) throws Unavailable {
    return RingDriver.open(
        config(maxInFlight, Duration.ofSeconds(5)), () -> new FailingRing(RingSetup.open(maxInFlight), fails));
  }

  private static void assertFailure(RecordingRequest.End end) {
    Throwable cause = end.cause();
    assertInstanceOf(IOException.class, cause, end.toString());
    assertTrue(String.valueOf(cause.getMessage()).contains("EBADF"), cause.toString());
  }

  private static List<String> threadsLeft() {
    return Thread.getAllStackTraces().keySet().stream().map(Thread::getName).filter(name -> name.startsWith(NAME)).toList();
  }

  private static void assertNoThreadLeft() {
    assertEquals(List.of(), threadsLeft());
  }

  /** A real ring whose enter fails for good once told to. */
  private record FailingRing(Ring real, BooleanSupplier fails) implements Ring {
    @Override
    public SubmissionQueue submissions() {
      return real.submissions();
    }

    @Override
    public CompletionQueue completions() {
      return real.completions();
    }

    @Override
    public int enter(int toSubmit, int minComplete, long timeoutNanos) {
      return fails.getAsBoolean() ? -Errno.EBADF : real.enter(toSubmit, minComplete, timeoutNanos);
    }

    @Override
    public int registerMemory(MemorySegment memory) {
      return real.registerMemory(memory);
    }

    @Override
    public boolean supports(int opcode) {
      return real.supports(opcode);
    }

    @Override
    public int setupFlags() {
      return real.setupFlags();
    }

    @Override
    public void close() {
      real.close();
    }
  }
}
