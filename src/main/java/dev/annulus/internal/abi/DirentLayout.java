package dev.annulus.internal.abi;

/**
 * {@code struct linux_dirent64}: one record of {@code getdents64(2)}; records follow each other, each RECLEN bytes long.
 *
 * <pre>{@code
 * 0  u64 d_ino   8  s64 d_off   16  u16 d_reclen   18  u8 d_type   19  char d_name[], NUL-terminated
 * }</pre>
 */
public final class DirentLayout {
  public static final long SIZE = 19;

  public static final long RECLEN = 16;
  public static final long TYPE = 18;
  public static final long NAME = 19;

  /** The file system does not say: ask {@code statx}. */
  public static final int DT_UNKNOWN = 0;

  public static final int DT_DIR = 4;

  private DirentLayout() {}
}
