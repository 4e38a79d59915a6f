package dev.annulus.internal.runtime.direct;

import dev.annulus.internal.abi.Fcntl;
import dev.annulus.internal.abi.StatxLayout;
import dev.annulus.internal.abi.Syscalls;
import dev.annulus.internal.driver.Errno;
import dev.annulus.internal.driver.Operation;
import dev.annulus.internal.driver.Repeats;
import dev.annulus.internal.driver.StatResult;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.ref.Reference;
import java.nio.file.Path;
import java.util.List;

/**
 * Runs operations as blocking system calls on the calling thread. Stateless. A call that a signal
 * interrupts is repeated ({@link Repeats}), but no write: only who asks for it knows whether it may be.
 */
public final class DirectCalls {
  /** No answer of the kernel's. */
  private static final int NOT_YET = Integer.MIN_VALUE;

  private DirectCalls() {}

  /** Runs an operation; a value or a negated errno, as {@link Operation} describes it. */
  @SuppressWarnings("ReachabilityFenceUsage") // what throws has not begun; a call in a finally block could lose the answer
  public static int run(Operation operation) {
    int result = NOT_YET;
    try {
      int repeats = 0;
      result = once(operation);
      while (Repeats.again(result, repeats++) && Repeats.byTheDriver(operation)) {
        result = once(operation);
      }
      Reference.reachabilityFence(operation);
    } catch (VirtualMachineError e) {
      if (result == NOT_YET) {
        throw e;
      }
      // What was answered is told: it may be a new descriptor.
    }
    return result;
  }

  /** As {@link #run} of a close. If it throws, nothing was done. */
  public static int close(int fd) {
    return Syscalls.close(fd);
  }

  /** Reads from the page cache; {@code -EAGAIN} if that does not hold what is wanted. */
  public static int attempt(int fd, long address, int length, long offset) {
    return Syscalls.pread(fd, address, length, offset, Fcntl.RWF_NOWAIT);
  }

  /** As {@link #run} of a read. */
  public static int read(int fd, long address, int length, long offset) {
    int repeats = 0;
    int result = readOnce(fd, address, length, offset);
    while (Repeats.again(result, repeats++)) {
      result = readOnce(fd, address, length, offset);
    }
    return result;
  }

  /** As {@link #run} of a write. */
  public static int write(int fd, long address, int length, long offset) {
    return writeOnce(fd, address, length, offset);
  }

  private static int once(Operation operation) {
    return switch (operation) {
      case Operation.Nop() -> 0;
      case Operation.Read read -> readOnce(read.fd(), read.address(), read.length(), read.offset());
      case Operation.Write write -> write(write);
      case Operation.ReadVector(int fd, List<Operation.Piece> pieces, long offset) -> vector(true, fd, pieces, offset);
      case Operation.WriteVector(int fd, List<Operation.Piece> pieces, long offset) -> vector(false, fd, pieces, offset);
      case Operation.Sync(int fd, boolean dataOnly) -> dataOnly ? Syscalls.fdatasync(fd) : Syscalls.fsync(fd);
      case Operation.Truncate(int fd, long size) -> Syscalls.ftruncate(fd, size);
      case Operation.Allocate(int fd, long offset, long length) -> Syscalls.fallocate(fd, 0, offset, length);
      case Operation.Reserve(int fd, long offset, long length) ->
          Syscalls.fallocate(fd, Fcntl.FALLOC_FL_KEEP_SIZE, offset, length);
      case Operation.Room(int fd, long offset, long length) -> StorageRoom.check(fd, offset, length);
      case Operation.Close(int fd) -> Syscalls.close(fd);
      case Operation.TryLock(int fd) -> Syscalls.flock(fd, Fcntl.LOCK_EX | Fcntl.LOCK_NB);
      case Operation.Unlock(int fd) -> Syscalls.flock(fd, Fcntl.LOCK_UN);
      case Operation.ListDirectory list -> DirectoryReader.list(list.path(), list.into());
      case Operation.RemoveTree(Path path) -> TreeRemover.remove(path);
      case Operation.Stat _, Operation.StatPath _, Operation.Open _, Operation.CreateDirectory _, Operation.Remove _,
          Operation.Rename _, Operation.Link _ -> {
        int result = NOT_YET;
        try (Arena arena = Arena.ofConfined()) {
          result = onPath(operation, arena);
        } catch (VirtualMachineError e) {
          if (result == NOT_YET) {
            throw e;
          }
        }
        yield result;
      }
    };
  }

  private static int write(Operation.Write write) {
    int count =
        write.offset() == Operation.AT_END_OF_FILE
            ? Syscalls.write(write.fd(), write.address(), write.length())
            : writeOnce(write.fd(), write.address(), write.length(), write.offset());
    int synced = count > 0 && write.isDurable() ? Syscalls.fdatasync(write.fd()) : 0;
    return synced < 0 ? synced : count;
  }

  private static int onPath(Operation operation, Arena arena) {
    return switch (operation) {
      case Operation.Stat(int fd, StatResult into) ->
          stat(fd, arena.allocate(1), Fcntl.AT_EMPTY_PATH, into, arena);
      case Operation.StatPath(Path path, boolean follow, StatResult into) ->
          stat(
              Fcntl.AT_FDCWD,
              NativePaths.toCString(path, arena),
              follow ? 0 : Fcntl.AT_SYMLINK_NOFOLLOW,
              into,
              arena);
      case Operation.Open open ->
          Syscalls.openat(
              Fcntl.AT_FDCWD,
              NativePaths.toCString(open.path(), arena),
              KernelValues.openFlags(open.flags()),
              open.permissions());
      case Operation.CreateDirectory(Path path, int permissions) ->
          Syscalls.mkdirat(Fcntl.AT_FDCWD, NativePaths.toCString(path, arena), permissions);
      case Operation.Remove(Path path, boolean directory) ->
          Syscalls.unlinkat(
              Fcntl.AT_FDCWD, NativePaths.toCString(path, arena), directory ? Fcntl.AT_REMOVEDIR : 0);
      case Operation.Rename(Path source, Path target) ->
          Syscalls.renameat2(
              Fcntl.AT_FDCWD,
              NativePaths.toCString(source, arena),
              Fcntl.AT_FDCWD,
              NativePaths.toCString(target, arena),
              0);
      case Operation.Link(Path link, Path existing) ->
          Syscalls.linkat(
              Fcntl.AT_FDCWD,
              NativePaths.toCString(existing, arena),
              Fcntl.AT_FDCWD,
              NativePaths.toCString(link, arena),
              0);
      default -> throw new IllegalArgumentException("names no path: " + operation);
    };
  }

  /** Describes an open file; 0, or a negated errno. */
  static int stat(int fd, StatResult into) {
    try (Arena arena = Arena.ofConfined()) {
      return stat(fd, arena.allocate(1), Fcntl.AT_EMPTY_PATH, into, arena);
    }
  }

  private static int stat(int dirFd, MemorySegment path, int flags, StatResult into, Arena arena) {
    MemorySegment statx = arena.allocate(StatxLayout.SIZE, Long.BYTES);
    int result = Syscalls.statx(dirFd, path, flags, KernelValues.statMask(), statx);
    if (result == 0) {
      KernelValues.decode(statx, into);
    }
    return result;
  }

  private static int vector(boolean read, int fd, List<Operation.Piece> pieces, long offset) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment iovecs = KernelValues.iovecs(pieces, arena);
      int count = KernelValues.iovecCount(pieces);
      int result =
          read ? Syscalls.preadv(fd, iovecs, count, offset) : Syscalls.pwritev(fd, iovecs, count, offset);
      if (result != -Errno.ESPIPE || hasPositions(fd, arena)) {
        return result;
      }
      return read ? Syscalls.readv(fd, iovecs, count) : Syscalls.writev(fd, iovecs, count);
    }
  }

  /**
   * Reads at a position, or where there are none, as of a pipe or a terminal, what comes next: a ring
   * does not mind the position there either. {@code ESPIPE} says that nothing was transferred.
   */
  private static int readOnce(int fd, long address, int length, long offset) {
    int result = Syscalls.pread(fd, address, length, offset);
    return result == -Errno.ESPIPE ? Syscalls.read(fd, address, length) : result;
  }

  /** As {@link #readOnce}, for writing. */
  private static int writeOnce(int fd, long address, int length, long offset) {
    int result = Syscalls.pwrite(fd, address, length, offset);
    return result == -Errno.ESPIPE && !hasPositions(fd) ? Syscalls.write(fd, address, length) : result;
  }

  /** A regular file has: where one answers {@code ESPIPE}, something may have been written. */
  private static boolean hasPositions(int fd) {
    try (Arena arena = Arena.ofConfined()) {
      return hasPositions(fd, arena);
    }
  }

  private static boolean hasPositions(int fd, Arena arena) {
    StatResult about = new StatResult();
    int result = stat(fd, arena.allocate(1), Fcntl.AT_EMPTY_PATH, about, arena);
    return result < 0 || (about.mode & Fcntl.S_IFMT) == Fcntl.S_IFREG;
  }
}
