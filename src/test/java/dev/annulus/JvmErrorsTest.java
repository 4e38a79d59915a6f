package dev.annulus;

import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.annulus.testing.FaultLoader;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.util.List;
import java.util.logging.Level;
import java.util.logging.Logger;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Errors of the JVM at each allocation and each call that the library makes, one after the other: every future ends, nothing is kept, the
 * runtime goes on, and closing returns.
 */
@Timeout(120)
class JvmErrorsTest {
  private static final Logger LOG = Logger.getLogger("dev.annulus");
  private static final FaultLoader LOADER = FaultLoader.ofTheLibrary();

  private static final String SCENARIOS = "dev.annulus.FaultScenarios";

  /** Errors that are thrown on purpose are not to fill the log. */
  @BeforeAll
  static void silence() {
    LOG.setLevel(Level.OFF);
  }

  @AfterAll
  static void unsilence() {
    LOG.setLevel(null);
  }

  static Stream<String> scenarios() throws Throwable {
    return names("IO_URING");
  }

  static Stream<String> portableScenarios() throws Throwable {
    return names("PORTABLE");
  }

  private static Stream<String> names(String backend) throws Throwable {
    return ((List<?>) call("names", backend)).stream().map(String.class::cast);
  }

  @ParameterizedTest
  @MethodSource("scenarios")
  void errorOnTheCallersThread_atEachHit_harmsOneOperationOnly(String scenario) throws Throwable {
    assertTrue(run("run", scenario, "IO_URING", false, false, 1, step(scenario)) > 10, "hardly anything was hit");
  }

  @ParameterizedTest
  @MethodSource("scenarios")
  void errorOnTheReaper_atEachHit_harmsNothing(String scenario) throws Throwable {
    assertTrue(run("run", scenario, "IO_URING", true, false, 1, step(scenario)) >= 0);
  }

  @ParameterizedTest
  @MethodSource("scenarios")
  void threeErrorsOnTheReaper_atEachHit_harmNothing(String scenario) throws Throwable {
    assertTrue(run("run", scenario, "IO_URING", true, true, 3, 7) >= 0);
  }

  @ParameterizedTest
  @MethodSource("scenarios")
  void stackOfTheCaller_thatEndsAtEachDepth_harmsOneOperationOnly(String scenario) throws Throwable {
    assertTrue(run("runAtEachDepth", scenario, "IO_URING") > 3, "hardly anything was hit");
  }

  @ParameterizedTest
  @MethodSource("portableScenarios")
  void stackOfTheCaller_onThePortableBackend_harmsOneOperationOnly(String scenario) throws Throwable {
    assertTrue(run("runAtEachDepth", scenario, "PORTABLE") > 3, "hardly anything was hit");
  }

  @ParameterizedTest
  @MethodSource("portableScenarios")
  void errorOnTheCallersThread_onThePortableBackend_harmsOneOperationOnly(String scenario) throws Throwable {
    assertTrue(run("run", scenario, "PORTABLE", false, false, 1, 7) > 10, "hardly anything was hit");
  }

  @ParameterizedTest
  @MethodSource("portableScenarios")
  void errorOnAThreadOfThePool_atHits_harmsNothing(String scenario) throws Throwable {
    assertTrue(run("run", scenario, "PORTABLE", true, false, 1, 7) >= 0);
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void errorWhileClosing_atEachHit_stillCloses(boolean reaper) throws Throwable {
    assertTrue(run("close", reaper, 1, reaper ? 23 : 11) > 10, "hardly anything was hit");
  }

  /** Some of the scenarios do much, and some wait for garbage to be collected. */
  private static int step(String scenario) {
    return switch (scenario) {
      case "cancelled while queued", "facade" -> 13;
      case "cursor of the facade", "channel", "asynchronous channel" -> 7;
      default -> 1;
    };
  }

  private static int run(String name, Object... arguments) throws Throwable {
    return (int) call(name, arguments);
  }

  private static Object call(String name, Object... arguments) throws Throwable {
    Method method =
        Stream.of(LOADER.loadClass(SCENARIOS).getDeclaredMethods()).filter(m -> m.getName().equals(name)).findFirst().orElseThrow();
    method.setAccessible(true);
    try {
      return method.invoke(null, arguments);
    } catch (InvocationTargetException e) {
      throw e.getCause();
    }
  }
}
