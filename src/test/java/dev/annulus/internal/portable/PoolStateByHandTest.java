package dev.annulus.internal.portable;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.annulus.internal.driver.Operation;
import dev.annulus.testing.RecordingRequest;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** Which task is next, who is to run it, and what is counted; with a clock of the test's own. */
class PoolStateByHandTest {
  private static final int PER_LANE = 2;
  private static final int MAX = 16;

  private final Lane lane = new Lane();
  private final Lane other = new Lane();
  private final PoolState state = new PoolState(PER_LANE, MAX, 100, lane);
  private long now = 1_000;

  private PoolTask task(Lane in, boolean admitted) {
    return new PoolTask(RecordingRequest.nop(), new Operation.Nop(), in, admitted);
  }

  private PoolTask put(Lane in, boolean admitted) {
    PoolTask task = task(in, admitted);
    state.enqueue(task);
    return task;
  }

  private PoolWorker worker() {
    PoolWorker worker = new PoolWorker(null);
    worker.searching = false;
    worker.thread = Thread.currentThread();
    state.threads++;
    state.looks(worker);
    return worker;
  }

  private @Nullable PoolTask startNext(PoolWorker worker) {
    PoolTask task = state.next(now);
    if (task != null) {
      state.start(worker, task, now);
    }
    return task;
  }

  private void finish(PoolWorker worker) {
    PoolTask task = Objects.requireNonNull(worker.task);
    state.stopRunning(task);
    state.end(task);
    state.letGo(worker, task);
  }

  // ---- whose turn it is ----

  @Test
  void tasks_ofOneQueue_runInTheirOrder() {
    List<PoolTask> tasks = new ArrayList<>();
    for (int i = 0; i < 5; i++) {
      tasks.add(put(lane, true));
    }
    PoolWorker worker = worker();
    for (PoolTask task : tasks) {
      assertSame(task, startNext(worker));
      assertEquals(1, state.running);
      finish(worker);
    }
    assertNull(state.next(now));
    assertTrue(state.isQuiet());
  }

  @Test
  void queues_ofALane_haveTheirTurns() {
    for (int i = 0; i < 4; i++) {
      PoolTask _ = put(lane, true);
    }
    for (int i = 0; i < 3; i++) {
      PoolTask _ = put(lane, false);
    }
    PoolWorker worker = worker();
    List<Integer> order = new ArrayList<>();
    for (PoolTask task = startNext(worker); task != null; task = startNext(worker)) {
      order.add(task.queue);
      finish(worker);
    }
    assertEquals(List.of(0, 1, 0, 1, 0, 1, 0), order);
  }

  @Test
  void lanes_haveTheirTurns() {
    Lane third = new Lane();
    state.add(other);
    state.add(third);
    for (int i = 0; i < 3; i++) {
      for (Lane each : List.of(lane, other, third)) {
        PoolTask _ = put(each, true);
      }
    }
    PoolWorker worker = worker();
    for (int i = 0; i < 3; i++) {
      List<Lane> round = new ArrayList<>();
      for (int k = 0; k < 3; k++) {
        round.add(Objects.requireNonNull(startNext(worker)).lane);
        finish(worker);
      }
      assertTrue(round.containsAll(List.of(lane, other, third)), "a lane had no turn");
    }
  }

  /** Of one lane so many run at a time; those that are at it for over a second do not count, up to the share of the others. */
  @Test
  void lane_thatIsFull_leavesItsPlaceToOthers_andSlowOnesDoNotCount() {
    state.add(other);
    for (int i = 0; i < 2 * MAX; i++) {
      PoolTask _ = put(lane, true);
    }
    for (int i = 0; i < PER_LANE; i++) {
      assertNotNull(startNext(worker()));
    }
    assertNull(state.next(now));
    now += PoolState.SLOW_NANOS;
    assertNull(state.next(now), "not slow yet");
    now++;
    int most = MAX - MAX / 8;
    for (int running = PER_LANE; running < most; running++) {
      assertSame(lane, Objects.requireNonNull(startNext(worker()), "at " + running).lane);
      now += PoolState.SLOW_NANOS + 1;
    }
    assertNull(state.next(now), "it takes the others' share");
    assertEquals(most, state.running);
    PoolTask healthy = put(other, true);
    assertSame(healthy, startNext(worker()));
    assertEquals(most + 1, state.running);
  }

  /** What was slow and has ended is counted no more. */
  @Test
  void lane_whoseSlowTaskHasEnded_isAsFullAsBefore() {
    PoolWorker slow = worker();
    for (int i = 0; i < 9; i++) {
      PoolTask _ = put(lane, true);
    }
    assertNotNull(startNext(slow));
    assertNotNull(startNext(worker()));
    now += PoolState.SLOW_NANOS + 1;
    assertNotNull(startNext(worker()));
    assertNotNull(startNext(worker()));
    assertNull(state.next(now));
    finish(slow);
    assertEquals(3, lane.held);
    assertNull(state.next(now), "two that are not slow run still");
  }

  @Test
  void threads_asManyAsThereMayBe_runNoMore() {
    PoolState small = new PoolState(2, 2, 100, lane);
    for (int i = 0; i < 3; i++) {
      small.enqueue(task(lane, true));
    }
    for (int i = 0; i < 2; i++) {
      small.start(new PoolWorker(null), Objects.requireNonNull(small.next(now)), now);
    }
    assertNull(small.next(now));
    assertEquals(2, small.running);
    assertEquals(1, small.queued);
  }

  // ---- taking out again ----

  @Test
  void tasks_foundByTheirRequests_canBeTakenOutOfAnyPlace() {
    long seed = System.nanoTime();
    Random random = new Random(seed);
    PoolState narrow = new PoolState(2, 2, 64, lane);
    List<PoolTask> in = new ArrayList<>();
    for (int step = 0; step < 5_000; step++) {
      if (in.isEmpty() || random.nextInt(100) < 52) {
        PoolTask task = task(lane, random.nextBoolean());
        narrow.enqueue(task);
        in.add(task);
      } else {
        PoolTask task = in.remove(random.nextInt(in.size()));
        assertSame(task, narrow.find(task.request, task.identity), "seed " + seed);
        narrow.endQueued(task);
        assertNull(narrow.find(task.request, task.identity), "seed " + seed);
        narrow.end(task);
      }
      assertEquals(in.size(), narrow.queued);
      assertEquals(in.size(), lane.queued);
    }
    for (int queue = 0; queue < 2; queue++) {
      int wanted = queue;
      List<PoolTask> expected = in.stream().filter(task -> task.queue == wanted).toList();
      List<PoolTask> found = new ArrayList<>();
      for (PoolTask task = lane.first[queue]; task != null; task = task.next) {
        found.add(task);
      }
      assertEquals(expected, found, "seed " + seed);
      assertSame(expected.isEmpty() ? null : expected.getLast(), lane.last[queue]);
    }
    for (PoolTask task : in) {
      assertSame(task, narrow.find(task.request, task.identity), "seed " + seed);
    }
    assertEquals(0, narrow.ending);
  }

  @Test
  void takeBack_ofATaskThatSomebodyHas_isRefused() {
    PoolTask task = put(lane, true);
    assertTrue(state.takeBack(task));
    assertFalse(state.takeBack(task));
    assertEquals(0, state.queued);
    assertTrue(state.isQuiet());
    PoolTask running = put(lane, true);
    assertNotNull(startNext(worker()));
    assertFalse(state.takeBack(running));
    assertNull(state.find(running.request, running.identity));
    assertFalse(state.isQuiet());
  }

  @Test
  void firstQueued_isFoundInWhateverLaneAndQueue() {
    state.add(other);
    assertNull(state.firstQueued());
    PoolTask past = put(other, false);
    assertSame(past, state.firstQueued());
    state.endQueued(past);
    assertNull(state.firstQueued());
    assertFalse(state.isQuiet(), "it is being ended");
    state.end(past);
    state.end(past);
    assertTrue(state.isQuiet());
    assertEquals(0, state.ending);
  }

  // ---- ends ----

  @Test
  void task_thatWasGivenUp_isCountedOnce_andKeepsItsThread() {
    PoolTask task = put(lane, true);
    PoolWorker worker = worker();
    assertSame(task, startNext(worker));
    state.giveUp(task);
    assertEquals(List.of(0, 1), List.of(state.running, state.ending));
    state.end(task);
    assertTrue(state.isQuiet());
    assertTrue(task.keepsItsThread(), "it is in the operation still");
    state.stopRunning(task);
    assertEquals(List.of(0, 0), List.of(state.running, state.ending));
    state.letGo(worker, task);
    assertNull(worker.task);
    assertEquals(0, lane.held);
    PoolTask plain = put(lane, true);
    assertSame(plain, startNext(worker));
    state.stopRunning(plain);
    assertTrue(plain.keepsItsThread());
    state.end(plain);
    assertFalse(plain.keepsItsThread());
  }

  // ---- threads ----

  @Test
  void summon_startsAThreadForEachTask_upToTheMost_andNoneWithoutNeed() {
    PoolState wide = new PoolState(4, 4, 100, lane);
    assertNull(wide.summon(now));
    for (int i = 0; i < 6; i++) {
      wide.enqueue(task(lane, true));
      assertEquals(i < 4, wide.summon(now) == PoolState.START, "task " + i);
    }
    assertEquals(4, wide.threads);
    assertNull(wide.summon(now), "four look for work already, and there may be no more");
    wide.startFailed();
    assertEquals(3, wide.threads);
    assertSame(PoolState.START, wide.summon(now));
  }

  @Test
  void summon_withIdleWorkers_wakesOneOfThemForEachTask() {
    PoolWorker first = worker();
    PoolWorker second = worker();
    PoolWorker third = worker();
    for (PoolWorker worker : List.of(first, second, third)) {
      state.becomeIdle(worker);
    }
    PoolTask _ = put(lane, true);
    assertSame(third, state.summon(now));
    assertNull(state.summon(now), "one looks already");
    PoolTask _ = put(lane, true);
    assertSame(second, state.summon(now));
    state.looks(third);
    assertNotNull(startNext(third));
    assertNull(state.summon(now));
    state.looks(second);
    assertNotNull(startNext(second));
    PoolTask _ = put(lane, true);
    assertNull(state.summon(now), "of this lane no more may run");
    assertEquals(3, state.threads);
    finish(third);
    assertSame(first, state.summon(now));
  }

  /** From the middle of the idle ones too. */
  @Test
  void looks_ofAWorkerThatWasIdle_takesItOutOfTheIdleOnes() {
    List<PoolWorker> workers = List.of(worker(), worker(), worker());
    workers.forEach(state::becomeIdle);
    state.looks(workers.get(1));
    state.looks(workers.get(1));
    for (int i = 0; i < 2; i++) {
      PoolTask _ = put(lane, true);
    }
    List<PoolWorker> woken = new ArrayList<>();
    for (int i = 0; i < 2; i++) {
      woken.add(Objects.requireNonNull(state.summon(now)));
    }
    assertEquals(List.of(workers.get(2), workers.get(0)), woken);
    assertTrue(woken.stream().allMatch(worker -> worker.searching && !worker.idle));
  }

  /** All of a lane's threads are busy, and nobody would see when they become slow ones. */
  @Test
  void summon_withTheLaneFull_startsOneThatWatches_andOneOnly() {
    for (int i = 0; i < PER_LANE + 2; i++) {
      PoolTask _ = put(lane, true);
    }
    assertNotNull(startNext(worker()));
    assertNotNull(startNext(worker()));
    assertSame(PoolState.START, state.summon(now));
    assertNull(state.summon(now));
    assertEquals(PER_LANE + 1, state.threads);
  }

  @Test
  void workers_thatHaveRetired_areForgottenWhenTheirThreadsAreGone() throws Exception {
    PoolWorker stays = worker();
    PoolWorker gone = worker();
    PoolWorker leaving = worker();
    Thread dead = Thread.ofPlatform().start(() -> {});
    dead.join();
    gone.thread = dead;
    state.retire(gone);
    state.retire(leaving);
    assertEquals(1, state.threads);
    state.forgetGone();
    List<PoolWorker> known = new ArrayList<>();
    for (PoolWorker worker = state.firstOfAll(); worker != null; worker = worker.nextOfAll) {
      known.add(worker);
    }
    assertEquals(List.of(leaving, stays), known);
    leaving.thread = dead;
    state.forgetGone();
    assertSame(stays, state.firstOfAll());
    assertNull(stays.nextOfAll);
    stays.thread = dead;
    state.forgetGone();
    assertSame(stays, state.firstOfAll(), "it has not retired");
  }

  /** One looks on while the others sleep, and nobody need be woken for a single task. */
  @Test
  void linger_ofOneWorker_keepsASingleTaskFromRousingAnother() {
    PoolWorker first = worker();
    PoolWorker second = worker();
    state.becomeIdle(second);
    assertTrue(state.linger(first));
    assertFalse(state.linger(worker()), "one is enough");
    PoolTask task = put(lane, true);
    assertNull(state.summon(now), "somebody looks for it already");
    PoolTask another = put(other, true);
    state.add(other);
    assertSame(second, state.summon(now), "two need two");
    state.looks(first);
    assertSame(task, startNext(first));
    state.looks(second);
    assertSame(another, startNext(second));
    assertTrue(state.linger(worker()), "nobody looks any more");
  }

  @Test
  void isSomethingQueued_asTasksComeAndGo_tellsSo() {
    PoolWorker worker = worker();
    assertFalse(state.isSomethingQueued());
    PoolTask task = put(lane, true);
    assertTrue(state.isSomethingQueued());
    assertSame(task, startNext(worker));
    assertFalse(state.isSomethingQueued());
  }
}
