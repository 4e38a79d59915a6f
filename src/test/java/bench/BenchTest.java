package bench;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.annulus.testing.ChildJvm;
import java.io.IOException;
import java.io.Writer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The benchmark as a user runs it, in JVMs of its own, for too short a time to measure anything. */
@Timeout(90)
final class BenchTest {
  private static final int COLUMNS = 9;

  @TempDir Path dir;

  /** One cell of each shape and each kind of work, through each of the JDK's ways. */
  @Test
  void bench_ofACellOfEachKind_bringsPlausibleFiguresAndAPage() throws Exception {
    List<Cell> cells =
        List.of(Cell.B2, Cell.B3_SYNC, Cell.A3_32, Cell.A3_128_WINDOW, Cell.V1, Cell.L1, Cell.W1, Cell.W2, Cell.N2, Cell.S1_64K);
    String list = String.join(",", cells.stream().map(Cell::id).toList());

    ChildJvm.Result result = bench("--cells", list, "--seconds", "0.05", "--rounds", "1");

    assertEquals(0, result.exitCode(), result.output());
    List<String> expected = new ArrayList<>();
    for (Cell cell : cells) {
      cell.peers(false).forEach(peer -> expected.add(peer.id() + "\t" + cell.id() + "\t"));
    }
    for (String start : expected) {
      List<String> rows = result.output().lines().filter(line -> line.startsWith(start)).toList();
      assertEquals(1, rows.size(), () -> start + " in " + result.output());
      assertPlausible(rows.getFirst());
    }
    assertEquals(expected.size(), result.output().lines().filter(BenchTest::isRow).count(), result.output());
    assertTrue(result.output().contains("# backend"), result.output());
    assertPageShows(cells);
    assertEquals(List.of("bench.dat", "bench.html"), namesIn(dir));
  }

  private void assertPageShows(List<Cell> cells) throws IOException {
    String page = Files.readString(dir.resolve("bench.html"));
    assertFalse(page.matches("(?s).*(https?:)?//\\w.*"), page);
    assertFalse(page.contains("<script"), page);
    for (Cell cell : cells) {
      assertTrue(page.contains("<h2>" + cell.id() + "</h2>"), page);
      cell.peers(false).forEach(peer -> assertTrue(page.contains("<polyline class=\"" + peer.id() + "\" points=\""), page));
    }
    assertFalse(page.contains("NaN"), page);
  }

  private static void assertPlausible(String row) {
    String[] columns = row.split("\t", -1);
    assertEquals(COLUMNS, columns.length, row);
    double[] figures = Arrays.stream(columns).skip(2).mapToDouble(Double::parseDouble).toArray();
    assertTrue(figures[0] >= 1 && figures[0] < 1e8, row);
    assertTrue(figures[1] > 0 && figures[1] <= figures[2] && figures[2] <= figures[3] && figures[3] < 60e6, row);
    // The JVM counts CPU time in ticks of 10 ms: there may be none in a round as short as this.
    assertTrue(figures[4] >= 0 && figures[4] < 1e6, row);
    assertTrue(figures[5] >= 0 && figures[5] < 1e7, row);
    assertTrue(figures[6] >= 1 && figures[6] < 2000, row);
  }

  private static boolean isRow(String line) {
    return line.chars().filter(c -> c == '\t').count() == COLUMNS - 1 && !line.startsWith("peer\t");
  }

  @Test
  void dataFile_ofTheWrongSize_isMadeAnew() throws Exception {
    Files.writeString(dir.resolve("bench.dat"), "short");
    assertEquals(0, bench("--cells", "B1", "--seconds", "0.01", "--rounds", "1").exitCode());
    assertEquals(8L << 20, Files.size(dir.resolve("bench.dat")));
  }

  @ParameterizedTest
  @CsvSource({"annulus, B1-cached-q1", "annulus, A3-cached-q32", "annulus, V1-direct-vt64", "annulus, A3-cached-q32-window",
    "annulus, L1-direct-paced", "jdk-fc, B1-cached-q1", "jdk-afc, A3-cached-q32"})
  void worker_thatReadsWrongData_fails(String peer, String cell) throws Exception {
    Path zeros = Files.write(dir.resolve("zeros"), new byte[1 << 20]);
    Process worker = ChildJvm.of(Worker.class, peer, cell, zeros.toString(), Long.toString(Files.size(zeros))).start();
    try (Writer rounds = worker.outputWriter(StandardCharsets.UTF_8)) {
      rounds.write("10 1000\n");
    }
    try {
      assertTrue(worker.waitFor(40, TimeUnit.SECONDS), "it does not end");
      String said = new String(worker.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
      assertEquals(1, worker.exitValue(), said);
      assertTrue(said.contains("wrong data at"), said);
    } finally {
      worker.destroyForcibly();
    }
  }

  @Test
  void bench_askedForHelp_printsItAndDoesNothing() throws Exception {
    ChildJvm.Result result = ChildJvm.of(Bench.class, "--help", "--dir", dir.toString()).run(30);
    assertEquals(0, result.exitCode(), result.output());
    assertTrue(result.output().startsWith("usage: bench ["), result.output());
    for (Cell cell : Cell.values()) {
      assertTrue(result.output().contains(cell.id()), cell.id());
    }
    assertEquals(List.of(), namesIn(dir));
  }

  @ParameterizedTest
  @CsvSource({"A3-cached-q32, 1", "a3, 4", "'V,b1', 4", "'B,B1', 4"})
  void cells_chosenByNameOrItsBeginning_areThose(String list, int count) throws Exception {
    List<Cell> cells = Options.parse("--cells", list).cells();
    assertEquals(count, cells.stream().distinct().count(), cells.toString());
    assertEquals(count, cells.size(), cells.toString());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "--unknown", "-x", "file", "--dir", "--seconds 0", "--rounds NaN", "--size 1k", "--size 1m", "--cells Z", "--cells B1,"
      })
  void bench_withAWrongCommandLine_isRefused(String arguments) {
    assertThrows(Options.WrongUsage.class, () -> Options.parse(arguments.split(" ")));
  }

  @Test
  void bench_withAnUnknownOption_saysHowItIsUsed() throws Exception {
    ChildJvm.Result result = ChildJvm.of(Bench.class, "--unknown", "--dir", dir.toString()).run(30);
    assertEquals(2, result.exitCode(), result.output());
    assertEquals(1, result.output().lines().count(), result.output());
    assertTrue(result.output().startsWith("unknown option --unknown; usage: bench ["), result.output());
    assertEquals(List.of(), namesIn(dir));
  }

  private ChildJvm.Result bench(String... args) throws Exception {
    List<String> all = new ArrayList<>(List.of("--size", "8m", "--dir", dir.toString()));
    all.addAll(List.of(args));
    return ChildJvm.of(Bench.class, all.toArray(String[]::new)).run(80);
  }

  private static List<String> namesIn(Path directory) throws IOException {
    try (Stream<Path> paths = Files.list(directory)) {
      return paths.map(path -> path.getFileName().toString()).sorted().toList();
    }
  }
}
