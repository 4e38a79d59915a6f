package dev.annulus.internal.runtime;

import dev.annulus.internal.abi.IoUring;
import dev.annulus.internal.driver.Errno;
import dev.annulus.internal.driver.Log;
import dev.annulus.internal.ring.Ring;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/**
 * Memory the kernel has pinned beforehand, so that it need not look up the pages for each operation. It is wanted by any thread, and registered
 * by the reaper at its next round: until then, and where the kernel will not, the same memory is used as any other.
 */
final class RegisteredMemory {
  private volatile @Nullable MemorySegment wanted;

  /** What is registered. Kept here since it must outlive the ring; written by the reaper. */
  private @Nullable MemorySegment memory;

  private long address;
  private long size;

  /** As {@link #size}, for those who watch. */
  private volatile long bytes;

  /** Any thread. Wakes nobody: the first operation on the memory will. */
  void want(MemorySegment memory) {
    wanted = memory;
  }

  /** Bytes registered; may be asked by any thread. */
  long bytes() {
    return bytes;
  }

  /** The reaper, between submissions. */
  void registerIfWanted(Ring ring) {
    MemorySegment now = wanted;
    if (now == null) {
      return;
    }
    wanted = null;
    if (!ring.supports(IoUring.IORING_OP_READ_FIXED) || !ring.supports(IoUring.IORING_OP_WRITE_FIXED)) {
      return;
    }
    int result = ring.registerMemory(now);
    if (result < 0) {
      Log.debug(now.byteSize() + " bytes of buffers stay unregistered: " + Errno.symbol(-result));
      return;
    }
    memory = now;
    address = now.address();
    size = now.byteSize();
    bytes = size;
  }

  /** The reaper: whether all of a stretch of memory is registered. */
  boolean holds(long start, int length) {
    long offset = start - address;
    return memory != null && offset >= 0 && offset + length <= size;
  }
}
