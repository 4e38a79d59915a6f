package dev.annulus.adapter.lucene;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Iterator;
import java.util.LinkedHashSet;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * The memory a directory has for prefetched blocks, and the blocks that hold it. When all is in use the oldest block that has arrived
 * makes room; blocks whose reads are under way do not, and if there are no others there is no memory. Memory is allocated when it is first
 * needed, kept for reuse, and freed by the garbage collector after the directory and whatever the kernel still writes to. Thread-safe.
 */
final class PrefetchPool {
  private static final long ALIGNMENT = 4096;

  /** How many blocks under way are passed over to find one that has arrived. */
  private static final int MOST_PASSED_OVER = 64;

  private final int blockBytes;
  private final int maxBlocks;

  private final ReentrantLock lock = new ReentrantLock();

  /** Given back to by the runtime's thread too, which must not wait for a lock that a virtual thread may have been given first. */
  private final Queue<MemorySegment> idle = new ConcurrentLinkedQueue<>();

  // Guarded by the lock.
  private final Set<PrefetchedBlock> oldestFirst = new LinkedHashSet<>();
  private int allocated;

  PrefetchPool(int blockBytes, int maxBlocks) {
    this.blockBytes = blockBytes;
    this.maxBlocks = maxBlocks;
  }

  /** Memory for one block, to be given back; {@code null} if there is none to be had now. */
  @Nullable MemorySegment take() {
    PrefetchedBlock oldest = null;
    lock.lock();
    try {
      MemorySegment free = idleOrNew();
      if (free != null) {
        return free;
      }
      oldest = oldestArrived();
    } finally {
      lock.unlock();
    }
    if (oldest == null) {
      return null;
    }
    oldest.file().unlist(oldest);
    oldest.drop();
    return idle.poll();
  }

  /** Nobody uses the memory any more. */
  void giveBack(MemorySegment memory) {
    boolean _ = idle.offer(memory);
  }

  /** A block is kept by its file, until it is removed here or makes room. */
  void add(PrefetchedBlock block) {
    lock.lock();
    try {
      oldestFirst.add(block);
    } finally {
      lock.unlock();
    }
  }

  /** Whether the block was still kept; true once for each. */
  boolean remove(PrefetchedBlock block) {
    lock.lock();
    try {
      return oldestFirst.remove(block);
    } finally {
      lock.unlock();
    }
  }

  /** How many blocks' memory is in use: by blocks that are kept, by readers, or by the kernel. */
  int inUse() {
    lock.lock();
    try {
      return allocated - idle.size();
    } finally {
      lock.unlock();
    }
  }

  private @Nullable MemorySegment idleOrNew() {
    MemorySegment free = idle.poll();
    if (free == null && allocated < maxBlocks) {
      free = Arena.ofAuto().allocate(blockBytes, ALIGNMENT);
      allocated++;
    }
    return free;
  }

  private @Nullable PrefetchedBlock oldestArrived() {
    int passedOver = 0;
    for (Iterator<PrefetchedBlock> blocks = oldestFirst.iterator(); blocks.hasNext() && passedOver < MOST_PASSED_OVER; passedOver++) {
      PrefetchedBlock block = blocks.next();
      if (!block.isInFlight()) {
        blocks.remove();
        return block;
      }
    }
    return null;
  }
}
