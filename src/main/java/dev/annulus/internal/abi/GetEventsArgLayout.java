package dev.annulus.internal.abi;

/**
 * {@code struct io_uring_getevents_arg}: lets {@code io_uring_enter(2)} wait with a time limit (IORING_ENTER_EXT_ARG).
 * Its {@code ts} points to a {@code struct __kernel_timespec}, kept right behind it here.
 *
 * <pre>{@code
 * 0  u64 sigmask   8  u32 sigmask_sz   12  u32 min_wait_usec   16  u64 ts
 * 24 s64 tv_sec   32 s64 tv_nsec          (the timespec)
 * }</pre>
 */
public final class GetEventsArgLayout {
  public static final long SIZE = 24;

  public static final long TS = 16;
  public static final long TIMESPEC = 24;
  public static final long TIMESPEC_SEC = 24;
  public static final long TIMESPEC_NSEC = 32;
  public static final long SIZE_WITH_TIMESPEC = 40;

  private GetEventsArgLayout() {}
}
