package dev.annulus.internal.ring;

import static java.lang.foreign.ValueLayout.JAVA_INT;

import dev.annulus.internal.abi.CqeLayout;
import dev.annulus.internal.abi.Fcntl;
import dev.annulus.internal.abi.IoUring;
import dev.annulus.internal.abi.ParamsLayout;
import dev.annulus.internal.abi.SqeLayout;
import java.lang.foreign.MemorySegment;

/**
 * The memory a ring shares with the kernel: one mapping for both queues, or two on kernels before 5.4, and one for the
 * submission entries. Owns the mappings; a failure on the way undoes those already made.
 */
final class RingMapping {
  private static final int PROTECTION = Fcntl.PROT_READ | Fcntl.PROT_WRITE;
  private static final int FLAGS = Fcntl.MAP_SHARED | Fcntl.MAP_POPULATE;

  private final KernelCalls kernel;
  private final MemorySegment submissionRing;
  private final MemorySegment completionRing;
  private final MemorySegment submissionEntries;

  private RingMapping(
      KernelCalls kernel, MemorySegment submissionRing, MemorySegment completionRing, MemorySegment submissionEntries) {
    this.kernel = kernel;
    this.submissionRing = submissionRing;
    this.completionRing = completionRing;
    this.submissionEntries = submissionEntries;
  }

  static RingMapping map(KernelCalls kernel, int fd, MemorySegment params) throws RingSetupException {
    int sqEntries = params.get(JAVA_INT, ParamsLayout.SQ_ENTRIES);
    int cqEntries = params.get(JAVA_INT, ParamsLayout.CQ_ENTRIES);
    boolean single = (params.get(JAVA_INT, ParamsLayout.FEATURES) & IoUring.IORING_FEAT_SINGLE_MMAP) != 0;
    boolean noArray = (params.get(JAVA_INT, ParamsLayout.FLAGS) & IoUring.IORING_SETUP_NO_SQARRAY) != 0;

    // Without an array sq_off.array is 0, and the submission ring is just the header the offsets point into.
    long sqSize =
        noArray
            ? (long) params.get(JAVA_INT, ParamsLayout.CQ_CQES)
            : params.get(JAVA_INT, ParamsLayout.SQ_ARRAY) + (long) sqEntries * Integer.BYTES;
    long cqSize = params.get(JAVA_INT, ParamsLayout.CQ_CQES) + cqEntries * CqeLayout.SIZE;

    MemorySegment sq = mapOne(kernel, fd, single ? Math.max(sqSize, cqSize) : sqSize, IoUring.IORING_OFF_SQ_RING);
    MemorySegment cq = sq;
    try {
      if (!single) {
        cq = mapOne(kernel, fd, cqSize, IoUring.IORING_OFF_CQ_RING);
      }
      MemorySegment entries = mapOne(kernel, fd, sqEntries * SqeLayout.SIZE, IoUring.IORING_OFF_SQES);
      return new RingMapping(kernel, sq, cq, entries);
    } catch (RingSetupException e) {
      unmapRings(kernel, sq, cq);
      throw e;
    }
  }

  SubmissionQueue submissionQueue(MemorySegment params) {
    boolean noArray = (params.get(JAVA_INT, ParamsLayout.FLAGS) & IoUring.IORING_SETUP_NO_SQARRAY) != 0;
    return new SubmissionQueue(
        submissionRing,
        submissionEntries,
        new SubmissionQueue.Shape(
            params.get(JAVA_INT, ParamsLayout.SQ_HEAD),
            params.get(JAVA_INT, ParamsLayout.SQ_TAIL),
            params.get(JAVA_INT, ParamsLayout.SQ_FLAGS),
            noArray ? SubmissionQueue.NO_ARRAY : params.get(JAVA_INT, ParamsLayout.SQ_ARRAY),
            params.get(JAVA_INT, ParamsLayout.SQ_ENTRIES)));
  }

  CompletionQueue completionQueue(MemorySegment params) {
    return new CompletionQueue(
        completionRing,
        new CompletionQueue.Shape(
            params.get(JAVA_INT, ParamsLayout.CQ_HEAD),
            params.get(JAVA_INT, ParamsLayout.CQ_TAIL),
            params.get(JAVA_INT, ParamsLayout.CQ_OVERFLOW),
            params.get(JAVA_INT, ParamsLayout.CQ_CQES),
            params.get(JAVA_INT, ParamsLayout.CQ_ENTRIES)));
  }

  void unmap() {
    kernel.munmap(submissionEntries);
    unmapRings(kernel, submissionRing, completionRing);
  }

  private static MemorySegment mapOne(KernelCalls kernel, int fd, long size, long offset) throws RingSetupException {
    long address = kernel.mmap(size, PROTECTION, FLAGS, fd, offset);
    if (address < 0 && address > -4096) {
      throw new RingSetupException("mmap", (int) -address);
    }
    return kernel.segment(address, size);
  }

  private static void unmapRings(KernelCalls kernel, MemorySegment sq, MemorySegment cq) {
    if (!cq.equals(sq)) {
      kernel.munmap(cq);
    }
    kernel.munmap(sq);
  }
}
