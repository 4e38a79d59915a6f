package dev.annulus;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/** Memory for one transfer, of any kind the API takes, with guards before and behind that nothing may touch. */
final class Payload {
  private static final int GUARD = 16;
  private static final byte GUARD_BYTE = 0x5a;

  /** The kinds of memory. */
  enum Kind {
    HEAP_BUFFER,
    DIRECT_BUFFER,
    HEAP_SEGMENT,
    NATIVE_SEGMENT
  }

  private final MemorySegment whole;
  private final int length;
  private final @Nullable ByteBuffer buffer;
  private final int start;

  private Payload(MemorySegment whole, int length, boolean asBuffer) {
    this.whole = whole.fill(GUARD_BYTE);
    this.length = length;
    start = GUARD;
    buffer = asBuffer ? whole.asByteBuffer().position(start).limit(start + length) : null;
    window().fill((byte) 0);
  }

  /** Memory of a kind; the native kinds from {@code nativeMemory}. */
  static Payload of(Kind kind, int length, NativePool nativeMemory) {
    int size = length + 2 * GUARD;
    boolean heap = kind == Kind.HEAP_BUFFER || kind == Kind.HEAP_SEGMENT;
    MemorySegment whole = heap ? MemorySegment.ofArray(new byte[size]) : nativeMemory.allocate(size);
    return new Payload(whole, length, kind == Kind.HEAP_BUFFER || kind == Kind.DIRECT_BUFFER);
  }

  int length() {
    return length;
  }

  /** The buffer, or {@code null} if this is a segment. */
  @Nullable ByteBuffer buffer() {
    return buffer;
  }

  MemorySegment segment() {
    return window();
  }

  private MemorySegment window() {
    return whole.asSlice(start, length);
  }

  void fill(byte[] bytes) {
    MemorySegment.copy(bytes, 0, window(), JAVA_BYTE, 0, bytes.length);
  }

  byte[] bytes() {
    return window().toArray(JAVA_BYTE);
  }

  /** That the buffer's position moved so far, and that nothing around was touched. */
  void check(int moved) {
    if (buffer != null) {
      assertEquals(start + moved, buffer.position(), "the buffer's position");
      assertEquals(start + length, buffer.limit(), "the buffer's limit");
    }
    checkGuards();
  }

  /** That nothing around was touched. */
  void checkGuards() {
    for (int i = 0; i < GUARD; i++) {
      assertEquals(GUARD_BYTE, whole.get(JAVA_BYTE, i), "the byte before the buffer");
      assertEquals(GUARD_BYTE, whole.get(JAVA_BYTE, start + length + i), "the byte behind the buffer");
    }
  }
}
