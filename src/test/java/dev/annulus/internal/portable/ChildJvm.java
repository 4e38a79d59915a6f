package dev.annulus.internal.portable;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** Runs programs of the test class path in a JVM of their own. */
final class ChildJvm {
  private ChildJvm() {}

  /** What it printed; fails if it failed. */
  static String run(List<String> options, Class<?> program, String... args) throws IOException, InterruptedException {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(options);
    command.addAll(List.of("-Xmx128m", "-cp", System.getProperty("java.class.path"), program.getName()));
    command.addAll(List.of(args));
    Path errors = Files.createTempFile("child", ".err");
    try {
      Process process = new ProcessBuilder(command).redirectError(errors.toFile()).start();
      String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
      assertTrue(process.waitFor(30, TimeUnit.SECONDS), "it hangs");
      String complaints = Files.readString(errors);
      assertEquals(0, process.exitValue(), complaints);
      return output.strip();
    } finally {
      Files.delete(errors);
    }
  }
}
