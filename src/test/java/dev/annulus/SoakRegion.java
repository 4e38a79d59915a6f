package dev.annulus;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;

/**
 * Part of a file that one thread alone writes to, and what must be in it. A write whose end is not known, having been given up or refused
 * half way, may have left its bytes, or not, each for itself.
 */
final class SoakRegion {
  static final int BYTES = 8_192;

  /** So many doubts at a time; then the whole region is written, to end them. */
  private static final int MOST_DOUBTS = 8;

  /** Bytes on their way to a place in the region. */
  static final class Attempt {
    private final int offset;
    private final byte[] bytes;

    Attempt(int offset, byte[] bytes) {
      this.offset = offset;
      this.bytes = bytes;
    }

    int offset() {
      return offset;
    }

    byte[] bytes() {
      return bytes;
    }

    private boolean explains(int at, byte found) {
      return at >= offset && at < offset + bytes.length && bytes[at - offset] == found;
    }

    private boolean covers(Attempt other) {
      return offset <= other.offset && offset + bytes.length >= other.offset + other.bytes.length;
    }
  }

  private final int number;
  private final byte[] known = new byte[BYTES];
  private final List<Attempt> doubts = new ArrayList<>();

  SoakRegion(int number) {
    this.number = number;
  }

  long position() {
    return (long) number * BYTES;
  }

  /** Something new to write. No other write to the region may be under way. */
  Attempt attempt(Random random) {
    boolean whole = doubts.size() >= MOST_DOUBTS || random.nextInt(4) == 0;
    int offset = whole ? 0 : random.nextInt(BYTES);
    byte[] bytes = new byte[whole ? BYTES : 1 + random.nextInt(BYTES - offset)];
    random.nextBytes(bytes);
    return new Attempt(offset, bytes);
  }

  /** The first {@code count} bytes have been written, the rest has not. */
  void written(Attempt attempt, int count) {
    Attempt done = new Attempt(attempt.offset, Arrays.copyOf(attempt.bytes, count));
    System.arraycopy(done.bytes, 0, known, done.offset, count);
    doubts.removeIf(done::covers);
  }

  /** Nobody knows which bytes have been written. */
  void inDoubt(Attempt attempt) {
    doubts.add(attempt);
  }

  /** Whether the bytes from {@code start} on, which were read from {@code offset} of the region, are what they must be. */
  void check(byte[] bytes, int start, int offset, int count) {
    for (int i = 0; i < count; i++) {
      int at = offset + i;
      byte found = bytes[start + i];
      if (found != known[at] && doubts.stream().noneMatch(doubt -> doubt.explains(at, found))) {
        String instead = "0x%02x instead of 0x%02x, with %d doubts".formatted(found, known[at], doubts.size());
        throw new AssertionError("region " + number + " at " + at + " of " + count + " read: " + instead);
      }
    }
  }
}
