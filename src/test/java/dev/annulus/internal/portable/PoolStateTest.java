package dev.annulus.internal.portable;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.annulus.testing.RecordingRequest;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Who may have a thread while operations hang; the clock goes by hand. */
class PoolStateTest {
  private static final long HUNG = PoolState.SLOW_NANOS + 1;

  private final Lane sick = new Lane();
  private final Lane healthy = new Lane();
  private final Lane streams = Lane.ofStreams();

  @SuppressWarnings("NullAway.Init") // havePool
  private PoolState state;

  private void havePool(int threads) {
    state = new PoolState(threads, threads, 10, sick);
    state.add(healthy);
    state.add(streams);
  }

  private static PoolTask task(Lane lane) {
    RecordingRequest request = RecordingRequest.nop();
    return new PoolTask(request, request.operation(), lane, false);
  }

  /** Has so many tasks of a lane run that never end, on threads of their own. */
  private List<PoolTask> hang(int count, Lane lane) {
    List<PoolTask> tasks = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      PoolTask task = task(lane);
      state.enqueue(task);
      assertSame(PoolState.START, state.summon(0));
      PoolWorker worker = new PoolWorker(null);
      worker.thread = Thread.currentThread();
      state.looks(worker);
      assertSame(task, state.next(0));
      state.start(worker, task, 0);
      tasks.add(task);
    }
    return tasks;
  }

  @ParameterizedTest
  @CsvSource({"1, 1", "4, 1", "32, 4"})
  void threads_allHung_areMoreForOtherDevicesOnly(int threads, int more) {
    havePool(threads);
    hang(threads, sick);
    state.enqueue(task(sick));
    PoolTask other = task(healthy);
    state.enqueue(other);
    assertNull(state.next(HUNG / 2));
    assertSame(other, state.next(HUNG));
    state.start(new PoolWorker(null), other, HUNG);
    for (int i = 1; i < more; i++) {
      PoolTask another = task(healthy);
      state.enqueue(another);
      assertSame(another, state.next(HUNG));
      state.start(new PoolWorker(null), another, HUNG);
    }
    state.enqueue(task(healthy));
    assertNull(state.next(HUNG), "more threads than said");
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 4, 32})
  void threads_thatAllWaitForPipes_areNotMore(int threads) {
    havePool(threads);
    hang(threads, streams);
    state.enqueue(task(healthy));
    assertNull(state.next(HUNG));
  }

  /** Somebody must see that they hang. */
  @ParameterizedTest
  @ValueSource(ints = {1, 4, 32})
  void threads_allTaken_haveOneWhoLooks(int threads) {
    havePool(threads);
    hang(threads, sick);
    state.enqueue(task(healthy));
    assertSame(PoolState.START, state.summon(1));
    assertNull(state.summon(1), "one is enough");
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 4, 32})
  void threads_whoseOperationsHangNoMore_areAsManyAsBefore(int threads) {
    havePool(threads);
    List<PoolTask> hung = hang(threads, sick);
    state.enqueue(task(healthy));
    assertNotNull(state.next(HUNG));
    PoolTask first = hung.getFirst();
    state.stopRunning(first);
    state.end(first);
    hung.subList(1, threads).forEach(state::giveUp);
    assertEquals(0, state.running);
    for (int i = 0; i < threads; i++) {
      PoolTask next = task(streams);
      state.enqueue(next);
      state.start(new PoolWorker(null), next, HUNG);
    }
    assertTrue(state.queued > 0);
    assertNull(state.next(HUNG), "more threads than there may be");
  }
}
