package dev.annulus;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.Random;

/**
 * Buffers of operations that are said to be over. They are poisoned at once, and looked at when they are old: whatever has written to one
 * meanwhile was not over. One that is still read from shows by poison in the file.
 */
final class SoakCanaries {
  /** So many are kept, each as long as it takes for so many others to come. */
  private static final int KEPT = 64;

  private static final int BYTES = SoakRegion.BYTES;

  private final ArrayDeque<ByteBuffer> kept = new ArrayDeque<>();
  private final byte poison;

  SoakCanaries(Random random) {
    this.poison = (byte) (0x80 | random.nextInt(0x80));
  }

  /** An empty native buffer with so much room; later one that was poisoned long ago. */
  ByteBuffer take(int length) {
    ByteBuffer buffer = kept.size() < KEPT ? ByteBuffer.allocateDirect(BYTES) : checked(kept.remove());
    return buffer.clear().limit(length);
  }

  /** An operation on a buffer is over. */
  void over(ByteBuffer buffer) {
    if (buffer.isDirect() && buffer.capacity() == BYTES) {
      fill(buffer);
      kept.add(buffer);
    }
  }

  /** At the end: none has sung. */
  void check() {
    for (int looks = kept.size(); looks > 0; looks--) {
      kept.add(checked(kept.remove()));
    }
  }

  private void fill(ByteBuffer buffer) {
    MemorySegment _ = MemorySegment.ofBuffer(buffer.clear()).fill(poison);
  }

  private ByteBuffer checked(ByteBuffer buffer) {
    MemorySegment memory = MemorySegment.ofBuffer(buffer.clear());
    for (int i = 0; i < BYTES; i++) {
      if (memory.get(JAVA_BYTE, i) != poison) {
        throw new AssertionError("written to after its operation was over, at " + i + ": " + memory.get(JAVA_BYTE, i));
      }
    }
    return buffer;
  }
}
