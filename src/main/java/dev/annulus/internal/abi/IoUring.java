package dev.annulus.internal.abi;

/** Constants of {@code linux/io_uring.h} that this library uses, under their kernel names. They are the same everywhere. */
public final class IoUring {
  // System calls; numbered alike on every architecture since they are newer than the unified table (Linux 5.1).
  public static final int NR_io_uring_setup = 425;
  public static final int NR_io_uring_enter = 426;
  public static final int NR_io_uring_register = 427;

  // Opcodes, sqe->opcode.
  public static final int IORING_OP_NOP = 0;
  public static final int IORING_OP_READV = 1;
  public static final int IORING_OP_WRITEV = 2;
  public static final int IORING_OP_FSYNC = 3;
  public static final int IORING_OP_READ_FIXED = 4;
  public static final int IORING_OP_WRITE_FIXED = 5;
  public static final int IORING_OP_ASYNC_CANCEL = 14;
  public static final int IORING_OP_FALLOCATE = 17;
  public static final int IORING_OP_OPENAT = 18;
  public static final int IORING_OP_CLOSE = 19;
  public static final int IORING_OP_STATX = 21;
  public static final int IORING_OP_READ = 22;
  public static final int IORING_OP_WRITE = 23;
  public static final int IORING_OP_RENAMEAT = 35;
  public static final int IORING_OP_UNLINKAT = 36;
  public static final int IORING_OP_MKDIRAT = 37;
  public static final int IORING_OP_LINKAT = 39;
  public static final int IORING_OP_FTRUNCATE = 55;

  // Flags of a submission entry, sqe->flags.
  public static final int IOSQE_ASYNC = 1 << 4;

  // Set-up flags, params.flags. See io_uring_setup(2).
  public static final int IORING_SETUP_CQSIZE = 1 << 3;
  public static final int IORING_SETUP_CLAMP = 1 << 4;
  public static final int IORING_SETUP_SUBMIT_ALL = 1 << 7;
  public static final int IORING_SETUP_COOP_TASKRUN = 1 << 8;
  public static final int IORING_SETUP_SINGLE_ISSUER = 1 << 12;
  public static final int IORING_SETUP_DEFER_TASKRUN = 1 << 13;
  public static final int IORING_SETUP_NO_SQARRAY = 1 << 16;

  // Features the kernel reports, params.features.
  public static final int IORING_FEAT_SINGLE_MMAP = 1;
  public static final int IORING_FEAT_NODROP = 1 << 1;
  public static final int IORING_FEAT_SUBMIT_STABLE = 1 << 2;
  public static final int IORING_FEAT_EXT_ARG = 1 << 8;
  public static final int IORING_FEAT_RSRC_TAGS = 1 << 10;

  // io_uring_enter(2) flags.
  public static final int IORING_ENTER_GETEVENTS = 1;
  public static final int IORING_ENTER_EXT_ARG = 1 << 3;
  public static final int IORING_ENTER_REGISTERED_RING = 1 << 4;

  // Kernel-written flags in the submission ring, sq_ring->flags.
  public static final int IORING_SQ_CQ_OVERFLOW = 1 << 1;

  // Offsets for mmap(2) on the ring descriptor.
  public static final long IORING_OFF_SQ_RING = 0;
  public static final long IORING_OFF_CQ_RING = 0x8000000L;
  public static final long IORING_OFF_SQES = 0x10000000L;

  // Per-operation flags.
  public static final int IORING_FSYNC_DATASYNC = 1;
  public static final int IORING_ASYNC_CANCEL_ALL = 1;
  public static final int IORING_ASYNC_CANCEL_ANY = 1 << 2;

  // io_uring_register(2).
  public static final int IORING_REGISTER_BUFFERS = 0;
  public static final int IORING_REGISTER_PROBE = 8;
  public static final int IORING_REGISTER_IOWQ_MAX_WORKERS = 19;
  public static final int IORING_REGISTER_RING_FDS = 20;
  public static final int IORING_UNREGISTER_RING_FDS = 21;
  public static final int IO_URING_OP_SUPPORTED = 1;

  /** Most entries a submission queue may have ({@code IORING_MAX_ENTRIES} in the kernel's io_uring.c). */
  public static final int MAX_ENTRIES = 32768;

  private IoUring() {}
}
