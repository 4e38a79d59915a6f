package dev.annulus.internal.driver;

/** A snapshot of a driver's counters; each is exact, but they are not read at one instant. */
public record DriverStats(
    int inFlight,
    int queued,
    long submitted,
    long completed,
    long failed,
    long cancelled,
    long enters,
    long wakeups,
    long completionQueueOverflows,
    long retries,
    long staleCompletions,
    long abandoned,
    long registeredBytes) {}
