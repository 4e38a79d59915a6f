package dev.annulus.internal.portable;

import dev.annulus.internal.driver.Admission;
import dev.annulus.internal.driver.Closing;
import dev.annulus.internal.driver.Driver;
import dev.annulus.internal.driver.DriverConfig;
import dev.annulus.internal.driver.DriverStats;
import dev.annulus.internal.driver.DriverThread;
import dev.annulus.internal.driver.Errno;
import dev.annulus.internal.driver.HungOperations;
import dev.annulus.internal.driver.Mounts;
import dev.annulus.internal.driver.Operation;
import dev.annulus.internal.driver.Persistence;
import dev.annulus.internal.driver.Refusals;
import dev.annulus.internal.driver.Request;
import dev.annulus.internal.driver.SharedCounters;
import dev.annulus.internal.driver.StackRoom;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.IntConsumer;
import org.jspecify.annotations.Nullable;

/** The driver over {@code java.nio}: a bounded pool of threads that run operations as blocking calls. */
public final class PortableDriver implements Driver {
  /** The threads that the operations on one device may hold, those that are slow not counted. */
  private static final int THREADS_PER_DEVICE = 32;

  private static final int MAX_THREADS = 256;

  private static final int MAX_TRIES = 100;

  private final DriverConfig config;
  private final Admission admission;
  private final SharedCounters counters = new SharedCounters();
  private final FileTable files = new FileTable();
  private final NioCalls calls = new NioCalls(files);
  private final Pool pool;
  private final Lanes lanes;
  private final Mounts mounts = new Mounts();
  private final Shutdown shutdown;
  private final AtomicBoolean closeBegun = new AtomicBoolean();
  private final CountDownLatch closed = new CountDownLatch(1);
  private final AtomicReference<@Nullable Closing> closing = new AtomicReference<>();

  /** Makes a driver. Its threads start when they are needed. */
  public static PortableDriver open(DriverConfig config) {
    NioCalls.load();
    return new PortableDriver(config);
  }

  @SuppressWarnings("this-escape") // no thread starts here
  private PortableDriver(DriverConfig config) {
    this.config = config;
    int maxThreads = Math.min(config.maxInFlight(), MAX_THREADS);
    int perDevice = Math.min(maxThreads, THREADS_PER_DEVICE);
    admission = new Admission(config.maxQueued(), config.refuseWhenFull());
    Lane paths = new Lane();
    pool =
        new Pool(
            config.threadName(),
            new PoolState(perDevice, maxThreads, config.maxQueued(), paths),
            admission,
            counters,
            calls::run,
            (body, name) -> DriverThread.uninterruptible(this, body, name),
            Pool.IDLE,
            config.stallWarning());
    lanes = new Lanes(files, paths, pool::add);
    shutdown = new Shutdown(this, config.threadName(), pool.closing(), calls, files);
  }

  @Override
  public void submit(Request request) {
    if (!onDriverThread()) {
      begin(request, true);
      return;
    }
    Throwable closedBecause = admission.closedBecause();
    if (closedBecause == null) {
      begin(request, false);
    } else {
      request.refused(closedBecause);
    }
  }

  @Override
  public void submitPastLimits(Request request) {
    begin(request, false);
  }

  @Override
  public void cancel(Request request) {
    boolean _ = pool.remove(request);
  }

  /**
   * Runs an operation on a thread of the pool while this one waits. Not here: an interrupt of the calling thread would close the
   * {@code FileChannel} it is in, for everybody.
   */
  @Override
  public int call(Operation operation) {
    if (onDriverThread() || operation instanceof Operation.Close) {
      return calls.run(operation);
    }
    if (!ConfinedMemory.isIn(operation)) {
      return callOnPool(operation);
    }
    Operation copy = ConfinedMemory.standInFor(operation);
    int result;
    try {
      result = callOnPool(copy);
    } catch (Throwable e) {
      ConfinedMemory.free(copy); // it was not begun, or is over
      throw e;
    }
    return ConfinedMemory.copyBack(copy, operation, result);
  }

  @Override
  public boolean hasPositions(int fd) {
    OpenFile file = files.get(fd);
    return file != null && file.isRegular();
  }

  @Override
  public boolean viewsMemory() {
    return true;
  }

  /** {@code java.nio} cannot tell whether a read would wait. */
  @Override
  public int attempt(int fd, long address, int length, long offset) {
    return -Errno.EOPNOTSUPP;
  }

  @Override
  public boolean onDriverThread() {
    return DriverThread.isOf(this);
  }

  /** Those of blocking callers count too: they run on the pool. */
  @Override
  public Map<String, Integer> hungOperations() {
    long moment = System.nanoTime() - HungOperations.HANGING_NANOS;
    HungOperations hung = new HungOperations(mounts, _ -> Mounts.HIDDEN.point());
    for (PoolTask task : pool.runningSince(moment)) {
      OpenFile file = files.of(task.operation);
      Path example = task.lane.example;
      if (file != null) {
        hung.add(mounts.pointOf(file.path(), file.device()));
      } else if (example != null) {
        hung.add(mounts.pointOf(example, task.lane.device)); // its descriptor is given back already
      } else {
        hung.add(task.operation);
      }
    }
    return hung.byMountPoint();
  }

  @Override
  public DriverStats stats() {
    return new DriverStats(
        pool.running(),
        admission.taken(),
        counters.submitted.sum(),
        counters.completed.sum(),
        counters.failed.sum(),
        counters.cancelled.sum(),
        0,
        0,
        0,
        0,
        0,
        counters.abandoned.sum(),
        0);
  }

  /** There are no batches. */
  @Override
  public void onBatch(@Nullable IntConsumer listener) {}

  /** There is nothing to tell of the kernel's side. */
  @Override
  public String description() {
    return "";
  }

  @Override
  public void beginClose() {
    Closing _ = beginClosing();
  }

  /** The time limits of closing, which begins unless it has. */
  private Closing beginClosing() {
    Closing begun = closing.get();
    if (begun == null) {
      Closing mine = Closing.begin(config.closeTimeout());
      Closing earlier = closing.compareAndExchange(null, mine);
      begun = earlier == null ? mine : earlier;
    }
    if (admission.close(Refusals.closed())) {
      pool.closing().begin();
    }
    return begun;
  }

  /** The first who comes closes; the others wait for that. */
  @Override
  public void close() {
    Closing limits = beginClosing();
    if (closeBegun.compareAndSet(false, true)) {
      boolean over = false;
      for (int tries = 0; !over && tries < MAX_TRIES; tries++) {
        try {
          shutdown.run(limits);
          closed.countDown();
          over = true;
        } catch (VirtualMachineError e) {
          over = false; // all of it may be repeated
        }
      }
    } else {
      boolean _ = DriverThread.await(closed, limits.nanosUntilReturn());
    }
  }

  /**
   * Begins a request; if it throws, nothing was done with it. All that it needs is made first: from the moment on when it has a place in
   * the admission, nothing is allocated.
   */
  private void begin(Request request, boolean admitted) {
    Operation operation = request.operation();
    boolean confined = ConfinedMemory.isIn(operation);
    if (confined && onDriverThread()) {
      runHere(request, operation);
      return;
    }
    StackRoom.check(); // what is borrowed from here on can be given back
    Call call = confined ? new Call(ConfinedMemory.standInFor(operation)) : null;
    PoolTask task = call == null ? task(request, operation, admitted) : task(call, admitted);
    Throwable refusal = null;
    boolean holdsPlace = false;
    boolean taken = false;
    try {
      if (admitted) {
        refusal = admission.enter();
        holdsPlace = refusal == null;
      }
      if (refusal == null) {
        taken = pool.put(task);
        refusal = taken ? null : Refusals.closed();
      }
    } finally {
      if (call != null && !taken) {
        ConfinedMemory.free(call.operation());
      }
      for (int tries = 0; holdsPlace && !taken && tries < MAX_TRIES; tries++) {
        try {
          admission.leave(1);
          holdsPlace = false;
        } catch (VirtualMachineError e) {
          holdsPlace = true;
        }
      }
    }
    if (refusal != null) {
      Persistence.refuse(request, refusal);
    } else if (call != null) {
      awaitAndCopy(request, operation, call);
    }
  }

  private PoolTask task(Call call, boolean admitted) {
    return task(call, call.operation(), admitted);
  }

  private PoolTask task(Request request, Operation operation, boolean admitted) {
    return new PoolTask(request, operation, lanes.of(operation), admitted);
  }

  /** Runs a request at once: only this thread can reach its memory. */
  private void runHere(Request request, Operation operation) {
    counters.submitted.increment();
    int result = calls.run(operation);
    counters.countResult(result);
    request.completed(result);
  }

  /** Waits for a request whose memory only this thread can reach. */
  private void awaitAndCopy(Request request, Operation operation, Call call) {
    int result;
    try {
      result = await(call);
    } catch (RejectedExecutionException e) {
      ConfinedMemory.free(call.operation());
      Persistence.refuse(request, e);
      return;
    }
    try {
      result = ConfinedMemory.copyBack(call.operation(), operation, result);
    } catch (RuntimeException | Error e) {
      result = -Failures.errno(e); // the memory was freed meanwhile
    }
    Persistence.complete(request, result);
  }

  private int callOnPool(Operation operation) {
    StackRoom.check();
    Call call = new Call(operation);
    return pool.put(task(call, false)) ? await(call) : -Errno.ECANCELED;
  }

  /** Never returns earlier than the call is over: its memory is in use. */
  private static int await(Call call) {
    Throwable outlasted = null;
    while (!call.isOver()) {
      try {
        call.await();
      } catch (VirtualMachineError e) {
        outlasted = e;
      }
    }
    if (outlasted != null) {
      Log.warning("a thread waited on after an error", "call", outlasted);
    }
    return call.result();
  }
}
