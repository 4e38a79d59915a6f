package dev.annulus.internal.ring;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/** What this process holds of the kernel's, by {@code /proc/self}. */
public final class ProcSelf {
  private static final String RING = "anon_inode:[io_uring]";

  private ProcSelf() {}

  /** Open descriptors of rings. */
  public static long ringDescriptors() {
    return descriptors(RING);
  }

  /** Open descriptors whose link reads so. */
  public static long descriptors(String target) {
    try (Stream<Path> links = Files.list(Path.of("/proc/self/fd"))) {
      return links.filter(link -> target.equals(targetOf(link))).count();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Lines of the memory map that belong to rings. */
  public static List<String> ringMappings() {
    try {
      return Files.readAllLines(Path.of("/proc/self/maps")).stream().filter(line -> line.contains(RING)).toList();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** A descriptor may close between the listing and the look, as the listing's own does. */
  private static String targetOf(Path link) {
    try {
      return Files.readSymbolicLink(link).toString();
    } catch (IOException e) {
      return "";
    }
  }
}
