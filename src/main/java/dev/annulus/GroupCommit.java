package dev.annulus;

import dev.annulus.internal.driver.BriefLock;
import dev.annulus.internal.driver.Driver;
import dev.annulus.internal.driver.Operation;
import dev.annulus.internal.driver.Persistence;
import dev.annulus.internal.driver.Request;
import dev.annulus.internal.driver.RequestLink;
import dev.annulus.internal.driver.StackRoom;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * Lets concurrent syncs of one file share the kernel's. While one is under way, those who ask wait together for the next, which is
 * submitted when that one has ended. Nobody joins a sync that has been submitted: it may have begun before the write it would be asked to
 * cover.
 */
final class GroupCommit {
  /** Is told how a sync has failed, before the next one may begin: the kernel tells each loss once, and the next might succeed. */
  interface Failure {
    void note(IOException failure);
  }

  private final Driver driver;
  private final int fd;
  private final Path path;
  private final Failure failure;

  private static final int END_TRIES = 20;
  private static final int TRIES_AT_ONCE = 2;
  private static final long PAUSE_NANOS = 5_000_000;

  /** The reaper takes it too. */
  private final BriefLock lock = new BriefLock();

  // Guarded by the lock.

  /** The round in the driver's hands, and the one that gathers behind it. */
  private volatile @Nullable Round running;

  private @Nullable Round gathering;

  /** The round that stands for an operation nothing may run beside, while it runs. */
  private volatile @Nullable Round alone;

  /** Why no sync is begun any more. */
  private volatile @Nullable Throwable ended;

  /** Stands for the round of those who come too late. */
  private final Round tooLate = new Round();

  GroupCommit(Driver driver, int fd, Path path, Failure failure) {
    this.driver = driver;
    this.fd = fd;
    this.path = path;
    this.failure = failure;
  }

  /**
   * Has a request's sync done, alone or with others'. The request is ended as if it had been submitted itself.
   *
   * @param pastLimits whether it must not be held up; of no meaning to those who join others
   */
  void sync(Request member, boolean pastLimits) {
    Round begun = null;
    Throwable refusal = ended;
    if (refusal == null) {
      StackRoom.check(); // from here on others may wait for the end of this
      begun = joinLocked(member);
      refusal = begun == tooLate ? ended : null;
    }
    if (refusal != null) {
      member.refused(refusal);
    } else if (begun != null) {
      try {
        begin(begun, pastLimits);
      } catch (Throwable e) {
        boolean withdrawn = false;
        for (int tries = 0; !withdrawn && tries < END_TRIES; tries++) {
          try {
            withdraw(begun, member);
            withdrawn = true;
          } catch (VirtualMachineError again) {
            // Again: as if nothing had begun.
          }
        }
        if (!withdrawn) {
          begun.notBegun = true;
        }
        throw e;
      }
    }
  }

  /** A round could not be begun, and who was to begin it is no member any more. Whoever comes next begins it for the others, if any. */
  private void withdraw(Round round, Request member) {
    boolean empty;
    lock.lock();
    try {
      int before = round.members.size();
      boolean wasMember = round.members.remove(member);
      empty = before == (wasMember ? 1 : 0);
      if (wasMember && !empty) {
        round.notBegun = true;
      }
    } finally {
      lock.held = false;
    }
    if (empty) {
      endRound(round);
    }
  }

  private void begin(Round round, boolean pastLimits) {
    if (pastLimits) {
      driver.submitPastLimits(round);
    } else {
      driver.submit(round);
    }
  }

  private @Nullable Round joinLocked(Request member) {
    lock.lock();
    try {
      return ended == null ? join(member) : tooLate;
    } finally {
      lock.held = false;
    }
  }

  /** The round that gathers runs now, and is to be submitted; {@code null} if there is none, or if another than this one runs already. */
  @SuppressWarnings("ReferenceEquality") // this very round
  private @Nullable Round advance(Round last) {
    lock.lock();
    try {
      if (running != last) {
        return null;
      }
      Round next = gathering;
      running = next;
      gathering = null;
      if (alone == last) {
        alone = null;
      }
      return next;
    } finally {
      lock.held = false;
    }
  }

  /** Whether a round that could not be begun is this thread's to begin now. */
  private boolean takeOver(Round round) {
    lock.lock();
    try {
      boolean mine = round.notBegun;
      round.notBegun = false;
      return mine;
    } finally {
      lock.held = false;
    }
  }

  /** The round that a request begins, or {@code null} if it waits for the next. With the lock held. */
  private @Nullable Round join(Request member) {
    Round now = running;
    if (now == null || now.notBegun) {
      Round first = now == null ? new Round() : now;
      first.add(member);
      first.notBegun = false;
      running = first;
      return first;
    }
    Round next = gathering == null ? new Round() : gathering;
    next.add(member);
    gathering = next;
    return null;
  }

  /** Has all syncs wait until {@link #endAlone}, if none is under way or was to be; else false. */
  boolean tryBeginAlone() {
    Round mine = new Round();
    lock.lock();
    try {
      if (running != null) {
        return false;
      }
      running = mine;
      alone = mine;
      return true;
    } finally {
      lock.held = false;
    }
  }

  /**
   * Ends what {@link #tryBeginAlone} began: those who wait have their sync. To be called again if it is cut before it has done anything; later
   * it is not, and tries by itself.
   */
  void endAlone() {
    Round mine = alone;
    for (int tries = 0; mine != null && tries < END_TRIES; tries++) {
      try {
        if (tries > TRIES_AT_ONCE) {
          LockSupport.parkNanos(PAUSE_NANOS);
        }
        endRound(mine);
        mine = null;
      } catch (VirtualMachineError e) {
        // Again, for this round: another may be alone by now.
      }
    }
    if (mine != null && mine.successor == null) {
      mine.notBegun = true; // the next who comes begins what waits
    }
  }

  /** The driver has ended: refuses those who wait behind a sync on a caller's own thread, which may never end, and who come. */
  void end(Throwable because) {
    Round waiting;
    lock.lock();
    try {
      ended = because;
      waiting = gathering;
      gathering = null;
    } finally {
      lock.held = false;
    }
    if (waiting != null) {
      Persistence.refuse(waiting.detached(), because);
    }
  }

  /**
   * The next round begins before those of the last one hear of its end: the device need not wait for their dependents. May be called again if an
   * error of the JVM cuts it; whoever comes first, that call or the next sync, has the next round begin.
   */
  private void endRound(Round last) {
    Round next = last.successor;
    if (next == null) {
      next = advance(last);
      last.successor = next;
    } else if (!takeOver(next)) {
      last.successor = null;
      return;
    }
    if (next != null) {
      try {
        driver.submitPastLimits(next);
        last.successor = null;
      } catch (Throwable e) {
        next.notBegun = true;
        throw e;
      }
    }
  }

  /** One sync of the kernel's, and all who wait for it. Its members are settled before it is submitted. */
  private final class Round implements Request {
    /** Those who wait; {@code null} where one has heard of the end. */
    private final List<@Nullable Request> members = new ArrayList<>();

    private final RequestLink link = new RequestLink(this);
    private boolean roundEnded;

    /** It was to be begun, and could not be: whoever comes next begins it, and is a member too. */
    private volatile boolean notBegun;

    /** The one that runs behind this, until it is begun. */
    private @Nullable Round successor;
    private boolean dataOnly = true;
    private Operation.@Nullable Sync operation;
    private int mark = NO_MARK;

    void add(Request member) {
      members.add(member);
      operation = null;
      dataOnly &= member.operation() instanceof Operation.Sync sync && sync.dataOnly();
    }

    @Override
    public Operation.Sync operation() {
      Operation.Sync sync = operation;
      if (sync == null) {
        sync = new Operation.Sync(fd, dataOnly);
        operation = sync;
      }
      return sync;
    }

    /** May be called again: members that have heard of the end are no members any more. */
    @Override
    public void completed(int result) {
      if (result < 0) {
        failure.note(Errors.onFile(operation(), path, -result));
      }
      endOnce();
      VirtualMachineError cut = null;
      for (int i = 0; i < members.size(); i++) {
        Request member = members.get(i);
        if (member != null) {
          try {
            member.completed(result);
            members.set(i, null);
          } catch (VirtualMachineError e) {
            cut = e;
          }
        }
      }
      throwIf(cut);
    }

    @Override
    public void neverBegun() {
      endOnce();
      VirtualMachineError cut = null;
      for (int i = 0; i < members.size(); i++) {
        Request member = members.get(i);
        if (member != null) {
          try {
            member.neverBegun();
            members.set(i, null);
          } catch (VirtualMachineError e) {
            cut = e;
          }
        }
      }
      throwIf(cut);
    }

    @Override
    public void refused(Throwable cause) {
      endOnce();
      VirtualMachineError cut = null;
      for (int i = 0; i < members.size(); i++) {
        Request member = members.get(i);
        if (member != null) {
          try {
            member.refused(cause);
            members.set(i, null);
          } catch (VirtualMachineError e) {
            cut = e;
          }
        }
      }
      throwIf(cut);
    }

    @Override
    public void abandoned(Throwable cause) {
      failure.note(new IOException(operation().name() + " of " + path + " has never ended", cause));
      endOnce();
      VirtualMachineError cut = null;
      for (int i = 0; i < members.size(); i++) {
        Request member = members.get(i);
        if (member != null) {
          try {
            member.abandoned(cause);
            members.set(i, null);
          } catch (VirtualMachineError e) {
            cut = e;
          }
        }
      }
      throwIf(cut);
    }

    @Override
    public void givenUp(Throwable cause) {
      for (Request member : members) {
        if (member != null) {
          member.givenUp(cause);
        }
      }
    }

    private void endOnce() {
      if (!roundEnded) {
        endRound(this);
        roundEnded = true;
      }
    }

    /** The round is none any more: its end begins no other. */
    Round detached() {
      roundEnded = true;
      return this;
    }

    private static void throwIf(@Nullable VirtualMachineError cut) {
      if (cut != null) {
        throw cut;
      }
    }

    @Override
    public RequestLink link() {
      return link;
    }

    @Override
    public int mark() {
      return mark;
    }

    @Override
    public void mark(int newMark) {
      mark = newMark;
    }
  }
}
