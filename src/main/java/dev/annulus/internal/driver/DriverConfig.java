package dev.annulus.internal.driver;

import java.time.Duration;

/**
 * What a driver is asked to be.
 *
 * @param maxInFlight operations the kernel (or the pool) may hold at once
 * @param maxQueued operations that may wait behind them
 * @param refuseWhenFull whether a submission that finds no room is refused, rather than made to wait
 * @param closeTimeout how long closing waits for operations to end by themselves
 * @param threadName name of the driver's thread, and start of the names of its helpers
 * @param stallWarning how long users' code may keep the driver's thread before it is logged; zero for ever
 */
public record DriverConfig(
    int maxInFlight,
    int maxQueued,
    boolean refuseWhenFull,
    Duration closeTimeout,
    String threadName,
    Duration stallWarning) {
  /** The usual {@link #stallWarning}. */
  public static final Duration DEFAULT_STALL_WARNING = Duration.ofSeconds(1);

  /** With the usual {@link #stallWarning}. */
  public DriverConfig(
      int maxInFlight, int maxQueued, boolean refuseWhenFull, Duration closeTimeout, String threadName) {
    this(maxInFlight, maxQueued, refuseWhenFull, closeTimeout, threadName, DEFAULT_STALL_WARNING);
  }
}
