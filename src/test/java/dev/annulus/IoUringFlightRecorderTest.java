package dev.annulus;

import static dev.annulus.Futures.get;
import static java.nio.file.StandardOpenOption.READ;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import jdk.jfr.consumer.RecordedEvent;
import org.junit.jupiter.api.Test;

class IoUringFlightRecorderTest extends FlightRecorderContract {
  @Override
  Backend backend() {
    return Backend.IO_URING;
  }

  @Test
  void dependent_thatTakesLongOnTheReaper_isAStall() throws Exception {
    List<RecordedEvent> stalls = stallsOfASlowDependent();
    RecordedEvent stall = one(stalls, "read");
    assertEquals("dependent", stall.getString("cause"));
    assertEquals("annulus-reaper", stall.getThread().getJavaName());
    assertTrue(stall.getDuration().compareTo(LONG) >= 0, stall::toString);
    assertTrue(stall.getString("holder").contains("FlightRecorderContract.awaited"), stall::toString);
  }

  @Test
  void read_ofCachedData_isMarkedInline() throws Exception {
    try (IoRuntime inline = builder().inlineReads(true).open()) {
      AsyncFile file = get(inline.openFile(file(bytes(10, 1)), READ));
      List<RecordedEvent> events = recorded(OPERATION, true, () -> assertEquals(10, get(file.read(direct(10), 0))));
      assertTrue(one(events, "read").getBoolean("inline"));
    }
  }
}
