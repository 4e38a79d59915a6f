package dev.annulus;

import dev.annulus.internal.driver.Driver;
import dev.annulus.internal.driver.Operation;
import dev.annulus.internal.driver.Request;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Lets concurrent syncs of one file share the kernel's. While one is under way, those who ask wait together for the next, which is
 * submitted when that one has ended. Nobody joins a sync that has been submitted: it may have begun before the write it would be asked to
 * cover.
 */
final class GroupCommit {
  private final Driver driver;
  private final int fd;

  /** The round in the driver's hands, and the one that gathers behind it. Guarded by this. */
  private @Nullable Round running;

  private @Nullable Round gathering;

  GroupCommit(Driver driver, int fd) {
    this.driver = driver;
    this.fd = fd;
  }

  /**
   * Has a request's sync done, alone or with others'. The request is ended as if it had been submitted itself.
   *
   * @param pastLimits whether it must not be held up; of no meaning to those who join others
   */
  void sync(Request member, boolean pastLimits) {
    Round round;
    synchronized (this) {
      if (running != null) {
        if (gathering == null) {
          gathering = new Round();
        }
        gathering.add(member);
        return;
      }
      round = new Round();
      round.add(member);
      running = round;
    }
    if (pastLimits) {
      driver.submitPastLimits(round);
    } else {
      driver.submit(round);
    }
  }

  /** Has all syncs wait until {@link #endAlone}, if none is under way; else false. */
  synchronized boolean tryBeginAlone() {
    if (running != null) {
      return false;
    }
    running = new Round();
    return true;
  }

  /** Ends what {@link #tryBeginAlone} began: those who wait have their sync. */
  void endAlone() {
    endRound();
  }

  /** The next round begins before those of the last one hear of its end: the device need not wait for their dependents. */
  private void endRound() {
    Round next;
    synchronized (this) {
      next = gathering;
      running = next;
      gathering = null;
    }
    if (next != null) {
      driver.submitPastLimits(next);
    }
  }

  /** One sync of the kernel's, and all who wait for it. Its members are settled before it is submitted. */
  private final class Round implements Request {
    private final List<Request> members = new ArrayList<>();
    private boolean dataOnly = true;
    private @Nullable Operation operation;
    private int mark = NO_MARK;

    void add(Request member) {
      members.add(member);
      dataOnly &= member.operation() instanceof Operation.Sync sync && sync.dataOnly();
    }

    @Override
    public Operation operation() {
      Operation sync = operation;
      if (sync == null) {
        sync = new Operation.Sync(fd, dataOnly);
        operation = sync;
      }
      return sync;
    }

    @Override
    public void completed(int result) {
      endAll(member -> member.completed(result));
    }

    @Override
    public void refused(Throwable cause) {
      endAll(member -> member.refused(cause));
    }

    @Override
    public void abandoned(Throwable cause) {
      endAll(member -> member.abandoned(cause));
    }

    private void endAll(Consumer<Request> end) {
      endRound();
      members.forEach(end);
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
