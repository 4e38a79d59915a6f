package dev.annulus.internal.portable;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.annulus.internal.driver.Admission;
import dev.annulus.internal.driver.Errno;
import dev.annulus.internal.driver.Operation;
import dev.annulus.internal.driver.SharedCounters;
import dev.annulus.testing.CapturedLog;
import dev.annulus.testing.RecordingRequest;
import dev.annulus.testing.RecordingRequest.End;
import dev.annulus.testing.RecordingRequest.How;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The pool's threads come and go with the work, and closing ends each request once and in the right way. */
@Timeout(60)
class PoolTest {
  private static final int MAX = 3;
  private final Throwable closed = new RejectedExecutionException("closed, by the test");
  private final Throwable abandoned = new IOException("abandoned, by the test");
  private static final Duration NO_WARNING = Duration.ZERO;
  private static final long NO_TIME = 0;
  private static final long LONG = TimeUnit.SECONDS.toNanos(20);

  private final CountDownLatch free = new CountDownLatch(1);
  private final AtomicInteger inOperation = new AtomicInteger();
  private final List<Thread> threads = Collections.synchronizedList(new ArrayList<>());
  private final Admission admission = new Admission(100, true);
  private final SharedCounters counters = new SharedCounters();
  private final Lane lane = new Lane();
  private final Pool pool = pool(Pool.IDLE);

  private Pool pool(Duration idle) {
    return new Pool(
        "pool-test", new PoolState(MAX, MAX, 100, lane), admission, counters, this::run, this::thread, idle, NO_WARNING);
  }

  private Thread thread(Runnable body, String name) {
    Thread thread = Thread.ofPlatform().daemon().name(name).unstarted(body);
    threads.add(thread);
    return thread;
  }

  /** A sync holds its thread until it is freed; a close answers 7. */
  private int run(Operation operation) {
    if (operation instanceof Operation.Sync) {
      inOperation.incrementAndGet();
      try {
        assertTrue(free.await(40, TimeUnit.SECONDS));
      } catch (InterruptedException e) {
        throw new AssertionError(e);
      }
    }
    return operation instanceof Operation.Close ? 7 : 0;
  }

  @AfterEach
  void end() {
    free.countDown();
    pool.closing().begin();
    assertTrue(pool.closing().awaitQuiet(LONG));
    assertTrue(pool.closing().awaitThreads(LONG));
    assertEquals(0, admission.taken());
  }

  private RecordingRequest put(Operation operation) {
    RecordingRequest request = new RecordingRequest(operation);
    assertTrue(admission.tryEnter());
    assertTrue(pool.put(new PoolTask(request, operation, lane, true)));
    return request;
  }

  private static Operation holding() {
    return new Operation.Sync(1, false);
  }

  private static Operation close() {
    return new Operation.Close(2);
  }

  private void awaitHeld(int count) {
    Awaitility.await().atMost(Duration.ofSeconds(20)).until(() -> inOperation.get() == count);
  }

  // ---- threads ----

  @Test
  void threads_growWithTheWorkUpToTheMost() {
    assertEquals(0, threads.size(), "none before there is work");
    List<RecordingRequest> requests = new ArrayList<>();
    for (int i = 1; i <= MAX; i++) {
      requests.add(put(holding()));
      awaitHeld(i);
    }
    requests.add(put(holding()));
    requests.add(put(holding()));
    assertEquals(MAX, pool.running());
    int most = MAX + 1; // the last one sees when another hangs
    assertTrue(threads.size() <= most, () -> threads.size() + " threads");
    assertEquals(2, admission.taken(), "those that run have given their places back");
    free.countDown();
    requests.forEach(request -> assertEquals(0, request.result()));
    assertTrue(threads.size() <= most, () -> threads.size() + " threads");
  }

  @Test
  void threads_withoutWork_retire_andComeAgain() {
    Pool brief = pool(Duration.ofMillis(20));
    for (int round = 1; round <= 2; round++) {
      RecordingRequest request = new RecordingRequest(new Operation.Nop());
      assertTrue(brief.put(new PoolTask(request, request.operation(), lane, false)));
      assertEquals(0, request.result());
      assertEquals(round, threads.size());
      Thread last = threads.getLast();
      assertSame(last, request.endedOn());
      Awaitility.await().atMost(Duration.ofSeconds(20)).until(() -> !last.isAlive());
    }
    brief.closing().begin();
    assertTrue(brief.closing().awaitQuiet(LONG));
    assertTrue(brief.closing().awaitThreads(LONG));
  }

  @Test
  void thread_withoutWork_isUsedAgainBeforeOneIsStarted() {
    for (int i = 0; i < 50; i++) {
      RecordingRequest request = put(new Operation.Nop());
      assertEquals(0, request.result());
      Thread last = threads.getLast();
      Awaitility.await().atMost(Duration.ofSeconds(20)).until(() -> last.getState() == Thread.State.TIMED_WAITING);
    }
    assertEquals(1, threads.size());
  }

  // ---- ends ----

  @Test
  void operation_thatThrows_endsItsRequestWithAnError_andTheThreadGoesOn() {
    Pool failing =
        new Pool(
            "failing",
            new PoolState(1, 1, 10, new Lane()),
            admission,
            counters,
            operation -> {
              if (operation instanceof Operation.Nop) {
                throw new IllegalStateException("by the test");
              }
              throw new OutOfMemoryError("by the test");
            },
            this::thread,
            Pool.IDLE,
            NO_WARNING);
    RecordingRequest plain = new RecordingRequest(new Operation.Nop());
    RecordingRequest memory = new RecordingRequest(new Operation.Truncate(1, 2));
    Lane its = new Lane();
    failing.add(its);
    try (CapturedLog log = new CapturedLog()) {
      assertTrue(failing.put(new PoolTask(plain, plain.operation(), its, false)));
      assertTrue(failing.put(new PoolTask(memory, memory.operation(), its, false)));
      assertEquals(-Errno.EIO, plain.result());
      assertEquals(-Errno.ENOMEM, memory.result());
      assertEquals(2, log.messagesWith("running an operation failed").size());
    }
    assertTrue(threads.size() <= 2, () -> threads.size() + " threads");
    failing.closing().begin();
    assertTrue(failing.closing().awaitThreads(LONG));
  }

  @Test
  void requests_thatEnd_areCountedOnceForWhatTheyAre() {
    RecordingRequest good = put(close());
    assertEquals(7, good.result());
    RecordingRequest held = put(holding());
    awaitHeld(1);
    assertEquals(2, counters.submitted.sum());
    for (int i = 1; i < MAX; i++) {
      RecordingRequest _ = put(holding());
      awaitHeld(i + 1);
    }
    RecordingRequest queued = put(new Operation.Nop());
    assertTrue(pool.remove(queued));
    assertFalse(pool.remove(queued));
    assertFalse(pool.remove(held), "it runs");
    assertEquals(-Errno.ECANCELED, queued.result());
    assertEquals(List.of(1L, 0L, 1L), List.of(counters.completed.sum(), counters.failed.sum(), counters.cancelled.sum()));
    assertEquals(0, admission.taken());
    free.countDown();
    assertEquals(0, held.result());
  }

  // ---- closing ----

  /** What frees resources has its turn like all else; only when time is up it is told to free them itself. */
  @Test
  void closes_thatWaitWhenThePoolIsClosed_haveTheirTurn_orAreRefused_butNotCancelled() {
    for (int i = 1; i <= MAX; i++) {
      RecordingRequest _ = put(holding());
      awaitHeld(i);
    }
    List<RecordingRequest> closes = new ArrayList<>();
    for (int i = 0; i < 4; i++) {
      closes.add(put(close()));
    }
    pool.closing().begin();
    assertFalse(pool.closing().awaitQuiet(NO_TIME));
    closes.forEach(close -> assertFalse(close.hasEnded(), "ended before its turn"));
    assertEquals(4 + MAX, pool.closing().end());
    for (RecordingRequest close : closes) {
      pool.closing().endNext(closed, abandoned);
      assertTrue(close.hasEnded());
      assertEquals(How.REFUSED, close.await().how());
      assertSame(closed, close.await().cause());
    }
    assertEquals(0, admission.taken());
  }

  @Test
  void closes_thatWaitWhenThePoolIsClosed_areCarriedOutWhenThereIsTime() {
    for (int i = 1; i <= MAX; i++) {
      RecordingRequest _ = put(holding());
      awaitHeld(i);
    }
    RecordingRequest close = put(close());
    pool.closing().begin();
    free.countDown();
    assertTrue(pool.closing().awaitQuiet(LONG));
    assertTrue(close.hasEnded());
    assertEquals(7, close.result());
    RecordingRequest late = new RecordingRequest(close());
    assertFalse(pool.put(new PoolTask(late, late.operation(), lane, false)), "taken after the end");
    assertFalse(late.hasEnded());
  }

  /** Its descriptor and memory are not to be used again: an end that comes after all is told to nobody. */
  @Test
  void request_thatWasAbandoned_isNotEndedOnceMoreWhenItsOperationEnds() {
    RecordingRequest held = put(holding());
    awaitHeld(1);
    assertEquals(1, pool.closing().end());
    pool.closing().endNext(closed, abandoned);
    pool.closing().endNext(closed, abandoned);
    End end = held.await();
    assertEquals(How.ABANDONED, end.how());
    assertSame(abandoned, end.cause());
    assertEquals(1, counters.abandoned.sum());
    assertEquals(List.of(held.operation()), pool.closing().runningOperations());
    assertTrue(pool.closing().awaitQuiet(NO_TIME));
    free.countDown();
    assertTrue(Awaitility.await().atMost(Duration.ofSeconds(20)).until(() -> pool.closing().busyThreads().isEmpty(), it -> it));
    assertEquals(1, held.ends());
    assertEquals(0, counters.completed.sum());
  }

  /** Somebody waits for it on a stack of his own, where its memory may be. */
  @Test
  void call_thatRuns_isNotGivenUp_andOneThatWaitsIsCancelled() throws Exception {
    List<Integer> results = Collections.synchronizedList(new ArrayList<>());
    for (int i = 0; i < MAX; i++) {
      Thread _ = callOf(holding(), results);
      awaitHeld(i + 1);
    }
    Thread waiting = callOf(close(), results);
    Awaitility.await().atMost(Duration.ofSeconds(20)).until(() -> lane.queued == 1);
    assertEquals(1, pool.closing().end());
    pool.closing().endNext(closed, abandoned);
    pool.closing().endNext(closed, abandoned);
    assertTrue(waiting.join(Duration.ofSeconds(20)));
    assertEquals(List.of(-Errno.ECANCELED), results);
    assertEquals(0, counters.abandoned.sum());
    free.countDown();
    Awaitility.await().atMost(Duration.ofSeconds(20)).until(() -> results.size() == MAX + 1);
    assertEquals(List.of(-Errno.ECANCELED, 0, 0, 0), results);
  }

  private Thread callOf(Operation operation, List<Integer> results) {
    return Thread.ofPlatform()
        .daemon()
        .start(
            () -> {
              Call call = new Call(operation);
              assertTrue(pool.put(new PoolTask(call, operation, lane, false)));
              call.await();
              results.add(call.result());
            });
  }

  @Test
  void waits_forTheEnd_keepAnInterruptPending() {
    RecordingRequest held = put(holding());
    awaitHeld(1);
    Thread.currentThread().interrupt();
    assertFalse(pool.closing().awaitQuiet(TimeUnit.MILLISECONDS.toNanos(5)));
    assertTrue(Thread.interrupted());
    Thread.currentThread().interrupt();
    assertTrue(pool.closing().awaitThreads(LONG), "who has something to do is not waited for");
    assertTrue(Thread.currentThread().isInterrupted());
    free.countDown();
    assertTrue(pool.closing().awaitQuiet(LONG));
    assertTrue(Thread.interrupted());
    assertEquals(0, held.result());
  }

  // ---- calls ----

  @Test
  void call_refused_throwsWhatItWasRefusedWith() {
    for (Throwable cause : List.of(new IllegalStateException("a"), new OutOfMemoryError("b"), new IOException("c"))) {
      Call call = new Call(new Operation.Nop());
      assertFalse(call.isOver());
      call.refused(cause);
      assertTrue(call.isOver());
      call.await();
      try {
        int result = call.result();
        throw new AssertionError("it has a result: " + result);
      } catch (IllegalStateException | OutOfMemoryError e) {
        assertSame(cause, e);
      } catch (RejectedExecutionException e) {
        assertSame(cause, e.getCause());
        assertInstanceOf(IOException.class, cause);
      }
    }
  }

  // ---- the lock ----

  @Test
  void lock_byManyThreads_isHeldByOneAtATime() throws Exception {
    PoolLock lock = new PoolLock();
    int[] count = {0};
    List<Thread> counting = new ArrayList<>();
    for (int i = 0; i < 4; i++) {
      Thread.Builder builder = i % 2 == 0 ? Thread.ofPlatform() : Thread.ofVirtual();
      counting.add(
          builder.start(
              () -> {
                for (int n = 0; n < 20_000; n++) {
                  lock.lock();
                  try {
                    count[0]++;
                  } finally {
                    lock.held = false;
                  }
                }
              }));
    }
    for (Thread thread : counting) {
      assertTrue(thread.join(Duration.ofSeconds(40)));
    }
    assertEquals(80_000, count[0]);
  }

  /** Who waits for one that was preempted leaves it the processor; a virtual thread keeps its carrier. */
  @Test
  void lock_thatIsHeld_makesPlatformThreadsPause_andVirtualOnesNot() throws Exception {
    PoolLock lock = new PoolLock();
    lock.lock();
    Thread platform =
        Thread.ofPlatform()
            .daemon()
            .start(
                () -> {
                  lock.lock();
                  lock.held = false;
                });
    Awaitility.await()
        .atMost(Duration.ofSeconds(20))
        .pollInterval(Duration.ofNanos(100_000))
        .until(() -> platform.getState() == Thread.State.TIMED_WAITING);
    Thread virtual =
        Thread.ofVirtual()
            .start(
                () -> {
                  lock.lock();
                  lock.held = false;
                });
    Awaitility.await().atMost(Duration.ofSeconds(20)).until(() -> virtual.getState() == Thread.State.RUNNABLE);
    for (int i = 0; i < 2_000; i++) {
      assertEquals(Thread.State.RUNNABLE, virtual.getState());
    }
    lock.held = false;
    assertTrue(platform.join(Duration.ofSeconds(20)));
    assertTrue(virtual.join(Duration.ofSeconds(20)));
  }
}
