package tour;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What the tour checks reads with must notice when they are wrong. */
@Timeout(30)
final class FingerprintTest {
  private static final int SIZE = 2 * 1024 * 1024 + 5;

  @TempDir Path dir;

  @Test
  void check_ofEveryBlock_passesWithItsBytesAndFailsWithOthers() throws Exception {
    byte[] bytes = new byte[SIZE];
    new Random(2).nextBytes(bytes);
    Fingerprint fingerprint = fingerprint(bytes);

    assertEquals(513, fingerprint.blocks());
    for (int block = 0; block < fingerprint.blocks(); block++) {
      int at = block * Fingerprint.BLOCK_BYTES;
      fingerprint.check(block, ByteBuffer.wrap(bytes, at, fingerprint.blockLength(block)));
    }
    int last = fingerprint.blocks() - 1;
    assertEquals(5, fingerprint.blockLength(last));
    assertThrows(IOException.class, () -> fingerprint.check(0, ByteBuffer.wrap(bytes, 4096, 4096)), "another block");
    assertThrows(IOException.class, () -> fingerprint.check(0, ByteBuffer.wrap(bytes, 0, 4095)), "a short read");
    bytes[SIZE - 1] ^= 1;
    assertThrows(IOException.class, () -> fingerprint.check(last, ByteBuffer.wrap(bytes, SIZE - 5, 5)), "one bit");
  }

  @Test
  void sameContents_ofFilesThatDifferInOneBitOrInLength_isFalse() throws Exception {
    byte[] bytes = new byte[SIZE];
    Fingerprint one = fingerprint(bytes);
    assertTrue(one.sameContents(fingerprint(bytes.clone())));
    assertFalse(one.sameContents(fingerprint(new byte[SIZE + 1])));
    bytes[SIZE / 2] ^= 1;
    assertFalse(one.sameContents(fingerprint(bytes)));
  }

  private Fingerprint fingerprint(byte[] contents) throws IOException {
    return Fingerprint.of(Files.write(dir.resolve("file"), contents), "hashing");
  }
}
