package wal;

import static java.nio.file.StandardOpenOption.CREATE_NEW;
import static java.nio.file.StandardOpenOption.WRITE;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicLong;

/** What the log is compared with: a write and a {@code force} for each record, into a file that is prepared as a segment is. */
final class ForceEach implements Durable, AutoCloseable {
  private final FileChannel file;
  private final long capacityBytes;
  private final AtomicLong end = new AtomicLong();

  ForceEach(Path path, long capacityBytes) throws IOException {
    this.capacityBytes = capacityBytes;
    file = FileChannel.open(path, CREATE_NEW, WRITE);
    ByteBuffer zeros = ByteBuffer.allocateDirect(1 << 20);
    for (long at = 0; at < capacityBytes; at += zeros.limit()) {
      writeAll(zeros.clear().limit((int) Math.min(zeros.capacity(), capacityBytes - at)), at);
    }
    file.force(true);
  }

  @Override
  public void append(ByteBuffer src) throws IOException {
    int length = src.remaining();
    // At the end it begins again from the start, as if on another segment that was prepared before.
    long place = Math.floorMod(end.getAndAdd(length), capacityBytes - length);
    writeAll(src, place);
    file.force(false);
  }

  private void writeAll(ByteBuffer src, long position) throws IOException {
    for (long at = position; src.hasRemaining(); ) {
      at += file.write(src, at);
    }
  }

  @Override
  public void close() throws IOException {
    file.close();
  }
}
