package dev.annulus.internal.runtime.direct;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import dev.annulus.internal.abi.Arch;
import dev.annulus.internal.abi.Fcntl;
import dev.annulus.internal.abi.IovecLayout;
import dev.annulus.internal.abi.StatxLayout;
import dev.annulus.internal.abi.Syscalls;
import dev.annulus.internal.driver.OpenFlag;
import dev.annulus.internal.driver.Operation.Piece;
import dev.annulus.internal.driver.StatResult;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SegmentAllocator;
import java.util.List;
import java.util.Set;

/** Translates the parts of an operation to what the kernel calls them, and back. */
public final class KernelValues {
  private KernelValues() {}

  /** The {@code O_} flags of an open, {@code O_CLOEXEC} always: a child process must not inherit files and their locks. */
  public static int openFlags(Set<OpenFlag> flags) {
    Arch arch = Syscalls.arch();
    int bits = Fcntl.O_CLOEXEC;
    for (OpenFlag flag : flags) {
      bits |=
          switch (flag) {
            case READ -> Fcntl.O_RDONLY;
            case WRITE -> flags.contains(OpenFlag.READ) ? Fcntl.O_RDWR : Fcntl.O_WRONLY;
            case APPEND -> Fcntl.O_APPEND;
            case CREATE -> Fcntl.O_CREAT;
            case CREATE_NEW -> Fcntl.O_CREAT | Fcntl.O_EXCL;
            case TRUNCATE -> Fcntl.O_TRUNC;
            case DIRECT -> arch.openDirect;
            case DSYNC -> Fcntl.O_DSYNC;
            case SYNC -> Fcntl.O_SYNC;
            case NO_FOLLOW -> arch.openNoFollow;
            case DIRECTORY -> arch.openDirectory;
          };
    }
    return bits;
  }

  /** An array of {@code struct iovec}, of at most {@link IovecLayout#MAX_COUNT} pieces; the rest makes a short transfer. */
  public static MemorySegment iovecs(List<Piece> pieces, SegmentAllocator allocator) {
    int count = iovecCount(pieces);
    MemorySegment array = allocator.allocate(count * IovecLayout.SIZE, Long.BYTES);
    for (int i = 0; i < count; i++) {
      array.set(JAVA_LONG, i * IovecLayout.SIZE + IovecLayout.BASE, pieces.get(i).address());
      array.set(JAVA_LONG, i * IovecLayout.SIZE + IovecLayout.LEN, pieces.get(i).length());
    }
    return array;
  }

  public static int iovecCount(List<Piece> pieces) {
    return Math.min(pieces.size(), IovecLayout.MAX_COUNT);
  }

  /** What {@code statx} is asked for. */
  public static int statMask() {
    return Fcntl.STATX_BASIC_STATS | Fcntl.STATX_BTIME | Fcntl.STATX_DIOALIGN;
  }

  /** Reads a {@code struct statx}. */
  public static void decode(MemorySegment statx, StatResult into) {
    into.sizeBytes = statx.get(JAVA_LONG, StatxLayout.STX_SIZE);
    into.mode = Short.toUnsignedInt(statx.get(JAVA_SHORT, StatxLayout.MODE));
    into.inode = statx.get(JAVA_LONG, StatxLayout.INO);
    into.device =
        device(statx.get(JAVA_INT, StatxLayout.DEV_MAJOR), statx.get(JAVA_INT, StatxLayout.DEV_MINOR));
    into.linkCount = statx.get(JAVA_INT, StatxLayout.NLINK);
    into.userId = statx.get(JAVA_INT, StatxLayout.UID);
    into.groupId = statx.get(JAVA_INT, StatxLayout.GID);
    into.blockSizeBytes = statx.get(JAVA_INT, StatxLayout.BLKSIZE);
    into.blocks = statx.get(JAVA_LONG, StatxLayout.BLOCKS);
    into.modifiedSeconds = statx.get(JAVA_LONG, StatxLayout.MTIME);
    into.modifiedNanos = statx.get(JAVA_INT, StatxLayout.MTIME + StatxLayout.TIMESTAMP_NSEC);
    into.accessedSeconds = statx.get(JAVA_LONG, StatxLayout.ATIME);
    into.accessedNanos = statx.get(JAVA_INT, StatxLayout.ATIME + StatxLayout.TIMESTAMP_NSEC);
    into.changedSeconds = statx.get(JAVA_LONG, StatxLayout.CTIME);
    into.changedNanos = statx.get(JAVA_INT, StatxLayout.CTIME + StatxLayout.TIMESTAMP_NSEC);
    boolean birthKnown = (statx.get(JAVA_INT, StatxLayout.MASK) & Fcntl.STATX_BTIME) != 0;
    into.createdSeconds = birthKnown ? statx.get(JAVA_LONG, StatxLayout.BTIME) : into.modifiedSeconds;
    into.createdNanos =
        birthKnown ? statx.get(JAVA_INT, StatxLayout.BTIME + StatxLayout.TIMESTAMP_NSEC) : into.modifiedNanos;
    into.directAlignmentKnown = (statx.get(JAVA_INT, StatxLayout.MASK) & Fcntl.STATX_DIOALIGN) != 0;
    into.directMemoryBytes = statx.get(JAVA_INT, StatxLayout.DIO_MEM_ALIGN);
    into.directPositionBytes = statx.get(JAVA_INT, StatxLayout.DIO_OFFSET_ALIGN);
  }

  /** Major and minor as {@code st_dev} packs them (makedev(3)), so that the number equals the JDK's {@code unix:dev}. */
  private static long device(int major, int minor) {
    long wideMajor = Integer.toUnsignedLong(major);
    long wideMinor = Integer.toUnsignedLong(minor);
    return ((wideMajor & 0xfffff000L) << 32)
        | ((wideMajor & 0xfffL) << 8)
        | ((wideMinor & 0xffffff00L) << 12)
        | (wideMinor & 0xffL);
  }
}
