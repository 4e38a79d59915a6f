package dev.annulus.internal.portable;

import org.jspecify.annotations.Nullable;

/**
 * The requests of one device that wait, and how many of the pool's threads its requests hold. A
 * device that hangs fills its own lane only. Guarded by the pool's lock.
 */
final class Lane {
  /** Requests that hold a place of the admission. */
  static final int ADMITTED = 0;

  /** Requests let in past the limits. */
  static final int PAST_LIMITS = 1;

  /** The heads and tails of the two queues. */
  final @Nullable PoolTask[] first = new PoolTask[2];

  final @Nullable PoolTask[] last = new PoolTask[2];

  /** The queue that is served last time round; so neither starves the other. */
  int served = PAST_LIMITS;

  /** Tasks in both queues. */
  int queued;

  /** Threads that carry out or end a task of this lane. */
  int held;

  /** Those of {@link #held} that have been at it for so long that they do not count. */
  int slow;

  /** The next lane; all form a ring. */
  Lane following = this;
}
