package dev.annulus.internal.portable;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNotSame;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.annulus.internal.driver.Errno;
import dev.annulus.internal.driver.OpenFlag;
import dev.annulus.internal.driver.Operation;
import dev.annulus.internal.driver.Operation.Piece;
import dev.annulus.internal.driver.StatResult;
import dev.annulus.testing.CapturedLog;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedByInterruptException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.util.ArrayList;
import java.util.Collections;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import org.awaitility.Awaitility;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Which calls of a channel operations are made of, and what becomes of its answers. */
@Timeout(60)
class PortableOperationsTest {
  private static final EnumSet<OpenFlag> BOTH = EnumSet.of(OpenFlag.READ, OpenFlag.WRITE);
  private final IOException eio = new IOException("Input/output error");
  private final IOException espipe = new IOException("Illegal seek");

  @TempDir Path dir;

  private final FileTable files = new FileTable();
  private final NioCalls calls = new NioCalls(files);
  private final ScriptedChannel channel = new ScriptedChannel();
  private final ScriptedChannel writer = new ScriptedChannel();
  private final List<OpenFile> opened = new ArrayList<>();
  private final MemorySegment memory = Arena.ofAuto().allocate(100);

  /** Something regular and something that is not. */
  private FileAttributes regular = FileAttributes.ofNameless();

  private FileAttributes stream = FileAttributes.ofNameless();

  @BeforeEach
  void attributes() throws Exception {
    regular = FileAttributes.read(Files.createFile(dir.resolve("file")));
    stream = FileAttributes.read(DriverUse.fifo(dir, "fifo"));
  }

  private OpenFile openFile(EnumSet<OpenFlag> flags, FileAttributes kind, @Nullable ScriptedChannel appender) {
    return openFile(flags, BOTH, kind, appender);
  }

  private OpenFile openFile(
      EnumSet<OpenFlag> flags, EnumSet<OpenFlag> modes, FileAttributes kind, @Nullable ScriptedChannel appender) {
    OpenFile file =
        new OpenFile(dir.resolve("file"), new LinkOption[0], flags, new OpenFile.Plain(channel, modes), appender, kind);
    opened.add(file);
    return file;
  }

  /** What openings share outlives them, and the next test's file may have the number of this one's. */
  @AfterEach
  void close() throws IOException {
    channel.answers.clear();
    writer.answers.clear();
    for (OpenFile file : opened) {
      file.close();
    }
  }

  private int open(EnumSet<OpenFlag> flags) throws IOException {
    return files.add(openFile(flags, regular, null));
  }

  private Operation.Read read(int fd, long offset) {
    return DriverUse.read(fd, memory, offset);
  }

  private Operation.Write write(int fd, long offset) {
    return DriverUse.write(fd, memory, offset);
  }

  private List<Piece> pieces(int... sizes) {
    List<Piece> pieces = new ArrayList<>();
    long at = 0;
    for (int size : sizes) {
      pieces.add(DriverUse.piece(memory.asSlice(at, size)));
      at += size;
    }
    return pieces;
  }

  private void assertAsked(ScriptedChannel of, String... calls) {
    assertEquals(List.of(calls), of.asked);
    of.asked.clear();
  }

  // ---- syncs ----

  @Test
  void sync_ofAll_forcesTheMetadataToo_andOfDataNot() throws Exception {
    int fd = open(BOTH);
    assertEquals(0, calls.run(new Operation.Sync(fd, false)));
    assertAsked(channel, "force with metadata");
    assertEquals(0, calls.run(new Operation.Sync(fd, true)));
    assertAsked(channel, "force of data");
    channel.answers.add(eio);
    assertEquals(-Errno.EIO, calls.run(new Operation.Sync(fd, true)));
    assertAsked(channel, "force of data");
  }

  // ---- single transfers ----

  @Test
  void transfers_areOneCallEachAtTheirPlace() throws Exception {
    int fd = open(BOTH);
    assertEquals(100, calls.run(read(fd, 7)));
    assertEquals(100, calls.run(write(fd, 1L << 40)));
    channel.answers.addAll(List.of(30, 40));
    assertEquals(30, calls.run(read(fd, 0)));
    assertEquals(40, calls.run(write(fd, 0)));
    assertAsked(channel, "read 100 at 7", "write 100 at " + (1L << 40), "read 100 at 0", "write 100 at 0");
  }

  /** The JDK tells the end of a file by -1, and EAGAIN by 0. */
  @Test
  void answers_ofTheJdk_areToldAsTheSystemsOwn() throws Exception {
    int fd = open(BOTH);
    channel.answers.addAll(List.of(-1, 0, 0, eio, new ClosedByInterruptException()));
    assertEquals(0, calls.run(read(fd, 0)));
    assertEquals(-Errno.EAGAIN, calls.run(read(fd, 0)));
    assertEquals(-Errno.EAGAIN, calls.run(write(fd, 0)));
    assertEquals(-Errno.EIO, calls.run(write(fd, 0)));
    assertEquals(-Errno.ECANCELED, calls.run(read(fd, 0)));
    channel.answers.add(0);
    MemorySegment none = memory.asSlice(0, 0);
    assertEquals(0, calls.run(DriverUse.read(fd, none, 0)));
    channel.answers.add(0);
    assertEquals(0, calls.run(DriverUse.write(fd, none, 0)));
  }

  @Test
  void transfers_thatWereNotAskedForAtOpening_areRefusedWithoutACall() throws Exception {
    int readOnly = open(EnumSet.of(OpenFlag.READ));
    int writeOnly = open(EnumSet.of(OpenFlag.WRITE));
    assertEquals(-Errno.EBADF, calls.run(write(readOnly, 0)));
    assertEquals(-Errno.EBADF, calls.run(new Operation.WriteVector(readOnly, pieces(1, 2), 0)));
    assertEquals(-Errno.EBADF, calls.run(read(writeOnly, 0)));
    assertEquals(-Errno.EBADF, calls.run(new Operation.ReadVector(writeOnly, pieces(1, 2), 0)));
    assertEquals(-Errno.EINVAL, calls.run(new Operation.Truncate(readOnly, 0)));
    assertEquals(-Errno.EBADF, calls.run(new Operation.Allocate(readOnly, 0, 1)));
    assertAsked(channel);
  }

  /** What has no places is read and written wherever it is; of a regular file such an answer comes from below, with something done. */
  @Test
  void transfers_answeredThatThereAreNoPlaces_areDoneWithoutOne_unlessTheFileIsRegular() throws Exception {
    int pipe = files.add(openFile(BOTH, stream, null));
    channel.answers.addAll(List.of(espipe, 3, espipe, 4, espipe, 5, espipe, 6));
    assertEquals(3, calls.run(read(pipe, 0)));
    assertEquals(4, calls.run(write(pipe, 0)));
    assertEquals(5, calls.run(new Operation.ReadVector(pipe, pieces(4, 5), 0)));
    assertEquals(6, calls.run(new Operation.WriteVector(pipe, pieces(4, 5), 0)));
    assertAsked(
        channel, "read 100 at 0", "read 100", "write 100 at 0", "write 100", "read 4 at 0", "read 4+5", "write 4 at 0",
        "write 4+5");
    channel.answers.add(eio);
    assertEquals(-Errno.EIO, calls.run(read(pipe, 0)));
    assertAsked(channel, "read 100 at 0");
    int file = open(BOTH);
    channel.answers.addAll(List.of(espipe, espipe));
    assertEquals(-Errno.ESPIPE, calls.run(read(file, 0)));
    assertEquals(-Errno.ESPIPE, calls.run(write(file, 0)));
    assertAsked(channel, "read 100 at 0", "write 100 at 0");
  }

  /** Where the system puts writes is its own affair. */
  @Test
  void writes_ofAFileThatHasAChannelForThem_goThroughThatInOneCall() throws Exception {
    int fd = files.add(openFile(EnumSet.of(OpenFlag.READ, OpenFlag.WRITE, OpenFlag.APPEND), regular, writer));
    assertEquals(100, calls.run(write(fd, 50)));
    assertEquals(9, calls.run(new Operation.WriteVector(fd, pieces(4, 5), 50)));
    assertAsked(writer, "write 100", "write 4+5");
    assertEquals(100, calls.run(read(fd, 50)));
    assertAsked(channel, "read 100 at 50");
    assertAsked(writer);
  }

  @Test
  void directRead_atTheEndOrBehind_isTheEndWithoutACall() throws Exception {
    channel.size = 4096;
    int fd = open(EnumSet.of(OpenFlag.READ, OpenFlag.DIRECT));
    assertEquals(0, calls.run(read(fd, 4096)));
    assertEquals(0, calls.run(read(fd, 4097)));
    assertEquals(0, calls.run(new Operation.ReadVector(fd, pieces(1, 2), 4096)));
    assertAsked(channel);
    assertEquals(100, calls.run(read(fd, 4095)));
    int buffered = open(EnumSet.of(OpenFlag.READ));
    assertEquals(100, calls.run(read(buffered, 4096)));
  }

  // ---- several pieces ----

  @Test
  void vectors_areDonePieceByPiece_eachBehindTheOneBefore_upToTheFirstShortOne() throws Exception {
    int fd = open(BOTH);
    assertEquals(15, calls.run(new Operation.ReadVector(fd, pieces(4, 0, 5, 6), 1000)));
    assertAsked(channel, "read 4 at 1000", "read 5 at 1004", "read 6 at 1009");
    assertEquals(15, calls.run(new Operation.WriteVector(fd, pieces(4, 0, 5, 6), 1000)));
    assertAsked(channel, "write 4 at 1000", "write 5 at 1004", "write 6 at 1009");
    channel.answers.addAll(List.of(4, 3));
    assertEquals(7, calls.run(new Operation.WriteVector(fd, pieces(4, 5, 6), 0)));
    assertAsked(channel, "write 4 at 0", "write 5 at 4");
    channel.answers.addAll(List.of(4, -1));
    assertEquals(4, calls.run(new Operation.ReadVector(fd, pieces(4, 5, 6), 0)));
    channel.answers.add(-1);
    assertEquals(0, calls.run(new Operation.ReadVector(fd, pieces(4, 5, 6), 0)));
    channel.answers.add(0);
    assertEquals(-Errno.EAGAIN, calls.run(new Operation.ReadVector(fd, pieces(4, 5, 6), 0)));
    assertEquals(0, calls.run(new Operation.ReadVector(fd, pieces(), 0)));
    assertEquals(0, calls.run(new Operation.WriteVector(fd, pieces(), 0)));
  }

  @Test
  void vectors_thatFailAfterAPiece_tellThePiece_butOfASyncedFileTheError() throws Exception {
    int fd = open(BOTH);
    channel.answers.addAll(List.of(4, eio));
    assertEquals(4, calls.run(new Operation.WriteVector(fd, pieces(4, 5), 0)));
    channel.answers.addAll(List.of(4, eio));
    assertEquals(4, calls.run(new Operation.ReadVector(fd, pieces(4, 5), 0)));
    channel.answers.add(eio);
    assertEquals(-Errno.EIO, calls.run(new Operation.WriteVector(fd, pieces(4, 5), 0)));
    for (OpenFlag flag : List.of(OpenFlag.DSYNC, OpenFlag.SYNC)) {
      int synced = open(EnumSet.of(OpenFlag.READ, OpenFlag.WRITE, flag));
      channel.answers.addAll(List.of(4, eio));
      assertEquals(-Errno.EIO, calls.run(new Operation.WriteVector(synced, pieces(4, 5), 0)));
      channel.answers.addAll(List.of(4, eio));
      assertEquals(4, calls.run(new Operation.ReadVector(synced, pieces(4, 5), 0)));
    }
  }

  @Test
  @SuppressWarnings("restricted")
  void vectors_longerThanTheSystemTakes_areCut() throws Exception {
    int fd = open(BOTH);
    List<Piece> many = Collections.nCopies(1030, pieces(1).getFirst());
    assertEquals(1024, calls.run(new Operation.ReadVector(fd, many, 0)));
    assertEquals(1024, channel.asked.size());
    channel.asked.clear();
    int pipe = files.add(openFile(BOTH, stream, writer));
    assertEquals(1024, calls.run(new Operation.WriteVector(pipe, many, 0)));
    assertAsked(writer, "write 1024 buffers");
    // Not there, and not touched.
    int half = 1 << 30;
    MemorySegment nowhere = MemorySegment.ofAddress(1L << 40).reinterpret(3L * half);
    List<Piece> large = new ArrayList<>();
    for (int i = 0; i < 3; i++) {
      large.add(new Piece(nowhere, nowhere.address() + (long) i * half, half));
    }
    int rest = Operation.MAX_TRANSFER_BYTES - half;
    assertEquals(Operation.MAX_TRANSFER_BYTES, calls.run(new Operation.WriteVector(fd, large, 0)));
    assertAsked(channel, "write " + half + " at 0", "write " + rest + " at " + half);
  }

  // ---- files ----

  @Test
  void operations_onAFileThatIsBeingAborted_areCancelledWithoutACall() throws Exception {
    OpenFile file = openFile(BOTH, regular, null);
    int fd = files.add(file);
    assertTrue(file.beginAbort());
    assertFalse(file.beginAbort(), "for the second who asks");
    assertEquals(-Errno.ECANCELED, calls.run(read(fd, 0)));
    assertEquals(-Errno.ECANCELED, calls.run(new Operation.Sync(fd, true)));
    assertAsked(channel);
    assertEquals(0, calls.run(new Operation.Close(fd)), "it can still be closed");
    assertAsked(channel, "close");
  }

  @Test
  void close_ofADescriptor_closesItsChannelsOnce_andTellsWhatFails() throws Exception {
    OpenFile file = openFile(BOTH, stream, writer);
    int fd = files.add(file);
    assertSame(file, files.get(fd));
    assertEquals(0, calls.run(new Operation.Close(fd)));
    assertNull(files.get(fd));
    assertEquals(-Errno.EBADF, calls.run(new Operation.Close(fd)));
    file.close();
    assertEquals(1, channel.closes);
    assertEquals(1, writer.closes);
  }

  @Test
  void close_thatFails_isToldAndTheOtherChannelClosedAllTheSame() throws Exception {
    int fd = files.add(openFile(BOTH, stream, writer));
    channel.answers.add(new IOException("No space left on device"));
    writer.answers.add(eio);
    assertEquals(-Errno.ENOSPC, calls.run(new Operation.Close(fd)), "the first failure");
    assertEquals(1, writer.closes);
    assertEquals(-Errno.EBADF, calls.run(new Operation.Close(fd)), "it is closed all the same");
  }

  /** Who closes an opening twice must not end another's: what all share would be made anew, and its lock with it. */
  @Test
  void close_ofOneOpeningTwice_leavesTheOthersWhatTheyShare() throws Exception {
    OpenFile one = openFile(BOTH, regular, null);
    OpenFile two = openFile(BOTH, regular, null);
    assertSame(one.shared(), two.shared());
    one.close();
    one.close();
    OpenFile three = openFile(BOTH, regular, null);
    assertSame(two.shared(), three.shared());
    two.close();
    three.close();
    OpenFile four = openFile(BOTH, regular, null);
    assertNotSame(two.shared(), four.shared(), "kept when the last was closed");
    four.close();
    OpenFile other = openFile(BOTH, stream, null);
    assertNotSame(four.shared(), other.shared());
    other.close();
  }

  @Test
  void table_givesEachFileANumberOfItsOwn_farFromTheSystems() throws Exception {
    int one = open(BOTH);
    int two = open(BOTH);
    assertTrue(one >= 1 << 24);
    assertNotEquals(one, two);
    assertEquals(-Errno.EBADF, calls.run(new Operation.Sync(two + 1, true)));
    assertEquals(0, calls.run(new Operation.Close(one)));
    assertNotEquals(one, open(BOTH), "given out again at once");
  }

  @Test
  void table_thatHasEnded_closesWhatComesLate_andListsWhatIsOpenButNotInUse() throws Exception {
    OpenFile idle = openFile(BOTH, regular, null);
    int fd = files.add(idle);
    OpenFile busy = openFile(BOTH, regular, null);
    int busyFd = files.add(busy);
    assertEquals(List.of(idle), files.endAllBut(List.of(new Operation.Sync(busyFd, true), new Operation.Nop())));
    OpenFile late = openFile(BOTH, regular, null);
    channel.closes = 0;
    assertEquals(-Errno.ECANCELED, files.add(late));
    assertEquals(1, channel.closes);
    assertSame(idle, files.get(fd), "its owner can still give it back");
    assertEquals(0, calls.run(new Operation.Close(fd)));
    assertEquals(0, calls.run(new Operation.Close(busyFd)));
  }

  /** An operation of many steps asks at each of them. */
  @Test
  void removalOfATree_afterTheStop_isCancelled() throws Exception {
    Path tree = Files.createDirectories(dir.resolve("tree/sub"));
    calls.stop();
    assertEquals(-Errno.ECANCELED, calls.run(new Operation.RemoveTree(dir.resolve("tree"))));
    assertTrue(Files.exists(tree));
    assertEquals(0, new NioCalls(files).run(new Operation.RemoveTree(dir.resolve("tree"))));
    assertFalse(Files.exists(tree));
  }

  @Test
  void stat_tellsTheLengthThatTheChannelHas() throws Exception {
    channel.size = 12_345;
    int fd = open(BOTH);
    StatResult stat = new StatResult();
    assertEquals(0, calls.run(new Operation.Stat(fd, stat)));
    assertEquals(12_345, stat.sizeBytes);
    assertEquals(25, stat.blocks, "of 512 bytes each, the last not full");
    assertEquals(regular.inode(), stat.inode);
  }

  @Test
  void truncate_toWhatTheLengthIs_doesNothing_andToLessCuts() throws Exception {
    channel.size = 10;
    int fd = open(BOTH);
    assertEquals(0, calls.run(new Operation.Truncate(fd, 10)));
    assertAsked(channel);
    assertEquals(0, calls.run(new Operation.Truncate(fd, 9)));
    assertAsked(channel, "truncate to 9");
    assertEquals(0, calls.run(new Operation.Allocate(fd, 3, 6)), "there is enough");
    assertAsked(channel);
    int pipe = files.add(openFile(BOTH, stream, null));
    assertEquals(-Errno.EINVAL, calls.run(new Operation.Truncate(pipe, 0)));
    assertEquals(-Errno.ESPIPE, calls.run(new Operation.Allocate(pipe, 0, 1)));
    EnumSet<OpenFlag> none = EnumSet.of(OpenFlag.READ);
    int appendOnly = files.add(openFile(BOTH, none, regular, writer));
    assertEquals(-Errno.EPERM, calls.run(new Operation.Truncate(appendOnly, 0)));
    assertEquals(-Errno.EPERM, calls.run(new Operation.Allocate(appendOnly, 0, 100)));
  }

  /** No write of this JVM runs beside one that sets the length. */
  @Test
  @SuppressWarnings("LockNotBeforeTry") // held while another thread is to wait for it
  void lengths_areSetWithNoWriteUnderWay_throughWhateverOpening() throws Exception {
    OpenFile file = openFile(BOTH, regular, null);
    int fd = files.add(file);
    ReentrantReadWriteLock lock = file.shared().lengthLock();
    channel.size = 10;
    List<Object> seen = new ArrayList<>();
    lock.readLock().lock();
    Thread cutter = Thread.ofPlatform().start(() -> seen.add(calls.run(new Operation.Truncate(fd, 5))));
    Awaitility.await().until(() -> lock.hasQueuedThread(cutter));
    assertEquals(List.of(), channel.asked);
    lock.readLock().unlock();
    cutter.join(20_000);
    assertEquals(List.of(0), seen);
    lock.writeLock().lock();
    Thread other = Thread.ofPlatform().start(() -> seen.add(calls.run(write(fd, 0))));
    Awaitility.await().until(() -> lock.hasQueuedThread(other));
    lock.writeLock().unlock();
    other.join(20_000);
    assertEquals(List.of(0, 100), seen);
    assertFalse(lock.isWriteLocked());
    assertEquals(0, lock.getReadLockCount());
    channel.answers.add(eio);
    assertEquals(-Errno.EIO, calls.run(write(fd, 0)));
    assertEquals(0, lock.getReadLockCount(), "kept after a failure");
  }

  @Test
  void truncate_toMore_ofWhatCannotBeMapped_writesTheLastByte() throws Exception {
    channel.size = 10;
    int fd = files.add(openFile(BOTH, EnumSet.of(OpenFlag.WRITE), regular, null));
    assertEquals(0, calls.run(new Operation.Truncate(fd, 20)));
    assertAsked(channel, "write 1 at 19");
  }

  /** The path is another file's by now, so nothing can be appended. */
  @Test
  void allocate_ofAReplacedFile_isRefused_butNotWhereThereIsNothingToDo() throws Exception {
    channel.size = 10;
    OpenFile replaced =
        new OpenFile(
            dir.resolve("fifo"), new LinkOption[0], BOTH, new OpenFile.Plain(channel, BOTH), null, regular);
    opened.add(replaced);
    int fd = files.add(replaced);
    assertEquals(0, calls.run(new Operation.Allocate(fd, 0, 10)));
    assertEquals(-Errno.EOPNOTSUPP, calls.run(new Operation.Allocate(fd, 0, 11)));
    assertEquals(-Errno.ENOSPC, calls.run(new Operation.Allocate(fd, 0, 1L << 60)), "refused before anything is written");
    assertAsked(channel);
    assertEquals(-Errno.EOPNOTSUPP, calls.run(new Operation.Reserve(fd, 0, 11)));
  }

  // ---- locks ----

  @Test
  void lock_thatAnotherProcessHas_isNotTaken() throws Exception {
    int fd = open(BOTH);
    assertEquals(-Errno.EAGAIN, calls.run(new Operation.TryLock(fd)));
    assertEquals(-Errno.EAGAIN, calls.run(new Operation.TryLock(fd)));
    assertAsked(channel, "tryLock", "tryLock");
    assertEquals(0, calls.run(new Operation.Unlock(fd)));
    assertAsked(channel);
  }

  /** Closing any channel of a file would lose the process the lock: they are kept until it is given back. */
  @Test
  void lock_whileItIsHeld_keepsTheChannelsOfOtherOpenings_untilItIsGivenBack() throws Exception {
    for (boolean byClosing : new boolean[] {false, true}) {
      ScriptedChannel its = new ScriptedChannel();
      ScriptedChannel others = new ScriptedChannel();
      its.lock = its.new Lock();
      int holder = files.add(openFile(its));
      assertEquals(0, calls.run(new Operation.TryLock(holder)));
      assertEquals(0, calls.run(new Operation.TryLock(holder)), "it has it already");
      int fd = files.add(openFile(others));
      assertEquals(-Errno.EAGAIN, calls.run(new Operation.TryLock(fd)));
      assertEquals(0, calls.run(new Operation.Unlock(fd)), "fine if it does not have it");
      assertAsked(its, "tryLock");
      assertEquals(0, calls.run(new Operation.Close(fd)));
      assertEquals(0, others.closes, "closed under the lock");
      assertEquals(0, calls.run(byClosing ? new Operation.Close(holder) : new Operation.Unlock(holder)));
      assertEquals(byClosing ? List.of("release", "close") : List.of("release"), its.asked);
      assertEquals(1, others.closes);
      assertEquals(byClosing ? -Errno.EBADF : 0, calls.run(new Operation.Close(holder)));
      assertEquals(1, others.closes);
    }
  }

  private OpenFile openFile(ScriptedChannel on) {
    OpenFile file =
        new OpenFile(dir.resolve("file"), new LinkOption[0], BOTH, new OpenFile.Plain(on, BOTH), null, regular);
    opened.add(file);
    return file;
  }

  @Test
  void lock_thatCannotBeGivenBackWhenItsFileIsClosed_keepsNoChannelOpen() throws Exception {
    channel.lock = channel.new Lock();
    int holder = open(BOTH);
    assertEquals(0, calls.run(new Operation.TryLock(holder)));
    channel.answers.add(eio);
    try (CapturedLog log = new CapturedLog()) {
      assertEquals(0, calls.run(new Operation.Close(holder)));
      assertEquals(1, log.messagesWith("giving back a lock").size());
    }
    assertEquals(1, channel.closes);
  }

  @Test
  void lock_ofWhatCannotBeOpenedForWriting_isRefused() throws Exception {
    int pipe = files.add(openFile(EnumSet.of(OpenFlag.READ), EnumSet.of(OpenFlag.READ), stream, null));
    assertEquals(-Errno.EBADF, calls.run(new Operation.TryLock(pipe)));
    assertAsked(channel);
  }

  /** What is opened on the way, for a lock or to append, goes with the file. */
  @Test
  void channels_openedForALockOrForAppending_areClosedWithTheFile() throws Exception {
    EnumSet<OpenFlag> read = EnumSet.of(OpenFlag.READ);
    int holder = files.add(openFile(read, read, regular, null));
    assertEquals(0, calls.run(new Operation.TryLock(holder)));
    assertTrue(isOpenHere("file"));
    assertEquals(0, calls.run(new Operation.Close(holder)));
    assertFalse(isOpenHere("file"), "the channel of a lock is left open");
    channel.size = 0;
    int allocated = open(BOTH);
    assertEquals(0, calls.run(new Operation.Allocate(allocated, 0, 100)));
    assertEquals(100, Files.size(dir.resolve("file")));
    assertTrue(isOpenHere("file"));
    assertEquals(0, calls.run(new Operation.Close(allocated)));
    assertFalse(isOpenHere("file"), "the channel for appending is left open");
  }

  private boolean isOpenHere(String name) throws IOException {
    Path path = dir.resolve(name).toRealPath();
    try (DirectoryStream<Path> descriptors = Files.newDirectoryStream(Path.of("/proc/self/fd"))) {
      for (Path descriptor : descriptors) {
        if (path.equals(targetOf(descriptor))) {
          return true;
        }
      }
    }
    return false;
  }

  private static @Nullable Path targetOf(Path descriptor) {
    try {
      return Files.readSymbolicLink(descriptor);
    } catch (IOException e) {
      return null; // closed meanwhile
    }
  }

  @Test
  void files_areStreamsUnlessTheyAreFilesOrDirectories() throws Exception {
    assertFalse(openFile(BOTH, regular, null).isStream());
    assertFalse(openFile(BOTH, FileAttributes.read(dir), null).isStream());
    assertTrue(openFile(BOTH, stream, null).isStream());
  }

  /** Of a buffer all of it, wherever it has been moved meanwhile, and it is not moved. */
  @Test
  void memory_ofABufferIsFoundByItsAddress() {
    ByteBuffer buffer = ByteBuffer.allocateDirect(100);
    long start = MemorySegment.ofBuffer(buffer).address();
    ByteBuffer _ = buffer.position(50).limit(60);
    assertEquals(100, Memory.whole(buffer).byteSize());
    assertEquals(50, buffer.position());
    assertEquals(60, buffer.limit());
    assertEquals(start + 10, Memory.part(buffer, start + 10, 80).address());
    assertEquals(80, Memory.view(buffer, start + 10, 80).remaining());
    assertEquals(start + 10, MemorySegment.ofBuffer(Memory.view(buffer, start + 10, 80)).address());
    assertThrows(IllegalArgumentException.class, () -> Memory.whole("no memory"));
  }

  @Test
  void permissions_areTheBitsOneByOne() {
    for (int bits = 0; bits < 512; bits++) {
      Object value = FileOpener.permissions(bits)[0].value();
      int back = 0;
      for (PosixFilePermission permission : PosixFilePermission.values()) {
        boolean has = ((Set<?>) value).contains(permission);
        back = back << 1 | (has ? 1 : 0);
      }
      assertEquals(bits, back);
    }
  }

  // ---- confined memory ----

  @Test
  void confinedMemory_isKnown_andItsStandInIsAnybodysWithTheSameContents() throws Exception {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment mine = arena.allocate(100).fill((byte) 3);
      Operation.Write write = DriverUse.write(1, mine.asSlice(10, 20), 7);
      assertTrue(ConfinedMemory.isIn(write));
      assertTrue(ConfinedMemory.isIn(DriverUse.read(1, mine, 0)));
      assertTrue(ConfinedMemory.isIn(new Operation.ReadVector(1, List.of(pieces(1).getFirst(), DriverUse.piece(mine)), 0)));
      assertTrue(ConfinedMemory.isIn(new Operation.WriteVector(1, List.of(pieces(1).getFirst(), DriverUse.piece(mine)), 0)));
      assertFalse(ConfinedMemory.isIn(read(1, 0)));
      assertFalse(ConfinedMemory.isIn(new Operation.ReadVector(1, pieces(1, 2), 0)));
      assertFalse(ConfinedMemory.isIn(new Operation.Nop()));

      Operation.Write copy = (Operation.Write) ConfinedMemory.standInFor(write);
      MemorySegment stand = Memory.part(copy.memory(), copy.address(), copy.length());
      assertFalse(ConfinedMemory.isIn(copy));
      assertEquals(List.of(1, 20, 7L), List.of(copy.fd(), copy.length(), copy.offset()));
      assertEquals(0, copy.address() % 4096, "direct I/O would be refused");
      assertEquals(-1, stand.mismatch(mine.asSlice(10, 20)));
      ConfinedMemory.free(copy);
      assertFalse(stand.scope().isAlive());

      List<Piece> pieces = List.of(DriverUse.piece(mine.asSlice(0, 5)), DriverUse.piece(mine.asSlice(5, 6)));
      Operation.WriteVector copies =
          (Operation.WriteVector) ConfinedMemory.standInFor(new Operation.WriteVector(2, pieces, 9));
      assertEquals(List.of(2, 9L, 2), List.of(copies.fd(), copies.offset(), copies.pieces().size()));
      List<MemorySegment> stands = copies.pieces().stream().map(piece -> Memory.whole(piece.memory())).toList();
      assertEquals(-1, stands.get(0).mismatch(mine.asSlice(0, 5)));
      assertEquals(-1, stands.get(1).mismatch(mine.asSlice(5, 6)));
      ConfinedMemory.free(copies);
      stands.forEach(each -> assertFalse(each.scope().isAlive()));
    }
  }

  @Test
  void confinedMemory_ofARead_getsWhatWasReadAndNoMore_andTheStandInIsFreed() {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment mine = arena.allocate(100);
      Operation.Read read = DriverUse.read(1, mine.asSlice(10, 20), 0);
      Operation.Read copy = (Operation.Read) ConfinedMemory.standInFor(read);
      MemorySegment stand = Memory.whole(copy.memory()).fill((byte) 4);
      assertEquals(5, ConfinedMemory.copyBack(copy, read, 5));
      assertFalse(stand.scope().isAlive());
      assertEquals(List.of(0, 4, 4, 0), List.of(at(mine, 9), at(mine, 10), at(mine, 14), at(mine, 15)));

      List<Piece> targets = List.of(DriverUse.piece(mine.asSlice(50, 3)), DriverUse.piece(mine.asSlice(60, 10)));
      Operation.ReadVector vector = new Operation.ReadVector(2, targets, 9);
      Operation.ReadVector copies = (Operation.ReadVector) ConfinedMemory.standInFor(vector);
      assertEquals(List.of(2, 9L, 2), List.of(copies.fd(), copies.offset(), copies.pieces().size()));
      List<MemorySegment> stands = copies.pieces().stream().map(piece -> Memory.whole(piece.memory())).toList();
      stands.forEach(each -> each.fill((byte) 6));
      assertEquals(7, ConfinedMemory.copyBack(copies, vector, 7));
      stands.forEach(each -> assertFalse(each.scope().isAlive()));
      assertEquals(List.of(6, 0, 6, 0), List.of(at(mine, 52), at(mine, 53), at(mine, 63), at(mine, 64)));

      Operation failed = ConfinedMemory.standInFor(read);
      assertEquals(-Errno.EIO, ConfinedMemory.copyBack(failed, read, -Errno.EIO));
      assertThrows(IllegalArgumentException.class, () -> ConfinedMemory.standInFor(new Operation.Nop()));
    }
  }

  private static int at(MemorySegment memory, long place) {
    return memory.get(ValueLayout.JAVA_BYTE, place);
  }

  @Test
  @SuppressWarnings("MustBeClosedChecker") // it is closed, in the midst of the test
  void memory_whoseArenaIsClosedWhenTheReadEnds_freesTheStandIn() {
    Arena arena = Arena.ofConfined();
    Operation.Read read = DriverUse.read(1, arena.allocate(10), 0);
    Operation.Read copy = (Operation.Read) ConfinedMemory.standInFor(read);
    MemorySegment stand = Memory.whole(copy.memory());
    arena.close();
    assertThrows(IllegalStateException.class, () -> ConfinedMemory.copyBack(copy, read, 5));
    assertFalse(stand.scope().isAlive());
  }
}
