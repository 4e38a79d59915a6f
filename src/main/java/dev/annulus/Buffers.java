package dev.annulus;

import dev.annulus.HeapCopies.HeapCopy;
import dev.annulus.internal.driver.Operation;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.MappedByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;

/** Checks users' memory and turns it into memory a driver may touch; moves buffers when they have been transferred. */
final class Buffers {
  private Buffers() {}

  /** Checks a position and a length from there, on the calling thread. */
  static void checkRange(long position, long length) {
    if (position < 0) {
      throw new IllegalArgumentException("negative position: " + position);
    }
    if (length > Long.MAX_VALUE - position) {
      throw new IllegalArgumentException("range ends past Long.MAX_VALUE: position " + position + ", length " + length);
    }
  }

  /** The memory of a buffer between position and limit, checked to be usable by this thread now. */
  static MemorySegment check(ByteBuffer buffer, boolean forReading) {
    if (forReading && buffer.isReadOnly()) {
      throw new IllegalArgumentException("read-only buffer as destination");
    }
    return checkAccess(MemorySegment.ofBuffer(buffer));
  }

  /** A segment, checked to be usable by this thread now. */
  static MemorySegment check(MemorySegment segment, boolean forReading) {
    if (forReading && segment.isReadOnly()) {
      throw new IllegalArgumentException("read-only segment as destination");
    }
    return checkAccess(segment);
  }

  private static MemorySegment checkAccess(MemorySegment segment) {
    checkAccess(segment.scope().isAlive(), segment.isAccessibleBy(Thread.currentThread()));
    return segment;
  }

  private static void checkAccess(boolean alive, boolean accessible) {
    if (!alive) {
      throw new IllegalStateException("the memory's arena is closed");
    }
    if (!accessible) {
      throw new WrongThreadException("the memory is confined to another thread");
    }
  }

  /** As {@link #check(ByteBuffer, boolean)} of a native buffer, by what is known of its memory. */
  static void checkNative(boolean readOnly, boolean alive, boolean accessible, boolean forReading) {
    if (forReading && readOnly) {
      throw new IllegalArgumentException("read-only buffer as destination");
    }
    checkAccess(alive, accessible);
  }

  /**
   * What an operation is to hold on to: the user's own memory if it is native, else a stand-in. To be {@linkplain #release
   * released} in any case.
   */
  static Object memory(Engine engine, ByteBuffer buffer, MemorySegment segment, boolean forReading) {
    if (buffer instanceof MappedByteBuffer nativeBuffer) {
      return nativeMemory(engine, nativeBuffer, segment.address(), segment.byteSize());
    }
    return forReading
        ? engine.heapCopies().forReading(segment, buffer)
        : engine.heapCopies().forWriting(segment, buffer);
  }

  /** As {@link #memory(Engine, ByteBuffer, MemorySegment, boolean)}, for a native buffer, whose bytes are {@code size} from {@code address} on. */
  static Object nativeMemory(Engine engine, MappedByteBuffer buffer, long address, long size) {
    BufferPool.Lease lease = size == 0 ? null : engine.bufferPool().leaseOf(address);
    return lease == null ? buffer : new LeasedMemory(lease, MemorySegment.ofBuffer(buffer), buffer);
  }

  /** As {@link #memory(Engine, ByteBuffer, MemorySegment, boolean)}, for a user's segment. */
  static Object memory(Engine engine, MemorySegment segment, boolean forReading) {
    if (segment.isNative()) {
      BufferPool.Lease lease = segment.byteSize() == 0 ? null : engine.bufferPool().leaseOf(segment.address());
      return lease == null ? segment : new LeasedMemory(lease, segment, null);
    }
    return forReading
        ? engine.heapCopies().forReading(segment, null)
        : engine.heapCopies().forWriting(segment, null);
  }

  /** Where an operation on {@code memory} begins, given the user's segment. */
  static long address(Object memory, MemorySegment segment) {
    return memory instanceof HeapCopy copy ? copy.segment().address() : segment.address();
  }

  /** How much of a segment one operation takes. */
  static int length(long size) {
    return (int) Math.min(size, Operation.MAX_TRANSFER_BYTES);
  }

  /** Takes note of transferred bytes. */
  static void transferred(Object memory, int count, boolean read) {
    switch (memory) {
      case ByteBuffer buffer -> buffer.position(buffer.position() + count);
      case OwnMemory own -> own.transferred(count, read);
      default -> {}
    }
  }

  /** Takes note of bytes transferred over several pieces in turn. */
  static void transferred(List<Operation.Piece> pieces, int count, boolean read) {
    int left = count;
    for (Operation.Piece piece : pieces) {
      int here = Math.min(left, piece.length());
      transferred(piece.memory(), here, read);
      left -= here;
    }
  }

  /** Returns what was taken by {@link #memory}, now that nothing touches it. */
  static void release(Object memory) {
    if (memory instanceof OwnMemory own) {
      own.release();
    }
  }

  /** The list's buffers, each checked. */
  static List<ByteBuffer> checkAll(List<ByteBuffer> buffers, boolean forReading) {
    List<ByteBuffer> copy = List.copyOf(Objects.requireNonNull(buffers, "buffers"));
    if (copy.isEmpty()) {
      throw new IllegalArgumentException("empty list of buffers");
    }
    for (ByteBuffer buffer : copy) {
      MemorySegment _ = check(buffer, forReading);
    }
    return copy;
  }

  /** How many bytes buffers hold or take together. */
  static long total(List<ByteBuffer> buffers) {
    long total = 0;
    for (ByteBuffer buffer : buffers) {
      total += buffer.remaining();
    }
    return total;
  }

  /**
   * What an operation on several buffers is to hold on to, each as {@link #memory}. Without the empty ones: were the most one operation takes all
   * empty, it would transfer nothing, or report end of file.
   */
  static List<Operation.Piece> pieces(Engine engine, List<ByteBuffer> buffers, boolean forReading) {
    List<Operation.Piece> pieces = new ArrayList<>(buffers.size());
    try {
      for (ByteBuffer buffer : buffers) {
        if (buffer.hasRemaining()) {
          MemorySegment segment = MemorySegment.ofBuffer(buffer);
          Object memory = memory(engine, buffer, segment, forReading);
          pieces.add(new Operation.Piece(memory, address(memory, segment), (int) segment.byteSize()));
        }
      }
    } catch (RuntimeException | Error e) {
      pieces.forEach(piece -> release(piece.memory()));
      throw e;
    }
    return pieces;
  }
}
