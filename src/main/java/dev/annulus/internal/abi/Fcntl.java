package dev.annulus.internal.abi;

/** Flags and modes of {@code open(2)}, {@code statx(2)}, {@code flock(2)} and their kin that are the same on every {@link Arch}. */
public final class Fcntl {
  public static final int O_RDONLY = 0;
  public static final int O_WRONLY = 1;
  public static final int O_RDWR = 2;
  public static final int O_CREAT = 0x40;
  public static final int O_EXCL = 0x80;
  public static final int O_TRUNC = 0x200;
  public static final int O_APPEND = 0x400;
  public static final int O_NONBLOCK = 0x800;
  public static final int O_DSYNC = 0x1000;
  public static final int O_SYNC = 0x101000;
  public static final int O_CLOEXEC = 0x80000;

  public static final int AT_FDCWD = -100;
  public static final int AT_SYMLINK_NOFOLLOW = 0x100;
  public static final int AT_REMOVEDIR = 0x200;
  public static final int AT_EMPTY_PATH = 0x1000;

  /** Of {@code statx(2)}: what is known locally will do. */
  public static final int AT_STATX_DONT_SYNC = 0x4000;

  public static final int STATX_TYPE = 1;
  public static final int STATX_BLOCKS = 0x400;
  public static final int STATX_BASIC_STATS = 0x7ff;
  public static final int STATX_BTIME = 0x800;
  public static final int STATX_MNT_ID = 0x1000;
  public static final int STATX_DIOALIGN = 0x2000;
  public static final int STATX_MNT_ID_UNIQUE = 0x4000;

  public static final int S_IFMT = 0xf000;
  public static final int S_IFDIR = 0x4000;
  public static final int S_IFREG = 0x8000;

  /** Of {@code fallocate(2)}: the file's length stays. */
  public static final int FALLOC_FL_KEEP_SIZE = 1;

  public static final int LOCK_EX = 2;
  public static final int LOCK_NB = 4;
  public static final int LOCK_UN = 8;

  /** Of {@code pwritev2(2)}: what is written is on stable storage when the call returns. */
  public static final int RWF_DSYNC = 2;

  /** Of {@code preadv2(2)}: fail with EAGAIN rather than wait for the device. */
  public static final int RWF_NOWAIT = 8;

  public static final int EFD_CLOEXEC = 0x80000;

  public static final int PROT_READ = 1;
  public static final int PROT_WRITE = 2;
  public static final int MAP_SHARED = 1;
  public static final int MAP_POPULATE = 0x8000;

  private Fcntl() {}
}
