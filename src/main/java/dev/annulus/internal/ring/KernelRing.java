package dev.annulus.internal.ring;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import dev.annulus.internal.abi.GetEventsArgLayout;
import dev.annulus.internal.abi.IoUring;
import dev.annulus.internal.abi.IovecLayout;
import dev.annulus.internal.abi.ParamsLayout;
import dev.annulus.internal.abi.ProbeLayout;
import dev.annulus.internal.abi.Syscalls;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.BitSet;

/** A {@link Ring} of the running kernel: {@code io_uring_setup(2)}, the mappings, and {@code io_uring_enter(2)}. */
public final class KernelRing implements Ring {
  private static final int PROBE_OPS = 256;

  private final KernelCalls kernel;
  private final int fd;
  private final int setupFlags;
  private final int features;
  private final RingMapping mapping;
  private final SubmissionQueue submissions;
  private final CompletionQueue completions;
  private final BitSet opcodes;
  private final RegisteredDescriptor descriptor;

  /** Memory for the timed wait's argument; freed with the ring. */
  private final Arena arena = Arena.ofConfined();

  private final MemorySegment timedWait = arena.allocate(GetEventsArgLayout.SIZE_WITH_TIMESPEC, Long.BYTES);

  /** For errno: entering must not fail for want of memory. Automatic, since each call would have to hold on to another arena. */
  private final MemorySegment capture = Syscalls.newCapture(Arena.ofAuto());

  private KernelRing(KernelCalls kernel, int fd, MemorySegment params, RingMapping mapping) {
    this.kernel = kernel;
    this.fd = fd;
    this.setupFlags = params.get(JAVA_INT, ParamsLayout.FLAGS);
    this.features = params.get(JAVA_INT, ParamsLayout.FEATURES);
    this.mapping = mapping;
    this.submissions = mapping.submissionQueue(params);
    this.completions = mapping.completionQueue(params);
    this.opcodes = probe(fd);
    this.descriptor = RegisteredDescriptor.of(fd);
    timedWait.set(JAVA_LONG, GetEventsArgLayout.TS, timedWait.address() + GetEventsArgLayout.TIMESPEC);
  }

  /**
   * Makes a ring with exactly these set-up flags, for use by this thread.
   *
   * @param entries submission entries wanted, 1 to 32768; the kernel rounds up to a power of two
   * @param completionEntries completion entries wanted; looked at when the flags hold {@code IORING_SETUP_CQSIZE}
   * @throws RingSetupException if the kernel refuses; nothing is left behind
   */
  public static KernelRing open(int entries, int completionEntries, int setupFlags) throws RingSetupException {
    return open(KernelCalls.REAL, entries, completionEntries, setupFlags);
  }

  static KernelRing open(KernelCalls kernel, int entries, int completionEntries, int setupFlags)
      throws RingSetupException {
    try (Arena scratch = Arena.ofConfined()) {
      MemorySegment params = scratch.allocate(ParamsLayout.SIZE, Long.BYTES);
      params.set(JAVA_INT, ParamsLayout.FLAGS, setupFlags);
      params.set(JAVA_INT, ParamsLayout.CQ_ENTRIES, completionEntries);
      // The descriptor is close-on-exec: the kernel opens it so (io_uring_setup(2)).
      int fd = kernel.setup(entries, params);
      if (fd < 0) {
        throw new RingSetupException("io_uring_setup", -fd);
      }
      RingMapping mapping = null;
      try {
        mapping = RingMapping.map(kernel, fd, params);
        return new KernelRing(kernel, fd, params, mapping);
      } catch (Throwable e) {
        if (mapping != null) {
          mapping.unmap();
        }
        int _ = kernel.close(fd);
        throw e;
      }
    }
  }

  @Override
  public SubmissionQueue submissions() {
    return submissions;
  }

  @Override
  public CompletionQueue completions() {
    return completions;
  }

  @Override
  public int enter(int toSubmit, int minComplete, long timeoutNanos) {
    int flags = IoUring.IORING_ENTER_GETEVENTS | descriptor.enterFlags();
    if (timeoutNanos <= 0) {
      return Syscalls.ioUringEnter(capture, descriptor.number(), toSubmit, minComplete, flags, 0, 0);
    }
    timedWait.set(JAVA_LONG, GetEventsArgLayout.TIMESPEC_SEC, timeoutNanos / 1_000_000_000L);
    timedWait.set(JAVA_LONG, GetEventsArgLayout.TIMESPEC_NSEC, timeoutNanos % 1_000_000_000L);
    return Syscalls.ioUringEnter(
        capture,
        descriptor.number(),
        toSubmit,
        minComplete,
        flags | IoUring.IORING_ENTER_EXT_ARG,
        timedWait.address(),
        GetEventsArgLayout.SIZE);
  }

  /** Kernels without {@code IORING_FEAT_RSRC_TAGS} (before Linux 5.13) would wait here until nothing is in flight, perhaps for ever. */
  @Override
  public int registerMemory(MemorySegment memory) {
    if ((features & IoUring.IORING_FEAT_RSRC_TAGS) == 0) {
      return -EOPNOTSUPP;
    }
    try (Arena scratch = Arena.ofConfined()) {
      MemorySegment iovec = scratch.allocate(IovecLayout.SIZE, Long.BYTES);
      iovec.set(JAVA_LONG, IovecLayout.BASE, memory.address());
      iovec.set(JAVA_LONG, IovecLayout.LEN, memory.byteSize());
      return Syscalls.ioUringRegister(fd, IoUring.IORING_REGISTER_BUFFERS, iovec, 1);
    }
  }

  /** The workers for everything else, pipes and devices, are left as they are: as many as the user may have processes. */
  @Override
  public int limitWorkers(int workers) {
    try (Arena scratch = Arena.ofConfined()) {
      MemorySegment boundedAndUnbounded = scratch.allocate(2L * Integer.BYTES, Integer.BYTES);
      boundedAndUnbounded.set(JAVA_INT, 0, workers);
      return Syscalls.ioUringRegister(fd, IoUring.IORING_REGISTER_IOWQ_MAX_WORKERS, boundedAndUnbounded, 2);
    }
  }

  @Override
  public boolean supports(int opcode) {
    return opcodes.get(opcode);
  }

  @Override
  public int setupFlags() {
    return setupFlags;
  }

  /** The {@code IORING_FEAT_} bits the kernel reports. */
  public int features() {
    return features;
  }

  @Override
  public void close() {
    descriptor.close();
    mapping.unmap();
    int _ = kernel.close(fd);
    arena.close();
  }

  /** Asks the kernel which opcodes it runs (IORING_REGISTER_PROBE, Linux 5.6); older kernels refuse and support none we need. */
  private static BitSet probe(int fd) {
    BitSet supported = new BitSet(PROBE_OPS);
    try (Arena scratch = Arena.ofConfined()) {
      MemorySegment probe = scratch.allocate(ProbeLayout.SIZE + PROBE_OPS * ProbeLayout.OP_SIZE, Long.BYTES);
      if (Syscalls.ioUringRegister(fd, IoUring.IORING_REGISTER_PROBE, probe, PROBE_OPS) < 0) {
        return supported;
      }
      int count = Byte.toUnsignedInt(probe.get(JAVA_BYTE, ProbeLayout.OPS_LEN));
      for (int op = 0; op < count; op++) {
        int flags = probe.get(JAVA_SHORT, ProbeLayout.OPS + op * ProbeLayout.OP_SIZE + ProbeLayout.OP_FLAGS);
        supported.set(op, (flags & IoUring.IO_URING_OP_SUPPORTED) != 0);
      }
    }
    return supported;
  }
}
