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
    if (file.isDirectAtEnd(read.offset())) {
      return 0;
    }
    ByteBuffer into = Memory.view(read.memory(), read.address(), read.length());
    FileChannel channel = file.channel();
    int count = positional(file, () -> channel.read(into, read.offset()), () -> channel.read(into));
    return answer(count, read.length());
  }

  static int write(OpenFile file, Operation.Write write) throws IOException {
    if (!file.writable()) {
      return -Errno.EBADF;
    }
    ByteBuffer from = Memory.view(write.memory(), write.address(), write.length());
    int count =
        writing(
            file,
            () -> {
              FileChannel writer = file.writer();
              if (writer != null) {
                return writer.write(from);
              }
              FileChannel channel = file.channel();
              return positional(file, () -> channel.write(from, write.offset()), () -> channel.write(from));
            });
    return answer(count, write.length());
  }

  static int read(OpenFile file, Operation.ReadVector read) throws IOException {
    if (!file.readable()) {
      return -Errno.EBADF;
    }
    if (file.isDirectAtEnd(read.offset())) {
      return 0;
    }
    ByteBuffer[] into = views(read.pieces());
    FileChannel channel = file.channel();
    int count =
        positional(
            file, () -> eachAt(into, read.offset(), channel::read, false), () -> (int) channel.read(into));
    return answer(count, read.pieces().size());
  }

  /** An append is one call, so that its pieces stay together against other appenders. */
  static int write(OpenFile file, Operation.WriteVector write) throws IOException {
    if (!file.writable()) {
      return -Errno.EBADF;
    }
    ByteBuffer[] from = views(write.pieces());
    int count =
        writing(
            file,
            () -> {
              FileChannel writer = file.writer();
              if (writer != null) {
                return (int) writer.write(from);
              }
              FileChannel channel = file.channel();
              return positional(
                  file,
                  () -> eachAt(from, write.offset(), channel::write, file.syncsEachWrite()),
                  () -> (int) channel.write(from));
            });
    return answer(count, write.pieces().size());
  }

  /** Something that transfers bytes. */
  private interface Transfer {
    int run() throws IOException;
  }

  /** A positional read or write of a channel. */
  private interface PositionalTransfer {
    int run(ByteBuffer buffer, long position) throws IOException;
  }

  /**
   * The JDK tells the end of a file by -1, and answers 0 where the system has said EAGAIN: of a write
   * that may be the error of a sync within it.
   */
  private static int answer(int count, int wanted) {
    return count == 0 && wanted > 0 ? -Errno.EAGAIN : Math.max(0, count);
  }

  /** A regular file has positions: who answers ESPIPE for one may have transferred something before. */
  private static int positional(OpenFile file, Transfer atPosition, Transfer anywhere) throws IOException {
    try {
      return atPosition.run();
    } catch (IOException e) {
      if (file.isRegular() || Failures.errno(e) != Errno.ESPIPE) {
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
      for (boolean locked = true; locked; ) {
        try {
          lock.unlock();
          locked = false;
        } catch (VirtualMachineError e) {
          // Nothing was done: again, or all who change the file's length would wait for ever. Of stack the JVM keeps some for this.
        }
      }
    }
  }

  /**
   * Transfers one piece after the other, up to the first short one. A failure after the first bytes is
   * left to the next call, as the system does it.
   *
   * @param tellsAll whether any failure is told, since it may be one of a sync, which is told once
   * @return as of a single transfer: -1 at the end of the file, 0 if there is nothing for now
   */
  private static int eachAt(ByteBuffer[] buffers, long position, PositionalTransfer transfer, boolean tellsAll)
      throws IOException {
    int total = 0;
    for (ByteBuffer buffer : buffers) {
      if (!buffer.hasRemaining()) {
        continue;
      }
      int count;
      try {
        count = transfer.run(buffer, position + total);
      } catch (IOException e) {
        if (total == 0 || tellsAll) {
          throw e;
        }
        return total;
      }
      if (count < 0) {
        return total == 0 ? count : total;
      }
      total += count;
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
