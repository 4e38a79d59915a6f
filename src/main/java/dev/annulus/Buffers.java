package dev.annulus;

import dev.annulus.HeapCopies.HeapCopy;
import dev.annulus.internal.driver.Operation;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.MappedByteBuffer;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Checks users' memory and turns it into memory a driver may touch; moves buffers when they have been transferred.
 *
 * <p>A buffer's position and limit may be changed by other threads at any time. They are read once, by {@link #snapshot} or for {@link
 * #size}, and address, length and contents are taken from that alone. {@code MemorySegment.ofBuffer} is no such snapshot: it reads the
 * position twice, and its segment may lie outside the buffer, or be of negative size.
 */
final class Buffers {
  private static final String MOVED = "the buffer's position and limit are being changed by another thread";

  /** The largest unit that a buffer tells its alignment to. */
  private static final int ADDRESS_UNIT = 1 << 30;

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

  /**
   * What is between a buffer's position and limit now, as a buffer of its own that nobody else moves.
   *
   * @throws IllegalArgumentException if the limit is before the position
   */
  static ByteBuffer snapshot(ByteBuffer buffer) {
    ByteBuffer view = buffer.slice(); // reads both once, and is empty if they are the wrong way round
    if (view.capacity() == 0) {
      int _ = size(buffer.position(), buffer.limit());
    }
    return view;
  }

  // A snapshot of a native buffer without an object to hold it:

  /** Whether {@link #addressAt} can tell its address. */
  static boolean hasKnownAddress(MappedByteBuffer buffer) {
    return buffer.capacity() < ADDRESS_UNIT;
  }

  /** How many bytes are between a position and a limit, each read from a buffer once. */
  static int size(int position, int limit) {
    if (limit < position) {
      throw new IllegalArgumentException(MOVED);
    }
    return limit - position;
  }

  /**
   * The address of a place in a native buffer, wherever its position is.
   *
   * @param somewhere the address that was told for its position, whatever that was
   * @param position the place
   */
  static long addressAt(MappedByteBuffer buffer, long somewhere, int position) {
    // The low bits of the buffer's own address, which no position has a part in.
    int low = buffer.alignmentOffset(0, ADDRESS_UNIT);
    long thatPosition = (somewhere - low) & (ADDRESS_UNIT - 1);
    return somewhere - thatPosition + position;
  }

  /** The memory of a buffer between position and limit, checked to be usable by this thread now. */
  static MemorySegment check(ByteBuffer buffer, boolean forReading) {
    if (forReading && buffer.isReadOnly()) {
      throw new IllegalArgumentException("read-only buffer as destination");
    }
    return checkAccess(MemorySegment.ofBuffer(snapshot(buffer)));
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

  /** What an operation that fills a buffer is to hold on to; see {@link #memory}. */
  static Object toFill(Engine engine, ByteBuffer buffer, MemorySegment segment) {
    return segment.isNative() ? nativeMemory(engine, buffer, segment) : engine.heapCopies().forReading(segment, buffer);
  }

  /** What an operation that fills a segment is to hold on to; see {@link #memory}. */
  static Object toFill(Engine engine, MemorySegment segment) {
    return segment.isNative() ? nativeMemory(engine, null, segment) : engine.heapCopies().forReading(segment, null);
  }

  /**
   * What an operation that writes a buffer is to hold on to: the user's own memory if it is native, else a stand-in. To be {@linkplain #take
   * taken}, and then {@linkplain #release released} in any case.
   *
   * @param buffer what is moved, or {@code null}
   * @param segment its {@linkplain #check checked} memory
   * @param whole whether everything must be written in one operation
   */
  static Object memory(Engine engine, @Nullable ByteBuffer buffer, MemorySegment segment, boolean whole) {
    return segment.isNative()
        ? nativeMemory(engine, buffer, segment)
        : engine.heapCopies().forWriting(segment, buffer, whole);
  }

  private static Object nativeMemory(Engine engine, @Nullable ByteBuffer buffer, MemorySegment segment) {
    BufferPool.Lease lease = segment.byteSize() == 0 ? null : engine.bufferPool().leaseOf(segment.address());
    if (lease != null) {
      return new LeasedMemory(lease, segment, buffer);
    }
    if (buffer == null) {
      return segment;
    }
    return engine.viewsMemory() ? new ViewedBuffer(segment, buffer) : buffer;
  }

  /** As {@link #memory}, for a native buffer, whose bytes are {@code size} from {@code address} on; not for drivers that view memory. */
  static Object nativeMemory(Engine engine, MappedByteBuffer buffer, long address, long size) {
    BufferPool.Lease lease = size == 0 ? null : engine.bufferPool().leaseOf(address);
    return lease == null ? buffer : new LeasedMemory(lease, lease.part(address, size), buffer);
  }

  /** Where an operation on {@code memory} begins, given the user's segment. */
  static long address(Object memory, MemorySegment segment) {
    return memory instanceof HeapCopy copy ? copy.address() : segment.address();
  }

  /** How much of it the first operation takes, given the user's segment. */
  static int length(Object memory, MemorySegment segment) {
    return memory instanceof HeapCopy copy ? copy.length() : length(segment.byteSize());
  }

  /** How much of a segment one operation takes. */
  static int length(long size) {
    return (int) Math.min(size, Operation.MAX_TRANSFER_BYTES);
  }

  /** Takes note of transferred bytes. */
  static void transferred(Object memory, int count, boolean read) {
    switch (memory) {
      case ByteBuffer buffer -> move(buffer, count);
      case OwnMemory own -> own.transferred(count, read);
      default -> {}
    }
  }

  /**
   * Moves a buffer's position by the bytes that were transferred.
   *
   * @throws IllegalArgumentException if its limit, moved meanwhile, is before that; the position then stays
   */
  static void move(ByteBuffer buffer, int count) {
    try {
      buffer.position(buffer.position() + count);
    } catch (IllegalArgumentException e) {
      throw new IllegalArgumentException(MOVED + ": the position cannot be moved by the " + count + " bytes that were transferred", e);
    }
  }

  /** Takes what {@link #memory} has prepared. Whatever this throws, {@link #release} must follow. */
  static void take(Object memory) {
    if (memory instanceof TakenMemory own) {
      own.take();
    }
  }

  /** Returns what was {@linkplain #take taken}, now that nothing touches it. */
  static void release(Object memory) {
    if (memory instanceof TakenMemory own) {
      own.release();
    }
  }

  /** The memory of each of a list's buffers, checked. */
  static MemorySegment[] checkAll(List<ByteBuffer> buffers, boolean forReading) {
    if (buffers.isEmpty()) {
      throw new IllegalArgumentException("empty list of buffers");
    }
    MemorySegment[] segments = new MemorySegment[buffers.size()];
    for (int i = 0; i < segments.length; i++) {
      segments[i] = check(buffers.get(i), forReading);
    }
    return segments;
  }

  /** A copy of a user's list. */
  static List<ByteBuffer> copyOf(List<ByteBuffer> buffers) {
    return List.copyOf(Objects.requireNonNull(buffers, "buffers"));
  }

  /** How many bytes segments hold together. */
  static long total(MemorySegment[] segments) {
    long total = 0;
    for (MemorySegment segment : segments) {
      total += segment.byteSize();
    }
    return total;
  }
}
