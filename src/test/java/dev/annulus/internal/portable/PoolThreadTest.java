package dev.annulus.internal.portable;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.annulus.internal.driver.Admission;
import dev.annulus.internal.driver.Operation;
import dev.annulus.internal.driver.SharedCounters;
import dev.annulus.testing.CapturedLog;
import dev.annulus.testing.RecordingRequest;
import dev.annulus.testing.RecordingRequest.How;
import java.time.Duration;
import java.util.Objects;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What happens when the system has no thread to give. */
@Timeout(60)
class PoolThreadTest {
  private final AtomicBoolean noThreads = new AtomicBoolean();
  private final CountDownLatch free = new CountDownLatch(1);
  private final CountDownLatch running = new CountDownLatch(1);
  private final Admission admission = new Admission(10, true);
  private final Lane lane = new Lane();
  private final Pool pool =
      new Pool(
          "pool-test",
          new PoolState(4, 4, 10, lane),
          admission,
          new SharedCounters(),
          this::run,
          this::thread,
          Pool.IDLE,
          Duration.ZERO);

  @SuppressWarnings("NullAway.Init") // capture
  private CapturedLog log;

  @BeforeEach
  void capture() {
    log = new CapturedLog();
  }

  @AfterEach
  void close() {
    free.countDown();
    pool.closing().begin();
    assertTrue(pool.closing().awaitQuiet(TimeUnit.SECONDS.toNanos(10)));
    assertTrue(pool.closing().awaitThreads(TimeUnit.SECONDS.toNanos(10)));
    log.close();
  }

  /** A sync holds its thread until it is freed. */
  private int run(Operation operation) {
    if (operation instanceof Operation.Sync) {
      running.countDown();
      try {
        assertTrue(free.await(20, TimeUnit.SECONDS));
      } catch (InterruptedException e) {
        throw new AssertionError(e);
      }
    }
    return 0;
  }

  private Thread thread(Runnable body, String name) {
    Thread thread =
        new Thread(body, name) {
          @Override
          public void start() {
            if (noThreads.get()) {
              throw new OutOfMemoryError("unable to create native thread: by the test");
            }
            super.start();
          }
        };
    thread.setDaemon(true);
    return thread;
  }

  private RecordingRequest put(Operation operation) {
    RecordingRequest request = new RecordingRequest(operation);
    assertTrue(admission.tryEnter());
    assertTrue(pool.put(new PoolTask(request, operation, lane, true)));
    return request;
  }

  @Test
  void put_withoutAnyThread_refusesThatOneAndKeepsNothing() {
    noThreads.set(true);
    for (int i = 0; i < 20; i++) {
      RecordingRequest request = put(new Operation.Nop());
      assertEquals(How.REFUSED, request.await().how());
      Throwable cause = Objects.requireNonNull(request.await().cause());
      assertInstanceOf(RejectedExecutionException.class, cause);
      assertInstanceOf(OutOfMemoryError.class, cause.getCause());
      assertEquals(0, admission.taken());
    }
    noThreads.set(false);
    assertEquals(0, put(new Operation.Nop()).result());
    assertTrue(log.messagesWith("cannot start a thread").size() >= 20);
  }

  @Test
  void put_withAnotherThreadAlive_waitsForThat() throws Exception {
    RecordingRequest first = put(new Operation.Sync(1, false));
    assertTrue(running.await(20, TimeUnit.SECONDS));
    noThreads.set(true);
    RecordingRequest second = put(new Operation.Nop());
    assertEquals(1, admission.taken());
    free.countDown();
    assertEquals(0, first.result());
    assertEquals(0, second.result());
    assertEquals(0, admission.taken());
  }
}
