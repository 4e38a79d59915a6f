package lucene;

import static java.nio.file.StandardOpenOption.READ;

import java.io.IOException;
import java.io.OutputStream;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.channels.FileChannel.MapMode;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;

/** What the system keeps in memory of an index. */
final class PageCache {
  private static final long SAMPLE_BYTES = 4096;
  private static final long BETWEEN_SAMPLES_BYTES = 1 << 20;

  /** More of it left in memory than this, and a file is not cold. */
  private static final double COLD = 0.02;

  private PageCache() {}

  /** Has the system forget all files of a directory, which must not be mapped; needs no privileges. */
  static void forget(Path directory) throws IOException, InterruptedException {
    try (DirectoryStream<Path> files = Files.newDirectoryStream(directory)) {
      for (Path file : files) {
        // posix_fadvise(POSIX_FADV_DONTNEED), which the JDK does not have.
        Process dd =
            new ProcessBuilder("dd", "of=" + file, "oflag=nocache", "conv=notrunc,fdatasync", "count=0", "status=none").inheritIO().start();
        if (dd.waitFor() != 0) {
          throw new IOException("dd could not drop the cached pages of " + file);
        }
        double left = residentShare(file);
        if (left > COLD) {
          throw new IOException(Math.round(100 * left) + " % of " + file + " stayed in memory: cannot measure --cache cold here");
        }
      }
    }
  }

  /** Reads all files of a directory once. */
  static void fill(Path directory) throws IOException {
    try (DirectoryStream<Path> files = Files.newDirectoryStream(directory)) {
      for (Path file : files) {
        long _ = Files.copy(file, OutputStream.nullOutputStream());
      }
    }
  }

  /** How much of a file is in memory, 0 to 1, by samples. Short files count as none: opening an index reads them anyway. */
  private static double residentShare(Path file) throws IOException {
    try (FileChannel channel = FileChannel.open(file, READ);
        Arena arena = Arena.ofConfined()) {
      long size = channel.size();
      if (size < 16 * BETWEEN_SAMPLES_BYTES) {
        return 0;
      }
      MemorySegment mapped = channel.map(MapMode.READ_ONLY, 0, size, arena);
      int samples = 0;
      int resident = 0;
      for (long at = 0; at + SAMPLE_BYTES <= size; at += BETWEEN_SAMPLES_BYTES) {
        samples++;
        resident += mapped.asSlice(at, SAMPLE_BYTES).isLoaded() ? 1 : 0;
      }
      return (double) resident / samples;
    }
  }
}
