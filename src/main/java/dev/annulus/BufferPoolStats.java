package dev.annulus;

/**
 * What has become of a runtime's {@link BufferPool}.
 *
 * @param capacityBytes how much it can lend in all
 * @param registeredBytes how much of that the kernel knows beforehand; 0 before the first lease, where the limit on locked memory or the
 *     kernel's age forbids it, and on the portable backend: everything works all the same
 * @param leasedBytes how much is lent now, to users and to stand in for heap buffers
 * @param leases how often memory was lent
 * @param exhausted how often there was no room: plain memory was allocated instead, or {@link BufferPool#tryLease} gave nothing
 */
public record BufferPoolStats(long capacityBytes, long registeredBytes, long leasedBytes, long leases, long exhausted) {}
