package dev.annulus.internal.abi;

/**
 * {@code struct io_uring_rsrc_update}: with {@code IORING_REGISTER_RING_FDS}, a descriptor of a ring and the place it is given among
 * those that a thread has registered.
 *
 * <pre>{@code
 * 0 u32 offset   4 u32 resv   8 u64 data
 * }</pre>
 */
public final class RsrcUpdateLayout {
  public static final long SIZE = 16;

  public static final long OFFSET = 0;
  public static final long DATA = 8;

  private RsrcUpdateLayout() {}
}
