package dev.annulus;

import dev.annulus.internal.driver.BriefLock;
import dev.annulus.internal.driver.StatResult;
import java.io.IOException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.concurrent.locks.LockSupport;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The syncs of a runtime's directories, and which directories have lost names. Each sync opens its
 * directory anew, and the kernel tells a loss to those who had it open: the next would succeed. So a
 * directory whose sync has failed stays lost for the runtime, and of one directory no two syncs run at a
 * time: those who come meanwhile share the next.
 *
 * <p>Remembered are so many directories at most; the failure of the sync of another says that it is not.
 */
final class LostDirectories {
  static final int MAX_REMEMBERED = 1024;

  private static final int TRIES = 200;
  private static final int TRIES_AT_ONCE = 2;
  private static final long PAUSE_NANOS = 5_000_000;

  /** The reaper takes it too. */
  private final BriefLock lock = new BriefLock();

  // Guarded by the lock.

  private final Map<Key, Throwable> lost = new HashMap<>();
  private final Map<Key, Turn> running = new HashMap<>();

  /** Those who are to begin, and whether a thread is at that. */
  private final ArrayDeque<DirectorySync> leading = new ArrayDeque<>();

  private boolean isLeading;

  /**
   * What tells a directory from all others. Not from one that is given its number once it is removed:
   * not all systems tell when a directory was made, and a wrong suspicion is the smaller harm.
   *
   * <p>Compares by hand: what the JDK makes to compare a record of primitives keeps the record's class
   * loader for ever.
   */
  record Key(long device, long inode) {
    static Key of(StatResult directory) {
      return new Key(directory.device, directory.inode);
    }

    @Override
    public boolean equals(@Nullable Object other) {
      return other instanceof Key that && that.device == device && that.inode == inode;
    }

    @Override
    public int hashCode() {
      return 31 * Long.hashCode(device) + Long.hashCode(inode);
    }
  }

  /** A sync that is under way, and those who wait for the next. */
  private static final class Turn {
    private final List<DirectorySync> sharing;
    private final List<DirectorySync> waiting = new ArrayList<>();
    private boolean ended;

    Turn(List<DirectorySync> sharing) {
      this.sharing = sharing;
    }
  }

  /** Has an open directory synced: {@link DirectorySync#begin} or {@link DirectorySync#end} follows. */
  void sync(DirectorySync who, Key key) {
    @Nullable Throwable before;
    lock.lock();
    try {
      before = lost.get(key);
      if (before == null) {
        @Nullable Turn turn = running.get(key);
        if (turn != null) {
          turn.waiting.add(who);
          return;
        }
        Turn _ = running.put(key, new Turn(List.of()));
      }
    } finally {
      lock.held = false;
    }
    if (before == null) {
      try {
        who.begin();
      } catch (Throwable e) {
        for (int tries = 0; tries < TRIES; tries++) {
          try {
            notTried(key);
            break;
          } catch (VirtualMachineError another) {
            // Again: others wait for it.
          }
        }
        throw e;
      }
    } else {
      who.end(earlierFailure(who, before));
    }
  }

  /**
   * A sync that was {@linkplain DirectorySync#begin begun} has been tried.
   *
   * @param failure why it failed, or {@code null}
   * @return false if it failed and is not remembered, for too many are
   */
  boolean tried(Key key, @Nullable Throwable failure) {
    boolean remembered;
    @Nullable Turn turn;
    lock.lock();
    try {
      remembered = failure == null || remember(key, failure);
      turn = running.remove(key);
      if (turn != null && failure == null) {
        beginNext(key, turn.waiting);
      }
    } finally {
      lock.held = false;
    }
    for (int tries = 0; turn != null && tries < TRIES; tries++) {
      try {
        if (tries > TRIES_AT_ONCE) {
          LockSupport.parkNanos(PAUSE_NANOS);
        }
        end(turn, failure);
        break;
      } catch (VirtualMachineError e) {
        // Again: nobody else will.
      }
    }
    return remembered;
  }

  /** May be called again if it is cut. */
  private void end(Turn turn, @Nullable Throwable failure) {
    if (failure == null) {
      if (!turn.ended) {
        leadNext(turn.waiting);
        turn.ended = true;
      }
    } else {
      turn.waiting.forEach(who -> who.end(earlierFailure(who, failure)));
    }
    turn.sharing.forEach(who -> who.end(failure == null ? null : shared(who, failure)));
  }

  /** A sync that was {@linkplain DirectorySync#begin begun} will not be tried: another takes its place. */
  void notTried(Key key) {
    List<DirectorySync> left = new ArrayList<>();
    lock.lock();
    try {
      Turn turn = running.remove(key);
      if (turn != null) {
        left.addAll(turn.sharing);
        left.addAll(turn.waiting);
        beginNext(key, left);
      }
    } finally {
      lock.held = false;
    }
    leadNext(left);
  }

  /** With the lock held. */
  private boolean remember(Key key, Throwable failure) {
    boolean remembers = lost.size() < MAX_REMEMBERED || lost.containsKey(key);
    if (remembers) {
      Throwable _ = lost.putIfAbsent(key, failure);
    }
    return remembers;
  }

  /** The first of those who wait syncs, and the others share that. With the lock held; {@link #leadNext} follows without. */
  private void beginNext(Key key, List<DirectorySync> waiting) {
    if (!waiting.isEmpty()) {
      Turn _ = running.put(key, new Turn(List.copyOf(waiting.subList(1, waiting.size()))));
    }
  }

  /** Has the first sync; one after the other, since each may be refused at once and hand over to the next. */
  private void leadNext(List<DirectorySync> waiting) {
    if (waiting.isEmpty()) {
      return;
    }
    @Nullable DirectorySync next = nextToLead(waiting.getFirst());
    while (next != null) {
      try {
        next.begin();
      } catch (VirtualMachineError e) {
        next.cannotBegin(e);
      }
      next = nextToLead(null);
    }
  }

  /** {@code null} if there is none, or somebody is at it. */
  private @Nullable DirectorySync nextToLead(@Nullable DirectorySync another) {
    lock.lock();
    try {
      if (another != null) {
        leading.add(another);
        if (isLeading) {
          return null;
        }
      }
      DirectorySync next = leading.poll();
      isLeading = next != null;
      return next;
    } finally {
      lock.held = false;
    }
  }

  private static IOException earlierFailure(DirectorySync who, Throwable before) {
    return new IOException(
        "an earlier sync of the directory "
            + who.path()
            + " failed: names made, changed or removed in it before may not be on stable storage, and no"
            + " later sync would tell; make them anew in another directory, or look after mounting again"
            + " which are there, and use another runtime",
        before);
  }

  private static IOException shared(DirectorySync who, Throwable failure) {
    return new IOException("the sync of the directory " + who.path() + ", shared with another call, failed", failure);
  }
}
