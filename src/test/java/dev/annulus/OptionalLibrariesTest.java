package dev.annulus;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.annulus.testing.ChildJvm;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jctools.queues.MessagePassingQueue;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What is optional stays so: with nothing but our classes and JCTools everything but meters and adapters works. */
@Timeout(120)
class OptionalLibrariesTest {
  @TempDir Path dir;

  /** {@code java.base} alone is what the smallest image made with {@code jlink} has: no flight recorder, no logging. */
  @ParameterizedTest
  @CsvSource({"IO_URING,", "PORTABLE,", "IO_URING, java.base", "PORTABLE, java.base"})
  void runtimeAndFacade_withoutAnyOptionalLibrary_work(Backend backend, String onlyModule) throws Exception {
    List<String> options = onlyModule == null ? List.of() : List.of("--limit-modules", onlyModule);
    List<Path> classPath = List.of(codeOf(IoRuntime.class), codeOf(MessagePassingQueue.class), probe());

    ChildJvm.Result result =
        ChildJvm.onClassPath(classPath, options, BareProbe.class, backend.name(), dir.resolve("file").toString()).run(60);

    String recorder = onlyModule == null ? "there" : "not there";
    String expected = backend + ": files and facade work, flight recorder " + recorder;
    assertEquals(0, result.exitCode(), result::output);
    assertEquals(expected, result.output().strip());
  }

  /** A directory with the probe's class alone: the tests' own would bring more. */
  private Path probe() throws IOException {
    Path root = dir.resolve("probe");
    List<Class<?>> classes = new ArrayList<>(List.of(BareProbe.class.getDeclaredClasses()));
    classes.add(BareProbe.class);
    for (Class<?> each : classes) {
      String file = each.getName().replace('.', '/') + ".class";
      Files.createDirectories(root.resolve(file).getParent());
      Files.copy(codeOf(each).resolve(file), root.resolve(file));
    }
    return root;
  }

  private static Path codeOf(Class<?> type) {
    return Path.of(URI.create(type.getProtectionDomain().getCodeSource().getLocation().toString()));
  }
}
