package dev.annulus.internal.runtime;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.annulus.internal.abi.Arch;
import dev.annulus.internal.abi.Syscalls;
import dev.annulus.internal.driver.Closing;
import dev.annulus.internal.driver.Driver;
import dev.annulus.internal.driver.DriverConfig;
import dev.annulus.internal.driver.DriverThread;
import dev.annulus.internal.driver.Errno;
import dev.annulus.internal.driver.Finisher;
import dev.annulus.internal.driver.HungOperations;
import dev.annulus.internal.driver.Mounts;
import dev.annulus.internal.driver.Operation;
import dev.annulus.internal.driver.Request;
import dev.annulus.internal.driver.SharedCounters;
import dev.annulus.testing.CapturedLog;
import dev.annulus.testing.ExpectedErrors;
import dev.annulus.testing.RecordingRequest;
import dev.annulus.testing.RecordingRequest.How;
import dev.annulus.testing.SyscallTap;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.reflect.Field;
import java.lang.reflect.Proxy;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Helper threads: what they run, how often, and what becomes of it when there are none or they do not end. */
@Timeout(60)
@ExtendWith(ExpectedErrors.class)
class WorkersTest {
  private static final Arch.Numbers NR = Syscalls.arch().numbers;
  private static final String NAMES = "helper-under-test-";
  private static final int FD = 1_000_042;
  private static final int MAX_CALLS = 65;
  private static final Driver OWNER =
      (Driver) Proxy.newProxyInstance(Driver.class.getClassLoader(), new Class<?>[] {Driver.class}, (_, _, _) -> null);

  private final SharedCounters counters = new SharedCounters();
  private final Workers workers = new Workers(OWNER, NAMES, 1, counters);
  private final CountDownLatch held = new CountDownLatch(1);
  private final AtomicInteger started = new AtomicInteger();

  @AfterEach
  void close() {
    held.countDown();
    workers.beginClose();
    Finisher finisher = new Finisher(OWNER, NAMES);
    workers.endInTime(Closing.begin(Duration.ofSeconds(10)), finisher);
  }

  /** A request whose operation begins when the test lets it. */
  private final class Held extends RecordingRequest {
    final CountDownLatch begun = new CountDownLatch(1);

    Held() {
      super(new Operation.Nop());
    }

    @Override
    public Operation operation() {
      if (Thread.currentThread().getName().startsWith(NAMES)) {
        begun.countDown();
        awaitUninterruptibly(held);
      }
      return super.operation();
    }

    void awaitBegun() throws InterruptedException {
      assertTrue(begun.await(20, TimeUnit.SECONDS), "not begun");
    }
  }

  private static void awaitUninterruptibly(CountDownLatch latch) {
    boolean interrupted = false;
    while (latch.getCount() > 0) {
      try {
        assertTrue(latch.await(20, TimeUnit.SECONDS));
      } catch (InterruptedException e) {
        interrupted = true;
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  private void run(Request request) {
    request.mark(Reaper.Marks.WITH_WORKER);
    assertNull(workers.run(request, started::incrementAndGet, null));
  }

  private static boolean isHelper(Thread thread) {
    return thread.getName().startsWith(NAMES);
  }

  // ---- running ----

  @Test
  void run_anOperation_endsItOnAHelperThread() {
    List<Integer> startedBefore = new ArrayList<>();
    RecordingRequest request = new RecordingRequest(new Operation.Nop(), _ -> startedBefore.add(started.get()));
    run(request);
    assertEquals(0, request.result());
    assertEquals(List.of(1), startedBefore, "its place is given back before it ends");
    Thread helper = assertInstanceOf(DriverThread.class, request.endedOn());
    assertTrue(isHelper(helper));
    assertTrue(helper.isDaemon());
    assertEquals(Request.NO_MARK, request.mark());
    assertEquals(1, counters.submitted.sum());
    assertEquals(1, counters.completed.sum());
    assertEquals(0, workers.running());
  }

  @Test
  void run_severalOnOneThread_comeInTurnAndAreCounted() throws Exception {
    Held first = new Held();
    RecordingRequest second = RecordingRequest.nop();
    run(first);
    first.awaitBegun();
    assertEquals(1, workers.running());
    HungOperations hung = new HungOperations(new Mounts(), _ -> "/");
    workers.countSince(System.nanoTime(), hung);
    assertEquals(1, started.get());
    run(second);
    held.countDown();
    assertEquals(0, first.result());
    assertEquals(0, second.result());
    assertEquals(2, started.get());
    assertEquals(2, counters.submitted.sum());
  }

  @Test
  void run_operationsThatTakeLong_areCountedByTheirMount() throws Exception {
    Held request = new Held();
    assertNull(workers.run(request, started::incrementAndGet, new Mounts.Mount("/mounted", "nfs", false)));
    request.awaitBegun();
    HungOperations hung = new HungOperations(new Mounts(), _ -> "/");
    workers.countSince(System.nanoTime(), hung);
    assertEquals(Map.of("/mounted", 1), hung.byMountPoint());
    HungOperations earlier = new HungOperations(new Mounts(), _ -> "/");
    workers.countSince(System.nanoTime() - TimeUnit.HOURS.toNanos(1), earlier);
    assertEquals(Map.of(), earlier.byMountPoint());
  }

  @Test
  void run_operationThatThrows_endsWithAnErrorAndIsLogged() {
    RecordingRequest request =
        new RecordingRequest(new Operation.Nop()) {
          @Override
          public Operation operation() {
            if (isHelper(Thread.currentThread())) {
              return new Operation.ListDirectory(Path.of("/"), List.of()); // which takes nothing
            }
            return super.operation();
          }
        };
    try (CapturedLog log = new CapturedLog()) {
      run(request);
      assertEquals(-Errno.EIO, request.result());
      assertEquals(1, log.messagesWith("readdir").size(), log.messages().toString());
    }
    assertEquals(1, counters.failed.sum());
  }

  // ---- once more ----

  private static Operation read() {
    MemorySegment memory = Arena.ofAuto().allocate(8);
    return new Operation.PlainRead(FD, memory, memory.address(), 8, 0);
  }

  private static Operation write() {
    MemorySegment memory = Arena.ofAuto().allocate(8);
    return new Operation.PlainWrite(FD, memory, memory.address(), 8, 0);
  }

  /** How often an operation is called that is answered so for ever. */
  private int calls(RecordingRequest request, int number, int errno) {
    try (SyscallTap tap = SyscallTap.of(WorkersTest::isHelper)) {
      tap.answer(call -> call.number() == number ? -errno : SyscallTap.PASS);
      run(request);
      assertEquals(-errno, request.result());
      return tap.calls(number);
    }
  }

  @Test
  void transientAnswer_forEver_isBounded() {
    assertEquals(MAX_CALLS, calls(new RecordingRequest(read()), NR.pread64(), Errno.EAGAIN));
    assertEquals(MAX_CALLS, calls(new RecordingRequest(read()), NR.pread64(), Errno.EINTR), "repeated by both");
    assertEquals(MAX_CALLS, calls(new RecordingRequest(write()), NR.pwrite64(), Errno.EINTR));
    assertEquals(MAX_CALLS, calls(new RecordingRequest(write()), NR.pwrite64(), Errno.EAGAIN));
  }

  @ParameterizedTest
  @ValueSource(ints = {Errno.EAGAIN, Errno.EINTR})
  void transientAnswer_ofWhatMustNotBeRepeated_isTold(int errno) {
    assertEquals(1, calls(new RecordingRequest(new Operation.Sync(FD, true)), NR.fdatasync(), errno));
    RecordingRequest once =
        new RecordingRequest(write()) {
          @Override
          public boolean isRepeatable() {
            return false;
          }
        };
    assertEquals(1, calls(once, NR.pwrite64(), errno));
  }

  /** That another has it is the answer. */
  @Test
  void transientAnswer_ofALock_isTold() {
    assertEquals(1, calls(new RecordingRequest(new Operation.TryLock(FD)), NR.flock(), Errno.EAGAIN));
  }

  @ParameterizedTest
  @ValueSource(ints = {Errno.EIO, Errno.EBUSY, Errno.ENOMEM})
  void otherAnswer_isToldAtOnce(int errno) {
    assertEquals(1, calls(new RecordingRequest(read()), NR.pread64(), errno));
  }

  @Test
  void transientAnswer_onceOnly_isRepeatedToTheEnd() {
    try (SyscallTap tap = SyscallTap.of(WorkersTest::isHelper)) {
      tap.answer(_ -> tap.calls(NR.pread64()) < 3 ? -Errno.EAGAIN : 8);
      RecordingRequest request = new RecordingRequest(read());
      run(request);
      assertEquals(8, request.result());
      assertEquals(3, tap.calls(NR.pread64()));
    }
  }

  // ---- errors of the JVM ----

  @Test
  void end_thatCannotBeToldForWantOfMemory_isToldAgainAndDoneOnce() {
    AtomicInteger tries = new AtomicInteger();
    RecordingRequest request =
        new RecordingRequest(new Operation.TryLock(FD)) {
          @Override
          public void mark(int mark) {
            super.mark(mark);
            if (mark == NO_MARK && tries.incrementAndGet() <= 3) {
              throw new OutOfMemoryError("thrown by the test");
            }
          }
        };
    try (SyscallTap tap = SyscallTap.of(WorkersTest::isHelper)) {
      tap.answer(_ -> 0);
      run(request);
      assertEquals(0, request.result());
      assertEquals(1, tap.calls(NR.flock()), "done again");
    }
    assertEquals(1, started.get());
    assertEquals(1, counters.completed.sum());
    assertEquals(0, workers.running());
  }

  @Test
  void place_thatCannotBeGivenBackForWantOfStack_isGivenBackLater() {
    AtomicInteger tries = new AtomicInteger();
    RecordingRequest request = RecordingRequest.nop();
    Runnable leave =
        () -> {
          if (tries.incrementAndGet() <= 3) {
            throw new StackOverflowError("thrown by the test");
          }
        };
    assertNull(workers.run(request, leave, null));
    assertEquals(0, request.result());
    assertEquals(4, tries.get());
  }

  // ---- no threads ----

  @Test
  void submit_noThreadToBeHad_failsTheOneOperationAndKeepsNoPlace() throws Exception {
    DriverConfig config = RingDriverEndTest.config(8, Duration.ofSeconds(5));
    RingDriver driver = RingDriver.open(config);
    try {
      Field field = RingDriver.class.getDeclaredField("workers");
      field.setAccessible(true);
      ThreadPoolExecutor threads = pool((Workers) field.get(driver));
      ThreadFactory usual = threads.getThreadFactory();
      threads.setThreadFactory(WorkersTest::noThread);
      for (int i = 0; i < 70; i++) {
        RecordingRequest failed = list();
        driver.submit(failed);
        assertInstanceOf(RejectedExecutionException.class, failed.await().cause());
        assertEquals(Request.NO_MARK, failed.mark());
        assertEquals(0, driver.stats().queued());
        assertEquals(0, driver.stats().inFlight());
      }
      threads.setThreadFactory(usual);
      RecordingRequest works = list();
      driver.submit(works);
      assertEquals(0, works.result());
    } finally {
      driver.close();
    }
  }

  private static Thread noThread(Runnable body) {
    throw new OutOfMemoryError("unable to create native thread; thrown by the test, for " + body.getClass().getSimpleName());
  }

  private static ThreadPoolExecutor pool(Workers workers) throws ReflectiveOperationException {
    Field pool = Workers.class.getDeclaredField("pool");
    pool.setAccessible(true);
    return (ThreadPoolExecutor) pool.get(workers);
  }

  private static RecordingRequest list() {
    return new RecordingRequest(new Operation.ListDirectory(Path.of("/"), new ArrayList<>()));
  }

  /** What was refused for want of a thread is in the pool's queue all the same: it must not be run later. */
  @Test
  void run_noThreadToBeHad_isNotRunLater() throws Exception {
    ThreadFactory usual = pool(workers).getThreadFactory();
    pool(workers).setThreadFactory(WorkersTest::noThread);
    RecordingRequest refused = RecordingRequest.nop();
    Throwable refusal = workers.run(refused, started::incrementAndGet, null);
    assertInstanceOf(RejectedExecutionException.class, refusal);
    assertInstanceOf(OutOfMemoryError.class, refusal.getCause());
    pool(workers).setThreadFactory(usual);
    RecordingRequest next = RecordingRequest.nop();
    run(next);
    assertEquals(0, next.result());
    assertEquals(0, refused.ends());
    assertEquals(1, started.get());
    assertFalse(refused.hasEnded());
  }

  /** The pool has taken the task in when it finds no thread: whoever runs it later must not do it. */
  @Test
  void run_refusedThoughThePoolHasTheTask_isDoneByNobody() throws Exception {
    List<Runnable> taken = new ArrayList<>();
    Field field = Workers.class.getDeclaredField("pool");
    field.setAccessible(true);
    ThreadPoolExecutor usual = pool(workers);
    try (ThreadPoolExecutor poor =
        new ThreadPoolExecutor(1, 1, 1, TimeUnit.SECONDS, new LinkedBlockingQueue<>()) {
          @Override
          public void execute(Runnable task) {
            taken.add(task);
            throw new OutOfMemoryError("unable to create native thread; thrown by the test");
          }
        }) {
      field.set(workers, poor);
      RecordingRequest refused = RecordingRequest.nop();
      assertNotNull(workers.run(refused, started::incrementAndGet, null));
      taken.forEach(Runnable::run);
      assertEquals(1, taken.size());
      assertEquals(0, refused.ends(), "its submitter ends it");
      assertEquals(0, started.get());
      // And the other way round: what a thread has begun is not refused.
      taken.clear();
      RecordingRequest begun = RecordingRequest.nop();
      ThreadPoolExecutor eager =
          new ThreadPoolExecutor(1, 1, 1, TimeUnit.SECONDS, new LinkedBlockingQueue<>()) {
            @Override
            public void execute(Runnable task) {
              task.run();
              throw new OutOfMemoryError("unable to create native thread; thrown by the test");
            }
          };
      field.set(workers, eager);
      assertNull(workers.run(begun, started::incrementAndGet, null));
      assertEquals(0, begun.result());
      assertEquals(1, started.get());
      eager.shutdown();
    } finally {
      field.set(workers, usual);
    }
  }

  @Test
  void closing_afterARefusalForWantOfAThread_doesNotEndThatOneToo() throws Exception {
    ThreadFactory usual = pool(workers).getThreadFactory();
    pool(workers).setThreadFactory(WorkersTest::noThread);
    RecordingRequest refused = RecordingRequest.nop();
    assertNotNull(workers.run(refused, started::incrementAndGet, null));
    pool(workers).setThreadFactory(usual);
    Held running = new Held();
    run(running);
    running.awaitBegun();
    workers.beginClose();
    Finisher finisher = new Finisher(OWNER, NAMES);
    Closing closing = Closing.begin(Duration.ZERO);
    workers.endInTime(closing, finisher);
    workers.giveUp(closing, finisher);
    assertTrue(finisher.run(TimeUnit.SECONDS.toNanos(10)));
    assertEquals(How.ABANDONED, running.await().how());
    assertEquals(0, refused.ends(), "its submitter ends it");
    assertEquals(1, counters.abandoned.sum());
  }

  // ---- closing ----

  @Test
  void run_afterClosingHasBegun_isRefused() {
    workers.beginClose();
    RecordingRequest late = RecordingRequest.nop();
    Throwable refusal = workers.run(late, started::incrementAndGet, null);
    assertInstanceOf(RejectedExecutionException.class, refusal);
    assertEquals(0, late.ends(), "refused by the one who submits it");
    assertEquals(0, started.get());
    assertEquals(0, counters.submitted.sum());
  }

  @Test
  void closing_inTime_letsAllEnd() throws Exception {
    Held first = new Held();
    RecordingRequest second = RecordingRequest.nop();
    run(first);
    first.awaitBegun();
    run(second);
    workers.beginClose();
    held.countDown();
    Finisher finisher = new Finisher(OWNER, NAMES);
    Closing closing = Closing.begin(Duration.ofSeconds(20));
    workers.endInTime(closing, finisher);
    workers.giveUp(closing, finisher);
    assertEquals(0, first.result());
    assertEquals(0, second.result());
    assertEquals(0, counters.abandoned.sum());
  }

  @Test
  void closing_pastItsTime_refusesWhatWaitsAndGivesUpWhatRuns() throws Exception {
    Held first = new Held();
    RecordingRequest second = RecordingRequest.nop();
    run(first);
    first.awaitBegun();
    run(second);
    assertEquals(1, started.get());
    workers.beginClose();
    Finisher finisher = new Finisher(OWNER, NAMES);
    Closing closing = Closing.begin(Duration.ZERO);
    try (CapturedLog log = new CapturedLog()) {
      workers.endInTime(closing, finisher);
      assertTrue(finisher.run(TimeUnit.SECONDS.toNanos(10)));
      assertEquals(How.REFUSED, second.await().how());
      assertInstanceOf(RejectedExecutionException.class, second.await().cause());
      assertEquals(Request.NO_MARK, second.mark());
      assertEquals(2, started.get(), "its place is not given back");
      assertFalse(first.hasEnded());

      workers.giveUp(closing, finisher);
      assertTrue(finisher.run(TimeUnit.SECONDS.toNanos(10)));
      assertEquals(1, log.messagesWith("leaves its helper thread", NAMES).size(), log.messages().toString());
    }
    assertEquals(How.ABANDONED, first.await().how());
    assertEquals(Request.NO_MARK, first.mark());
    assertEquals(1, counters.abandoned.sum());
    held.countDown();
    assertTrue(pool(workers).awaitTermination(20, TimeUnit.SECONDS));
    assertEquals(1, first.ends(), "ended again when its thread came back");
    assertNotNull(first.await());
    assertEquals(0, counters.completed.sum());
  }

  @Test
  void closing_whileInterrupted_waitsAllTheSameAndKeepsTheInterrupt() throws Exception {
    Held first = new Held();
    run(first);
    first.awaitBegun();
    workers.beginClose();
    Thread _ =
        Thread.ofPlatform()
            .daemon()
            .start(
                () -> {
                  while (workers.running() == 0) {
                    Thread.onSpinWait();
                  }
                  held.countDown();
                });
    Thread.currentThread().interrupt();
    workers.endInTime(Closing.begin(Duration.ofSeconds(20)), new Finisher(OWNER, NAMES));
    assertTrue(Thread.interrupted(), "the interrupt is lost");
    assertEquals(0, first.result());
  }
}
