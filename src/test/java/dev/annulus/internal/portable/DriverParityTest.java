package dev.annulus.internal.portable;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import dev.annulus.internal.driver.Driver;
import dev.annulus.internal.driver.Unavailable;
import dev.annulus.internal.runtime.RingDriver;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The same operations on both drivers give the same results, errors above all. */
@Timeout(60)
class DriverParityTest {
  @TempDir Path dir;

  @ParameterizedTest
  @EnumSource
  void scenario_onBothDrivers_givesTheSameResults(ParityScenario scenario) throws Exception {
    List<String> portable;
    try (Driver driver = DriverUse.driver()) {
      portable = run(scenario, driver, "portable");
    }
    List<String> ring;
    try (Driver driver = RingDriver.open(DriverUse.config(64, 1024, false, Duration.ofSeconds(10)))) {
      ring = run(scenario, driver, "ring");
    } catch (Unavailable e) {
      System.err.println("nothing to compare with: no io_uring here: " + e.getMessage());
      Assumptions.abort("no io_uring here");
      return;
    }
    assertFalse(ring.isEmpty());
    assertEquals(String.join("\n", ring), String.join("\n", portable));
  }

  private List<String> run(ParityScenario scenario, Driver driver, String name) throws IOException {
    Path own = Files.createDirectory(dir.resolve(name));
    Files.writeString(own.resolve("file"), "contents of a file");
    Files.createDirectory(own.resolve("sub"));
    Files.createDirectories(own.resolve("full/deeper/still"));
    Files.writeString(own.resolve("full/deeper/file"), "x");
    Files.createSymbolicLink(own.resolve("link"), Path.of("file"));
    Files.createSymbolicLink(own.resolve("dirlink"), Path.of("sub"));
    Files.createSymbolicLink(own.resolve("dangling"), Path.of("target"));
    Files.createSymbolicLink(own.resolve("loop"), Path.of("loop"));
    ParityScript script = new ParityScript(driver, own);
    scenario.run(script);
    return script.notes.stream().map(note -> note.replace(own.toString(), "")).toList();
  }
}
