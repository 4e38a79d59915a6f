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
 * of a pool's: among failing syncs, crashes, hung reads and all else that happens there. {@code -Dannulus.sim.faultPrograms=N} runs N
 * programs; a failure names its seed, {@code -Dannulus.sim.faultSeed=S} runs that one alone, {@code -Dannulus.sim.trace=true} prints what
 * it does and what is thrown where.
 *
 * <p>What they found in the code as it was then, with the programs of that day:
 *
 * <pre>
 *  broken                                                             seed  seen as
 *  the turn of a sync on its caller's thread tried to end twice only   961  others' syncs never begin
 *  a write's result, told again, taken for that of its sync           1136  durable bytes lost in a crash
 *  a directory of a tree open before it has its place                 1355  descriptor left open
 *  an operation announced to others, withdrawn by the next user only  1677  a write beside it never ends
 *  leases of a batch given back in one try only                        114  file never closes
 *  a kept success told again, taken for that of the next operation    3871  the buffer moved twice
 *  cancellation without stack, the reaper asleep with all slots taken 4321  hung read never ends
 *  places given back again when the settling behind that is cut       5311  more requests than places
 * </pre>
 */
@Timeout(value = 30, unit = TimeUnit.MINUTES)
class SimulatedJvmErrorsTest {
  private static final int PROGRAMS = Integer.getInteger("annulus.sim.faultPrograms", 400);
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
