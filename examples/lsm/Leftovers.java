package lsm;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.Optional;
import java.util.stream.Stream;

/** A directory of this program's own, gone when the program ends, whether done, failed or interrupted. */
final class Leftovers implements AutoCloseable {
  private final Path path;

  private Leftovers(Path path) {
    this.path = path;
    Runtime.getRuntime().addShutdownHook(new Thread(this::removeQuietly, "lsm-leftovers"));
  }

  static Leftovers in(Optional<Path> parent) throws IOException {
    return new Leftovers(
        parent.isPresent()
            ? Files.createTempDirectory(parent.get().toAbsolutePath(), "annulus-lsm")
            : Files.createTempDirectory("annulus-lsm"));
  }

  Path path() {
    return path;
  }

  String fileSystem() throws IOException {
    return Files.getFileStore(path).type();
  }

  @Override
  public void close() throws IOException {
    remove();
  }

  private void removeQuietly() {
    try {
      remove();
    } catch (IOException e) {
      System.err.println("lsm: cannot remove " + path + ": " + e);
    }
  }

  private synchronized void remove() throws IOException {
    if (!Files.exists(path)) {
      return;
    }
    try (Stream<Path> tree = Files.walk(path)) {
      for (Path each : tree.sorted(Comparator.reverseOrder()).toList()) {
        Files.deleteIfExists(each);
      }
    }
  }
}
