package dev.annulus.testing;

import dev.annulus.IoRuntime;
import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jctools.queues.MessagePassingQueue;

/** Runs a main class on the tests' class path in a JVM of its own, for what would hurt this one. */
public final class ChildJvm {
  private static final List<String> NATIVE_ACCESS =
      List.of("--enable-native-access=ALL-UNNAMED", "--illegal-native-access=deny");

  private final List<String> wrapper;
  private final List<String> jvmOptions;
  private final Class<?> main;
  private final List<String> arguments;
  private String classPath = System.getProperty("java.class.path", "");

  /** How a child ended: its exit code and everything it printed, both streams in one. */
  public record Result(int exitCode, String output) {
    /** What it printed, by line; fails unless it ended well. */
    public List<String> lines() {
      if (exitCode != 0) {
        throw new AssertionError("the child ended with " + exitCode + ":\n" + output);
      }
      return output.lines().toList();
    }
  }

  private ChildJvm(List<String> wrapper, List<String> jvmOptions, Class<?> main, List<String> arguments) {
    this.wrapper = wrapper;
    this.jvmOptions = jvmOptions;
    this.main = main;
    this.arguments = arguments;
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

  /** A child with native access and further options of the JVM. */
  public static ChildJvm withOptions(List<String> jvmOptions, Class<?> main, String... arguments) {
    return new ChildJvm(List.of(), Stream.concat(NATIVE_ACCESS.stream(), jvmOptions.stream()).toList(), main, List.of(arguments));
  }

  /** A child with native access and further options of the JVM, on another class path than ours. */
  public static ChildJvm onClassPath(
      List<Path> classPath, List<String> jvmOptions, Class<?> main, String... arguments) {
    List<String> options = Stream.concat(NATIVE_ACCESS.stream(), jvmOptions.stream()).toList();
    ChildJvm child = new ChildJvm(List.of(), options, main, List.of(arguments));
    child.classPath = classPath.stream().map(Path::toString).collect(Collectors.joining(File.pathSeparator));
    return child;
  }

  /** A child of the user {@code nobody}; it uses copies of the classes, put into {@code copies}, as it cannot read the originals. */
  public static ChildJvm ofNobody(Path copies, Class<?> main, String... arguments) throws IOException {
    ChildJvm child =
        through(List.of("setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"), main, arguments);
    child.classPath = copyClasses(main, copies);
    return child;
  }

  /** The same child, started through another command besides. */
  public ChildJvm behind(String... command) {
    List<String> wrappers = new ArrayList<>(List.of(command));
    wrappers.addAll(wrapper);
    ChildJvm child = new ChildJvm(wrappers, jvmOptions, main, arguments);
    child.classPath = classPath;
    return child;
  }

  private static String copyClasses(Class<?> main, Path target) throws IOException {
    List<String> copies = new ArrayList<>();
    for (Path entry : List.of(codeOf(IoRuntime.class), codeOf(main), codeOf(MessagePassingQueue.class))) {
      String suffix = Files.isDirectory(entry) ? "" : ".jar";
      Path copy = target.resolve("entry" + copies.size() + suffix);
      copyReadably(entry, copy);
      copies.add(copy.toString());
    }
    return String.join(File.pathSeparator, copies);
  }

  private static Path codeOf(Class<?> type) {
    return Path.of(URI.create(type.getProtectionDomain().getCodeSource().getLocation().toString()));
  }

  private static void copyReadably(Path from, Path to) throws IOException {
    Files.createDirectories(to.getParent());
    Files.walkFileTree(
        from,
        new SimpleFileVisitor<>() {
          @Override
          public FileVisitResult preVisitDirectory(Path dir, BasicFileAttributes attributes) throws IOException {
            Files.createDirectory(to.resolve(from.relativize(dir).toString()));
            return FileVisitResult.CONTINUE;
          }

          @Override
          public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) throws IOException {
            Path copy = file.equals(from) ? to : to.resolve(from.relativize(file).toString());
            Files.copy(file, copy);
            Files.setPosixFilePermissions(copy, PosixFilePermissions.fromString("rw-r--r--"));
            return FileVisitResult.CONTINUE;
          }
        });
  }

  private List<String> command() {
    List<String> command = new ArrayList<>(wrapper);
    command.add(Path.of(System.getProperty("java.home", ""), "bin", "java").toString());
    command.addAll(List.of("-Xmx256m", "-XX:+UseSerialGC", "-XX:-UsePerfData"));
    command.addAll(jvmOptions);
    command.addAll(List.of("-cp", classPath, main.getName()));
    command.addAll(arguments);
    return command;
  }

  /** Starts the child; what it prints can be read from its input stream. */
  public Process start() throws IOException {
    return new ProcessBuilder(command()).redirectErrorStream(true).start();
  }

  /** Runs the child to its end, or kills it after {@code seconds} and throws. */
  public Result run(long seconds) throws IOException, InterruptedException {
    Path output = Files.createTempFile("child", ".out");
    try {
      Process process =
          new ProcessBuilder(command()).redirectErrorStream(true).redirectOutput(output.toFile()).start();
      if (!process.waitFor(seconds, TimeUnit.SECONDS)) {
        process.destroyForcibly().waitFor();
        throw new IllegalStateException("still running after " + seconds + " s: " + command() + "\n" + read(output));
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
