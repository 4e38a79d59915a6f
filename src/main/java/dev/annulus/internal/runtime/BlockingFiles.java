package dev.annulus.internal.runtime;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import dev.annulus.internal.abi.Fcntl;
import dev.annulus.internal.abi.StatxLayout;
import dev.annulus.internal.abi.Syscalls;
import dev.annulus.internal.driver.Mounts;
import dev.annulus.internal.driver.Mounts.Mount;
import dev.annulus.internal.driver.Operation;
import dev.annulus.internal.driver.OperationTarget;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicReferenceArray;
import org.jspecify.annotations.Nullable;

/**
 * Which descriptors are of file systems that may block a thread although it asked not to be: those
 * of other machines and of user space. FUSE for example takes reads that must not wait and then waits
 * for its server. Transfers of such files are for the kernel's workers from the start, and are not
 * tried on callers' threads. Closes are for helper threads.
 *
 * <p>A descriptor's file system is asked for at its first transfer, by whoever begins that, and
 * forgotten before the descriptor is closed. That takes one {@code statx(2)} that is answered from
 * memory. Threads may race: they find the same. Thread-safe.
 */
class BlockingFiles {
  /** The close of a file that holds less takes well under a millisecond, whatever it has to give up or to write. */
  private static final long MAX_CHEAP_BYTES = 16L << 20;

  private static final int BLOCK_BYTES = 512;
  private static final int CHUNK = 1024;

  /** There are no larger descriptors unless the system's own limit was raised; such ones are asked about each time. */
  private static final int MAX_REMEMBERED = 1 << 20;

  /** Of a descriptor that is none, or on a kernel before 5.8, which does not tell. */
  private static final Mount TRUSTED = new Mount("(unknown)", "", true);

  private final Mounts mounts;
  private final AtomicReferenceArray<@Nullable Mount @Nullable []> chunks =
      new AtomicReferenceArray<>(MAX_REMEMBERED / CHUNK);

  /** The empty path, of a descriptor itself. */
  private final MemorySegment itself = Arena.ofAuto().allocate(1);

  /** For rings whose descriptors are not the running kernel's: nothing is known of any. */
  static final class Unknown extends BlockingFiles {
    Unknown() {
      super(new Mounts());
    }

    @Override
    boolean mayBlock(int fd) {
      return false;
    }

    @Override
    boolean opensMayBlock() {
      return true;
    }

    @Override
    @Nullable Mount mountOf(Operation operation) {
      return null;
    }
  }

  BlockingFiles(Mounts mounts) {
    this.mounts = mounts;
  }

  /** Whether a transfer of the descriptor's file may block. */
  boolean mayBlock(int fd) {
    Mount known = known(fd);
    return !(known == null ? learn(fd) : known).isLocal();
  }

  /** Whether opening a file may ask a server, even if all names of its path are known here. */
  boolean opensMayBlock() {
    return !mounts.areAllLocal();
  }

  /** Whether a transfer has shown that the descriptor's file may block. */
  boolean isKnownToBlock(int fd) {
    Mount known = known(fd);
    return known != null && !known.isLocal();
  }

  /**
   * Looks whether the last close of the descriptor's file may take long. It may take seconds if it
   * asks a server, gives up what a deleted file holds, or writes what a file that was truncated has
   * got since, as several file systems do.
   *
   * @return the file's mount, or {@code null} if the close takes next to no time
   */
  @Nullable Mount mountIfSlowToClose(int fd) {
    Mount known = known(fd);
    if (known != null && !known.isLocal()) {
      return known;
    }
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment statx = arena.allocate(StatxLayout.SIZE, Long.BYTES);
      if (!ask(fd, Fcntl.STATX_MNT_ID | Fcntl.STATX_TYPE | Fcntl.STATX_BLOCKS, statx)) {
        return TRUSTED;
      }
      Mount mount = known == null ? mountIn(statx) : known;
      boolean soon =
          mount.isLocal()
              && isFileOrDirectory(statx)
              && statx.get(JAVA_LONG, StatxLayout.BLOCKS) < MAX_CHEAP_BYTES / BLOCK_BYTES;
      return soon ? null : mount;
    }
  }

  /** Where the file system of a descriptor that may be another's by now is mounted. */
  String mountPoint(int fd) {
    Mount known = known(fd);
    return known == null ? mounts.mountOf(fd).point() : known.point();
  }

  /**
   * The mount of what an operation is on that waits or runs, found without the file system's help; of
   * a path by its name. {@code null} if it is not known.
   */
  @Nullable Mount mountOf(Operation operation) {
    int fd = OperationTarget.descriptorOf(operation);
    Path path = OperationTarget.pathOf(operation);
    if (fd == OperationTarget.NONE) {
      return path == null ? null : named(mounts.mountOf(path));
    }
    Mount known = known(fd);
    if (known != null) {
      return named(known);
    }
    Mount found = named(mounts.mountOf(fd));
    if (found != null && isRemembered(fd)) {
      chunk(fd)[fd % CHUNK] = found;
    }
    return found;
  }

  private static @Nullable Mount named(Mount mount) {
    return mount.point().equals(Mounts.HIDDEN.point()) ? null : mount;
  }

  /**
   * As {@link #mountOf}, of an operation that has been running for long, if that is the device's
   * fault: a pipe may just have nothing to say, and a local path with a link in it may lead anywhere.
   */
  @Nullable Mount mountAtFault(Operation operation) {
    Mount mount = mountOf(operation);
    if (mount == null || !mount.isLocal()) {
      return mount;
    }
    int fd = OperationTarget.descriptorOf(operation);
    return fd != OperationTarget.NONE && isFileOrDirectory(fd) ? mount : null;
  }

  private boolean isFileOrDirectory(int fd) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment statx = arena.allocate(StatxLayout.SIZE, Long.BYTES);
      return ask(fd, Fcntl.STATX_TYPE, statx) && isFileOrDirectory(statx);
    }
  }

  /** The descriptor is about to be closed. */
  void forget(int fd) {
    @Nullable Mount @Nullable [] chunk = existingChunk(fd);
    if (chunk != null) {
      chunk[fd % CHUNK] = null;
    }
  }

  private @Nullable Mount known(int fd) {
    @Nullable Mount @Nullable [] chunk = existingChunk(fd);
    return chunk == null ? null : chunk[fd % CHUNK];
  }

  private Mount learn(int fd) {
    Mount found;
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment statx = arena.allocate(StatxLayout.SIZE, Long.BYTES);
      found = ask(fd, Fcntl.STATX_MNT_ID, statx) ? mountIn(statx) : TRUSTED;
    }
    if (isRemembered(fd)) {
      chunk(fd)[fd % CHUNK] = found;
    }
    return found;
  }

  private static boolean isRemembered(int fd) {
    return fd >= 0 && fd < MAX_REMEMBERED;
  }

  private @Nullable Mount @Nullable [] existingChunk(int fd) {
    return isRemembered(fd) ? chunks.get(fd / CHUNK) : null;
  }

  private @Nullable Mount[] chunk(int fd) {
    @Nullable Mount @Nullable [] chunk = chunks.get(fd / CHUNK);
    if (chunk == null) {
      @Nullable Mount[] fresh = new Mount[CHUNK];
      @Nullable Mount @Nullable [] other = chunks.compareAndExchange(fd / CHUNK, null, fresh);
      chunk = other == null ? fresh : other;
    }
    return chunk;
  }

  /** Asks what is known locally; false if the descriptor is none. */
  private boolean ask(int fd, int mask, MemorySegment statx) {
    int flags = Fcntl.AT_EMPTY_PATH | Fcntl.AT_STATX_DONT_SYNC;
    return Syscalls.statx(fd, itself, flags, mask, statx) >= 0;
  }

  private Mount mountIn(MemorySegment statx) {
    if ((statx.get(JAVA_INT, StatxLayout.MASK) & Fcntl.STATX_MNT_ID) == 0) {
      return TRUSTED;
    }
    return mounts.mount(
        new Mounts.Key(
            statx.get(JAVA_LONG, StatxLayout.MNT_ID),
            statx.get(JAVA_INT, StatxLayout.DEV_MAJOR),
            statx.get(JAVA_INT, StatxLayout.DEV_MINOR)));
  }

  private static boolean isFileOrDirectory(MemorySegment statx) {
    int type = statx.get(JAVA_SHORT, StatxLayout.MODE) & Fcntl.S_IFMT;
    return type == Fcntl.S_IFREG || type == Fcntl.S_IFDIR;
  }
}
