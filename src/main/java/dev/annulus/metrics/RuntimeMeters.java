package dev.annulus.metrics;

import dev.annulus.Backend;
import dev.annulus.IoRuntime;
import dev.annulus.RuntimeStats;
import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.Tags;
import java.util.function.ToDoubleFunction;

/** The meters that are read from the runtime's counters when somebody looks, and cost nothing in between. They hold it weakly. */
final class RuntimeMeters {
  private final IoRuntime runtime;
  private final OwnMeters meters;

  private RuntimeMeters(IoRuntime runtime, OwnMeters meters) {
    this.runtime = runtime;
    this.meters = meters;
  }

  static void register(IoRuntime runtime, OwnMeters into) {
    RuntimeMeters meters = new RuntimeMeters(runtime, into);
    meters.gauge("annulus.operations.in.flight", "Operations the kernel or the pool holds", RuntimeStats::inFlight);
    meters.gauge("annulus.operations.queued", "Operations that wait behind those in flight", RuntimeStats::queued);
    meters.hungOperations();
    meters.counter("annulus.operations.retried", "Operations tried again after EINTR or EAGAIN", Tags.empty(), RuntimeStats::retries);
    String inline = "Reads tried on the calling thread";
    meters.counter("annulus.inline.reads", inline, Tags.of("result", "hit"), RuntimeStats::inlineHits);
    meters.counter("annulus.inline.reads", inline, Tags.of("result", "miss"), RuntimeStats::inlineMisses);
    if (runtime.backend() == Backend.IO_URING) {
      meters.counter("annulus.ring.enters", "Calls of io_uring_enter", Tags.empty(), RuntimeStats::enters);
      meters.counter("annulus.ring.wakeups", "Times a submitter woke the sleeping reaper", Tags.empty(), RuntimeStats::wakeups);
      meters.counter("annulus.ring.overflows", "Times completions waited for room", Tags.empty(), RuntimeStats::cqOverflows);
    }
  }

  private void hungOperations() {
    gaugeOf(
        "annulus.operations.hung",
        "Operations that have been running for longer than a second",
        r -> r.hungOperations().values().stream().mapToInt(Integer::intValue).sum());
  }

  private void gauge(String name, String description, ToDoubleFunction<RuntimeStats> value) {
    gaugeOf(name, description, r -> value.applyAsDouble(r.stats()));
  }

  private void gaugeOf(String name, String description, ToDoubleFunction<IoRuntime> value) {
    meters.register(
        Tags.empty(),
        (registry, tags) ->
            Gauge.builder(name, runtime, value)
                .description(description)
                .baseUnit("operations")
                .tags(tags)
                .register(registry));
  }

  private void counter(String name, String description, Tags more, ToDoubleFunction<RuntimeStats> value) {
    meters.register(
        more,
        (registry, tags) ->
            FunctionCounter.builder(name, runtime, r -> value.applyAsDouble(r.stats()))
                .description(description)
                .tags(tags)
                .register(registry));
  }
}
