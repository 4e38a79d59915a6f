package dev.annulus.internal.ring;

import java.lang.foreign.MemorySegment;

/** The running kernel, for tests to change in one call. */
class KernelCallsWrapper implements KernelCalls {
  @Override
  public int setup(int entries, MemorySegment params) {
    return REAL.setup(entries, params);
  }

  @Override
  public long mmap(long length, int protection, int flags, int fd, long offset) {
    return REAL.mmap(length, protection, flags, fd, offset);
  }

  @Override
  public MemorySegment segment(long address, long size) {
    return REAL.segment(address, size);
  }

  @Override
  public void munmap(MemorySegment mapping) {
    REAL.munmap(mapping);
  }

  @Override
  public int close(int fd) {
    return REAL.close(fd);
  }
}
