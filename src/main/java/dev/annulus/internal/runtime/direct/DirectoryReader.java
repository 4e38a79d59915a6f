package dev.annulus.internal.runtime.direct;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;
import static java.lang.foreign.ValueLayout.JAVA_SHORT_UNALIGNED;

import dev.annulus.internal.abi.DirentLayout;
import dev.annulus.internal.abi.Fcntl;
import dev.annulus.internal.abi.StatxLayout;
import dev.annulus.internal.abi.Syscalls;
import dev.annulus.internal.driver.Errno;
import dev.annulus.internal.driver.OpenFlag;
import dev.annulus.internal.driver.Operation.DirectoryItem;
import dev.annulus.internal.driver.Repeats;
import dev.annulus.internal.driver.StackRoom;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.EnumSet;
import java.util.List;

/** Lists directories through descriptors, with {@code getdents64(2)}. */
final class DirectoryReader {
  private static final int BUFFER_BYTES = 32 * 1024;
  private static final int CLOSE_TRIES = 10;

  /** An entry as the kernel names it: the bytes of its name, and whether it is a directory (not a link to one). */
  static final class Entry {
    final byte[] name;
    final boolean directory;

    Entry(byte[] name, boolean directory) {
      this.name = name;
      this.directory = directory;
    }
  }

  /** Takes an entry; a non-zero answer ends the listing and becomes its result. */
  interface Visitor {
    int visit(Entry entry);
  }

  private DirectoryReader() {}

  static int list(Path directory, List<DirectoryItem> into) {
    StackRoom.check(); // what is opened can be closed
    int fd = -Errno.EBADF;
    try (Arena arena = Arena.ofConfined()) {
      fd =
          Syscalls.openat(
              Fcntl.AT_FDCWD,
              NativePaths.toCString(directory, arena),
              KernelValues.openFlags(EnumSet.of(OpenFlag.READ, OpenFlag.DIRECTORY)),
              0);
      if (fd < 0) {
        return fd;
      }
      into.clear();
      return forEach(
          fd,
          entry -> {
            into.add(new DirectoryItem(NativePaths.resolve(directory, entry.name), entry.directory));
            return 0;
          });
    } finally {
      for (int tries = 0; fd >= 0 && tries < CLOSE_TRIES; tries++) {
        try {
          int _ = Syscalls.close(fd);
          fd = -Errno.EBADF;
        } catch (VirtualMachineError e) {
          // Nothing was done: again.
        }
      }
    }
  }

  /** Visits every entry of an open directory but {@code .} and {@code ..}. */
  private static int forEach(int directoryFd, Visitor visitor) {
    try (Arena arena = Arena.ofConfined()) {
      Batch batch = new Batch(arena);
      while (true) {
        int filled = batch.fill(directoryFd);
        if (filled <= 0) {
          return filled;
        }
        int stop = batch.forEach(visitor);
        if (stop != 0) {
          return stop;
        }
      }
    }
  }

  /** As many entries of a directory as one call tells; its memory is used again and again. */
  static final class Batch {
    private final MemorySegment buffer;
    private int directoryFd = -1;
    private int filled;

    Batch(Arena arena) {
      buffer = arena.allocate(BUFFER_BYTES, Long.BYTES);
    }

    /** Takes the next entries of an open directory: how many bytes, 0 at its end, or a negated errno. */
    int fill(int fd) {
      directoryFd = fd;
      int result = Syscalls.getdents64(fd, buffer);
      filled = Math.max(0, result);
      return result;
    }

    /** Visits each but {@code .} and {@code ..}; 0, or the first other answer. */
    int forEach(Visitor visitor) {
      return visitAll(directoryFd, buffer.asSlice(0, filled), visitor);
    }
  }

  private static int visitAll(int directoryFd, MemorySegment records, Visitor visitor) {
    for (long at = 0; at < records.byteSize(); ) {
      int length = Short.toUnsignedInt(records.get(JAVA_SHORT_UNALIGNED, at + DirentLayout.RECLEN));
      byte[] name = nameOf(records.asSlice(at + DirentLayout.NAME, length - DirentLayout.NAME));
      byte type = records.get(JAVA_BYTE, at + DirentLayout.TYPE);
      at += length;
      if (isSelfOrParent(name)) {
        continue;
      }
      int directory = type == DirentLayout.DT_UNKNOWN ? isDirectory(directoryFd, name) : type == DirentLayout.DT_DIR ? 1 : 0;
      int stop = directory < 0 ? directory : visitor.visit(new Entry(name, directory == 1));
      if (stop != 0) {
        return stop;
      }
    }
    return 0;
  }

  private static byte[] nameOf(MemorySegment terminated) {
    int length = 0;
    while (terminated.get(JAVA_BYTE, length) != 0) {
      length++;
    }
    return terminated.asSlice(0, length).toArray(JAVA_BYTE);
  }

  private static boolean isSelfOrParent(byte[] name) {
    return name[0] == '.' && (name.length == 1 || (name.length == 2 && name[1] == '.'));
  }

  /**
   * For file systems whose directories do not tell types: 1 for a directory, 0 for anything else and
   * for a name that is gone meanwhile, or a negated errno. An error is no answer: taken for one, a
   * directory would be listed as a file.
   */
  private static int isDirectory(int directoryFd, byte[] name) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment statx = arena.allocate(StatxLayout.SIZE, Long.BYTES);
      MemorySegment path = cString(name, arena);
      int flags = Fcntl.AT_SYMLINK_NOFOLLOW;
      int repeats = 0;
      int result = Syscalls.statx(directoryFd, path, flags, KernelValues.statMask(), statx);
      while (Repeats.again(result, repeats++)) {
        result = Syscalls.statx(directoryFd, path, flags, KernelValues.statMask(), statx);
      }
      if (result < 0) {
        return result == -Errno.ENOENT ? 0 : result;
      }
      int mode = Short.toUnsignedInt(statx.get(JAVA_SHORT, StatxLayout.MODE));
      return (mode & Fcntl.S_IFMT) == Fcntl.S_IFDIR ? 1 : 0;
    }
  }

  static MemorySegment cString(byte[] name, Arena arena) {
    MemorySegment string = arena.allocate(name.length + 1L, 1);
    MemorySegment.copy(name, 0, string, JAVA_BYTE, 0, name.length);
    return string;
  }
}
