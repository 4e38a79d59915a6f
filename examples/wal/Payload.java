package wal;

import java.nio.ByteBuffer;

/** The contents of a demonstration's record: its producer, its number among that producer's, and bytes that follow from both. */
record Payload(int producer, long number) {
  static final int LEAST_BYTES = 16;

  private static final int FILLER_AT = Integer.BYTES + Long.BYTES;

  void write(ByteBuffer dst) {
    dst.clear().putInt(producer).putLong(number);
    for (int i = FILLER_AT; i < dst.capacity(); i++) {
      dst.put((byte) filler(i));
    }
    dst.flip();
  }

  /** The payload in a record. */
  static Payload read(ByteBuffer src) {
    int start = src.position();
    Payload payload = new Payload(src.getInt(start), src.getLong(start + Integer.BYTES));
    for (int i = FILLER_AT; i < src.remaining(); i++) {
      if (src.get(start + i) != (byte) payload.filler(i)) {
        throw new IllegalStateException("byte " + i + " of " + payload + " is wrong");
      }
    }
    return payload;
  }

  private int filler(int index) {
    return (int) (31 * number + 7L * producer + index);
  }
}
