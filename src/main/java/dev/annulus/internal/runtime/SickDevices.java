package dev.annulus.internal.runtime;

import dev.annulus.internal.driver.HungOperations;
import dev.annulus.internal.driver.Mounts.Mount;
import dev.annulus.internal.driver.Operation;
import dev.annulus.internal.driver.Persistence;
import dev.annulus.internal.driver.Request;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * Keeps devices that do not answer from taking all slots for ever. A device is sick when operations
 * that hang hold half of the slots, and its own an eighth of them. All sick devices together may
 * hold half of the slots: their further requests are held back until some of theirs have ended.
 * Slots they hold beyond that, taken before it was known, do not count, so that there is always half
 * for the others: therefore the table has more slots than may usually be taken. One that has none is
 * not watched.
 *
 * <p>Costs two comparisons a round until all slots are taken. Then there is a look ten times a
 * second, and while a device is sick one at each slot in each round.
 *
 * <p>Confined to the reaper thread, except {@link #forEach}.
 */
final class SickDevices {
  private static final long LOOK_NANOS = 100_000_000;

  /** Of all slots, what a device's hung operations must hold for it to be sick. */
  private static final int SICK_PART = 8;

  private final InFlightTable table;
  private final BlockingFiles files;
  private final Intake intake;

  /** Tells whether a request is not to begin any more. */
  private final Predicate<Request> doomed;

  private final int usualSlots;

  /** Without, nothing can be done. */
  private final boolean hasMoreSlots;

  /** The slots that sick devices may hold. */
  private final int cap;

  /** The mount points of the sick devices. */
  private Set<String> sick = Set.of();

  /** Whether there is one; asked for all the time. */
  private boolean any;

  /** By slot, the operations of sick devices. */
  private final @Nullable Request[] ofSick;

  /** Whether {@link #ofSick} is complete. */
  private boolean marked = true;

  /** How many more operations of sick devices may begin. */
  private int room;

  private final OwnQueue held = new OwnQueue();

  /** So many of the requests held back are to be looked through for doomed ones. */
  private int toLookThrough;

  private long lastLook = System.nanoTime();

  /** The request that was let pass last is a sick device's. */
  private boolean passingIsSick;

  // What was begun, if an error of the JVM has cut it.
  private boolean placeTaken;
  private int owedPlaces;
  private @Nullable Request inHand;

  SickDevices(
      InFlightTable table,
      BlockingFiles files,
      Intake intake,
      Predicate<Request> doomed) {
    this.table = table;
    this.usualSlots = table.usualLimit();
    this.hasMoreSlots = table.capacity() > usualSlots;
    this.files = files;
    this.intake = intake;
    this.doomed = doomed;
    this.cap = Math.max(1, usualSlots - othersPart(usualSlots));
    this.ofSick = new Request[table.capacity()];
  }

  /** All slots that a table needs for so many that may usually be taken. */
  static int slotsFor(int usualSlots) {
    return usualSlots + othersPart(usualSlots);
  }

  /** What is always left to others than sick devices. With one slot it is one more. */
  private static int othersPart(int usualSlots) {
    return Math.max(1, usualSlots / 2);
  }

  /** Whether any device is sick. Only then need the other methods be called, but for {@link #look} and {@link #longestWait}. */
  boolean areAny() {
    return any;
  }

  /** Once a round: finds out who is sick or well again, and how many of those held back may go. */
  void look() {
    if (!mustLook()) {
      return;
    }
    long now = table.now();
    if (now - lastLook >= LOOK_NANOS) {
      lastLook = now;
      diagnose(now - HungOperations.HANGING_NANOS);
    }
    if (!marked) {
      mark();
    }
    if (!sick.isEmpty()) {
      count();
    }
  }

  private boolean mustLook() {
    return any || !marked || (table.isFull() && hasMoreSlots);
  }

  /** The longest wait of the coming round, or 0 for no limit. */
  long longestWait(long otherwise) {
    if (!mustLook()) {
      return otherwise;
    }
    return otherwise == 0 ? LOOK_NANOS : Math.min(otherwise, LOOK_NANOS);
  }

  private void diagnose(long moment) {
    if (sick.isEmpty() && table.countSince(moment) < cap) {
      return;
    }
    Map<String, Integer> hung = new HashMap<>();
    for (int slot = 0; slot < table.capacity(); slot++) {
      Request request = table.requestOrNull(slot);
      if (request != null && table.isSince(slot, moment)) {
        Mount mount = files.mountAtFault(request.operation());
        if (mount != null) {
          hung.merge(mount.point(), 1, Integer::sum);
        }
      }
    }
    Set<String> found = worst(hung);
    hung.keySet().stream().filter(sick::contains).forEach(found::add);
    if (!isEmpty()) {
      found.addAll(sick); // they have yet to show that they are well
    }
    if (!found.equals(sick)) {
      marked = false;
      sick = found;
      any = !found.isEmpty();
    }
  }

  /** Those whose hung operations hold too much, if they do so together. */
  private Set<String> worst(Map<String, Integer> hung) {
    int least = Math.max(1, usualSlots / SICK_PART);
    Set<String> worst = new HashSet<>();
    int slots = 0;
    for (Map.Entry<String, Integer> each : hung.entrySet()) {
      if (each.getValue() >= least) {
        worst.add(each.getKey());
        slots += each.getValue();
      }
    }
    return slots >= cap ? worst : new HashSet<>();
  }

  private void mark() {
    for (int slot = 0; slot < table.capacity(); slot++) {
      Request request = table.requestOrNull(slot);
      ofSick[slot] = request != null && isOfSick(request) ? request : null;
    }
    if (sick.isEmpty()) {
      table.limit(usualSlots);
    }
    marked = true;
  }

  private boolean isOfSick(Request request) {
    if (sick.isEmpty() || request.operation() instanceof Operation.Close) {
      return false;
    }
    Mount mount = files.mountOf(request.operation());
    return mount != null && sick.contains(mount.point());
  }

  private void count() {
    int taken = 0;
    for (int slot = 0; slot < ofSick.length; slot++) {
      Request request = ofSick[slot];
      if (request != null && isIn(slot, request)) {
        taken++;
      } else {
        ofSick[slot] = null;
      }
    }
    room = cap - taken;
    table.limit(Math.clamp(taken + (long) othersPart(usualSlots), usualSlots, table.capacity()));
  }

  @SuppressWarnings("ReferenceEquality") // this very request
  private boolean isIn(int slot, Request request) {
    return table.requestOrNull(slot) == request;
  }

  /**
   * The next request that may begin, be it one of those held back or out of the intake; {@code null}
   * if there is none. {@link #claimed} must follow, and {@link #leavePlaces}. As {@link
   * InFlightTable#claim} demands, nothing is called once a request is let go of.
   */
  @Nullable Request next() {
    while (true) {
      if (inHand == null) {
        if (isFirstReady()) {
          passingIsSick = true;
          Request ready = held.poll();
          owedPlaces++;
          return ready;
        }
        inHand = intake.take();
      }
      Request request = inHand;
      if (request == null) {
        return null;
      }
      if (!isToWait(request) || !isHeld(request)) {
        inHand = null;
        return request;
      }
      inHand = null;
    }
  }

  /** Whether one of those held back may go, or is doomed: then it is the first. */
  private boolean isFirstReady() {
    boolean ready = room > 0 && !held.isEmpty();
    while (!ready && toLookThrough > 0) {
      Request first = held.peek();
      ready = first != null && doomed.test(first);
      if (first != null && !ready) {
        held.rotate();
      }
      toLookThrough--;
    }
    return ready;
  }

  /** A close never waits: it gives back. */
  private boolean isToWait(Request request) {
    passingIsSick = isOfSick(request);
    return passingIsSick && room <= 0 && !doomed.test(request);
  }

  /** Holds a request back, in a place of the queue. For want of memory it is not. */
  private boolean isHeld(Request request) {
    try {
      if (!placeTaken) {
        intake.admission().takeAnyway();
        placeTaken = true;
      }
      held.add(request);
      placeTaken = false;
      return true;
    } catch (VirtualMachineError e) {
      return false;
    }
  }

  /** What came last from {@link #next} has a slot now. */
  void claimed(int slot) {
    if (passingIsSick) {
      ofSick[slot] = table.request(slot);
      room--;
      passingIsSick = false;
    }
  }

  /** Gives back the places of what is not held back any more. */
  void leavePlaces() {
    if (owedPlaces > 0) {
      intake.admission().leave(owedPlaces);
      owedPlaces = 0;
    }
  }

  /** Some of those held back may be doomed by now. */
  void lookForDoomed() {
    toLookThrough = held.size();
  }

  /** Whether one of those held back may go, or is to be looked at. */
  boolean mayHaveReady() {
    return inHand != null || (!held.isEmpty() && (room > 0 || toLookThrough > 0));
  }

  /** Whether none is held back. */
  boolean isEmpty() {
    return held.isEmpty() && inHand == null;
  }

  /** The reaper's end: refuses those held back. Goes on where it was cut. */
  void refuseAll(Throwable because) {
    while (!isEmpty()) {
      if (inHand == null) {
        inHand = held.poll();
        owedPlaces++;
      }
      Request request = inHand;
      if (request != null) {
        request.mark(Request.NO_MARK);
        Persistence.refuse(request, because);
      }
      inHand = null;
    }
    leavePlaces();
  }

  /** Any thread, while the reaper is away: calls with each request held back. */
  void forEach(Consumer<Request> action) {
    Request taken = inHand;
    if (taken != null) {
      action.accept(taken);
    }
    held.forEach(action);
  }
}
