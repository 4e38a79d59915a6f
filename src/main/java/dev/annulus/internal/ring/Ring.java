package dev.annulus.internal.ring;

import java.lang.foreign.MemorySegment;

/**
 * One io_uring: a pair of queues and the call that makes the kernel look at them. Confined to one thread from set-up to close,
 * as {@code IORING_SETUP_SINGLE_ISSUER} demands.
 *
 * <p>An interface so that a simulated kernel can stand behind the same queues in tests.
 */
public interface Ring extends AutoCloseable {
  int EOPNOTSUPP = 95;

  SubmissionQueue submissions();

  CompletionQueue completions();

  /**
   * Submits up to {@code toSubmit} published entries, then waits until {@code minComplete} completions are ready, always
   * letting the kernel run its deferred work and flush overflowed completions.
   *
   * @param timeoutNanos longest wait, or 0 for no limit; passing it gives {@code -ETIME}
   * @return how many entries the kernel took, which may be fewer than asked (it has then not waited), or a negated errno. A
   *     wait that a signal interrupts after something was submitted is reported as that count (io_uring_enter(2)).
   */
  int enter(int toSubmit, int minComplete, long timeoutNanos);

  /**
   * Has the kernel pin memory, so that it need not look it up for each operation that uses it by {@code IORING_OP_READ_FIXED} and {@code
   * IORING_OP_WRITE_FIXED}, as buffer 0. Once in a ring's life. The memory must outlive the ring.
   *
   * @return 0, or a negated errno: {@code -ENOMEM} past the limit on locked memory, {@code -EOPNOTSUPP} where it could hold up the ring
   */
  int registerMemory(MemorySegment memory);

  /**
   * Sets how many of the kernel's workers may run operations on files at once for this thread's rings;
   * there are never more than are needed. By default the kernel decides.
   *
   * @return 0, or a negated errno: {@code -EINVAL} before Linux 5.15
   */
  default int limitWorkers(int workers) {
    return -EOPNOTSUPP;
  }

  /** Whether the kernel runs this {@code IORING_OP_}. */
  boolean supports(int opcode);

  /** The {@code IORING_SETUP_} flags in force. */
  int setupFlags();

  /** Unmaps the queues and closes the descriptor. Does not wait for operations still in the kernel. */
  @Override
  void close();
}
