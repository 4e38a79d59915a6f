package dev.annulus.faults;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.annulus.Backend;
import dev.annulus.IoRuntime;
import dev.annulus.testing.ChildJvm;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.jar.JarOutputStream;
import java.util.stream.Stream;
import java.util.zip.ZipEntry;
import org.jctools.queues.MessagePassingQueue;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Operations of a process that has no descriptor left, each the first of its kind. */
@Timeout(120)
class DescriptorsTest {
  @TempDir Path dir;

  @ParameterizedTest
  @CsvSource({"IO_URING, paths", "IO_URING, files", "PORTABLE, paths", "PORTABLE, files"})
  void firstOperations_withoutDescriptors_workOrFailAsTooManyOpenFiles(Backend backend, String kinds)
      throws Exception {
    passes(codeOf(IoRuntime.class), backend, kinds);
  }

  /** The class loader keeps a jar open: so nothing is loaded beforehand there. */
  @ParameterizedTest
  @CsvSource({"IO_URING, paths", "PORTABLE, files"})
  void firstOperations_withoutDescriptorsFromAJar_workOrFailAsTooManyOpenFiles(
      Backend backend, String kinds) throws Exception {
    Path classes = codeOf(IoRuntime.class);
    passes(Files.isDirectory(classes) ? jarOf(classes) : classes, backend, kinds);
  }

  private void passes(Path library, Backend backend, String kinds) throws Exception {
    List<Path> classPath =
        List.of(library, codeOf(WithoutDescriptors.class), codeOf(MessagePassingQueue.class));
    Path files = Files.createDirectory(dir.resolve("files"));
    ChildJvm.Result result =
        ChildJvm.onClassPath(
                classPath, List.of(), WithoutDescriptors.class, backend.name(), kinds, files.toString())
            .behind("sh", "-c", "ulimit -n 256; exec \"$@\"", "sh")
            .run(60);
    assertTrue(result.output().contains("passed without descriptors"), result.output());
    assertEquals(0, result.exitCode(), result.output());
  }

  private static Path codeOf(Class<?> type) {
    return Path.of(URI.create(type.getProtectionDomain().getCodeSource().getLocation().toString()));
  }

  private Path jarOf(Path classes) throws IOException {
    Path jar = dir.resolve("library.jar");
    try (JarOutputStream out = new JarOutputStream(Files.newOutputStream(jar));
        Stream<Path> all = Files.walk(classes)) {
      for (Path file : all.filter(Files::isRegularFile).toList()) {
        out.putNextEntry(new ZipEntry(classes.relativize(file).toString()));
        long _ = Files.copy(file, out);
      }
    }
    return jar;
  }
}
