package dev.annulus.internal.runtime;

import dev.annulus.internal.abi.IoUring;
import dev.annulus.internal.driver.HungOperations;
import dev.annulus.internal.ring.Ring;

/**
 * How many of the kernel's workers this runtime may have. Left alone the kernel has four for each
 * processor, and as many hung operations of one device stop those of all others. So there are more
 * from the start, and more still when operations hang: a hung operation takes its place among those
 * in flight, and no worker from others.
 *
 * <p>Confined to the reaper thread. Costs a comparison a round while fewer operations are in flight
 * than there may be workers.
 */
final class WorkerLimit {
  /** What a machine with 64 processors has by itself. The kernel makes a worker only when it needs one. */
  static final int USUAL_WORKERS = 256;

  private static final long LOOK_NANOS = 100_000_000;

  private final Ring ring;
  private final InFlightTable table;
  private int limit;
  private long lastLook = System.nanoTime();

  WorkerLimit(Ring ring, InFlightTable table) {
    this.ring = ring;
    this.table = table;
    this.limit = ring.limitWorkers(USUAL_WORKERS) < 0 ? Integer.MAX_VALUE : USUAL_WORKERS;
  }

  /**
   * Looks after the workers, now and then.
   *
   * @param timeoutNanos longest wait of the coming round, or 0 for no limit
   * @return the same, or less if operations may be waiting for a worker
   */
  long look(long timeoutNanos) {
    if (table.size() < limit) {
      return timeoutNanos;
    }
    long now = System.nanoTime();
    if (now - lastLook >= LOOK_NANOS) {
      lastLook = now;
      raise(table.countSince(now - HungOperations.HANGING_NANOS));
    }
    return timeoutNanos == 0 ? LOOK_NANOS : Math.min(timeoutNanos, LOOK_NANOS);
  }

  private void raise(int hanging) {
    int wanted = hanging + USUAL_WORKERS;
    if (wanted <= limit || !ring.submissions().hasRoom(2)) {
      return;
    }
    if (ring.limitWorkers(wanted) < 0) {
      limit = Integer.MAX_VALUE;
      return;
    }
    limit = wanted;
    makeWorker();
  }

  /**
   * Gives the kernel work for a worker: only then does it see that there may be one more, which then
   * takes what waits, and makes another when it blocks.
   */
  private void makeWorker() {
    ring.submissions()
        .push(
            IoUring.IORING_OP_NOP, IoUring.IOSQE_ASYNC, -1, 0, 0, 0, 0, UserData.CANCEL);
  }
}
