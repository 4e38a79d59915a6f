package dev.annulus.internal.abi;

/**
 * {@code struct io_uring_sqe}: one submission queue entry. Offsets in bytes; the unions are listed under the name used here.
 *
 * <pre>{@code
 * 0   u8  opcode      1  u8 flags      2  u16 ioprio    4  s32 fd
 * 8   u64 off | addr2
 * 16  u64 addr
 * 24  u32 len        28  u32 rw_flags | fsync_flags | open_flags | statx_flags | rename_flags | …
 * 32  u64 user_data
 * 40  u16 buf_index  42  u16 personality           44  s32 splice_fd_in
 * 48  u64 addr3      56  u64 pad
 * }</pre>
 */
public final class SqeLayout {
  public static final long SIZE = 64;

  public static final long OPCODE = 0;
  public static final long FLAGS = 1;
  public static final long IOPRIO = 2;
  public static final long FD = 4;
  public static final long OFF = 8;
  public static final long ADDR = 16;
  public static final long LEN = 24;
  public static final long OP_FLAGS = 28;
  public static final long USER_DATA = 32;

  private SqeLayout() {}
}
