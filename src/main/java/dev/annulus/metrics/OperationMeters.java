package dev.annulus.metrics;

import dev.annulus.ErrorKind;
import dev.annulus.OperationEnd;
import dev.annulus.OperationEnd.Route;
import dev.annulus.OperationType;
import dev.annulus.RuntimeListener;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.DistributionSummary;
import io.micrometer.core.instrument.Tags;
import io.micrometer.core.instrument.Timer;
import java.util.EnumMap;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** The meters that move with each operation and each batch. Counters of rare outcomes are there from the start, at zero. */
final class OperationMeters implements RuntimeListener {
  private final OwnMeters meters;
  private final Runnable whenRegistryClosed;

  private final Counter submitted;
  private final Counter completed;
  private final Map<ErrorKind, Counter> failed = new EnumMap<>(ErrorKind.class);
  private final Counter cancelled;
  private final Counter refused;
  private final Counter abandoned;
  private final Counter shortReads;
  private final Counter shortWrites;
  private final @Nullable DistributionSummary batch;

  /** Timers are made when first needed, since most combinations never are. */
  private final Map<Route, Map<OperationType, Timer>> latencies = new EnumMap<>(Route.class);

  OperationMeters(OwnMeters meters, boolean hasRing, Runnable whenRegistryClosed) {
    this.meters = meters;
    this.whenRegistryClosed = whenRegistryClosed;
    submitted = counter("annulus.operations.submitted", "Operations begun", Tags.empty());
    completed = counter("annulus.operations.completed", "Operations that ended with a result", Tags.empty());
    for (ErrorKind kind : ErrorKind.values()) {
      Tags tag = Tags.of("kind", IoRuntimeMetrics.tagValue(kind));
      failed.put(kind, counter("annulus.operations.failed", "Operations that ended with an error", tag));
    }
    cancelled = counter("annulus.operations.cancelled", "Operations that were given up", Tags.empty());
    refused = counter("annulus.operations.refused", "Operations that never began", Tags.empty());
    abandoned = counter("annulus.operations.abandoned", "Operations the kernel would not end", Tags.empty());
    shortReads = shortTransfers(OperationType.READ);
    shortWrites = shortTransfers(OperationType.WRITE);
    batch = hasRing ? batchSummary() : null;
    for (Route route : Route.values()) {
      latencies.put(route, new ConcurrentHashMap<>());
    }
  }

  @Override
  public void operationBegan(OperationType type) {
    submitted.increment();
  }

  @Override
  public void operationEnded(OperationEnd end) {
    if (meters.registryIsClosed()) {
      whenRegistryClosed.run();
      return;
    }
    switch (end.outcome()) {
      case COMPLETED -> completed.increment();
      case FAILED -> failed(end).increment();
      case CANCELLED -> cancelled.increment();
      case REFUSED -> refused.increment();
      case ABANDONED -> abandoned.increment();
    }
    if (end.isShort()) {
      (end.type() == OperationType.READ ? shortReads : shortWrites).increment();
    }
    if (end.outcome() != OperationEnd.Outcome.REFUSED && end.outcome() != OperationEnd.Outcome.ABANDONED) {
      record(end);
    }
  }

  @Override
  public void batchSubmitted(int entries) {
    if (batch != null) {
      batch.record(entries);
    }
  }

  private Counter failed(OperationEnd end) {
    Throwable failure = end.failure();
    ErrorKind kind = failure == null ? ErrorKind.OTHER : ErrorKind.of(failure);
    return Objects.requireNonNull(failed.get(kind));
  }

  private void record(OperationEnd end) {
    Map<OperationType, Timer> ofRoute = Objects.requireNonNull(latencies.get(end.route()));
    Timer timer = ofRoute.get(end.type());
    if (timer == null) {
      timer = latency(end.type(), end.route());
      if (timer == null) {
        return; // unbound meanwhile
      }
      ofRoute.put(end.type(), timer);
    }
    timer.record(end.latencyNanos(), TimeUnit.NANOSECONDS);
  }

  // ---- making them ----

  private Counter counter(String name, String description, Tags more) {
    return Objects.requireNonNull(
        meters.register(
            more,
            (registry, tags) ->
                Counter.builder(name).description(description).tags(tags).register(registry)));
  }

  private Counter shortTransfers(OperationType type) {
    Tags tag = Tags.of("operation", IoRuntimeMetrics.tagValue(type));
    return counter("annulus.transfers.short", "Transfers of something, but less than was asked for", tag);
  }

  private @Nullable Timer latency(OperationType type, Route route) {
    return meters.register(
        Tags.of("operation", IoRuntimeMetrics.tagValue(type), "route", IoRuntimeMetrics.tagValue(route)),
        (registry, tags) ->
            Timer.builder("annulus.operations.latency")
                .description("Time from the call to the completion")
                .tags(tags)
                .register(registry));
  }

  private @Nullable DistributionSummary batchSummary() {
    return meters.register(
        Tags.empty(),
        (registry, tags) ->
            DistributionSummary.builder("annulus.ring.batch")
                .description("Entries taken by one call of io_uring_enter")
                .baseUnit("entries")
                .tags(tags)
                .register(registry));
  }
}
