package dev.annulus.internal.runtime.direct;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import dev.annulus.internal.abi.Fcntl;
import dev.annulus.internal.abi.StatxLayout;
import dev.annulus.internal.abi.Syscalls;
import dev.annulus.internal.driver.Errno;
import dev.annulus.internal.driver.OpenFlag;
import dev.annulus.internal.driver.StackRoom;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Queue;
import org.jspecify.annotations.Nullable;

/**
 * Removes a directory tree without ever leaving it. Recursion by path would be a race: someone may
 * put a link in the place of a directory between the look and the step (CVE-2022-21658). So each
 * directory is entered by descriptor, from its parent's descriptor, refusing links ({@code
 * O_NOFOLLOW}), and each name is removed relative to a descriptor.
 *
 * <p>Depth costs no stack and no descriptors: of the way down, the root and the deepest levels are
 * open. A level in between is opened again from its child ({@code ..}), or if that was moved away
 * meanwhile, from the root; in both cases it must be the very directory it was on the way down.
 */
final class TreeRemover implements AutoCloseable {
  private static final EnumSet<OpenFlag> ENTER =
      EnumSet.of(OpenFlag.READ, OpenFlag.DIRECTORY, OpenFlag.NO_FOLLOW);

  /** How many levels are open at once, beside the root. */
  private static final int MAX_OPEN = 16;

  /**
   * How often a directory is listed anew: removing while listing may skip some, and others may put
   * something in meanwhile.
   */
  private static final int MAX_SCANS = 100;

  /**
   * How often a directory may be none when it is entered or removed, and one again when it is unlinked: somebody may change it
   * each time, or the file system may contradict itself.
   */
  private static final int MAX_SURPRISES = 1000;

  private static final byte[] PARENT = "..".getBytes(StandardCharsets.US_ASCII);

  private final Arena arena = Arena.ofConfined();
  private final DirectoryReader.Batch batch = new DirectoryReader.Batch(arena);
  private final MemorySegment statx = arena.allocate(StatxLayout.SIZE, Long.BYTES);
  private final MemorySegment itself = arena.allocate(1);
  private MemorySegment name = arena.allocate(256, 1);

  /** The way down from the root. */
  private final List<Level> levels = new ArrayList<>();

  private int surprises;

  /** Levels from 1 up to this one are closed. */
  private int firstOpen = 1;

  /** A directory that is being emptied. */
  private static final class Level {
    private final byte[] name;
    private final int scan;

    /** Directories seen in it that are still to be removed. */
    private final Queue<byte[]> directories = new ArrayDeque<>();

    /** Negative while it is closed. */
    private int fd;

    private @Nullable Identity identity;

    Level(byte[] name, int fd, int scan) {
      this.name = name;
      this.fd = fd;
      this.scan = scan;
    }
  }

  /** What tells a directory from all others, as long as it exists. */
  private record Identity(int deviceMajor, int deviceMinor, long inode) {
    @Override
    public boolean equals(@Nullable Object other) {
      return other instanceof Identity that && that.deviceMajor == deviceMajor && that.deviceMinor == deviceMinor && that.inode == inode;
    }

    @Override
    public int hashCode() {
      return 31 * (31 * deviceMajor + deviceMinor) + Long.hashCode(inode);
    }
  }

  private TreeRemover() {}

  /** A link, or anything that is no directory, is refused with {@code -ENOTDIR} and left alone. */
  static int remove(Path root) {
    StackRoom.check(); // what is opened can be closed
    try (TreeRemover remover = new TreeRemover()) {
      return remover.removeRoot(root);
    }
  }

  /** Closes whatever is open. */
  @Override
  public void close() {
    try {
      while (!levels.isEmpty()) {
        closeLevel(levels.getLast());
        Level _ = levels.removeLast();
      }
    } finally {
      arena.close();
    }
  }

  private int removeRoot(Path root) {
    MemorySegment path = NativePaths.toCString(root, arena);
    for (int scan = 1; ; scan++) {
      int fd = enter(Fcntl.AT_FDCWD, path);
      if (fd < 0) {
        return fd == -Errno.ELOOP ? -Errno.ENOTDIR : fd;
      }
      push(new byte[0], fd, scan);
      int result = empty();
      if (result >= 0) {
        result = Syscalls.unlinkat(Fcntl.AT_FDCWD, path, Fcntl.AT_REMOVEDIR);
      }
      if (result != -Errno.ENOTEMPTY || scan == MAX_SCANS) {
        return result;
      }
    }
  }

  /** Removes everything in the root, one step after the other, and closes it. */
  private int empty() {
    while (!levels.isEmpty()) {
      int result = Thread.currentThread().isInterrupted() ? -Errno.ECANCELED : step();
      if (result < 0) {
        return result;
      }
    }
    return 0;
  }

  /** Goes down into the next directory, or lists some more, or goes up from what is empty. */
  private int step() {
    Level deepest = levels.getLast();
    byte[] next = deepest.directories.poll();
    if (next != null) {
      return goDown(deepest, next, 1);
    }
    // A directory that somebody else has removed cannot be listed any more: nothing is in it.
    int filled = goneIsFine(batch.fill(deepest.fd));
    if (filled == 0) {
      return levels.size() == 1 ? leaveRoot() : goUp(deepest, levels.get(levels.size() - 2));
    }
    return filled < 0 ? filled : batch.forEach(entry -> removeOrKeep(deepest, entry));
  }

  private int removeOrKeep(Level in, DirectoryReader.Entry entry) {
    if (Thread.currentThread().isInterrupted()) {
      return -Errno.ECANCELED;
    }
    if (entry.directory) {
      in.directories.add(entry.name);
      return 0;
    }
    return unlink(in, entry.name);
  }

  /** Removes what is no directory; what has become one is kept for going down into it. */
  private int unlink(Level in, byte[] entry) {
    int result = Syscalls.unlinkat(in.fd, cString(entry), 0);
    if (result == -Errno.EISDIR) {
      in.directories.add(entry);
      return 0;
    }
    return goneIsFine(result);
  }

  private int unlinkSurprise(Level in, byte[] entry) {
    return ++surprises > MAX_SURPRISES ? -Errno.EBUSY : unlink(in, entry);
  }

  private int leaveRoot() {
    closeLevel(levels.removeLast());
    return 0;
  }

  // ---- down ----

  private int goDown(Level parent, byte[] child, int scan) {
    int fd = enter(parent.fd, cString(child));
    if (fd == -Errno.ENOTDIR || fd == -Errno.ELOOP) {
      // It was a directory when listed and is none now: a file, or a link, which is removed and not followed.
      return unlinkSurprise(parent, child);
    }
    if (fd < 0) {
      return goneIsFine(fd);
    }
    push(child, fd, scan);
    return levels.size() - firstOpen > MAX_OPEN ? closeFarthest() : 0;
  }

  private void push(byte[] levelName, int fd, int scan) {
    try {
      levels.add(new Level(levelName, fd, scan));
    } catch (Throwable e) {
      int _ = Syscalls.close(fd);
      throw e;
    }
  }

  /** Closes the open level that is farthest from where the work is. What it holds is listed again on the way up. */
  private int closeFarthest() {
    Level far = levels.get(firstOpen);
    Identity identity = identityOf(far.fd);
    if (identity == null) {
      return -Errno.EIO;
    }
    far.identity = identity;
    far.directories.clear();
    closeLevel(far);
    firstOpen++;
    return 0;
  }

  // ---- up ----

  private int goUp(Level child, Level parent) {
    if (parent.fd < 0) {
      int result = openAgain(levels.size() - 2, child.fd);
      if (result < 0) {
        return result;
      }
    }
    closeLevel(levels.removeLast());
    int result = Syscalls.unlinkat(parent.fd, cString(child.name), Fcntl.AT_REMOVEDIR);
    if (result == -Errno.ENOTEMPTY && child.scan < MAX_SCANS) {
      return goDown(parent, child.name, child.scan + 1);
    }
    // Another thread may have swapped the emptied directory for something else by now: then that is removed by its name.
    return result == -Errno.ENOTDIR
        ? unlinkSurprise(parent, child.name)
        : goneIsFine(result);
  }

  private int openAgain(int index, int childFd) {
    int fd = ifItIs(levels.get(index), enter(childFd, cString(PARENT)));
    if (fd < 0) {
      fd = walkTo(index);
    }
    if (fd >= 0) {
      levels.get(index).fd = fd;
      firstOpen = index;
    }
    return fd;
  }

  /** Opens a level by the names from the root; {@code -EBUSY} if they lead elsewhere by now. */
  private int walkTo(int index) {
    int from = levels.getFirst().fd;
    for (int i = 1; i <= index; i++) {
      Level level = levels.get(i);
      int fd = ifItIs(level, enter(from, cString(level.name)));
      if (i > 1) {
        int _ = Syscalls.close(from);
      }
      if (fd < 0) {
        return fd;
      }
      from = fd;
    }
    return from;
  }

  /** The descriptor if it is the level's directory; else closes it and answers {@code -EBUSY}. */
  private int ifItIs(Level level, int fd) {
    if (fd < 0) {
      return fd == -Errno.EMFILE || fd == -Errno.ENFILE ? fd : -Errno.EBUSY;
    }
    boolean isIt = false;
    try {
      Identity found = identityOf(fd);
      isIt = found != null && found.equals(level.identity);
    } finally {
      if (!isIt) {
        int _ = Syscalls.close(fd);
      }
    }
    return isIt ? fd : -Errno.EBUSY;
  }

  private @Nullable Identity identityOf(int fd) {
    int result = Syscalls.statx(fd, itself, Fcntl.AT_EMPTY_PATH, KernelValues.statMask(), statx);
    return result < 0
        ? null
        : new Identity(
            statx.get(JAVA_INT, StatxLayout.DEV_MAJOR),
            statx.get(JAVA_INT, StatxLayout.DEV_MINOR),
            statx.get(JAVA_LONG, StatxLayout.INO));
  }

  // ---- both ----

  private static int enter(int parentFd, MemorySegment name) {
    return Syscalls.openat(parentFd, name, KernelValues.openFlags(ENTER), 0);
  }

  private static void closeLevel(Level level) {
    if (level.fd >= 0) {
      int _ = Syscalls.close(level.fd); // if it throws, nothing was done, and it is to be closed again
      level.fd = -1;
    }
  }

  /** The name in memory that the next call of this overwrites. */
  private MemorySegment cString(byte[] bytes) {
    if (bytes.length >= name.byteSize()) {
      name = arena.allocate(2L * bytes.length, 1);
    }
    MemorySegment.copy(bytes, 0, name, JAVA_BYTE, 0, bytes.length);
    name.set(JAVA_BYTE, bytes.length, (byte) 0);
    return name;
  }

  private static int goneIsFine(int result) {
    return result == -Errno.ENOENT ? 0 : result;
  }
}
