package dev.annulus.adapter.lucene;

import dev.annulus.IoFuture;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * A piece of a file in native memory, or on its way there.
 *
 * <p>The memory goes back to its pool when nobody uses it any more. Its users are the file that keeps the block, the kernel for as long
 * as it may write, and readers while they copy. Each lets go in its own time, so a block can be dropped at any moment, and its memory is
 * never given to another read too early.
 */
final class PrefetchedBlock {
  private final PrefetchPool pool;
  private final InputFile file;
  private final MemorySegment memory;
  private final long start;
  private final int length;
  private final IoFuture<Void> read;
  private final AtomicInteger users = new AtomicInteger(1);

  /**
   * A block that its file keeps.
   *
   * @param memory at least {@code length} bytes, to go back to the pool
   * @param start where in the file it begins, in bytes
   * @param read what fills the first {@code length} bytes of the memory
   */
  PrefetchedBlock(PrefetchPool pool, InputFile file, MemorySegment memory, long start, int length, IoFuture<Void> read) {
    this.pool = pool;
    this.file = file;
    this.memory = memory;
    this.start = start;
    this.length = length;
    this.read = read;
    // A read that is done, and that nobody gave up, is over for the kernel too.
    if (!read.isDone()) {
      int _ = users.incrementAndGet();
      CompletableFuture<Void> _ =
          read.released()
              .whenComplete(
                  (_, abandoned) -> {
                    // If the kernel never lets go, neither do we: the memory is lost to the pool for good.
                    if (abandoned == null) {
                      letGo();
                    }
                  });
    }
  }

  InputFile file() {
    return file;
  }

  long start() {
    return start;
  }

  long end() {
    return start + length;
  }

  boolean isInFlight() {
    return !read.isDone();
  }

  /**
   * Copies bytes out, waiting for them if they are still on their way.
   *
   * @param position where in the file to begin, within the block
   * @return how many bytes were copied: up to the block's end; 0 if the block is of no use, because its read failed or because it was
   *     dropped meanwhile
   */
  int copy(long position, byte[] target, int offset, int most) {
    if (!hold()) {
      return 0;
    }
    try {
      if (!arrived()) {
        return 0;
      }
      int count = (int) Math.min(most, end() - position);
      MemorySegment.copy(memory, ValueLayout.JAVA_BYTE, position - start, target, offset, count);
      return count;
    } finally {
      letGo();
    }
  }

  /** The file keeps it no longer. To be called once, by whoever took it out of the file's table. */
  void drop() {
    if (!read.isDone()) {
      boolean _ = read.cancel(false);
    }
    letGo();
  }

  private boolean arrived() {
    try {
      Void _ = read.join();
      return true;
    } catch (CompletionException | CancellationException e) {
      // Whoever needs the bytes reads them again, and is told what is the matter then.
      return false;
    }
  }

  private boolean hold() {
    return users.getAndUpdate(now -> now == 0 ? 0 : now + 1) > 0;
  }

  private void letGo() {
    if (users.decrementAndGet() == 0) {
      pool.giveBack(memory);
    }
  }
}
