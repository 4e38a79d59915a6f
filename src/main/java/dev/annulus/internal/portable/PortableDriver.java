package dev.annulus.internal.portable;

import dev.annulus.internal.driver.Driver;
import dev.annulus.internal.driver.DriverConfig;

/** Placeholder. */
public final class PortableDriver {
  private PortableDriver() {}
  public static Driver open(DriverConfig config) {
    if (config.maxInFlight() > 0) { throw new UnsupportedOperationException(); }
    return java.util.Objects.requireNonNull(null);
  }
}
