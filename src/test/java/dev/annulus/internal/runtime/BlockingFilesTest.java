package dev.annulus.internal.runtime;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.annulus.internal.abi.Fcntl;
import dev.annulus.internal.abi.StatxLayout;
import dev.annulus.internal.abi.Syscalls;
import dev.annulus.internal.driver.Errno;
import dev.annulus.internal.driver.HungOperations;
import dev.annulus.internal.driver.Mounts;
import dev.annulus.internal.driver.OpenFlag;
import dev.annulus.internal.driver.Operation;
import dev.annulus.internal.driver.StatResult;
import dev.annulus.internal.runtime.direct.DirectCalls;
import dev.annulus.internal.runtime.direct.FileSystemTypes;
import dev.annulus.testing.FaultyFileSystem;
import dev.annulus.testing.SyscallTap;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Which files are known to be of other machines or of user space, and where they are mounted. */
@Timeout(60)
class BlockingFilesTest {
  private static final Path MEMORY = Path.of("/dev/shm");

  @TempDir Path directory;

  private final Mounts mounts = new Mounts();
  private final BlockingFiles files = new BlockingFiles(mounts);

  private static int openFile(Path path) {
    int fd = DirectCalls.run(new Operation.Open(path, EnumSet.of(OpenFlag.READ), 0));
    assertTrue(fd >= 0, () -> Errno.symbol(-fd));
    return fd;
  }

  private static void closeFile(int fd) {
    assertEquals(0, Syscalls.close(fd));
  }

  @Test
  void localFile_isTrustedAndCheapToClose() {
    int fd = openFile(MEMORY);
    try {
      assertFalse(files.isKnownToBlock(fd), "nothing is known yet");
      assertNull(files.mountIfSlowToClose(fd));
      assertFalse(files.mayBlock(fd));
      assertFalse(files.isKnownToBlock(fd));
      assertNull(files.mountIfSlowToClose(fd));
      assertEquals(MEMORY.toString(), files.mountPoint(fd));
      assertTrue(FileSystemTypes.syncsWrites(fd));
      assertFalse(FileSystemTypes.isFuse(fd));
    } finally {
      closeFile(fd);
    }
  }

  @Test
  void fileInUserSpace_mayBlockUntilItIsForgotten() throws IOException {
    Path parent = Files.createDirectory(directory.resolve("a b\\c"));
    try (FaultyFileSystem fs = FaultyFileSystem.mount(parent)) {
      int fd = openFile(Files.createFile(fs.root().resolve("file")));
      try {
        assertEquals(fs.root().toString(), files.mountPoint(fd), "asked before anything is known");
        assertTrue(files.mayBlock(fd));
        assertTrue(files.isKnownToBlock(fd));
        assertTrue(files.mayBlock(fd));
        Mounts.Mount mount = files.mountIfSlowToClose(fd);
        assertNotNull(mount);
        assertEquals(fs.root().toString(), mount.point());
        assertTrue(mount.type().startsWith("fuse"), mount.toString());
        assertEquals(fs.root().toString(), files.mountPoint(fd));
        assertTrue(files.opensMayBlock());
        assertFalse(FileSystemTypes.syncsWrites(fd));
        assertTrue(FileSystemTypes.isFuse(fd));
        files.forget(fd);
        assertFalse(files.isKnownToBlock(fd));
        Mounts.Mount unknown = files.mountIfSlowToClose(fd);
        assertNotNull(unknown, "closing asks its server");
        assertEquals(fs.root().toString(), unknown.point());
        assertEquals(fs.root().toString(), mounts.mountOf(fs.root().resolve("sub/file")).point());
      } finally {
        closeFile(fd);
      }
    }
  }

  @Test
  void otherDescriptors_pipesAndNone_areTrustedButNotCheapToClose() throws IOException {
    assertFalse(files.mayBlock(-1));
    assertFalse(files.mayBlock(1_000_000));
    assertFalse(files.mayBlock(Integer.MAX_VALUE));
    assertFalse(files.isKnownToBlock(Integer.MAX_VALUE));
    files.forget(-1);
    files.forget(Integer.MAX_VALUE);
    assertNotNull(files.mountIfSlowToClose(1_000_000));
    assertEquals("(unknown)", mounts.mountOf(1_000_000).point());
    int eventFd = Syscalls.eventfd(Fcntl.EFD_CLOEXEC);
    try {
      assertNotNull(files.mountIfSlowToClose(eventFd), "neither a file nor a directory");
    } finally {
      closeFile(eventFd);
    }
  }

  /** By size and kind, of a local file system: what it says is answered by the test. */
  @ParameterizedTest
  @CsvSource({
    "32767, 0x8000, true", "32768, 0x8000, false", "0, 0x8000, true", "8, 0x4000, true", "8, 0x2000, false", "8, 0x1000, false"
  })
  void localFile_byWhatItHolds_isCheapToClose(long blocks, int type, boolean cheap) {
    int fd = openFile(MEMORY);
    try (SyscallTap tap = SyscallTap.ofThisThread()) {
      tap.answer(
          call -> {
            if (call.number() != Syscalls.arch().numbers.statx()) {
              return SyscallTap.PASS;
            }
            assertEquals((long) (Fcntl.AT_EMPTY_PATH | Fcntl.AT_STATX_DONT_SYNC), call.arguments().get(2), "asks a server");
            int[] result = {0};
            MemorySegment statx = SyscallTap.memory(call.arguments().get(4), StatxLayout.SIZE);
            Thread asking =
                Thread.ofPlatform()
                    .start(
                        () ->
                            result[0] =
                                Syscalls.statx(
                                    fd,
                                    SyscallTap.memory(call.arguments().get(1), 1),
                                    call.arguments().get(2).intValue(),
                                    call.arguments().get(3).intValue(),
                                    statx));
            assertTrue(joined(asking));
            statx.set(JAVA_LONG, StatxLayout.BLOCKS, blocks);
            statx.set(JAVA_SHORT, StatxLayout.MODE, (short) type);
            return result[0];
          });
      assertEquals(cheap, files.mountIfSlowToClose(fd) == null);
    } finally {
      closeFile(fd);
    }
  }

  private static boolean joined(Thread thread) {
    try {
      return thread.join(Duration.ofSeconds(20));
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
  }

  /** Before Linux 5.8 the mount is not told: such files are trusted. */
  @Test
  void file_whoseMountIsNotTold_isTrusted() {
    int fd = openFile(MEMORY);
    try (SyscallTap tap = SyscallTap.ofThisThread()) {
      tap.answer(
          call -> {
            if (call.number() == Syscalls.arch().numbers.statx()) {
              SyscallTap.memory(call.arguments().get(4), StatxLayout.SIZE).set(JAVA_INT, StatxLayout.MASK, 0);
              return 0;
            }
            return SyscallTap.PASS;
          });
      assertFalse(files.mayBlock(fd));
      assertFalse(files.isKnownToBlock(fd));
      int before = tap.calls().size();
      assertFalse(files.mayBlock(fd));
      assertEquals(before, tap.calls().size(), "asked again");
    } finally {
      closeFile(fd);
    }
  }

  @Test
  void mount_thatTheTableDoesNotShow_isNotTrusted() {
    Mounts.Mount hidden = mounts.mount(new Mounts.Key(Long.MAX_VALUE, 1, 2));
    assertFalse(hidden.isLocal());
    assertEquals("(unknown)", hidden.point());
  }

  @Test
  void mounts_keys_areEqualByAllTheirParts() {
    Mounts.Key key = new Mounts.Key(1, 2, 3);
    assertEquals(key, new Mounts.Key(1, 2, 3));
    assertEquals(key.hashCode(), new Mounts.Key(1, 2, 3).hashCode());
    for (Mounts.Key other : List.of(new Mounts.Key(2, 2, 3), new Mounts.Key(1, 3, 3), new Mounts.Key(1, 2, 4))) {
      assertFalse(key.equals(other), other.toString());
    }
    assertFalse(key.equals((Object) "1"));
  }

  @Test
  void mountPoints_ofPaths_areTheLongestThatContainThem() {
    assertEquals("/", mounts.mountOf(Path.of("/no such directory/file")).point());
    assertEquals("/dev/shm", mounts.mountOf(Path.of("/dev/shm/x/../y")).point());
    assertEquals("/proc", mounts.mountOf(Path.of("/proc/self/status")).point());
    assertTrue(mounts.mountOf(Path.of("/dev/shmx")).point().length() < "/dev/shm".length());
  }

  /** Each operation by the file or path it is about. */
  @Test
  void hungOperations_ofAllKinds_areCountedByTheirMount() {
    Path shm = MEMORY.resolve("x");
    Path proc = Path.of("/proc/x");
    int fd = openFile(MEMORY);
    try {
      StatResult into = new StatResult();
      MemorySegment memory = MemorySegment.NULL;
      List<Operation> onFile =
          List.of(
              new Operation.PlainRead(fd, memory, 0, 1, 0),
              new Operation.PlainWrite(fd, memory, 0, 1, 0),
              new Operation.ReadVector(fd, List.of(), 0),
              new Operation.WriteVector(fd, List.of(), 0),
              new Operation.Sync(fd, true),
              new Operation.Truncate(fd, 0),
              new Operation.Allocate(fd, 0, 1),
              new Operation.Reserve(fd, 0, 1),
              new Operation.Room(fd, 0, 1),
              new Operation.Stat(fd, into),
              new Operation.Close(fd),
              new Operation.TryLock(fd),
              new Operation.Unlock(fd));
      List<Operation> onPath =
          List.of(
              new Operation.StatPath(shm, true, into),
              new Operation.Open(shm, EnumSet.of(OpenFlag.READ), 0),
              new Operation.CreateDirectory(shm, 0),
              new Operation.Remove(shm, true),
              new Operation.Rename(proc, shm),
              new Operation.Link(shm, proc),
              new Operation.ListDirectory(shm, new ArrayList<>()),
              new Operation.RemoveTree(shm));
      HungOperations hung = new HungOperations(mounts, files::mountPoint);
      hung.add(new Operation.Nop());
      assertEquals(Map.of(), hung.byMountPoint());
      int count = 0;
      for (Operation operation : onFile) {
        hung.add(operation);
        assertEquals(Map.of("/dev/shm", ++count), hung.byMountPoint(), operation.name());
      }
      for (Operation operation : onPath) {
        hung.add(operation);
        assertEquals(Map.of("/dev/shm", ++count), hung.byMountPoint(), operation.name());
      }
      hung.add("/elsewhere");
      assertEquals(Map.of("/dev/shm", count, "/elsewhere", 1), hung.byMountPoint());
    } finally {
      closeFile(fd);
    }
  }

  @Test
  void unknownRing_descriptorsOfItsOwn_areNotAskedAbout() {
    BlockingFiles unknown = new BlockingFiles.Unknown();
    assertFalse(unknown.mayBlock(0));
    assertTrue(unknown.opensMayBlock());
  }
}
