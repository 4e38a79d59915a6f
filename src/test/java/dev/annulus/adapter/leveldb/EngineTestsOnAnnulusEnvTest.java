package dev.annulus.adapter.leveldb;

import static java.util.stream.Collectors.joining;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.DynamicContainer.dynamicContainer;
import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import dev.annulus.Backend;
import dev.annulus.IoRuntime;
import dev.annulus.RuntimeStats;
import dev.annulus.fs.Fs;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.Arrays;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicContainer;
import org.junit.jupiter.api.DynamicNode;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.Timeout;
import org.testng.ITestListener;
import org.testng.ITestResult;
import org.testng.TestNG;

/**
 * LevelDB's own published tests on {@link AnnulusEnv}: each of their results is one here. What they print goes to a file in {@code target}.
 *
 * <p>On io_uring, which takes some two minutes; {@code -Dannulus.leveldb.backends=IO_URING,PORTABLE} for both backends.
 */
final class EngineTestsOnAnnulusEnvTest {
  /**
   * The tests that come by an environment of files. The rest of the jar has none, or one in memory; {@code MMRandomInputFileTableTest}
   * repeats {@code UnbufferedRandomInputFileTableTest} with a choice that only the engine's own has.
   */
  private static final List<String> CLASSES =
      List.of(
          "impl.DbImplTest",
          "impl.RecoveryTest",
          "impl.AutoCompactTest",
          "impl.GIssue320Test",
          "impl.LogTest",
          "impl.ApiTest",
          "impl.FilenameTest",
          "impl.VersionSetTest",
          "impl.NativeInteropTest",
          "table.UnbufferedRandomInputFileTableTest");

  /** How many pass on the engine's own environment. */
  private static final int PASS_ON_ITS_OWN = 334;

  /** On the engine's own too: the native LevelDB published for Java looks for tables under an older suffix. */
  private static final String FAILS_ON_ITS_OWN = "NativeInteropTest.testCRUDviaJNIthenIQ80";

  private static final String BACKENDS = System.getProperty("annulus.leveldb.backends", Backend.IO_URING.name());

  @TestFactory
  @Timeout(1800)
  Stream<DynamicContainer> engineTests_onAnnulusEnv_passAsOnTheEnginesOwn() throws Exception {
    Stream.Builder<DynamicContainer> containers = Stream.builder();
    for (String backend : BACKENDS.split(",", -1)) {
      containers.add(dynamicContainer(backend, run(Backend.valueOf(backend))));
    }
    return containers.build();
  }

  private static List<DynamicNode> run(Backend backend) throws Exception {
    try (IoRuntime runtime = IoRuntime.builder().backend(backend).open()) {
      WatchedFs watched = WatchedFs.counting(Fs.on(runtime));
      EngineLoader engine = new EngineLoader(watched.fs());
      List<Class<?>> classes = new ArrayList<>();
      for (String name : CLASSES) {
        classes.add(engine.loadClass("org.iq80.leveldb." + name));
      }
      List<ITestResult> results = results(engine, classes, Path.of("target", "leveldb-tests-" + backend + ".out"));
      List<ITestResult> expected = results.stream().filter(result -> !nameOf(result).equals(FAILS_ON_ITS_OWN)).toList();
      RuntimeStats stats = runtime.stats();
      return Stream.concat(
              expected.stream().map(EngineTestsOnAnnulusEnvTest::asDynamicTest),
              Stream.of(
                  dynamicTest("engineTests_asManyAsOnTheEnginesOwn_passed", () -> assertAllPassed(expected)),
                  dynamicTest("engineTests_environments_wereOurs", () -> assertOurs(engine, watched, stats))))
          .toList();
    }
  }

  private static List<ITestResult> results(EngineLoader engine, List<Class<?>> classes, Path output) throws Exception {
    Results results = new Results();
    TestNG testng = new TestNG(false);
    testng.setUseDefaultListeners(false);
    testng.setVerbose(0);
    testng.addListener(results);
    testng.setTestClasses(classes.toArray(Class<?>[]::new));
    Thread thread = Thread.currentThread();
    ClassLoader loader = thread.getContextClassLoader();
    String usual = System.getProperty("java.io.tmpdir", "/tmp");
    Path temporary = Files.createTempDirectory("leveldb-tests");
    PrintStream out = System.out;
    PrintStream err = System.err;
    try (PrintStream elsewhere = new PrintStream(Files.newOutputStream(output))) {
      System.setProperty("java.io.tmpdir", temporary.toString()); // the engine's tests leave theirs behind
      System.setOut(elsewhere);
      System.setErr(elsewhere);
      thread.setContextClassLoader(engine); // where the engine looks for its compressor
      testng.run();
    } finally {
      thread.setContextClassLoader(loader);
      System.setOut(out);
      System.setErr(err);
      System.setProperty("java.io.tmpdir", usual);
      remove(temporary);
    }
    return List.copyOf(results.all);
  }

  private static void remove(Path tree) throws IOException {
    List<Path> paths;
    try (Stream<Path> all = Files.walk(tree)) {
      paths = all.sorted(Comparator.reverseOrder()).toList();
    }
    for (Path path : paths) {
      Files.delete(path);
    }
  }

  private static DynamicNode asDynamicTest(ITestResult result) {
    return dynamicTest(
        nameOf(result),
        () -> {
          if (result.getStatus() != ITestResult.SUCCESS) {
            throw new AssertionError(nameOf(result) + " did not pass", result.getThrowable());
          }
        });
  }

  private static void assertAllPassed(List<ITestResult> results) {
    List<ITestResult> others = results.stream().filter(result -> result.getStatus() != ITestResult.SUCCESS).toList();
    assertEquals("", others.stream().map(EngineTestsOnAnnulusEnvTest::nameOf).collect(joining("\n")));
    assertTrue(results.size() >= PASS_ON_ITS_OWN, () -> "only " + results.size() + " tests were run");
  }

  /** Each kind of call the engine makes came to our facade, and from there to the runtime. */
  private static void assertOurs(EngineLoader engine, WatchedFs watched, RuntimeStats stats) {
    assertTrue(engine.environments() > 100, () -> "environments: " + engine.environments());
    for (String call :
        List.of(
            "open", "createDirectory", "readDirectory", "metadata", "rename", "remove", "removeDirectoryAll", "syncDirectory",
            "readAt", "writeAt", "syncData", "tryLockExclusive", "close")) {
      assertTrue(watched.count(call) > 0, () -> "calls of " + call);
    }
    assertTrue(stats.submitted() >= watched.count("open"), () -> "operations of the runtime: " + stats);
  }

  private static String nameOf(ITestResult result) {
    String parameters = result.getParameters().length == 0 ? "" : Arrays.toString(result.getParameters());
    return result.getTestClass().getRealClass().getSimpleName() + "." + result.getName() + parameters;
  }

  private static final class Results implements ITestListener {
    private final Queue<ITestResult> all = new ConcurrentLinkedQueue<>();

    @Override
    public void onTestSuccess(ITestResult result) {
      all.add(result);
    }

    @Override
    public void onTestFailure(ITestResult result) {
      all.add(result);
    }

    @Override
    public void onTestFailedButWithinSuccessPercentage(ITestResult result) {
      all.add(result);
    }

    @Override
    public void onTestSkipped(ITestResult result) {
      all.add(result);
    }
  }
}
