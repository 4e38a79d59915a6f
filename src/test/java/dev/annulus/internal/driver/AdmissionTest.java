package dev.annulus.internal.driver;

import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.FutureTask;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(30)
class AdmissionTest {
  private final Throwable closed = new RejectedExecutionException("closed by the test");

  /** What a thread that asked for a place was told, and whether its interrupt was still pending then. */
  private record Answer(@Nullable Throwable refusal, boolean interrupted) {}

  @Test
  void enter_upToTheLimit_countsPlaces() {
    Admission admission = new Admission(3, true);
    for (int i = 0; i < 3; i++) {
      assertEquals(i, admission.taken());
      assertNull(admission.enter());
    }
    assertEquals(3, admission.taken());
    admission.leave(2);
    assertEquals(1, admission.taken());
    assertNull(admission.enter());
    assertNull(admission.enter());
    assertInstanceOf(RejectedExecutionException.class, admission.enter());
  }

  @Test
  void enter_fullAndRefusing_refusesAtOnceAndTakesNoPlace() {
    Admission admission = new Admission(1, true);
    assertNull(admission.enter());
    Throwable refusal = admission.enter();
    assertInstanceOf(RejectedExecutionException.class, refusal);
    assertTrue(String.valueOf(refusal.getMessage()).contains("maxQueued"), refusal.getMessage());
    admission.leave(1);
    assertEquals(0, admission.taken());
    assertNull(admission.enter());
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void enter_full_waitsForAPlace(boolean virtual) throws Exception {
    Admission admission = new Admission(1, false);
    assertNull(admission.enter());
    FutureTask<Answer> task = asking(admission);
    Thread thread = start(task, virtual);
    awaitParked(thread);
    assertFalse(task.isDone());
    admission.leave(1);
    assertEquals(new Answer(null, false), task.get(10, TimeUnit.SECONDS));
    assertEquals(1, admission.taken());
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void enter_interruptedWhileWaiting_goesOnWaitingAndKeepsTheInterrupt(boolean virtual) throws Exception {
    Admission admission = new Admission(1, false);
    assertNull(admission.enter());
    FutureTask<Answer> task = asking(admission);
    Thread thread = start(task, virtual);
    awaitParked(thread);
    thread.interrupt();
    // It takes note of the interrupt and parks again; a place must still be what lets it go.
    awaitParked(thread);
    assertFalse(task.isDone());
    admission.leave(1);
    assertEquals(new Answer(null, true), task.get(10, TimeUnit.SECONDS));
    assertEquals(1, admission.taken(), "went on without a place");
  }

  @Test
  void close_manyWaiting_letsAllGo() throws Exception {
    Admission admission = new Admission(2, false);
    assertNull(admission.enter());
    assertNull(admission.enter());
    List<FutureTask<Answer>> tasks = new ArrayList<>();
    for (int i = 0; i < 40; i++) {
      FutureTask<Answer> task = asking(admission);
      tasks.add(task);
      awaitParked(start(task, i % 2 == 0));
    }
    assertTrue(admission.close(closed));
    for (FutureTask<Answer> task : tasks) {
      assertSame(closed, task.get(10, TimeUnit.SECONDS).refusal());
    }
    assertSame(closed, admission.closedBecause());
    assertSame(closed, admission.enter());
  }

  @Test
  void tryEnter_fullOrClosed_takesNoPlace() {
    Admission admission = new Admission(2, false);
    assertTrue(admission.tryEnter());
    assertTrue(admission.tryEnter());
    assertFalse(admission.tryEnter());
    assertEquals(2, admission.taken());
    admission.leave(1);
    assertTrue(admission.close(new IllegalStateException("said by the test")));
    int taken = admission.taken();
    assertFalse(admission.tryEnter());
    assertEquals(taken, admission.taken());
  }

  @Test
  void enter_closed_takesNoPlace() {
    Admission admission = new Admission(2, true);
    IllegalStateException cause = new IllegalStateException("said by the test");
    assertTrue(admission.close(cause));
    int taken = admission.taken();
    for (int i = 0; i < 5; i++) {
      assertSame(cause, admission.enter());
    }
    assertEquals(taken, admission.taken());
    assertSame(cause, admission.closedBecause());
  }

  @Test
  void leave_several_givesAllOfThemBack() {
    Admission admission = new Admission(3, true);
    for (int i = 0; i < 3; i++) {
      assertNull(admission.enter());
    }
    admission.leave(3);
    assertEquals(0, admission.taken());
  }

  /** Whoever comes or leaves next gives back what somebody owes who had no stack for it. */
  @Test
  void owed_places_areGivenBackByTheNext() {
    Admission admission = new Admission(2, true);
    assertNull(admission.enter());
    assertNull(admission.enter());
    admission.owed = 1;
    assertNull(admission.enter(), "full, although a place is owed");
    assertEquals(0, admission.owed);
    admission.owed = 1;
    admission.leave(1);
    assertEquals(0, admission.owed);
    assertEquals(0, admission.taken());
    admission.settle();
    assertEquals(0, admission.taken());
  }

  @Test
  void close_twice_keepsTheFirstCause() {
    Admission admission = new Admission(1, false);
    assertNull(admission.closedBecause());
    assertTrue(admission.close(closed));
    assertFalse(admission.close(new IllegalStateException("later")));
    assertSame(closed, admission.closedBecause());
    assertSame(closed, admission.enter());
    assertSame(closed, admission.enter());
  }

  @Test
  void enterAndClose_racing_leaveNobodyWaiting() throws Exception {
    for (int round = 0; round < 300; round++) {
      Admission admission = new Admission(1, false);
      AtomicInteger admitted = new AtomicInteger();
      List<FutureTask<Boolean>> tasks = new ArrayList<>();
      for (int i = 0; i < 8; i++) {
        FutureTask<Boolean> task =
            new FutureTask<>(
                () -> {
                  while (admission.enter() == null) {
                    admitted.incrementAndGet();
                    admission.leave(1);
                  }
                  return true;
                });
        tasks.add(task);
        start(task, true);
      }
      assertTrue(admission.close(closed));
      for (FutureTask<Boolean> task : tasks) {
        assertTrue(task.get(10, TimeUnit.SECONDS), "round " + round + ", admitted " + admitted);
      }
    }
  }

  private static FutureTask<Answer> asking(Admission admission) {
    return new FutureTask<>(() -> new Answer(admission.enter(), Thread.currentThread().isInterrupted()));
  }

  private static Thread start(FutureTask<?> task, boolean virtual) {
    return virtual ? Thread.ofVirtual().start(task) : Thread.ofPlatform().daemon().start(task);
  }

  private static void awaitParked(Thread thread) {
    await().atMost(10, TimeUnit.SECONDS).pollInterval(1, TimeUnit.MILLISECONDS).until(() -> thread.getState() == Thread.State.WAITING);
  }
}
