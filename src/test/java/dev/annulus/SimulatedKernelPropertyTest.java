package dev.annulus;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.annulus.sim.Quirk;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.logging.Level;
import java.util.logging.Logger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The whole runtime on a simulated kernel. */
@Timeout(value = 30, unit = TimeUnit.MINUTES)
class SimulatedKernelPropertyTest {
  private static final long PROGRAMS = Long.getLong("annulus.sim.seeds", 10_000);

  private final Logger log = Logger.getLogger("dev.annulus");
  private final NativePool pool = new NativePool();
  private final Map<Quirk, Integer> seen = new EnumMap<>(Quirk.class);

  /** Stale completions are reported, and there are many here. */
  @BeforeEach
  void silenceLog() {
    log.setLevel(Level.OFF);
  }

  @AfterEach
  void unsilenceLog() {
    log.setLevel(null);
  }

  @Test
  void programs_onMisbehavingKernel_doWhatTheModelSays() {
    Long one = Long.getLong("annulus.sim.seed");
    if (one != null) {
      String ignored = run(one);
      return;
    }
    for (long seed = 1; seed <= PROGRAMS; seed++) {
      String ignored = run(seed);
    }
    List<Quirk> unseen = new ArrayList<>();
    for (Quirk quirk : Quirk.values()) {
      if (!seen.containsKey(quirk)) {
        unseen.add(quirk);
      }
    }
    assertEquals(List.of(), unseen, "what never happened has not been tested");
  }

  /** Without this a seed would be worth nothing. */
  @Test
  void program_runTwice_doesTheSame() {
    for (long seed = 1; seed <= 200; seed++) {
      assertEquals(run(seed), run(seed), "seed " + seed);
    }
  }

  private String run(long seed) {
    try {
      SimulatedProgram program = new SimulatedProgram(seed, pool);
      program.run();
      program.quirks.seen().forEach((quirk, count) -> seen.merge(quirk, count, Integer::sum));
      pool.reset();
      return program.trace();
    } catch (RuntimeException | Error e) {
      throw new AssertionError("program failed: -Dannulus.sim.seed=" + seed, e);
    }
  }
}
