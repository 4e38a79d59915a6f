package dev.annulus.fs;

import static java.util.concurrent.TimeUnit.SECONDS;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.annulus.IoRuntime;
import java.io.File;
import java.io.IOException;
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
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jctools.queues.MessagePassingQueue;

/** A JVM like this one, started by a command that changes something first, such as its user. */
final class ChildJvm {
  private final List<String> prefix;
  private String classPath = System.getProperty("java.class.path", "");

  /**
   * @param prefix the command; that of the JVM is appended to it
   */
  ChildJvm(List<String> prefix) {
    this.prefix = prefix;
  }

  /** Skips the test where there is no such tool. */
  static void assumeTool(String name) {
    boolean there =
        Stream.of("/usr/bin", "/bin", "/usr/sbin", "/sbin").anyMatch(d -> Files.isExecutable(Path.of(d, name)));
    if (!there) {
      FsFixture.skip("this machine has no " + name);
    }
  }

  /** Skips the test where file systems cannot be mounted. */
  static void assumeMounts() throws Exception {
    assumeTool("unshare");
    Process trial =
        new ProcessBuilder("unshare", "-m", "mount", "-t", "tmpfs", "none", "/mnt").redirectErrorStream(true).start();
    String said = new String(trial.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    if (trial.waitFor() != 0) {
      FsFixture.skip("file systems cannot be mounted here: " + said.strip());
    }
  }

  /** Lets the child use copies of the classes, for users who cannot read the originals. */
  ChildJvm withClassesCopiedTo(Path target) throws IOException {
    List<Path> entries =
        List.of(codeOf(IoRuntime.class), codeOf(FsChild.class), codeOf(MessagePassingQueue.class));
    List<Path> copies = new ArrayList<>();
    for (Path entry : entries) {
      Path copy = target.resolve("entry" + copies.size());
      copyReadably(entry, Files.isDirectory(entry) ? copy : Path.of(copy + ".jar"));
      copies.add(Files.isDirectory(entry) ? copy : Path.of(copy + ".jar"));
    }
    classPath = copies.stream().map(Path::toString).collect(Collectors.joining(File.pathSeparator));
    return this;
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

  /** Runs a main class; what it printed, by line. Fails unless it ends well. */
  List<String> run(Class<?> main, String... arguments) throws Exception {
    List<String> command = new ArrayList<>(prefix);
    command.add(Path.of(System.getProperty("java.home", ""), "bin", "java").toString());
    command.addAll(List.of("--enable-native-access=ALL-UNNAMED", "--illegal-native-access=deny"));
    command.addAll(List.of("-Xmx128m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-XX:-UsePerfData"));
    command.addAll(List.of("-cp", classPath, main.getName()));
    command.addAll(List.of(arguments));
    Path output = Files.createTempFile("annulus-child", ".out");
    try {
      Process child =
          new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(output.toFile()).start();
      boolean ended = child.waitFor(40, SECONDS);
      if (!ended) {
        child.destroyForcibly();
      }
      List<String> lines = Files.readAllLines(output);
      assertTrue(ended, () -> "the child did not end; it said " + lines);
      assertEquals(0, child.exitValue(), () -> String.join("\n", lines));
      return lines;
    } finally {
      Files.delete(output);
    }
  }
}
