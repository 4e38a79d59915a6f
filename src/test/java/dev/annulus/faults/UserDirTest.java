package dev.annulus.faults;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.annulus.Backend;
import dev.annulus.testing.ChildJvm;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Relative paths of a JVM that is told another {@code user.dir} than it was started in. */
@Timeout(120)
class UserDirTest {
  @TempDir Path dir;

  @ParameterizedTest
  @EnumSource(names = {"IO_URING", "PORTABLE"})
  void relativePaths_withAnotherUserDir_startThereInEveryOperation(Backend backend) throws Exception {
    List<String> options = List.of("-Duser.dir=" + dir);
    ChildJvm.Result result =
        ChildJvm.withOptions(options, RelativePaths.class, backend.name()).run(60);
    assertTrue(result.output().contains("relative paths passed"), result.output());
    assertEquals(0, result.exitCode(), result.output());
    try (Stream<Path> left = Files.list(dir)) {
      assertEquals(List.of(dir.resolve("left")), left.toList());
    }
    assertEquals(List.of("kept"), Files.readAllLines(dir.resolve("left")));
  }
}
