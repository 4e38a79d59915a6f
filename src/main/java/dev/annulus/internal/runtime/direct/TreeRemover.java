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
final class TreeRemover {
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

  /** How often closing is tried where memory or stack is wanting. */
  private static final int CLOSE_TRIES = 20;

  private static final byte[] PARENT = "..".getBytes(StandardCharsets.US_ASCII);

  private final Arena arena = Arena.ofConfined();
  private final DirectoryReader.Batch batch = new DirectoryReader.Batch(arena);
  private final MemorySegment statx = arena.allocate(StatxLayout.SIZE, Long.BYTES);
  private final MemorySegment itself = arena.allocate(1);
  private MemorySegment name = arena.allocate(256, 1);

  /** The way down from the root. A level is put here before it is opened: then nothing can keep it from being closed. */
  private final List<Level> levels = new ArrayList<>();

  /** Where a walk from the root is, and where it goes next; negative while there is none. */
  private int walkedTo = -1;

  private int walksTo = -1;

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
    private int fd = -1;

    private @Nullable Identity identity;

    Level(byte[] name, int scan) {
      this.name = name;
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
    TreeRemover remover = new TreeRemover();
    try {
      return remover.removeRoot(root);
    } finally {
      boolean closed = false;
      for (int tries = 0; !closed && tries < CLOSE_TRIES; tries++) {
        try {
          remover.close();
          closed = true;
        } catch (VirtualMachineError e) {
          // Again, from where it was cut.
        }
      }
    }
  }

  /** Closes whatever is open. May be called again. */
  private void close() {
    while (!levels.isEmpty()) {
      leaveDeepest();
    }
    closeWalked();
    closeWalking();
    if (arena.scope().isAlive()) {
      arena.close();
    }
  }

  private int removeRoot(Path root) {
    MemorySegment path = NativePaths.toCString(root, arena);
    for (int scan = 1; ; scan++) {
      int fd = push(new byte[0], Fcntl.AT_FDCWD, path, scan);
      if (fd < 0) {
        return fd == -Errno.ELOOP ? -Errno.ENOTDIR : fd;
      }
      int result = empty();
      if (result < 0) {
        return result;
      }
      result = Syscalls.unlinkat(Fcntl.AT_FDCWD, path, Fcntl.AT_REMOVEDIR);
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
    leaveDeepest();
    return 0;
  }

  // ---- down ----

  private int goDown(Level parent, byte[] child, int scan) {
    int fd = push(child, parent.fd, cString(child), scan);
    if (fd == -Errno.ENOTDIR || fd == -Errno.ELOOP) {
      // It was a directory when listed and is none now: a file, or a link, which is removed and not followed.
      return unlinkSurprise(parent, child);
    }
    if (fd < 0) {
      return goneIsFine(fd);
    }
    return levels.size() - firstOpen > MAX_OPEN ? closeFarthest() : 0;
  }

  /** Opens a level below the deepest; where that fails, the errno. */
  private int push(byte[] levelName, int parentFd, MemorySegment path, int scan) {
    Level level = new Level(levelName, scan);
    levels.add(level);
    level.fd = enter(parentFd, path);
    int fd = level.fd;
    if (fd < 0) {
      leaveDeepest();
    }
    return fd;
  }

  /** Closes the open level that is farthest from where the work is. What it holds is listed again on the way up. */
  private int closeFarthest() {
    Level far = levels.get(firstOpen);
    int result = identify(far.fd);
    if (result < 0) {
      return result;
    }
    far.identity = identified();
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
    leaveDeepest();
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
    Level level = levels.get(index);
    walksTo = enter(childFd, cString(PARENT));
    int fd = ifItIs(level);
    if (fd < 0) {
      fd = walkTo(index);
    }
    if (fd >= 0) {
      walksTo = -1;
      level.fd = fd;
      firstOpen = index;
    }
    return fd;
  }

  /** Opens a level by the names from the root; {@code -EBUSY} if they lead elsewhere by now. */
  private int walkTo(int index) {
    int from = levels.getFirst().fd;
    int fd = from;
    for (int i = 1; i <= index && fd >= 0; i++) {
      Level level = levels.get(i);
      walksTo = enter(from, cString(level.name));
      fd = ifItIs(level);
      closeWalked();
      if (fd >= 0 && i < index) {
        walkedTo = fd;
        walksTo = -1;
        from = fd;
      }
    }
    return fd;
  }

  /** Where the walk goes, if that is the level's directory; else closes it and answers {@code -EBUSY}. */
  private int ifItIs(Level level) {
    int fd = walksTo;
    if (fd < 0) {
      return fd == -Errno.EMFILE || fd == -Errno.ENFILE ? fd : -Errno.EBUSY;
    }
    if (identify(fd) >= 0 && identified().equals(level.identity)) {
      return fd;
    }
    closeWalking();
    return -Errno.EBUSY;
  }

  private void closeWalked() {
    if (walkedTo >= 0) {
      int _ = Syscalls.close(walkedTo);
      walkedTo = -1;
    }
  }

  private void closeWalking() {
    if (walksTo >= 0) {
      int _ = Syscalls.close(walksTo);
      walksTo = -1;
    }
  }

  /** Looks which directory is open. */
  private int identify(int fd) {
    return Syscalls.statx(fd, itself, Fcntl.AT_EMPTY_PATH, KernelValues.statMask(), statx);
  }

  /** What the last look found. */
  private Identity identified() {
    return new Identity(
        statx.get(JAVA_INT, StatxLayout.DEV_MAJOR), statx.get(JAVA_INT, StatxLayout.DEV_MINOR), statx.get(JAVA_LONG, StatxLayout.INO));
  }

  // ---- both ----

  private static int enter(int parentFd, MemorySegment name) {
    return Syscalls.openat(parentFd, name, KernelValues.openFlags(ENTER), 0);
  }

  /** If it is cut, it is to be called again. */
  private void leaveDeepest() {
    closeLevel(levels.getLast());
    Level _ = levels.removeLast();
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
