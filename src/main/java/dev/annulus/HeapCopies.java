package dev.annulus;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.util.Queue;
import java.util.concurrent.ArrayBlockingQueue;
import org.jspecify.annotations.Nullable;

/**
 * Native memory that stands in for heap memory during an operation: the pool's, or when that has no room, memory kept for reuse by size, in
 * powers of two. Page-aligned, so that direct I/O works with heap buffers too. What is not returned, because the kernel never let go of it, is
 * simply not reused.
 */
final class HeapCopies {
  private static final int SMALLEST_BITS = 12;
  private static final int LARGEST_BITS = 20;
  private static final int KEPT_PER_SIZE = 64;
  private static final int COPIES_WITHOUT_POOL = 64;
  private static final long ALIGNMENT = 4096;

  private final BufferPool pool;
  private final Queue<MemorySegment>[] kept;

  /** Counted by many threads without care: some more or less do not matter. */
  private int copiesUntilPool = COPIES_WITHOUT_POOL;

  @SuppressWarnings({"unchecked", "rawtypes"})
  HeapCopies(BufferPool pool) {
    this.pool = pool;
    kept = new Queue[LARGEST_BITS - SMALLEST_BITS + 1];
    for (int i = 0; i < kept.length; i++) {
      kept[i] = new ArrayBlockingQueue<>(KEPT_PER_SIZE);
    }
  }

  /** A stand-in for a heap segment that is to be filled. */
  HeapCopy forReading(MemorySegment heap, @Nullable ByteBuffer buffer) {
    long size = heap.byteSize();
    BufferPool.Lease lease = size == 0 || size > 1L << LARGEST_BITS || !usesPool() ? null : pool.take((int) size);
    return new HeapCopy(this, heap, buffer, lease, lease == null ? take(size) : lease.segment());
  }

  /** A stand-in for a heap segment, with its contents. */
  HeapCopy forWriting(MemorySegment heap, @Nullable ByteBuffer buffer) {
    HeapCopy copy = forReading(heap, buffer);
    MemorySegment.copy(heap, 0, copy.standIn, 0, heap.byteSize());
    return copy;
  }

  /** The pool's memory is megabytes, made as a whole: a runtime that copies now and then can do without. */
  private boolean usesPool() {
    if (copiesUntilPool > 0 && !pool.isMade()) {
      copiesUntilPool--;
      return false;
    }
    return true;
  }

  private MemorySegment take(long size) {
    int bits = bitsFor(size);
    if (bits > LARGEST_BITS) {
      return Arena.ofAuto().allocate(size, ALIGNMENT);
    }
    MemorySegment again = kept[bits - SMALLEST_BITS].poll();
    return again == null ? Arena.ofAuto().allocate(1L << bits, ALIGNMENT) : again;
  }

  private void giveBack(MemorySegment memory) {
    int bits = bitsFor(memory.byteSize());
    if (bits <= LARGEST_BITS && memory.byteSize() == 1L << bits) {
      boolean _ = kept[bits - SMALLEST_BITS].offer(memory);
    }
  }

  private static int bitsFor(long size) {
    return size <= 1L << SMALLEST_BITS ? SMALLEST_BITS : Long.SIZE - Long.numberOfLeadingZeros(size - 1);
  }

  /** One operation's stand-in. */
  static final class HeapCopy extends OwnMemory {
    private final HeapCopies owner;
    private final MemorySegment heap;
    private final @Nullable ByteBuffer buffer;
    private final BufferPool.@Nullable Lease lease;
    private final MemorySegment standIn;
    private long done;

    private HeapCopy(
        HeapCopies owner,
        MemorySegment heap,
        @Nullable ByteBuffer buffer,
        BufferPool.@Nullable Lease lease,
        MemorySegment standIn) {
      this.owner = owner;
      this.heap = heap;
      this.buffer = buffer;
      this.lease = lease;
      this.standIn = standIn;
    }

    @Override
    public MemorySegment segment() {
      return standIn;
    }

    /** Copies what was read, and moves the user's buffer. */
    @Override
    void transferred(int count, boolean read) {
      if (read) {
        MemorySegment.copy(standIn, done, heap, done, count);
      }
      done += count;
      if (buffer != null) {
        buffer.position(buffer.position() + count);
      }
    }

    @Override
    void release() {
      if (lease != null) {
        lease.close();
      } else {
        owner.giveBack(standIn);
      }
    }
  }
}
