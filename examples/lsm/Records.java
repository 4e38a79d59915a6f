package lsm;

import static java.nio.charset.StandardCharsets.US_ASCII;

import java.util.Arrays;
import java.util.Random;

/** The records of a database: what is written under a number, and what must be read back. */
final class Records {
  static final int KEY_BYTES = 16;
  private static final int POOL_BYTES = 1 << 20;

  private final int valueBytes;
  private final byte[] pool;

  /** The same arguments give the same records, in any process. */
  Records(int valueBytes) {
    this.valueBytes = valueBytes;
    this.pool = new byte[POOL_BYTES + valueBytes];
    new Random(valueBytes).nextBytes(pool);
  }

  byte[] key(long number) {
    byte[] key = new byte[KEY_BYTES];
    long rest = number;
    for (int i = KEY_BYTES - 1; i >= 0; i--) {
      key[i] = (byte) ('0' + rest % 10);
      rest /= 10;
    }
    return key;
  }

  static long number(byte[] key) {
    return Long.parseLong(new String(key, US_ASCII));
  }

  byte[] value(long number) {
    int from = start(number);
    return Arrays.copyOfRange(pool, from, from + valueBytes);
  }

  boolean isValue(byte[] value, long number) {
    int from = start(number);
    return Arrays.equals(value, 0, value.length, pool, from, from + valueBytes);
  }

  private static int start(long number) {
    return (int) ((number * 0x9E3779B97F4A7C15L) >>> 44); // 20 bits: a place in the pool
  }
}
