package dev.annulus.faults;

import static java.nio.file.StandardOpenOption.CREATE_NEW;
import static java.nio.file.StandardOpenOption.READ;
import static java.nio.file.StandardOpenOption.WRITE;
import static java.util.concurrent.TimeUnit.SECONDS;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.annulus.AsyncFile;
import dev.annulus.Backend;
import dev.annulus.ErrorKind;
import dev.annulus.IoRuntime;
import dev.annulus.testing.ChildJvm;
import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.OpenOption;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What the system does to a program in earnest: full disks, limits, broken reads, files changed by others. */
@Timeout(120)
abstract class FaultContract {
  @TempDir Path dir;

  private IoRuntime runtime;

  abstract Backend backend();

  @BeforeEach
  void openRuntime() {
    runtime = IoRuntime.builder().backend(backend()).open();
  }

  @AfterEach
  void closeRuntime() {
    runtime.close();
  }

  @Test
  void write_toAFullFileSystem_failsWithNoSpaceAndNeverReportsDurable() throws Exception {
    Path mount = Files.createDirectory(dir.resolve("small"));
    mountTmpfs(mount, "64k");
    try {
      AsyncFile file = open(mount.resolve("file"), CREATE_NEW, WRITE);
      ByteBuffer tooMuch = ByteBuffer.allocateDirect(100_000);
      assertEquals(ErrorKind.NO_SPACE, kindOf(file.writeDurably(tooMuch, 0)));
      assertTrue(tooMuch.position() <= 65_536, () -> "position " + tooMuch.position());
      assertEquals(tooMuch.position(), file.size().get(10, SECONDS), "the position tells how much was written");
      assertEquals(ErrorKind.NO_SPACE, kindOf(file.writeFully(ByteBuffer.allocate(100_000), 0)));
      file.truncate(0).get(10, SECONDS);
      file.writeDurably(ByteBuffer.allocate(1_000), 0).get(10, SECONDS);
      file.close();
    } finally {
      run("umount", mount.toString());
    }
  }

  @Test
  void write_toADeviceThatIsAlwaysFull_failsWithNoSpace() throws Exception {
    AsyncFile full = open(Path.of("/dev/full"), WRITE);
    assertEquals(ErrorKind.NO_SPACE, kindOf(full.write(ByteBuffer.allocate(10), 0)));
    assertEquals(ErrorKind.NO_SPACE, kindOf(full.writeFully(ByteBuffer.allocateDirect(10), 0)));
    full.close();
  }

  @Test
  void read_ofAPlaceThatCannotBeRead_failsWithEioAndTheFileGoesOn() throws Exception {
    // The memory of this process: nothing is mapped at its start, and reading there is an I/O error.
    AsyncFile memory = open(Path.of("/proc/self/mem"), READ);
    for (int i = 0; i < 10; i++) {
      ExecutionException failure =
          assertThrows(ExecutionException.class, () -> memory.read(ByteBuffer.allocate(8), 0).get(10, SECONDS));
      assertTrue(failure.toString().contains("EIO"), failure::toString);
      assertTrue(failure.toString().contains("/proc/self/mem"), failure::toString);
    }
    memory.close();
  }

  @Test
  void readFully_ofAFileTruncatedUnderIt_endsWithEndOfFile() throws Exception {
    Path path = Files.write(dir.resolve("file"), new byte[1 << 20]);
    AsyncFile file = open(path, READ);
    try (FileChannel other = FileChannel.open(path, WRITE)) {
      other.truncate(5_000);
    }
    ByteBuffer dst = ByteBuffer.allocateDirect(1 << 20);
    ExecutionException failure =
        assertThrows(ExecutionException.class, () -> file.readFully(dst, 0).get(10, SECONDS));
    assertInstanceOf(EOFException.class, failure.getCause());
    assertEquals(5_000, dst.position());
    assertEquals(-1, file.read(ByteBuffer.allocate(10), 10_000).get(10, SECONDS));
    file.close();
  }

  @Test
  void operations_onAFileTruncatedAgainAndAgain_neverHangOrReadPastTheEnd() throws Exception {
    Path path = Files.write(dir.resolve("file"), new byte[1 << 16]);
    AsyncFile file = open(path, READ, WRITE);
    for (int round = 0; round < 200; round++) {
      List<CompletableFuture<Integer>> reads = new ArrayList<>();
      for (int i = 0; i < 16; i++) {
        reads.add(file.read(ByteBuffer.allocateDirect(4096), i * 4096L));
      }
      CompletableFuture<Void> cut = file.truncate(round % 2 == 0 ? 1_000 : 1 << 16);
      for (CompletableFuture<Integer> read : reads) {
        int count = read.get(10, SECONDS);
        assertTrue(count >= -1 && count <= 4096, () -> "count " + count);
      }
      cut.get(10, SECONDS);
    }
    file.close();
  }

  @Test
  void file_unlinkedWhileOpen_goesOn() throws Exception {
    Path path = dir.resolve("file");
    AsyncFile file = open(path, CREATE_NEW, READ, WRITE);
    runtime.delete(path).get(10, SECONDS);
    file.writeDurably(ByteBuffer.wrap(new byte[] {1, 2, 3}), 0).get(10, SECONDS);
    ByteBuffer back = ByteBuffer.allocate(3);
    file.readFully(back, 0).get(10, SECONDS);
    assertEquals(ByteBuffer.wrap(new byte[] {1, 2, 3}), back.flip());
    assertEquals(3, file.size().get(10, SECONDS));
    assertEquals(3, file.stat().get(10, SECONDS).size());
    file.close();
  }

  @Test
  void write_pastTheLimitOnFileSize_failsAndWhatFitsIsThere() throws Exception {
    Path file = dir.resolve("limited");
    // 8 units of 512 bytes (dash) or 1024 (bash): 4 or 8 KiB.
    ChildJvm.Result result = inShell("ulimit -f 8", FileSizeLimit.class, backend().name(), file.toString());
    assertEquals(0, result.exitCode(), result::output);
    assertTrue(result.output().contains("writeFully: OTHER EFBIG"), result::output);
    assertTrue(result.output().contains("writeDurably: OTHER EFBIG"), result::output);
    assertTrue(Files.size(file) == 4096 || Files.size(file) == 8192, () -> "size is off: " + result.output());
  }

  @Test
  void open_withoutDescriptorsLeft_failsAndWorksAgainAfterAClose() throws Exception {
    Path file = Files.createFile(dir.resolve("file"));
    ChildJvm.Result result = inShell("ulimit -n 120", DescriptorLimit.class, backend().name(), file.toString());
    assertEquals(0, result.exitCode(), result::output);
    assertTrue(result.output().contains("TOO_MANY_OPEN_FILES EMFILE"), result::output);
    assertTrue(result.output().contains("opened again"), result::output);
  }

  /** Writes far past the limit its shell has set. */
  static final class FileSizeLimit {
    private FileSizeLimit() {}

    public static void main(String[] args) throws Exception {
      try (IoRuntime runtime = IoRuntime.builder().backend(Backend.valueOf(args[0])).open()) {
        AsyncFile file = runtime.openFile(Path.of(args[1]), CREATE_NEW, WRITE).get(10, SECONDS);
        report("writeFully", file.writeFully(ByteBuffer.allocateDirect(100_000), 0));
        report("writeDurably", file.writeDurably(ByteBuffer.allocateDirect(100_000), 0));
      }
    }
  }

  /** Opens files until no descriptor is left, closes one, and opens again. */
  static final class DescriptorLimit {
    private DescriptorLimit() {}

    public static void main(String[] args) throws Exception {
      try (IoRuntime runtime = IoRuntime.builder().backend(Backend.valueOf(args[0])).open()) {
        List<AsyncFile> files = new ArrayList<>();
        CompletableFuture<AsyncFile> next = runtime.openFile(Path.of(args[1]));
        while (!next.handle((_, failure) -> failure != null).get(10, SECONDS)) {
          files.add(next.join());
          next = runtime.openFile(Path.of(args[1]));
        }
        report("openFile", next);
        files.removeLast().close();
        AsyncFile again = runtime.openFile(Path.of(args[1])).get(10, SECONDS);
        System.out.println("opened again: " + again.path());
      }
    }
  }

  private static void report(String what, CompletableFuture<?> future) throws Exception {
    try {
      Object _ = future.get(10, SECONDS);
      System.out.println(what + ": succeeded");
    } catch (ExecutionException e) {
      String message = e.toString();
      String symbol = message.contains("EFBIG") ? "EFBIG" : message.contains("EMFILE") ? "EMFILE" : "";
      System.out.println(what + ": " + ErrorKind.of(e) + " " + symbol + " (" + message + ")");
    }
  }

  private static ChildJvm.Result inShell(String limit, Class<?> main, String... arguments)
      throws IOException, InterruptedException {
    return ChildJvm.through(List.of("sh", "-c", limit + "; exec \"$@\"", "sh"), main, arguments).run(60);
  }

  private AsyncFile open(Path path, OpenOption... options) throws Exception {
    return runtime.openFile(path, options).get(10, SECONDS);
  }

  private static ErrorKind kindOf(CompletableFuture<?> future) {
    return ErrorKind.of(assertThrows(ExecutionException.class, () -> future.get(10, SECONDS)));
  }

  private static void mountTmpfs(Path mount, String size) throws Exception {
    int exit = run("mount", "-t", "tmpfs", "-o", "size=" + size, "tmpfs", mount.toString());
    if (exit != 0) {
      System.out.println("SKIPPED: a small tmpfs cannot be mounted here (needs root)");
    }
    Assumptions.assumeTrue(exit == 0, "mount failed");
  }

  private static int run(String... command) throws IOException, InterruptedException {
    return new ProcessBuilder(command).inheritIO().start().waitFor();
  }
}
