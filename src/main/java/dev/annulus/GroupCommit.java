package dev.annulus;

import dev.annulus.internal.driver.BriefLock;
import dev.annulus.internal.driver.Driver;
import dev.annulus.internal.driver.Operation;
import dev.annulus.internal.driver.Request;
import java.io.IOException;
import java.nio.file.Path;
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
  /** Is told how a sync has failed, before the next one may begin: the kernel tells each loss once, and the next might succeed. */
  interface Failure {
    void note(IOException failure);
  }

  private final Driver driver;
  private final int fd;
  private final Path path;
  private final Failure failure;

  /** The reaper takes it too. */
  private final BriefLock lock = new BriefLock();

  // Guarded by the lock.

  /** The round in the driver's hands, and the one that gathers behind it. */
  private @Nullable Round running;

  private @Nullable Round gathering;

  /** Why no sync is begun any more. */
  private @Nullable Throwable ended;

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
    Throwable refusal;
    lock.lock();
    try {
      refusal = ended;
      if (refusal == null) {
        begun = join(member);
      }
    } finally {
      lock.unlock();
    }
    if (refusal != null) {
      member.refused(refusal);
    } else if (begun != null && pastLimits) {
      driver.submitPastLimits(begun);
    } else if (begun != null) {
      driver.submit(begun);
    }
  }

  /** The round that a request begins, or {@code null} if it waits for the next. With the lock held. */
  private @Nullable Round join(Request member) {
    if (running == null) {
      Round first = new Round();
      first.add(member);
      running = first;
      return first;
    }
    Round next = gathering == null ? new Round() : gathering;
    next.add(member);
    gathering = next;
    return null;
  }

  /** Has all syncs wait until {@link #endAlone}, if none is under way; else false. */
  boolean tryBeginAlone() {
    Round alone = new Round();
    lock.lock();
    try {
      if (running != null) {
        return false;
      }
      running = alone;
      return true;
    } finally {
      lock.unlock();
    }
  }

  /** Ends what {@link #tryBeginAlone} began: those who wait have their sync. */
  void endAlone() {
    endRound();
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
      lock.unlock();
    }
    if (waiting != null) {
      waiting.members.forEach(member -> member.refused(because));
    }
  }

  /** The next round begins before those of the last one hear of its end: the device need not wait for their dependents. */
  private void endRound() {
    Round next;
    lock.lock();
    try {
      next = gathering;
      running = next;
      gathering = null;
    } finally {
      lock.unlock();
    }
    if (next != null) {
      driver.submitPastLimits(next);
    }
  }

  /** One sync of the kernel's, and all who wait for it. Its members are settled before it is submitted. */
  private final class Round implements Request {
    private final List<Request> members = new ArrayList<>();
    private boolean dataOnly = true;
    private Operation.@Nullable Sync operation;
    private int mark = NO_MARK;

    void add(Request member) {
      members.add(member);
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

    @Override
    public void completed(int result) {
      if (result < 0) {
        failure.note(Errors.onFile(operation(), path, -result));
      }
      endAll(member -> member.completed(result));
    }

    @Override
    public void neverBegun() {
      endAll(Request::neverBegun);
    }

    @Override
    public void refused(Throwable cause) {
      endAll(member -> member.refused(cause));
    }

    @Override
    public void abandoned(Throwable cause) {
      failure.note(new IOException(operation().name() + " of " + path + " has never ended", cause));
      endAll(member -> member.abandoned(cause));
    }

    @Override
    public void givenUp(Throwable cause) {
      members.forEach(member -> member.givenUp(cause));
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
