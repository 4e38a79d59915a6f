package dev.annulus;

import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;

/** A native buffer in an operation of a driver that views memory itself: what was between position and limit, whatever they are later. */
final class ViewedBuffer extends OwnMemory {
  private final MemorySegment segment;
  private final ByteBuffer buffer;

  ViewedBuffer(MemorySegment segment, ByteBuffer buffer) {
    this.segment = segment;
    this.buffer = buffer;
  }

  @Override
  public MemorySegment segment() {
    return segment;
  }

  @Override
  void transferred(int count, boolean read) {
    Buffers.move(buffer, count);
  }

  @Override
  public void take() {}

  @Override
  public void release() {}
}
