package dev.annulus.internal.driver;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.annulus.testing.ChildJvm;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

@Timeout(90)
class BriefLockTest {
  private static final int ROUNDS = 50_000;

  private final BriefLock lock = new BriefLock();
  private long counted;

  @Test
  void lock_ofManyThreadsOfBothKinds_isHeldByOneAtATime() throws Exception {
    List<Thread> threads = new ArrayList<>();
    for (int i = 0; i < 8; i++) {
      Thread.Builder kind = i % 2 == 0 ? Thread.ofPlatform().daemon() : Thread.ofVirtual();
      threads.add(kind.start(this::count));
    }
    for (Thread thread : threads) {
      assertTrue(thread.join(Duration.ofSeconds(60)));
    }
    assertEquals(8 * ROUNDS, counted);
  }

  private void count() {
    for (int i = 0; i < ROUNDS; i++) {
      lock.lock();
      counted++;
      lock.unlock();
    }
  }

  @Test
  void lock_ofAThreadThatIsInterrupted_waitsAndLeavesTheInterruptPending() throws Exception {
    lock.lock();
    CountDownLatch pending = new CountDownLatch(1);
    Thread waiter =
        Thread.ofPlatform()
            .daemon()
            .start(
                () -> {
                  lock.lock();
                  lock.unlock();
                  if (Thread.currentThread().isInterrupted()) {
                    pending.countDown();
                  }
                });
    waiter.interrupt();
    Awaitility.await().atMost(Duration.ofSeconds(10)).until(() -> !waiter.isInterrupted() || !waiter.isAlive());
    assertTrue(waiter.isAlive(), "did not wait");
    assertEquals(1, pending.getCount());
    lock.unlock();
    assertTrue(pending.await(10, TimeUnit.SECONDS));
  }

  /** The reason for this lock; that others' locks do get stuck there shows that the test would see it. */
  @ParameterizedTest
  @CsvSource({"BRIEF, taken", "REENTRANT, stuck", "MONITOR, stuck"})
  void lock_behindAVirtualThreadThatNeverRuns_isTakenAllTheSame(String kind, String outcome) throws Exception {
    List<String> oneCarrier = List.of("-Djdk.virtualThreadScheduler.parallelism=1", "-Djdk.virtualThreadScheduler.maxPoolSize=1");
    ChildJvm.Result result = ChildJvm.withOptions(oneCarrier, Contenders.class, kind).run(60);
    assertEquals(List.of(outcome), result.lines());
  }

  /** A lock that is held; a virtual thread waits for it, then a platform thread; another virtual thread takes the carrier; it is free. */
  static final class Contenders {
    private static final Duration PATIENCE = Duration.ofSeconds(3);

    private Contenders() {}

    /** Which lock. */
    enum Kind {
      BRIEF,
      REENTRANT,
      MONITOR
    }

    public static void main(String[] args) throws Exception {
      BriefLock brief = new BriefLock();
      ReentrantLock reentrant = new ReentrantLock();
      Object monitor = new Object();
      Kind kind = Kind.valueOf(args[0]);
      CountDownLatch release = new CountDownLatch(1);
      Thread first = Thread.ofPlatform().daemon().start(() -> with(kind, brief, reentrant, monitor, () -> await(release)));
      awaitWaiting(first);
      CountDownLatch begun = new CountDownLatch(1);
      Thread virtual =
          Thread.ofVirtual()
              .start(
                  () -> {
                    begun.countDown();
                    with(kind, brief, reentrant, monitor, () -> {});
                  });
      await(begun);
      if (kind != Kind.BRIEF) {
        awaitWaiting(virtual); // for a brief lock it keeps its carrier, and waits there
      }
      Thread platform = Thread.ofPlatform().daemon().start(() -> with(kind, brief, reentrant, monitor, () -> {}));
      awaitWaiting(platform);
      CountDownLatch hogging = new CountDownLatch(1);
      Thread _ =
          Thread.ofVirtual()
              .start(
                  () -> {
                    hogging.countDown();
                    while (true) {
                      Thread.onSpinWait();
                    }
                  });
      if (kind != Kind.BRIEF) {
        await(hogging);
      }
      release.countDown();
      System.out.println(platform.join(PATIENCE) ? "taken" : "stuck");
      System.exit(0);
    }

    private static void with(Kind kind, BriefLock brief, ReentrantLock reentrant, Object monitor, Runnable body) {
      switch (kind) {
        case BRIEF -> {
          brief.lock();
          body.run();
          brief.unlock();
        }
        case REENTRANT -> {
          reentrant.lock();
          try {
            body.run();
          } finally {
            reentrant.unlock();
          }
        }
        case MONITOR -> {
          synchronized (monitor) {
            body.run();
          }
        }
      }
    }

    private static void awaitWaiting(Thread thread) {
      Awaitility.await()
          .atMost(Duration.ofSeconds(10))
          .pollInterval(Duration.ofMillis(1))
          .until(
              () ->
                  switch (thread.getState()) {
                    case WAITING, TIMED_WAITING, BLOCKED -> true;
                    default -> false;
                  });
    }

    private static void await(CountDownLatch latch) {
      try {
        assertTrue(latch.await(30, TimeUnit.SECONDS));
      } catch (InterruptedException e) {
        throw new AssertionError(e);
      }
    }
  }
}
