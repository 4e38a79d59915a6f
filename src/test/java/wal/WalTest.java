package wal;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.annulus.testing.ChildJvm;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The demonstration as a user runs it, for too short a time to measure anything. */
@Timeout(90)
class WalTest {
  @TempDir Path dir;

  @ParameterizedTest
  @ValueSource(strings = {"--producers=64", "--portable"})
  void wal_forAMoment_printsBothWaysAndRecoversWhatItWrote(String option) throws Exception {
    List<String> more = option.contains("=") ? List.of(option.split("=", -1)) : List.of(option);
    ChildJvm.Result result =
        run(Stream.concat(Stream.of("--dir", dir.toString(), "--seconds", "0.2", "--rounds", "2"), more.stream()).toArray(String[]::new));
    assertEquals(0, result.exitCode(), result::output);
    assertEquals(2, result.output().lines().filter(line -> line.contains("  group commit ")).count(), result::output);
    assertEquals(2, result.output().lines().filter(line -> line.contains("  FileChannel, force each ")).count(), result::output);
    assertTrue(result.output().contains("every acknowledged one, whole and in order"), result::output);
    assertEquals(List.of(), names(dir));
  }

  @Test
  void wal_toldToKeep_leavesTheLog() throws Exception {
    ChildJvm.Result result = run("--dir", dir.toString(), "--seconds", "0.05", "--rounds", "1", "--keep");
    assertEquals(0, result.exitCode(), result::output);
    assertTrue(result.output().contains("The log stays: " + dir), result::output);
    assertEquals(1, names(dir).size());
  }

  @Test
  void wal_inAMissingDirectory_failsAndSaysSo() throws Exception {
    Path missing = dir.resolve("missing");
    ChildJvm.Result result = run("--dir", missing.toString());
    assertEquals(1, result.exitCode(), result::output);
    assertTrue(result.output().startsWith("wal: ") && result.output().contains(missing.toString()), result::output);
    assertEquals(1, result.output().lines().count(), result::output);
  }

  @Test
  void wal_askedForHelp_printsItAndDoesNothing() throws Exception {
    ChildJvm.Result result = run("--help", "--dir", dir.toString());
    assertEquals(0, result.exitCode(), result::output);
    assertTrue(result.output().startsWith("usage: wal ["), result::output);
    assertEquals(List.of(), names(dir));
  }

  @ParameterizedTest
  @ValueSource(strings = {"--unknown", "file", "--dir", "--seconds 0", "--rounds 1.5", "--producers 0", "--record 15", "--record x"})
  void wal_withAWrongCommandLine_isRefused(String arguments) {
    assertThrows(Options.WrongUsage.class, () -> Options.parse(arguments.split(" ", -1)));
  }

  @Test
  void payload_withAWrongByte_isFoundOut() {
    ByteBuffer record = ByteBuffer.allocate(64);
    new Payload(3, 77).write(record);
    assertEquals(new Payload(3, 77), Payload.read(record.duplicate()));
    record.put(40, (byte) (record.get(40) + 1));
    assertThrows(IllegalStateException.class, () -> Payload.read(record));
  }

  private static ChildJvm.Result run(String... args) throws Exception {
    return ChildJvm.of(Wal.class, args).run(60);
  }

  private static List<String> names(Path directory) throws IOException {
    try (Stream<Path> paths = Files.list(directory)) {
      return paths.map(path -> path.getFileName().toString()).toList();
    }
  }
}
