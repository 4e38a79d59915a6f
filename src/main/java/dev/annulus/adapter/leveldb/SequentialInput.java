package dev.annulus.adapter.leveldb;

import dev.annulus.fs.FsFile;
import java.io.IOException;
import java.nio.ByteBuffer;
import org.iq80.leveldb.env.SequentialFile;
import org.iq80.leveldb.util.SliceOutput;

/** A file read from its beginning to its end: a log being recovered, 32 KiB at a time. */
final class SequentialInput implements SequentialFile {
  private static final int BUFFER_BYTES = 32 * 1024;

  private final FsFile file;
  private final ByteBuffer buffer = ByteBuffer.allocate(BUFFER_BYTES);
  private long position;

  SequentialInput(FsFile file) {
    this.file = file;
  }

  /** {@inheritDoc} Past the end is fine: there is nothing to read there. */
  @Override
  public void skip(long n) throws IOException {
    if (n < 0 || position > Long.MAX_VALUE - n) {
      throw new IOException("cannot skip " + n + " bytes from " + position + " in " + file);
    }
    position += n;
  }

  /** {@inheritDoc} Fewer than asked for only at the end of the file: the engine takes a short count for that. */
  @Override
  public int read(int atMost, SliceOutput destination) throws IOException {
    int total = 0;
    while (total < atMost) {
      buffer.clear().limit(Math.min(BUFFER_BYTES, atMost - total));
      int count = file.readAt(buffer, position);
      destination.writeBytes(buffer.array(), 0, count);
      position += count;
      total += count;
      if (buffer.hasRemaining()) {
        return total == 0 ? -1 : total;
      }
    }
    return total;
  }

  @Override
  public void close() throws IOException {
    file.close();
  }

  @Override
  public String toString() {
    return "SequentialInput[" + file + " at " + position + "]";
  }
}
