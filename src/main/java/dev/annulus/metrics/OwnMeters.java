package dev.annulus.metrics;

import io.micrometer.core.instrument.Meter;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Tags;
import java.util.HashSet;
import java.util.Set;
import java.util.function.BiFunction;
import org.jspecify.annotations.Nullable;

/** The meters of one binding: registers them with the common tags, and remembers them so that they can be removed. */
final class OwnMeters {
  private final MeterRegistry registry;
  private final Tags tags;

  /** {@code null} once they were removed: none may come after. */
  private @Nullable Set<Meter> registered = new HashSet<>();

  OwnMeters(MeterRegistry registry, Tags tags) {
    this.registry = registry;
    this.tags = tags;
  }

  /**
   * Registers a meter.
   *
   * @param how given the registry and all the tags
   */
  synchronized <M extends Meter> @Nullable M register(Tags more, BiFunction<MeterRegistry, Tags, M> how) {
    if (registered == null) {
      return null;
    }
    M meter = how.apply(registry, tags.and(more));
    registered.add(meter);
    return meter;
  }

  boolean registryIsClosed() {
    return registry.isClosed();
  }

  synchronized void removeAll() {
    if (registered != null) {
      registered.forEach(registry::remove);
      registered = null;
    }
  }
}
