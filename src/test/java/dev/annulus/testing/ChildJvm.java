package dev.annulus.testing;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** Runs a main class on the tests' class path in a JVM of its own, for what would hurt this one. */
public final class ChildJvm {
  private static final List<String> NATIVE_ACCESS =
      List.of("--enable-native-access=ALL-UNNAMED", "--illegal-native-access=deny");

  private final List<String> command = new ArrayList<>();

  /** How a child ended: its exit code and everything it printed, both streams in one. */
  public record Result(int exitCode, String output) {}

  private ChildJvm(List<String> wrapper, List<String> jvmOptions, Class<?> main, List<String> arguments) {
    command.addAll(wrapper);
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.add("-Xmx256m");
    command.add("-XX:+UseSerialGC");
    command.addAll(jvmOptions);
    command.add("-cp");
    command.add(System.getProperty("java.class.path"));
    command.add(main.getName());
    command.addAll(arguments);
  }

  /** A child with native access, as users are told to start their JVMs. */
  public static ChildJvm of(Class<?> main, String... arguments) {
    return new ChildJvm(List.of(), NATIVE_ACCESS, main, List.of(arguments));
  }

  /** A child whose code may not call native functions. */
  public static ChildJvm withoutNativeAccess(Class<?> main, String... arguments) {
    return new ChildJvm(List.of(), List.of("--illegal-native-access=deny"), main, List.of(arguments));
  }

  /** A child started through another command, such as one that sets limits. */
  public static ChildJvm through(List<String> wrapper, Class<?> main, String... arguments) {
    return new ChildJvm(wrapper, NATIVE_ACCESS, main, List.of(arguments));
  }

  /** Starts the child; what it prints can be read from its input stream. */
  public Process start() throws IOException {
    return new ProcessBuilder(command).redirectErrorStream(true).start();
  }

  /** Runs the child to its end, or kills it after {@code seconds} and throws. */
  public Result run(long seconds) throws IOException, InterruptedException {
    Path output = Files.createTempFile("child", ".out");
    try {
      Process process =
          new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(output.toFile()).start();
      if (!process.waitFor(seconds, TimeUnit.SECONDS)) {
        process.destroyForcibly().waitFor();
        throw new IllegalStateException("still running after " + seconds + " s: " + command + "\n" + read(output));
      }
      return new Result(process.exitValue(), read(output));
    } finally {
      Files.delete(output);
    }
  }

  private static String read(Path file) {
    try {
      return Files.readString(file, StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
