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
    return new HeapCopy(this, heap, buffer, false, false);
  }

  /**
   * A stand-in for a heap segment, with its contents or their beginning.
   *
   * @param whole whether it must be written in one operation, and so needs native memory of its size
   */
  HeapCopy forWriting(MemorySegment heap, @Nullable ByteBuffer buffer, boolean whole) {
    return new HeapCopy(this, heap, buffer, true, whole);
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

  /** One operation's stand-in. */
  static final class HeapCopy extends OwnMemory {
    private final HeapCopies owner;
    private final @Nullable ByteBuffer buffer;
    private final boolean written;
    private final boolean whole;
    private MemorySegment heap;

    /** A lease or a block; nothing for an empty buffer. */
    private BufferPool.@Nullable Lease lease;

    private NativeBlocks.@Nullable Block block;

    /** Which lending of the block this one is. */
    private long lending;

    private MemorySegment standIn = MemorySegment.NULL;

    /** Bytes transferred, of all pieces. */
    private long done;

    /** How many of them are of the piece that the stand-in holds. */
    private int doneOfPiece;

    private HeapCopy(
        HeapCopies owner, MemorySegment heap, @Nullable ByteBuffer buffer, boolean written, boolean whole) {
      this.owner = owner;
      this.heap = heap;
      this.buffer = buffer;
      this.written = written;
      this.whole = whole;
    }

    @Override
    public void take() {
      long size = heap.byteSize();
      if (size > 0) {
        take(size);
        if (written) {
          fill();
        }
      }
    }

    private void take(long size) {
      BufferPool.Lease pooled = owner.pooled(size);
      if (pooled != null) {
        lease = pooled;
        standIn = pooled.segment();
        return;
      }
      NativeBlocks.Block taken = whole ? owner.blocks.takeWhole(size) : owner.blocks.take(size);
      lending = taken.lending;
      block = taken;
      standIn = taken.segment();
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
      if (lease != null) {
        lease.close();
      } else if (block != null) {
        block.giveBack(lending);
      }
    }
  }
}
