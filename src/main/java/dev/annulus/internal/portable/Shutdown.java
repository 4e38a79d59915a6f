package dev.annulus.internal.portable;

import dev.annulus.internal.driver.Closing;
import dev.annulus.internal.driver.Driver;
import dev.annulus.internal.driver.Finisher;
import dev.annulus.internal.driver.Operation;
import dev.annulus.internal.driver.Refusals;
import dev.annulus.internal.driver.StallWatch;
import java.util.concurrent.TimeUnit;

/**
 * Ends a driver within the time limits of closing, whatever hangs: operations, files that cannot
 * be closed, users' code. One step after the other; a step that fails does not stop the next.
 */
final class Shutdown {
  private static final long BETWEEN_ABORTS_NANOS = TimeUnit.MILLISECONDS.toNanos(10);

  private static final int MAX_TRIES = 10;

  private final String name;
  private final PoolClosing pool;
  private final NioCalls calls;
  private final FileTable files;
  private final Throwable closed = Refusals.closed();
  private final Throwable abandoned = Refusals.abandoned();
  private final Throwable givenUp = Refusals.givenUp();

  /** Made beforehand, so that memory that has run out does not keep requests from being ended. */
  private final Finisher aborts;

  private final Finisher lastSteps;

  Shutdown(Driver owner, String name, PoolClosing pool, NioCalls calls, FileTable files) {
    this.name = name;
    this.pool = pool;
    this.calls = calls;
    this.files = files;
    this.aborts = new Finisher(owner, name + "-aborter");
    this.lastSteps = new Finisher(owner, name);
  }

  /** Ends everything; returns within the limits. */
  void run(Closing limits) {
    guarded("waiting for operations", () -> awaitOrAbort(limits));
    guarded("ending operations", this::endRequests);
    guarded("closing files", this::closeFiles);
    guarded("ending operations", () -> lastSteps.run(limits.nanosUntilDriverEnded()));
    guarded("waiting for threads", () -> pool.awaitThreads(limits.nanosUntilDriverEnded()));
    guarded("looking for what still runs", this::report);
  }

  /** An error of the JVM's may be gone at the next try. All steps may be repeated. */
  private void guarded(String what, Runnable step) {
    Throwable failure = null;
    for (int tries = 0; tries < MAX_TRIES; tries++) {
      try {
        step.run();
        return;
      } catch (Throwable e) {
        failure = e;
      }
    }
    Log.error(what + " failed", name, failure);
  }

  private void awaitOrAbort(Closing limits) {
    if (!pool.awaitQuiet(limits.nanosUntilCancel())) {
      calls.stop();
      abortFiles(limits);
    }
  }

  /**
   * Closes files under the operations that run, which then end, until those that wait have had
   * their turn and nothing runs. On threads of their own: closing a channel waits for the threads
   * in it, and a broken device may hold them for ever.
   */
  private void abortFiles(Closing limits) {
    do {
      for (Operation operation : pool.runningOperations()) {
        OpenFile file = files.of(operation);
        if (file != null && file.beginAbort()) {
          aborts.add(file::abort);
        }
      }
      boolean _ = aborts.run(Math.min(BETWEEN_ABORTS_NANOS, limits.nanosUntilAbandoning()));
    } while (!pool.awaitQuiet(Math.min(BETWEEN_ABORTS_NANOS, limits.nanosUntilAbandoning()))
        && limits.nanosUntilAbandoning() > 0);
  }

  /** Ends all requests that are left. Users' code may block in each. */
  private void endRequests() {
    Runnable endNext = () -> pool.endNext(closed, abandoned);
    for (int left = pool.end(); left > 0; left--) {
      addOrRun(endNext);
    }
    for (PoolClosing.Busy busy : pool.busyThreads()) {
      if (busy.isEnding()) {
        // Users' code holds the thread that is ending it; there may be others who wait for it.
        addOrRun(() -> busy.task().request.givenUp(givenUp));
      }
    }
  }

  private void closeFiles() {
    for (OpenFile file : files.endAllBut(pool.runningOperations())) {
      addOrRun(file::closeQuietly);
    }
  }

  private void addOrRun(Runnable step) {
    try {
      lastSteps.add(step);
    } catch (Throwable e) {
      step.run();
    }
  }

  // ---- what still runs ----

  private void report() {
    for (PoolClosing.Busy busy : pool.busyThreads()) {
      OpenFile file = files.of(busy.task().operation);
      String operation = busy.task().operation.name();
      String what = file == null ? operation : operation + " of " + file.path();
      Log.warning(
          "the runtime "
              + name
              + " was closed, but its thread "
              + busy.thread().getName()
              + (busy.isEnding() ? " is held by users' code that waits for " : " is still in ")
              + what,
          "it is at\n" + StallWatch.stackOf(busy.thread()),
          null);
    }
    report(aborts);
    report(lastSteps);
  }

  private void report(Finisher finisher) {
    if (!finisher.run(0)) {
      finisher.report(name);
    }
  }
}
