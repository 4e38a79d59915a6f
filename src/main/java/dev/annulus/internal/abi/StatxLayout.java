package dev.annulus.internal.abi;

/**
 * {@code struct statx} of {@code statx(2)}: the same on every architecture, unlike {@code struct stat}.
 *
 * <pre>{@code
 * 0   u32 mask      4  u32 blksize    8  u64 attributes
 * 16  u32 nlink     20 u32 uid        24 u32 gid      28 u16 mode
 * 32  u64 ino       40 u64 size       48 u64 blocks   56 u64 attributes_mask
 * 64  atime  80 btime  96 ctime  112 mtime, each { 0 s64 sec  8 u32 nsec }
 * 128 u32 rdev_major  132 u32 rdev_minor  136 u32 dev_major  140 u32 dev_minor
 * 144 u64 mnt_id  152 u32 dio_mem_align  156 u32 dio_offset_align  … spare to 256
 * }</pre>
 */
public final class StatxLayout {
  public static final long SIZE = 256;

  public static final long MASK = 0;
  public static final long BLKSIZE = 4;
  public static final long NLINK = 16;
  public static final long UID = 20;
  public static final long GID = 24;
  public static final long MODE = 28;
  public static final long INO = 32;
  public static final long STX_SIZE = 40;
  public static final long BLOCKS = 48;
  public static final long ATIME = 64;
  public static final long BTIME = 80;
  public static final long CTIME = 96;
  public static final long MTIME = 112;
  public static final long TIMESTAMP_NSEC = 8;
  public static final long DEV_MAJOR = 136;
  public static final long DEV_MINOR = 140;
  public static final long MNT_ID = 144;
  public static final long DIO_MEM_ALIGN = 152;
  public static final long DIO_OFFSET_ALIGN = 156;

  private StatxLayout() {}
}
