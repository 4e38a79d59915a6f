package dev.annulus.adapter.lucene;

import dev.annulus.AsyncFile;
import dev.annulus.IoFuture;
import dev.annulus.IoRuntime;
import java.io.EOFException;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedChannelException;
import java.util.Map;
import java.util.concurrent.ConcurrentSkipListMap;
import org.apache.lucene.store.AlreadyClosedException;
import org.jspecify.annotations.Nullable;

/**
 * An open file of an index, as an input, its clones and its slices share it; with the blocks of it that were prefetched. Index files are
 * written once, so what was prefetched stays true. Thread-safe.
 */
final class InputFile {
  /** The most blocks one call prefetches; a hint must not push out everybody else's blocks. */
  private static final int MOST_BLOCKS_AT_ONCE = 64;

  private final IoRuntime runtime;
  private final AsyncFile file;

  /** For reads that are waited for at once: platform threads do them themselves. */
  private final AsyncFile waitedFor;

  private final long length;
  private final ReadSizes sizes;
  private final PrefetchPool pool;

  /** By their start. They may overlap when threads race, which does no harm. */
  private final ConcurrentSkipListMap<Long, PrefetchedBlock> blocks = new ConcurrentSkipListMap<>();

  private final Usefulness usefulness = new Usefulness();

  private volatile boolean closed;

  InputFile(IoRuntime runtime, AsyncFile file, long length, ReadSizes sizes, PrefetchPool pool) {
    this.runtime = runtime;
    this.file = file;
    this.waitedFor = file.callerRuns();
    this.length = length;
    this.sizes = sizes;
    this.pool = pool;
  }

  long length() {
    return length;
  }

  ReadSizes sizes() {
    return sizes;
  }

  boolean isClosed() {
    return closed;
  }

  // ---- reading ----

  /**
   * Reads some bytes: from a prefetched block up to its end, else from the file as many as are wanted.
   *
   * @param least how many bytes are needed, at least 1
   * @param most how many there is room for; no further than the end of the file
   * @return how many were read
   */
  int read(long position, byte[] target, int offset, int least, int most) throws IOException {
    int done = 0;
    while (done < least) {
      int copied = copyPrefetched(position + done, target, offset + done, most - done);
      done += copied > 0 ? copied : readFromFile(position + done, target, offset + done, most - done);
    }
    return done;
  }

  private int copyPrefetched(long position, byte[] target, int offset, int most) {
    PrefetchedBlock block = blockAt(position);
    if (block == null) {
      return 0;
    }
    if (block.isInFlight()) {
      Waiting.checkMayBlock(runtime);
    }
    int copied = block.copy(position, target, offset, most);
    if (copied == 0 || position + copied == block.end()) {
      // Of no use, or read to its end: few read anything twice.
      forget(block);
    }
    return copied;
  }

  /** Reads up to the next prefetched block at most. */
  private int readFromFile(long position, byte[] target, int offset, int most) throws IOException {
    if (closed) {
      throw closedException();
    }
    Long next = blocks.isEmpty() ? null : blocks.higherKey(position);
    int count = next == null ? most : (int) Math.min(most, next - position);
    ByteBuffer buffer = ByteBuffer.wrap(target, offset, count);
    try {
      Void _ = Waiting.await(runtime, waitedFor.readFully(buffer, position));
    } catch (IllegalStateException e) {
      throw closedOr(e);
    } catch (EOFException e) {
      EOFException shorter = new EOFException(file.path() + " is shorter than when it was opened (" + length + " bytes)");
      shorter.initCause(e);
      throw shorter;
    }
    return count;
  }

  // ---- prefetching ----

  /**
   * Starts reading what is not prefetched yet of a range of the file, as far as there is memory for it. Where the last prefetches found
   * everything cached, does so only now and then: Lucene asks for more than it then reads, which is a waste if nothing has to be waited for.
   */
  void prefetch(long from, long to) {
    if (!usefulness.isWorthTrying()) {
      return;
    }
    long position = from;
    for (int started = 0; position < to && started < MOST_BLOCKS_AT_ONCE; ) {
      PrefetchedBlock there = blockAt(position);
      if (there != null) {
        position = there.end();
        continue;
      }
      int count = (int) Math.min(sizes.block(), to - position);
      if (!start(position, count)) {
        return;
      }
      position += count;
      started++;
    }
  }

  private boolean start(long position, int count) {
    MemorySegment memory = pool.take();
    if (memory == null) {
      return false;
    }
    IoFuture<Void> read;
    try {
      // Done when it is returned, if all of it is cached.
      read = file.readFully(memory.asSlice(0, count), position);
    } catch (RuntimeException e) {
      // Thrown here, it has not been submitted.
      pool.giveBack(memory);
      throw e instanceof IllegalStateException state ? closedOr(state) : e;
    }
    usefulness.found(read.isDone());
    keep(new PrefetchedBlock(pool, this, memory, position, count, read));
    return true;
  }

  private void keep(PrefetchedBlock block) {
    PrefetchedBlock other = blocks.putIfAbsent(block.start(), block);
    pool.add(block);
    // Another thread may have been quicker, or have taken this block out again already, and closing may have looked before it was there.
    if (other != null || closed || !blocks.containsKey(block.start())) {
      forget(block);
    }
  }

  private @Nullable PrefetchedBlock blockAt(long position) {
    if (blocks.isEmpty()) {
      return null;
    }
    Map.Entry<Long, PrefetchedBlock> entry = blocks.floorEntry(position);
    return entry == null || entry.getValue().end() <= position ? null : entry.getValue();
  }

  /** Keeps a block no longer. Of several who come to this, the one that takes it from the pool's list drops it. */
  private void forget(PrefetchedBlock block) {
    unlist(block);
    if (pool.remove(block)) {
      block.drop();
    }
  }

  /** Lets no reader find the block any more. */
  void unlist(PrefetchedBlock block) {
    boolean _ = blocks.remove(block.start(), block);
  }

  // ---- the end ----

  /** Gives up what is being prefetched, waits until nothing touches the file any more, and closes it. */
  void close() {
    closed = true;
    for (PrefetchedBlock block : blocks.values()) {
      forget(block);
    }
    file.close();
  }

  AlreadyClosedException closedException() {
    return new AlreadyClosedException("Already closed: " + file.path());
  }

  private RuntimeException closedOr(IllegalStateException e) {
    if (e.getCause() instanceof ClosedChannelException) {
      return closed ? closedException() : new AlreadyClosedException("The runtime is closed: " + file.path(), e);
    }
    return e;
  }

  /** Whether prefetching has helped lately. Written by many threads without care: a lost count costs one try. */
  private static final class Usefulness {
    private static final int CONVINCED_AFTER = 32;
    private static final int TRY_ONE_OF = 16;

    private int cachedInARow;
    private int leftOut;

    boolean isWorthTrying() {
      if (cachedInARow < CONVINCED_AFTER || ++leftOut >= TRY_ONE_OF) {
        leftOut = 0;
        return true;
      }
      return false;
    }

    void found(boolean cached) {
      if (!cached) {
        cachedInARow = 0;
      } else if (cachedInARow < CONVINCED_AFTER) {
        cachedInARow++;
      }
    }
  }
}
