package dev.annulus.internal.portable;

import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.annulus.testing.FaultLoader;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.nio.file.Path;
import java.util.List;
import java.util.logging.Level;
import java.util.logging.Logger;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Errors of the JVM at each allocation and each call that the driver makes, one after the other:
 * every request that was taken ends once, no place is kept, the driver goes on, and closing returns.
 */
@Timeout(120)
class PortableJvmErrorsTest {
  private static final Logger LOG = Logger.getLogger("dev.annulus");
  private static final List<String> FAULTY =
      List.of(
          "Call",
          "Endings",
          "FileTable",
          "Lanes",
          "NioCalls",
          "OpenFile",
          "Pool",
          "PoolClosing",
          "PoolLock",
          "PoolState",
          "PoolTask",
          "PoolWorker",
          "PortableDriver",
          "Shutdown");

  private static final FaultLoader LOADER = new FaultLoader(PortableJvmErrorsTest::isFaulty);

  @TempDir Path dir;

  /** Errors that are thrown on purpose are not to fill the log. */
  @BeforeAll
  static void silence() {
    LOG.setLevel(Level.OFF);
  }

  @AfterAll
  static void unsilence() {
    LOG.setLevel(null);
  }

  private static boolean isFaulty(String name) {
    String simple = name.substring(name.lastIndexOf('.') + 1);
    String outer = simple.contains("$") ? simple.substring(0, simple.indexOf('$')) : simple;
    return name.startsWith("dev.annulus.internal.portable.") && FAULTY.contains(outer);
  }

  @ParameterizedTest
  @CsvSource({"caller, 1", "caller, 3", "pool, 1", "pool, 3"})
  void error_atEachHitOfSubmissions_losesNothing(String thread, int times) throws Throwable {
    assertTrue(run("submissions", thread, times) > 10, "hardly anything was hit");
  }

  @ParameterizedTest
  @CsvSource({"caller, 1", "caller, 3", "pool, 1"})
  void error_atHitsOfClosing_endsAllInTime(String thread, int times) throws Throwable {
    String fifo = DriverUse.fifo(dir, "fifo").toString();
    assertTrue(run("closing", thread, times, fifo) > 10, "hardly anything was hit");
  }

  private static int run(String name, Object... arguments) throws Throwable {
    Class<?> scenarios = LOADER.loadClass("dev.annulus.internal.portable.PortableFaultScenarios");
    Method method =
        Stream.of(scenarios.getDeclaredMethods())
            .filter(found -> found.getName().equals(name))
            .findFirst()
            .orElseThrow();
    method.setAccessible(true);
    try {
      return (int) method.invoke(null, arguments);
    } catch (InvocationTargetException e) {
      throw e.getCause();
    }
  }
}
