package dev.annulus;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** What the system knows of this process. */
final class Processes {
  private static final Path SELF = Path.of("/proc/self");

  private Processes() {}

  /** How many descriptors lead to a file. */
  static int descriptorsOf(Path file) throws IOException {
    Path wanted = file.toAbsolutePath().normalize();
    return (int) descriptors().stream().filter(target -> target.equals(wanted.toString())).count();
  }

  /** What each open descriptor leads to, without the one used to look. */
  static List<String> descriptors() throws IOException {
    List<String> targets = new ArrayList<>();
    try (DirectoryStream<Path> links = Files.newDirectoryStream(SELF.resolve("fd"))) {
      for (Path link : links) {
        try {
          String target = Files.readSymbolicLink(link).toString();
          if (!target.endsWith("/fd")) {
            targets.add(target);
          }
        } catch (NoSuchFileException e) {
          // closed since it was listed
        }
      }
    }
    return targets;
  }

  /** The names of living threads that contain a text. */
  static List<String> threadsNamed(String part) {
    return Thread.getAllStackTraces().keySet().stream()
        .filter(Thread::isAlive)
        .map(Thread::getName)
        .filter(name -> name.contains(part))
        .toList();
  }

  /** Memory mappings of this process. */
  static long mappings() throws IOException {
    try (var lines = Files.lines(SELF.resolve("maps"))) {
      return lines.count();
    }
  }

  /** Memory of this process that is in RAM, in KiB. */
  static long residentKib() throws IOException {
    try (var lines = Files.lines(SELF.resolve("status"))) {
      String line = lines.filter(l -> l.startsWith("VmRSS:")).findFirst().orElseThrow();
      return Long.parseLong(line.replaceAll("\\D", ""));
    }
  }

  /** How much more memory processes may take, in bytes. */
  static long availableMemory() throws IOException {
    try (var lines = Files.lines(Path.of("/proc/meminfo"))) {
      String line = lines.filter(l -> l.startsWith("MemAvailable:")).findFirst().orElseThrow();
      return Long.parseLong(line.replaceAll("\\D", "")) << 10;
    }
  }
}
