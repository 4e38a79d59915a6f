package dev.annulus.adapter.nio;

import dev.annulus.BufferPool;
import dev.annulus.IoRuntime;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.ReadableByteChannel;
import java.nio.channels.WritableByteChannel;
import org.jspecify.annotations.Nullable;

/** Copies between one of our channels and any other, through a buffer. */
final class Copying {
  /** From where on larger buffers bring no more. */
  private static final int LARGEST_BUFFER_BYTES = 256 << 10;

  /** Up to here a heap buffer costs less than leasing one. */
  private static final int LARGEST_HEAP_BUFFER_BYTES = 8 << 10;

  private Copying() {}

  /** Writes what the file has at a position, until the target takes less than it is given or the file ends. */
  static long to(WritableByteChannel target, AnnulusFileChannel source, long position, long count) throws IOException {
    long done = 0;
    try (Room room = Room.of(source.runtime(), count)) {
      ByteBuffer buffer = room.buffer();
      while (done < count) {
        long from = position + done;
        if (!filled(buffer, count - done, done, into -> source.read(into, from))) {
          break;
        }
        done += target.write(buffer);
        if (buffer.hasRemaining()) {
          break;
        }
      }
    }
    return done;
  }

  /**
   * Writes to the file at a position what the source gives, until it has no more for now. What was
   * taken from the source is written, or the call fails: the source will not give it again.
   */
  static long from(ReadableByteChannel source, AnnulusFileChannel target, long position, long count) throws IOException {
    long done = 0;
    try (Room room = Room.of(target.runtime(), count)) {
      ByteBuffer buffer = room.buffer();
      while (done < count && filled(buffer, count - done, done, source::read)) {
        while (buffer.hasRemaining()) {
          int written = target.write(buffer, position + done);
          if (written == 0) {
            throw target.noProgress(buffer.remaining(), position + done);
          }
          done += written;
        }
      }
    }
    return done;
  }

  private interface Filling {
    int read(ByteBuffer into) throws IOException;
  }

  /**
   * Reads the next piece. False if there is none, or if that fails when something was copied before,
   * which must be told; who copies on will meet the failure again. Not so with a failed write.
   */
  private static boolean filled(ByteBuffer buffer, long left, long done, Filling filling) throws IOException {
    buffer.clear().limit((int) Math.min(buffer.capacity(), left));
    try {
      return filling.read(buffer) > 0;
    } catch (IOException e) {
      if (done == 0) {
        throw e;
      }
      return false;
    } finally {
      ByteBuffer _ = buffer.flip();
    }
  }

  /** Fails if a target is a file that is not open for writing, before anything is read for it. */
  static void checkWritable(WritableByteChannel target) throws IOException {
    if (target instanceof FileChannel file) {
      int _ = file.write(ByteBuffer.allocate(0));
    }
  }

  /** Fails if a source is a file that is not open for reading. */
  static void checkReadable(ReadableByteChannel source) throws IOException {
    if (source instanceof FileChannel file) {
      int _ = file.read(ByteBuffer.allocate(0));
    }
  }

  /** The buffer to copy through: in the heap, or leased until this is closed. */
  private record Room(ByteBuffer buffer, BufferPool.@Nullable Lease lease) implements AutoCloseable {
    static Room of(IoRuntime runtime, long count) {
      int size = (int) Math.min(count, LARGEST_BUFFER_BYTES);
      if (size <= LARGEST_HEAP_BUFFER_BYTES) {
        return new Room(ByteBuffer.allocate(size), null);
      }
      BufferPool.Lease lease = runtime.buffers().lease(size);
      return new Room(lease.buffer(), lease);
    }

    @Override
    public void close() {
      if (lease != null) {
        lease.close();
      }
    }
  }
}
