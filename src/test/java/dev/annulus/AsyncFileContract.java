package dev.annulus;

import static dev.annulus.Futures.failure;
import static dev.annulus.Futures.get;
import static java.nio.file.StandardOpenOption.APPEND;
import static java.nio.file.StandardOpenOption.CREATE;
import static java.nio.file.StandardOpenOption.READ;
import static java.nio.file.StandardOpenOption.WRITE;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.ByteBuffer;
import java.nio.channels.ClosedChannelException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;

/** An open file's operations beside reading and writing: appending, syncing, metadata, length, locks, closing. */
abstract class AsyncFileContract extends BackendContract {
  // ---- appending ----

  @Test
  void append_manyTimes_accumulates() throws Exception {
    Path path = file(bytes(10, 1));
    try (AsyncFile file = open(path, APPEND)) {
      for (int i = 0; i < 20; i++) {
        ByteBuffer record = i % 2 == 0 ? direct(bytes(100, i)) : ByteBuffer.wrap(bytes(100, i));
        assertEquals(100, get(file.append(record)));
        assertEquals(100, record.position());
      }
    }
    byte[] all = Files.readAllBytes(path);
    assertEquals(2_010, all.length);
    for (int i = 0; i < 20; i++) {
      assertArrayEquals(bytes(100, i), Arrays.copyOfRange(all, 10 + 100 * i, 110 + 100 * i));
    }
  }

  @Test
  void append_ofEmptyBuffer_returnsZero() throws Exception {
    Path path = file(bytes(10, 1));
    try (AsyncFile file = open(path, APPEND)) {
      assertEquals(0, get(file.append(direct(0))));
    }
    assertEquals(10, Files.size(path));
  }

  @Test
  void write_whenOpenedToAppend_goesToTheEndWhateverThePosition() throws Exception {
    Path path = file(bytes(10, 1));
    try (AsyncFile file = open(path, WRITE, APPEND)) {
      assertEquals(5, get(file.write(direct(bytes(5, 2)), 0)));
      assertNull(get(file.writeFully(ByteBuffer.wrap(bytes(5, 3)), 3)));
      assertEquals(5L, get(file.write(List.of(direct(bytes(2, 4)), direct(bytes(3, 4))), 1)));
      assertNull(get(file.writeDurably(direct(bytes(5, 5)), 0)));
    }
    byte[] all = Files.readAllBytes(path);
    assertEquals(30, all.length);
    assertArrayEquals(bytes(10, 1), Arrays.copyOf(all, 10));
    assertArrayEquals(bytes(5, 2), Arrays.copyOfRange(all, 10, 15));
    assertArrayEquals(bytes(5, 5), Arrays.copyOfRange(all, 25, 30));
  }

  @Test
  void append_whenOpenedToReadAndAppend_canBeReadBack() throws Exception {
    try (AsyncFile file = open(file(bytes(10, 1)), READ, APPEND)) {
      assertEquals(10, get(file.append(direct(bytes(10, 2)))));
      ByteBuffer all = direct(20);
      assertNull(get(file.readFully(all, 0)));
      assertArrayEquals(bytes(10, 1), Arrays.copyOf(drained(all), 10));
      assertArrayEquals(bytes(10, 2), Arrays.copyOfRange(drained(all), 10, 20));
    }
  }

  /** Each record is one letter, as long as a page and a bit: a torn record would show two letters. */
  @Test
  void append_fromManyFilesAtOnce_tearsAndLosesNoRecord() throws Exception {
    Path path = missing();
    int appenders = 16;
    int records = 20;
    int size = 5_000;
    List<AsyncFile> files = new ArrayList<>();
    List<CompletableFuture<Integer>> appends = new ArrayList<>();
    for (int i = 0; i < appenders; i++) {
      files.add(open(path, APPEND, CREATE));
    }
    for (int record = 0; record < records; record++) {
      for (int i = 0; i < appenders; i++) {
        byte[] letters = new byte[size];
        Arrays.fill(letters, (byte) ('A' + i));
        appends.add(files.get(i).append(record % 2 == 0 ? direct(letters) : ByteBuffer.wrap(letters)));
      }
    }
    for (CompletableFuture<Integer> append : appends) {
      assertEquals(size, get(append));
    }
    files.forEach(AsyncFile::close);
    byte[] all = Files.readAllBytes(path);
    assertEquals(appenders * records * size, all.length);
    int[] perLetter = new int[appenders];
    for (int at = 0; at < all.length; at += size) {
      for (int i = 1; i < size; i++) {
        assertEquals(all[at], all[at + i], "torn record at " + at);
      }
      perLetter[all[at] - 'A']++;
    }
    assertTrue(Arrays.stream(perLetter).allMatch(count -> count == records), Arrays.toString(perLetter));
  }

  // ---- syncing ----

  @Test
  void sync_inEachMode_completes() throws Exception {
    try (AsyncFile file = open(file(bytes(10, 1)), READ, WRITE)) {
      assertNull(get(file.writeFully(direct(bytes(5_000, 2)), 0)));
      for (Sync mode : Sync.values()) {
        assertNull(get(file.sync(mode)));
      }
    }
    try (AsyncFile readOnly = open(file(bytes(10, 1)), READ)) {
      assertNull(get(readOnly.sync(Sync.ALL)));
    }
  }

  @Test
  void sync_whereTheSystemCannot_failsWithItsErrorAndFromThenOn() throws Exception {
    try (AsyncFile pipe = open(fifo(), READ, WRITE)) {
      ErrnoException refused = failure(ErrnoException.class, pipe.sync(Sync.DATA));
      assertEquals("EINVAL", refused.symbol());
      assertEquals("fdatasync", refused.operation());
      Throwable again = failure(pipe.sync(Sync.ALL));
      Futures.assertNames(again, "earlier sync");
      assertEquals("EINVAL", Futures.errnoOf(again).symbol());
    }
  }

  @Test
  void writeDurably_ofAnyBuffer_writesEverything() throws Exception {
    Path path = file(new byte[0]);
    try (AsyncFile file = open(path, WRITE)) {
      ByteBuffer direct = direct(bytes(70_000, 1));
      ByteBuffer heap = ByteBuffer.wrap(bytes(70_000, 2));
      assertNull(get(file.writeDurably(direct, 0)));
      assertNull(get(file.writeDurably(heap, 70_000)));
      assertFalse(direct.hasRemaining() || heap.hasRemaining());
    }
    byte[] all = Files.readAllBytes(path);
    assertArrayEquals(bytes(70_000, 1), Arrays.copyOf(all, 70_000));
    assertArrayEquals(bytes(70_000, 2), Arrays.copyOfRange(all, 70_000, 140_000));
  }

  // ---- metadata and length ----

  @Test
  void stat_ofOpenFile_isThatOfItsPath() throws Exception {
    Path path = file(bytes(12_345, 1));
    try (AsyncFile file = open(path, READ)) {
      FileStatus status = get(file.stat());
      BasicFileAttributes expected = Files.readAttributes(path, BasicFileAttributes.class);
      assertEquals(12_345, status.size());
      assertTrue(status.isRegularFile());
      assertEquals(expected.lastModifiedTime(), status.lastModifiedTime());
      assertEquals(Files.getAttribute(path, "unix:ino"), status.inode());
      assertEquals(get(runtime.stat(path)), status);
      assertEquals(12_345L, get(file.size()));
    }
  }

  @Test
  void stat_ofFileRenamedAndDeletedMeanwhile_isStillTheOpenFiles() throws Exception {
    Path path = file(bytes(100, 1));
    try (AsyncFile file = open(path, READ)) {
      long inode = get(file.stat()).inode();
      Files.delete(path);
      Files.write(path, bytes(7, 1));
      FileStatus status = get(file.stat());
      assertEquals(inode, status.inode());
      if (backend() == Backend.IO_URING) {
        assertEquals(0, status.linkCount()); // the portable backend has to ask by name, and remembers
      }
      assertEquals(100L, get(file.size()));
      assertEquals(path, file.path());
    }
  }

  @Test
  void truncate_bothWays_cutsAndExtendsWithZeros() throws Exception {
    Path path = file(bytes(10_000, 1));
    try (AsyncFile file = open(path, READ, WRITE)) {
      assertNull(get(file.truncate(4_000)));
      assertArrayEquals(Arrays.copyOf(bytes(10_000, 1), 4_000), Files.readAllBytes(path));
      assertNull(get(file.truncate(9_000)));
      assertArrayEquals(Arrays.copyOf(Arrays.copyOf(bytes(10_000, 1), 4_000), 9_000), Files.readAllBytes(path));
      assertNull(get(file.truncate(0)));
      assertEquals(0L, get(file.size()));
      assertNull(get(file.truncate(5L << 30)));
      assertEquals(5L << 30, get(file.size()));
    }
  }

  @Test
  void truncate_pastWhatTheFileSystemHolds_failsAndChangesNothing() throws Exception {
    Path path = file(bytes(10, 1));
    try (AsyncFile file = open(path, WRITE)) {
      ErrnoException tooBig = failure(ErrnoException.class, file.truncate(Long.MAX_VALUE));
      assertTrue(Set.of("EFBIG", "EINVAL").contains(tooBig.symbol()), tooBig.toString());
      Futures.assertNames(tooBig, "ftruncate", path, Long.MAX_VALUE);
    }
    assertEquals(10, Files.size(path));
  }

  @Test
  void allocate_pastTheEnd_extendsAndKeepsContents() throws Exception {
    Path path = file(bytes(100, 1));
    try (AsyncFile file = open(path, READ, WRITE)) {
      assertNull(get(file.allocate(50, 100_000)));
      assertEquals(100_050L, get(file.size()));
      assertArrayEquals(Arrays.copyOf(bytes(100, 1), 100_050), Files.readAllBytes(path));
      assertTrue(get(file.stat()).blocks() * 512 >= 100_000, "no storage was reserved");
      assertNull(get(file.allocate(0, 10)));
      assertEquals(100_050L, get(file.size()));
    }
  }

  // ---- locks ----

  @Test
  void tryLockExclusive_betweenTwoOpenings_isHeldByOne() throws Exception {
    Path path = file(bytes(1, 1));
    AsyncFile first = open(path, READ, WRITE);
    try (AsyncFile second = open(path, READ)) {
      assertEquals(true, get(first.tryLockExclusive()));
      assertEquals(true, get(first.tryLockExclusive()));
      assertEquals(false, get(second.tryLockExclusive()));
      first.close();
      assertEquals(true, get(second.tryLockExclusive()));
    }
  }

  @Test
  void tryLockExclusive_byManyAtOnce_isWonByOne() throws Exception {
    Path path = file(bytes(1, 1));
    List<AsyncFile> files = new ArrayList<>();
    for (int i = 0; i < 20; i++) {
      files.add(open(path, READ));
    }
    List<IoFuture<Boolean>> tries = files.stream().map(AsyncFile::tryLockExclusive).toList();
    int won = 0;
    for (IoFuture<Boolean> attempt : tries) {
      won += get(attempt) ? 1 : 0;
    }
    assertEquals(1, won);
    files.forEach(AsyncFile::close);
  }

  // ---- closing ----

  @Test
  void close_thenAnyOperation_throwsIllegalState() throws Exception {
    AsyncFile file = open(file(bytes(100, 1)), READ, WRITE);
    AsyncFile otherView = file.callerRuns();
    file.close();
    ByteBuffer buffer = direct(8);
    List<Runnable> operations =
        List.of(
            () -> file.read(buffer, 0).join(),
            () -> file.readFully(buffer, 0).join(),
            () -> file.read(List.of(buffer), 0).join(),
            () -> file.write(buffer, 0).join(),
            () -> file.writeDurably(buffer, 0).join(),
            () -> file.sync(Sync.ALL).join(),
            () -> file.stat().join(),
            () -> file.size().join(),
            () -> file.truncate(0).join(),
            () -> file.allocate(0, 10).join(),
            () -> file.tryLockExclusive().join(),
            () -> otherView.size().join());
    for (int i = 0; i < operations.size(); i++) {
      IllegalStateException closed = assertThrows(IllegalStateException.class, operations.get(i)::run, "operation " + i);
      assertInstanceOf(ClosedChannelException.class, closed.getCause());
      Futures.assertNames(closed, file.path());
    }
    assertEquals(0, buffer.position());
    assertEquals(100, Files.size(file.path()));
  }

  @Test
  void close_oftenAndInEveryWay_isOneClose() throws Exception {
    AsyncFile file = open(file(bytes(100, 1)), READ);
    int before = Processes.descriptorsOf(file.path());
    assertEquals(1, before);
    List<CompletableFuture<Void>> ends = new ArrayList<>();
    for (int i = 0; i < 5; i++) {
      ends.add(file.closeAsync());
      ends.add(file.callerRuns().closeAsync());
    }
    file.close();
    for (CompletableFuture<Void> end : ends) {
      assertNull(get(end));
    }
    assertEquals(0, Processes.descriptorsOf(file.path()));
  }

  /** What callers get is theirs: completing it must neither close the file early nor keep another from seeing the end. */
  @Test
  void closeAsync_completedByHand_doesNotChangeTheFilesEnd() throws Exception {
    AsyncFile pipe = get(runtime.openFile(fifo(), READ, WRITE));
    IoFuture<Integer> pending = pipe.read(direct(8), 0);
    Awaitility.await().until(() -> runtime.stats().inFlight() == 1);
    boolean mine = pipe.closeAsync().complete(null);
    assertTrue(mine);
    CompletableFuture<Void> end = pipe.closeAsync();
    assertFalse(end.isDone());
    assertTrue(Processes.descriptorsOf(pipe.path()) >= 1);
    assertTrue(pending.cancel(true));
    if (backend() == Backend.PORTABLE) {
      feed(pipe.path(), bytes(3, 1)); // a thread in a system call cannot be stopped
    }
    assertNull(get(end));
    assertEquals(0, Processes.descriptorsOf(pipe.path()));
  }

  @Test
  void path_ofOpenFile_isTheOneGiven() throws Exception {
    Path path = file(bytes(1, 1));
    Path roundabout = dir.resolve(".").resolve(path.getFileName());
    try (AsyncFile file = open(roundabout, READ)) {
      assertEquals(roundabout, file.path());
      assertEquals(roundabout, file.callerRuns().path());
    }
  }
}
