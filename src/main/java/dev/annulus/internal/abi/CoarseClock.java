package dev.annulus.internal.abi;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * The time of {@link System#nanoTime} as of the kernel's last tick: some milliseconds behind, and
 * at a third of the price, since it is read from memory and not from the processor's counter ({@code
 * CLOCK_MONOTONIC_COARSE}, clock_gettime(2)). For who asks between any two system calls and wants to
 * know about seconds. One thread's.
 */
public final class CoarseClock {
  private static final long SECOND = 1_000_000_000;

  /** {@code struct timespec}. */
  private final MemorySegment time = Arena.ofAuto().allocate(2L * Long.BYTES, Long.BYTES);

  /** What the clock shows. */
  public long nanos() {
    if (Syscalls.coarseTime(time) != 0) {
      return System.nanoTime();
    }
    return time.get(JAVA_LONG, 0) * SECOND + time.get(JAVA_LONG, Long.BYTES);
  }
}
