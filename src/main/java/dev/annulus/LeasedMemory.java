package dev.annulus;

import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/** A buffer of the pool's in an operation, which keeps the memory from being lent again before the operation is over. */
final class LeasedMemory extends OwnMemory {
  private final BufferPool.Lease lease;
  private final MemorySegment segment;
  private final @Nullable ByteBuffer buffer;

  /** Whether the lease is held. */
  private boolean held;

  /**
   * @param segment what the user gave: all of the lease's memory or a part of it
   * @param buffer what it is a view of, if that has a position to be moved
   */
  LeasedMemory(BufferPool.Lease lease, MemorySegment segment, @Nullable ByteBuffer buffer) {
    this.lease = lease;
    this.segment = segment;
    this.buffer = buffer;
  }

  @Override
  public MemorySegment segment() {
    return segment;
  }

  @Override
  void transferred(int count, boolean read) {
    if (buffer != null) {
      Buffers.move(buffer, count);
    }
  }

  /**
   * Holds the lease.
   *
   * @throws IllegalStateException if it is closed
   */
  @Override
  public void take() {
    lease.hold();
    held = true;
  }

  @Override
  public void release() {
    if (held) {
      lease.letGo();
      held = false;
    }
    lease.giveBackIfUnused();
  }
}
