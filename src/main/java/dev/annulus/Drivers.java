package dev.annulus;

import dev.annulus.internal.driver.Driver;
import dev.annulus.internal.driver.DriverConfig;
import dev.annulus.internal.driver.Unavailable;
import dev.annulus.internal.portable.PortableDriver;
import dev.annulus.internal.runtime.RingDriver;

/** The one place that knows both drivers and chooses between them. */
final class Drivers {
  /** A driver, and which backend it is. */
  record Choice(Backend backend, Driver driver) {}

  private Drivers() {}

  /**
   * Opens the driver for a wish.
   *
   * @throws Unavailable if io_uring was wished for by name and cannot be had
   */
  static Choice choose(Backend wish, DriverConfig config) throws Unavailable {
    return switch (wish) {
      case IO_URING -> new Choice(Backend.IO_URING, RingDriver.open(config));
      case PORTABLE -> new Choice(Backend.PORTABLE, PortableDriver.open(config));
      case AUTO -> {
        try {
          yield new Choice(Backend.IO_URING, RingDriver.open(config));
        } catch (Unavailable e) {
          System.getLogger("dev.annulus").log(System.Logger.Level.INFO, () -> Availability.no(e) + " Using the portable backend.");
          yield new Choice(Backend.PORTABLE, PortableDriver.open(config));
        }
      }
    };
  }

  /**
   * Whether io_uring can be had for so many operations. The size matters where a ring's own memory counts against the
   * limit of locked memory, which no version number tells, and wherever memory is short.
   */
  static void probeIoUring(int maxInFlight) throws Unavailable {
    RingDriver.probe(maxInFlight);
  }
}
