package dev.annulus.adapter.leveldb;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.annulus.IoRuntime;
import dev.annulus.fs.Fs;
import java.io.EOFException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.ClosedChannelException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.iq80.leveldb.Logger;
import org.iq80.leveldb.env.DbLock;
import org.iq80.leveldb.env.File;
import org.iq80.leveldb.env.RandomInputFile;
import org.iq80.leveldb.env.SequentialFile;
import org.iq80.leveldb.env.WritableFile;
import org.iq80.leveldb.fileenv.EnvImpl;
import org.iq80.leveldb.impl.LogWriter;
import org.iq80.leveldb.util.DynamicSliceOutput;
import org.iq80.leveldb.util.Slice;
import org.iq80.leveldb.util.Slices;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What {@link AnnulusEnv} promises beyond what the engine's own tests ask. */
@Timeout(60)
abstract class AnnulusEnvContract {
  private static final int HEADER_BYTES = 7;

  @TempDir Path dir;
  private IoRuntime runtime;
  private WatchedFs watched;
  private AnnulusEnv env;

  abstract IoRuntime.Builder configure(IoRuntime.Builder builder);

  @BeforeEach
  void open() {
    runtime = configure(IoRuntime.builder()).open();
    watched = WatchedFs.recording(Fs.on(runtime));
    env = new AnnulusEnv(watched.fs());
  }

  @AfterEach
  void close() {
    runtime.close();
  }

  // ---- files that grow ----

  @Test
  void log_recordNotForced_isInTheFileWithOneWrite() throws IOException {
    try (LogWriter log = LogWriter.createWriter(1, env.newWritableFile(file("000001.log")))) {
      long length = 0;
      for (int size : new int[] {1, HEADER_BYTES, 0, 100, 5000}) {
        List<String> before = watched.calls();
        log.addRecord(slice(size), false);
        length += HEADER_BYTES + size;
        assertEquals(length, Files.size(dir.resolve("000001.log")), () -> "after " + before);
        assertEquals(List.of("writeAt 000001.log"), writesIn(watched.calls()));
      }
    }
  }

  @Test
  void log_payloadsThatLookLikeHeaders_areInTheFile() throws IOException {
    Slice likeHeader = new Slice(new byte[] {0, 0, 0, 0, 0, 0, 1});
    Path path = dir.resolve("MANIFEST-000001");
    try (LogWriter log = LogWriter.createWriter(1, env.newWritableFile(file("MANIFEST-000001")))) {
      for (int i = 1; i <= 3; i++) {
        log.addRecord(likeHeader, false);
        assertEquals(2L * HEADER_BYTES * i, Files.size(path));
      }
    }
  }

  @Test
  void table_appendedInSmallPieces_isWrittenInLargeOnes() throws IOException {
    long seed = System.nanoTime();
    Random random = new Random(seed);
    DynamicSliceOutput expected = new DynamicSliceOutput(1 << 20);
    try (WritableFile table = env.newWritableFile(file("000002.ldb"))) {
      while (expected.size() < 1_000_000) {
        Slice piece = slice(random.nextInt(10) == 0 ? random.nextInt(200_000) : random.nextInt(5000));
        table.append(piece);
        expected.writeBytes(piece, 0, piece.length());
      }
      table.force();
      int atMost = expected.size() / (64 * 1024) + 1;
      assertTrue(writesIn(watched.calls()).size() <= atMost, () -> "more than " + atMost + " writes; seed " + seed);
      assertArrayEquals(expected.slice().getBytes(), Files.readAllBytes(dir.resolve("000002.ldb")), () -> "seed " + seed);
    }
  }

  @Test
  void close_ofATableNotForced_writesTheRest() throws IOException {
    try (WritableFile table = env.newWritableFile(file("000002.sst"))) {
      table.append(slice(100));
    }
    assertArrayEquals(slice(100).getBytes(), Files.readAllBytes(dir.resolve("000002.sst")));
  }

  @Test
  void force_ofANewFile_syncsTheDataThenTheNameOnce() throws IOException {
    Path db = Files.createDirectory(dir.resolve("db"));
    try (WritableFile table = env.newWritableFile(file("db/000003.ldb"))) {
      table.append(slice(10));
      table.force();
      table.append(slice(10));
      table.force();
    }
    assertEquals(
        List.of("open 000003.ldb", "writeAt 000003.ldb", "syncData 000003.ldb", "syncDirectory db", "writeAt 000003.ldb", "syncData 000003.ldb"),
        watched.calls().stream().filter(call -> !call.startsWith("isOpen") && !call.startsWith("close")).toList());
    assertEquals(20, Files.size(db.resolve("000003.ldb")));
  }

  @Test
  void newWritableFile_ofAnExistingOne_emptiesIt_newAppendableFile_goesOn() throws IOException {
    Path path = Files.writeString(dir.resolve("000004.log"), "old");
    try (WritableFile file = env.newWritableFile(file("000004.log"))) {
      assertEquals(0, Files.size(path));
      file.append(text("new"));
    }
    try (WritableFile file = env.newAppendableFile(file("000004.log"))) {
      file.append(text(" and more"));
      file.force();
    }
    try (WritableFile file = env.newAppendableFile(file("fresh"))) {
      file.append(text("first"));
    }
    assertEquals("new and more", Files.readString(path));
    assertEquals("first", Files.readString(dir.resolve("fresh")));
  }

  @Test
  void append_afterAFailedWrite_failsAndWritesNothing() throws IOException {
    Path path = dir.resolve("000005.log");
    try (WritableFile file = env.newWritableFile(file("000005.log"))) {
      file.append(text("before"));
      watched.fail("writeAt");
      assertThrows(IOException.class, () -> file.append(text("lost")));
      watched.fail("");
      IOException thrown = assertThrows(IOException.class, () -> file.append(text("after")));
      assertTrue(thrown.toString().contains(path.toString()), thrown::toString);
      assertThrows(IOException.class, file::force);
    }
    assertEquals("before", Files.readString(path));
  }

  @Test
  void close_thatCannotWriteTheRest_failsAndClosesAllTheSame() throws IOException {
    WritableFile table = env.newWritableFile(file("000006.ldb"));
    table.append(text("rest"));
    watched.fail("writeAt");
    assertThrows(IOException.class, table::close);
    assertTrue(watched.calls().contains("close 000006.ldb"));
    watched.fail("");
    assertThrows(ClosedChannelException.class, () -> table.append(text("after")));
    table.close();
  }

  // ---- files that are read ----

  @Test
  void randomAccessFile_read_givesThatPartInLittleEndian() throws IOException {
    Path path = Files.write(dir.resolve("t.ldb"), slice(10_000).getBytes());
    byte[] contents = Files.readAllBytes(path);
    try (RandomInputFile file = env.newRandomAccessFile(file("t.ldb"))) {
      assertEquals(10_000, file.size());
      for (int[] part : new int[][] {{0, 10_000}, {0, 0}, {10_000, 0}, {4095, 3}, {9_999, 1}}) {
        ByteBuffer read = file.read(part[0], part[1]);
        assertEquals(ByteOrder.LITTLE_ENDIAN, read.order());
        assertEquals(ByteBuffer.wrap(contents, part[0], part[1]), read);
      }
      assertThrows(EOFException.class, () -> file.read(9_999, 2));
      assertThrows(EOFException.class, () -> file.read(-1, 2));
      assertThrows(EOFException.class, () -> file.read(0, -1));
      Files.write(path, new byte[5]);
      assertThrows(EOFException.class, () -> file.read(0, 6));
    }
    assertThrows(NoSuchFileException.class, () -> env.newRandomAccessFile(file("missing")));
  }

  @Test
  void randomAccessFile_readBlockByBlock_isReadInLargerPieces() throws IOException {
    byte[] contents = slice(1_000_000).getBytes();
    Files.write(dir.resolve("t.ldb"), contents);
    try (RandomInputFile file = env.newRandomAccessFile(file("t.ldb"))) {
      for (int at = 0; at < contents.length; at += 4101) {
        int length = Math.min(4101, contents.length - at);
        assertEquals(ByteBuffer.wrap(contents, at, length), file.read(at, length));
      }
    }
    long reads = watched.calls().stream().filter(call -> call.startsWith("readAt")).count();
    assertTrue(reads <= 2 + contents.length / (64 * 1024 - 4101), () -> "reads: " + reads);
  }

  @Test
  void randomAccessFile_readByManyThreadsHereAndThere_givesEachWhatItAskedFor() throws Exception {
    long seed = System.nanoTime();
    byte[] contents = slice(500_000).getBytes();
    Files.write(dir.resolve("t.ldb"), contents);
    try (RandomInputFile file = env.newRandomAccessFile(file("t.ldb"));
        ExecutorService threads = Executors.newFixedThreadPool(4)) {
      List<Future<Boolean>> ends = new ArrayList<>();
      for (int thread = 0; thread < 4; thread++) {
        Random random = new Random(seed + thread);
        ends.add(threads.submit(() -> readHereAndThere(file, contents, random)));
      }
      for (Future<Boolean> end : ends) {
        assertTrue(end.get(30, TimeUnit.SECONDS), () -> "seed " + seed);
      }
    }
  }

  /** Scans of a few blocks from random places; whether all was right. */
  private static boolean readHereAndThere(RandomInputFile file, byte[] contents, Random random) throws IOException {
    for (int scan = 0; scan < 500; scan++) {
      int at = random.nextInt(contents.length);
      for (int block = random.nextInt(30); block >= 0; block--) {
        int length = Math.min(random.nextInt(8000), contents.length - at);
        if (!file.read(at, length).equals(ByteBuffer.wrap(contents, at, length))) {
          return false;
        }
        at += length;
      }
    }
    return true;
  }

  @Test
  void randomAccessFile_readByInterruptedThreads_staysOpen() throws Exception {
    Files.write(dir.resolve("t.ldb"), slice(10_000).getBytes());
    try (RandomInputFile file = env.newRandomAccessFile(file("t.ldb"));
        ExecutorService threads = Executors.newFixedThreadPool(4)) {
      List<Future<Boolean>> reads = new ArrayList<>();
      for (int i = 0; i < 400; i++) {
        int at = i * 20;
        reads.add(
            threads.submit(
                () -> {
                  Thread.currentThread().interrupt();
                  boolean right = file.read(at, 20).equals(ByteBuffer.wrap(slice(10_000).getBytes(), at, 20));
                  return right && Thread.interrupted();
                }));
      }
      for (Future<Boolean> read : reads) {
        assertTrue(read.get(30, TimeUnit.SECONDS));
      }
    }
  }

  @Test
  void sequentialFile_readAndSkip_goesThroughToTheEnd() throws IOException {
    Files.write(dir.resolve("s.log"), slice(100_000).getBytes());
    try (SequentialFile file = env.newSequentialFile(file("s.log"))) {
      DynamicSliceOutput out = new DynamicSliceOutput(16);
      assertEquals(70_000, file.read(70_000, out));
      assertEquals(slice(100_000).slice(0, 70_000), out.slice());
      file.skip(10_000);
      out.reset();
      assertEquals(20_000, file.read(32_768, out));
      assertEquals(slice(100_000).slice(80_000, 20_000), out.slice());
      assertEquals(-1, file.read(1, out));
      file.skip(5);
      assertEquals(-1, file.read(1, out));
      assertThrows(IOException.class, () -> file.skip(-1));
      assertThrows(IOException.class, () -> file.skip(Long.MAX_VALUE));
    }
    assertThrows(NoSuchFileException.class, () -> env.newSequentialFile(file("missing")));
  }

  @Test
  void strings_writtenAndRead_areTheSame_andOnStableStorage() throws IOException {
    File file = file("CURRENT");
    for (String content : List.of("MANIFEST-000001 ü€\n", "", "short")) {
      env.writeStringToFileSync(file, content);
      assertTrue(watched.calls().containsAll(List.of("syncAll CURRENT", "syncDirectory " + dir.getFileName())));
      assertEquals(content, env.readFileToString(file));
    }
    assertThrows(NoSuchFileException.class, () -> env.readFileToString(file("missing")));
  }

  // ---- names ----

  @Test
  void names_ofFiles_areThoseOfPaths() {
    File file = env.toFile("a/b");
    assertEquals("b", file.getName());
    assertEquals("a/b", file.toString());
    assertEquals(Path.of("a/b").toAbsolutePath().toString(), file.getPath());
    assertEquals(Path.of("a").toAbsolutePath().toString(), file.getParentFile().getPath());
    assertEquals("c", file.child("c").getName());
    assertEquals(file.child("c"), env.toFile("a/b/c"));
    assertNotEquals(file, env.toFile("a/c"));
    assertEquals("", env.toFile("/").getName());
    assertEquals("/", env.toFile("/").getParentFile().getPath());
    assertEquals(Path.of("").toAbsolutePath().toString(), env.toFile("x").getParentFile().getPath());
  }

  @Test
  void questions_aboutWhatIsThere_areAnswered() throws IOException {
    Files.writeString(dir.resolve("f"), "abc");
    File f = file("f");
    File d = env.toFile(dir.toString());
    assertTrue(f.exists() && f.isFile() && f.canRead() && !f.isDirectory());
    assertTrue(d.exists() && d.isDirectory() && !d.isFile());
    assertEquals(3, f.length());
    assertEquals(List.of(f), d.listFiles());
    File foreign = EnvImpl.createEnv().toFile(dir.resolve("f").toString());
    assertEquals("abc", env.readFileToString(foreign));
  }

  @Test
  void questions_aboutWhatIsNotThere_areAnsweredNo() throws IOException {
    Files.writeString(dir.resolve("f"), "abc");
    Files.createSymbolicLink(dir.resolve("dangling"), Path.of("nowhere"));
    for (String name : List.of("missing", "f/below", "dangling")) {
      File file = file(name);
      assertFalse(file.exists() || file.isFile() || file.isDirectory() || file.canRead(), name);
      assertEquals(0, file.length());
      assertEquals(List.of(), file.listFiles());
    }
    assertEquals(List.of(), file("f").listFiles());
  }

  @Test
  void questions_thatCannotBeAnswered_throw() {
    File file = file("CURRENT");
    watched.fail("metadata");
    assertThrows(UncheckedIOException.class, file::exists);
    watched.fail("open");
    assertThrows(UncheckedIOException.class, file::canRead);
    watched.fail("readDirectory");
    assertThrows(UncheckedIOException.class, file::listFiles);
  }

  @Test
  void mkdirs_makesAllThatIsMissing_andPutsTheNamesOnStableStorage() {
    assertTrue(file("a/b/c").mkdirs());
    assertTrue(Files.isDirectory(dir.resolve("a/b/c")));
    assertTrue(watched.calls().containsAll(List.of("syncDirectory " + dir.getFileName(), "syncDirectory a", "syncDirectory b")));
    assertFalse(file("a/b/c").mkdirs());
    watched.fail("createDirectories");
    assertFalse(file("d").mkdirs());
  }

  @Test
  void delete_ofAFileOrAnEmptyDirectory_removesIt_otherwiseRemovesNothing() throws IOException {
    Files.createDirectories(dir.resolve("full/empty"));
    Files.writeString(dir.resolve("f"), "abc");
    assertTrue(file("f").delete());
    assertFalse(file("f").delete());
    assertFalse(file("full").delete());
    assertTrue(Files.isDirectory(dir.resolve("full/empty")));
    assertTrue(file("full/empty").delete());
    assertTrue(file("full").delete());
  }

  @Test
  void deleteRecursively_removesTheTree_andFollowsNoLink() throws IOException {
    Files.createDirectories(dir.resolve("tree/below"));
    Files.writeString(dir.resolve("kept"), "abc");
    Files.createSymbolicLink(dir.resolve("tree/link"), dir);
    assertTrue(file("tree").deleteRecursively());
    assertFalse(Files.exists(dir.resolve("tree")));
    assertTrue(file("kept").exists());
    assertTrue(file("kept").deleteRecursively());
    assertFalse(file("missing").deleteRecursively());
  }

  @Test
  void renameTo_replacesTheTarget_andPutsTheNamesOnStableStorage() throws IOException {
    Files.writeString(dir.resolve("tmp"), "new");
    Files.createDirectory(dir.resolve("db"));
    Files.writeString(dir.resolve("db/CURRENT"), "old");
    assertTrue(file("tmp").renameTo(file("db/CURRENT")));
    assertEquals("new", Files.readString(dir.resolve("db/CURRENT")));
    assertFalse(file("tmp").exists());
    List<String> calls = watched.calls();
    assertTrue(calls.containsAll(List.of("rename tmp", "syncDirectory db", "syncDirectory " + dir.getFileName())), calls::toString);
    assertFalse(file("tmp").renameTo(file("db/CURRENT")));
  }

  @Test
  void createTempDir_twice_makesTwo() {
    File one = env.createTempDir("leveldb");
    File two = env.createTempDir("leveldb");
    try {
      assertTrue(one.isDirectory() && two.isDirectory());
      assertNotEquals(one, two);
      assertTrue(one.getName().startsWith("leveldb"));
      assertEquals(Path.of(System.getProperty("java.io.tmpdir")).toAbsolutePath(), Path.of(one.getPath()).getParent());
    } finally {
      assertTrue(one.delete() && two.delete());
    }
    assertThrows(UncheckedIOException.class, () -> env.createTempDir("missing/below"));
  }

  // ---- locks and logs ----

  @Test
  void tryLock_ofALockedFile_fails_untilItIsReleased() throws IOException {
    DbLock lock = env.tryLock(file("LOCK"));
    assertTrue(lock.isValid());
    IOException thrown = assertThrows(IOException.class, () -> env.tryLock(file("LOCK")));
    assertTrue(thrown.toString().contains(dir.resolve("LOCK").toString()), thrown::toString);
    lock.release();
    assertFalse(lock.isValid());
    DbLock again = env.tryLock(file("LOCK"));
    assertTrue(again.isValid());
    again.release();
    again.release();
  }

  @Test
  void logger_writesALineForEachMessage_afterThoseThatAreThere() throws IOException {
    Files.writeString(dir.resolve("LOG"), "earlier\n");
    try (Logger log = env.newLogger(file("LOG"))) {
      log.log("100 % plain");
      log.log("Compacted %s@%s", 4, 0);
      watched.fail("writeAt");
      log.log("lost");
      watched.fail("");
    }
    List<String> lines = Files.readAllLines(dir.resolve("LOG"), UTF_8);
    assertEquals(3, lines.size(), lines::toString);
    assertEquals("earlier", lines.get(0));
    assertTrue(lines.get(1).endsWith(" 100 % plain"), lines::toString);
    assertTrue(lines.get(2).endsWith(" Compacted 4@0"), lines::toString);
  }

  private File file(String name) {
    return env.toFile(dir.resolve(name).toString());
  }

  private static Slice slice(int length) {
    byte[] bytes = new byte[length];
    new Random(length).nextBytes(bytes);
    return new Slice(bytes);
  }

  private static Slice text(String text) {
    return Slices.copiedBuffer(text, UTF_8);
  }

  private static List<String> writesIn(List<String> calls) {
    return calls.stream().filter(call -> call.startsWith("writeAt")).toList();
  }
}
