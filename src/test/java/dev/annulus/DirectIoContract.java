package dev.annulus;

import static dev.annulus.Futures.failure;
import static dev.annulus.Futures.get;
import static java.nio.file.StandardOpenOption.CREATE;
import static java.nio.file.StandardOpenOption.READ;
import static java.nio.file.StandardOpenOption.WRITE;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.OpenOption;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Files opened past the page cache. */
abstract class DirectIoContract extends BackendContract {
  private static final int BLOCK = 4_096;

  /** The JDK's own option, by name: its class is not part of Java SE, and warns when compiled against. */
  private static OpenOption jdksDirect() throws ReflectiveOperationException {
    Object[] constants = Class.forName("com.sun.nio.file.ExtendedOpenOption").getEnumConstants();
    return (OpenOption)
        Arrays.stream(constants).filter(constant -> constant.toString().equals("DIRECT")).findFirst().orElseThrow();
  }

  private AsyncFile openDirect(Path path, OpenOption direct) throws Exception {
    try {
      return open(path, READ, WRITE, CREATE, direct);
    } catch (IOException e) {
      String why = "skipped: the file system of " + dir + " refuses O_DIRECT: " + e;
      System.out.println(why);
      assumeTrue(false, why);
      throw e;
    }
  }

  @Test
  void aligned_withEitherOption_roundTrips() throws Exception {
    for (OpenOption option : List.of(IoOpenOption.DIRECT, jdksDirect())) {
      Path path = missing();
      byte[] contents = bytes(16 * BLOCK, 1);
      try (AsyncFile file = openDirect(path, option)) {
        MemorySegment memory = Arena.ofAuto().allocate(16 * BLOCK, BLOCK).copyFrom(MemorySegment.ofArray(contents));
        assertNull(get(file.writeFully(memory, 0)));
        ByteBuffer aligned = ByteBuffer.allocateDirect(9 * BLOCK).alignedSlice(BLOCK).limit(8 * BLOCK);
        assertEquals(8 * BLOCK, get(file.read(aligned, 4 * BLOCK)));
        assertArrayEquals(Arrays.copyOfRange(contents, 4 * BLOCK, 12 * BLOCK), drained(aligned));
        assertNull(get(file.writeDurably(aligned.flip(), 16 * BLOCK)));
      }
      byte[] written = Files.readAllBytes(path);
      assertEquals(24 * BLOCK, written.length);
      assertArrayEquals(Arrays.copyOfRange(contents, 4 * BLOCK, 12 * BLOCK), Arrays.copyOfRange(written, 16 * BLOCK, 24 * BLOCK));
    }
  }

  /** What stands in for heap memory is aligned, so these work where the user could not align them. */
  @Test
  void heapBuffers_roundTrip() throws Exception {
    Path path = missing();
    byte[] contents = bytes(4 * BLOCK, 2);
    try (AsyncFile file = openDirect(path, IoOpenOption.DIRECT)) {
      assertNull(get(file.writeFully(ByteBuffer.wrap(contents), 0)));
      ByteBuffer back = ByteBuffer.allocate(4 * BLOCK);
      assertNull(get(file.readFully(back, 0)));
      assertArrayEquals(contents, drained(back));
      List<ByteBuffer> halves = List.of(ByteBuffer.allocate(BLOCK), ByteBuffer.allocate(BLOCK));
      assertEquals(2L * BLOCK, get(file.read(halves, BLOCK)));
      assertArrayEquals(Arrays.copyOfRange(contents, 2 * BLOCK, 3 * BLOCK), drained(halves.get(1)));
    }
  }

  @Test
  void read_acrossUnalignedEndOfFile_isShortAndThenAtTheEnd() throws Exception {
    Path path = file(bytes(BLOCK + 100, 3));
    try (AsyncFile file = openDirect(path, IoOpenOption.DIRECT)) {
      MemorySegment memory = Arena.ofAuto().allocate(4 * BLOCK, BLOCK);
      assertEquals(BLOCK + 100L, get(file.read(memory, 0)));
      assertEquals(100L, get(file.read(memory, BLOCK)));
      assertEquals(-1L, get(file.read(memory, 2 * BLOCK)));
    }
  }

  @Test
  void readFully_acrossUnalignedEndOfFile_failsWithEndOfFile() throws Exception {
    Path path = file(bytes(BLOCK + 100, 4));
    try (AsyncFile file = openDirect(path, IoOpenOption.DIRECT)) {
      ByteBuffer aligned = ByteBuffer.allocateDirect(5 * BLOCK).alignedSlice(BLOCK).limit(4 * BLOCK);
      Throwable end = failure(file.readFully(aligned, 0));
      assertEquals(ErrorKind.UNEXPECTED_EOF, ErrorKind.of(end), end.toString());
      assertEquals(BLOCK + 100, aligned.position());
      ByteBuffer heap = ByteBuffer.allocate(4 * BLOCK);
      assertEquals(ErrorKind.UNEXPECTED_EOF, ErrorKind.of(failure(file.readFully(heap, 0))));
      assertArrayEquals(bytes(BLOCK + 100, 4), drained(heap));
    }
  }

  @Test
  void unaligned_inPositionOrLength_failsAndChangesNothing() throws Exception {
    byte[] contents = bytes(4 * BLOCK, 5);
    Path path = file(contents);
    try (AsyncFile file = openDirect(path, IoOpenOption.DIRECT)) {
      ByteBuffer aligned = ByteBuffer.allocateDirect(3 * BLOCK).alignedSlice(BLOCK).limit(2 * BLOCK);
      ByteBuffer odd = aligned.slice(0, BLOCK - 1);
      for (IoFuture<?> refused :
          List.<IoFuture<?>>of(
              file.read(aligned, 1),
              file.write(aligned, 1),
              file.writeFully(aligned, 7),
              file.writeDurably(aligned, 7),
              file.read(odd, 0),
              file.write(odd, 0))) {
        ErrnoException failure = failure(ErrnoException.class, refused);
        assertEquals("EINVAL", failure.symbol());
        Futures.assertNames(failure, path, "aligned to " + get(file.directAlignment()).positionBytes() + " bytes");
      }
      assertEquals(0, aligned.position());
      assertEquals(0, odd.position());
    }
    assertArrayEquals(contents, Files.readAllBytes(path));
  }

  @Test
  void refusal_ofUnalignedMemory_namesTheAddressAndTheAlignment() throws Exception {
    Path path = file(bytes(4 * BLOCK, 6));
    try (AsyncFile file = openDirect(path, IoOpenOption.DIRECT)) {
      MemorySegment odd = Arena.ofAuto().allocate(2 * BLOCK, BLOCK).asSlice(1, BLOCK);
      ErrnoException failure = failure(ErrnoException.class, file.read(odd, 0));
      DirectAlignment alignment = get(file.directAlignment());
      Futures.assertNames(
          failure, "memory aligned to " + alignment.memoryBytes(), "0x" + Long.toHexString(odd.address()) + " is not");
      assertFalse(failure.toString().contains("the position"), failure.toString());
      ByteBuffer blocks = ByteBuffer.allocateDirect(3 * BLOCK).alignedSlice(BLOCK);
      List<ByteBuffer> pieces = List.of(blocks.slice(0, BLOCK - 1), blocks.slice(BLOCK, BLOCK));
      Futures.assertNames(failure(ErrnoException.class, file.read(pieces, 0)), "the length " + (BLOCK - 1) + " is not");
      awaitIdle(runtime);
    }
  }

  /** The one who waits for an answer must not be told another thing by the question about the alignment. */
  @Test
  void refusal_ofATransferGivenUp_leavesTheFileUsable() throws Exception {
    Path path = file(bytes(4 * BLOCK, 7));
    try (AsyncFile file = openDirect(path, IoOpenOption.DIRECT)) {
      ByteBuffer aligned = ByteBuffer.allocateDirect(2 * BLOCK).alignedSlice(BLOCK).limit(BLOCK);
      for (int i = 0; i < 200; i++) {
        IoFuture<Integer> read = file.read(aligned, 1);
        boolean cancelled = read.cancel(true);
        assertNull(get(read.released()));
        assertEquals(cancelled, read.isCancelled());
      }
      assertEquals(BLOCK, get(file.read(aligned, 0)));
      assertNull(get(file.closeAsync()));
    }
  }

  @Test
  void directAlignment_ofAFile_isEnough() throws Exception {
    Path path = file(bytes(16 * BLOCK, 8));
    DirectAlignment alignment = get(runtime.directAlignment(path));
    assertTrue(alignment.supported(), alignment.toString());
    try (AsyncFile file = openDirect(path, IoOpenOption.DIRECT)) {
      assertEquals(alignment, get(file.directAlignment()));
      int step = alignment.positionBytes();
      MemorySegment memory =
          Arena.ofAuto()
              .allocate(2L * step + 2L * alignment.memoryBytes(), 2L * alignment.memoryBytes())
              .asSlice(alignment.memoryBytes(), step);
      assertTrue(alignment.fits(memory.address(), 3L * step, step));
      assertEquals(Math.min(step, 16L * BLOCK - 3L * step), get(file.read(memory, 3L * step)));
      assertFalse(alignment.fits(memory.address(), 3L * step + 1, step));
    }
  }

  @Test
  void directAlignment_ofNoFile_fails() throws Exception {
    assertEquals(ErrorKind.NOT_FOUND, ErrorKind.of(failure(runtime.directAlignment(missing()))));
  }
}
