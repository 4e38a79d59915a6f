package dev.annulus.internal.driver;

import java.lang.foreign.MemorySegment;

/** Native memory that takes the place of memory no driver may see, such as a heap buffer's. */
public interface StandIn {
  /** The native memory; stays the same. */
  MemorySegment segment();
}
