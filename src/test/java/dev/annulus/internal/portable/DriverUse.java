package dev.annulus.internal.portable;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.annulus.internal.driver.Driver;
import dev.annulus.internal.driver.DriverConfig;
import dev.annulus.internal.driver.OpenFlag;
import dev.annulus.internal.driver.Operation;
import dev.annulus.testing.RecordingRequest;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.Set;
import java.util.concurrent.TimeUnit;

/** Shorthand for using a driver in tests. */
final class DriverUse {
  static final EnumSet<OpenFlag> READ = EnumSet.of(OpenFlag.READ);
  static final EnumSet<OpenFlag> READ_WRITE_CREATE = EnumSet.of(OpenFlag.READ, OpenFlag.WRITE, OpenFlag.CREATE);
  static final EnumSet<OpenFlag> APPEND_CREATE = EnumSet.of(OpenFlag.WRITE, OpenFlag.APPEND, OpenFlag.CREATE);

  private DriverUse() {}

  static DriverConfig config(int maxInFlight, int maxQueued, boolean refuse, Duration closeTimeout) {
    return new DriverConfig(maxInFlight, maxQueued, refuse, closeTimeout, "portable-test");
  }

  static PortableDriver driver() {
    return PortableDriver.open(config(64, 1024, false, Duration.ofSeconds(10)));
  }

  /** Submits, waits, and returns the result. */
  static int run(Driver driver, Operation operation) {
    RecordingRequest request = new RecordingRequest(operation);
    driver.submit(request);
    return request.result();
  }

  static int open(Driver driver, Path path, Set<OpenFlag> flags) {
    int fd = run(driver, new Operation.Open(path, flags, 0x1b6));
    assertTrue(fd >= 0, () -> "open of " + path + " gave " + fd);
    return fd;
  }

  static void close(Driver driver, int fd) {
    assertEquals(0, run(driver, new Operation.Close(fd)));
  }

  static MemorySegment bytes(String text) {
    byte[] bytes = text.getBytes(StandardCharsets.US_ASCII);
    return Arena.ofAuto().allocate(Math.max(1, bytes.length)).copyFrom(MemorySegment.ofArray(bytes)).asSlice(0, bytes.length);
  }

  static String text(MemorySegment bytes, long length) {
    byte[] copy = bytes.asSlice(0, length).toArray(java.lang.foreign.ValueLayout.JAVA_BYTE);
    return new String(copy, StandardCharsets.US_ASCII);
  }

  static Operation.Write write(int fd, MemorySegment from, long offset) {
    return new Operation.PlainWrite(fd, from, from.address(), (int) from.byteSize(), offset);
  }

  static Operation.Read read(int fd, MemorySegment into, long offset) {
    return new Operation.PlainRead(fd, into, into.address(), (int) into.byteSize(), offset);
  }

  static Operation.Piece piece(MemorySegment memory) {
    return new Operation.Piece(memory, memory.address(), (int) memory.byteSize());
  }

  /** Makes a fifo: what is opened or read from it blocks until there is somebody at the other end. */
  static Path fifo(Path dir, String name) throws IOException, InterruptedException {
    Path path = dir.resolve(name);
    exec("mkfifo", path.toString());
    return path;
  }

  static void exec(String... command) throws IOException, InterruptedException {
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertTrue(process.waitFor(20, TimeUnit.SECONDS), "it hangs");
    assertEquals(0, process.exitValue(), () -> Arrays.toString(command) + ": " + output);
  }
}
