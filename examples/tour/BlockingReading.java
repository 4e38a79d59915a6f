package tour;

import java.io.IOException;
import java.io.InterruptedIOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.ThreadLocalRandom;

/** Each thread reads a block, waits for it, checks it, and goes on with the next. */
final class BlockingReading implements Reading {
  /** {@code FsFile::readAt} or {@code FileChannel::read}. */
  interface Source {
    int read(ByteBuffer dst, long position) throws IOException;
  }

  private final Source source;
  private final Fingerprint expected;
  private final List<ByteBuffer> buffers;

  /** On the caller's own thread if {@code threads} is 1, else on that many virtual ones. */
  BlockingReading(Source source, Fingerprint expected, int threads) {
    this.source = source;
    this.expected = expected;
    this.buffers = Fingerprint.blockBuffers(threads);
  }

  @Override
  public long readUntil(long deadline) throws IOException {
    if (buffers.size() == 1) {
      return readUntil(deadline, buffers.getFirst());
    }
    try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      List<Future<Long>> counts = new ArrayList<>();
      for (ByteBuffer buffer : buffers) {
        counts.add(threads.submit(() -> readUntil(deadline, buffer)));
      }
      long reads = 0;
      for (Future<Long> count : counts) {
        reads += count.get();
      }
      return reads;
    } catch (ExecutionException e) {
      throw new IOException(e.getCause().getMessage(), e.getCause());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new InterruptedIOException("interrupted while reading");
    }
  }

  private long readUntil(long deadline, ByteBuffer buffer) throws IOException {
    long reads = 0;
    while (!Reading.isPast(deadline)) {
      int block = ThreadLocalRandom.current().nextInt(expected.blocks());
      buffer.clear().limit(expected.blockLength(block));
      int count = source.read(buffer, (long) block * Fingerprint.BLOCK_BYTES);
      expected.check(block, buffer.flip().limit(Math.max(0, count)));
      reads++;
    }
    return reads;
  }
}
