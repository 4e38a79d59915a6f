package dev.annulus;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
import org.junit.jupiter.api.Test;

class PortableFlightRecorderTest extends FlightRecorderContract {
  @Override
  Backend backend() {
    return Backend.PORTABLE;
  }

  /** It holds up one thread of the pool, which has others. */
  @Test
  void dependent_thatTakesLong_isNoStall() throws Exception {
    assertEquals(List.of(), stallsOfASlowDependent());
  }
}
