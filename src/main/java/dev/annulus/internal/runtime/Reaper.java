package dev.annulus.internal.runtime;

import dev.annulus.internal.abi.IoUring;
import dev.annulus.internal.driver.Errno;
import dev.annulus.internal.driver.Log;
import dev.annulus.internal.driver.Operation;
import dev.annulus.internal.driver.Persistence;
import dev.annulus.internal.driver.Request;
import dev.annulus.internal.driver.RingStallEvent;
import dev.annulus.internal.driver.Stalls;
import dev.annulus.internal.driver.Whereabouts;
import dev.annulus.internal.ring.CompletionQueue;
import dev.annulus.internal.ring.Ring;
import dev.annulus.internal.ring.SubmissionQueue;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * The one thread that touches the ring. Each round it takes requests in, shows them to the kernel, waits if there is nothing else
 * to do, and ends the requests whose completions have come.
 *
 * <p>A round ends some completions and then looks for new requests, since ending one often brings the next: completing everything
 * first would submit in bursts, with the device idle between ({@link #bite}). Users' code runs only in {@link #tell}, when both
 * queues are in order.
 *
 * <p>An error of the JVM may cut a round anywhere. What a step holds is in fields, and each changes them behind its last call, so that the
 * next round goes on where the last was cut. The rounds allocate nothing themselves, save for operations whose entries need memory: one that
 * gets none is refused. A request that cannot be told its end for want of memory or stack is told again, round by round.
 */
final class Reaper {
  /** Completions ended in a round, at least and at most; see {@link #bite}. */
  private static final int SMALLEST_BITE = 4;

  private static final int LARGEST_BITE = 64;

  /** A power of two. */
  private static final int SLEEPS_BETWEEN_TRIES = 64;

  /** How long to wait for completions when the kernel is short of something before it is asked again. */
  private static final long BACK_OFF_NANOS = 1_000_000;

  /** How long to wait at most before a request is told again what it could not be told. */
  private static final long TELL_AGAIN_NANOS = 10_000_000;

  private static final int NONE = -1;

  private final Ring ring;
  private final SubmissionQueue submissions;
  private final CompletionQueue completions;
  private final Intake intake;

  /** Takes from the intake. */
  private final Supplier<@Nullable Request> next;

  private final Wakeup wakeup;
  private final InFlightTable table;
  private final RegisteredMemory registered;
  private final Counters counters;
  private final Whereabouts where;
  private final WorkerLimit workerLimit;
  private final SickDevices sickDevices;

  /** Takes from the intake, but for what is held back. */
  private final Supplier<@Nullable Request> nextBesideSick;

  private final BlockingFiles blockingFiles;

  /** The completions of this round, copied out of the ring, and how far they have been gone through. */
  private final long[] batchUserData = new long[LARGEST_BITE];

  private final int[] batchResults = new int[LARGEST_BITE];
  private int batchSize;
  private int batchAt;

  /** The slot an entry is to be filled for, or {@link #NONE}. */
  private int pushing = NONE;

  /** The request to be cancelled. */
  private @Nullable Request toCancel;

  /** The slot of the request that is being told its end, or {@link #NONE}, and whether it has been told. */
  private int telling = NONE;

  private boolean told;

  /** Requests in the table that could not be told their end in the last round. */
  private int untold;

  /** Somebody could not say which request is to be cancelled: requests that were given up are cancelled before they begin. */
  private boolean watchesForGivenUp;

  /**
   * How many completions the next round may end. A reaper that has nothing else to do now and then takes small bites:
   * everybody waits for the device, which is to have its next operation as soon as it has ended one. One that always has
   * more to do takes larger and larger ones: everybody waits for the reaper, and what it submits at once costs it less.
   */
  private int bite = SMALLEST_BITE;

  /** What was submitted while there was nothing else to do had been done when the kernel came back. */
  private boolean endsAtOnce;

  /** Times it was not expected that what is submitted ends at once. */
  private int sleeps;

  private boolean overflowed;

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
    this.next = intake::take;
    this.wakeup = wakeup;
    this.table = table;
    this.registered = registered;
    this.counters = counters;
    this.where = where;
    this.blockingFiles = blockingFiles;
    this.workerLimit = new WorkerLimit(ring, table);
    this.sickDevices = new SickDevices(table, blockingFiles, intake, this::isDoomed);
    this.nextBesideSick = sickDevices::next;
  }

  /**
   * One round.
   *
   * @param timeoutNanos longest wait, or 0 for no limit
   * @throws RingFailure if the kernel refuses the ring itself
   */
  void round(long timeoutNanos) {
    where.surelyBack();
    tellLast();
    registered.registerIfWanted(ring);
    takeCancellations();
    table.tick();
    sickDevices.look();
    fill();
    submitAndWait(sickDevices.longestWait(workerLimit.look(timeoutNanos)));
    reap();
  }

  /** Whether nothing waits and nothing is in the kernel, apart from the wake-up. */
  boolean isIdle() {
    return table.isEmpty() && intake.isEmpty() && sickDevices.isEmpty() && telling == NONE;
  }

  /**
   * Asks the kernel to end everything it holds, save closes, whose descriptors nobody would give back then. What still waits to be
   * submitted is cancelled in place of being begun.
   */
  void cancelAll() {
    cancelling = true;
    sickDevices.lookForDoomed();
    for (int slot = 0; slot < table.capacity(); slot++) {
      Request request = table.requestOrNull(slot);
      if (request != null && !(request.operation() instanceof Operation.Close)) {
        cancelSlot(slot);
      }
    }
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

  private void takeCancellations() {
    while (true) {
      if (toCancel == null) {
        toCancel = intake.takeCancellation();
      }
      Request request = toCancel;
      if (request == null) {
        break;
      }
      cancel(request);
      toCancel = null;
    }
    if (intake.hasUnnamedCancellations()) {
      cancelGivenUp();
    }
  }

  private void cancel(Request request) {
    int mark = request.mark();
    if (mark == Marks.QUEUED) {
      request.mark(Marks.DOOMED);
      sickDevices.lookForDoomed();
    } else if (mark >= 0) {
      cancelSlot(mark);
    }
  }

  private void cancelSlot(int slot) {
    if (!table.isCancelled(slot)) {
      table.markCancelled(slot);
    }
  }

  private void cancelGivenUp() {
    watchesForGivenUp = true;
    sickDevices.lookForDoomed();
    intake.unnamedCancellations(false);
    try {
      for (int slot = 0; slot < table.capacity(); slot++) {
        Request request = table.requestOrNull(slot);
        if (request != null && request.isGivenUp()) {
          cancelSlot(slot);
        }
      }
    } catch (Throwable e) {
      intake.unnamedCancellations(true);
      throw e;
    }
  }

  /** Moves requests into submission entries while there are slots and entries. */
  private void fill() {
    boolean _ = push();
    while (table.hasCancels() && entriesLeft()) {
      int slot = table.nextCancel();
      if (slot >= 0) {
        // A cancel finds its target by user data, and nothing (-ENOENT) once that has completed.
        submissions.push(IoUring.IORING_OP_ASYNC_CANCEL, -1, table.userData(slot), 0, 0, 0, UserData.CANCEL);
      }
      table.cancelDone();
    }
    while (table.hasRetries() && entriesLeft()) {
      pushing = table.takeRetry();
      boolean _ = push();
    }
    boolean anySick = sickDevices.areAny();
    Supplier<@Nullable Request> from = anySick ? nextBesideSick : next;
    while (!table.isFull() && entriesLeft()) {
      pushing = table.claim(from);
      if (pushing == NONE) {
        break;
      }
      if (anySick) {
        sickDevices.claimed(pushing);
      }
      if (push()) {
        Counters.count(counters.submitted);
      }
    }
    intake.leavePlaces();
    if (anySick) {
      sickDevices.leavePlaces();
    }
  }

  /** Requests that are held back because their devices are sick. */
  SickDevices heldBack() {
    return sickDevices;
  }

  /** A close is never doomed: it gives back. */
  private boolean isDoomed(Request request) {
    return request.mark() == Marks.DOOMED
        || (cancelling && !(request.operation() instanceof Operation.Close))
        || (watchesForGivenUp && request.isGivenUp());
  }

  /** One entry is kept for the read of the wake-up. */
  private boolean entriesLeft() {
    return submissions.hasRoom(2);
  }

  /**
   * Fills an entry for the slot in hand. What is to be cancelled ends without one. What cannot be made into one, for want of memory say, is
   * refused alone and does not stop the ring.
   *
   * @return whether there was something, and it was not to be cancelled
   */
  private boolean push() {
    int slot = pushing;
    if (slot == NONE) {
      return false;
    }
    boolean wanted = false;
    try {
      Request request = table.request(slot);
      wanted = !table.isCancelled(slot) && !isDoomed(request);
      if (!wanted) {
        counters.countResult(-Errno.ECANCELED);
        table.end(slot, table.hasBegun(slot) ? -Errno.ECANCELED : InFlightTable.NEVER_BEGUN);
      } else {
        request.mark(slot);
        SqeEncoder.push(submissions, table, slot, registered, blockingFiles);
      }
      pushing = NONE;
    } catch (Throwable e) {
      table.refuse(slot, e);
      pushing = NONE;
    }
    return wanted;
  }

  /** Whether there is something for the next round to submit: if only for want of entries, submitting these makes room. */
  private boolean hasMoreToFill() {
    return toCancel != null
        || pushing != NONE
        || intake.hasCancellation()
        || table.hasCancels()
        || table.hasRetries()
        || (!table.isFull() && (!intake.isEmpty() || sickDevices.mayHaveReady()));
  }

  /** After sleep was announced: whether something came before that. A wait without limit must not begin once closing has. */
  private boolean mustLookAgain(long timeoutNanos) {
    return hasMoreToFill() || (timeoutNanos == 0 && intake.isClosing());
  }

  private void submitAndWait(long timeoutNanos) {
    boolean nothingElse =
        table.endings() == untold
            && batchAt == batchSize
            && completions.ready() == 0
            && !submissions.completionsOverflowed()
            && !hasMoreToFill();
    bite = nothingElse ? Math.max(SMALLEST_BITE, bite / 2) : Math.min(LARGEST_BITE, bite + 1);
    if (!nothingElse) {
      if (submissions.unconsumed() > 0 || completions.ready() == 0 || submissions.completionsOverflowed()) {
        enter(0, 0);
      }
      return;
    }
    if (mayEndAtOnce()) {
      enter(0, 0);
      endsAtOnce = completions.ready() > 0;
      return;
    }
    wakeup.arm(submissions);
    wakeup.lieDown(table.isFull());
    try {
      enter(mustLookAgain(timeoutNanos) ? 0 : 1, untold == 0 ? timeoutNanos : tellAgainNanos(timeoutNanos));
    } finally {
      if (wakeup.rise()) {
        Counters.count(counters.wakeups);
      }
    }
  }

  /**
   * Whether what is to be submitted may be done when the kernel has taken it, as it was the last time: then there is no sleep to announce.
   * Now and then it is tried where it was not so.
   */
  private boolean mayEndAtOnce() {
    return submissions.unconsumed() > 0 && (endsAtOnce || (++sleeps & (SLEEPS_BETWEEN_TRIES - 1)) == 0);
  }

  private static long tellAgainNanos(long timeoutNanos) {
    return timeoutNanos == 0 ? TELL_AGAIN_NANOS : Math.min(timeoutNanos, TELL_AGAIN_NANOS);
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
    if (batchAt == batchSize) {
      takeBatch();
    }
    while (batchAt < batchSize) {
      end(batchUserData[batchAt], batchResults[batchAt]);
      batchAt++;
      tellLast();
    }
    tellEndings();
  }

  private void takeBatch() {
    int count = Math.min(completions.ready(), bite);
    for (int i = 0; i < count; i++) {
      batchUserData[i] = completions.userData(i);
      batchResults[i] = completions.result(i);
    }
    if (count > 0) {
      completions.advance(count);
    }
    batchSize = count;
    batchAt = 0;
  }

  private void end(long userData, int result) {
    if (userData == UserData.WAKE) {
      wakeup.fired(result);
    } else if (userData == UserData.CANCEL) {
      // Found, too late, or already running: the target's own completion says how it ended.
    } else if (!table.isCurrent(userData)) {
      Counters.count(counters.stale);
      warnOfStale(userData, result);
    } else {
      endSlot(UserData.slot(userData), result);
    }
  }

  private static void warnOfStale(long userData, int result) {
    try {
      Log.warn("a completion for no operation in flight: user data 0x" + Long.toHexString(userData) + ", result " + result);
    } catch (VirtualMachineError e) {
      // It is counted.
    }
  }

  /** The request is in hand then, to be told. */
  private void endSlot(int slot, int result) {
    boolean cancelled = table.isCancelled(slot);
    if (RetryPolicy.isTransient(result) && !cancelled && mayGoAgain(slot, result)) {
      Counters.count(counters.retries);
      table.retry(slot);
      return;
    }
    int outcome = cancelled && RetryPolicy.isTransient(result) ? -Errno.ECANCELED : result;
    counters.countResult(outcome);
    telling = table.take(slot, outcome);
  }

  private boolean mayGoAgain(int slot, int result) {
    return table.request(slot).isRepeatable() && RetryPolicy.again(result, table.countRetry(slot));
  }

  /** Tells requests their end, each once in a round. */
  void tellEndings() {
    tellLast();
    for (int left = table.endings(); left > 0; left--) {
      tellNext();
    }
    untold = table.endings();
  }

  private void tellNext() {
    where.surelyBack();
    telling = table.takeEnding();
    tellLast();
  }

  /** Tells the request in hand. */
  private void tellLast() {
    int slot = telling;
    if (slot == NONE) {
      return;
    }
    try {
      if (!told) {
        tell(slot);
      }
    } catch (Throwable e) {
      if (!Persistence.isWant(e)) {
        Log.error("ending an operation failed", e);
      } else if (!told) {
        table.tellLater(slot);
        telling = NONE;
        return;
      }
    }
    table.told(slot);
    telling = NONE;
    told = false;
  }

  /** Ends a request. What it throws is its own trouble: the ring goes on. */
  private void tell(int slot) {
    Request request = table.request(slot);
    RingStallEvent stall = beginStall(request);
    Throwable refusal = table.refusal(slot);
    int outcome = table.outcome(slot);
    Object kept = table.kept(slot);
    if (kept != null) {
      SqeEncoder.takeResult(request.operation(), kept, outcome);
    }
    request.mark(Request.NO_MARK);
    where.intoUsersCode();
    if (stall != null) {
      where.recorded();
    }
    try {
      if (refusal != null) {
        request.refused(refusal);
      } else if (outcome == InFlightTable.NEVER_BEGUN) {
        request.neverBegun();
      } else {
        request.completed(outcome);
      }
      told = true; // whatever happens now: it must not be told again
    } finally {
      Stalls.end(stall, where);
      where.back();
    }
  }

  private static @Nullable RingStallEvent beginStall(Request request) {
    try {
      return Stalls.ending(request);
    } catch (VirtualMachineError e) {
      return null;
    }
  }

  /** The kernel, or our use of the ring, has failed beyond repair. */
  static final class RingFailure extends IllegalStateException {
    private static final long serialVersionUID = 1L;

    RingFailure(String what, int errno) {
      super(what + " failed: " + Errno.symbol(errno) + " (" + Errno.text(errno) + ")");
    }
  }

  /** What a request's mark says beside a slot number. */
  static final class Marks {
    static final int QUEUED = -2;
    static final int DOOMED = -3;
    static final int WITH_WORKER = -4;

    private Marks() {}
  }
}
