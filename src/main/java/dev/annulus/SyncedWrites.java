package dev.annulus;

import dev.annulus.internal.driver.BriefLock;
import dev.annulus.internal.driver.Operation;
import java.util.ArrayDeque;
import java.util.LinkedHashMap;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * The writes and syncs of a file that was opened to have each write synced, and which of their
 * successes may be believed. The kernel tells each loss once, to whichever of those in flight comes
 * first; the others are answered well, and may be the ones whose data is lost. So a success is kept
 * back until everything has ended that was in flight with it, and is none if one of these has lost
 * data. Nothing waits to begin.
 */
final class SyncedWrites {
  private static final int TELL_TRIES = 200;
  private static final int TRIES_AT_ONCE = 2;
  private static final long PAUSE_NANOS = 5_000_000;

  /** The reaper takes it too. */
  private final BriefLock lock = new BriefLock();

  // Guarded by the lock.

  /** What has begun and not ended, oldest first. */
  private final LinkedHashMap<FileFuture<?>, Begun> inFlight = new LinkedHashMap<>();

  /** What has ended well and waits for others, in the order of its end. */
  private final ArrayDeque<Kept> kept = new ArrayDeque<>();

  /** Those whose telling was cut, chained. */
  private volatile @Nullable Kept cut;

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
   * by now; false if it is none of these. May be called again if it is cut: only before anybody is
   * told. Afterwards the future may be in flight with its next operation, whose result this would be
   * taken for.
   */
  boolean keepBack(FileFuture<?> future, int result) {
    lock.lock();
    try {
      Begun entry = inFlight.get(future);
      if (entry == null) {
        if (!isKept(future)) {
          return false;
        }
      } else {
        kept.add(new Kept(future, result, entry.losses, begun));
        Begun _ = inFlight.remove(future);
      }
    } finally {
      lock.held = false;
    }
    int tries = 0;
    while (tries < TELL_TRIES) {
      try {
        if (tries > TRIES_AT_ONCE) {
          LockSupport.parkNanos(PAUSE_NANOS);
        }
        tellBelieved();
        break;
      } catch (VirtualMachineError | MatchException e) {
        // Again, though a record pattern has wrapped it; for want of memory as long as it takes.
        tries = e instanceof OutOfMemoryError && tries == TELL_TRIES - 1 ? tries : tries + 1;
      }
    }
    return true;
  }

  /** An operation is over, or never began. Once more does no harm. */
  void leave(FileFuture<?> future) {
    lock.lock();
    try {
      if (inFlight.remove(future) == null && cut == null) {
        return;
      }
    } finally {
      lock.held = false;
    }
    tellBelieved();
  }

  /** Whether it was kept back before, and what came then was cut. With the lock held. */
  @SuppressWarnings("ReferenceEquality") // this very one
  private boolean isKept(FileFuture<?> future) {
    for (Kept one : kept) {
      if (one.future == future) {
        return true;
      }
    }
    return false;
  }

  /** Tells those with which nothing is in flight any more. Goes on where an error of the JVM has cut another call. */
  private void tellBelieved() {
    for (Kept one = next(); one != null; one = next()) {
      try {
        one.future.tell(one.result, one.lost);
      } catch (Throwable e) {
        one.before = cut; // no call before this: it is told by whoever comes next
        cut = one;
        throw e;
      }
    }
  }

  /** The next who is to be told, and is the caller's to tell. */
  private @Nullable Kept next() {
    lock.lock();
    try {
      Kept again = cut;
      if (again != null) {
        cut = again.before;
        return again;
      }
      long oldest = inFlight.isEmpty() ? Long.MAX_VALUE : inFlight.firstEntry().getValue().number;
      Kept first = kept.peek();
      if (first == null || first.end > oldest) {
        return null;
      }
      first.lost = losses != first.losses;
      Kept _ = kept.remove();
      return first;
    } finally {
      lock.held = false;
    }
  }

  /**
   * An operation in flight.
   *
   * @param number how many had begun before it
   * @param losses how many losses were known then
   */
  private record Begun(long number, long losses) {}

  /** A success that is kept back. */
  private static final class Kept {
    final FileFuture<?> future;
    final int result;

    /** How many losses were known when it began. */
    final long losses;

    /** How many had begun when it ended: those of them that have not ended are waited for. */
    final long end;

    boolean lost;

    /** As {@link SyncedWrites#cut}. */
    @Nullable Kept before;

    Kept(FileFuture<?> future, int result, long losses, long end) {
      this.future = future;
      this.result = result;
      this.losses = losses;
      this.end = end;
    }
  }
}
