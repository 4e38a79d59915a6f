package tour;

import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.MessageDigest;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The tour as a user runs it: in a JVM of its own, looked at from outside. */
@Timeout(60)
final class TourTest {
  private static final String SHORT = "0.02";

  @TempDir Path dir;
  private Path target;

  /** How a run ended. */
  private record Outcome(int exitCode, String out, String err) {
    void assertFailed(int expectedCode, String... words) {
      assertEquals(expectedCode, exitCode, toString());
      assertEquals(1, err.lines().count(), toString());
      for (String word : words) {
        assertTrue(err.contains(word), () -> "'" + word + "' is not in: " + this);
      }
      assertFalse(out.contains("WARNING:"), toString());
    }

    void assertDone() {
      assertEquals(0, exitCode, toString());
      assertEquals("", err, toString());
      assertFalse(out.contains("WARNING:"), toString());
      assertFalse(out.lines().anyMatch(line -> line.length() > 100 && !line.contains("/")), toString());
    }
  }

  @BeforeEach
  void makeTargetDirectory() throws IOException {
    target = Files.createDirectory(dir.resolve("target"));
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1, 4096, 70_001, 40 * 512 * 1024 + 1})
  void tour_ofAFile_leavesTheSameBytesUnderItsName(int size) throws Exception {
    Path file = file("some file", size);

    Outcome outcome = tour("--keep", "--dir", target.toString(), "--seconds", SHORT, file.toString());

    outcome.assertDone();
    assertArrayEquals(sha256(file), sha256(target.resolve("some file")));
    assertEquals(List.of("some file"), namesIn(target));
    assertTrue(outcome.out().contains("SHA-256 is the same"), outcome.toString());
    assertEquals(size > 0, outcome.out().contains("64 virtual threads"), outcome.toString());
  }

  @Test
  void tour_notToldToKeep_removesItsCopyAndNothingElse() throws Exception {
    Path file = file("file", 5000);
    Files.createFile(target.resolve("other"));

    tour("--dir", target.toString(), "--seconds", SHORT, file.toString()).assertDone();

    assertEquals(List.of("other"), namesIn(target));
    assertEquals(5000, Files.size(file));
  }

  @Test
  void tour_withoutDirectory_removesTheTemporaryOne() throws Exception {
    Path file = file("file", 5000);

    tourIn(List.of("-Djava.io.tmpdir=" + target), List.of(), "--seconds", SHORT, file.toString()).assertDone();

    assertEquals(List.of(), namesIn(target));
  }

  @Test
  void tour_ofAMissingFile_fails() throws Exception {
    Path missing = dir.resolve("missing");
    tour("--dir", target.toString(), missing.toString()).assertFailed(1, missing.toString(), "ENOENT");
    assertEquals(List.of(), namesIn(target));
  }

  @Test
  void tour_ofADirectory_fails() throws Exception {
    tour("--dir", target.toString(), dir.toString()).assertFailed(1, dir.toString(), "not a regular file");
    assertEquals(List.of(), namesIn(target));
  }

  @Test
  void tour_toAMissingDirectory_fails() throws Exception {
    Path missing = dir.resolve("missing");
    tour("--dir", missing.toString(), file("file", 1).toString()).assertFailed(1, missing.toString(), "ENOENT");
    assertFalse(Files.exists(missing));
  }

  @Test
  void tour_toAFileAsDirectory_fails() throws Exception {
    Path file = file("file", 1);
    tour("--dir", file.toString(), file.toString()).assertFailed(1, file.toString(), "not a directory");
  }

  @ParameterizedTest
  @ValueSource(strings = {"file", "file.part"})
  void tour_whereTheNameIsTaken_failsAndLeavesWhatIsThere(String taken) throws Exception {
    Files.writeString(target.resolve(taken), "precious");

    tour("--dir", target.toString(), file("file", 9).toString()).assertFailed(1, target.resolve(taken).toString());

    assertEquals("precious", Files.readString(target.resolve(taken)));
    assertEquals(List.of(taken), namesIn(target));
  }

  @Test
  void tour_ofAnUnreadableFile_fails() throws Exception {
    Path file = file("file", 100);
    Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("---------"));

    tourIn(List.of(), withoutRootsPrivileges(), "--dir", target.toString(), file.toString())
        .assertFailed(1, file.toString(), "EACCES");

    assertEquals(List.of(), namesIn(target));
  }

  @Test
  void tour_toAnUnwritableDirectory_fails() throws Exception {
    Files.setPosixFilePermissions(target, PosixFilePermissions.fromString("r-xr-xr-x"));

    tourIn(List.of(), withoutRootsPrivileges(), "--dir", target.toString(), file("file", 100).toString())
        .assertFailed(1, target.toString(), "EACCES");

    assertEquals(List.of(), namesIn(target));
  }

  /** The small file system is mounted in a namespace of the child's own: nothing is left of it when the child ends. */
  @Test
  void tour_toAFullDisk_failsAndLeavesNothing() throws Exception {
    List<String> unshare = isRoot() ? List.of("unshare", "--mount") : List.of("unshare", "--map-root-user", "--mount");
    String mount = "mount -t tmpfs -o size=1m tmpfs '" + target + "'";
    List<String> probe = new ArrayList<>(unshare);
    probe.addAll(List.of("sh", "-c", mount));
    assumeTrue(isThere("unshare"), () -> said("there is no unshare(1) here"));
    Outcome mounted = run(probe);
    assumeTrue(mounted.exitCode() == 0, () -> said("no tmpfs can be mounted here: " + mounted));

    List<String> inside = new ArrayList<>(unshare);
    // What is left is listed between brackets, where only the child can see it.
    inside.addAll(List.of("sh", "-c", mount + " && \"$@\"; code=$?; echo \"[$(ls -A '" + target + "')]\"; exit $code", "sh"));
    Outcome outcome = tourIn(List.of(), inside, "--dir", target.toString(), file("file", 3_000_000).toString());

    outcome.assertFailed(1, target.resolve("file.part").toString(), "ENOSPC");
    assertTrue(outcome.out().endsWith("[]\n"), outcome.toString());
  }

  @Test
  void tour_whenTerminated_leavesNothing() throws Exception {
    Path modules = Path.of(System.getProperty("java.home"), "lib", "modules");
    Process process = start(command(List.of(), List.of(), "--dir", target.toString(), "--seconds", "60", modules.toString()));
    try {
      await().atMost(Duration.ofSeconds(20)).pollInterval(Duration.ofMillis(5)).until(() -> !namesIn(target).isEmpty());
      process.destroy();
      assertTrue(process.waitFor(20, TimeUnit.SECONDS));
    } finally {
      process.destroyForcibly();
    }
    assertEquals(128 + 15, process.exitValue());
    assertEquals(List.of(), namesIn(target));
  }

  @Test
  void tour_askedForHelp_printsItAndDoesNothing() throws Exception {
    Outcome outcome = tour("--help", "--dir", target.toString());
    outcome.assertDone();
    assertTrue(outcome.out().startsWith("usage: tour ["), outcome.toString());
    assertEquals(List.of(), namesIn(target));
  }

  @ParameterizedTest
  @ValueSource(strings = {"--unknown", "-x", "--dir", "--seconds 0", "--seconds NaN", "--seconds soon", "a b"})
  void tour_withAWrongCommandLine_saysHowItIsUsed(String arguments) throws Exception {
    tour(arguments.split(" ")).assertFailed(2, "; usage: tour [");
  }

  // ---- running it ----

  private Outcome tour(String... args) throws Exception {
    return tourIn(List.of(), List.of(), args);
  }

  private Outcome tourIn(List<String> jvmOptions, List<String> wrapper, String... args) throws Exception {
    return run(command(jvmOptions, wrapper, args));
  }

  private static List<String> command(List<String> jvmOptions, List<String> wrapper, String... args) {
    List<String> command = new ArrayList<>(wrapper);
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(jvmOptions);
    command.addAll(List.of("-XX:TieredStopAtLevel=1", "-Xshare:auto", "--enable-native-access=ALL-UNNAMED"));
    command.addAll(List.of("-cp", System.getProperty("java.class.path"), "tour.Tour"));
    command.addAll(Arrays.asList(args));
    return command;
  }

  private Outcome run(List<String> command) throws Exception {
    Process process = start(command);
    try {
      assertTrue(process.waitFor(30, TimeUnit.SECONDS), "the tour does not end");
    } finally {
      process.destroyForcibly();
    }
    return new Outcome(process.exitValue(), Files.readString(dir.resolve("stdout")), Files.readString(dir.resolve("stderr")));
  }

  private Process start(List<String> command) throws IOException {
    return new ProcessBuilder(command)
        .redirectOutput(dir.resolve("stdout").toFile())
        .redirectError(dir.resolve("stderr").toFile())
        .start();
  }

  /** What to put before a command so that permissions hold for it: root may read and write everything. */
  private List<String> withoutRootsPrivileges() throws Exception {
    if (!isRoot()) {
      return List.of();
    }
    List<String> wrapper = List.of("setpriv", "--bounding-set", "-dac_override,-dac_read_search");
    boolean works = isThere("setpriv") && run(Stream.concat(wrapper.stream(), Stream.of("true")).toList()).exitCode() == 0;
    assumeTrue(works, () -> said("root's privileges cannot be dropped here"));
    return wrapper;
  }

  private static boolean isThere(String program) {
    return Stream.of(System.getenv("PATH").split(":")).anyMatch(bin -> Files.isExecutable(Path.of(bin, program)));
  }

  private static boolean isRoot() {
    return System.getProperty("user.name").equals("root");
  }

  private static String said(String why) {
    System.out.println("skipped: " + why);
    return why;
  }

  // ---- files ----

  private Path file(String name, int size) throws IOException {
    byte[] bytes = new byte[size];
    new Random(size).nextBytes(bytes);
    return Files.write(dir.resolve(name), bytes);
  }

  private static byte[] sha256(Path file) throws Exception {
    return MessageDigest.getInstance("SHA-256").digest(Files.readAllBytes(file));
  }

  private static List<String> namesIn(Path directory) throws IOException {
    try (Stream<Path> paths = Files.list(directory)) {
      return paths.map(path -> path.getFileName().toString()).sorted().toList();
    }
  }
}
