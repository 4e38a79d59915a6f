package dev.annulus.internal.portable;

import dev.annulus.internal.driver.StallWatch;
import dev.annulus.internal.driver.Whereabouts;
import org.jspecify.annotations.Nullable;

/** A thread of the pool, as the pool sees it. Guarded by the pool's lock. */
final class PoolWorker {
  /** Whether the thread is in users' code. Written by the thread itself, without the lock. */
  final Whereabouts where;

  /** Set when the thread begins, before the worker is in any list. */
  @Nullable Thread thread;

  /** The task it carries out or ends. */
  @Nullable PoolTask task;

  /** Whom it has summoned and is still to rouse. The thread's own. */
  @Nullable PoolWorker helper;

  /** Whether it has been woken or started to look for a task, and has not looked yet; or looks on for a while. */
  boolean searching = true;

  /** Whether it is in the list of all workers. */
  boolean known;

  /** Whether it is in the list of those without work. */
  boolean idle;

  /** Whether it has left; its thread may live a little longer. */
  boolean retired;

  @Nullable PoolWorker previousIdle;
  @Nullable PoolWorker nextIdle;
  @Nullable PoolWorker nextOfAll;

  /**
   * Makes a worker.
   *
   * @param watch looks whether users' code keeps the thread for long; {@code null} for none
   */
  PoolWorker(@Nullable StallWatch watch) {
    where = new Whereabouts(watch);
  }
}
