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
  private static final int BLOCK_BYTES = 4096;

  /** For the file system's own notes on the blocks: so many of them, and this part of all. */
  private static final int NOTES_BLOCKS = 16;

  private static final int NOTES_PART = 1024;

  private static final ByteBuffer ZEROS = ByteBuffer.allocateDirect(64 << 10).asReadOnlyBuffer();
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
   * Appends zeros until the file is as long as the range needs. Holes in the file stay holes: the
   * JDK can neither see nor fill them without a race against writers.
   *
   * <p>Zeros are appended, and never written at a position, nor cut off again: behind the end as it
   * was, another process may have put its data meanwhile. So what does not fit is refused before
   * anything is written.
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
          long needed = offset + length - file.channel().size();
          if (needed <= 0) {
            return 0;
          }
          if (usable(file.path()) < needed) {
            return -Errno.ENOSPC;
          }
          FileChannel appender = file.appender();
          return appender == null ? -Errno.EOPNOTSUPP : fill(file, appender, offset + length);
        });
  }

  /** Runs with no write of this JVM's to the file going on. */
  private static int exclusively(OpenFile file, Action action) throws IOException {
    Lock lock = file.shared().lengthLock().writeLock();
    lock.lock();
    try {
      return action.run();
    } finally {
      for (boolean locked = true; locked; ) {
        try {
          lock.unlock();
          locked = false;
        } catch (VirtualMachineError e) {
          // Nothing was done: again, or all who write to the file would wait for ever. Of stack the JVM keeps some for this.
        }
      }
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

  /** The bytes that fit in any case. */
  private static long usable(Path path) {
    try {
      long usable = Files.getFileStore(path).getUsableSpace();
      return usable - usable / NOTES_PART - (long) NOTES_BLOCKS * BLOCK_BYTES;
    } catch (IOException e) {
      return Long.MAX_VALUE; // the path is another's by now: writing will tell
    }
  }

  private static int fill(OpenFile file, FileChannel appender, long end) throws IOException {
    for (long left = end - appender.size(); left > 0; left = end - appender.size()) {
      if (file.isAborted()) {
        return -Errno.ECANCELED;
      }
      ByteBuffer zeros = ZEROS.duplicate();
      zeros.limit((int) Math.min(zeros.capacity(), left));
      if (appender.write(zeros) <= 0) {
        return -Errno.EIO;
      }
    }
    return 0;
  }
}
