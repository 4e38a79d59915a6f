package dev.annulus;

import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.annulus.testing.FaultLoader;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.util.concurrent.TimeUnit;
import java.util.logging.Level;
import java.util.logging.Logger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * The programs of {@link SimulatedKernelPropertyTest} while memory or stack ends, now on the program's thread, now on a ring's, now on one
 * of a pool's: among failing syncs, crashes, hung reads and all else that happens there.
 */
@Timeout(value = 30, unit = TimeUnit.MINUTES)
class SimulatedJvmErrorsTest {
  private static final int PROGRAMS = Integer.getInteger("annulus.sim.faultPrograms", 1_000);
  private static final long FIRST = Long.getLong("annulus.sim.faultSeed", 1);

  private final Logger log = Logger.getLogger("dev.annulus");

  @BeforeEach
  void silence() {
    log.setLevel(Level.OFF);
  }

  @AfterEach
  void unsilence() {
    log.setLevel(null);
  }

  @Test
  void programs_whileMemoryAndStackEnd_doWhatTheModelSays() throws Throwable {
    FaultLoader loader = FaultLoader.ofTheLibrary();
    Method run = loader.loadClass("dev.annulus.SimulatedFaults").getDeclaredMethod("run", long.class, int.class);
    run.setAccessible(true);
    int programs = Long.getLong("annulus.sim.faultSeed") == null ? PROGRAMS : Integer.getInteger("annulus.sim.faultPrograms", 1);
    try {
      assertTrue((long) run.invoke(null, FIRST, programs) > programs, "hardly anything was thrown");
    } catch (InvocationTargetException e) {
      throw e.getCause();
    }
  }
}
