package dev.annulus;

import static java.util.concurrent.TimeUnit.SECONDS;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.annulus.fs.Fs;
import dev.annulus.fs.FsDirEntry;
import dev.annulus.fs.FsFile;
import dev.annulus.fs.FsOpenOptions;
import dev.annulus.fs.SeekFrom;
import dev.annulus.internal.driver.Driver;
import dev.annulus.internal.driver.DriverConfig;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The behaviour this library began with, test by test: a small ring, and files and directories on it. */
@Timeout(value = 30, unit = SECONDS, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class SeedBehaviourTest {
  @TempDir Path dir;

  @Test
  void fileRoundTrip_overEveryCallOfAFile_works() throws IOException {
    byte[] payload = "a round trip through every call of a file".getBytes(StandardCharsets.UTF_8);
    try (IoRuntime runtime = ring(8);
        FsFile file = Fs.on(runtime).open(dir.resolve("f"), FsOpenOptions.writing().withRead(true))) {
      assertEquals(payload.length, file.write(ByteBuffer.wrap(payload)));
      assertEquals(payload.length, file.metadata().length());

      ByteBuffer whole = ByteBuffer.allocate(payload.length);
      assertEquals(payload.length, file.readAt(whole, 0));
      assertEquals(ByteBuffer.wrap(payload), whole.flip());

      assertEquals(4, file.seek(4, SeekFrom.START));
      ByteBuffer rest = ByteBuffer.allocate(payload.length);
      while (file.read(rest) > 0) {
        assertTrue(rest.position() <= payload.length - 4);
      }
      assertEquals(ByteBuffer.wrap(payload, 4, payload.length - 4), rest.flip());

      file.syncAll();
      file.syncData();
      file.setLength(4);
      assertEquals(4, file.metadata().length());
      assertTrue(file.tryLockExclusive());
    }
  }

  @Test
  void directoryAndFileOperations_inTurn_work() throws IOException {
    try (IoRuntime runtime = ring(8)) {
      Fs fs = Fs.on(runtime);
      Path base = dir.resolve("base").resolve("deeper");
      fs.createDirectories(base);
      assertTrue(fs.exists(base));
      assertTrue(fs.metadata(base).isDirectory());

      Path a = base.resolve("a.txt");
      try (FsFile file = fs.open(a, FsOpenOptions.none().withWrite(true).withCreate(true))) {
        assertEquals(5, file.write(ByteBuffer.wrap("hello".getBytes(StandardCharsets.UTF_8))));
        file.syncAll();
      }
      assertEquals(5, fs.metadata(a).length());
      assertEquals(Set.of(new FsDirEntry(a, "a.txt", false)), Set.copyOf(fs.readDirectory(base)));

      Path b = base.resolve("b.txt");
      fs.rename(a, b);
      assertFalse(fs.exists(a));
      assertTrue(fs.exists(b));
      fs.removeFile(b);
      assertFalse(fs.exists(b));
      fs.removeDirectoryAll(base);
      assertFalse(fs.exists(base));
    }
  }

  @Test
  void append_overTwoOpenings_accumulates() throws IOException {
    try (IoRuntime runtime = ring(8)) {
      Fs fs = Fs.on(runtime);
      Path log = dir.resolve("log");
      for (String record : new String[] {"aaa", "bbb"}) {
        try (FsFile file = fs.open(log, FsOpenOptions.appending())) {
          assertEquals(3, file.write(ByteBuffer.wrap(record.getBytes(StandardCharsets.UTF_8))));
          file.syncAll();
        }
      }
      try (FsFile file = fs.open(log, FsOpenOptions.reading())) {
        ByteBuffer all = ByteBuffer.allocate(6);
        assertEquals(6, file.readAt(all, 0));
        assertEquals("aaabbb", new String(all.array(), StandardCharsets.UTF_8));
      }
    }
  }

  @Test
  void ring_setUp_completesANop() throws Exception {
    try (IoRuntime runtime = ring(8)) {
      assertEquals(Backend.IO_URING, runtime.backend());
      runtime.nop().get(10, SECONDS);
      assertEquals(1, runtime.stats().completed());
    }
  }

  @Test
  void nops_manyMoreThanEntries_reuseSlots() throws Exception {
    try (IoRuntime runtime = ring(4)) {
      for (int i = 0; i < 16; i++) {
        runtime.nop().get(10, SECONDS);
      }
      CompletableFuture<?>[] atOnce = new CompletableFuture<?>[1000];
      for (int i = 0; i < atOnce.length; i++) {
        atOnce[i] = runtime.nop();
      }
      CompletableFuture.allOf(atOnce).get(10, SECONDS);
      assertEquals(1016, runtime.stats().completed());
      assertEquals(0, runtime.stats().staleCompletions());
    }
  }

  @Test
  void writeSyncRead_atAnOffset_roundTripsAndEndsAtEndOfFile() throws Exception {
    byte[] payload = "a payload at an offset".getBytes(StandardCharsets.UTF_8);
    long offset = 4096;
    try (IoRuntime runtime = ring(8);
        AsyncFile file =
            runtime
                .openFile(
                    dir.resolve("f"), StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE)
                .get(10, SECONDS)) {
      assertEquals(payload.length, file.write(ByteBuffer.wrap(payload), offset).get(10, SECONDS));
      file.sync(Sync.ALL).get(10, SECONDS);
      ByteBuffer back = ByteBuffer.allocate(payload.length);
      assertEquals(payload.length, file.read(back, offset).get(10, SECONDS));
      assertEquals(ByteBuffer.wrap(payload), back.flip());
      // Futures say -1 as channels do; the facade's readAt says 0.
      assertEquals(-1, file.read(ByteBuffer.allocate(8), offset + payload.length).get(10, SECONDS));
    }
    try (IoRuntime runtime = ring(8);
        FsFile file = Fs.on(runtime).open(dir.resolve("f"), FsOpenOptions.reading())) {
      assertEquals(0, file.readAt(ByteBuffer.allocate(8), offset + payload.length));
    }
  }

  @Test
  void errnoTable_ofTheSeed_holds() {
    assertEquals(ErrorKind.PERMISSION_DENIED, ErrorKind.ofErrno(1));
    assertEquals(ErrorKind.NOT_FOUND, ErrorKind.ofErrno(2));
    assertEquals(ErrorKind.INTERRUPTED, ErrorKind.ofErrno(4));
    assertEquals(ErrorKind.INVALID_INPUT, ErrorKind.ofErrno(9));
    assertEquals(ErrorKind.WOULD_BLOCK, ErrorKind.ofErrno(11));
    assertEquals(ErrorKind.PERMISSION_DENIED, ErrorKind.ofErrno(13));
    assertEquals(ErrorKind.ALREADY_EXISTS, ErrorKind.ofErrno(17));
    assertEquals(ErrorKind.INVALID_INPUT, ErrorKind.ofErrno(22));
    assertEquals(ErrorKind.UNSUPPORTED, ErrorKind.ofErrno(95));
    assertEquals(ErrorKind.OTHER, ErrorKind.ofErrno(132));
  }

  @Test
  void entries_zeroOrTooMany_areRefusedAsInvalidInput() {
    for (int entries : new int[] {0, -1, 32769}) {
      IllegalArgumentException thrown =
          assertThrows(IllegalArgumentException.class, () -> IoRuntime.builder().maxInFlight(entries));
      assertEquals(ErrorKind.INVALID_INPUT, ErrorKind.of(thrown));
    }
  }

  @Test
  void open_missingFile_isNotFound() {
    try (IoRuntime runtime = ring(4)) {
      Path missing = Path.of("/proc/does-not-exist/missing");
      ExecutionException thrown =
          assertThrows(ExecutionException.class, () -> runtime.openFile(missing).get(10, SECONDS));
      assertEquals(ErrorKind.NOT_FOUND, ErrorKind.of(thrown));
    }
  }

  @Test
  void write_toDescriptorThatIsNotOpen_surfacesTheCompletionsError() throws Exception {
    DriverConfig config = new DriverConfig(4, 4, false, Duration.ofSeconds(10), "bad-descriptor");
    try (Driver driver = Drivers.choose(Backend.IO_URING, config).driver()) {
      OpenSpec spec = OpenSpec.parse(Set.of(StandardOpenOption.WRITE));
      OpenDescriptor notOpen = new OpenDescriptor(new Engine(driver, TestPolicies.plain()), Path.of("not-open"), 1 << 30, spec);
      IoFuture<Integer> write = new DriverFile(notOpen, new OpenHandle(notOpen, null), false).write(ByteBuffer.wrap(new byte[] {'x'}), 0);
      ExecutionException thrown = assertThrows(ExecutionException.class, () -> write.get(10, SECONDS));
      ErrnoException errno = assertInstanceOf(ErrnoException.class, thrown.getCause());
      assertEquals("EBADF", errno.symbol());
      assertEquals(ErrorKind.INVALID_INPUT, errno.kind());
    }
  }

  private static IoRuntime ring(int entries) {
    return IoRuntime.builder().backend(Backend.IO_URING).maxInFlight(entries).open();
  }
}
