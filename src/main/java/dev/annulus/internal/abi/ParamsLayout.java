package dev.annulus.internal.abi;

/**
 * {@code struct io_uring_params}: what {@code io_uring_setup(2)} is asked for and what it answers.
 * The offsets under SQ_ and CQ_ are where the kernel writes the positions of the shared words inside the mapped rings.
 *
 * <pre>{@code
 * 0   u32 sq_entries  4 u32 cq_entries  8 u32 flags  12 u32 sq_thread_cpu
 * 16  u32 sq_thread_idle  20 u32 features  24 u32 wq_fd  28 u32 resv[3]
 * 40  struct io_sqring_offsets { head tail ring_mask ring_entries flags dropped array resv1; u64 user_addr }
 * 80  struct io_cqring_offsets { head tail ring_mask ring_entries overflow cqes flags resv1; u64 user_addr }
 * }</pre>
 */
public final class ParamsLayout {
  public static final long SIZE = 120;

  public static final long SQ_ENTRIES = 0;
  public static final long CQ_ENTRIES = 4;
  public static final long FLAGS = 8;
  public static final long FEATURES = 20;
  public static final long SQ_HEAD = 40;
  public static final long SQ_TAIL = 44;
  public static final long SQ_RING_MASK = 48;
  public static final long SQ_RING_ENTRIES = 52;
  public static final long SQ_FLAGS = 56;
  public static final long SQ_DROPPED = 60;
  public static final long SQ_ARRAY = 64;
  public static final long CQ_HEAD = 80;
  public static final long CQ_TAIL = 84;
  public static final long CQ_RING_MASK = 88;
  public static final long CQ_RING_ENTRIES = 92;
  public static final long CQ_OVERFLOW = 96;
  public static final long CQ_CQES = 100;

  private ParamsLayout() {}
}
