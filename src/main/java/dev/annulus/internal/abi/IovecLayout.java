package dev.annulus.internal.abi;

/**
 * {@code struct iovec} on a 64-bit machine: one piece of a scatter or gather list.
 *
 * <pre>{@code
 * 0  void *iov_base    8  size_t iov_len
 * }</pre>
 */
public final class IovecLayout {
  public static final long SIZE = 16;

  public static final long BASE = 0;
  public static final long LEN = 8;

  /** Most pieces one call takes ({@code UIO_MAXIOV}). */
  public static final int MAX_COUNT = 1024;

  private IovecLayout() {}
}
