package dev.annulus.internal.runtime;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.annulus.internal.driver.Request;
import dev.annulus.internal.driver.RequestLink;
import dev.annulus.internal.driver.RequestStack;
import dev.annulus.testing.RecordingRequest;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The reaper's queues against a plain one, at every fill and across every wrap of their places. */
class QueuesTest {
  private static final long SEED = 20261128;
  private static final int STEPS = 5000;

  private static List<Request> requests(int count) {
    return IntStream.range(0, count).<Request>mapToObj(_ -> RecordingRequest.nop()).toList();
  }

  // ---- bounded ----

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3, 4, 5, 7, 8, 9, 64})
  void bounded_filledAndEmptied_holdsAsManyAsAskedFor(int limit) {
    BoundedQueue queue = new BoundedQueue(limit);
    for (int round = 0; round < 5; round++) {
      List<Request> put = requests(limit);
      assertTrue(queue.isEmpty());
      assertNull(queue.poll());
      put.forEach(request -> assertTrue(queue.offer(request)));
      assertFalse(queue.isEmpty());
      assertEquals(Set.copyOf(put), seenBy(queue));
      for (Request request : put) {
        assertSame(request, queue.poll());
      }
      assertEquals(Set.of(), seenBy(queue));
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3, 8, 9})
  void bounded_full_refusesAndKeepsWhatItHas(int limit) {
    BoundedQueue queue = new BoundedQueue(limit);
    List<Request> put = new ArrayList<>();
    Request next = RecordingRequest.nop();
    while (queue.offer(next)) {
      put.add(next);
      next = RecordingRequest.nop();
      assertTrue(put.size() <= 4 * limit, "takes more than it has places for");
    }
    assertTrue(put.size() >= limit, "fewer places than asked for: " + put.size());
    for (Request request : put) {
      assertSame(request, queue.poll());
    }
    assertTrue(queue.offer(next));
    assertSame(next, queue.poll());
    assertNull(queue.poll());
  }

  @Test
  void bounded_randomUse_isFirstInFirstOut() {
    Random random = new Random(SEED);
    BoundedQueue queue = new BoundedQueue(16);
    Deque<Request> model = new ArrayDeque<>();
    for (int step = 0; step < STEPS; step++) {
      if (model.size() < 16 && random.nextBoolean()) {
        Request request = RecordingRequest.nop();
        assertTrue(queue.offer(request));
        model.add(request);
      } else {
        assertSame(model.poll(), queue.poll(), "step " + step + ", seed " + SEED);
      }
      assertEquals(model.isEmpty(), queue.isEmpty());
    }
  }

  private static Set<Request> seenBy(BoundedQueue queue) {
    Set<Request> seen = new HashSet<>();
    queue.forEach(request -> assertTrue(seen.add(request)));
    return seen;
  }

  // ---- the reaper's own ----

  @Test
  void own_randomUseBeyondItsFirstSize_isFirstInFirstOut() {
    Random random = new Random(SEED);
    OwnQueue queue = new OwnQueue();
    Deque<Request> model = new ArrayDeque<>();
    int largest = 0;
    for (int step = 0; step < STEPS; step++) {
      boolean growing = step / 500 % 2 == 0;
      if (random.nextInt(10) < (growing ? 8 : 2)) {
        Request request = RecordingRequest.nop();
        queue.add(request);
        model.add(request);
      } else {
        assertSame(model.poll(), queue.poll(), "step " + step + ", seed " + SEED);
      }
      if (random.nextInt(4) == 0 && !model.isEmpty()) {
        queue.rotate();
        model.add(model.remove());
      }
      assertSame(model.peek(), queue.peek());
      assertEquals(model.size(), queue.size());
      largest = Math.max(largest, model.size());
      assertEquals(model.isEmpty(), queue.isEmpty());
    }
    assertTrue(largest > 200, "it hardly grew: " + largest);
    Set<Request> seen = new HashSet<>();
    queue.forEach(request -> assertTrue(seen.add(request)));
    assertEquals(Set.copyOf(model), seen);
  }

  /** It grows when its places are all taken and the first is in the middle of them. */
  @ParameterizedTest
  @ValueSource(ints = {0, 1, 63})
  void own_growingWithItsHeadAnywhere_keepsTheOrder(int headAt) {
    OwnQueue queue = new OwnQueue();
    for (int i = 0; i < headAt; i++) {
      queue.add(RecordingRequest.nop());
      assertTrue(queue.poll() != null);
    }
    List<Request> put = requests(200);
    put.forEach(queue::add);
    for (Request request : put) {
      assertSame(request, queue.poll());
    }
    assertNull(queue.poll());
    assertTrue(queue.isEmpty());
  }

  @Test
  void own_whatWasTaken_isNotSeenAnyMore() {
    OwnQueue queue = new OwnQueue();
    List<Request> put = requests(3);
    put.forEach(queue::add);
    Request _ = queue.poll();
    List<Request> seen = new ArrayList<>();
    queue.forEach(seen::add);
    assertEquals(put.subList(1, 3), seen);
  }

  // ---- urgent ones ----

  @Test
  void stack_randomUse_givesTheFirstFirst() {
    Random random = new Random(SEED);
    RequestStack stack = new RequestStack();
    Deque<Request> model = new ArrayDeque<>();
    for (int step = 0; step < STEPS; step++) {
      if (random.nextInt(5) < 2) {
        Request request = RecordingRequest.nop();
        stack.put(new RequestLink(request));
        model.add(request);
      } else {
        assertSame(model.poll(), stack.poll(), "step " + step + ", seed " + SEED);
      }
      assertEquals(model.isEmpty(), stack.isEmpty());
      Set<Request> seen = new HashSet<>();
      stack.forEach(request -> assertTrue(seen.add(request)));
      assertEquals(Set.copyOf(model), seen);
    }
  }

  // ---- slot numbers ----

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3, 8, 100})
  void slots_randomUse_comeInOrder(int capacity) {
    Random random = new Random(SEED);
    SlotRing ring = new SlotRing(capacity);
    Deque<Integer> model = new ArrayDeque<>();
    int next = 0;
    for (int step = 0; step < STEPS; step++) {
      boolean adds = random.nextBoolean();
      if (adds && model.size() < capacity) {
        ring.add(next);
        model.add(next++);
      } else if (!adds && !model.isEmpty()) {
        assertEquals(model.peek(), ring.peek());
        assertEquals(model.poll(), ring.remove(), "step " + step + ", seed " + SEED);
      }
      assertEquals(model.size(), ring.size());
      assertEquals(model.isEmpty(), ring.isEmpty());
    }
  }
}
