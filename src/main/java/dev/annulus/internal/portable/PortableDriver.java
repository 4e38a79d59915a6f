package dev.annulus.internal.portable;

import dev.annulus.internal.driver.Admission;
import dev.annulus.internal.driver.Driver;
import dev.annulus.internal.driver.DriverConfig;
import dev.annulus.internal.driver.DriverStats;
import dev.annulus.internal.driver.DriverThread;
import dev.annulus.internal.driver.Errno;
import dev.annulus.internal.driver.Operation;
import dev.annulus.internal.driver.Refusals;
import dev.annulus.internal.driver.Request;
import dev.annulus.internal.driver.SharedCounters;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.IntConsumer;
import org.jspecify.annotations.Nullable;

/** The driver over {@code java.nio}: a bounded pool of threads that run operations as blocking calls. */
public final class PortableDriver implements Driver {
  private static final int MOST_THREADS = 32;

  /** How long operations are waited for after their files were closed under them. */
  private static final Duration GRACE = Duration.ofMillis(500);

  private static final Duration BETWEEN_ABORTS = Duration.ofMillis(10);

  private static final System.Logger LOG = System.getLogger("dev.annulus");

  private final DriverConfig config;
  private final Admission admission;
  private final SharedCounters counters = new SharedCounters();
  private final FileTable files = new FileTable();
  private final NioCalls calls = new NioCalls(files);
  private final Pool pool;

  /** Only the thread that closes uses it. */
  private final List<Thread> aborters = new ArrayList<>();

  private final AtomicBoolean closeBegun = new AtomicBoolean();
  private final CompletableFuture<Void> closed = new CompletableFuture<>();

  /** Makes a driver. Its threads start when they are needed. */
  public static PortableDriver open(DriverConfig config) {
    NioCalls.load();
    return new PortableDriver(config);
  }

  @SuppressWarnings("this-escape") // no thread starts here
  private PortableDriver(DriverConfig config) {
    this.config = config;
    int threads = Math.min(config.maxInFlight(), MOST_THREADS);
    admission = new Admission(config.maxQueued(), config.refuseWhenFull());
    pool = new Pool(this, config.threadName(), threads, admission, counters, calls::run);
  }

  @Override
  public void submit(Request request) {
    boolean own = onDriverThread();
    Throwable refusal = own ? admission.closedBecause() : admission.enter();
    if (refusal != null) {
      request.refused(refusal);
    } else {
      put(request, !own);
    }
  }

  @Override
  public void submitPastLimits(Request request) {
    put(request, false);
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
    try {
      Operation copy = ConfinedMemory.standInFor(operation);
      return ConfinedMemory.copyBack(copy, operation, callOnPool(copy));
    } catch (OutOfMemoryError e) {
      return -Errno.ENOMEM;
    }
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
    if (admission.close(Refusals.closed())) {
      pool.beginClose();
    }
  }

  @Override
  public void close() {
    beginClose();
    if (closeBegun.compareAndSet(false, true)) {
      try {
        finishClose();
      } finally {
        boolean _ = closed.complete(null);
      }
    } else {
      Void _ = closed.join();
    }
  }

  private void finishClose() {
    List<Operation> stuck = List.of();
    if (!pool.awaitQuiet(config.closeTimeout())) {
      calls.stop();
      endRunning();
      stuck = pool.abandonAll(Refusals.closed());
    }
    files.closeAllBut(stuck);
    pool.join();
    for (Thread aborter : aborters) {
      boolean _ = DriverThread.join(aborter, GRACE);
    }
  }

  /** Closes files under the operations that run, which then end, until those that wait have had their turn and nothing runs. */
  private void endRunning() {
    long deadline = System.nanoTime() + GRACE.toNanos();
    do {
      pool.runningOperations().forEach(this::abort);
    } while (!pool.awaitQuiet(BETWEEN_ABORTS) && System.nanoTime() < deadline);
  }

  /** On a thread of its own: closing a channel waits for the threads in it, and a broken device may hold them for ever. */
  private void abort(Operation operation) {
    OpenFile file = files.of(operation);
    if (file == null || !file.beginAbort()) {
      return;
    }
    try {
      Thread aborter = DriverThread.uninterruptible(this, file::abort, config.threadName() + "-aborter");
      aborter.start();
      aborters.add(aborter);
    } catch (OutOfMemoryError e) {
      LOG.log(System.Logger.Level.WARNING, "no thread to end " + operation.name(), e);
    }
  }

  private void put(Request request, boolean holdsPlace) {
    Operation operation = request.operation();
    if (ConfinedMemory.isIn(operation)) {
      runConfined(request, holdsPlace);
    } else if (!pool.put(request, holdsPlace)) {
      refuse(request, holdsPlace);
    }
  }

  /** Runs a request to its end before returning: only this thread can reach its memory. */
  private void runConfined(Request request, boolean holdsPlace) {
    if (onDriverThread()) {
      counters.submitted.increment();
      end(request, calls.run(request.operation()));
      return;
    }
    Operation copy;
    try {
      copy = ConfinedMemory.standInFor(request.operation());
    } catch (OutOfMemoryError e) {
      admission.leave(holdsPlace ? 1 : 0);
      end(request, -Errno.ENOMEM);
      return;
    }
    Call call = new Call(copy);
    if (pool.put(call, holdsPlace)) {
      request.completed(ConfinedMemory.copyBack(copy, request.operation(), call.await()));
    } else {
      ConfinedMemory.free(copy);
      refuse(request, holdsPlace);
    }
  }

  private void end(Request request, int result) {
    counters.countResult(result);
    request.completed(result);
  }

  private void refuse(Request request, boolean holdsPlace) {
    admission.leave(holdsPlace ? 1 : 0);
    Throwable closedBecause = admission.closedBecause();
    request.refused(closedBecause != null ? closedBecause : new RejectedExecutionException("no thread can be started"));
  }

  private int callOnPool(Operation operation) {
    Call call = new Call(operation);
    return pool.put(call, false) ? call.await() : -Errno.ECANCELED;
  }
}
