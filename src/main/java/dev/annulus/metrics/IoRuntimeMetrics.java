package dev.annulus.metrics;

import dev.annulus.IoRuntime;
import dev.annulus.RuntimeStats;
import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Tag;
import io.micrometer.core.instrument.Tags;
import io.micrometer.core.instrument.binder.MeterBinder;
import java.util.Objects;
import java.util.function.ToDoubleFunction;

/**
 * Meters of an {@link IoRuntime}. They read its {@linkplain IoRuntime#stats() counters} when the registry is scraped, and cost nothing
 * in between. Each carries the tag {@code backend} and the tags given; give a {@code runtime} tag where there are several runtimes.
 *
 * <table>
 * <caption>Meters</caption>
 * <tr><th>name</th><th>type</th><th>meaning</th></tr>
 * <tr><td>{@code annulus.operations.in.flight}</td><td>gauge</td><td>operations the kernel or the pool holds</td></tr>
 * <tr><td>{@code annulus.operations.queued}</td><td>gauge</td><td>operations that wait behind them</td></tr>
 * <tr><td>{@code annulus.operations.submitted}</td><td>counter</td><td>operations handed to the kernel or the pool</td></tr>
 * <tr><td>{@code annulus.operations}</td><td>counter</td><td>operations that ended, by {@code outcome}: {@code completed}, {@code
 * failed}, {@code cancelled}, {@code abandoned}</td></tr>
 * <tr><td>{@code annulus.operations.retried}</td><td>counter</td><td>operations tried again after EINTR or EAGAIN</td></tr>
 * <tr><td>{@code annulus.inline.reads}</td><td>counter</td><td>reads tried on the calling thread, by {@code result}: {@code hit}, {@code
 * miss}</td></tr>
 * <tr><td>{@code annulus.ring.enters}</td><td>counter</td><td>calls of io_uring_enter</td></tr>
 * <tr><td>{@code annulus.ring.wakeups}</td><td>counter</td><td>times a submitter woke the sleeping reaper</td></tr>
 * <tr><td>{@code annulus.ring.overflows}</td><td>counter</td><td>times completions waited for room in the completion queue</td></tr>
 * </table>
 */
public final class IoRuntimeMetrics implements MeterBinder {
  private final IoRuntime runtime;
  private final Tags tags;

  /**
   * Meters to be bound to a registry.
   *
   * @param runtime whose meters; held weakly by the registry, as meters are
   * @param tags go on every meter
   */
  public IoRuntimeMetrics(IoRuntime runtime, Iterable<Tag> tags) {
    this.runtime = Objects.requireNonNull(runtime, "runtime");
    this.tags = Tags.of(Objects.requireNonNull(tags, "tags")).and("backend", backendTag(runtime));
  }

  @Override
  public void bindTo(MeterRegistry registry) {
    gauge(registry, "annulus.operations.in.flight", "Operations the kernel or the pool holds", RuntimeStats::inFlight);
    gauge(registry, "annulus.operations.queued", "Operations that wait behind those in flight", RuntimeStats::queued);
    count(registry, "annulus.operations.submitted", "Operations handed on", Tags.empty(), RuntimeStats::submitted);
    outcome(registry, "completed", RuntimeStats::completed);
    outcome(registry, "failed", RuntimeStats::failed);
    outcome(registry, "cancelled", RuntimeStats::cancelled);
    outcome(registry, "abandoned", RuntimeStats::abandoned);
    count(registry, "annulus.operations.retried", "Operations tried again", Tags.empty(), RuntimeStats::retries);
    count(
        registry, "annulus.inline.reads", "Reads tried on the calling thread", Tags.of("result", "hit"), RuntimeStats::inlineHits);
    count(
        registry, "annulus.inline.reads", "Reads tried on the calling thread", Tags.of("result", "miss"), RuntimeStats::inlineMisses);
    count(registry, "annulus.ring.enters", "Calls of io_uring_enter", Tags.empty(), RuntimeStats::enters);
    count(registry, "annulus.ring.wakeups", "Times the sleeping reaper was woken", Tags.empty(), RuntimeStats::wakeups);
    count(
        registry, "annulus.ring.overflows", "Times completions waited for room", Tags.empty(), RuntimeStats::cqOverflows);
  }

  private void outcome(MeterRegistry registry, String outcome, ToDoubleFunction<RuntimeStats> value) {
    count(registry, "annulus.operations", "Operations that ended", Tags.of("outcome", outcome), value);
  }

  private void gauge(MeterRegistry registry, String name, String description, ToDoubleFunction<RuntimeStats> value) {
    Gauge ignored =
        Gauge.builder(name, runtime, r -> value.applyAsDouble(r.stats()))
            .description(description)
            .baseUnit("operations")
            .tags(tags)
            .register(registry);
  }

  private void count(
      MeterRegistry registry, String name, String description, Tags more, ToDoubleFunction<RuntimeStats> value) {
    FunctionCounter ignored =
        FunctionCounter.builder(name, runtime, r -> value.applyAsDouble(r.stats()))
            .description(description)
            .tags(tags.and(more))
            .register(registry);
  }

  private static String backendTag(IoRuntime runtime) {
    return switch (runtime.backend()) {
      case IO_URING -> "io_uring";
      case PORTABLE -> "portable";
      case AUTO -> "auto";
    };
  }
}
