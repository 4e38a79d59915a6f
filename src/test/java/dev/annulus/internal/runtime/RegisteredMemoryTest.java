package dev.annulus.internal.runtime;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.annulus.internal.abi.IoUring;
import dev.annulus.internal.driver.Errno;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.logging.Handler;
import java.util.logging.Level;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class RegisteredMemoryTest {
  private static final int SIZE = 4096;

  private final MemorySegment memory = Arena.ofAuto().allocate(SIZE, 64);
  private final HandRing ring = new HandRing(4, 4);
  private final RegisteredMemory registered = new RegisteredMemory();

  @Test
  void holds_stretches_thatLieWhollyWithin() {
    long at = memory.address();
    assertFalse(registered.holds(at, 1), "nothing is registered");
    registered.want(memory);
    assertFalse(registered.holds(at, 1), "not registered yet");
    assertEquals(0, registered.bytes());
    registered.registerIfWanted(ring);
    assertEquals(List.of(memory), ring.registered());
    assertEquals(SIZE, registered.bytes());
    assertTrue(registered.holds(at, SIZE));
    assertTrue(registered.holds(at, 0));
    assertTrue(registered.holds(at + 1, SIZE - 1));
    assertTrue(registered.holds(at + SIZE - 1, 1));
    assertFalse(registered.holds(at + 1, SIZE));
    assertFalse(registered.holds(at + SIZE, 1));
    assertFalse(registered.holds(at - 1, 1));
    assertFalse(registered.holds(at - 1, SIZE));
    assertFalse(registered.holds(at - (1L << 32), Integer.MAX_VALUE));
    registered.registerIfWanted(ring);
    assertEquals(1, ring.registered().size(), "registered twice");
  }

  @ParameterizedTest
  @ValueSource(ints = {Errno.ENOMEM, Errno.EOPNOTSUPP, Errno.EFAULT})
  void register_refused_holdsNothing(int errno) {
    ring.answerRegistering(-errno);
    registered.want(memory);
    registered.registerIfWanted(ring);
    assertEquals(1, ring.registered().size());
    assertFalse(registered.holds(memory.address(), 1));
    assertEquals(0, registered.bytes());
    registered.registerIfWanted(ring);
    assertEquals(1, ring.registered().size(), "asked again");
  }

  /** Mostly for want of locked memory: who looks for the cause of slow transfers finds it. */
  @Test
  void register_refused_isSaidInDetail() {
    List<String> said = new ArrayList<>();
    Logger logger = Logger.getLogger("dev.annulus");
    Level before = logger.getLevel();
    Handler handler =
        new Handler() {
          @Override
          public void publish(LogRecord logRecord) {
            said.add(logRecord.getMessage());
          }

          @Override
          public void flush() {}

          @Override
          public void close() {}
        };
    logger.setLevel(Level.FINE);
    logger.addHandler(handler);
    try {
      ring.answerRegistering(-Errno.ENOMEM);
      registered.want(memory);
      registered.registerIfWanted(ring);
    } finally {
      logger.removeHandler(handler);
      logger.setLevel(before);
    }
    assertEquals(List.of(SIZE + " bytes of buffers stay unregistered: ENOMEM"), said);
  }

  @ParameterizedTest
  @ValueSource(ints = {IoUring.IORING_OP_READ_FIXED, IoUring.IORING_OP_WRITE_FIXED})
  void register_kernelWithoutTheOperations_isNotAsked(int missing) {
    ring.support(opcode -> opcode != missing);
    registered.want(memory);
    registered.registerIfWanted(ring);
    assertEquals(List.of(), ring.registered());
    assertFalse(registered.holds(memory.address(), 1));
  }
}
