package dev.annulus.internal.runtime;

import dev.annulus.internal.driver.Admission;
import dev.annulus.internal.driver.Closing;
import dev.annulus.internal.driver.Driver;
import dev.annulus.internal.driver.DriverConfig;
import dev.annulus.internal.driver.DriverStats;
import dev.annulus.internal.driver.DriverThread;
import dev.annulus.internal.driver.Errno;
import dev.annulus.internal.driver.Finisher;
import dev.annulus.internal.driver.HungOperations;
import dev.annulus.internal.driver.Mounts;
import dev.annulus.internal.driver.Operation;
import dev.annulus.internal.driver.Persistence;
import dev.annulus.internal.driver.Refusals;
import dev.annulus.internal.driver.Request;
import dev.annulus.internal.driver.SharedCounters;
import dev.annulus.internal.driver.Unavailable;
import dev.annulus.internal.ring.Ring;
import dev.annulus.internal.runtime.Reaper.Marks;
import dev.annulus.internal.runtime.direct.DirectCalls;
import dev.annulus.internal.runtime.direct.FileSystemTypes;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.IntConsumer;
import org.jspecify.annotations.Nullable;

/** The driver over io_uring: takes requests from any thread and hands them to the {@link ReaperThread}. */
public final class RingDriver implements Driver {
  /** Makes the ring, on the reaper thread, which is the only one that may then use it. */
  interface RingMaker {
    Ring make() throws Unavailable;
  }

  /** Those of a server that hangs must leave some to others. */
  private static final int MAX_TRANSFER_THREADS = 256;

  private static final int CLOSE_TRIES = 20;
  private static final int WAKE_TRIES = 10;

  @SuppressWarnings("UnnecessaryLambda") // made beforehand
  private static final Runnable NOTHING = () -> {};

  private final DriverConfig config;

  /** Not of a ring that is no kernel's, whose descriptors are numbers of its own. */
  private final boolean asksForTypes;

  private final Intake intake;
  private final Wakeup wakeup;
  private final InFlightTable table;
  private final Counters counters = new Counters();
  private final SharedCounters workerCounters = new SharedCounters();
  private final RegisteredMemory registered = new RegisteredMemory();
  private final Workers workers;

  /**
   * For closes that are not known to {@linkplain BlockingFiles#mountIfSlowToClose take no time}. A ring
   * runs one on the reaper; and if a worker of the kernel ran it ({@code IOSQE_ASYNC}), it would be said
   * to be done before the file is given up: still locked, or busy, for a moment. One thread, so that it
   * is awake and warm when files are closed one after the other.
   */
  private final Workers closers;
  /** For transfers that a ring does not do rightly: see {@link #needsWorker}. */
  private final Workers transferWorkers;

  private final List<Workers> pools;

  /** Made beforehand. */
  private final Runnable leavePlace;

  private final ReaperThread reaper;

  /** Asked for what it supports, no more: the rest is the reaper's. */
  private final Ring ring;

  private final AtomicBoolean closeBegun = new AtomicBoolean();
  private final CountDownLatch closed = new CountDownLatch(1);

  private final Mounts mounts = new Mounts();
  private final BlockingFiles blockingFiles;

  /** Opens a ring and starts its thread. */
  public static RingDriver open(DriverConfig config) throws Unavailable {
    RingDriver driver = new RingDriver(config, () -> RingSetup.open(config.maxInFlight()), true);
    RingSetup.warnOfTroubles();
    return driver;
  }

  /** Over a ring that need not be the running kernel's: it alone knows the descriptors. */
  static RingDriver open(DriverConfig config, RingMaker ringMaker) throws Unavailable {
    // The first ring probes: eventfd and system calls are only known to work where one can be made.
    return new RingDriver(config, ringMaker, false);
  }

  /** Whether a ring for so many operations can be made here: makes one, and unmakes it. */
  public static void probe(int maxInFlight) throws Unavailable {
    RingSetup.open(maxInFlight).close();
  }

  @SuppressWarnings("this-escape") // the thread starts last, in start()
  private RingDriver(DriverConfig config, RingMaker ringMaker, boolean asksForTypes) throws Unavailable {
    this.asksForTypes = asksForTypes;
    this.config = config;
    blockingFiles = asksForTypes ? new BlockingFiles(mounts) : new BlockingFiles.Unknown();
    intake = new Intake(config.maxQueued(), config.refuseWhenFull());
    int slots = config.maxInFlight();
    table = new InFlightTable(asksForTypes ? SickDevices.slotsFor(slots) : slots, slots);
    leavePlace = () -> intake.admission().leave(1);
    workers = new Workers(this, config.threadName() + "-worker-", Workers.DEFAULT_THREADS, workerCounters);
    closers = new Workers(this, config.threadName() + "-closer-", 1, workerCounters);
    transferWorkers =
        new Workers(
            this,
            config.threadName() + "-transfer-",
            Math.min(config.maxInFlight(), MAX_TRANSFER_THREADS),
            workerCounters);
    pools = List.of(workers, closers, transferWorkers);
    reaper = new ReaperThread(config, ringMaker, intake, table, registered, blockingFiles, counters);
    wakeup = reaper.start(this);
    ring = reaper.ring();
  }

  /** Until it is put, an error gives its place back and nothing has happened; then it will be carried out, and no error is thrown. */
  @Override
  @SuppressWarnings("NonAtomicVolatileUpdate") // see there
  public void submit(Request request) {
    Admission admission = intake.admission();
    boolean byRing = runsOnRing(request);
    if (DriverThread.isOf(this)) {
      submitOwn(request, byRing);
      return;
    }
    if (wakeup.isReaperAsleep()) {
      wakeup.checkReach();
    }
    request.mark(byRing ? Marks.QUEUED : Marks.WITH_WORKER);
    Throwable refusal = admission.enter();
    boolean admitted = refusal == null;
    try {
      if (admitted && byRing) {
        intake.put(request);
      } else if (admitted) {
        refusal = workersFor(request).run(request, leavePlace, null);
      }
    } catch (Throwable e) {
      if (admitted) {
        admission.owed = admission.owed + 1; // which takes no stack
        admission.settle();
      }
      throw e;
    }
    if (refusal != null) {
      refuse(request, refusal, admitted);
    } else if (byRing) {
      for (int tries = 0; tries < WAKE_TRIES; tries++) {
        try {
          wakeForRequests();
          break;
        } catch (VirtualMachineError e) {
          // Again: where there was enough of the stack to put it there is enough for the call.
        }
      }
    }
  }

  @SuppressWarnings("NonAtomicVolatileUpdate") // see Admission
  private void refuse(Request request, Throwable refusal, boolean admitted) {
    if (admitted) {
      Admission admission = intake.admission();
      admission.owed = admission.owed + 1; // which takes no stack
      admission.settle();
    }
    request.mark(Request.NO_MARK);
    request.refused(refusal);
  }

  private void submitOwn(Request request, boolean byRing) {
    Throwable refusal = intake.admission().closedBecause();
    if (refusal != null) {
      request.refused(refusal);
    } else if (byRing) {
      putPastLimits(request);
    } else {
      runByWorker(request);
    }
  }

  /** All that finds room at once is put before the reaper is woken: it takes them into one batch. */
  @Override
  public void submitAll(List<? extends Request> requests) {
    boolean onReaper = DriverThread.isOf(this);
    Request[] all = requests.toArray(new Request[0]); // what is called from here on is called where an error harms one request only
    boolean unseen = false;
    for (Request request : all) {
      try {
        if (!onReaper && isPutAtOnce(request)) {
          unseen = true;
        } else {
          // This one may have to wait for room, which only a reaper that is awake makes.
          wakeIf(unseen);
          unseen = false;
          submitOrRefuse(request);
        }
      } catch (VirtualMachineError e) {
        Persistence.refuse(request, e);
      }
    }
    try {
      wakeIf(unseen);
    } catch (VirtualMachineError e) {
      wakeIf(unseen);
    }
  }

  /** False if nothing was done. */
  @SuppressWarnings("NonAtomicVolatileUpdate") // see Admission
  private boolean isPutAtOnce(Request request) {
    Admission admission = intake.admission();
    boolean admitted = false;
    try {
      if (!runsOnRing(request)) {
        return false;
      }
      admitted = admission.tryEnter();
      if (admitted) {
        request.mark(Marks.QUEUED);
        intake.put(request);
      }
      return admitted;
    } catch (VirtualMachineError e) {
      if (admitted) {
        admission.owed = admission.owed + 1; // which takes no stack
        admission.settle();
      }
      return false;
    }
  }

  private void wakeIf(boolean requestsWait) {
    if (requestsWait) {
      for (int tries = 0; tries < WAKE_TRIES; tries++) {
        try {
          wakeForRequests();
          break;
        } catch (VirtualMachineError e) {
          // Again: where there was enough of the stack to put it there is enough for the call.
        }
      }
    }
  }

  @Override
  public void submitPastLimits(Request request) {
    if (asksForTypes && request.operation() instanceof Operation.Close close) {
      int fd = close.fd(); // a record pattern would wrap an error of the JVM
      Mounts.Mount slow = blockingFiles.mountIfSlowToClose(fd);
      blockingFiles.forget(fd);
      if (slow != null && closedByWorker(request, slow)) {
        return;
      }
    }
    if (!runsOnRing(request)) {
      runByWorker(request);
      return;
    }
    putPastLimits(request);
  }

  private void putPastLimits(Request request) {
    if (reaper.isCurrentThread()) {
      request.mark(Marks.QUEUED);
      intake.putOwn(request);
      return;
    }
    Throwable givenUp = intake.givenUpBecause();
    if (givenUp != null) {
      request.refused(givenUp);
      return;
    }
    if (wakeup.isReaperAsleepAtAll()) {
      wakeup.checkReach();
    }
    request.mark(Marks.QUEUED);
    intake.putUrgent(request);
    for (int tries = 0; tries < WAKE_TRIES; tries++) {
      try {
        wakeForUrgent();
        break;
      } catch (VirtualMachineError e) {
        // Again: where there was enough of the stack to put it there is enough for the call.
      }
    }
  }

  /** Where there is too little of the stack to wake the reaper, the cancellation is put all the same, for when it wakes, and that is thrown. */
  @Override
  public void cancel(Request request) {
    try {
      intake.putCancellation(request);
    } finally {
      if (wakeup.isReaperAsleepAtAll()) {
        wakeup.checkReach();
      }
      wakeForUrgent();
    }
  }

  /**
   * What was put is put, and its submitter is to have its future: no error is thrown, but the way tried again. Should all tries fail, the flag
   * is as it was, and whoever comes next wakes the reaper.
   */
  private void wakeForRequests() {
    for (int tries = 0; tries < WAKE_TRIES; tries++) {
      try {
        wakeup.requestQueued();
        intake.afterPut();
        return;
      } catch (VirtualMachineError e) {
        // Again.
      }
    }
  }

  private void wakeForUrgent() {
    for (int tries = 0; tries < WAKE_TRIES; tries++) {
      try {
        wakeup.urgent();
        intake.afterPut();
        return;
      } catch (VirtualMachineError e) {
        // Again.
      }
    }
  }

  @Override
  public int call(Operation operation) {
    if (operation instanceof Operation.Close close) {
      blockingFiles.forget(close.fd());
      return DirectCalls.close(close.fd());
    }
    return DirectCalls.run(operation);
  }

  @Override
  public int attempt(int fd, long address, int length, long offset) {
    return blockingFiles.mayBlock(fd)
        ? -Errno.EOPNOTSUPP
        : DirectCalls.attempt(fd, address, length, offset);
  }

  @Override
  public int callRead(int fd, long address, int length, long offset) {
    return DirectCalls.read(fd, address, length, offset);
  }

  @Override
  public int callWrite(int fd, long address, int length, long offset) {
    return DirectCalls.write(fd, address, length, offset);
  }

  @Override
  public void register(MemorySegment memory) {
    registered.want(memory);
  }

  @Override
  public boolean writesThrough() {
    return true;
  }

  @Override
  public boolean writesThrough(int fd) {
    return !asksForTypes || FileSystemTypes.syncsWrites(fd);
  }

  /**
   * On FUSE a transfer may be run by the thread that submits it, which then waits for the server. And where
   * FUSE hands transfers to the server as they are ({@code FOPEN_DIRECT_IO}), the kernel's own second try
   * of a short one begins where the first began: the file's beginning comes where the rest belongs, and
   * success is reported (seen on Linux 6.18). So these are plain system calls.
   */
  @Override
  public boolean needsWorker(int fd) {
    return asksForTypes && FileSystemTypes.isFuse(fd);
  }

  @Override
  public boolean tellsRoom() {
    return asksForTypes;
  }

  @Override
  public boolean onDriverThread() {
    return DriverThread.isOf(this);
  }

  @Override
  public boolean gathers() {
    return onDriverThread() && (!table.isEmpty() || intake.hasOwn());
  }

  @Override
  public boolean closesOnCaller(int fd) {
    return asksForTypes && !blockingFiles.isKnownToBlock(fd);
  }

  @Override
  public Map<String, Integer> hungOperations() {
    long moment = System.nanoTime() - HungOperations.HANGING_NANOS;
    HungOperations hung = new HungOperations(mounts, blockingFiles::mountPoint);
    table.forEachSince(moment, request -> hung.add(request.operation()));
    pools.forEach(pool -> pool.countSince(moment, hung));
    return hung.byMountPoint();
  }

  @Override
  public DriverStats stats() {
    return new DriverStats(
        table.size() + pools.stream().mapToInt(Workers::running).sum(),
        intake.size(),
        counters.submitted.get() + workerCounters.submitted.sum(),
        counters.completed.get() + workerCounters.completed.sum(),
        counters.failed.get() + workerCounters.failed.sum(),
        counters.cancelled.get() + workerCounters.cancelled.sum(),
        counters.enters.get(),
        counters.wakeups.get(),
        counters.overflows.get(),
        counters.retries.get(),
        counters.stale.get(),
        counters.abandoned.get() + workerCounters.abandoned.sum(),
        registered.bytes());
  }

  @Override
  public void onBatch(@Nullable IntConsumer listener) {
    counters.batchListener = listener;
  }

  @Override
  public String description() {
    return reaper.description();
  }

  @Override
  public void beginClose() {
    Closing _ = closing();
  }

  /** The time limits of closing, which begins unless it has. */
  private Closing closing() {
    Closing begun = intake.closing();
    if (begun == null) {
      boolean _ = intake.admission().close(Refusals.closed());
      begun = intake.beginClose(Closing.begin(config.closeTimeout()));
      wakeForUrgent();
    }
    return begun;
  }

  /** The first who comes closes; the others wait for that. */
  @Override
  public void close() {
    Closing closing = closing();
    if (closeBegun.compareAndSet(false, true)) {
      try {
        finishCloseSurely(closing);
      } finally {
        closed.countDown();
      }
    } else {
      boolean _ = DriverThread.await(closed, closing.nanosUntilReturn());
    }
  }

  private void finishCloseSurely(Closing closing) {
    Finisher finisher = new Finisher(this, config.threadName());
    boolean over = false;
    for (int tries = 0; !over && tries < CLOSE_TRIES; tries++) {
      try {
        finishClose(closing, finisher);
        over = true;
      } catch (VirtualMachineError e) {
        // All of it may be repeated.
      }
    }
  }

  private void finishClose(Closing closing, Finisher finisher) {
    pools.forEach(Workers::beginClose);
    pools.forEach(pool -> pool.endInTime(closing, finisher));
    pools.forEach(pool -> pool.giveUp(closing, finisher));
    LostReaper lost = null;
    int givenUp = 0;
    if (!reaper.join(closing.nanosUntilGivingUp())) {
      lost = reaper.lost();
      givenUp = lost.giveUp(finisher, closing);
      workerCounters.abandoned.add(givenUp);
    }
    if (!finisher.run(closing.nanosUntilDriverEnded())) {
      finisher.report(config.threadName());
    }
    if (lost != null && !reaper.join(0)) {
      lost.report(givenUp);
    }
  }

  private boolean runsOnRing(Request request) {
    int opcode = SqeEncoder.opcode(request.operation());
    return opcode >= 0 && ring.supports(opcode) && !request.needsWorker();
  }

  /** False if there are no workers any more, or none can be started: then the ring closes, as well as it can. */
  private boolean closedByWorker(Request request, Mounts.Mount mount) {
    request.mark(Marks.WITH_WORKER);
    return closers.run(request, NOTHING, mount) == null;
  }

  private Workers workersFor(Request request) {
    return request.needsWorker() ? transferWorkers : workers;
  }

  /** Past the limits. Throws an error of the JVM only if nothing was done. */
  private void runByWorker(Request request) {
    request.mark(Marks.WITH_WORKER);
    Throwable refusal = workersFor(request).run(request, NOTHING, null);
    if (refusal != null) {
      request.refused(refusal);
    }
  }
}
