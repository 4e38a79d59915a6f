package dev.annulus;

import dev.annulus.internal.driver.BriefLock;
import dev.annulus.internal.driver.Operation;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;

/**
 * The writes and syncs of a file that was opened to have each write synced, and which of their
 * successes may be believed. The kernel tells each loss once, to whichever of those in flight comes
 * first; the others are answered well, and may be the ones whose data is lost. So a success is kept
 * back until everything has ended that was in flight with it, and is none if one of these has lost
 * data. Nothing waits to begin.
 */
final class SyncedWrites {
  /** The reaper takes it too. */
  private final BriefLock lock = new BriefLock();

  // Guarded by the lock.

  /** What has begun and not ended, oldest first. */
  private final LinkedHashMap<FileFuture<?>, Begun> inFlight = new LinkedHashMap<>();

  /** What has ended well and waits for others, in the order of its end. */
  private final ArrayDeque<Kept> kept = new ArrayDeque<>();

  private long begun;
  private long losses;

  static boolean isOne(Operation operation) {
    return switch (operation) {
      case Operation.Write _, Operation.WriteVector _, Operation.Sync _ -> true;
      default -> false;
    };
  }

  /** An operation is about to be handed over. Once more does no harm. */
  void begin(FileFuture<?> future) {
    lock.lock();
    try {
      Begun _ = inFlight.putIfAbsent(future, new Begun(begun++, losses));
    } finally {
      lock.held = false;
    }
  }

  /** Data was lost, before whoever reports it {@linkplain #leave leaves}. */
  void noteLoss() {
    lock.lock();
    try {
      losses++;
    } finally {
      lock.held = false;
    }
  }

  /**
   * An operation has ended well. True if it {@linkplain FileFuture#tell is told} so later, or has been
   * by now; false if it is none of these.
   */
  boolean keepBack(FileFuture<?> future, int result) {
    List<Kept> believed;
    lock.lock();
    try {
      Begun entry = inFlight.remove(future);
      if (entry == null) {
        return false;
      }
      kept.add(new Kept(future, result, entry.losses, begun));
      believed = takeBelieved();
    } finally {
      lock.held = false;
    }
    tell(believed);
    return true;
  }

  /** An operation is over, or never began. Once more does no harm. */
  void leave(FileFuture<?> future) {
    List<Kept> believed;
    lock.lock();
    try {
      if (inFlight.remove(future) == null) {
        return;
      }
      believed = takeBelieved();
    } finally {
      lock.held = false;
    }
    tell(believed);
  }

  /** Those with which nothing is in flight any more. With the lock held. */
  private List<Kept> takeBelieved() {
    long oldest = inFlight.isEmpty() ? Long.MAX_VALUE : inFlight.firstEntry().getValue().number;
    List<Kept> believed = new ArrayList<>();
    for (Kept first = kept.peek(); first != null && first.end <= oldest; first = kept.peek()) {
      believed.add(first.lost(losses != first.losses));
      Kept _ = kept.remove();
    }
    return believed;
  }

  private static void tell(List<Kept> believed) {
    believed.forEach(one -> one.future.tell(one.result, one.lost));
  }

  /**
   * An operation in flight.
   *
   * @param number how many had begun before it
   * @param losses how many losses were known then
   */
  private record Begun(long number, long losses) {}

  /**
   * A success that is kept back.
   *
   * @param losses how many losses were known when it began
   * @param end how many had begun when it ended: those of them that have not ended are waited for
   */
  private record Kept(FileFuture<?> future, int result, long losses, long end, boolean lost) {
    Kept(FileFuture<?> future, int result, long losses, long end) {
      this(future, result, losses, end, false);
    }

    Kept lost(boolean now) {
      return new Kept(future, result, losses, end, now);
    }
  }
}
