package dev.annulus.internal.abi;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SegmentAllocator;
import java.lang.foreign.StructLayout;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.VarHandle;

/**
 * Linux system calls. Each returns what the kernel returned: a value, or a <em>negated errno</em>, so that a stale errno can
 * never be mistaken for a failure. Stateless and safe from any thread.
 *
 * <p>All go through libc's {@code syscall(2)} by number, since libc has no wrapper for io_uring, except {@code mmap} and
 * {@code munmap}, whose raw conventions differ between architectures. None is linked as critical, but for a look at the clock, which
 * is no system call: a critical downcall holds up every safepoint while it blocks.
 */
public final class Syscalls {
  private static final Linker LINKER = Linker.nativeLinker();
  static final StructLayout CAPTURE = Linker.Option.captureStateLayout();
  private static final VarHandle ERRNO = CAPTURE.varHandle(MemoryLayout.PathElement.groupElement("errno"));
  private static final Linker.Option CAPTURE_ERRNO = Linker.Option.captureCallState("errno");

  private static final FunctionDescriptor SYSCALL_DESCRIPTOR =
      FunctionDescriptor.of(
          JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG);

  /**
   * Never assigned again, and yet not final. A constant handle is inlined into whoever calls it, and where calls are nested deeply the JIT compiler
   * gives up in the midst of it: each system call then takes up to a microsecond more, and makes garbage. A handle that is no constant the JDK has
   * compiled by itself, as a whole.
   */
  @SuppressWarnings("FieldMayBeFinal")
  private static MethodHandle SYSCALL =
      link("syscall", SYSCALL_DESCRIPTOR, Linker.Option.firstVariadicArg(1), CAPTURE_ERRNO);
  private static final MethodHandle SYSCALL_WITHOUT_ERRNO =
      link("syscall", SYSCALL_DESCRIPTOR, Linker.Option.firstVariadicArg(1));
  /** Any function of libc that does nothing: it has the same way to it. */
  private static final MethodHandle NOTHING =
      link("labs", SYSCALL_DESCRIPTOR, Linker.Option.firstVariadicArg(1));
  private static final MethodHandle MMAP =
      link(
          "mmap",
          FunctionDescriptor.of(JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_INT, JAVA_INT, JAVA_INT, JAVA_LONG),
          CAPTURE_ERRNO);
  private static final MethodHandle MUNMAP =
      link("munmap", FunctionDescriptor.of(JAVA_INT, ADDRESS, JAVA_LONG));
  private static final MethodHandle CLOCK_GETTIME =
      link(
          "clock_gettime",
          FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_LONG),
          Linker.Option.critical(false));
  private static final int CLOCK_MONOTONIC_COARSE = 6;

  /** The offset that means the file's own position, to {@code preadv2} and {@code pwritev2}. */
  private static final long OWN_POSITION = -1;

  private static final Arch ARCH =
      Arch.current()
          .orElseThrow(() -> new UnsupportedOperationException("no system call numbers for this machine"));
  private static final Arch.Numbers NR = ARCH.numbers;

  private Syscalls() {}

  /** The architecture whose numbers are in use. */
  public static Arch arch() {
    return ARCH;
  }

  public static int ioUringSetup(int entries, MemorySegment params) {
    return (int) call(IoUring.NR_io_uring_setup, entries, params.address(), 0, 0, 0, 0);
  }

  public static int ioUringEnter(int ringFd, int toSubmit, int minComplete, int flags, long arg, long argSize) {
    return (int) call(IoUring.NR_io_uring_enter, ringFd, toSubmit, minComplete, flags, arg, argSize);
  }

  /** As {@link #ioUringEnter(int, int, int, int, long, long)}, with memory of the caller's for errno: allocates nothing. */
  public static int ioUringEnter(
      MemorySegment capture, int ringFd, int toSubmit, int minComplete, int flags, long arg, long argSize) {
    return (int) call(capture, IoUring.NR_io_uring_enter, ringFd, toSubmit, minComplete, flags, arg, argSize);
  }

  /** For {@link CoarseClock}: 0, or -1 if there is no such clock. */
  static int coarseTime(MemorySegment timespec) {
    try {
      return (int) CLOCK_GETTIME.invokeExact(CLOCK_MONOTONIC_COARSE, timespec.address());
    } catch (Throwable t) {
      throw unexpected(t);
    }
  }

  /** Memory for errno. */
  public static MemorySegment newCapture(SegmentAllocator allocator) {
    return allocator.allocate(CAPTURE);
  }

  public static int ioUringRegister(int ringFd, int opcode, MemorySegment arg, int argCount) {
    return (int) call(IoUring.NR_io_uring_register, ringFd, opcode, arg.address(), argCount, 0, 0);
  }

  public static int openat(int dirFd, MemorySegment path, int flags, int mode) {
    return (int) call(NR.openat(), dirFd, path.address(), flags, mode, 0, 0);
  }

  /** {@code EIO}: what is answered for an errno that could not be read. */
  private static final int UNKNOWN = 5;

  public static int close(int fd) {
    return (int) call(NR.close(), fd, 0, 0, 0, 0, 0);
  }

  public static int statx(int dirFd, MemorySegment path, int flags, int mask, MemorySegment statx) {
    return (int) call(NR.statx(), dirFd, path.address(), flags, mask, statx.address(), 0);
  }

  public static int ftruncate(int fd, long size) {
    return (int) call(NR.ftruncate(), fd, size, 0, 0, 0, 0);
  }

  public static int fallocate(int fd, int mode, long offset, long length) {
    return (int) call(NR.fallocate(), fd, mode, offset, length, 0, 0);
  }

  public static int flock(int fd, int operation) {
    return (int) call(NR.flock(), fd, operation, 0, 0, 0, 0);
  }

  public static int mkdirat(int dirFd, MemorySegment path, int mode) {
    return (int) call(NR.mkdirat(), dirFd, path.address(), mode, 0, 0, 0);
  }

  public static int unlinkat(int dirFd, MemorySegment path, int flags) {
    return (int) call(NR.unlinkat(), dirFd, path.address(), flags, 0, 0, 0);
  }

  public static int renameat2(int oldDirFd, MemorySegment oldPath, int newDirFd, MemorySegment newPath, int flags) {
    return (int) call(NR.renameat2(), oldDirFd, oldPath.address(), newDirFd, newPath.address(), flags, 0);
  }

  public static int linkat(int oldDirFd, MemorySegment oldPath, int newDirFd, MemorySegment newPath, int flags) {
    return (int) call(NR.linkat(), oldDirFd, oldPath.address(), newDirFd, newPath.address(), flags, 0);
  }

  public static int getdents64(int fd, MemorySegment buffer) {
    return (int) call(NR.getdents64(), fd, buffer.address(), buffer.byteSize(), 0, 0, 0);
  }

  public static int read(int fd, long address, int length) {
    return (int) call(NR.read(), fd, address, length, 0, 0, 0);
  }

  public static int write(int fd, long address, int length) {
    return (int) call(NR.write(), fd, address, length, 0, 0, 0);
  }

  public static int pread(int fd, long address, int length, long offset) {
    return (int) call(NR.pread64(), fd, address, length, offset, 0, 0);
  }

  public static int pwrite(int fd, long address, int length, long offset) {
    return (int) call(NR.pwrite64(), fd, address, length, offset, 0, 0);
  }

  /** The kernel takes the offset as two halves; on a 64-bit machine the low one holds all of it and the high one is ignored. */
  public static int preadv(int fd, MemorySegment iovecs, int count, long offset) {
    return (int) call(NR.preadv(), fd, iovecs.address(), count, offset, 0, 0);
  }

  public static int pwritev(int fd, MemorySegment iovecs, int count, long offset) {
    return (int) call(NR.pwritev(), fd, iovecs.address(), count, offset, 0, 0);
  }

  /** {@code preadv2(2)} where the file's own position is, or where there is none. */
  public static int readv(int fd, MemorySegment iovecs, int count) {
    return (int) call(NR.preadv2(), fd, iovecs.address(), count, OWN_POSITION, 0, 0);
  }

  /** As {@link #readv}, for writing. */
  public static int writev(int fd, MemorySegment iovecs, int count) {
    return (int) call(NR.pwritev2(), fd, iovecs.address(), count, OWN_POSITION, 0, 0);
  }

  /** {@code preadv2(2)} with one piece: {@code pread} with flags. */
  public static int pread(int fd, long address, int length, long offset, int flags) {
    Scratch scratch = Scratch.borrow();
    try {
      MemorySegment iovec = scratch.iovec();
      iovec.set(JAVA_LONG, IovecLayout.BASE, address);
      iovec.set(JAVA_LONG, IovecLayout.LEN, length);
      return (int) call(scratch.capture(), NR.preadv2(), fd, iovec.address(), 1, offset, 0, flags);
    } finally {
      scratch.giveBack();
    }
  }

  public static int fsync(int fd) {
    return (int) call(NR.fsync(), fd, 0, 0, 0, 0, 0);
  }

  public static int fdatasync(int fd) {
    return (int) call(NR.fdatasync(), fd, 0, 0, 0, 0, 0);
  }

  public static int eventfd(int flags) {
    return (int) call(NR.eventfd2(), 0, flags, 0, 0, 0, 0);
  }

  /**
   * Writes without looking at errno: any negative result is a failure of unknown cause. For the wake-up, which is hot and has no
   * cause to report.
   */
  public static int writeQuietly(int fd, long address, int length) {
    try {
      return (int) (long) SYSCALL_WITHOUT_ERRNO.invokeExact((long) NR.write(), (long) fd, address, (long) length, 0L, 0L, 0L);
    } catch (Throwable e) {
      throw unexpected(e);
    }
  }

  /**
   * Goes the way of {@link #writeQuietly} and so many frames further, to no effect: throws a {@link StackOverflowError} if the stack has no
   * room for that. It costs some nanoseconds.
   */
  public static void tryTheWay(int framesToSpare) {
    long _ = deeper(framesToSpare, 1, 2, 3, 4, 5, 6);
  }

  private static long deeper(int frames, long a, long b, long c, long d, long e, long f) {
    if (frames > 0) {
      return deeper(frames - 1, a + frames, b, c, d, e, f) + a;
    }
    try {
      return (long) NOTHING.invokeExact(a, b, c, d, e, f, 0L);
    } catch (Throwable t) {
      throw unexpected(t);
    }
  }

  /** Maps {@code length} bytes of {@code fd}; the address, or a negated errno (no address is in the top 4095 bytes). */
  public static long mmap(long length, int protection, int flags, int fd, long offset) {
    Scratch scratch = Scratch.borrow();
    try {
      long address = (long) MMAP.invokeExact(scratch.capture(), 0L, length, protection, flags, fd, offset);
      return address == -1L ? -(int) ERRNO.get(scratch.capture(), 0L) : address;
    } catch (Throwable e) {
      throw unexpected(e);
    } finally {
      scratch.giveBack();
    }
  }

  /** Undoes {@link #mmap}; cannot fail for a mapping made by it. */
  public static void munmap(MemorySegment mapping) {
    try {
      int _ = (int) MUNMAP.invokeExact(mapping, mapping.byteSize());
    } catch (Throwable e) {
      throw unexpected(e);
    }
  }

  /** Gives a mapping its size. */
  @SuppressWarnings("restricted")
  public static MemorySegment segment(long address, long size) {
    return MemorySegment.ofAddress(address).reinterpret(size);
  }

  /** If it throws, nothing was done: what the kernel has answered is told, since it may be a new descriptor, or be about one that is gone. */
  private static long call(int number, long a, long b, long c, long d, long e, long f) {
    Scratch scratch = Scratch.borrow();
    MemorySegment capture = scratch.capture();
    long result;
    try {
      result = (long) SYSCALL.invokeExact(capture, (long) number, a, b, c, d, e, f);
    } catch (Throwable t) {
      scratch.giveBack();
      throw unexpected(t);
    }
    try {
      if (result == -1L) {
        result = -UNKNOWN;
        result = -(int) ERRNO.get(capture, 0L);
      }
      scratch.giveBack();
    } catch (VirtualMachineError t) {
      // The memory is lost, and the answer is not.
    }
    return result;
  }

  private static long call(
      MemorySegment capture, int number, long a, long b, long c, long d, long e, long f) {
    try {
      long result = (long) SYSCALL.invokeExact(capture, (long) number, a, b, c, d, e, f);
      return result == -1L ? -(int) ERRNO.get(capture, 0L) : result;
    } catch (Throwable t) {
      throw unexpected(t);
    }
  }

  @SuppressWarnings("restricted")
  private static MethodHandle link(String symbol, FunctionDescriptor descriptor, Linker.Option... options) {
    return LINKER.downcallHandle(LINKER.defaultLookup().findOrThrow(symbol), descriptor, options);
  }

  /** A downcall itself throws nothing that is declared; what arrives here is an error of the JVM's. */
  private static RuntimeException unexpected(Throwable t) {
    if (t instanceof Error error) {
      throw error;
    }
    return t instanceof RuntimeException runtime ? runtime : new IllegalStateException(t);
  }
}
