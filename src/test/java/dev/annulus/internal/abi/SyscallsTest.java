package dev.annulus.internal.abi;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.function.IntSupplier;
import java.util.function.LongSupplier;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The calls against the running kernel: what they return, and that each argument lands where the kernel looks for it. */
@Timeout(30)
class SyscallsTest {
  private static final int EBADF = 9;
  private static final int ENOENT = 2;
  private static final int EINVAL = 22;
  private static final int EAGAIN = 11;

  /** The errno is captured in another place on each kind of thread. */
  enum Kind {
    PLATFORM,
    VIRTUAL;

    long run(LongSupplier body) throws Exception {
      FutureTask<Long> task = new FutureTask<>(body::getAsLong);
      Thread thread = this == VIRTUAL ? Thread.ofVirtual().start(task) : Thread.ofPlatform().daemon().start(task);
      assertEquals(this == VIRTUAL, thread.isVirtual());
      return task.get(10, TimeUnit.SECONDS);
    }
  }

  @TempDir Path directory;

  private final Arena arena = Arena.ofAuto();

  @ParameterizedTest
  @EnumSource
  void openat_missingFile_returnsNegatedErrno(Kind kind) throws Exception {
    MemorySegment path = path("missing");
    assertEquals(-ENOENT, kind.run(() -> Syscalls.openat(Fcntl.AT_FDCWD, path, Fcntl.O_RDONLY | Fcntl.O_CLOEXEC, 0)));
  }

  @ParameterizedTest
  @EnumSource
  void call_successAfterFailure_doesNotReportTheStaleErrno(Kind kind) throws Exception {
    MemorySegment missing = path("missing");
    int fd = open("file", Fcntl.O_RDWR | Fcntl.O_CREAT);
    IntSupplier[] succeeding = {
      () -> Syscalls.fsync(fd), () -> Syscalls.fdatasync(fd), () -> Syscalls.ftruncate(fd, 0), () -> Syscalls.read(fd, 0, 0),
    };
    for (IntSupplier call : succeeding) {
      long result =
          kind.run(
              () -> {
                int failed = Syscalls.openat(Fcntl.AT_FDCWD, missing, Fcntl.O_RDONLY, 0);
                return failed == -ENOENT ? call.getAsInt() : Long.MIN_VALUE;
              });
      assertEquals(0, result);
    }
    close(fd);
  }

  @Test
  void eventfd_cloexec_isSetOnlyWhenAskedFor() throws IOException {
    int closing = Syscalls.eventfd(Fcntl.EFD_CLOEXEC);
    int staying = Syscalls.eventfd(0);
    assertTrue(closing >= 0 && staying >= 0, closing + ", " + staying);
    assertEquals(Fcntl.O_CLOEXEC, statusFlags(closing) & Fcntl.O_CLOEXEC);
    assertEquals(0, statusFlags(staying) & Fcntl.O_CLOEXEC);
    close(closing);
    close(staying);
  }

  @ParameterizedTest
  @EnumSource
  void mmap_refused_returnsNegatedErrno(Kind kind) throws Exception {
    assertEquals(-EBADF, kind.run(() -> Syscalls.mmap(4096, Fcntl.PROT_READ, Fcntl.MAP_SHARED, -1, 0)));
    int fd = open("unmapped", Fcntl.O_RDWR | Fcntl.O_CREAT);
    assertEquals(-EINVAL, kind.run(() -> Syscalls.mmap(0, Fcntl.PROT_READ, Fcntl.MAP_SHARED, fd, 0)));
    close(fd);
  }

  @Test
  void mmap_file_showsItsBytesUntilUnmapped() throws IOException {
    byte[] content = new byte[8192];
    content[4096] = 42;
    Path file = Files.write(directory.resolve("mapped"), content);
    int fd = open("mapped", Fcntl.O_RDWR);
    long address = Syscalls.mmap(4096, Fcntl.PROT_READ | Fcntl.PROT_WRITE, Fcntl.MAP_SHARED, fd, 4096);
    assertTrue(address > 0, "mmap: " + address);
    MemorySegment mapping = Syscalls.segment(address, 4096);
    assertEquals(42, mapping.get(JAVA_BYTE, 0));
    assertTrue(Files.readString(Path.of("/proc/self/maps")).contains(file.toRealPath().toString()));
    Syscalls.munmap(mapping);
    assertFalse(Files.readString(Path.of("/proc/self/maps")).contains(file.toRealPath().toString()));
    close(fd);
  }

  @Test
  void readsAndWrites_atOffsets_moveTheBytesAsked() throws IOException {
    int fd = open("data", Fcntl.O_RDWR | Fcntl.O_CREAT);
    MemorySegment text = arena.allocateFrom("abcdefgh");
    assertEquals(8, Syscalls.write(fd, text.address(), 8));
    assertEquals(3, Syscalls.pwrite(fd, text.address(), 3, 10));
    assertArrayEquals("abcdefgh\0\0abc".getBytes(StandardCharsets.US_ASCII), Files.readAllBytes(directory.resolve("data")));

    MemorySegment target = arena.allocate(8);
    assertEquals(4, Syscalls.pread(fd, target.address(), 4, 2));
    assertEquals("cdef", target.getString(0));
    // The file's own position stands behind the eight bytes written with it.
    assertEquals(5, Syscalls.read(fd, target.address(), 8));
    assertEquals(0, Syscalls.read(fd, target.address(), 8));
    close(fd);
  }

  @Test
  void vectors_atOffsets_moveTheBytesAsked() throws IOException {
    int fd = open("vectors", Fcntl.O_RDWR | Fcntl.O_CREAT);
    MemorySegment text = arena.allocateFrom("abcdefgh");
    MemorySegment twoPieces = iovecs(text.address(), 2, text.address() + 5, 3);
    assertEquals(5, Syscalls.pwritev(fd, twoPieces, 2, 4));
    assertArrayEquals("\0\0\0\0abfgh".getBytes(StandardCharsets.US_ASCII), Files.readAllBytes(directory.resolve("vectors")));

    MemorySegment target = arena.allocate(8);
    assertEquals(4, Syscalls.preadv(fd, iovecs(target.address(), 1, target.address() + 4, 3), 2, 5));
    assertEquals('b', target.get(JAVA_BYTE, 0));
    assertEquals("fgh", target.getString(4));
    close(fd);
  }

  @Test
  void vectors_moreThanTheMaximum_areRefused() {
    int fd = open("many", Fcntl.O_RDWR | Fcntl.O_CREAT);
    MemorySegment pieces = arena.allocate((IovecLayout.MAX_COUNT + 1) * IovecLayout.SIZE, Long.BYTES);
    assertEquals(0, Syscalls.preadv(fd, pieces, IovecLayout.MAX_COUNT, 0));
    assertEquals(-EINVAL, Syscalls.preadv(fd, pieces, IovecLayout.MAX_COUNT + 1, 0));
    close(fd);
  }

  @Test
  void lengths_setBeyondTheEnd_areSeenByStatx() {
    int fd = open("lengths", Fcntl.O_RDWR | Fcntl.O_CREAT);
    long big = 5L << 30;
    assertEquals(0, Syscalls.ftruncate(fd, big));
    assertEquals(big, statx(fd).get(JAVA_LONG, StatxLayout.STX_SIZE));
    assertEquals(0, Syscalls.ftruncate(fd, 10));
    assertEquals(0, Syscalls.fallocate(fd, 0, 4096, 8192));
    assertEquals(12288, statx(fd).get(JAVA_LONG, StatxLayout.STX_SIZE));
    close(fd);
  }

  @Test
  void statx_file_agreesWithTheJdk() throws IOException {
    Path file = Files.writeString(directory.resolve("described"), "12345");
    int fd = open("described", Fcntl.O_RDONLY);
    MemorySegment statx = statx(fd);
    assertEquals(Fcntl.STATX_BASIC_STATS, statx.get(JAVA_INT, StatxLayout.MASK) & Fcntl.STATX_BASIC_STATS);
    assertEquals(attribute(file, "ino"), statx.get(JAVA_LONG, StatxLayout.INO));
    assertEquals(attribute(file, "mode"), Short.toUnsignedInt(statx.get(JAVA_SHORT, StatxLayout.MODE)));
    assertEquals(attribute(file, "nlink"), statx.get(JAVA_INT, StatxLayout.NLINK));
    assertEquals(attribute(file, "uid"), statx.get(JAVA_INT, StatxLayout.UID));
    assertEquals(attribute(file, "gid"), statx.get(JAVA_INT, StatxLayout.GID));
    assertEquals(5, statx.get(JAVA_LONG, StatxLayout.STX_SIZE));
    long modified = Files.getLastModifiedTime(file).to(TimeUnit.SECONDS);
    assertEquals(modified, statx.get(JAVA_LONG, StatxLayout.MTIME));
    close(fd);
  }

  @Test
  void names_madeMovedLinkedRemoved_areThere() throws IOException {
    assertEquals(0, Syscalls.mkdirat(Fcntl.AT_FDCWD, path("dir"), 0700));
    assertTrue(Files.isDirectory(directory.resolve("dir")));
    close(open("dir/a", Fcntl.O_WRONLY | Fcntl.O_CREAT | Fcntl.O_EXCL));
    assertEquals(0, Syscalls.renameat2(Fcntl.AT_FDCWD, path("dir/a"), Fcntl.AT_FDCWD, path("dir/b"), 0));
    assertEquals(0, Syscalls.linkat(Fcntl.AT_FDCWD, path("dir/b"), Fcntl.AT_FDCWD, path("dir/c"), 0));
    assertTrue(Files.isSameFile(directory.resolve("dir/b"), directory.resolve("dir/c")));
    assertEquals(Set.of(".", "..", "b", "c"), list("dir"));
    assertEquals(0, Syscalls.unlinkat(Fcntl.AT_FDCWD, path("dir/b"), 0));
    assertEquals(0, Syscalls.unlinkat(Fcntl.AT_FDCWD, path("dir/c"), 0));
    assertEquals(0, Syscalls.unlinkat(Fcntl.AT_FDCWD, path("dir"), Fcntl.AT_REMOVEDIR));
    assertFalse(Files.exists(directory.resolve("dir"), LinkOption.NOFOLLOW_LINKS));
  }

  @Test
  void flock_heldByAnotherDescriptor_returnsAgain() {
    int holder = open("lock", Fcntl.O_RDWR | Fcntl.O_CREAT);
    int other = open("lock", Fcntl.O_RDWR);
    assertEquals(0, Syscalls.flock(holder, Fcntl.LOCK_EX | Fcntl.LOCK_NB));
    assertEquals(-EAGAIN, Syscalls.flock(other, Fcntl.LOCK_EX | Fcntl.LOCK_NB));
    close(holder);
    assertEquals(0, Syscalls.flock(other, Fcntl.LOCK_EX | Fcntl.LOCK_NB));
    close(other);
  }

  @Test
  void writeQuietly_goodAndBadDescriptor_tellsThemApart() {
    int fd = Syscalls.eventfd(Fcntl.EFD_CLOEXEC);
    MemorySegment number = arena.allocateFrom(JAVA_LONG, 7);
    assertEquals(8, Syscalls.writeQuietly(fd, number.address(), 8));
    MemorySegment read = arena.allocate(JAVA_LONG);
    assertEquals(8, Syscalls.read(fd, read.address(), 8));
    assertEquals(7, read.get(JAVA_LONG, 0));
    close(fd);
    assertTrue(Syscalls.writeQuietly(-1, number.address(), 8) < 0);
  }

  private int open(String name, int flags) {
    int fd = Syscalls.openat(Fcntl.AT_FDCWD, path(name), flags | Fcntl.O_CLOEXEC, 0600);
    assertTrue(fd >= 0, "openat: " + fd);
    return fd;
  }

  private static void close(int fd) {
    assertEquals(0, Syscalls.close(fd));
  }

  private MemorySegment path(String name) {
    return arena.allocateFrom(directory.resolve(name).toString());
  }

  private MemorySegment iovecs(long firstAddress, long firstLength, long secondAddress, long secondLength) {
    return arena.allocateFrom(JAVA_LONG, firstAddress, firstLength, secondAddress, secondLength);
  }

  private MemorySegment statx(int fd) {
    MemorySegment statx = arena.allocate(StatxLayout.SIZE, Long.BYTES);
    assertEquals(0, Syscalls.statx(fd, arena.allocate(1), Fcntl.AT_EMPTY_PATH, Fcntl.STATX_BASIC_STATS, statx));
    return statx;
  }

  private Set<String> list(String name) {
    int fd = open(name, Fcntl.O_RDONLY | Syscalls.arch().openDirectory);
    MemorySegment records = arena.allocate(4096, Long.BYTES);
    int filled = Syscalls.getdents64(fd, records);
    Set<String> names = new TreeSet<>();
    for (int at = 0; at < filled; at += records.get(JAVA_SHORT, at + DirentLayout.RECLEN)) {
      names.add(records.getString(at + DirentLayout.NAME));
    }
    assertEquals(0, Syscalls.getdents64(fd, records));
    close(fd);
    return names;
  }

  private static long attribute(Path file, String name) throws IOException {
    return ((Number) Files.getAttribute(file, "unix:" + name)).longValue();
  }

  private static int statusFlags(int fd) throws IOException {
    for (String line : Files.readAllLines(Path.of("/proc/self/fdinfo/" + fd))) {
      if (line.startsWith("flags:")) {
        return Integer.parseInt(line.substring("flags:".length()).strip(), 8);
      }
    }
    throw new AssertionError("no flags of descriptor " + fd);
  }
}
