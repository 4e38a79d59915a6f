package dev.annulus;

import java.util.Objects;

/**
 * What an {@link IoRuntime} is doing and has done since it was opened. Each number is exact when it is read; they are not all read
 * at one instant.
 *
 * @param inFlight operations the kernel (or the portable pool) holds now; at most {@link IoRuntime.Builder#maxInFlight(int)}
 * @param queued operations that wait behind them; at most {@link IoRuntime.Builder#maxQueued(int)}
 * @param submitted operations handed to the kernel or the pool
 * @param completed operations that ended with a result, a short one or end of file included
 * @param failed operations that ended with an error
 * @param cancelled operations that ended because they were cancelled
 * @param enters calls of {@code io_uring_enter(2)}; 0 on the portable backend
 * @param wakeups times a submitter had to wake the sleeping reaper
 * @param cqOverflows times completions had to wait in the kernel for room in the completion queue; none is lost by it
 * @param retries operations tried again after the kernel answered {@code EINTR} or {@code EAGAIN}
 * @param inlineHits reads answered from the page cache on the calling thread
 * @param inlineMisses reads tried so that had to go to the ring
 * @param staleCompletions completions that belonged to no operation in flight; always 0 unless the kernel errs
 * @param abandoned operations given up at closing because the kernel would not end them; their buffers are never freed
 * @param buffers the pool of buffers
 * @param ringFlags the ring's set-up flags in force, joined with {@code |}; empty on the portable backend
 */
public record RuntimeStats(
    int inFlight,
    int queued,
    long submitted,
    long completed,
    long failed,
    long cancelled,
    long enters,
    long wakeups,
    long cqOverflows,
    long retries,
    long inlineHits,
    long inlineMisses,
    long staleCompletions,
    long abandoned,
    BufferPoolStats buffers,
    String ringFlags) {
  /** Checks that the objects are there. */
  public RuntimeStats {
    Objects.requireNonNull(buffers, "buffers");
    Objects.requireNonNull(ringFlags, "ringFlags");
  }
}
