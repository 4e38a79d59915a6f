package dev.annulus.internal.portable;

import java.nio.file.Path;
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

  /** Whether its operations may wait for somebody for long, with no device at fault. */
  final boolean waits;

  /** A file of the device, or {@code null} if the lane is not of a device. */
  final @Nullable Path example;

  /** The device's number; 0 if the lane is not of a device, or the system has no numbers for them. */
  final long device;

  /** The next lane; all form a ring. */
  Lane following = this;

  /** Of no device. */
  Lane() {
    this(false, null, 0);
  }

  private Lane(boolean waits, @Nullable Path example, long device) {
    this.waits = waits;
    this.example = example;
    this.device = device;
  }

  static Lane ofStreams() {
    return new Lane(true, null, 0);
  }

  static Lane ofDevice(Path example, long device) {
    return new Lane(false, example, device);
  }
}
