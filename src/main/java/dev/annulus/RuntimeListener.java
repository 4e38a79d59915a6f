package dev.annulus;

/**
 * Hears what a runtime does, for meters and the like. A runtime without one takes no times and makes no objects for this.
 *
 * <p>The methods run on whatever thread has the operation in hand, also on the one that all I/O waits for, and on several at once:
 * they must be short, must not block, and must not use the runtime. What they throw has no effect; the first time it is logged.
 *
 * <p>An operation is one step of the kernel's: a {@code writeDurably} is a write and a sync, a transfer that goes on after having been
 * short is several. Of syncs that share one of the kernel's, each is told of. What has nothing to do, such as a read into an empty
 * buffer, is no operation; nor is what fails on the calling thread.
 */
public interface RuntimeListener {
  /**
   * An operation was asked for. {@link #operationEnded} follows, on this thread or another.
   *
   * @param type what it is
   */
  default void operationBegan(OperationType type) {}

  /**
   * An operation has ended; its future is about to complete. Only those are told of that began after the listener was added; of those,
   * some may be told of when it has been removed.
   *
   * @param end how
   */
  default void operationEnded(OperationEnd end) {}

  /**
   * The kernel has taken entries from the submission queue. Never called on the portable backend.
   *
   * @param entries how many one {@code io_uring_enter(2)} took, at least 1: operations, cancellations, and the runtime's own
   */
  default void batchSubmitted(int entries) {}
}
