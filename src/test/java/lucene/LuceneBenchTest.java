package lucene;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.annulus.testing.ChildJvm;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The benchmark of Lucene's directories as a user runs it, for too short a time to measure anything. */
@Timeout(90)
final class LuceneBenchTest {
  @TempDir Path dir;

  @ParameterizedTest
  @ValueSource(strings = {"fetch", "search"})
  void bench_ofASmallIndex_readsItInEveryWay(String load) throws Exception {
    ChildJvm.Result result = bench("--docs", "3000", "--loads", load, "--threads", "2", "--rounds", "1", "--seconds", "0.1");

    assertEquals(0, result.exitCode(), result.output());
    for (Temperature temperature : Temperature.values()) {
      assertTrue(result.output().contains(load.toUpperCase(Locale.ROOT) + ", " + temperature + ", 2 threads: pages of 20"), result.output());
    }
    for (Rival rival : Rival.values()) {
      List<String> rows = result.output().lines().filter(line -> line.matches("  " + rival + " +[0-9]+ .*")).toList();
      assertEquals(2, rows.size(), result.output());
      for (String row : rows) {
        assertTrue(Double.parseDouble(row.substring(24).strip().split(" ", 2)[0]) > 0, row);
      }
    }
  }

  @Test
  void bench_onADirectoryOfSomethingElse_isRefusedAndLeavesItAlone() throws Exception {
    Files.writeString(dir.resolve("letter.txt"), "dear reader");
    ChildJvm.Result result = bench();
    assertEquals(1, result.exitCode(), result.output());
    assertTrue(result.output().contains("holds something else"), result.output());
    assertEquals("dear reader", Files.readString(dir.resolve("letter.txt")));
  }

  @Test
  void help_isPrintedAndNothingIsDone() throws Exception {
    Path index = dir.resolve("index");
    ChildJvm.Result result = ChildJvm.of(LuceneBench.class, "--help", "--dir", index.toString()).run(30);
    assertEquals(0, result.exitCode(), result.output());
    assertTrue(result.output().startsWith("usage: " + Options.USAGE), result.output());
    assertFalse(Files.exists(index));
  }

  @ParameterizedTest
  @ValueSource(strings = {"--unknown", "--docs=3", "--docs 3", "--threads 0", "--loads swim", "--seconds no", "--dir"})
  void wrongUsage_isToldInOneLine(String arguments) throws Exception {
    ChildJvm.Result result = ChildJvm.of(LuceneBench.class, arguments.split(" ", -1)).run(30);
    assertEquals(2, result.exitCode(), result.output());
    assertTrue(result.output().contains("usage: " + Options.USAGE), result.output());
    assertEquals(1, result.output().lines().count(), result.output());
  }

  private ChildJvm.Result bench(String... arguments) throws Exception {
    String[] all = new String[arguments.length + 2];
    System.arraycopy(arguments, 0, all, 2, arguments.length);
    all[0] = "--dir";
    all[1] = dir.toString();
    return ChildJvm.of(LuceneBench.class, all).run(80);
  }
}
