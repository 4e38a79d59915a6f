package dev.annulus;

import static dev.annulus.Futures.assertNames;
import static dev.annulus.Futures.failure;
import static dev.annulus.Futures.get;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.nio.file.StandardOpenOption.READ;
import static java.nio.file.StandardOpenOption.WRITE;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.EOFException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Reading and writing, with every kind of memory there is. */
abstract class TransferContract extends BackendContract {
  private static final byte GUARD = 0x5a;
  private static final int SIZE = 10_000;

  /** Kinds of buffers. */
  enum BufferKind {
    DIRECT,
    DIRECT_SLICE,
    HEAP,
    HEAP_SLICE,
    CONFINED_SEGMENT,
    SHARED_SEGMENT,
    AUTO_SEGMENT,
    HEAP_SEGMENT;

    ByteBuffer make(int size, Arena confined, Arena shared) {
      return switch (this) {
        case DIRECT -> ByteBuffer.allocateDirect(size);
        case DIRECT_SLICE -> ByteBuffer.allocateDirect(size + 13).slice(13, size);
        case HEAP -> ByteBuffer.allocate(size);
        case HEAP_SLICE -> ByteBuffer.allocate(size + 13).slice(13, size);
        case CONFINED_SEGMENT -> confined.allocate(size).asByteBuffer();
        case SHARED_SEGMENT -> shared.allocate(size).asByteBuffer();
        case AUTO_SEGMENT -> Arena.ofAuto().allocate(size).asByteBuffer();
        case HEAP_SEGMENT -> MemorySegment.ofArray(new byte[size]).asByteBuffer();
      };
    }
  }

  /** Kinds of segments. */
  enum SegmentKind {
    CONFINED,
    SHARED,
    AUTO,
    GLOBAL,
    MAPPED,
    HEAP_BYTES,
    HEAP_LONGS,
    HEAP_SLICE,
    UNALIGNED_SLICE;

    MemorySegment make(int size, Arena confined, Arena shared, Path dir) throws Exception {
      return switch (this) {
        case CONFINED -> confined.allocate(size);
        case SHARED -> shared.allocate(size);
        case AUTO -> Arena.ofAuto().allocate(size);
        case GLOBAL -> Arena.global().allocate(size);
        case MAPPED -> {
          Path backing = Files.write(Files.createTempFile(dir, "mapped", ""), new byte[size]);
          try (FileChannel channel = FileChannel.open(backing, READ, WRITE)) {
            yield channel.map(FileChannel.MapMode.READ_WRITE, 0, size, shared);
          }
        }
        case HEAP_BYTES -> MemorySegment.ofArray(new byte[size]);
        case HEAP_LONGS -> MemorySegment.ofArray(new long[size / Long.BYTES]);
        case HEAP_SLICE -> MemorySegment.ofArray(new byte[size + 100]).asSlice(37, size);
        case UNALIGNED_SLICE -> confined.allocate(size + 100).asSlice(37, size);
      };
    }
  }

  // ---- reading ----

  @ParameterizedTest
  @EnumSource(BufferKind.class)
  void read_betweenPositionAndLimit_fillsJustThat(BufferKind kind) throws Exception {
    byte[] contents = bytes(SIZE, 1);
    try (Arena confined = Arena.ofConfined();
        Arena shared = Arena.ofShared();
        AsyncFile file = open(file(contents), READ)) {
      for (boolean fully : new boolean[] {false, true}) {
        ByteBuffer dst = guarded(kind.make(5_000, confined, shared)).position(100).limit(4_900);
        if (fully) {
          assertNull(get(file.readFully(dst, 777)));
        } else {
          assertEquals(4_800, get(file.read(dst, 777)));
        }
        assertEquals(4_900, dst.position());
        assertEquals(4_900, dst.limit());
        dst.clear();
        assertGuards(dst, 0, 100);
        assertArrayEquals(Arrays.copyOfRange(contents, 777, 777 + 4_800), slice(dst, 100, 4_800));
        assertGuards(dst, 4_900, 5_000);
      }
    }
  }

  @ParameterizedTest
  @EnumSource(SegmentKind.class)
  void read_intoSegment_fillsIt(SegmentKind kind) throws Exception {
    byte[] contents = bytes(SIZE, 2);
    try (Arena confined = Arena.ofConfined();
        Arena shared = Arena.ofShared();
        AsyncFile file = open(file(contents), READ)) {
      for (boolean fully : new boolean[] {false, true}) {
        MemorySegment dst = kind.make(4_800, confined, shared, dir);
        if (fully) {
          assertNull(get(file.readFully(dst, 333)));
        } else {
          assertEquals(4_800L, get(file.read(dst, 333)));
        }
        assertArrayEquals(Arrays.copyOfRange(contents, 333, 333 + 4_800), dst.toArray(JAVA_BYTE));
      }
    }
  }

  @Test
  void read_pastEndOfFile_returnsMinusOne() throws Exception {
    try (AsyncFile file = open(file(bytes(100, 3)), READ)) {
      for (long position : new long[] {100, 101, 1L << 40}) {
        ByteBuffer dst = direct(10);
        assertEquals(-1, get(file.read(dst, position)));
        assertEquals(0, dst.position());
        assertEquals(-1L, get(file.read(Arena.ofAuto().allocate(10), position)));
        assertEquals(-1L, get(file.read(List.of(dst, ByteBuffer.allocate(5)), position)));
        assertEquals(0, dst.position());
      }
    }
  }

  @Test
  void read_acrossEndOfFile_isShort() throws Exception {
    byte[] contents = bytes(100, 4);
    try (AsyncFile file = open(file(contents), READ)) {
      for (ByteBuffer dst : List.of(direct(64), ByteBuffer.allocate(64))) {
        assertEquals(10, get(file.read(dst, 90)));
        assertArrayEquals(Arrays.copyOfRange(contents, 90, 100), drained(dst));
      }
      MemorySegment segment = Arena.ofAuto().allocate(64);
      assertEquals(10L, get(file.read(segment, 90)));
      assertArrayEquals(Arrays.copyOfRange(contents, 90, 100), segment.asSlice(0, 10).toArray(JAVA_BYTE));
    }
  }

  @Test
  void readFully_pastEndOfFile_failsAndPositionTellsHowMuch() throws Exception {
    byte[] contents = bytes(100, 5);
    try (AsyncFile file = open(file(contents), READ)) {
      for (ByteBuffer dst : List.of(direct(64), ByteBuffer.allocate(64))) {
        EOFException end = failure(EOFException.class, file.readFully(dst, 90));
        assertNames(end, file.path());
        assertArrayEquals(Arrays.copyOfRange(contents, 90, 100), drained(dst));
        assertEquals(ErrorKind.UNEXPECTED_EOF, ErrorKind.of(end));
        EOFException none = failure(EOFException.class, file.readFully(dst, 5_000));
        assertEquals(ErrorKind.UNEXPECTED_EOF, ErrorKind.of(none));
        assertEquals(10, dst.position());
      }
      MemorySegment segment = Arena.ofAuto().allocate(64);
      EOFException end = failure(EOFException.class, file.readFully(segment, 90));
      assertNames(end, "54 bytes short");
      assertArrayEquals(Arrays.copyOfRange(contents, 90, 100), segment.asSlice(0, 10).toArray(JAVA_BYTE));
    }
  }

  @Test
  void emptyBuffer_anywhere_completesAtOnceWithZero() throws Exception {
    byte[] contents = bytes(100, 6);
    Path path = file(contents);
    try (AsyncFile file = open(path, READ, WRITE)) {
      long submitted = runtime.stats().submitted();
      for (long position : new long[] {0, 100, 1L << 40}) {
        for (ByteBuffer empty : List.of(direct(0), ByteBuffer.allocate(0), direct(8).position(8))) {
          assertEquals(0, file.read(empty, position).resultNow());
          assertEquals(0, file.write(empty, position).resultNow());
          assertEquals(0L, file.read(List.of(empty, empty), position).resultNow());
          assertEquals(0L, file.write(List.of(empty, empty), position).resultNow());
          assertNull(file.readFully(empty, position).resultNow());
          assertNull(file.writeFully(empty, position).resultNow());
        }
        MemorySegment none = Arena.ofAuto().allocate(8).asSlice(8);
        assertEquals(0L, file.read(none, position).resultNow());
        assertEquals(0L, file.write(none, position).resultNow());
        assertNull(file.readFully(none, position).resultNow());
        assertNull(file.writeFully(MemorySegment.NULL, position).resultNow());
      }
      assertEquals(submitted, runtime.stats().submitted());
      assertNull(get(file.writeDurably(direct(0), 1L << 40)));
    }
    assertArrayEquals(contents, Files.readAllBytes(path));
  }

  // ---- scatter and gather ----

  @Test
  void scatter_overMixedBuffers_fillsThemInTurn() throws Exception {
    byte[] contents = bytes(SIZE, 7);
    try (AsyncFile file = open(file(contents), READ)) {
      List<ByteBuffer> dsts =
          List.of(
              direct(100), direct(0), ByteBuffer.allocate(1_000), direct(50).position(20), ByteBuffer.allocate(7).position(7));
      assertEquals(1_130L, get(file.read(dsts, 11)));
      assertArrayEquals(Arrays.copyOfRange(contents, 11, 111), drained(dsts.get(0)));
      assertArrayEquals(Arrays.copyOfRange(contents, 111, 1_111), drained(dsts.get(2)));
      assertArrayEquals(Arrays.copyOfRange(contents, 1_111, 1_141), slice(dsts.get(3), 20, 30));
      assertTrue(dsts.stream().noneMatch(ByteBuffer::hasRemaining));
    }
  }

  @Test
  void scatter_acrossEndOfFile_isShortAndLeavesTheRest() throws Exception {
    byte[] contents = bytes(130, 8);
    try (AsyncFile file = open(file(contents), READ)) {
      List<ByteBuffer> dsts = List.of(direct(100), ByteBuffer.allocate(100), direct(100));
      assertEquals(130L, get(file.read(dsts, 0)));
      assertEquals(List.of(100, 30, 0), dsts.stream().map(ByteBuffer::position).toList());
      assertArrayEquals(Arrays.copyOfRange(contents, 100, 130), drained(dsts.get(1)));
    }
  }

  @Test
  void scatter_overMoreThan1024Buffers_fillsTheFirst1024() throws Exception {
    byte[] contents = bytes(SIZE, 9);
    try (AsyncFile file = open(file(contents), READ)) {
      List<ByteBuffer> dsts = buffers(2_000, 3);
      assertEquals(1_024 * 3L, get(file.read(dsts, 0)));
      for (int i = 0; i < dsts.size(); i++) {
        int expected = i < 1_024 ? 3 : 0;
        assertEquals(expected, dsts.get(i).position(), "buffer " + i);
        assertArrayEquals(Arrays.copyOfRange(contents, 3 * i, 3 * i + expected), drained(dsts.get(i)), "buffer " + i);
      }
    }
  }

  @Test
  void gather_overMoreThan1024Buffers_writesTheFirst1024() throws Exception {
    byte[] contents = bytes(6_000, 10);
    Path path = file(new byte[0]);
    try (AsyncFile file = open(path, WRITE)) {
      List<ByteBuffer> srcs = buffers(2_000, 3);
      for (int i = 0; i < srcs.size(); i++) {
        srcs.get(i).put(contents, 3 * i, 3).flip();
      }
      assertEquals(1_024 * 3L, get(file.write(srcs, 0)));
      assertEquals(3, srcs.get(1_023).position());
      assertEquals(0, srcs.get(1_024).position());
    }
    assertArrayEquals(Arrays.copyOf(contents, 3_072), Files.readAllBytes(path));
  }

  /** Buffers without room must not take the place of those with it, or a caller who goes on with the rest never would. */
  @Test
  void scatterAndGather_behindMoreThan1024EmptyBuffers_stillTransfer() throws Exception {
    byte[] contents = bytes(100, 11);
    try (AsyncFile file = open(file(contents), READ, WRITE)) {
      List<ByteBuffer> dsts = buffers(1_500, 0);
      dsts.add(direct(50));
      assertEquals(50L, get(file.read(dsts, 10)));
      assertArrayEquals(Arrays.copyOfRange(contents, 10, 60), drained(dsts.getLast()));
      List<ByteBuffer> srcs = buffers(1_500, 0);
      srcs.add(direct(bytes(20, 12)));
      assertEquals(20L, get(file.write(srcs, 100)));
    }
  }

  // ---- writing ----

  @ParameterizedTest
  @EnumSource(BufferKind.class)
  void write_betweenPositionAndLimit_writesJustThat(BufferKind kind) throws Exception {
    byte[] contents = bytes(5_000, 13);
    try (Arena confined = Arena.ofConfined();
        Arena shared = Arena.ofShared()) {
      for (boolean readOnly : new boolean[] {false, true}) {
        for (boolean fully : new boolean[] {false, true}) {
          Path path = file(new byte[0]);
          ByteBuffer writable = kind.make(5_000, confined, shared).put(contents);
          ByteBuffer src = (readOnly ? writable.asReadOnlyBuffer() : writable).position(100).limit(4_900);
          try (AsyncFile file = open(path, WRITE)) {
            if (fully) {
              assertNull(get(file.writeFully(src, 50)));
            } else {
              assertEquals(4_800, get(file.write(src, 50)));
            }
          }
          assertEquals(4_900, src.position());
          byte[] expected = new byte[4_850];
          System.arraycopy(contents, 100, expected, 50, 4_800);
          assertArrayEquals(expected, Files.readAllBytes(path));
        }
      }
    }
  }

  @ParameterizedTest
  @EnumSource(SegmentKind.class)
  void write_fromSegment_writesIt(SegmentKind kind) throws Exception {
    byte[] contents = bytes(4_800, 14);
    try (Arena confined = Arena.ofConfined();
        Arena shared = Arena.ofShared()) {
      MemorySegment writable = kind.make(4_800, confined, shared, dir).copyFrom(MemorySegment.ofArray(contents));
      for (MemorySegment src : List.of(writable, writable.asReadOnly())) {
        Path path = file(new byte[0]);
        try (AsyncFile file = open(path, WRITE)) {
          assertEquals(4_800L, get(file.write(src, 0)));
          assertNull(get(file.writeFully(src, 4_800)));
        }
        byte[] written = Files.readAllBytes(path);
        assertArrayEquals(contents, Arrays.copyOf(written, 4_800));
        assertArrayEquals(contents, Arrays.copyOfRange(written, 4_800, 9_600));
      }
    }
  }

  /** Reads and writes of random size, place and kind of buffer, checked against an array that is changed in the same way. */
  @Test
  void randomTransfers_ofAllKinds_matchAModel() throws Exception {
    long seed = 20_260_101L;
    Random random = new Random(seed);
    byte[] model = new byte[200_000];
    try (Arena confined = Arena.ofConfined();
        Arena shared = Arena.ofShared();
        AsyncFile file = open(file(model), READ, WRITE)) {
      for (int i = 0; i < 2_000; i++) {
        int position = random.nextInt(model.length - 1);
        int length = 1 + random.nextInt(Math.min(20_000, model.length - position));
        BufferKind kind = BufferKind.values()[random.nextInt(BufferKind.values().length)];
        ByteBuffer buffer =
            kind.name().endsWith("D_SEGMENT") ? direct(length) : kind.make(length, confined, shared);
        if (random.nextBoolean()) {
          byte[] fresh = bytes(length, random.nextLong());
          System.arraycopy(fresh, 0, model, position, length);
          buffer.put(model, position, length).flip();
          assertNull(get(file.writeFully(buffer, position)));
        } else {
          assertNull(get(file.readFully(buffer, position)));
          byte[] expected = Arrays.copyOfRange(model, position, position + length);
          assertArrayEquals(expected, drained(buffer), "seed " + seed + " step " + i);
        }
      }
    }
  }

  private static List<ByteBuffer> buffers(int count, int size) {
    List<ByteBuffer> buffers = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      buffers.add(i % 2 == 0 ? direct(size) : ByteBuffer.allocate(size));
    }
    return buffers;
  }

  private static ByteBuffer guarded(ByteBuffer buffer) {
    for (int i = 0; i < buffer.capacity(); i++) {
      buffer.put(i, GUARD);
    }
    return buffer;
  }

  private static void assertGuards(ByteBuffer buffer, int from, int to) {
    for (int i = from; i < to; i++) {
      assertEquals(GUARD, buffer.get(i), "byte outside position and limit changed: " + i);
    }
  }

  private static byte[] slice(ByteBuffer buffer, int from, int length) {
    byte[] bytes = new byte[length];
    buffer.get(from, bytes);
    return bytes;
  }
}
