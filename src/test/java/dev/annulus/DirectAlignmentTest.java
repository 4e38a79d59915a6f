package dev.annulus;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.annulus.internal.abi.Fcntl;
import dev.annulus.internal.abi.StatxLayout;
import dev.annulus.internal.abi.Syscalls;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What is made of the kernel's answer about direct I/O, and of none. */
@Timeout(60)
class DirectAlignmentTest {
  @TempDir Path dir;

  @Test
  void told_nothingButZeroes_isNotSupported() {
    DirectAlignment none = DirectAlignment.told(0, 0);
    assertFalse(none.supported());
    assertTrue(none.known());
    assertTrue(none.explain(1, 1, 1).contains("without DIRECT"), () -> none.explain(1, 1, 1));
  }

  @Test
  void guessed_fromBlockSize_isAPageOrTheBlockIfThatIsLarger() {
    assertEquals(4096, DirectAlignment.guessed(512).positionBytes());
    assertEquals(16384, DirectAlignment.guessed(16384).positionBytes());
    assertEquals(4096, DirectAlignment.guessed(1 << 20).positionBytes(), "the preferred size of a network transfer");
    assertEquals(4096, DirectAlignment.guessed(5000).positionBytes());
    assertEquals(4096, DirectAlignment.guessed(-1).positionBytes());
    assertFalse(DirectAlignment.guessed(512).known());
    assertTrue(DirectAlignment.guessed(512).explain(0, 1, 0).contains("may need"));
  }

  @Test
  void rounding_atAndBesideMultiples_goesToThem() {
    DirectAlignment alignment = DirectAlignment.told(4, 512);
    assertEquals(0, alignment.roundUp(0));
    assertEquals(512, alignment.roundUp(1));
    assertEquals(512, alignment.roundUp(512));
    assertEquals(1024, alignment.roundUp(513));
    assertEquals(512, alignment.roundDown(1023));
    assertEquals(1L << 40, alignment.roundDown((1L << 40) + 511));
    assertThrows(ArithmeticException.class, () -> alignment.roundUp(Long.MAX_VALUE));
  }

  @Test
  void explain_allWrong_namesEach() {
    String text = DirectAlignment.told(4, 512).explain(0x1001, 7, 100);
    assertEquals(
        "; direct I/O on this file needs position and length aligned to 512 bytes and memory aligned to 4: the position 7 is not,"
            + " the length 100 is not, the address 0x1001 is not",
        text);
  }

  @Test
  void numbers_thatAreNoPowersOfTwo_areRefused() {
    assertThrows(IllegalArgumentException.class, () -> new DirectAlignment(0, 512, true, true));
    assertThrows(IllegalArgumentException.class, () -> new DirectAlignment(4, 513, true, true));
  }

  @Test
  void directAlignment_onTheRing_isWhatStatxSays() throws Exception {
    Path path = Files.write(dir.resolve("file"), new byte[10]);
    try (IoRuntime runtime = IoRuntime.builder().backend(Backend.IO_URING).open();
        Arena arena = Arena.ofConfined()) {
      DirectAlignment alignment = Futures.get(runtime.directAlignment(path));
      MemorySegment statx = arena.allocate(StatxLayout.SIZE, Long.BYTES);
      int result =
          Syscalls.statx(Fcntl.AT_FDCWD, arena.allocateFrom(path.toString()), 0, Fcntl.STATX_DIOALIGN, statx);
      assertEquals(0, result);
      boolean told = (statx.get(JAVA_INT, StatxLayout.MASK) & Fcntl.STATX_DIOALIGN) != 0;
      assertEquals(told, alignment.known());
      if (told) {
        DirectAlignment expected =
            DirectAlignment.told(
                statx.get(JAVA_INT, StatxLayout.DIO_MEM_ALIGN), statx.get(JAVA_INT, StatxLayout.DIO_OFFSET_ALIGN));
        assertEquals(expected, alignment);
      }
    }
  }
}
