package dev.annulus.internal.runtime;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.annulus.internal.driver.Request;
import dev.annulus.testing.RecordingRequest;
import java.lang.reflect.Field;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class InFlightTableTest {
  private static final long SEED = 20261122;

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 7, 64})
  void claim_untilFull_givesEachSlotOnce(int capacity) {
    InFlightTable table = new InFlightTable(capacity);
    assertTrue(table.isEmpty());
    Set<Integer> slots = new HashSet<>();
    for (int i = 0; i < capacity; i++) {
      assertFalse(table.isFull());
      int slot = table.claim(RecordingRequest::nop);
      assertTrue(slot >= 0 && slot < capacity, "slot " + slot);
      assertTrue(slots.add(slot), "slot " + slot + " given twice");
      assertEquals(i + 1, table.size());
    }
    assertTrue(table.isFull());
    assertFalse(table.isEmpty());
    slots.forEach(table::release);
    assertTrue(table.isEmpty());
    assertFalse(table.isFull());
    assertEquals(0, table.size());
  }

  /** Only who knows that the others hang may allow more. */
  @Test
  void claim_tableWithMoreSlotsThanUsual_isFullAtItsLimit() {
    InFlightTable table = new InFlightTable(4, 2);
    assertEquals(2, table.usualLimit());
    assertEquals(4, table.capacity());
    int first = table.claim(RecordingRequest::nop);
    assertFalse(table.isFull());
    int _ = table.claim(RecordingRequest::nop);
    assertTrue(table.isFull());
    table.limit(3);
    assertFalse(table.isFull());
    int _ = table.claim(RecordingRequest::nop);
    assertTrue(table.isFull());
    table.limit(2);
    table.release(first);
    assertTrue(table.isFull(), "as many as are usual");
    assertEquals(2, table.usualLimit());
  }

  @Test
  void release_slot_returnsItsRequestAndAllowsReuse() {
    InFlightTable table = new InFlightTable(2);
    RecordingRequest first = RecordingRequest.nop();
    RecordingRequest second = RecordingRequest.nop();
    int a = table.claim(() -> first);
    int b = table.claim(() -> second);
    assertSame(first, table.request(a));
    assertSame(second, table.request(b));
    assertTrue(table.isFull());
    assertSame(first, table.release(a));
    assertFalse(table.isFull());
    RecordingRequest third = RecordingRequest.nop();
    assertEquals(a, table.claim(() -> third));
    assertSame(third, table.request(a));
    assertSame(second, table.request(b));
  }

  @Test
  void isCurrent_staleOrForeignUserData_isFalse() {
    InFlightTable table = new InFlightTable(4);
    int slot = table.claim(RecordingRequest::nop);
    long first = table.nextUserData(slot);
    assertTrue(table.isCurrent(first));
    assertEquals(first, table.userData(slot));
    assertEquals(slot, UserData.slot(first));

    long resubmitted = table.nextUserData(slot);
    assertFalse(table.isCurrent(first), "an earlier submission of the same request");
    assertTrue(table.isCurrent(resubmitted));

    table.release(slot);
    assertFalse(table.isCurrent(resubmitted), "a released slot");
    assertEquals(slot, table.claim(RecordingRequest::nop));
    long second = table.nextUserData(slot);
    assertNotEquals(resubmitted, second);
    assertFalse(table.isCurrent(resubmitted), "an earlier request in the same slot");
    assertTrue(table.isCurrent(second));

    assertFalse(table.isCurrent(UserData.WAKE));
    assertFalse(table.isCurrent(UserData.CANCEL));
    assertFalse(table.isCurrent(UserData.of(4, 1)), "beyond the table");
    assertFalse(table.isCurrent(UserData.of(3, 0)), "a slot never taken");
    assertFalse(table.isCurrent(UserData.of(Integer.MAX_VALUE, 0)));
  }

  @Test
  void claim_reusedSlot_startsAfresh() {
    InFlightTable table = new InFlightTable(1);
    int slot = table.claim(RecordingRequest::nop);
    table.keep(slot, "memory");
    table.markCancelled(slot);
    assertEquals(0, table.countRetry(slot));
    assertEquals(1, table.countRetry(slot));
    assertEquals("memory", table.kept(slot));
    assertTrue(table.isCancelled(slot));

    table.release(slot);
    assertEquals(slot, table.claim(RecordingRequest::nop));
    assertNull(table.kept(slot));
    assertFalse(table.isCancelled(slot));
    assertEquals(0, table.countRetry(slot));
  }

  @Test
  void markCancelled_twice_isOneCancellation() {
    InFlightTable table = new InFlightTable(1);
    int slot = table.claim(RecordingRequest::nop);
    table.markCancelled(slot);
    table.markCancelled(slot);
    assertEquals(slot, table.nextCancel());
    table.cancelDone();
    assertFalse(table.hasCancels());
    table.markCancelled(slot);
    assertTrue(table.hasCancels(), "it can never be cancelled again");
  }

  @Test
  void retry_ofASlot_isTakenOnceAndInTheKernelThen() {
    InFlightTable table = new InFlightTable(2);
    int first = table.claim(RecordingRequest::nop);
    int second = table.claim(RecordingRequest::nop);
    long userData = table.nextUserData(first);
    assertTrue(table.isInKernel(first));
    table.retry(first);
    table.retry(second);
    assertTrue(table.hasRetries());
    assertFalse(table.isInKernel(first));
    assertFalse(table.isCurrent(userData), "its answer has come");
    assertEquals(first, table.takeRetry());
    assertTrue(table.isInKernel(first));
    assertTrue(table.isCurrent(userData));
    assertEquals(second, table.takeRetry());
    assertFalse(table.hasRetries());
  }

  @Test
  void claim_nothingToTake_takesNoSlot() {
    InFlightTable table = new InFlightTable(1);
    assertEquals(-1, table.claim(() -> null));
    assertTrue(table.isEmpty());
    assertFalse(table.isFull());
    assertEquals(0, table.claim(RecordingRequest::nop));
  }

  @Test
  void endings_ofAllKinds_areToldInOrderAndFreeTheirSlots() {
    InFlightTable table = new InFlightTable(2);
    RecordingRequest ended = RecordingRequest.nop();
    RecordingRequest refused = RecordingRequest.nop();
    IllegalStateException cause = new IllegalStateException("said by the test");
    int first = table.claim(() -> ended);
    int second = table.claim(() -> refused);
    table.keep(first, "memory");
    table.end(first, 17);
    table.refuse(second, cause);
    assertEquals(2, table.endings());
    assertEquals(17, table.outcome(first));
    assertNull(table.refusal(first), "its memory is no cause");
    assertSame(cause, table.refusal(second));
    assertEquals(first, table.takeEnding());
    assertSame(ended, table.request(first));
    assertEquals(1, table.size(), "it is as good as told");
    assertTrue(table.isFull(), "its slot is not free before it has been told");
    table.told(first);
    assertNull(table.kept(first), "memory is kept");
    assertNull(table.requestOrNull(first));
    assertFalse(table.isFull());
    assertEquals(second, table.takeEnding());
    table.told(second);
    assertEquals(0, table.endings());
    assertTrue(table.isEmpty());
    Set<Integer> slots = new HashSet<>();
    slots.add(table.claim(RecordingRequest::nop));
    slots.add(table.claim(RecordingRequest::nop));
    assertEquals(Set.of(0, 1), slots);
    assertTrue(table.isFull());
  }

  @Test
  void tellLater_requestInHand_isTheLastWithItsOutcome() {
    InFlightTable table = new InFlightTable(2);
    RecordingRequest request = RecordingRequest.nop();
    int slot = table.claim(() -> request);
    int other = table.claim(RecordingRequest::nop);
    table.end(slot, 3);
    table.end(other, 4);
    assertEquals(slot, table.takeEnding());
    table.tellLater(slot);
    assertEquals(2, table.endings());
    assertEquals(2, table.size());
    assertEquals(other, table.takeEnding());
    table.told(other);
    assertSame(request, table.request(slot));
    assertEquals(3, table.outcome(slot));
    assertNull(table.refusal(slot));
    assertEquals(slot, table.takeEnding());
    table.told(slot);
    assertTrue(table.isEmpty());
  }

  @Test
  void take_anEnding_isToldAndFreesItsSlot() {
    InFlightTable table = new InFlightTable(1);
    RecordingRequest request = RecordingRequest.nop();
    int slot = table.claim(() -> request);
    table.keep(slot, "memory");
    long userData = table.nextUserData(slot);
    assertEquals(slot, table.take(slot, 5));
    assertEquals(0, table.size(), "it is as good as told");
    assertTrue(table.isFull(), "its slot is not free before it has been told");
    assertFalse(table.isCurrent(userData), "its completion has come");
    assertEquals(5, table.outcome(slot));
    assertNull(table.refusal(slot));
    assertSame(request, table.request(slot));
    table.tellLater(slot);
    assertEquals(1, table.size());
    assertEquals(1, table.endings());
    assertEquals(slot, table.takeEnding());
    table.told(slot);
    assertNull(table.kept(slot));
    assertEquals(slot, table.claim(RecordingRequest::nop));
  }

  @Test
  void since_momentsOfClaims_tellOldFromNew() {
    InFlightTable table = new InFlightTable(4);
    table.tick();
    RecordingRequest old = RecordingRequest.nop();
    int _ = table.claim(() -> old);
    long between = table.now();
    assertEquals(1, table.countSince(between));
    while (table.now() == between) {
      table.tick(); // the clock is a coarse one
    }
    int young = table.claim(RecordingRequest::nop);
    assertEquals(1, table.countSince(between));
    assertEquals(2, table.countSince(System.nanoTime()));
    List<Request> seen = new ArrayList<>();
    table.forEachSince(between, seen::add);
    assertEquals(List.of(old), seen);
    assertEquals(0, table.countSince(between - Long.MAX_VALUE / 2));
    table.release(young);
    assertEquals(1, table.countSince(System.nanoTime()));
    table.end(table.claim(RecordingRequest::nop), 0);
    table.refuse(table.claim(RecordingRequest::nop), new IllegalStateException("said by the test"));
    assertEquals(1, table.countSince(System.nanoTime()), "what has ended does not hang");
    seen.clear();
    table.forEachSince(System.nanoTime(), seen::add);
    assertEquals(List.of(old), seen);
  }

  @Test
  void forEach_begunAndUnbegun_tellsThemApart() {
    InFlightTable table = new InFlightTable(8);
    List<RecordingRequest> begun = new ArrayList<>();
    List<RecordingRequest> unbegun = new ArrayList<>();
    for (int i = 0; i < 3; i++) {
      begun.add(RecordingRequest.nop());
    }
    unbegun.add(RecordingRequest.nop());
    unbegun.add(RecordingRequest.nop());
    int _ = table.claim(() -> begun.get(0));
    table.end(table.claim(() -> begun.get(1)), 0);
    table.retry(table.claim(() -> begun.get(2)));
    table.end(table.claim(() -> unbegun.get(0)), InFlightTable.NEVER_BEGUN);
    table.refuse(table.claim(() -> unbegun.get(1)), new IllegalStateException("said by the test"));
    List<Request> seen = new ArrayList<>();
    table.forEachRequest(seen::add);
    assertEquals(begun, seen);
    seen.clear();
    table.forEachUnbegun(seen::add);
    assertEquals(unbegun, seen);
  }

  @ParameterizedTest
  @ValueSource(ints = {-1, Integer.MAX_VALUE, Integer.MIN_VALUE})
  void nextUserData_generationAtItsEdge_wraps(int last) throws ReflectiveOperationException {
    InFlightTable table = new InFlightTable(3);
    int slot = table.claim(RecordingRequest::nop);
    Field generations = InFlightTable.class.getDeclaredField("generations");
    generations.setAccessible(true);
    ((int[]) generations.get(table))[slot] = last;
    long before = table.userData(slot);
    assertTrue(table.isCurrent(before));
    long after = table.nextUserData(slot);
    assertEquals(slot, UserData.slot(after));
    assertEquals(last + 1, UserData.generation(after));
    assertTrue(table.isCurrent(after));
    assertFalse(table.isCurrent(before));
  }

  @Test
  void forEachSlot_releasingOnTheWay_visitsTheTakenOnes() {
    InFlightTable table = new InFlightTable(8);
    List<Integer> taken = new ArrayList<>();
    for (int i = 0; i < 8; i++) {
      taken.add(table.claim(RecordingRequest::nop));
    }
    List<Integer> expected = new ArrayList<>(taken);
    for (int i = 0; i < 8; i += 3) {
      table.release(taken.get(i));
      expected.remove((Object) taken.get(i));
    }
    List<Integer> visited = new ArrayList<>();
    table.forEachSlot(
        slot -> {
          visited.add(slot);
          table.release(slot);
        });
    assertEquals(expected.stream().sorted().toList(), visited.stream().sorted().toList());
    assertTrue(table.isEmpty());
  }

  @Test
  void table_randomUse_neverConfusesRequests() {
    Random random = new Random(SEED);
    InFlightTable table = new InFlightTable(16);
    Map<Integer, RecordingRequest> model = new HashMap<>();
    Map<Integer, Long> current = new HashMap<>();
    Set<Long> everUsed = new HashSet<>();
    for (int step = 0; step < 20_000; step++) {
      assertEquals(model.size(), table.size(), "seed " + SEED + ", step " + step);
      assertEquals(model.size() == 16, table.isFull());
      if (!table.isFull() && (model.isEmpty() || random.nextBoolean())) {
        RecordingRequest request = RecordingRequest.nop();
        int slot = table.claim(() -> request);
        assertNull(model.put(slot, request), "seed " + SEED + ", step " + step);
        long userData = table.nextUserData(slot);
        assertTrue(everUsed.add(userData), "user data used twice, seed " + SEED + ", step " + step);
        current.put(slot, userData);
      } else {
        int slot = List.copyOf(model.keySet()).get(random.nextInt(model.size()));
        assertTrue(table.isCurrent(current.getOrDefault(slot, 0L)));
        assertSame(model.remove(slot), table.release(slot), "seed " + SEED + ", step " + step);
        assertFalse(table.isCurrent(current.getOrDefault(slot, 0L)));
      }
    }
  }
}
