package bench;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.OpenOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.HashSet;
import java.util.Set;
import java.util.SplittableRandom;

/** The file that is read and overwritten: each block begins with its own number, so that every read can be checked. */
record DataFile(Path path, long size) {
  static final int BLOCK_BYTES = 4096;

  private static final String NAME = "bench.dat";
  private static final int CHUNK_BYTES = 1 << 20;
  private static final int SAMPLES = 256;

  /** The file of that size in a directory; made if it is not there. */
  static DataFile in(Path directory, long size) throws IOException {
    Files.createDirectories(directory);
    DataFile file = new DataFile(directory.resolve(NAME), size);
    if (file.isGood()) {
      System.err.printf("data file  %s, there already%n", file.path);
    } else {
      System.err.printf("data file  %s, being written: %,d bytes%n", file.path, size);
      file.write();
    }
    return file;
  }

  long blocks() {
    return size / BLOCK_BYTES;
  }

  private boolean isGood() throws IOException {
    if (!Files.isRegularFile(path) || Files.size(path) != size) {
      return false;
    }
    ByteBuffer number = ByteBuffer.allocate(Long.BYTES).order(ByteOrder.LITTLE_ENDIAN);
    SplittableRandom random = new SplittableRandom(1);
    try (FileChannel file = FileChannel.open(path)) {
      for (int i = 0; i < SAMPLES; i++) {
        long block = i == 0 ? blocks() - 1 : random.nextLong(blocks());
        file.read(number.clear(), block * BLOCK_BYTES);
        if (number.hasRemaining() || number.getLong(0) != block) {
          return false;
        }
      }
    }
    return true;
  }

  /** With noise between the numbers, so that no device gets away with less than it was given. */
  private void write() throws IOException {
    byte[] noise = new byte[CHUNK_BYTES];
    new SplittableRandom(2).nextBytes(noise);
    ByteBuffer chunk = ByteBuffer.allocateDirect(CHUNK_BYTES).put(noise).order(ByteOrder.LITTLE_ENDIAN);
    try (FileChannel file =
        FileChannel.open(path, StandardOpenOption.CREATE, StandardOpenOption.TRUNCATE_EXISTING, StandardOpenOption.WRITE)) {
      for (long at = 0; at < size; at += CHUNK_BYTES) {
        chunk.clear().limit((int) Math.min(CHUNK_BYTES, size - at));
        for (int i = 0; i < chunk.limit(); i += BLOCK_BYTES) {
          chunk.putLong(i, (at + i) / BLOCK_BYTES);
        }
        while (chunk.hasRemaining()) {
          file.write(chunk);
        }
      }
      file.force(true);
    }
  }

  /** Reads all of it, so that it is in the page cache if there is room. */
  void warmCache() throws IOException {
    ByteBuffer chunk = ByteBuffer.allocateDirect(CHUNK_BYTES);
    try (FileChannel file = FileChannel.open(path)) {
      while (file.read(chunk.clear()) > 0) {
        // Goes on to the end.
      }
    }
  }

  /** Whether it can be read with {@code O_DIRECT}. */
  boolean allowsDirect() {
    ByteBuffer block = ByteBuffer.allocateDirect(2 * BLOCK_BYTES).alignedSlice(BLOCK_BYTES).slice(0, BLOCK_BYTES);
    try (FileChannel file = FileChannel.open(path, options(true, StandardOpenOption.READ))) {
      return file.read(block, 0) == BLOCK_BYTES;
    } catch (IOException | UnsupportedOperationException e) {
      return false;
    }
  }

  /** Options for the JDK's channels. */
  static Set<OpenOption> options(boolean direct, OpenOption... others) {
    Set<OpenOption> options = new HashSet<>(Arrays.asList(others));
    if (direct) {
      options.add(jdksDirect());
    }
    return options;
  }

  /** By name, since its class is not part of Java SE: compilers warn of it. */
  private static OpenOption jdksDirect() {
    try {
      Object[] constants = Class.forName("com.sun.nio.file.ExtendedOpenOption").getEnumConstants();
      return (OpenOption) Arrays.stream(constants).filter(option -> option.toString().equals("DIRECT")).findFirst().orElseThrow();
    } catch (ClassNotFoundException e) {
      throw new UnsupportedOperationException("this JDK has no ExtendedOpenOption.DIRECT", e);
    }
  }
}
