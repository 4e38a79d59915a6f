package dev.annulus.internal.abi;

/**
 * {@code struct io_uring_probe} with its trailing array of {@code struct io_uring_probe_op}: which opcodes the kernel runs.
 *
 * <pre>{@code
 * 0   u8 last_op  1 u8 ops_len  2 u16 resv  4 u32 resv2[3]
 * 16  { 0 u8 op  1 u8 resv  2 u16 flags  4 u32 resv2 } ops[]
 * }</pre>
 */
public final class ProbeLayout {
  public static final long SIZE = 16;

  public static final long LAST_OP = 0;
  public static final long OPS_LEN = 1;
  public static final long OPS = 16;
  public static final long OP_SIZE = 8;
  public static final long OP_FLAGS = 2;

  private ProbeLayout() {}
}
