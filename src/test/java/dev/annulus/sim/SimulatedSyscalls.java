package dev.annulus.sim;

import static dev.annulus.internal.abi.IoUring.IORING_OP_CLOSE;
import static dev.annulus.internal.abi.IoUring.IORING_OP_FALLOCATE;
import static dev.annulus.internal.abi.IoUring.IORING_OP_FSYNC;
import static dev.annulus.internal.abi.IoUring.IORING_OP_FTRUNCATE;
import static dev.annulus.internal.abi.IoUring.IORING_OP_LINKAT;
import static dev.annulus.internal.abi.IoUring.IORING_OP_MKDIRAT;
import static dev.annulus.internal.abi.IoUring.IORING_OP_OPENAT;
import static dev.annulus.internal.abi.IoUring.IORING_OP_READ;
import static dev.annulus.internal.abi.IoUring.IORING_OP_READV;
import static dev.annulus.internal.abi.IoUring.IORING_OP_RENAMEAT;
import static dev.annulus.internal.abi.IoUring.IORING_OP_STATX;
import static dev.annulus.internal.abi.IoUring.IORING_OP_UNLINKAT;
import static dev.annulus.internal.abi.IoUring.IORING_OP_WRITE;
import static dev.annulus.internal.abi.IoUring.IORING_OP_WRITEV;

import dev.annulus.internal.abi.Arch;
import dev.annulus.internal.abi.Fcntl;
import dev.annulus.internal.abi.Syscalls;
import dev.annulus.internal.driver.Errno;
import dev.annulus.testing.FaultPoint;
import dev.annulus.internal.runtime.direct.FileSystemTypes;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.lang.invoke.VarHandle;
import java.lang.reflect.Field;
import java.util.Map;
import java.util.concurrent.atomic.AtomicReferenceArray;
import org.jspecify.annotations.Nullable;

/**
 * Stands before {@code syscall(2)} as this library calls it: what is about a simulated disk, by path or descriptor, is done there, and
 * all else by the system. So operations on callers' threads and by workers meet the simulated kernel too.
 */
public final class SimulatedSyscalls implements AutoCloseable {
  /** Most disks at a time. */
  public static final int DISKS = 64;

  private static final Arch.Numbers NR = Syscalls.arch().numbers;
  private static final StructLayout CAPTURE = Linker.Option.captureStateLayout();
  private static final VarHandle ERRNO = CAPTURE.varHandle(MemoryLayout.PathElement.groupElement("errno"));

  private static final AtomicReferenceArray<@Nullable SimulatedCalls> MOUNTED = new AtomicReferenceArray<>(DISKS);

  private final MethodHandle real;

  private SimulatedSyscalls(MethodHandle real) {
    this.real = real;
  }

  /** Steps in, until closed. */
  public static SimulatedSyscalls install() {
    try {
      Field field = field();
      SimulatedSyscalls made = new SimulatedSyscalls((MethodHandle) field.get(null));
      MethodHandle ours =
          MethodHandles.lookup()
              .bind(
                  made,
                  "call",
                  MethodType.methodType(
                      long.class, MemorySegment.class, long.class, long.class, long.class, long.class, long.class, long.class,
                      long.class));
      field.set(null, ours);
      nameFileSystem();
      return made;
    } catch (ReflectiveOperationException e) {
      throw new IllegalStateException(e);
    }
  }

  /** What file system a simulated disk has: one that syncs what is written through. */
  @SuppressWarnings("unchecked")
  private static void nameFileSystem() throws ReflectiveOperationException {
    Field known = FileSystemTypes.class.getDeclaredField("BY_MOUNT");
    known.setAccessible(true);
    ((Map<Long, String>) known.get(null)).put(Transfer.MOUNT_ID, "ext4");
  }

  private static Field field() throws ReflectiveOperationException {
    Field field = Syscalls.class.getDeclaredField("SYSCALL");
    field.setAccessible(true);
    return field;
  }

  @Override
  public void close() {
    try {
      field().set(null, real);
    } catch (ReflectiveOperationException e) {
      throw new IllegalStateException(e);
    }
  }

  /** From now on calls on this disk's paths and descriptors go to it. */
  public static void mount(SimulatedDisk disk, Quirks quirks) {
    MOUNTED.set(disk.number(), new SimulatedCalls(disk, quirks));
  }

  @SuppressWarnings("UnusedMethod") // by handle
  private long call(MemorySegment capture, long number, long a, long b, long c, long d, long e, long f) throws Throwable {
    boolean before = FaultPoint.spare(true);
    int result;
    try {
      SimulatedCalls calls = calls((int) number, (int) a, b);
      if (calls == null) {
        return (long) real.invokeExact(capture, number, a, b, c, d, e, f);
      }
      result = simulated(calls, (int) number, (int) a, b, c, d, e, f);
    } finally {
      boolean ignored = FaultPoint.spare(before);
    }
    if (result < 0) {
      ERRNO.set(capture, 0L, -result);
      return -1;
    }
    return result;
  }

  private static @Nullable SimulatedCalls calls(int number, int fd, long second) {
    if (fd >= SimulatedDisk.FIRST_DESCRIPTOR) {
      return MOUNTED.get((fd - SimulatedDisk.FIRST_DESCRIPTOR) / SimulatedDisk.DESCRIPTORS);
    }
    if (fd != Fcntl.AT_FDCWD || !hasPath(number)) {
      return null;
    }
    String path = Transfer.string(second);
    if (!path.startsWith(SimulatedDisk.MOUNT)) {
      return null;
    }
    int end = path.indexOf('/', 1);
    String digits = path.substring(SimulatedDisk.MOUNT.length(), end < 0 ? path.length() : end);
    return digits.isEmpty() ? null : MOUNTED.get(Integer.parseInt(digits));
  }

  private static boolean hasPath(int number) {
    return number == NR.openat()
        || number == NR.statx()
        || number == NR.mkdirat()
        || number == NR.unlinkat()
        || number == NR.renameat2()
        || number == NR.linkat();
  }

  private static int simulated(SimulatedCalls calls, int number, int fd, long b, long c, long d, long e, long f) {
    Sqe sqe = transfer(number, fd, b, c, d, f);
    if (sqe == null) {
      sqe = onFile(number, fd, b, c, d);
    }
    if (sqe == null) {
      sqe = onPath(number, fd, b, c, d, e);
    }
    return sqe == null ? -Errno.ENOSYS : calls.call(sqe);
  }

  private static @Nullable Sqe transfer(int number, int fd, long b, long c, long d, long f) {
    if (number == NR.pread64()) {
      return Sqe.ofCall(IORING_OP_READ, fd, d, b, c, 0);
    }
    if (number == NR.pwrite64()) {
      return Sqe.ofCall(IORING_OP_WRITE, fd, d, b, c, 0);
    }
    if (number == NR.write()) {
      return Sqe.ofCall(IORING_OP_WRITE, fd, -1, b, c, 0);
    }
    if (number == NR.preadv2()) {
      return Sqe.ofCall(IORING_OP_READV, fd, d, b, c, (int) f);
    }
    if (number == NR.preadv()) {
      return Sqe.ofCall(IORING_OP_READV, fd, d, b, c, 0);
    }
    return number == NR.pwritev() ? Sqe.ofCall(IORING_OP_WRITEV, fd, d, b, c, 0) : null;
  }

  private static @Nullable Sqe onFile(int number, int fd, long b, long c, long d) {
    if (number == NR.fsync() || number == NR.fdatasync()) {
      return Sqe.ofCall(IORING_OP_FSYNC, fd, 0, 0, 0, 0);
    }
    if (number == NR.ftruncate()) {
      return Sqe.ofCall(IORING_OP_FTRUNCATE, fd, b, 0, 0, 0);
    }
    if (number == NR.fallocate()) {
      return Sqe.ofCall(IORING_OP_FALLOCATE, fd, c, d, 0, 0);
    }
    if (number == NR.close()) {
      return Sqe.ofCall(IORING_OP_CLOSE, fd, 0, 0, 0, 0);
    }
    if (number == NR.flock()) {
      return Sqe.ofCall(Sqe.LOCKING, fd, 0, 0, 0, (int) b);
    }
    return number == NR.getdents64() ? Sqe.ofCall(Sqe.LISTING, fd, 0, b, c, 0) : null;
  }

  private static @Nullable Sqe onPath(int number, int fd, long b, long c, long d, long e) {
    if (number == NR.openat()) {
      return Sqe.ofCall(IORING_OP_OPENAT, fd, 0, b, 0, (int) c);
    }
    if (number == NR.statx()) {
      return Sqe.ofCall(IORING_OP_STATX, fd, e, b, d, (int) c);
    }
    if (number == NR.mkdirat()) {
      return Sqe.ofCall(IORING_OP_MKDIRAT, fd, 0, b, 0, 0);
    }
    if (number == NR.unlinkat()) {
      return Sqe.ofCall(IORING_OP_UNLINKAT, fd, 0, b, 0, (int) c);
    }
    if (number == NR.renameat2()) {
      return Sqe.ofCall(IORING_OP_RENAMEAT, fd, d, b, 0, 0);
    }
    return number == NR.linkat() ? Sqe.ofCall(IORING_OP_LINKAT, fd, d, b, 0, 0) : null;
  }
}
