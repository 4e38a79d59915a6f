package wal;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.zip.CRC32C;

/**
 * How a record lies in a segment, little endian:
 *
 * <pre>
 * offset  bytes
 *      0      4  CRC-32C of everything behind it, to the end of the payload
 *      4      4  length of the payload
 *      8      8  sequence number
 *     16         payload
 * </pre>
 *
 * Zeros are no record: the checksum of a header of zeros is not zero.
 */
final class RecordFormat {
  static final int HEADER_BYTES = 16;
  static final ByteOrder ORDER = ByteOrder.LITTLE_ENDIAN;

  private static final int LENGTH_AT = 4;
  private static final int SEQUENCE_AT = 8;

  private RecordFormat() {}

  /** Puts a record at the buffer's position, and takes the payload out of its own buffer. */
  static void put(ByteBuffer dst, long sequence, ByteBuffer payload, CRC32C crc) {
    int start = dst.position();
    dst.putInt(0).putInt(payload.remaining()).putLong(sequence).put(payload);
    dst.putInt(start, checksum(dst, start, dst.position(), crc));
  }

  /** The length of the payload that a header speaks of; any number at all if there is no record. */
  static int payloadLength(ByteBuffer src, int start) {
    return src.getInt(start + LENGTH_AT);
  }

  static long sequence(ByteBuffer src, int start) {
    return src.getLong(start + SEQUENCE_AT);
  }

  /** Whether these bytes are a whole record. */
  static boolean isWhole(ByteBuffer src, int start, int end, CRC32C crc) {
    return src.getInt(start) == checksum(src, start, end, crc);
  }

  private static int checksum(ByteBuffer bytes, int start, int end, CRC32C crc) {
    crc.reset();
    crc.update(bytes.duplicate().limit(end).position(start + LENGTH_AT));
    return (int) crc.getValue();
  }
}
