package dev.annulus.internal.runtime.direct;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.annulus.internal.abi.Fcntl;
import dev.annulus.internal.abi.StatxLayout;
import dev.annulus.internal.abi.Syscalls;
import dev.annulus.internal.driver.Errno;
import dev.annulus.internal.driver.OpenFlag;
import dev.annulus.internal.driver.Operation;
import dev.annulus.testing.Needs;
import dev.annulus.testing.SmallDisk;
import dev.annulus.testing.SyscallTap;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.FileStore;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.EnumSet;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** To the byte: how much may be allocated on a disk of one's own. What the file has already is told by the test. */
@Timeout(60)
class StorageRoomTest {
  private static final int MEGABYTES = 8;
  private static final long HUGE = 1L << 50;
  private static final int BLOCK = 4096;
  private static final int SECTORS = BLOCK / 512;
  private static final int NO_FILE = 1_000_042;
  private static final int CAP_SYS_RESOURCE = 24;

  @TempDir Path directory;

  private final SyscallTap tap = SyscallTap.ofThisThread();

  @AfterEach
  void close() {
    tap.close();
  }

  /** What the kernel says of the file. */
  private void answer(int mode, long size, long blocks, int blockSize) {
    tap.answer(
        call -> {
          if (call.number() != Syscalls.arch().numbers.statx()) {
            return SyscallTap.PASS;
          }
          MemorySegment statx = SyscallTap.memory(call.arguments().get(4), StatxLayout.SIZE);
          statx.set(JAVA_SHORT, StatxLayout.MODE, (short) mode);
          statx.set(JAVA_LONG, StatxLayout.STX_SIZE, size);
          statx.set(JAVA_LONG, StatxLayout.BLOCKS, blocks);
          statx.set(JAVA_INT, StatxLayout.BLKSIZE, blockSize);
          return 0;
        });
  }

  private void answer(long size, long blocks, int blockSize) {
    answer(Fcntl.S_IFREG | 0600, size, blocks, blockSize);
  }

  private static int room(int fd, long offset, long length) {
    return DirectCalls.run(new Operation.Room(fd, offset, length));
  }

  /** Lets the test have an empty file in a directory. */
  private void withFile(Path in, OnFile test) throws Exception {
    Path file = Files.createFile(in.resolve("file"));
    int fd = DirectCalls.run(new Operation.Open(file, EnumSet.of(OpenFlag.WRITE), 0));
    assertTrue(fd >= 0, () -> Errno.symbol(-fd));
    try {
      test.on(fd, Files.getFileStore(file));
    } finally {
      assertEquals(0, Syscalls.close(fd));
    }
  }

  private interface OnFile {
    void on(int fd, FileStore store) throws IOException;
  }

  private static boolean mayUseReserve() throws IOException {
    for (String line : Files.readAllLines(Path.of("/proc/self/status"))) {
      if (line.startsWith("CapEff:")) {
        return (Long.parseUnsignedLong(line.substring("CapEff:".length()).strip(), 16) & 1L << CAP_SYS_RESOURCE) != 0;
      }
    }
    return false;
  }

  /** As ext4 counts: without the reserve, unless it is for this process, and without what notes on the blocks take. */
  private static long expectedRoom(FileStore store) throws IOException {
    long free = store.getUsableSpace();
    if (mayUseReserve()) {
      free = Math.max(free, store.getUnallocatedSpace() - Math.min(store.getTotalSpace() / 50, 4096 * store.getBlockSize()));
    }
    return free - free / 1024 - 16 * store.getBlockSize();
  }

  private static void assertBoundary(int fd, long offset, long most) {
    assertEquals(0, room(fd, offset, most));
    assertEquals(-Errno.ENOSPC, room(fd, offset, most + 1));
  }

  @Test
  void room_onExt4_isToldToTheByte() throws Exception {
    try (SmallDisk disk = SmallDisk.mount("ext4", MEGABYTES, directory)) {
      withFile(
          disk.path(),
          (fd, store) -> {
            long room = expectedRoom(store);
            assertTrue(room > (MEGABYTES << 20) / 2 && room < MEGABYTES << 20, room + " bytes");
            answer(0, 0, BLOCK);
            assertBoundary(fd, 0, room);
            assertBoundary(fd, 5 * BLOCK, room);
            // All of the file is in the range, also the end of its last block.
            answer(2 * BLOCK, 2 * SECTORS, BLOCK);
            assertBoundary(fd, 0, room + 2 * BLOCK);
            answer(BLOCK + 1, 2 * SECTORS, BLOCK);
            assertBoundary(fd, 0, room + 2 * BLOCK);
            // Some of it is before the range.
            assertBoundary(fd, BLOCK, room + BLOCK);
            // All of it is.
            assertBoundary(fd, 3 * BLOCK, room);
            // It is longer than what it has.
            answer(100 * BLOCK, 2 * SECTORS, BLOCK);
            assertBoundary(fd, 0, room + 2 * BLOCK);
            // It has something behind its end, which may be in the range.
            answer(BLOCK, 3 * SECTORS, BLOCK);
            assertBoundary(fd, BLOCK, room + 2 * BLOCK);
            assertBoundary(fd, 9 * BLOCK, room + 2 * BLOCK);
            assertBoundary(fd, 0, room + 3 * BLOCK);
            // Its blocks' size is not told.
            answer(BLOCK + 1, 2 * SECTORS, 0);
            assertBoundary(fd, 0, room + 2 * BLOCK);
            // What is there already needs no room.
            answer(HUGE, HUGE / 512, BLOCK);
            assertEquals(0, room(fd, 0, HUGE));
            assertEquals(-Errno.ENOSPC, room(fd, 0, 2 * HUGE));
          });
    }
  }

  /** Allocating itself will tell. */
  @Test
  void room_ofWhatCannotBeLookedAt_isTakenForThere() throws Exception {
    try (SmallDisk disk = SmallDisk.mount("ext4", MEGABYTES, directory)) {
      withFile(
          disk.path(),
          (fd, _) -> {
            answer(0, 0, BLOCK);
            assertEquals(-Errno.ENOSPC, room(fd, 0, HUGE));
            assertEquals(0, room(NO_FILE, 0, HUGE));
            answer(Fcntl.S_IFDIR | 0700, 0, 0, BLOCK);
            assertEquals(0, room(fd, 0, HUGE));
            tap.answer(call -> call.number() == Syscalls.arch().numbers.statx() ? -Errno.EIO : SyscallTap.PASS);
            assertEquals(0, room(fd, 0, HUGE));
          });
    }
  }

  /** An overlay may lie upon ext4; others undo what they could not finish. */
  @Test
  void room_onOtherFileSystems_isAskedForOnOverlaysOnly() throws Exception {
    try (SmallDisk disk = SmallDisk.mount("tmpfs", MEGABYTES, directory)) {
      OnFile isThere =
          (fd, _) -> {
            answer(0, 0, BLOCK);
            assertEquals(0, room(fd, 0, HUGE));
          };
      withFile(disk.path(), isThere);
      Path lower = Files.createDirectory(disk.path().resolve("lower"));
      Path upper = Files.createDirectory(disk.path().resolve("upper"));
      Path work = Files.createDirectory(disk.path().resolve("work"));
      Path merged = Files.createDirectory(directory.resolve("merged"));
      String options = "lowerdir=" + lower + ",upperdir=" + upper + ",workdir=" + work;
      if (run("mount", "-t", "overlay", "-o", options, "none", merged.toString()) != 0) {
        Needs.skip("no overlay can be mounted here");
      }
      try {
        withFile(
            merged,
            (fd, store) -> {
              answer(0, 0, BLOCK);
              assertBoundary(fd, 0, expectedRoom(store));
            });
      } finally {
        assertEquals(0, run("umount", merged.toString()));
      }
    }
  }

  private static int run(String... command) throws IOException, InterruptedException {
    Process process = new ProcessBuilder(command).inheritIO().start();
    assertTrue(process.waitFor(20, TimeUnit.SECONDS), () -> String.join(" ", command) + " hangs");
    return process.exitValue();
  }
}
