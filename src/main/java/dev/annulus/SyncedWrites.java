package dev.annulus;

import dev.annulus.internal.driver.BriefLock;
import dev.annulus.internal.driver.Operation;
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

  /** What has ended well and waits for others, or is being told, in the order of its end: a chain, for which no memory is needed. */
  private @Nullable Begun firstKept;

  private @Nullable Begun lastKept;

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
      Begun _ = inFlight.putIfAbsent(future, new Begun(future, begun++, losses));
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
      if (entry != null) {
        keep(entry, result);
        Begun _ = inFlight.remove(future);
      } else if (!isKept(future)) {
        return false;
      }
    } finally {
      lock.held = false;
    }
    tellSurely();
    return true;
  }

  /** With the lock held. Calls nothing. */
  private void keep(Begun entry, int result) {
    if (entry.isKept) {
      return; // by a call that was cut
    }
    entry.result = result;
    entry.end = begun;
    if (lastKept == null) {
      firstKept = entry;
    } else {
      lastKept.next = entry;
    }
    lastKept = entry;
    entry.isKept = true;
  }

  /** Whether it was kept back before, and what came then was cut. With the lock held. */
  @SuppressWarnings("ReferenceEquality") // this very one
  private boolean isKept(FileFuture<?> future) {
    for (Begun one = firstKept; one != null; one = one.next) {
      if (one.future == future && !one.told) {
        return true;
      }
    }
    return false;
  }

  /** An operation is over, or never began. Once more does no harm. */
  void leave(FileFuture<?> future) {
    lock.lock();
    try {
      if (inFlight.remove(future) == null && firstKept == null) {
        return;
      }
    } finally {
      lock.held = false;
    }
    tellBelieved();
  }

  /** As {@link #tellBelieved}, in many tries. Should all fail, those who wait are told by whoever comes next. */
  private void tellSurely() {
    boolean told = false;
    for (int tries = 0; !told && tries < TELL_TRIES; tries++) {
      try {
        if (tries > TRIES_AT_ONCE) {
          LockSupport.parkNanos(PAUSE_NANOS);
        }
        tellBelieved();
        told = true;
      } catch (VirtualMachineError | MatchException e) {
        // Again, though a record pattern has wrapped it.
      }
    }
  }

  /** Tells those with which nothing is in flight any more. If it is cut, whoever comes next goes on. */
  private void tellBelieved() {
    for (Begun one = next(); one != null; one = next()) {
      try {
        one.future.tell(one.result, one.lost);
        one.told = true; // no call before this: what was told may have its next operation in flight
      } catch (Throwable e) {
        one.taken = false;
        throw e;
      }
    }
  }

  /** The next who is to be told, and is the caller's to tell. */
  private @Nullable Begun next() {
    lock.lock();
    try {
      while (firstKept != null && firstKept.told) {
        firstKept = firstKept.next;
      }
      if (firstKept == null) {
        lastKept = null;
        return null;
      }
      long oldest = inFlight.isEmpty() ? Long.MAX_VALUE : inFlight.firstEntry().getValue().number;
      Begun one = firstKept;
      while (one != null && one.taken) {
        one = one.next;
      }
      if (one == null || one.end > oldest) {
        return null;
      }
      if (!one.isDecided) {
        one.lost = losses != one.losses;
        one.isDecided = true;
      }
      one.taken = true;
      return one;
    } finally {
      lock.held = false;
    }
  }

  /** An operation, from its beginning until its success is told. */
  private static final class Begun {
    final FileFuture<?> future;

    /** How many had begun before it. */
    final long number;

    /** How many losses were known then. */
    final long losses;

    int result;

    /** How many had begun when it ended: those of them that have not ended are waited for. */
    long end;

    boolean isKept;

    /** Whether data was lost meanwhile, once that is decided: what is told again is told the same. */
    boolean lost;

    boolean isDecided;

    /** Somebody is about to tell it, or has. Written without the lock by whoever that is. */
    volatile boolean taken;

    volatile boolean told;

    /** As {@link SyncedWrites#firstKept}. */
    @Nullable Begun next;

    Begun(FileFuture<?> future, long number, long losses) {
      this.future = future;
      this.number = number;
      this.losses = losses;
    }
  }
}
