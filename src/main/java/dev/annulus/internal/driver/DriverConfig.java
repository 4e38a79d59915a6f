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
 */
public record DriverConfig(
    int maxInFlight, int maxQueued, boolean refuseWhenFull, Duration closeTimeout, String threadName) {}
