package dev.annulus.internal.runtime;

import dev.annulus.internal.driver.Closing;
import dev.annulus.internal.driver.Finisher;
import dev.annulus.internal.driver.Log;
import dev.annulus.internal.driver.Refusals;
import dev.annulus.internal.driver.Request;
import dev.annulus.internal.driver.StallWatch;
import dev.annulus.internal.driver.Whereabouts;
import java.util.Collections;
import java.util.ConcurrentModificationException;
import java.util.IdentityHashMap;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * What the thread that closes does when the reaper does not end in time, because users' code or the
 * kernel keeps it: ends the futures of everything the reaper has in hand, as an early end by the
 * user would.
 *
 * <p>Nothing of the reaper's state is changed, only read while the reaper is away ({@link
 * Whereabouts} says how that is safe). The ring, the queues and what was lent to operations stay as
 * they are. Should the reaper come back, it ends every request and closes the ring in its usual way;
 * the futures have ended before it.
 */
final class LostReaper {
  private static final long BETWEEN_LOOKS_NANOS = TimeUnit.MILLISECONDS.toNanos(1);

  private final String name;
  private final Whereabouts where;
  private final Intake intake;
  private final InFlightTable table;
  private final SickDevices heldBack;

  /** What was begun, and what was not. */
  private record InHand(Set<Request> begun, Set<Request> waiting) {}

  LostReaper(
      String name, Whereabouts where, Intake intake, InFlightTable table, SickDevices heldBack) {
    this.name = name;
    this.where = where;
    this.intake = intake;
    this.table = table;
    this.heldBack = heldBack;
  }

  /**
   * Gives up all that the reaper has in hand, and whatever is put from now on.
   *
   * @return how many operations were begun and are given up
   */
  int giveUp(Finisher finisher, Closing closing) {
    intake.giveUp(Refusals.closed());
    InHand inHand = look();
    while (inHand == null && isAlive() && closing.nanosUntilDriverEnded() > 0) {
      // It moves, so it has not come to a standstill for good; mostly it ends now.
      LockSupport.parkNanos(BETWEEN_LOOKS_NANOS);
      inHand = look();
    }
    if (inHand == null || !isAlive()) {
      return 0;
    }
    Throwable lost = Refusals.givenUp();
    inHand.begun.forEach(request -> finisher.add(() -> request.givenUp(lost)));
    Throwable closed = Refusals.closed();
    inHand.waiting.forEach(request -> finisher.add(() -> request.givenUp(closed)));
    return inHand.begun.size();
  }

  private boolean isAlive() {
    Thread thread = where.thread();
    return thread != null && thread.isAlive();
  }

  /** All that the reaper has in hand, or {@code null} if it moved meanwhile. */
  private @Nullable InHand look() {
    long before = where.sequence();
    if (!Whereabouts.isAway(before)) {
      return null;
    }
    InHand seen = new InHand(identitySet(), identitySet());
    try {
      table.forEachRequest(seen.begun::add);
      table.forEachUnbegun(seen.waiting::add);
      intake.forEach(seen.waiting::add);
      heldBack.forEach(seen.waiting::add);
    } catch (ConcurrentModificationException e) {
      return null;
    }
    return where.isStill(before) ? seen : null;
  }

  private static Set<Request> identitySet() {
    return Collections.newSetFromMap(new IdentityHashMap<>());
  }

  /** Says in the log what keeps the reaper. */
  void report(int givenUp) {
    Thread thread = where.thread();
    if (thread == null || !thread.isAlive()) {
      return;
    }
    String by = Whereabouts.isInUsersCode(where.sequence()) ? "users' code" : "the kernel";
    Log.warn(
        "the runtime "
            + name
            + " was closed while "
            + by
            + " held its thread; the futures of "
            + givenUp
            + " operations were ended, but their buffers, files and the ring are kept until the thread"
            + " comes back. It is at\n"
            + StallWatch.stackOf(thread));
  }
}
