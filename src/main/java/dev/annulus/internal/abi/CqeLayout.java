package dev.annulus.internal.abi;

/**
 * {@code struct io_uring_cqe}: one completion queue entry. {@code res} is the result, or a negated errno.
 *
 * <pre>{@code
 * 0  u64 user_data
 * 8  s32 res      12  u32 flags
 * }</pre>
 */
public final class CqeLayout {
  public static final long SIZE = 16;

  public static final long USER_DATA = 0;
  public static final long RES = 8;
  public static final long FLAGS = 12;

  private CqeLayout() {}
}
