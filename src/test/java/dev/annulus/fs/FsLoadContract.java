package dev.annulus.fs;

import static dev.annulus.fs.FsFixture.together;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.annulus.IoRuntime;
import dev.annulus.RuntimeStats;
import dev.annulus.WhenFull;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.Callable;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Many threads, files and operations at once. */
interface FsLoadContract extends FsFixture {
  int APPENDERS = 64;
  int RECORDS_EACH = 20;
  int RECORD_BYTES = 1000;

  @ParameterizedTest(name = "virtual={0}, oneHandle={1}, positional={2}")
  @CsvSource({
    "false, false, false",
    "false, true, false",
    "false, true, true",
    "true, false, false",
    "true, true, false",
    "true, true, true"
  })
  @DisplayName("F3 of 64 concurrent appenders' 20 records none is torn and none lost")
  default void append_by64ThreadsAtOnce_losesAndTearsNoRecord(boolean virtual, boolean oneHandle, boolean positional)
      throws Exception {
    Path path = path("log");
    List<FsFile> files = new ArrayList<>();
    for (int i = 0; i < (oneHandle ? 1 : APPENDERS); i++) {
      files.add(fs().open(path, FsOpenOptions.appending()));
    }
    List<Callable<Void>> appenders = new ArrayList<>();
    for (int i = 0; i < APPENDERS; i++) {
      appenders.add(appender(files.get(i % files.size()), i, positional));
    }
    together(virtual, appenders);
    for (FsFile file : files) {
      file.close();
    }
    assertAllRecords(Files.readAllBytes(path));
  }

  private static Callable<Void> appender(FsFile file, int id, boolean positional) {
    return () -> {
      ByteBuffer record = id % 2 == 0 ? ByteBuffer.allocate(RECORD_BYTES) : ByteBuffer.allocateDirect(RECORD_BYTES);
      for (int sequence = 0; sequence < RECORDS_EACH; sequence++) {
        record.clear().put((byte) sequence);
        while (record.hasRemaining()) {
          record.put((byte) id);
        }
        record.flip();
        assertEquals(RECORD_BYTES, positional ? file.writeAt(record, 0) : file.write(record));
      }
      return null;
    };
  }

  /** Each appender's records must be there, whole and in the order it wrote them. */
  private static void assertAllRecords(byte[] log) {
    assertEquals(APPENDERS * RECORDS_EACH * RECORD_BYTES, log.length);
    int[] next = new int[APPENDERS];
    for (int at = 0; at < log.length; at += RECORD_BYTES) {
      int id = log[at + 1];
      assertEquals(next[id], log[at], "next record of appender " + id);
      next[id]++;
      for (int i = 1; i < RECORD_BYTES; i++) {
        assertEquals(id, log[at + i], "a record of appender " + id + " is torn");
      }
    }
    for (int count : next) {
      assertEquals(RECORDS_EACH, count);
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  @DisplayName("S2 of concurrent readAts on one handle each gets its own bytes")
  default void readAt_byManyThreadsOnOneHandle_givesEachItsOwnBytes(boolean virtual) throws Exception {
    int blocks = 256;
    try (FsFile file = fs().open(blocksFile(blocks), FsOpenOptions.reading())) {
      List<Callable<Void>> readers = new ArrayList<>();
      for (int reader = 0; reader < 32; reader++) {
        readers.add(blockReader(file, blocks, reader, 200));
      }
      together(virtual, readers);
      assertEquals(0, file.position());
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  @DisplayName("S1 many threads and handles on a runtime of two operations wait their turn, and none fails")
  default void calls_onRuntimeOfTwoOperations_waitAndSucceed(boolean virtual) throws Exception {
    Path shared = blocksFile(64);
    IoRuntime.Builder tiny = configure(IoRuntime.builder()).maxInFlight(2).maxQueued(2).whenFull(WhenFull.BLOCK);
    try (IoRuntime runtime = tiny.open()) {
      Fs narrow = Fs.on(runtime, mode());
      List<Callable<Void>> users = new ArrayList<>();
      for (int i = 0; i < 48; i++) {
        users.add(user(narrow, shared, i));
      }
      together(virtual, users);
      RuntimeStats stats = runtime.stats();
      // Each opens two files, asks, removes, and reads a batch of ten: the rest, as the two closes, may run on its own thread.
      assertTrue(stats.submitted() + stats.inlineHits() >= 48L * 14, stats::toString);
      assertEquals(0, stats.failed());
    }
  }

  /** Does a little of everything, with a file of its own and one that all read. */
  private Callable<Void> user(Fs narrow, Path shared, int id) {
    return () -> {
      Path own = path("own-" + id);
      try (FsFile file = narrow.open(own, FsOpenOptions.updating());
          FsFile blocks = narrow.open(shared, FsOpenOptions.reading())) {
        for (int i = 0; i < 5; i++) {
          assertEquals(100, file.writeAt(ByteBuffer.wrap(filled(100, id)), 100L * i));
        }
        Object ignored = blockReader(blocks, 64, id, 20).call();
        List<ReadRequest> batch = new ArrayList<>();
        for (int i = 0; i < 10; i++) {
          batch.add(new ReadRequest(ByteBuffer.allocate(50), 50L * i));
        }
        file.readMany(batch);
        for (ReadRequest request : batch) {
          assertEquals(ByteBuffer.wrap(filled(50, id)), request.dst().flip());
        }
        file.syncData();
        assertEquals(500, narrow.metadata(own).length());
      }
      narrow.removeFile(own);
      return null;
    };
  }

  /** A file of 4 KiB blocks, each filled with its number. */
  private Path blocksFile(int blocks) throws IOException {
    byte[] contents = new byte[blocks * 4096];
    for (int block = 0; block < blocks; block++) {
      Arrays.fill(contents, block * 4096, (block + 1) * 4096, (byte) block);
    }
    return Files.write(path("blocks"), contents);
  }

  private static Callable<Void> blockReader(FsFile file, int blocks, int seed, int reads) {
    return () -> {
      Random random = new Random(seed);
      ByteBuffer dst = seed % 2 == 0 ? ByteBuffer.allocate(4096) : ByteBuffer.allocateDirect(4096);
      for (int i = 0; i < reads; i++) {
        int block = random.nextInt(blocks);
        assertEquals(4096, file.readAt(dst.clear(), block * 4096L));
        assertEquals(ByteBuffer.wrap(filled(4096, block)), dst.flip(), () -> "block " + block + ", seed " + seed);
      }
      return null;
    };
  }

  private static byte[] filled(int length, int value) {
    byte[] bytes = new byte[length];
    Arrays.fill(bytes, (byte) value);
    return bytes;
  }
}
