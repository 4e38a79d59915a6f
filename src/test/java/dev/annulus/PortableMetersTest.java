package dev.annulus;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;

class PortableMetersTest extends MetersContract {
  @Override
  Backend backend() {
    return Backend.PORTABLE;
  }

  @Test
  void metersOfTheRing_areNotThere() {
    assertEquals(0, registry.getMeters().stream().filter(meter -> meter.getId().getName().contains("ring")).count());
  }
}
