package dev.annulus.internal.driver;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.annulus.testing.CapturedLog;
import java.lang.reflect.Proxy;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(30)
class FinisherTest {
  private static final long LONG = TimeUnit.SECONDS.toNanos(20);
  private static final Driver OWNER =
      (Driver) Proxy.newProxyInstance(Driver.class.getClassLoader(), new Class<?>[] {Driver.class}, (_, _, _) -> null);

  private final Finisher finisher = new Finisher(OWNER, "finisher-under-test");
  private final List<Integer> done = Collections.synchronizedList(new ArrayList<>());

  @Test
  void run_nothing_isOverAtOnce() {
    assertTrue(finisher.run(0));
  }

  @Test
  void run_severalActions_areAllDoneOnTheDriversThreads() {
    List<Thread> threads = Collections.synchronizedList(new ArrayList<>());
    for (int i = 0; i < 20; i++) {
      int number = i;
      finisher.add(
          () -> {
            threads.add(Thread.currentThread());
            assertTrue(DriverThread.isOf(OWNER));
            done.add(number);
          });
    }
    assertTrue(finisher.run(LONG));
    assertEquals(20, done.size());
    assertTrue(threads.stream().noneMatch(Thread::isAlive), "a thread is left");
    assertTrue(finisher.run(0));
    assertEquals(20, done.size());
  }

  @Test
  void run_actionsThatThrow_areLoggedAndHarmNoOther() {
    try (CapturedLog log = new CapturedLog()) {
      for (int i = 0; i < 3; i++) {
        finisher.add(
            () -> {
              throw new IllegalStateException("thrown by the test");
            });
        finisher.add(() -> done.add(0));
      }
      assertTrue(finisher.run(LONG));
      assertEquals(3, log.messagesWith("ending an operation failed").size());
    }
    assertEquals(3, done.size());
  }

  /** Users' code may block: as many as there are must not keep the others from being told. */
  @Test
  void run_actionsThatBlock_othersAreDoneAllTheSame() throws Exception {
    CountDownLatch held = new CountDownLatch(1);
    CountDownLatch others = new CountDownLatch(10);
    try {
      for (int i = 0; i < 10; i++) {
        finisher.add(() -> awaited(held));
        finisher.add(others::countDown);
      }
      boolean[] over = {false};
      Thread running = Thread.ofPlatform().daemon().start(() -> over[0] = finisher.run(LONG));
      assertTrue(others.await(20, TimeUnit.SECONDS), () -> others.getCount() + " wait for those that block");
      held.countDown();
      running.join(20_000);
      assertTrue(over[0]);
    } finally {
      held.countDown();
    }
  }

  @Test
  void run_pastItsTime_saysSoAndReportsWhoIsHeld() {
    CountDownLatch held = new CountDownLatch(1);
    try (CapturedLog log = new CapturedLog()) {
      finisher.add(() -> awaited(held));
      long begin = System.nanoTime();
      assertFalse(finisher.run(TimeUnit.MILLISECONDS.toNanos(30)));
      assertTrue(System.nanoTime() - begin >= TimeUnit.MILLISECONDS.toNanos(30), "did not wait");
      finisher.report("the-runtime");
      assertEquals(1, log.messagesWith("the-runtime", "has not returned", "FinisherTest").size(), log.messages().toString());
      held.countDown();
      assertTrue(finisher.run(LONG));
    } finally {
      held.countDown();
    }
  }

  @Test
  void run_whileInterrupted_goesOnAndKeepsTheInterrupt() {
    CountDownLatch begun = new CountDownLatch(1);
    CountDownLatch held = new CountDownLatch(1);
    finisher.add(
        () -> {
          begun.countDown();
          awaited(held);
          done.add(1);
        });
    Thread _ =
        Thread.ofPlatform()
            .daemon()
            .start(
                () -> {
                  awaited(begun);
                  held.countDown();
                });
    Thread.currentThread().interrupt();
    assertTrue(finisher.run(LONG));
    assertTrue(Thread.interrupted(), "the interrupt is lost");
    assertEquals(List.of(1), done);
  }

  private static void awaited(CountDownLatch latch) {
    try {
      assertTrue(latch.await(20, TimeUnit.SECONDS));
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
  }
}
