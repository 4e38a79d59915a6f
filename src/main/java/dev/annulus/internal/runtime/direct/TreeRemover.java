package dev.annulus.internal.runtime.direct;

import dev.annulus.internal.abi.Fcntl;
import dev.annulus.internal.abi.Syscalls;
import dev.annulus.internal.driver.Errno;
import dev.annulus.internal.driver.OpenFlag;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;

/**
 * Removes a directory tree without ever leaving it. Recursion by path would be a race: someone may put a link in the place of a
 * directory between the look and the step (CVE-2022-21658). So each directory is entered by descriptor, from its parent's
 * descriptor, refusing links ({@code O_NOFOLLOW}), and each name is removed relative to a descriptor.
 */
final class TreeRemover {
  private static final EnumSet<OpenFlag> ENTER = EnumSet.of(OpenFlag.READ, OpenFlag.DIRECTORY, OpenFlag.NO_FOLLOW);

  private TreeRemover() {}

  /** A link, or anything that is no directory, is refused with {@code -ENOTDIR} and left alone. */
  static int remove(Path root) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment path = NativePaths.toCString(root, arena);
      int fd = enter(Fcntl.AT_FDCWD, path);
      if (fd < 0) {
        return fd == -Errno.ELOOP ? -Errno.ENOTDIR : fd;
      }
      int result = empty(fd);
      int _ = Syscalls.close(fd);
      return result < 0 ? result : Syscalls.unlinkat(Fcntl.AT_FDCWD, path, Fcntl.AT_REMOVEDIR);
    }
  }

  /** Removes everything in an open directory. Names are collected first: removing while listing may skip some. */
  private static int empty(int directoryFd) {
    List<DirectoryReader.Entry> entries = new ArrayList<>();
    int result =
        DirectoryReader.forEach(
            directoryFd,
            entry -> {
              entries.add(entry);
              return 0;
            });
    for (DirectoryReader.Entry entry : entries) {
      if (result < 0) {
        return result;
      }
      if (Thread.currentThread().isInterrupted()) {
        return -Errno.ECANCELED;
      }
      result = removeEntry(directoryFd, entry);
    }
    return result;
  }

  private static int removeEntry(int parentFd, DirectoryReader.Entry entry) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment name = DirectoryReader.cString(entry.name, arena);
      if (!entry.directory) {
        return goneIsFine(Syscalls.unlinkat(parentFd, name, 0));
      }
      int fd = enter(parentFd, name);
      if (fd == -Errno.ENOTDIR || fd == -Errno.ELOOP) {
        // It was a directory when listed and is none now: a file, or a link, which is removed and not followed.
        return goneIsFine(Syscalls.unlinkat(parentFd, name, 0));
      }
      if (fd < 0) {
        return goneIsFine(fd);
      }
      int result = empty(fd);
      int _ = Syscalls.close(fd);
      return result < 0 ? result : removeDirectory(parentFd, name);
    }
  }

  /** Another thread may have swapped the emptied directory for something else by now: then that is removed by its name. */
  private static int removeDirectory(int parentFd, MemorySegment name) {
    int result = Syscalls.unlinkat(parentFd, name, Fcntl.AT_REMOVEDIR);
    return goneIsFine(result == -Errno.ENOTDIR ? Syscalls.unlinkat(parentFd, name, 0) : result);
  }

  private static int enter(int parentFd, MemorySegment name) {
    return Syscalls.openat(parentFd, name, KernelValues.openFlags(ENTER), 0);
  }

  private static int goneIsFine(int result) {
    return result == -Errno.ENOENT ? 0 : result;
  }
}
