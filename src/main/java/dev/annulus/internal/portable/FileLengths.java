package dev.annulus.internal.portable;

import dev.annulus.internal.driver.Errno;
import dev.annulus.internal.driver.OpenFlag;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileChannel.MapMode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.EnumSet;
import java.util.concurrent.locks.Lock;

/** Sets lengths of files, and reserves storage for them. */
final class FileLengths {
  private static final int ZEROS_BYTES = 1 << 20;
  private static final int ALIGNMENT = 4096;
  private static final EnumSet<OpenFlag> READ_WRITE = EnumSet.of(OpenFlag.READ, OpenFlag.WRITE);

  private FileLengths() {}

  static int truncate(OpenFile file, long size) throws IOException {
    if (!file.writable() || !file.isRegular()) {
      return -Errno.EINVAL;
    }
    if (!file.modes().contains(OpenFlag.WRITE)) {
      return -Errno.EPERM; // may be appended to and nothing else
    }
    return exclusively(
        file,
        () -> {
          FileChannel channel = file.channel();
          long now = channel.size();
          if (size < now) {
            FileChannel _ = channel.truncate(size);
          } else if (size > now) {
            extend(file, size);
          }
          return 0;
        });
  }

  /**
   * Writes zeros from the end of file to the end of the range. Holes in the file stay holes: the JDK can neither see nor fill them
   * without a race against writers.
   */
  static int allocate(OpenFile file, long offset, long length) throws IOException {
    if (!file.writable()) {
      return -Errno.EBADF;
    }
    if (!file.isRegular()) {
      return -Errno.ESPIPE;
    }
    if (!file.modes().contains(OpenFlag.WRITE)) {
      return -Errno.EPERM;
    }
    return exclusively(
        file,
        () -> {
          FileChannel channel = file.channel();
          long end = channel.size();
          long needed = offset + length - end;
          return needed <= 0 ? 0 : usable(file.path()) < needed ? -Errno.ENOSPC : fill(channel, end, needed);
        });
  }

  /** Runs with no write of this JVM's to the file going on. */
  private static int exclusively(OpenFile file, Action action) throws IOException {
    Lock lock = file.shared().lengthLock().writeLock();
    lock.lock();
    try {
      return action.run();
    } finally {
      lock.unlock();
    }
  }

  private interface Action {
    int run() throws IOException;
  }

  /**
   * Extends a file. Mapping nothing at the new end makes the JDK set the length with {@code ftruncate(2)}, without writing anything.
   * A channel that cannot read cannot be mapped: there a zero is written at the end, which another process's data might be at by
   * then.
   */
  private static void extend(OpenFile file, long size) throws IOException {
    if (file.modes().equals(READ_WRITE)) {
      Object _ = file.channel().map(MapMode.READ_WRITE, size, 0);
    } else {
      int _ = file.channel().write(ByteBuffer.allocateDirect(1), size - 1);
    }
  }

  private static long usable(Path path) {
    try {
      return Files.getFileStore(path).getUsableSpace();
    } catch (IOException e) {
      return Long.MAX_VALUE; // the path is another's by now: writing will tell
    }
  }

  /** If the storage runs out, the file is as long as it was. */
  private static int fill(FileChannel channel, long end, long length) throws IOException {
    ByteBuffer zeros = ByteBuffer.allocateDirect(ZEROS_BYTES + ALIGNMENT).alignedSlice(ALIGNMENT);
    try {
      for (long done = 0; done < length; ) {
        zeros.limit((int) Math.min(ZEROS_BYTES, length - done)).position(0);
        done += channel.write(zeros, end + done);
      }
      return 0;
    } catch (IOException e) {
      if (channel.isOpen()) {
        FileChannel _ = channel.truncate(end);
      }
      throw e;
    }
  }
}
