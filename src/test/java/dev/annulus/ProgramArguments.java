package dev.annulus;

import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;

/** Random positions, lengths, contents and memory. */
final class ProgramArguments {
  static final int LONGEST = 1400;

  /** Past 4 GiB, and no multiple of anything. */
  private static final long FAR = (5L << 30) + 1234;

  private final SplittableRandom random;
  private final NativePool pool;

  ProgramArguments(SplittableRandom random, NativePool pool) {
    this.random = random;
    this.pool = pool;
  }

  /** Near the beginning, or past 4 GiB. */
  long position() {
    long position = random.nextInt(4) == 0 ? 0 : random.nextInt(2000);
    return random.nextInt(6) == 0 ? FAR + position : position;
  }

  Payload payload() {
    Payload.Kind[] kinds = Payload.Kind.values();
    return Payload.of(kinds[random.nextInt(kinds.length)], length(LONGEST), pool);
  }

  List<Payload> buffers() {
    List<Payload> buffers = new ArrayList<>();
    int count = 1 + random.nextInt(4);
    for (int i = 0; i < count; i++) {
      Payload.Kind kind = random.nextBoolean() ? Payload.Kind.HEAP_BUFFER : Payload.Kind.DIRECT_BUFFER;
      buffers.add(Payload.of(kind, length(LONGEST / count), pool));
    }
    return buffers;
  }

  private int length(int most) {
    return random.nextInt(12) == 0 ? 0 : 1 + random.nextInt(most);
  }

  byte[] bytes(int length) {
    byte[] bytes = new byte[length];
    random.nextBytes(bytes);
    return bytes;
  }
}
