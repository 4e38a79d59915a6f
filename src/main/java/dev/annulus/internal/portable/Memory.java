package dev.annulus.internal.portable;

import dev.annulus.internal.driver.StandIn;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;

/** Makes of an operation's memory and address what {@code java.nio} takes, without any restricted method. */
final class Memory {
  private Memory() {}

  /** The segment that contains an operation's memory. */
  static MemorySegment whole(Object memory) {
    return switch (memory) {
      // Of the whole buffer: its position and limit are the user's, and move.
      case ByteBuffer buffer -> MemorySegment.ofBuffer(buffer.duplicate().clear());
      case MemorySegment segment -> segment;
      case StandIn standIn -> standIn.segment();
      default -> throw new IllegalArgumentException("not memory: " + memory.getClass());
    };
  }

  /** The part of an operation's memory that is meant. */
  static MemorySegment part(Object memory, long address, long length) {
    MemorySegment whole = whole(memory);
    return whole.asSlice(address - whole.address(), length);
  }

  /** As {@link #part}, as a buffer. */
  static ByteBuffer view(Object memory, long address, int length) {
    return part(memory, address, length).asByteBuffer();
  }

}
