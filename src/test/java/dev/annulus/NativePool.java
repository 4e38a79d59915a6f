package dev.annulus;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** Native memory for one program after the other, without a trip to the garbage collector for each. */
final class NativePool {
  private static final long SIZE = 1 << 20;

  private final MemorySegment memory = Arena.ofAuto().allocate(SIZE, 64);
  private long used;

  MemorySegment allocate(int size) {
    MemorySegment result = memory.asSlice(used, size);
    used += size;
    return result;
  }

  /** All that was allocated is free again: no operation may be using it. */
  void reset() {
    used = 0;
  }
}
