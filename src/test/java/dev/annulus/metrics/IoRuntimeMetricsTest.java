package dev.annulus.metrics;

import static java.util.concurrent.TimeUnit.SECONDS;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.annulus.IoRuntime;
import io.micrometer.core.instrument.Tag;
import io.micrometer.core.instrument.Tags;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.ExecutionException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(30)
class IoRuntimeMetricsTest {
  @TempDir Path dir;

  @Test
  void meters_afterOperations_countThemByOutcome() throws Exception {
    try (IoRuntime runtime = IoRuntime.open()) {
      SimpleMeterRegistry registry = new SimpleMeterRegistry();
      new IoRuntimeMetrics(runtime, Tags.of("runtime", "test")).bindTo(registry);

      for (int i = 0; i < 5; i++) {
        runtime.nop().get(10, SECONDS);
      }
      assertThrows(ExecutionException.class, () -> runtime.stat(dir.resolve("missing")).get(10, SECONDS));

      assertEquals(5, ended(registry, "completed"));
      assertEquals(1, ended(registry, "failed"));
      assertEquals(0, ended(registry, "cancelled"));
      assertEquals(6, registry.get("annulus.operations.submitted").functionCounter().count());
      assertEquals(0, registry.get("annulus.operations.in.flight").gauge().value());
      assertEquals(0, registry.get("annulus.operations.queued").gauge().value());
    }
  }

  @Test
  void meters_always_carryRuntimeAndBackendTags() {
    try (IoRuntime runtime = IoRuntime.open()) {
      SimpleMeterRegistry registry = new SimpleMeterRegistry();
      new IoRuntimeMetrics(runtime, List.of(Tag.of("runtime", "test"))).bindTo(registry);

      assertTrue(registry.getMeters().size() >= 13, registry.getMetersAsString());
      registry
          .getMeters()
          .forEach(
              meter -> {
                assertEquals("test", meter.getId().getTag("runtime"), meter.getId().toString());
                assertTrue(List.of("io_uring", "portable").contains(meter.getId().getTag("backend")), meter.getId().toString());
              });
    }
  }

  private static double ended(SimpleMeterRegistry registry, String outcome) {
    return registry.get("annulus.operations").tag("outcome", outcome).functionCounter().count();
  }
}
