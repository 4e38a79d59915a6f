package dev.annulus;

import dev.annulus.internal.driver.BriefLock;
import dev.annulus.internal.driver.StackRoom;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.BiFunction;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Page-aligned native memory in blocks whose sizes are powers of two, kept for reuse up to a bound. Every block is freed explicitly; none
 * waits for a garbage collection, nor counts against the JVM's limit on what does ({@code MaxDirectMemorySize}). The more memory is lent, the smaller the blocks that are given for large transfers, which then take more
 * pieces. A block that is not given back, because the kernel never lets go of it, is never freed. Thread-safe.
 */
final class NativeBlocks {
  static final int MIN_BYTES = 4096;
  static final int MAX_BYTES = 1 << 20;

  private static final int MIN_BITS = 12;
  private static final int MAX_BITS = 20;
  private static final int KEPT_PER_SIZE = 64;

  /** Transfers up to this size are not cut into pieces while there is memory. */
  private static final int SMALL_BYTES = 64 << 10;

  private static final int TINY_BYTES = 16 << 10;

  private static final long MIN_BUDGET = 8L << 20;
  private static final long MAX_BUDGET = 128L << 20;

  /** How much smaller a block is tried next when there is no memory. */
  private static final int SHRINK_BITS = 4;

  private static final long SHORTAGE_NANOS = TimeUnit.SECONDS.toNanos(10);

  private final Kept[] kept = new Kept[MAX_BITS - MIN_BITS + 1];

  /** Where memory comes from. */
  private final BiFunction<Arena, Long, MemorySegment> source;

  /** As {@link System#nanoTime}. */
  private final LongSupplier clock;

  /** What all blocks together should not exceed. Without memory for that, it is less. */
  private final long usualBudget = Math.clamp(Runtime.getRuntime().maxMemory() / 8, MIN_BUDGET, MAX_BUDGET);

  private final AtomicLong allocatedBytes = new AtomicLong();

  /** Less than usual for a while after there was no memory. */
  private volatile long budget = usualBudget;

  private volatile long shortageNanos;
  private volatile boolean closed;

  NativeBlocks() {
    this((arena, bytes) -> arena.allocate(bytes, MIN_BYTES));
  }

  /** With memory from somewhere else. */
  NativeBlocks(BiFunction<Arena, Long, MemorySegment> source) {
    this(source, System::nanoTime);
  }

  /** With memory from somewhere else, and another clock. */
  NativeBlocks(BiFunction<Arena, Long, MemorySegment> source, LongSupplier clock) {
    this.source = source;
    this.clock = clock;
    for (int i = 0; i < kept.length; i++) {
      kept[i] = new Kept();
    }
  }

  /**
   * Takes a block.
   *
   * @param wanted more than 0; the block may be smaller, but at least {@link #MIN_BYTES}
   * @throws OutOfMemoryError if there is not even a smallest block
   */
  Block take(long wanted) {
    int bytes = sizeFor(Math.min(wanted, largestNow()));
    while (true) {
      Block block = keptOrNew(bytes);
      if (block != null) {
        return block;
      }
      if (bytes == MIN_BYTES) {
        throw new OutOfMemoryError("no native memory to copy a heap buffer through");
      }
      bytes = Math.max(MIN_BYTES, bytes >> SHRINK_BITS);
    }
  }

  /**
   * Takes a block that holds everything.
   *
   * @throws OutOfMemoryError if there is not so much
   */
  Block takeWhole(long bytes) {
    Block block = bytes <= MAX_BYTES ? keptOrNew(sizeFor(bytes)) : allocated(bytes);
    if (block == null) {
      throw new OutOfMemoryError(
          "no " + bytes + " bytes of native memory to write a heap buffer in one piece");
    }
    return block;
  }

  /** Takes back a block that nothing touches any more, unless that was done. May be called again, and does what was cut. */
  private void giveBack(Block block, long lending) {
    if (!keeps(block, lending)) {
      free(block);
    } else if (closed) {
      long _ = freeKept(); // closed meanwhile
    }
  }

  /** Frees what is kept, and from then on what is given back. */
  void close() {
    closed = true;
    long _ = freeKept();
  }

  /** Bytes that are not freed: lent and kept ones. */
  long allocatedBytes() {
    return allocatedBytes.get();
  }

  /** Bytes of blocks that somebody uses. */
  long lentBytes() {
    return allocatedBytes.get() - keptBytes();
  }

  /** Large blocks only as long as few are lent, so that the many find memory too. */
  private int largestNow() {
    long now = budgetNow();
    long lent = lentBytes();
    if (lent < now / 2) {
      return MAX_BYTES;
    }
    return lent < now ? SMALL_BYTES : lent < 2 * now ? TINY_BYTES : MIN_BYTES;
  }

  private long budgetNow() {
    long now = budget;
    if (now != usualBudget && clock.getAsLong() - shortageNanos > SHORTAGE_NANOS) {
      budget = usualBudget;
      return usualBudget;
    }
    return now;
  }

  private long keptBytes() {
    long sum = 0;
    for (Kept ofOneSize : kept) {
      sum += ofOneSize.bytes;
    }
    return sum;
  }

  /** Calls nothing once it has one that was kept: an error of the JVM would lose it. */
  private @Nullable Block keptOrNew(int bytes) {
    Block again = kept[indexOf(bytes)].poll();
    return again == null ? allocated(bytes) : again;
  }

  /** A new block, or {@code null} if there is no memory even after everything kept was freed. */
  private @Nullable Block allocated(long bytes) {
    try {
      return allocate(bytes);
    } catch (OutOfMemoryError e) {
      budget = Math.max(MIN_BYTES, Math.min(budget, allocatedBytes.get() / 2));
      shortageNanos = clock.getAsLong();
    }
    if (freeKept() < bytes) {
      return null;
    }
    try {
      return allocate(bytes);
    } catch (OutOfMemoryError e) {
      return null;
    }
  }

  @SuppressWarnings("MustBeClosedChecker") // closed when the block is freed
  private Block allocate(long bytes) {
    StackRoom.check(); // what comes from the JDK can be given back to it
    Arena arena = Arena.ofShared();
    try {
      Block block = new Block(this, arena, source.apply(arena, bytes));
      allocatedBytes.addAndGet(block.bytes);
      block.counts = true;
      return block;
    } catch (Throwable e) {
      arena.close();
      throw e;
    }
  }

  private boolean keeps(Block block, long lending) {
    long bytes = block.bytes;
    if (bytes > MAX_BYTES || Long.bitCount(bytes) != 1) {
      return false;
    }
    long most = budgetNow();
    boolean wanted = !closed && allocatedBytes.get() <= most && keptBytes() + bytes <= most / 2;
    return kept[indexOf((int) bytes)].offer(block, lending, wanted);
  }

  /** Frees everything that is kept; returns how many bytes. */
  private long freeKept() {
    long freed = 0;
    for (Kept ofOneSize : kept) {
      for (Block block = ofOneSize.poll(); block != null; block = ofOneSize.poll()) {
        freed += block.bytes;
        free(block);
      }
    }
    return freed;
  }

  /** May be called again, and does what was cut. */
  private void free(Block block) {
    if (block.segment.scope().isAlive()) {
      block.arena.close();
    }
    if (block.counts) {
      allocatedBytes.addAndGet(-block.bytes);
      block.counts = false;
    }
  }

  private static int sizeFor(long bytes) {
    return bytes <= MIN_BYTES ? MIN_BYTES : 1 << (Long.SIZE - Long.numberOfLeadingZeros(bytes - 1));
  }

  private static int indexOf(int bytes) {
    return Integer.numberOfTrailingZeros(bytes) - MIN_BITS;
  }

  /** A stretch of native memory that is freed by itself. */
  static final class Block {
    private final NativeBlocks owner;
    private final Arena arena;
    private final MemorySegment segment;
    private final long bytes;

    /** How often it was given back: what was lent then is somebody else's since. */
    volatile long lending;

    /** Whether it is among the allocated bytes. */
    private boolean counts;

    /** Whether it is to be freed, or is. */
    private boolean gone;

    private Block(NativeBlocks owner, Arena arena, MemorySegment segment) {
      this.owner = owner;
      this.arena = arena;
      this.segment = segment;
      this.bytes = segment.byteSize();
    }

    MemorySegment segment() {
      return segment;
    }

    /**
     * Nothing touches it any more. May be called again, and does what was cut.
     *
     * @param lent the {@link #lending} that ends
     */
    void giveBack(long lent) {
      owner.giveBack(this, lent);
    }
  }

  /** The blocks of one size that nobody uses, the latest first. */
  private static final class Kept {
    /** The reaper gives back too. */
    private final BriefLock lock = new BriefLock();

    private final @Nullable Block[] blocks = new Block[KEPT_PER_SIZE];
    private int count;

    /** What they are together. */
    volatile long bytes;

    @SuppressWarnings("NonAtomicVolatileUpdate") // with the lock held
    @Nullable Block poll() {
      lock.lock();
      try {
        if (count == 0) {
          return null;
        }
        Block latest = blocks[--count];
        blocks[count] = null;
        bytes = bytes - (latest == null ? 0 : latest.bytes);
        return latest;
      } finally {
        lock.held = false;
      }
    }

    /** Puts a block here if it is wanted and there is room; false if it is to be freed. True as well if that lending has ended before. */
    @SuppressWarnings("NonAtomicVolatileUpdate") // with the lock held
    boolean offer(Block block, long lending, boolean wanted) {
      lock.lock();
      try {
        if (block.lending != lending) {
          return true;
        }
        if (block.gone || !wanted || count == blocks.length) {
          block.gone = true;
          return false;
        }
        blocks[count++] = block;
        bytes = bytes + block.bytes;
        block.lending = lending + 1;
        return true;
      } finally {
        lock.held = false;
      }
    }
  }
}
