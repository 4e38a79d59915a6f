package dev.annulus.testing;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;

/** A small file system of its own, which a test may fill up. */
public final class SmallDisk implements AutoCloseable {
  private final Path mountPoint;

  private SmallDisk(Path mountPoint) {
    this.mountPoint = mountPoint;
  }

  /**
   * Makes and mounts one, or skips the test where that is not possible.
   *
   * @param type {@code tmpfs}, or a type there is a {@code mkfs} for
   */
  public static SmallDisk mount(String type, int megabytes, Path dir) throws Exception {
    Needs.root();
    Needs.mounts();
    Path mountPoint = Files.createDirectory(dir.resolve("mounted-" + type));
    if (type.equals("tmpfs")) {
      run("mount", "-t", type, "-o", "size=" + megabytes + "m", "none", mountPoint.toString());
      return new SmallDisk(mountPoint);
    }
    Needs.tool("mkfs." + type);
    Path image = dir.resolve("image-" + type);
    run("truncate", "-s", megabytes + "M", image.toString());
    run("mkfs." + type, "-q", image.toString());
    Process trial = start("mount", "-o", "loop", image.toString(), mountPoint.toString());
    if (trial.exitValue() != 0) {
      Needs.skip("no loop device can be mounted here");
    }
    return new SmallDisk(mountPoint);
  }

  /** The directory it is mounted on. */
  public Path path() {
    return mountPoint;
  }

  /** The bytes nobody has. */
  public long free() throws IOException {
    return Files.getFileStore(mountPoint).getUnallocatedSpace();
  }

  @Override
  public void close() throws IOException {
    try {
      run("umount", mountPoint.toString());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException(mountPoint + " may still be mounted", e);
    }
  }

  private static void run(String... command) throws IOException, InterruptedException {
    assertEquals(0, start(command).exitValue(), () -> String.join(" ", command));
  }

  private static Process start(String... command) throws IOException, InterruptedException {
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertTrue(process.waitFor(20, TimeUnit.SECONDS), () -> String.join(" ", command) + " hangs");
    if (process.exitValue() != 0) {
      System.out.println(String.join(" ", command) + ": " + output.strip());
    }
    return process;
  }
}
