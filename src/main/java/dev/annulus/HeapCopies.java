package dev.annulus;

import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/**
 * Native memory that stands in for heap memory during an operation: the pool's, or when that has no room, a block of {@link NativeBlocks}.
 * Page-aligned, so that direct I/O works with heap buffers too. What is longer than a block is transferred in pieces through the one block.
 */
final class HeapCopies {
  private static final int COPIES_WITHOUT_POOL = 64;

  private final BufferPool pool;
  private final NativeBlocks blocks = new NativeBlocks();

  /** Counted by many threads without care: some more or less do not matter. */
  private int copiesUntilPool = COPIES_WITHOUT_POOL;

  HeapCopies(BufferPool pool) {
    this.pool = pool;
  }

  /** A stand-in for a heap segment that is to be filled. */
  HeapCopy forReading(MemorySegment heap, @Nullable ByteBuffer buffer) {
    HeapCopy copy = new HeapCopy(heap, buffer);
    copy.take(this, false);
    return copy;
  }

  /**
   * A stand-in for a heap segment, with its contents or their beginning.
   *
   * @param whole whether it must be written in one operation, and so needs native memory of its size
   */
  HeapCopy forWriting(MemorySegment heap, @Nullable ByteBuffer buffer, boolean whole) {
    HeapCopy copy = new HeapCopy(heap, buffer);
    copy.take(this, whole);
    copy.fill();
    return copy;
  }

  /** Memory of the pool's, if it has room and the size is none of the largest. */
  BufferPool.@Nullable Lease pooled(long size) {
    return size <= NativeBlocks.MAX_BYTES && usesPool() ? pool.take((int) size) : null;
  }

  /** What to take where the pool has no room. */
  NativeBlocks blocks() {
    return blocks;
  }

  /** The runtime has ended: what is still lent is freed when it comes back. */
  void close() {
    blocks.close();
  }

  /** The pool's memory is megabytes, made as a whole: a runtime that copies now and then can do without. */
  private boolean usesPool() {
    if (copiesUntilPool > 0 && !pool.isMade()) {
      copiesUntilPool--;
      return false;
    }
    return true;
  }

  /** One operation's stand-in. It is made before the memory is taken, so that nothing taken can be lost. */
  static final class HeapCopy extends OwnMemory {
    private final @Nullable ByteBuffer buffer;
    private MemorySegment heap;

    /** A lease or a block; nothing for an empty buffer. */
    private @Nullable Object taken;

    private MemorySegment standIn = MemorySegment.NULL;

    /** Bytes transferred, of all pieces. */
    private long done;

    /** How many of them are of the piece that the stand-in holds. */
    private int doneOfPiece;

    private HeapCopy(MemorySegment heap, @Nullable ByteBuffer buffer) {
      this.heap = heap;
      this.buffer = buffer;
    }

    private void take(HeapCopies owner, boolean whole) {
      long size = heap.byteSize();
      if (size == 0) {
        return;
      }
      BufferPool.Lease lease = owner.pooled(size);
      if (lease != null) {
        taken = lease;
        standIn = lease.segment();
        return;
      }
      NativeBlocks.Block block = whole ? owner.blocks.takeWhole(size) : owner.blocks.take(size);
      taken = block;
      standIn = block.segment();
    }

    @Override
    public MemorySegment segment() {
      return standIn;
    }

    /** Whether it takes more than one piece. */
    boolean isInPieces() {
      return heap.byteSize() > standIn.byteSize();
    }

    /** Leaves out what does not fit into the first piece. */
    void limitToOnePiece() {
      if (isInPieces()) {
        heap = heap.asSlice(0, standIn.byteSize());
      }
    }

    /** Bytes transferred so far. */
    long done() {
      return done;
    }

    /** Bytes still to be transferred. */
    long left() {
      return heap.byteSize() - done;
    }

    /** Where the next operation begins. */
    long address() {
      return standIn.address() + doneOfPiece;
    }

    /** How many bytes the next operation transfers. */
    int length() {
      return Buffers.length(pieceEnd() - done);
    }

    /** Copies what was read, and moves the user's buffer. */
    @Override
    void transferred(int count, boolean read) {
      if (read) {
        MemorySegment.copy(standIn, doneOfPiece, heap, done, count);
      }
      done += count;
      doneOfPiece += count;
      if (buffer != null) {
        Buffers.move(buffer, count);
      }
    }

    /** Goes on to what is behind the bytes transferred: the rest of the piece, or else the next one. */
    void proceed(boolean read) {
      if (done == pieceEnd()) {
        doneOfPiece = 0;
        if (!read) {
          fill();
        }
      }
    }

    private void fill() {
      MemorySegment.copy(heap, done, standIn, 0, pieceEnd() - done);
    }

    private long pieceEnd() {
      return Math.min(heap.byteSize(), done - doneOfPiece + standIn.byteSize());
    }

    @Override
    public void release() {
      switch (taken) {
        case BufferPool.Lease lease -> lease.close();
        case NativeBlocks.Block block -> {
          taken = null; // before: given back twice, it would be lent twice
          block.giveBack();
        }
        case null, default -> {}
      }
    }
  }
}
