package dev.annulus;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.management.ThreadMXBean;
import dev.annulus.internal.driver.DriverConfig;
import dev.annulus.internal.driver.Operation;
import dev.annulus.internal.portable.PortableDriver;
import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.IntFunction;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Who watches a runtime, and that nobody costs nothing. */
@Timeout(30)
class ListenersTest {
  private static final int TIMES = 20_000;

  /** What the measuring itself may allocate; one object each time would be a hundred times as much. */
  private static final long NOISE_BYTES = 4_000;

  private final PortableDriver driver =
      PortableDriver.open(new DriverConfig(1, 1, false, Duration.ofSeconds(1), "listeners"));
  private final Listeners listeners = new Listeners(driver);
  private final Operation operation = new Operation.Nop();
  private @Nullable Observation seen;

  @AfterEach
  void close() {
    driver.close();
  }

  @Test
  void observe_withNobodyWatching_allocatesNothing() {
    IntFunction<@Nullable Observation> observe = _ -> listeners.observe(operation);
    assertNull(observe.apply(0));
    long bytes = allocatedBy(observe);
    assertTrue(bytes < NOISE_BYTES, () -> bytes + " bytes in " + TIMES + " operations");
    assertNull(seen);
  }

  /** The measuring notices an object. */
  @Test
  void observe_withAListener_allocates() {
    listeners.add(new RuntimeListener() {});
    long bytes = allocatedBy(_ -> listeners.observe(operation));
    assertTrue(bytes > TIMES * 16L, () -> bytes + " bytes in " + TIMES + " operations");
    assertNotNull(seen);
  }

  @Test
  void observe_afterTheLastListenerIsGone_isAsBefore() {
    RuntimeListener listener = new RuntimeListener() {};
    listeners.add(listener);
    listeners.add(listener);
    listeners.remove(listener);
    assertNotNull(listeners.observe(operation), "it was added twice");
    listeners.remove(listener);
    assertNull(listeners.observe(operation));
    listeners.remove(listener);
  }

  @Test
  void end_isToldToThoseWhoWereToldOfTheBeginning() {
    List<String> told = new ArrayList<>();
    RuntimeListener first = telling("first", told);
    RuntimeListener second = telling("second", told);
    listeners.add(first);
    Observation observation = listeners.observe(operation);
    listeners.add(second);
    listeners.remove(first);
    assertNotNull(observation);
    observation.end(OperationEnd.Outcome.COMPLETED, operation, Path.of("x"), null);
    assertEquals(List.of("first began NOP", "first ended NOP x COMPLETED"), told);
  }

  private static RuntimeListener telling(String name, List<String> told) {
    return new RuntimeListener() {
      @Override
      public void operationBegan(OperationType type) {
        told.add(name + " began " + type);
      }

      @Override
      public void operationEnded(OperationEnd end) {
        told.add(name + " ended " + end.type() + " " + end.path() + " " + end.outcome());
      }
    };
  }

  private long allocatedBy(IntFunction<@Nullable Observation> observe) {
    ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    long before = threads.getCurrentThreadAllocatedBytes();
    for (int i = 0; i < TIMES; i++) {
      seen = observe.apply(i);
    }
    return threads.getCurrentThreadAllocatedBytes() - before;
  }
}
