package dev.annulus;

import static dev.annulus.Futures.get;
import static java.nio.file.StandardOpenOption.APPEND;
import static java.nio.file.StandardOpenOption.CREATE;
import static java.nio.file.StandardOpenOption.DSYNC;
import static java.nio.file.StandardOpenOption.READ;
import static java.nio.file.StandardOpenOption.WRITE;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeFalse;

import dev.annulus.adapter.nio.AnnulusAsynchronousFileChannel;
import dev.annulus.adapter.nio.AnnulusFileChannel;
import dev.annulus.fs.Fs;
import dev.annulus.fs.FsFile;
import dev.annulus.fs.FsOpenOptions;
import dev.annulus.internal.driver.Errno;
import dev.annulus.testing.FaultyFileSystem;
import dev.annulus.testing.FaultyFileSystem.Option;
import dev.annulus.testing.fuse.Handler;
import dev.annulus.testing.fuse.Reply;
import dev.annulus.testing.fuse.Request;
import dev.annulus.testing.fuse.Request.Kind;
import java.io.ByteArrayInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.AsynchronousFileChannel;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * A file system that fails, lies and stops short: what was not done is never reported done, and
 * nothing is done twice.
 */
abstract class FailingDiskContract extends BackendContract {
  private static final int SIZE = 16 * 1024;

  @SuppressWarnings("NullAway.Init") // mount
  private FaultyFileSystem disk;

  @Override
  boolean inlineReads() {
    return true;
  }

  @BeforeEach
  final void mount() throws IOException {
    disk = FaultyFileSystem.mount(dir, Option.DIRECT_IO);
  }

  @AfterEach
  final void unmount() throws IOException {
    closeRuntime();
    disk.close();
  }

  // ---- what a sync asks for ----

  @Test
  void sync_ofDataOrOfAll_asksTheFileSystemForThat() throws Exception {
    AsyncFile file = open(path("file"), CREATE, WRITE);
    List<Boolean> dataOnly = Collections.synchronizedList(new ArrayList<>());
    disk.on(
        Kind.FSYNC,
        request -> {
          dataOnly.add((request.flags() & 1) != 0);
          return Reply.pass();
        });
    assertNull(get(file.sync(Sync.DATA)));
    assertNull(get(file.sync(Sync.ALL)));
    assertNull(get(file.writeDurably(direct(100), 0)));
    assertEquals(List.of(true, false, true), dataOnly);
  }

  // ---- syncs that fail ----

  @ParameterizedTest
  @ValueSource(
      ints = {
        Errno.EIO, Errno.ENOSPC, Errno.EDQUOT, Errno.EINTR, Errno.EAGAIN, Errno.EINVAL, Errno.EROFS, Errno.EOPNOTSUPP,
        Errno.ECANCELED, Errno.EBADF, Errno.ENOMEM, Errno.EFBIG, Errno.EFAULT, Errno.ETIME
      })
  void sync_thatFails_isTriedOnceAndRemembered(int errno) throws Exception {
    skipWhereTheJdkHidesIt(errno);
    AsyncFile file = open(path("file"), CREATE, WRITE);
    assertEquals(SIZE, get(file.write(direct(bytes(SIZE, 1)), 0)));
    disk.on(Kind.FSYNC, once(Reply.error(errno)));
    assertTells(errno, Futures.failure(file.sync(Sync.DATA)));
    assertRemembered(file);
    file.close();
    AsyncFile again = open(path("file"), WRITE);
    assertNull(get(again.sync(Sync.ALL)), "opened again, it goes on");
  }

  @ParameterizedTest
  @ValueSource(ints = {Errno.EIO, Errno.EINTR, Errno.EAGAIN, Errno.EINVAL, Errno.EOPNOTSUPP, Errno.ENOSPC, Errno.EDQUOT, Errno.EFBIG})
  void writeDurably_whoseSyncFails_failsAndIsRemembered(int errno) throws Exception {
    skipWhereTheJdkHidesIt(errno);
    try (IoRuntime through = builder().durability(Durability.WRITE_THROUGH).open()) {
      AsyncFile file = view(get(through.openFile(path("through"), CREATE, WRITE)));
      assertNull(get(file.writeDurably(direct(100), 0)), "the first shows that it can be synced");
      disk.on(Kind.FSYNC, once(Reply.error(errno)));
      assertTells(errno, Futures.failure(file.writeDurably(direct(100), 100)));
      assertRemembered(file);
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {Errno.EIO, Errno.EINTR, Errno.EAGAIN, Errno.EINVAL, Errno.ENOSPC, Errno.EOPNOTSUPP})
  void write_toAFileThatSyncsEach_whoseSyncFails_isTriedOnceAndRemembered(int errno) throws Exception {
    skipWhereTheJdkHidesIt(errno);
    remountCached();
    AsyncFile file = open(path("dsync"), CREATE, WRITE, DSYNC);
    disk.on(Kind.FSYNC, once(Reply.error(errno)));
    disk.forgetRequests();
    assertTells(errno, Futures.failure(file.write(direct(100), 0)));
    assertEquals(1, disk.calls(Kind.WRITE));
    assertRemembered(file);
  }

  @Test
  void vectorWrite_toAFileThatSyncsEach_whoseSyncFails_tells() throws Exception {
    remountCached();
    AsyncFile file = open(path("dsync"), CREATE, WRITE, DSYNC);
    AtomicInteger syncs = new AtomicInteger();
    // On the portable backend each buffer is a write of its own, and the second one's sync fails.
    int last = backend() == Backend.PORTABLE ? 2 : 1;
    disk.on(Kind.FSYNC, _ -> syncs.incrementAndGet() == last ? Reply.error(Errno.EIO) : Reply.pass());
    assertTells(Errno.EIO, Futures.failure(file.write(List.of(direct(100), direct(100)), 0)));
    assertRemembered(file);
  }

  @ParameterizedTest
  @ValueSource(ints = {Errno.EIO, Errno.EAGAIN, Errno.EINVAL, Errno.EROFS, Errno.EOPNOTSUPP})
  void syncDirectory_thatFails_isTriedOnceAndRemembered(int errno) throws Exception {
    Path directory = Files.createDirectory(path("directory"));
    disk.on(Kind.FSYNCDIR, once(Reply.error(errno)));
    assertTells(errno, Futures.failure(runtime.syncDirectory(directory)));
    Path link = Files.createSymbolicLink(dir.resolve("link"), directory);
    for (Path name : List.of(directory, link, directory.resolve("../directory"))) {
      Throwable refused = Futures.failure(runtime.syncDirectory(name));
      Futures.assertNames(refused, "earlier sync of the directory", name);
    }
    assertEquals(1, disk.calls(Kind.FSYNCDIR));
    assertNull(get(runtime.syncDirectory(disk.root())), "another directory");
  }

  /** What a file's metadata needs, or its data alone: the one must not be taken for the other. */
  @Test
  void syncs_ofEitherMode_reachTheFileSystemAsTheyAreMeant() throws Exception {
    AsyncFile file = open(path("file"), CREATE, WRITE);
    disk.forgetRequests();
    assertNull(get(file.sync(Sync.ALL)));
    assertSyncedDataOnly(false);
    assertNull(get(file.sync(Sync.DATA)));
    assertSyncedDataOnly(true);
    assertNull(get(file.writeDurably(direct(100), 0)));
    assertSyncedDataOnly(true);
    try (Fs fs = Fs.on(runtime);
        FsFile facade = fs.open(path("file"), FsOpenOptions.writing())) {
      facade.syncAll();
      assertSyncedDataOnly(false);
      facade.syncData();
      assertSyncedDataOnly(true);
    }
    try (FileChannel channel = AnnulusFileChannel.open(runtime, path("file"), WRITE)) {
      channel.force(true);
      assertSyncedDataOnly(false);
      channel.force(false);
      assertSyncedDataOnly(true);
    }
    try (AsynchronousFileChannel channel = AnnulusAsynchronousFileChannel.open(runtime, path("file"), WRITE)) {
      channel.force(true);
      assertSyncedDataOnly(false);
      channel.force(false);
      assertSyncedDataOnly(true);
    }
    assertNull(get(runtime.syncDirectory(disk.root())));
    assertEquals(List.of(0), disk.requests(Kind.FSYNCDIR).stream().map(Request::flags).toList());
  }

  private void assertSyncedDataOnly(boolean dataOnly) {
    assertEquals(List.of(dataOnly ? 1 : 0), disk.requests(Kind.FSYNC).stream().map(Request::flags).toList());
    disk.forgetRequests();
  }

  // ---- writes that fail ----

  @ParameterizedTest
  @ValueSource(
      ints = {Errno.EIO, Errno.EAGAIN, Errno.EINTR, Errno.EINVAL, Errno.EOPNOTSUPP, Errno.ESPIPE, Errno.ENOSPC})
  void append_whoseErrorComesAfterTheRecord_tellsAndWritesItOnce(int errno) throws Exception {
    skipWhereTheJdkHidesIt(errno);
    byte[] record = bytes(100, 3);
    disk.on(Kind.WRITE, once(Reply.errorAfter(errno)));
    AsyncFile file = open(path("append"), CREATE, APPEND);
    assertTells(errno, Futures.failure(file.append(direct(record))));
    assertAppendedOnce(record, "append");

    disk.on(Kind.WRITE, once(Reply.errorAfter(errno)));
    AsyncFile vector = open(path("vector"), CREATE, APPEND);
    assertTells(errno, Futures.failure(vector.write(List.of(direct(record), ByteBuffer.allocate(0)), 0)));
    assertAppendedOnce(record, "vector");

    disk.on(Kind.WRITE, once(Reply.errorAfter(errno)));
    try (Fs fs = Fs.on(runtime);
        FsFile facade = fs.open(path("facade"), FsOpenOptions.appending())) {
      assertTells(errno, () -> facade.writeAt(direct(record), 0));
    }
    assertAppendedOnce(record, "facade");

    disk.on(Kind.WRITE, once(Reply.errorAfter(errno)));
    try (FileChannel channel = AnnulusFileChannel.open(runtime, path("channel"), CREATE, APPEND)) {
      assertTells(errno, () -> channel.write(direct(record)));
    }
    assertAppendedOnce(record, "channel");
  }

  @ParameterizedTest
  @ValueSource(ints = {Errno.EIO, Errno.ENOSPC, Errno.EINVAL, Errno.EOPNOTSUPP})
  void write_thatFails_isToldAndNotDoneAgain(int errno) throws Exception {
    disk.on(Kind.WRITE, once(Reply.error(errno)));
    try (Fs fs = Fs.on(runtime);
        FsFile facade = fs.open(path("facade"), FsOpenOptions.writing())) {
      assertTells(errno, () -> facade.writeAt(direct(100), 0));
    }
    assertEquals(1, disk.calls(Kind.WRITE));
    disk.on(Kind.WRITE, once(Reply.error(errno)));
    try (FileChannel channel = AnnulusFileChannel.open(runtime, path("channel"), CREATE, WRITE)) {
      assertTells(errno, () -> channel.write(direct(100), 0));
    }
    assertEquals(2, disk.calls(Kind.WRITE));
  }

  @Test
  void read_thatFails_isToldAndNotDoneAgain() throws Exception {
    Files.write(path("file"), bytes(SIZE, 1));
    disk.on(Kind.READ, once(Reply.error(Errno.EIO)));
    disk.forgetRequests();
    try (Fs fs = Fs.on(runtime);
        FsFile facade = fs.open(path("file"), FsOpenOptions.reading())) {
      assertTells(Errno.EIO, () -> facade.readAt(direct(SIZE), 0));
    }
    assertEquals(1, disk.calls(Kind.READ));
  }

  /**
   * What was taken from the source is gone: were the failure left to the next call, there would be
   * a hole.
   */
  @Test
  void transferFrom_whoseWriteFailsAfterTheFirst_tells() throws Exception {
    byte[] contents = bytes(1 << 20, 5);
    AtomicInteger writes = new AtomicInteger();
    disk.on(Kind.WRITE, _ -> writes.incrementAndGet() == 2 ? Reply.error(Errno.EIO) : Reply.pass());
    try (FileChannel channel = AnnulusFileChannel.open(runtime, path("target"), CREATE, WRITE)) {
      assertTells(
          Errno.EIO,
          () -> channel.transferFrom(Channels.newChannel(new ByteArrayInputStream(contents)), 0, contents.length));
    }
  }

  /** The rest of a short write must not be written where its beginning belongs. */
  @Test
  void writes_cutShort_goOnWhereTheyWereOrFail() throws Exception {
    byte[] contents = bytes(SIZE, 1);
    disk.on(Kind.WRITE, once(Reply.atMost(5000)));
    AsyncFile file = open(path("full"), CREATE, WRITE);
    assertNull(get(file.writeFully(direct(contents), 0)));
    assertArrayEquals(contents, Files.readAllBytes(path("full")));

    disk.on(Kind.WRITE, once(Reply.atMost(5000)));
    AsyncFile other = open(path("vector"), CREATE, WRITE);
    long count = get(other.write(List.of(direct(contents)), 0));
    byte[] written = Files.readAllBytes(path("vector"));
    assertArrayEquals(Arrays.copyOf(contents, (int) count), Arrays.copyOf(written, (int) count));
  }

  @Test
  void reads_cutShort_giveWhatIsThere() throws Exception {
    byte[] contents = bytes(SIZE, 1);
    Files.write(path("file"), contents);
    AsyncFile file = open(path("file"), READ);
    disk.on(Kind.READ, _ -> Reply.atMost(5000));
    ByteBuffer full = direct(SIZE);
    assertNull(get(file.readFully(full, 0)));
    assertArrayEquals(contents, drained(full));
    ByteBuffer once = direct(SIZE);
    int count = get(file.read(once, 0));
    assertArrayEquals(Arrays.copyOf(contents, count), drained(once));
    ByteBuffer vector = direct(SIZE);
    int gathered = get(file.read(List.of(vector), 0)).intValue();
    assertArrayEquals(Arrays.copyOf(contents, gathered), drained(vector));
    ByteBuffer batch = direct(SIZE);
    assertNull(get(file.readMany(List.of(new BufferAt(batch, 0))).getFirst()));
    assertArrayEquals(contents, drained(batch));
  }

  // ---- writes of nothing ----

  @Test
  void writes_answeredZero_fail() throws Exception {
    disk.on(Kind.WRITE, _ -> Reply.atMost(0));
    AsyncFile file = open(path("file"), CREATE, WRITE);
    assertFails(file.writeFully(direct(100), 0));
    assertFails(file.writeDurably(direct(100), 0));
    try (Fs fs = Fs.on(runtime);
        FsFile facade = fs.open(path("facade"), FsOpenOptions.writing());
        FsFile appending = fs.open(path("appending"), FsOpenOptions.appending())) {
      assertThrows(IOException.class, () -> facade.writeAt(direct(100), 0));
      assertThrows(IOException.class, () -> appending.writeAt(direct(100), 0));
    }
    try (FileChannel channel = AnnulusFileChannel.open(runtime, path("channel"), CREATE, WRITE)) {
      assertThrows(
          IOException.class,
          () -> channel.transferFrom(Channels.newChannel(new ByteArrayInputStream(new byte[100])), 0, 100));
    }
  }

  // ---- closes ----

  @ParameterizedTest
  @ValueSource(ints = {Errno.ENOSPC, Errno.EIO, Errno.EDQUOT})
  void close_thatFails_isToldOnceAndTheFileIsClosed(int errno) throws Exception {
    disk.on(Kind.FLUSH, _ -> Reply.error(errno));
    AsyncFile file = open(path("file"), CREATE, WRITE);
    assertTells(errno, Futures.failure(file.closeAsync()));
    assertFalse(file.isOpen());
    Fs fs = Fs.on(runtime);
    FsFile facade = fs.open(path("facade"), FsOpenOptions.writing());
    assertTells(errno, facade::close);
    facade.close();
    FileChannel channel = AnnulusFileChannel.open(runtime, path("channel"), CREATE, WRITE);
    assertTells(errno, channel::close);
    channel.close();
    AsynchronousFileChannel asynchronous = AnnulusAsynchronousFileChannel.open(runtime, path("asynchronous"), CREATE, WRITE);
    assertTells(errno, asynchronous::close);
    asynchronous.close();
    assertFalse(facade.isOpen() || channel.isOpen() || asynchronous.isOpen());
  }

  // ---- reads that stop short ----

  @Test
  void reads_answeredNothingOnceInTheMiddle_goOn() throws Exception {
    byte[] contents = bytes(SIZE, 1);
    Files.write(path("file"), contents);
    AsyncFile file = open(path("file"), READ);
    ByteBuffer dst = direct(SIZE);
    disk.on(Kind.READ, once(Reply.atMost(0)));
    assertNull(get(file.readFully(dst, 0)));
    assertArrayEquals(contents, drained(dst));
    disk.on(Kind.READ, once(Reply.atMost(0)));
    assertEquals(SIZE, get(file.read(direct(SIZE), 0)));
    disk.on(Kind.READ, once(Reply.atMost(0)));
    assertEquals((long) SIZE, get(file.read(List.of(direct(SIZE)), 0)));
    disk.on(Kind.READ, once(Reply.atMost(0)));
    try (Fs fs = Fs.on(runtime);
        FsFile facade = fs.open(path("file"), FsOpenOptions.reading())) {
      assertEquals(SIZE, facade.readAt(direct(SIZE), 0));
    }
    disk.on(Kind.READ, once(Reply.atMost(0)));
    try (FileChannel channel = AnnulusFileChannel.open(runtime, path("file"), READ)) {
      assertEquals(SIZE, channel.read(direct(SIZE), 0));
    }
  }

  @Test
  void reads_answeredNothingAgainAndAgainInTheMiddle_failAndAreNotTheEnd() throws Exception {
    Files.write(path("file"), bytes(SIZE, 1));
    AsyncFile file = open(path("file"), READ);
    disk.on(Kind.READ, request -> request.offset() >= 4096 ? Reply.atMost(0) : Reply.atMost(4096));
    Throwable failure = Futures.failure(file.readFully(direct(SIZE), 0));
    assertFalse(failure instanceof EOFException, failure::toString);
    Futures.assertNames(failure, "does not end there", SIZE);
    assertTells(Errno.EIO, Futures.failure(file.read(direct(100), 8192)));
    assertTells(Errno.EIO, Futures.failure(file.read(List.of(direct(100)), 8192)));
    try (Fs fs = Fs.on(runtime);
        FsFile facade = fs.open(path("file"), FsOpenOptions.reading())) {
      assertTells(Errno.EIO, () -> facade.readAt(direct(SIZE), 0));
    }
    disk.pass();
    assertEquals(-1, get(file.read(direct(100), SIZE)));
    assertEquals(-1L, get(file.read(List.of(direct(100)), SIZE)));
    Futures.failure(EOFException.class, file.readFully(direct(100), SIZE - 10));
  }

  /** A count that is no multiple of a block, in the middle: the next read must begin at a block. */
  @Test
  void directReads_answeredRaggedInTheMiddle_goOnAtTheBlock() throws Exception {
    byte[] contents = bytes(SIZE + 100, 1);
    Files.write(path("file"), contents);
    AsyncFile file = open(path("file"), READ, IoOpenOption.DIRECT);
    disk.on(Kind.READ, once(Reply.atMost(5000)));
    ByteBuffer dst = aligned(SIZE);
    assertNull(get(file.readFully(dst, 0)));
    assertArrayEquals(Arrays.copyOf(contents, SIZE), drained(dst));

    try (Fs fs = Fs.on(runtime);
        FsFile facade = fs.open(path("file"), FsOpenOptions.reading().withDirect(true))) {
      disk.on(Kind.READ, once(Reply.atMost(5000)));
      ByteBuffer whole = aligned(SIZE);
      assertEquals(SIZE, facade.readAt(whole, 0));
      assertArrayEquals(Arrays.copyOf(contents, SIZE), drained(whole));
    }
    EOFException end = Futures.failure(EOFException.class, file.readFully(aligned(2 * SIZE), 0));
    Futures.assertNames(end, SIZE + 100);
  }

  // ---- helpers ----

  /** The kernel syncs writes that go through its cache; others it leaves to the file system. */
  private void remountCached() throws IOException {
    disk.close();
    disk = FaultyFileSystem.mount(dir);
  }

  private Path path(String name) {
    return disk.root().resolve(name);
  }

  /** The kernel may have cut the file off where it was before. */
  private void assertAppendedOnce(byte[] record, String name) throws IOException {
    assertEquals(1, disk.calls(Kind.WRITE), "how often it was written");
    byte[] contents = Files.readAllBytes(path(name));
    assertTrue(contents.length == 0 || Arrays.equals(record, contents), () -> contents.length + " bytes");
    disk.forgetRequests();
  }

  /** The JDK repeats calls that end with EINTR, and tells nobody: see portable-backend.md. */
  private void skipWhereTheJdkHidesIt(int errno) {
    assumeFalse(errno == Errno.EINTR && backend() == Backend.PORTABLE, "the JDK repeats it");
  }

  /** One answer, and from then on none out of the ordinary. */
  private static Handler once(Reply reply) {
    AtomicInteger calls = new AtomicInteger();
    return _ -> calls.getAndIncrement() == 0 ? reply : Reply.pass();
  }

  private void assertRemembered(AsyncFile file) throws Exception {
    int syncs = disk.calls(Kind.FSYNC);
    assertTrue(syncs >= 1);
    Futures.assertNames(Futures.failure(file.sync(Sync.DATA)), "earlier sync");
    Futures.assertNames(Futures.failure(file.sync(Sync.ALL)), "earlier sync");
    Futures.assertNames(Futures.failure(file.writeDurably(direct(100), 0)), "earlier sync");
    assertEquals(syncs, disk.calls(Kind.FSYNC), "nothing was asked of the system");
  }

  /** A ring, and the JDK, make EAGAIN of it. */
  private static void assertFails(IoFuture<?> future) throws Exception {
    String symbol = Futures.errnoOf(Futures.failure(future)).symbol();
    assertTrue(symbol.equals("EIO") || symbol.equals("EAGAIN"), symbol);
  }

  private static void assertTells(int errno, Executable call) {
    assertTells(errno, assertThrows(IOException.class, call));
  }

  private static void assertTells(int errno, Throwable failure) {
    assertEquals(Errno.symbol(errno), Futures.errnoOf(failure).symbol(), failure::toString);
  }

  private static ByteBuffer aligned(int size) {
    return ByteBuffer.allocateDirect(size + 4096).alignedSlice(4096).limit(size);
  }
}
