package dev.annulus.internal.portable;

import dev.annulus.internal.driver.Errno;
import dev.annulus.internal.driver.Operation;
import dev.annulus.internal.driver.Operation.Piece;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.Lock;

/** Reads and writes, at a position; on what has none, such as a pipe, wherever it is. */
final class Transfers {
  /** As the kernel's {@code UIO_MAXIOV}: the rest of a longer list makes a short transfer. */
  private static final int MOST_PIECES = 1024;

  private Transfers() {}

  static int read(OpenFile file, Operation.Read read) throws IOException {
    if (!file.readable()) {
      return -Errno.EBADF;
    }
    ByteBuffer into = Memory.view(read.memory(), read.address(), read.length());
    FileChannel channel = file.channel();
    return Math.max(0, positional(() -> channel.read(into, read.offset()), () -> channel.read(into)));
  }

  static int write(OpenFile file, Operation.Write write) throws IOException {
    if (!file.writable()) {
      return -Errno.EBADF;
    }
    ByteBuffer from = Memory.view(write.memory(), write.address(), write.length());
    return writing(
        file,
        () -> {
          FileChannel appender = file.appender();
          if (appender != null) {
            return appender.write(from);
          }
          FileChannel channel = file.channel();
          return positional(() -> channel.write(from, write.offset()), () -> channel.write(from));
        });
  }

  static int read(OpenFile file, Operation.ReadVector read) throws IOException {
    if (!file.readable()) {
      return -Errno.EBADF;
    }
    ByteBuffer[] into = views(read.pieces());
    FileChannel channel = file.channel();
    return Math.max(0, positional(() -> eachAt(into, read.offset(), channel::read), () -> (int) channel.read(into)));
  }

  /** An append is one call, so that its pieces stay together against other appenders. */
  static int write(OpenFile file, Operation.WriteVector write) throws IOException {
    if (!file.writable()) {
      return -Errno.EBADF;
    }
    ByteBuffer[] from = views(write.pieces());
    return writing(
        file,
        () -> {
          FileChannel appender = file.appender();
          if (appender != null) {
            return (int) appender.write(from);
          }
          FileChannel channel = file.channel();
          return positional(() -> eachAt(from, write.offset(), channel::write), () -> (int) channel.write(from));
        });
  }

  /** Something that transfers bytes. */
  private interface Transfer {
    int run() throws IOException;
  }

  /** A positional read or write of a channel. */
  private interface PositionalTransfer {
    int run(ByteBuffer buffer, long position) throws IOException;
  }

  private static int positional(Transfer atPosition, Transfer anywhere) throws IOException {
    try {
      return atPosition.run();
    } catch (IOException e) {
      if (Failures.errno(e) != Errno.ESPIPE) {
        throw e;
      }
      return anywhere.run();
    }
  }

  private static int writing(OpenFile file, Transfer transfer) throws IOException {
    if (!file.isRegular()) {
      return transfer.run();
    }
    Lock lock = file.shared().lengthLock().readLock();
    lock.lock();
    try {
      return transfer.run();
    } finally {
      lock.unlock();
    }
  }

  /** Transfers one piece after the other, up to the first short one. A failure after the first bytes is left to the next call. */
  private static int eachAt(ByteBuffer[] buffers, long position, PositionalTransfer transfer) throws IOException {
    int total = 0;
    for (ByteBuffer buffer : buffers) {
      if (!buffer.hasRemaining()) {
        continue;
      }
      try {
        total += Math.max(0, transfer.run(buffer, position + total));
      } catch (IOException e) {
        if (total == 0) {
          throw e;
        }
        return total;
      }
      if (buffer.hasRemaining()) {
        return total;
      }
    }
    return total;
  }

  /** The pieces one operation takes: not too many, and not too long together. */
  private static ByteBuffer[] views(List<Piece> pieces) {
    List<ByteBuffer> views = new ArrayList<>();
    int left = Operation.MAX_TRANSFER_BYTES;
    for (Piece piece : pieces.subList(0, Math.min(pieces.size(), MOST_PIECES))) {
      int length = Math.min(left, piece.length());
      views.add(Memory.view(piece.memory(), piece.address(), length));
      left -= length;
      if (length < piece.length()) {
        break;
      }
    }
    return views.toArray(ByteBuffer[]::new);
  }
}
