package dev.annulus.internal.runtime;

import dev.annulus.internal.abi.IoUring;
import dev.annulus.internal.driver.Errno;
import dev.annulus.internal.driver.Operation;
import dev.annulus.internal.driver.Request;
import dev.annulus.internal.driver.RingStallEvent;
import dev.annulus.internal.driver.Stalls;
import dev.annulus.internal.driver.Whereabouts;
import dev.annulus.internal.ring.CompletionQueue;
import dev.annulus.internal.ring.Ring;
import dev.annulus.internal.ring.SubmissionQueue;
import java.util.ArrayDeque;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * The one thread that touches the ring. Each round it takes requests in, shows them to the kernel, waits if there is nothing else
 * to do, and ends the requests whose completions have come.
 *
 * <p>A round ends some completions and then looks for new requests, since ending one often brings the next: completing everything
 * first would submit in bursts, with the device idle between ({@link #bite}). Users' code runs only in {@link #deliver}, when both
 * queues are in order.
 */
final class Reaper {
  /** Completions ended in a round, at least and at most; see {@link #bite}. */
  private static final int SMALLEST_BITE = 4;

  private static final int LARGEST_BITE = 64;

  /** The result of a request that was cancelled before the kernel had it; no answer of the kernel's. */
  private static final int NEVER_BEGUN = Integer.MIN_VALUE;

  /** How long to wait for completions when the kernel is short of something before it is asked again. */
  private static final int ROUNDS_BETWEEN_TICKS = 64;

  private static final long BACK_OFF_NANOS = 1_000_000;

  private final Ring ring;
  private final SubmissionQueue submissions;
  private final CompletionQueue completions;
  private final Intake intake;
  private final Wakeup wakeup;
  private final InFlightTable table;
  private final RegisteredMemory registered;
  private final Counters counters;
  private final Whereabouts where;
  private final WorkerLimit workerLimit;
  private final BlockingFiles blockingFiles;

  /** Slots whose operation is to be submitted once more, and submissions to be cancelled, by user data. */
  private final ArrayDeque<Integer> retries = new ArrayDeque<>();

  private final ArrayDeque<Long> cancels = new ArrayDeque<>();

  /** Requests cancelled before they were submitted. */
  private final ArrayDeque<Request> doomed = new ArrayDeque<>();

  private final ArrayDeque<Unpushable> unpushable = new ArrayDeque<>();

  /** The completions of this round, copied out of the ring. */
  private final long[] batchUserData = new long[LARGEST_BITE];

  private final int[] batchResults = new int[LARGEST_BITE];

  /**
   * How many completions the next round may end. A reaper that sleeps now and then takes small bites: everybody waits for the device, which is to
   * have its next operation as soon as it has ended one. One that does not sleep takes larger and larger ones: everybody waits for the reaper,
   * and what it submits at once costs it less.
   */
  private int bite = SMALLEST_BITE;

  private boolean overflowed;

  private int roundsSinceTick;

  /** Since {@link #cancelAll}. */
  private boolean cancelling;

  Reaper(
      Ring ring,
      Intake intake,
      Wakeup wakeup,
      InFlightTable table,
      RegisteredMemory registered,
      BlockingFiles blockingFiles,
      Counters counters,
      Whereabouts where) {
    this.ring = ring;
    this.submissions = ring.submissions();
    this.completions = ring.completions();
    this.intake = intake;
    this.wakeup = wakeup;
    this.table = table;
    this.registered = registered;
    this.counters = counters;
    this.where = where;
    this.blockingFiles = blockingFiles;
    this.workerLimit = new WorkerLimit(ring, table);
  }

  /**
   * One round.
   *
   * @param timeoutNanos longest wait, or 0 for no limit
   * @throws RingFailure if the kernel refuses the ring itself
   */
  void round(long timeoutNanos) {
    registered.registerIfWanted(ring);
    takeCancellations();
    tickNowAndThen();
    fill();
    submitAndWait(workerLimit.look(timeoutNanos));
    reap();
  }

  /** Whether nothing waits and nothing is in the kernel, apart from the wake-up. */
  boolean isIdle() {
    return table.isEmpty() && intake.isEmpty() && retries.isEmpty() && doomed.isEmpty()
        && unpushable.isEmpty();
  }

  /**
   * Asks the kernel to end everything it holds, save closes, whose descriptors nobody would give back then. What still waits to be
   * submitted is cancelled in place of being begun.
   */
  void cancelAll() {
    cancelling = true;
    table.forEachSlot(
        slot -> {
          if (!(table.request(slot).operation() instanceof Operation.Close)) {
            cancelSlot(slot);
          }
        });
  }

  /** Drains the wake-up's read from the kernel so that the eventfd can be closed; false if it will not come. */
  boolean quiesceWakeup() {
    if (!wakeup.isArmed()) {
      return true;
    }
    wakeup.fireSelf();
    for (int tries = 0; wakeup.isArmed() && tries < 1000; tries++) {
      enter(1, BACK_OFF_NANOS);
      int count = completions.ready();
      for (int i = 0; i < count; i++) {
        if (completions.userData(i) == UserData.WAKE) {
          wakeup.fired(completions.result(i));
        }
      }
      completions.advance(count);
    }
    return !wakeup.isArmed();
  }

  /** Looks at the clock when much time may have passed: after a sleep, and every so many rounds. */
  private void tickNowAndThen() {
    if (++roundsSinceTick >= ROUNDS_BETWEEN_TICKS) {
      roundsSinceTick = 0;
      table.tick();
    }
  }

  private void takeCancellations() {
    for (Request request = intake.takeCancellation(); request != null; request = intake.takeCancellation()) {
      cancel(request);
    }
  }

  private void cancel(Request request) {
    int mark = request.mark();
    if (mark == Marks.QUEUED) {
      request.mark(Marks.DOOMED);
    } else if (mark >= 0) {
      cancelSlot(mark);
    }
  }

  private void cancelSlot(int slot) {
    if (!table.isCancelled(slot)) {
      table.markCancelled(slot);
      cancels.add(table.userData(slot));
    }
  }

  /** Moves requests into submission entries while there are slots and entries. */
  private void fill() {
    while (!cancels.isEmpty() && entriesLeft()) {
      // A cancel finds its target by user data, and nothing (-ENOENT) once that has completed.
      submissions.push(IoUring.IORING_OP_ASYNC_CANCEL, -1, cancels.remove(), 0, 0, 0, UserData.CANCEL);
    }
    while (!retries.isEmpty() && entriesLeft()) {
      int slot = retries.remove();
      if (table.isCancelled(slot)) {
        doomed.add(table.release(slot));
      } else {
        push(slot);
      }
    }
    while (!table.isFull() && entriesLeft()) {
      Request request = intake.take();
      if (request == null) {
        return;
      }
      if (isDoomed(request)) {
        doomed.add(request);
        continue;
      }
      int slot = table.claim(request);
      request.mark(slot);
      Counters.count(counters.submitted);
      push(slot);
    }
  }

  /** A close is never doomed: it gives back. */
  private boolean isDoomed(Request request) {
    return request.mark() == Marks.DOOMED || (cancelling && !(request.operation() instanceof Operation.Close));
  }

  /** One entry is kept for the read of the wake-up. */
  private boolean entriesLeft() {
    return submissions.free() > 1;
  }

  /** Fills an entry; what cannot be made into one, for want of memory say, is refused alone and does not stop the ring. */
  private void push(int slot) {
    try {
      Operation operation = table.request(slot).operation();
      long userData = table.nextUserData(slot);
      table.keep(slot, SqeEncoder.push(submissions, operation, userData, registered, blockingFiles));
    } catch (RuntimeException | OutOfMemoryError e) {
      unpushable.add(new Unpushable(table.release(slot), e));
    }
  }

  /** Whether there is something for the next round to submit: if only for want of entries, submitting these makes room. */
  private boolean hasMoreToFill() {
    return intake.hasCancellation()
        || !cancels.isEmpty()
        || !retries.isEmpty()
        || (!table.isFull() && !intake.isEmpty());
  }

  /** After sleep was announced: whether something came before that. A wait without limit must not begin once closing has. */
  private boolean mustLookAgain(long timeoutNanos) {
    return hasMoreToFill() || (timeoutNanos == 0 && intake.isClosing());
  }

  private void submitAndWait(long timeoutNanos) {
    boolean nothingElse =
        doomed.isEmpty() && unpushable.isEmpty() && completions.ready() == 0 && !submissions.completionsOverflowed() && !hasMoreToFill();
    bite = nothingElse ? Math.max(SMALLEST_BITE, bite / 2) : Math.min(LARGEST_BITE, bite + 1);
    if (!nothingElse) {
      if (submissions.unconsumed() > 0 || completions.ready() == 0 || submissions.completionsOverflowed()) {
        enter(0, 0);
      }
      return;
    }
    wakeup.arm(submissions);
    wakeup.lieDown(table.isFull());
    try {
      enter(mustLookAgain(timeoutNanos) ? 0 : 1, timeoutNanos);
    } finally {
      if (wakeup.rise()) {
        Counters.count(counters.wakeups);
      }
      roundsSinceTick = ROUNDS_BETWEEN_TICKS;
    }
  }

  private void enter(int minComplete, long timeoutNanos) {
    submissions.publish();
    int toSubmit = submissions.unconsumed();
    countOverflow();
    Counters.count(counters.enters);
    int result = enterKernel(toSubmit, minComplete, timeoutNanos);
    switch (result) {
      case -Errno.EINTR, -Errno.ETIME -> {}
      case -Errno.EAGAIN, -Errno.EBUSY -> backOff();
      default -> {
        if (result < 0) {
          throw new RingFailure("io_uring_enter", -result);
        }
        if (result > 0) {
          counters.tellBatch(result);
        }
        if (result < toSubmit && completions.ready() == 0) {
          // A partial submission: the entry at the front failed to be taken, and comes again in the next round.
          backOff();
        }
      }
    }
  }

  /** The kernel is short of memory, or of room for completions: reaping what is there helps, submitting more does not. */
  private void backOff() {
    if (completions.ready() == 0) {
      Counters.count(counters.enters);
      int result = enterKernel(0, 1, BACK_OFF_NANOS);
      if (result < 0 && result != -Errno.EINTR && result != -Errno.ETIME && result != -Errno.EAGAIN && result != -Errno.EBUSY) {
        throw new RingFailure("io_uring_enter", -result);
      }
    }
  }

  private int enterKernel(int toSubmit, int minComplete, long timeoutNanos) {
    where.intoKernel();
    try {
      return ring.enter(toSubmit, minComplete, timeoutNanos);
    } finally {
      where.back();
    }
  }

  private void refuse(Request request, Throwable cause) {
    where.intoUsersCode(request);
    try {
      request.refused(cause);
    } catch (Throwable e) {
      Log.error("refusing an operation failed", e);
    } finally {
      where.back();
    }
  }

  /** What is in no slot and no queue, for another thread to see while this one is away. */
  void forEachUnsubmitted(Consumer<Request> action) {
    doomed.forEach(action);
    unpushable.forEach(bad -> action.accept(bad.request));
  }

  private void countOverflow() {
    boolean now = submissions.completionsOverflowed();
    if (now && !overflowed) {
      Counters.count(counters.overflows);
    }
    overflowed = now;
    if (completions.lost() != 0) {
      throw new RingFailure("the completion queue", Errno.EBADR);
    }
  }

  private void reap() {
    int count = Math.min(completions.ready(), bite);
    for (int i = 0; i < count; i++) {
      batchUserData[i] = completions.userData(i);
      batchResults[i] = completions.result(i);
    }
    if (count > 0) {
      completions.advance(count);
    }
    for (int i = 0; i < count; i++) {
      end(batchUserData[i], batchResults[i]);
    }
    endUnsubmitted();
  }

  /** Ends the requests that never got into the ring: cancelled before they were submitted, or impossible to encode. */
  void endUnsubmitted() {
    for (Request request = doomed.poll(); request != null; request = doomed.poll()) {
      request.mark(Request.NO_MARK);
      deliver(request, NEVER_BEGUN);
    }
    for (Unpushable bad = unpushable.poll(); bad != null; bad = unpushable.poll()) {
      bad.request.mark(Request.NO_MARK);
      refuse(bad.request, bad.cause);
    }
  }

  private void end(long userData, int result) {
    if (userData == UserData.WAKE) {
      wakeup.fired(result);
    } else if (userData == UserData.CANCEL) {
      // Found, too late, or already running: the target's own completion says how it ended.
    } else if (!table.isCurrent(userData)) {
      Counters.count(counters.stale);
      Log.warn("a completion for no operation in flight: user data 0x" + Long.toHexString(userData) + ", result " + result);
    } else {
      endSlot(UserData.slot(userData), result);
    }
  }

  private void endSlot(int slot, int result) {
    boolean cancelled = table.isCancelled(slot);
    if (RetryPolicy.isTransient(result) && !cancelled && mayGoAgain(slot, result)) {
      Counters.count(counters.retries);
      retries.add(slot);
      return;
    }
    int outcome = cancelled && RetryPolicy.isTransient(result) ? -Errno.ECANCELED : result;
    SqeEncoder.takeResult(table.request(slot).operation(), table.kept(slot), outcome);
    Request request = table.release(slot);
    request.mark(Request.NO_MARK);
    deliver(request, outcome);
  }

  private boolean mayGoAgain(int slot, int result) {
    return table.request(slot).isRepeatable() && RetryPolicy.again(result, table.countRetry(slot));
  }

  /** Ends a request. What it throws is its own trouble: the ring goes on. */
  private void deliver(Request request, int result) {
    counters.countResult(result == NEVER_BEGUN ? -Errno.ECANCELED : result);
    RingStallEvent stall = Stalls.ending(request);
    where.intoUsersCode(request);
    if (stall != null) {
      where.recorded();
    }
    try {
      if (result == NEVER_BEGUN) {
        request.neverBegun();
      } else {
        request.completed(result);
      }
    } catch (Throwable e) {
      Log.error("ending an operation failed", e);
    } finally {
      Stalls.end(stall, where);
      where.back();
    }
  }

  /** The kernel, or our use of the ring, has failed beyond repair. */
  static final class RingFailure extends IllegalStateException {
    private static final long serialVersionUID = 1L;

    RingFailure(String what, int errno) {
      super(what + " failed: " + Errno.symbol(errno) + " (" + Errno.text(errno) + ")");
    }
  }

  /** A request that could not be made into an entry, and why. */
  private record Unpushable(Request request, Throwable cause) {}

  /** What a request's mark says beside a slot number. */
  static final class Marks {
    static final int QUEUED = -2;
    static final int DOOMED = -3;
    static final int WITH_WORKER = -4;

    private Marks() {}
  }
}
