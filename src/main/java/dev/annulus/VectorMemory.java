package dev.annulus;

import dev.annulus.internal.driver.Operation.Piece;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The memory of a transfer of several buffers in turn. Native buffers are used in place. Heap buffers all go through one block of native
 * memory, as much at a time as it holds; the rest is left to further operations.
 */
final class VectorMemory implements TakenMemory {
  /** As the kernel's {@code UIO_MAXIOV}. */
  private static final int MAX_BUFFERS = 1024;

  /** What direct I/O may want of addresses and lengths. */
  private static final int PAGE_BYTES = 4096;

  private static final int CACHE_LINE_BYTES = 64;

  private final Engine engine;
  private final boolean read;
  private final int alignment;
  private final boolean whole;
  private final List<Part> parts;

  /** How many bytes of heap memory there are, with what lies between in the copy. */
  private long copied;

  /** What stands in for heap memory: one of the two, or nothing. */
  private BufferPool.@Nullable Lease lease;

  private NativeBlocks.@Nullable Block block;

  /** Which lending of the block this one is. */
  private long lending;
  private MemorySegment standIn = MemorySegment.NULL;

  /** What the next operation transfers. */
  private List<Placed> placed = List.of();

  /** The first buffer that is not transferred to its end, and how much of it is. */
  private int next;

  private long nextFrom;

  private VectorMemory(Engine engine, boolean read, boolean direct, boolean whole, List<Part> parts) {
    this.engine = engine;
    this.read = read;
    this.whole = whole;
    this.alignment = direct ? PAGE_BYTES : CACHE_LINE_BYTES;
    this.parts = parts;
  }

  /**
   * The memory of buffers. Without the empty ones: were the most one operation takes all empty, it would transfer nothing, or report end
   * of file.
   *
   * @param segments their memory, {@linkplain Buffers#checkAll checked}
   * @param direct whether for direct I/O
   * @param whole whether everything must be transferred in one operation
   */
  static VectorMemory of(
      Engine engine, List<ByteBuffer> buffers, MemorySegment[] segments, boolean read, boolean direct, boolean whole) {
    VectorMemory memory = new VectorMemory(engine, read, direct, whole, new ArrayList<>());
    memory.add(buffers, segments);
    return memory;
  }

  private void add(List<ByteBuffer> buffers, MemorySegment[] segments) {
    for (int i = 0; i < segments.length && parts.size() < MAX_BUFFERS; i++) {
      MemorySegment segment = segments[i];
      if (segment.byteSize() == 0) {
        continue;
      }
      boolean inPlace = segment.isNative();
      add(buffers.get(i), segment, inPlace);
      copied += inPlace ? 0 : aligned(segment.byteSize());
    }
  }

  private void add(ByteBuffer buffer, MemorySegment segment, boolean inPlace) {
    parts.add(new Part(segment, buffer, inPlace ? Buffers.memory(engine, buffer, segment, false) : null));
  }

  @Override
  public void take() {
    for (Part part : parts) {
      if (part.inPlace != null) {
        Buffers.take(part.inPlace);
      }
    }
    if (copied > 0) {
      takeStandIn(copied);
    }
    place();
  }

  private void takeStandIn(long bytes) {
    BufferPool.Lease pooled = engine.heapCopies().pooled(bytes);
    if (pooled != null) {
      lease = pooled;
      standIn = pooled.segment();
      return;
    }
    NativeBlocks blocks = engine.heapCopies().blocks();
    NativeBlocks.Block taken = whole ? blocks.takeWhole(bytes) : blocks.take(bytes);
    lending = taken.lending;
    block = taken;
    standIn = taken.segment();
  }

  boolean isEmpty() {
    return parts.isEmpty();
  }

  /** What the next operation transfers. */
  List<Piece> pieces() {
    List<Piece> pieces = new ArrayList<>(placed.size());
    for (Placed one : placed) {
      pieces.add(one.piece);
    }
    return pieces;
  }

  /** Takes note of transferred bytes. True if there is more to be transferred, by the next operation, and the last one was not short. */
  boolean transferred(int count) {
    int left = count;
    for (Placed one : placed) {
      int here = Math.min(left, one.piece.length());
      if (here > 0) {
        transferred(one, here);
      }
      left -= here;
    }
    return left == 0 && next < parts.size() && isFull(count);
  }

  private boolean isFull(int count) {
    long all = 0;
    for (Placed one : placed) {
      all += one.piece.length();
    }
    return count == all;
  }

  private void transferred(Placed one, int count) {
    Part part = one.part;
    if (part.inPlace != null) {
      Buffers.transferred(part.inPlace, count, read);
      return;
    }
    if (read) {
      MemorySegment.copy(one.standIn(), 0, part.segment, one.from, count);
    }
    Buffers.move(part.buffer, count);
  }

  /** Leaves out what does not fit into the first operation. */
  void limitToOneOperation() {
    next = parts.size();
  }

  /** Whether one operation is enough. */
  boolean isInOneOperation() {
    return next == parts.size();
  }

  /** Makes the next operation's pieces. */
  void place() {
    List<Placed> all = new ArrayList<>(parts.size() - next);
    long at = 0;
    while (next < parts.size()) {
      Part part = parts.get(next);
      if (part.inPlace != null) {
        all.add(new Placed(part, 0, new Piece(part.inPlace, part.segment.address(), (int) part.segment.byteSize())));
        next++;
        continue;
      }
      long room = standIn.byteSize() - at;
      if (room <= 0) {
        break;
      }
      int length = (int) Math.min(part.segment.byteSize() - nextFrom, room);
      all.add(placed(part, at, length));
      at += aligned(length);
      nextFrom += length;
      if (nextFrom < part.segment.byteSize()) {
        break;
      }
      next++;
      nextFrom = 0;
    }
    placed = all;
  }

  private Placed placed(Part part, long at, int length) {
    MemorySegment copy = standIn.asSlice(at, length);
    if (!read) {
      MemorySegment.copy(part.segment, nextFrom, copy, 0, length);
    }
    return new Placed(part, nextFrom, new Piece(copy, copy.address(), length));
  }

  private long aligned(long bytes) {
    return (bytes + alignment - 1) & -alignment;
  }

  @Override
  public void release() {
    for (Part part : parts) {
      if (part.inPlace != null) {
        Buffers.release(part.inPlace);
      }
    }
    if (lease != null) {
      lease.close();
    } else if (block != null) {
      block.giveBack(lending);
    }
  }

  /**
   * One buffer.
   *
   * @param inPlace what an operation holds on to, if the memory is native
   */
  private record Part(MemorySegment segment, ByteBuffer buffer, @Nullable Object inPlace) {}

  /** A stretch of a buffer, and where it is in native memory. */
  private record Placed(Part part, long from, Piece piece) {
    MemorySegment standIn() {
      return (MemorySegment) piece.memory();
    }
  }
}
