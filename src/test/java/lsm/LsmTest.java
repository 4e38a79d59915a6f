package lsm;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The example as a user runs it: in a JVM of its own, looked at from outside. */
@Timeout(120)
final class LsmTest {
  @TempDir Path dir;

  /** How a run ended. */
  private record Outcome(int exitCode, String out, String err) {}

  @Test
  void lsm_runSmall_printsARowForEachWorkload_andLeavesNothing() throws Exception {
    Outcome outcome = lsm("--num", "2000", "--rounds", "2", "--dir", dir.toString());

    assertEquals(0, outcome.exitCode(), outcome::toString);
    assertEquals("", outcome.err());
    for (Workload workload : Workload.values()) {
      Pattern row = Pattern.compile("(?m)^ +" + workload + " +([\\d,]+) +([\\d,]+) +[\\d.]+ +[\\d.]+ to [\\d.]+$");
      Matcher found = row.matcher(outcome.out());
      assertTrue(found.find(), () -> "a row of " + workload + " in " + outcome);
      assertTrue(rate(found.group(1)) > 0 && rate(found.group(2)) > 0, outcome::toString);
    }
    assertTrue(outcome.out().contains("round 2 of 2"), outcome::toString);
    assertLeavesNothing();
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "--portable"})
  void lsm_crash_losesNoAcknowledgedRecord(String backend) throws Exception {
    List<String> args = new ArrayList<>(List.of("--crash", "--rounds", "2", "--dir", dir.toString()));
    if (!backend.isEmpty()) {
      args.add(backend);
    }

    Outcome outcome = lsm(args.toArray(String[]::new));

    assertEquals(0, outcome.exitCode(), outcome::toString);
    Matcher verdict = Pattern.compile("Nothing lost: ([\\d,]+) acknowledged records, 2 kills").matcher(outcome.out());
    assertTrue(verdict.find() && rate(verdict.group(1)) >= 100, outcome::toString);
    assertEquals(!backend.isEmpty(), outcome.out().contains("PORTABLE"), outcome::toString);
    assertLeavesNothing();
  }

  @Test
  void lsm_help_saysWhatItDoes() throws Exception {
    Outcome outcome = lsm("--help");
    assertEquals(0, outcome.exitCode());
    assertTrue(outcome.out().startsWith("usage: lsm") && outcome.out().contains("fillseq,fillsync"), outcome::toString);
    assertFalse(outcome.out().lines().anyMatch(line -> line.length() > 110), outcome::toString);
  }

  @ParameterizedTest
  @ValueSource(strings = {"--num 0", "--num x", "--num", "--run nothing", "--surprise", "--rounds 1001", "--value-size -1"})
  void lsm_usedWrongly_saysSoInALine(String args) throws Exception {
    Outcome outcome = lsm(args.split(" ", -1));
    assertEquals(2, outcome.exitCode(), outcome::toString);
    assertEquals(1, outcome.err().lines().count(), outcome::toString);
    assertTrue(outcome.err().startsWith("lsm: ") && outcome.err().contains("usage: "), outcome::toString);
  }

  @Test
  void lsm_inADirectoryThatIsMissing_failsInALine() throws Exception {
    Outcome outcome = lsm("--dir", dir.resolve("missing").toString());
    assertEquals(1, outcome.exitCode(), outcome::toString);
    assertEquals(1, outcome.err().lines().count(), outcome::toString);
    assertTrue(outcome.err().contains("missing"), outcome::toString);
  }

  private void assertLeavesNothing() throws Exception {
    try (Stream<Path> left = Files.list(dir).filter(path -> path.getFileName().toString().startsWith("annulus-lsm"))) {
      assertEquals(List.of(), left.toList());
    }
  }

  private static long rate(String number) {
    return Long.parseLong(number.replace(",", ""));
  }

  private Outcome lsm(String... args) throws Exception {
    List<String> command =
        new ArrayList<>(
            List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "--enable-native-access=ALL-UNNAMED",
                "--illegal-native-access=deny",
                "--sun-misc-unsafe-memory-access=allow",
                "-Xmx512m",
                "-cp",
                System.getProperty("java.class.path"),
                "lsm.Lsm"));
    command.addAll(List.of(args));
    Path out = dir.resolve("out");
    Path err = dir.resolve("err");
    Process process = new ProcessBuilder(command).redirectOutput(out.toFile()).redirectError(err.toFile()).start();
    try {
      assertTrue(process.waitFor(100, TimeUnit.SECONDS), () -> "still running: " + String.join(" ", args));
    } finally {
      process.destroyForcibly().waitFor();
    }
    return new Outcome(process.exitValue(), Files.readString(out), Files.readString(err));
  }
}
