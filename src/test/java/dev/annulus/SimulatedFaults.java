package dev.annulus;

import dev.annulus.sim.SimulatedSyscalls;
import dev.annulus.testing.FaultPoint;

/**
 * Simulated programs at which the JVM's errors are thrown. Loaded by a {@link dev.annulus.testing.FaultLoader} and called by reflection:
 * only types of the JDK's go in and out.
 */
final class SimulatedFaults {
  private SimulatedFaults() {}

  /**
   * Runs programs, one after the other.
   *
   * @return how many errors were thrown
   */
  static long run(long firstSeed, int programs) {
    NativePool pool = new NativePool();
    long thrown = 0;
    SimulatedSyscalls calls = SimulatedSyscalls.install();
    boolean before = FaultPoint.spare(true);
    try {
      for (long seed = firstSeed; seed < firstSeed + programs; seed++) {
        SimulatedProgram program = new SimulatedProgram(seed, pool, 0, true);
        try {
          program.run();
        } catch (RuntimeException | Error e) {
          throw new AssertionError("program failed: -Dannulus.sim.faultSeed=" + seed, e);
        }
        thrown += program.errors.thrown();
        pool.reset();
      }
    } finally {
      boolean ignored = FaultPoint.spare(before);
      calls.close();
    }
    return thrown;
  }
}
