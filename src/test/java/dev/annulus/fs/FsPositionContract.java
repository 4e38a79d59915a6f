package dev.annulus.fs;

import static dev.annulus.fs.FsFixture.assertFails;
import static dev.annulus.fs.FsFixture.bytes;
import static dev.annulus.fs.FsFixture.textAt;
import static dev.annulus.fs.FsFixture.textBefore;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.annulus.ErrorKind;
import dev.annulus.RuntimeStats;
import java.io.EOFException;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.function.IntFunction;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Reading and writing at a place, one at a time and in batches. */
interface FsPositionContract extends FsFixture {
  @Test
  @DisplayName("F6 readAt fills the buffer or stops at end of file, and leaves the cursor")
  default void readAt_withinAcrossAndPastTheEnd_returnsTheCount() throws IOException {
    try (FsFile file = fs().open(fileOf("f", "0123456789"), FsOpenOptions.reading())) {
      assertEquals(2, file.seek(2, SeekFrom.START));
      assertEquals("456", textAt(file, 4, 3));
      assertEquals("789", textAt(file, 7, 100));
      assertEquals("", textAt(file, 10, 5));
      assertEquals("", textAt(file, 1L << 40, 5));
      assertEquals(2, file.position());
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  @DisplayName("F6 writeAt writes all, readAt reads it back, for large buffers and odd places")
  default void writeAt_largeBufferAtOddOffset_readsBackTheSame(boolean direct) throws IOException {
    IntFunction<ByteBuffer> allocate = direct ? ByteBuffer::allocateDirect : ByteBuffer::allocate;
    int length = 3 * (1 << 20) + 7;
    byte[] data = new byte[length];
    new Random(42).nextBytes(data);
    try (FsFile file = updating("f")) {
      ByteBuffer src = allocate.apply(length + 10).position(3).limit(3 + length);
      src.put(data).position(3);
      assertEquals(length, file.writeAt(src, 4097));
      assertEquals(3 + length, src.position());
      assertEquals(4097 + length, file.size());
      assertEquals(0, file.position());

      ByteBuffer dst = allocate.apply(length + 10).position(5);
      assertEquals(length, file.readAt(dst, 4097));
      assertEquals(5 + length, dst.position());
      byte[] back = new byte[length];
      dst.get(5, back);
      assertArrayEquals(data, back);
      assertEquals(0, dst.get(4));
      assertEquals(0, dst.get(5 + length));
      assertEquals("\0\0\0", textAt(file, 4094, 3));
    }
  }

  @Test
  @DisplayName("F6 readAt goes on after short reads until the buffer is full")
  default void readAt_onFileThatReadsShort_fillsTheBuffer() throws IOException {
    Path path = Path.of("/proc/kallsyms"); // long, constant, and handed out a page or less at a time
    byte[] expected = new byte[100_000];
    try (FileChannel channel = FileChannel.open(path)) {
      ByteBuffer whole = ByteBuffer.wrap(expected);
      int once = channel.read(whole);
      assertTrue(once > 0 && once < expected.length, () -> "this file should read short: " + once);
      while (whole.hasRemaining()) {
        assertTrue(channel.read(whole) > 0);
      }
    }
    try (FsFile file = fs().open(path, FsOpenOptions.reading())) {
      ByteBuffer dst = ByteBuffer.allocate(expected.length);
      assertEquals(expected.length, file.readAt(dst, 0));
      assertArrayEquals(expected, dst.array());
    }
  }

  @Test
  @DisplayName("F6 a negative offset, or one whose range overflows, is invalid input")
  default void positionalCalls_badOffset_failAsInvalidInput() throws IOException {
    try (FsFile file = updating("f")) {
      for (long offset : new long[] {-1, Long.MIN_VALUE, Long.MAX_VALUE}) {
        assertFails(ErrorKind.INVALID_INPUT, () -> file.readAt(ByteBuffer.allocate(1), offset));
        assertFails(ErrorKind.INVALID_INPUT, () -> file.writeAt(bytes("x"), offset));
      }
      assertFails(ErrorKind.INVALID_INPUT, () -> file.readAt(ByteBuffer.allocate(2), Long.MAX_VALUE - 1));
      assertEquals(0, file.size());
    }
  }

  @Test
  @DisplayName("R4 F6 a descriptor not open for it is invalid input, with EBADF")
  default void positionalCalls_notOpenForIt_failWithBadDescriptor() throws IOException {
    Path path = fileOf("f", "abc");
    try (FsFile reading = fs().open(path, FsOpenOptions.reading());
        FsFile writing = fs().open(path, FsOpenOptions.none().withWrite(true))) {
      IOException read = assertFails(ErrorKind.INVALID_INPUT, () -> writing.readAt(ByteBuffer.allocate(1), 0));
      assertEquals("EBADF", FsFixture.errnoOf(read).symbol());
      IOException write = assertFails(ErrorKind.INVALID_INPUT, () -> reading.writeAt(bytes("x"), 0));
      assertEquals("EBADF", FsFixture.errnoOf(write).symbol());
      assertFails(
              ErrorKind.INVALID_INPUT, () -> writing.readMany(List.of(new ReadRequest(ByteBuffer.allocate(1), 0))));
    }
    assertEquals("abc", Files.readString(path));
  }

  @Test
  @DisplayName("F11 readMany fills every buffer, in any order of offsets, heap and direct, and leaves the cursor")
  default void readMany_ofManyPlaces_fillsEach() throws IOException {
    StringBuilder contents = new StringBuilder();
    for (int i = 0; i < 3000; i++) {
      contents.append(String.format("%08d", i));
    }
    List<ReadRequest> requests = new ArrayList<>();
    Random random = new Random(7);
    for (int i = 0; i < 3000; i++) {
      ByteBuffer dst = i % 2 == 0 ? ByteBuffer.allocate(8) : ByteBuffer.allocateDirect(8);
      requests.add(new ReadRequest(dst, 8L * random.nextInt(3000)));
    }
    try (FsFile file = fs().open(fileOf("f", contents.toString()), FsOpenOptions.reading())) {
      file.readMany(requests);
      assertEquals(0, file.position());
      file.readMany(List.of());
      file.readMany(List.of(new ReadRequest(ByteBuffer.allocate(0), Long.MAX_VALUE)));
    }
    for (ReadRequest request : requests) {
      assertEquals(8, request.dst().position());
      assertEquals(String.format("%08d", request.offset() / 8), textBefore(request.dst()));
    }
  }

  @Test
  @DisplayName("F11 readMany hands all reads to the runtime, whatever the way of waiting")
  default void readMany_inEachMode_goesThroughTheRuntime() throws IOException {
    try (FsFile file = fs().open(fileOf("f", "0123456789"), FsOpenOptions.reading())) {
      List<ReadRequest> requests = new ArrayList<>();
      for (int i = 0; i < 10; i++) {
        requests.add(new ReadRequest(ByteBuffer.allocate(1), i));
      }
      RuntimeStats before = runtime().stats();
      file.readMany(requests);
      RuntimeStats after = runtime().stats();
      long handedOver = after.submitted() - before.submitted() + after.inlineHits() - before.inlineHits();
      assertEquals(10, handedOver);
    }
  }

  @Test
  @DisplayName("F11 readMany at end of file fails with UNEXPECTED_EOF, the first in the list, when all else is read")
  default void readMany_pastTheEnd_failsWhenAllOthersAreFilled() throws IOException {
    int size = 1 << 20;
    byte[] data = new byte[size];
    new Random(11).nextBytes(data);
    Path path = Files.write(path("f"), data);
    List<ReadRequest> requests = new ArrayList<>();
    requests.add(new ReadRequest(ByteBuffer.allocateDirect(8), size)); // 8 bytes short
    requests.add(new ReadRequest(ByteBuffer.allocateDirect(32), size - 16)); // 16 bytes short
    for (int i = 0; i < 16; i++) {
      requests.add(new ReadRequest(ByteBuffer.allocateDirect(size), 0));
    }
    try (FsFile file = fs().open(path, FsOpenOptions.reading())) {
      for (int round = 0; round < 10; round++) {
        requests.forEach(request -> request.dst().clear());
        IOException thrown = assertFails(ErrorKind.UNEXPECTED_EOF, () -> file.readMany(requests));
        assertInstanceOf(EOFException.class, thrown);
        assertTrue(String.valueOf(thrown.getMessage()).contains(" 8 bytes short"), thrown::getMessage);
        assertEquals(0, requests.get(0).dst().position());
        assertEquals(16, requests.get(1).dst().position());
        for (ReadRequest request : requests.subList(2, requests.size())) {
          assertEquals(ByteBuffer.wrap(data), request.dst().flip());
        }
      }
    }
  }

  @Test
  @DisplayName("F11 readMany checks all arguments before it submits the first read")
  default void readMany_oneBadArgument_submitsNothing() throws IOException {
    ByteBuffer good = ByteBuffer.allocate(4);
    ReadRequest first = new ReadRequest(good, 0);
    try (FsFile file = fs().open(fileOf("f", "0123456789"), FsOpenOptions.reading())) {
      RuntimeStats before = runtime().stats();
      List<ReadRequest> negative = List.of(first, new ReadRequest(ByteBuffer.allocate(1), -1));
      assertFails(ErrorKind.INVALID_INPUT, () -> file.readMany(negative));
      List<ReadRequest> overflowing = List.of(first, new ReadRequest(ByteBuffer.allocate(9), Long.MAX_VALUE - 8));
      assertFails(ErrorKind.INVALID_INPUT, () -> file.readMany(overflowing));
      List<ReadRequest> readOnly = List.of(first, new ReadRequest(ByteBuffer.allocate(1).asReadOnlyBuffer(), 0));
      assertThrows(IllegalArgumentException.class, () -> file.readMany(readOnly));
      assertThrows(NullPointerException.class, () -> file.readMany(Arrays.asList(first, nothing())));
      ByteBuffer dead;
      try (Arena arena = Arena.ofShared()) {
        dead = arena.allocate(8).asByteBuffer();
      }
      assertThrows(IllegalStateException.class, () -> file.readMany(List.of(first, new ReadRequest(dead, 0))));
      RuntimeStats after = runtime().stats();
      assertEquals(before.submitted(), after.submitted());
      assertEquals(before.inlineHits(), after.inlineHits());
      assertEquals(0, good.position());
    }
  }

  @SuppressWarnings("NullAway") // what nobody should pass
  private static ReadRequest nothing() {
    return null;
  }
}
