package dev.annulus.internal.runtime;

import dev.annulus.internal.driver.Log;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * Gives a pool more threads when those it has are stuck: when tasks wait and none has ended for a
 * while. A pool whose tasks end soon stays as small as it began, however many tasks come at once.
 */
final class PoolGrowth {
  /** Most threads of a pool: as many operations of dead devices may hang before others wait for them. */
  static final int MAX_THREADS = 128;

  private static final long PATIENCE_MILLIS = 5;

  private final ThreadPoolExecutor pool;
  private final int usualThreads;
  private final Executor later =
      CompletableFuture.delayedExecutor(PATIENCE_MILLIS, TimeUnit.MILLISECONDS, Runnable::run);
  private final AtomicBoolean looking = new AtomicBoolean();

  /** Tasks that had ended at the last look. */
  private long ended;

  PoolGrowth(ThreadPoolExecutor pool) {
    this.pool = pool;
    this.usualThreads = pool.getCorePoolSize();
  }

  /** A task was given to the pool: if it has to wait, somebody looks after it in a while. */
  void taskAdded() {
    if (!pool.getQueue().isEmpty() && looking.compareAndSet(false, true)) {
      lookLater();
    }
  }

  private void lookLater() {
    ended = pool.getCompletedTaskCount();
    try {
      later.execute(this::look);
    } catch (RuntimeException | OutOfMemoryError e) {
      looking.set(false); // the next task tries again
    }
  }

  private void look() {
    try {
      int waiting = pool.getQueue().size();
      if (waiting == 0 || pool.isShutdown()) {
        stopLooking();
        return;
      }
      if (pool.getCompletedTaskCount() == ended) {
        resize(Math.min(MAX_THREADS, pool.getActiveCount() + waiting));
      }
    } catch (RuntimeException | OutOfMemoryError e) {
      Log.warn("a helper thread cannot be started: " + e);
    }
    lookLater();
  }

  /** A task that came meanwhile saw that somebody looks: it is looked after. */
  private void stopLooking() {
    looking.set(false);
    if (!pool.isShutdown()) {
      taskAdded();
    }
  }

  /** Starts threads for what waits. The larger limit is set first, as the pool demands. */
  private void resize(int threads) {
    int size = Math.max(usualThreads, threads);
    if (size > pool.getMaximumPoolSize()) {
      pool.setMaximumPoolSize(size);
      pool.setCorePoolSize(size);
    } else {
      pool.setCorePoolSize(size);
      pool.setMaximumPoolSize(size);
    }
  }
}
