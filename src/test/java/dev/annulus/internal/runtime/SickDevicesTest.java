package dev.annulus.internal.runtime;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.annulus.internal.driver.Mounts;
import dev.annulus.internal.driver.Mounts.Mount;
import dev.annulus.internal.driver.Operation;
import dev.annulus.internal.driver.OperationTarget;
import dev.annulus.internal.driver.Refusals;
import dev.annulus.internal.driver.Request;
import dev.annulus.testing.RecordingRequest;
import dev.annulus.testing.RecordingRequest.How;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** Who is held back when, on files whose numbers say what they are on. */
class SickDevicesTest {
  private static final int SLOTS = 8;
  private static final int PLACES = 100;

  /** A file of one of these has its first number or one of the next thousand. */
  private static final int SICK = 1_000;

  private static final int OTHER = 2_000;
  private static final int HEALTHY = 3_000;
  private static final int PIPE = 4_000;

  private final Set<Request> doomed = new HashSet<>();
  private final Intake intake = new Intake(PLACES, true);

  /** Its clock goes by hand. */
  private static final class HandTable extends InFlightTable {
    private long later;

    HandTable(int usual) {
      this(SickDevices.slotsFor(usual), usual);
    }

    HandTable(int slots, int usual) {
      super(slots, usual);
    }

    @Override
    long now() {
      return System.nanoTime() + later;
    }

    void pass(long seconds) {
      later += TimeUnit.SECONDS.toNanos(seconds);
    }
  }

  private static final class Numbers extends BlockingFiles {
    private int asked;

    Numbers() {
      super(new Mounts());
    }

    @Override
    @Nullable Mount mountOf(Operation operation) {
      asked++;
      int fd = OperationTarget.descriptorOf(operation);
      return fd == OperationTarget.NONE ? null : new Mount("/" + fd / 1_000, "ext4", true);
    }

    @Override
    @Nullable Mount mountAtFault(Operation operation) {
      return OperationTarget.descriptorOf(operation) >= PIPE ? null : mountOf(operation);
    }
  }

  private final Numbers files = new Numbers();
  private HandTable table = new HandTable(SLOTS);
  private SickDevices devices = devicesOf(table);

  private SickDevices devicesOf(HandTable watched) {
    return new SickDevices(watched, files, intake, doomed::contains);
  }

  private static RecordingRequest sync(int fd) {
    return new RecordingRequest(new Operation.Sync(fd, false));
  }

  /** As the reaper does; the slot, or a negative number if it is held back or there is none. */
  private int begin(Request request) {
    intake.putOwn(request);
    return beginNext();
  }

  private int beginNext() {
    if (table.isFull()) {
      return -2;
    }
    int slot = devices.areAny() ? table.claim(devices::next) : table.claim(intake::take);
    if (slot >= 0 && devices.areAny()) {
      devices.claimed(slot);
    }
    devices.leavePlaces();
    return slot;
  }

  /** What may begin of those held back. */
  private @Nullable Request next() {
    int slot = beginNext();
    return slot < 0 ? null : table.request(slot);
  }

  private List<Integer> begin(int count, int kind) {
    List<Integer> slots = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      int slot = begin(sync(kind + i));
      assertTrue(slot >= 0, "no slot for number " + i);
      slots.add(slot);
    }
    return slots;
  }

  private void lookLater(int seconds) {
    table.pass(seconds);
    devices.look();
  }

  /** Fills the table with hung operations. */
  private List<Integer> hang(int count, int kind) {
    List<Integer> slots = begin(count, kind);
    lookLater(2);
    return slots;
  }

  @Test
  void slots_notAllTaken_areNotLookedAt() {
    hang(SLOTS - 1, SICK);
    assertFalse(devices.areAny());
    assertEquals(0, files.asked);
    assertEquals(0, devices.longestWait(0));
    assertEquals(7, devices.longestWait(7));
  }

  @Test
  void slots_allTakenByWhatEndsInTime_makeNobodySick() {
    begin(SLOTS, SICK);
    devices.look();
    assertFalse(devices.areAny());
    assertEquals(0, files.asked);
    assertTrue(devices.longestWait(0) > 0, "nobody would look again");
  }

  @Test
  void slots_allHung_areMadeMoreForOthersOnly() {
    hang(SLOTS, SICK);
    assertTrue(devices.areAny());
    assertEquals(-1, begin(sync(SICK)));
    begin(SLOTS / 2, HEALTHY);
    assertEquals(-2, begin(sync(HEALTHY)));
    assertEquals(SLOTS + SLOTS / 2, table.size());
  }

  @Test
  void oneSlot_hung_isMadeTwo() {
    table = new HandTable(1);
    devices = devicesOf(table);
    hang(1, SICK);
    assertEquals(-1, begin(sync(SICK)));
    begin(1, HEALTHY);
    assertEquals(-2, begin(sync(HEALTHY)));
  }

  @Test
  void tableWithoutMoreSlots_isNotWatched() {
    table = new HandTable(SLOTS, SLOTS);
    devices = devicesOf(table);
    hang(SLOTS, SICK);
    assertFalse(devices.areAny());
    assertEquals(0, devices.longestWait(0));
  }

  @Test
  void pipes_thatWait_areNotSick() {
    hang(SLOTS, PIPE);
    assertFalse(devices.areAny());
    assertTrue(table.isFull());
  }

  @Test
  void devices_whoseHungOperationsHoldLittle_areNotSick() {
    begin(SLOTS / 2 - 1, SICK);
    table.pass(2);
    begin(1 + SLOTS / 2, PIPE);
    devices.look();
    assertFalse(devices.areAny());
  }

  @Test
  void twoDevices_sickTogether_shareTheirHalf() {
    begin(SLOTS / 2, SICK);
    List<Integer> slots = hang(SLOTS / 2, OTHER);
    assertEquals(-1, begin(sync(SICK)));
    assertEquals(-1, begin(sync(OTHER)));
    begin(SLOTS / 2, HEALTHY);
    assertEquals(-2, begin(sync(HEALTHY)));
    slots.forEach(table::release);
    devices.look();
    assertNull(next(), "they hold half");
  }

  @Test
  void requestsHeldBack_goWhenTheirsEnd_upToHalf() {
    List<Integer> slots = hang(SLOTS, SICK);
    RecordingRequest first = sync(SICK);
    assertEquals(-1, begin(first));
    for (int i = 0; i < SLOTS; i++) {
      assertEquals(-1, begin(sync(SICK + i)));
    }
    assertFalse(devices.mayHaveReady());
    slots.subList(0, SLOTS / 2 + 1).forEach(table::release);
    devices.look();
    assertTrue(devices.mayHaveReady());
    assertSame(first, next());
    assertFalse(devices.mayHaveReady());
    assertNull(next());
  }

  @Test
  void requestsHeldBack_waitInPlacesOfTheQueue() {
    List<Integer> slots = hang(SLOTS, SICK);
    assertEquals(-1, begin(sync(SICK)));
    assertEquals(-1, begin(sync(SICK)));
    assertEquals(2, intake.admission().taken());
    slots.forEach(table::release);
    devices.look();
    assertNotNull(next());
    assertEquals(1, intake.admission().taken());
    assertFalse(devices.isEmpty());
    assertNotNull(next());
    assertEquals(0, intake.admission().taken());
    assertTrue(devices.isEmpty());
  }

  @Test
  void requestsHeldBack_beyondThePlaces_areTakenAllTheSame() {
    hang(SLOTS, SICK);
    for (int i = 0; i < PLACES + 1; i++) {
      assertEquals(-1, begin(sync(SICK)));
    }
    assertEquals(PLACES, intake.admission().taken());
    assertFalse(intake.admission().tryEnter());
  }

  @Test
  void requestsHeldBack_thatAreDoomed_comeOutWithoutRoom() {
    hang(SLOTS, SICK);
    List<RecordingRequest> held = new ArrayList<>();
    for (int i = 0; i < 5; i++) {
      RecordingRequest request = sync(SICK);
      held.add(request);
      assertEquals(-1, begin(request));
    }
    doomed.add(held.get(1));
    doomed.add(held.get(4));
    assertNull(next());
    devices.lookForDoomed();
    assertTrue(devices.mayHaveReady());
    assertSame(held.get(1), next());
    assertSame(held.get(4), next());
    assertNull(next());
    assertFalse(devices.mayHaveReady());
    assertEquals(3, intake.admission().taken());
  }

  @Test
  void closes_ofASickDevice_areNotHeldBack() {
    hang(SLOTS, SICK);
    assertTrue(begin(new RecordingRequest(new Operation.Close(SICK))) >= 0);
  }

  @Test
  void devices_withoutHungOperations_areWellAgain() {
    List<Integer> slots = hang(SLOTS, SICK);
    slots.subList(1, SLOTS).forEach(table::release);
    lookLater(1);
    assertTrue(devices.areAny(), "one operation hangs still");
    table.release(slots.getFirst());
    lookLater(1);
    assertFalse(devices.areAny());
    begin(SLOTS, SICK);
    assertTrue(table.isFull());
  }

  @Test
  void devices_withRequestsHeldBack_haveYetToShowThatTheyAreWell() {
    List<Integer> slots = hang(SLOTS, SICK);
    assertEquals(-1, begin(sync(SICK)));
    slots.forEach(table::release);
    lookLater(1);
    assertTrue(devices.areAny());
    int slot = beginNext();
    assertTrue(slot >= 0, "held back for ever");
    table.release(slot);
    lookLater(1);
    assertFalse(devices.areAny());
  }

  @Test
  void refuseAll_requestsHeldBack_areRefusedOnce() {
    hang(SLOTS, SICK);
    RecordingRequest held = sync(SICK);
    assertEquals(-1, begin(held));
    List<Request> seen = new ArrayList<>();
    devices.forEach(seen::add);
    assertEquals(List.of(held), seen);
    Throwable because = Refusals.closed();
    devices.refuseAll(because);
    devices.refuseAll(because);
    assertEquals(How.REFUSED, held.await().how());
    assertSame(because, assertInstanceOf(Throwable.class, held.await().cause()));
    assertEquals(1, held.ends());
    assertTrue(devices.isEmpty());
  }
}
