package tour;

import java.nio.ByteBuffer;
import java.nio.channels.CompletionHandler;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ThreadLocalRandom;

/** Keeps a number of reads in flight without waiting for any: each one's completion checks its block and starts the next. */
final class AsyncReading implements Reading {
  /** Starts a read; {@code AsynchronousFileChannel} tells its end to a handler, and so a future can. */
  interface Source {
    void read(ByteBuffer dst, long position, CompletionHandler<Integer, Integer> handler, int block);
  }

  private final Source source;
  private final Fingerprint expected;
  private final List<ByteBuffer> buffers;

  AsyncReading(Source source, Fingerprint expected, int inFlight) {
    this.source = source;
    this.expected = expected;
    this.buffers = Fingerprint.blockBuffers(inFlight);
  }

  @Override
  public long readUntil(long deadline) {
    List<Lane> lanes = buffers.stream().map(buffer -> new Lane(buffer, deadline)).toList();
    lanes.forEach(Lane::next);
    return lanes.stream().mapToLong(lane -> lane.reads.join()).sum();
  }

  /** One of the reads in flight. Its fields pass from thread to thread with the reads. */
  private final class Lane implements CompletionHandler<Integer, Integer> {
    private final CompletableFuture<Long> reads = new CompletableFuture<>();
    private final ByteBuffer buffer;
    private final long deadline;
    private long count;

    Lane(ByteBuffer buffer, long deadline) {
      this.buffer = buffer;
      this.deadline = deadline;
    }

    void next() {
      if (Reading.isPast(deadline)) {
        reads.complete(count);
        return;
      }
      int block = ThreadLocalRandom.current().nextInt(expected.blocks());
      buffer.clear().limit(expected.blockLength(block));
      source.read(buffer, (long) block * Fingerprint.BLOCK_BYTES, this, block);
    }

    @Override
    public void completed(Integer length, Integer block) {
      try {
        expected.check(block, buffer.flip());
        count++;
        next();
      } catch (Throwable e) {
        reads.completeExceptionally(e); // else whoever waits for this lane would wait for ever
      }
    }

    @Override
    public void failed(Throwable failure, Integer block) {
      reads.completeExceptionally(failure);
    }
  }
}
