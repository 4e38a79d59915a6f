package dev.annulus.internal.runtime;

import dev.annulus.internal.driver.DriverConfig;
import dev.annulus.internal.driver.Unavailable;
import dev.annulus.internal.ring.Ring;
import java.util.function.Supplier;

/** Opens drivers over rings that are not the running kernel's. */
public final class SimulatedDrivers {
  private SimulatedDrivers() {}

  /**
   * Opens a driver.
   *
   * @param ring makes the ring; called on the reaper thread
   */
  public static RingDriver open(DriverConfig config, Supplier<Ring> ring) {
    try {
      return RingDriver.open(config, ring::get);
    } catch (Unavailable e) {
      throw new IllegalStateException(e);
    }
  }
}
