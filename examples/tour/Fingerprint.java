package tour;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.stream.Stream;
import java.util.zip.CRC32C;

/**
 * What a file's contents are known by: their length and SHA-256, and for checking single blocks a CRC-32C of each. Taken through
 * the JDK's own channel, not the library that is on show.
 */
final class Fingerprint {
  static final int BLOCK_BYTES = 4096;

  /** Blocks beyond have no checksum, to bound the memory: 4 GiB of the file are enough to read at random from. */
  private static final int MOST_BLOCKS = 1 << 20;

  private static final int PIECE_BYTES = 256 * BLOCK_BYTES;

  private final long size;
  private final String sha256;
  private final int[] blockSums;

  private Fingerprint(long size, String sha256, int[] blockSums) {
    this.size = size;
    this.sha256 = sha256;
    this.blockSums = blockSums;
  }

  /** Reads a file from start to end, showing progress under a title. */
  static Fingerprint of(Path file, String title) throws IOException {
    MessageDigest digest = sha256();
    int[] sums = new int[16];
    int blocks = 0;
    long size = 0;
    ByteBuffer piece = ByteBuffer.allocateDirect(PIECE_BYTES);
    try (FileChannel channel = FileChannel.open(file);
        ProgressBar progress = new ProgressBar(title, channel.size())) {
      while (fill(channel, piece.clear())) {
        piece.flip();
        size += piece.limit();
        for (int at = 0; at < piece.limit() && blocks < MOST_BLOCKS; at += BLOCK_BYTES) {
          if (blocks == sums.length) {
            sums = Arrays.copyOf(sums, 2 * blocks);
          }
          sums[blocks++] = checksum(piece.slice(at, Math.min(BLOCK_BYTES, piece.limit() - at)));
        }
        digest.update(piece);
        progress.update(size);
      }
    }
    return new Fingerprint(size, HexFormat.of().formatHex(digest.digest()), Arrays.copyOf(sums, blocks));
  }

  long size() {
    return size;
  }

  /** How many blocks can be checked; the last one may be short. */
  int blocks() {
    return blockSums.length;
  }

  int blockLength(int block) {
    return (int) Math.min(BLOCK_BYTES, size - (long) block * BLOCK_BYTES);
  }

  /** Buffers to read blocks into. */
  static List<ByteBuffer> blockBuffers(int count) {
    return Stream.generate(() -> ByteBuffer.allocateDirect(BLOCK_BYTES)).limit(count).toList();
  }

  /** Throws unless the buffer's bytes are all of the block's. */
  void check(int block, ByteBuffer bytes) throws IOException {
    if (bytes.remaining() != blockLength(block)) {
      throw new IOException("block " + block + " was read in part only: " + bytes.remaining() + " bytes");
    }
    if (checksum(bytes) != blockSums[block]) {
      throw new IOException("block " + block + " is not what is in the file");
    }
  }

  boolean sameContents(Fingerprint other) {
    return size == other.size && sha256.equals(other.sha256);
  }

  /** Reads until the buffer is full or the file ends; false if nothing was left. */
  private static boolean fill(FileChannel channel, ByteBuffer buffer) throws IOException {
    while (buffer.hasRemaining() && channel.read(buffer) >= 0) {}
    return buffer.position() > 0;
  }

  private static int checksum(ByteBuffer bytes) {
    CRC32C crc = new CRC32C();
    crc.update(bytes);
    return (int) crc.getValue();
  }

  private static MessageDigest sha256() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new AssertionError("every JDK has SHA-256", e);
    }
  }
}
