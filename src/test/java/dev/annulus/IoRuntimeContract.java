package dev.annulus;

import static dev.annulus.Futures.failure;
import static dev.annulus.Futures.get;
import static java.nio.file.LinkOption.NOFOLLOW_LINKS;
import static java.nio.file.StandardOpenOption.CREATE;
import static java.nio.file.StandardOpenOption.READ;
import static java.nio.file.StandardOpenOption.WRITE;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.net.URI;
import java.nio.file.FileSystem;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.ProviderMismatchException;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.function.Supplier;
import org.junit.jupiter.api.Test;

/** Operations on paths, statistics, and the making of runtimes. */
abstract class IoRuntimeContract extends BackendContract {
  // ---- metadata ----

  @Test
  void stat_ofAnything_isWhatTheJdkSees() throws Exception {
    Path file = file(bytes(12_345, 1));
    Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rwxr-x--x"));
    Files.setLastModifiedTime(file, FileTime.from(Instant.parse("1999-12-31T23:59:59.123456789Z")));
    Path old = file(bytes(1, 1));
    Files.setLastModifiedTime(old, FileTime.from(Instant.parse("1965-02-03T04:05:06.789Z")));
    Files.createLink(missing(), file);
    Path link = Files.createSymbolicLink(missing(), file);
    Path dangling = Files.createSymbolicLink(missing(), Path.of("nowhere"));
    for (Path path : List.of(file, old, link, dir, fifo(), Path.of("/dev/null"), Path.of("/"), Path.of("/proc/self/status"))) {
      assertSame(path, get(runtime.stat(path)));
    }
    for (Path path : List.of(file, link, dangling, dir)) {
      assertSame(path, get(runtime.stat(path, NOFOLLOW_LINKS)), NOFOLLOW_LINKS);
    }
    assertEquals(get(runtime.stat(file)).fileKey(), get(runtime.stat(link)).fileKey());
    assertNotEquals(get(runtime.stat(file)).fileKey(), get(runtime.stat(link, NOFOLLOW_LINKS)).fileKey());
  }

  private static void assertSame(Path path, FileStatus status, LinkOption... options) throws Exception {
    Map<String, Object> unix = Files.readAttributes(path, "unix:*", options);
    assertEquals(unix.get("size"), status.size(), path + " size");
    assertEquals(unix.get("mode"), status.mode(), path + " mode");
    assertEquals(unix.get("ino"), status.inode(), path + " inode");
    assertEquals(unix.get("dev"), status.device(), path + " device");
    assertEquals(unix.get("nlink"), status.linkCount(), path + " links");
    assertEquals(unix.get("uid"), status.userId(), path + " user");
    assertEquals(unix.get("gid"), status.groupId(), path + " group");
    assertEquals(unix.get("permissions"), status.permissions(), path + " permissions");
    assertEquals(unix.get("lastModifiedTime"), status.lastModifiedTime(), path + " modified");
    if (!path.startsWith("/proc")) {
      assertEquals(unix.get("lastAccessTime"), status.lastAccessTime(), path + " accessed");
      assertEquals(unix.get("ctime"), status.lastChangeTime(), path + " changed");
      assertEquals(unix.get("creationTime"), status.creationTime(), path + " created");
    }
    assertEquals(unix.get("isRegularFile"), status.isRegularFile(), path + " regular");
    assertEquals(unix.get("isDirectory"), status.isDirectory(), path + " directory");
    assertEquals(unix.get("isSymbolicLink"), status.isSymbolicLink(), path + " link");
    assertEquals(unix.get("isOther"), status.isOther(), path + " other");
    assertTrue(status.blockSizeBytes() >= 512, path + " block size " + status.blockSizeBytes());
  }

  // ---- names ----

  @Test
  void createDirectory_withAndWithoutPermissions_makesItAsTheJdkDoes() throws Exception {
    for (String permissions : List.of("rwxrwxrwx", "rwx------", "r-xr-xr-x")) {
      var attribute = PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString(permissions));
      Path theirs = Files.createDirectory(missing(), attribute);
      Path ours = missing();
      assertNull(get(runtime.createDirectory(ours, attribute)));
      assertEquals(Files.getPosixFilePermissions(theirs), Files.getPosixFilePermissions(ours));
    }
    Path ours = missing();
    assertNull(get(runtime.createDirectory(ours)));
    assertEquals(Files.getPosixFilePermissions(Files.createDirectory(missing())), Files.getPosixFilePermissions(ours));
  }

  @Test
  void delete_ofFileLinkAndEmptyDirectory_removesJustThat() throws Exception {
    Path file = file(bytes(1, 1));
    Path empty = Files.createDirectory(missing());
    Path linkToFile = Files.createSymbolicLink(missing(), file);
    Path linkToDirectory = Files.createSymbolicLink(missing(), empty);
    for (Path path : List.of(linkToFile, linkToDirectory, file, empty)) {
      assertNull(get(runtime.delete(path)));
      assertFalse(Files.exists(path, NOFOLLOW_LINKS));
      assertTrue(path.equals(file) || path.equals(empty) || (Files.exists(file) && Files.exists(empty)));
    }
    Path another = file(bytes(1, 1));
    Path link = Files.createSymbolicLink(missing(), another);
    assertNull(get(runtime.deleteFile(link)));
    assertNull(get(runtime.deleteFile(another)));
    assertFalse(Files.exists(link, NOFOLLOW_LINKS) || Files.exists(another));
  }

  @Test
  void rename_overAFile_replacesIt() throws Exception {
    Path source = file(bytes(10, 1));
    Path target = file(bytes(20, 2));
    assertNull(get(runtime.rename(source, target)));
    assertTrue(Files.notExists(source));
    assertArrayEquals(bytes(10, 1), Files.readAllBytes(target));
    Path directory = Files.createDirectory(missing());
    Path moved = missing();
    assertNull(get(runtime.rename(directory, moved)));
    assertTrue(Files.isDirectory(moved));
  }

  @Test
  void link_toAFile_isAnotherNameOfIt() throws Exception {
    Path existing = file(bytes(10, 1));
    Path link = missing();
    assertNull(get(runtime.link(link, existing)));
    assertTrue(Files.isSameFile(existing, link));
    assertEquals(2, get(runtime.stat(existing)).linkCount());
    Path symbolic = Files.createSymbolicLink(missing(), existing);
    Path second = missing();
    assertNull(get(runtime.link(second, symbolic)));
    assertTrue(Files.isSymbolicLink(second), "a symbolic link is itself linked");
  }

  @Test
  void syncDirectory_always_leavesNoDescriptor() throws Exception {
    for (int i = 0; i < 20; i++) {
      assertNull(get(runtime.syncDirectory(dir)));
      assertEquals(0, Processes.descriptorsOf(dir));
    }
  }

  @Test
  void readDirectory_ofAllKinds_listsThem() throws Exception {
    Path directory = Files.createDirectory(missing());
    assertEquals(List.of(), get(runtime.readDirectory(directory)));
    Set<DirectoryEntry> expected = new HashSet<>();
    expected.add(new DirectoryEntry(Files.createDirectory(directory.resolve("sub")), true));
    expected.add(new DirectoryEntry(Files.createSymbolicLink(directory.resolve("link"), directory), false));
    expected.add(new DirectoryEntry(Files.createFile(directory.resolve(".hidden")), false));
    expected.add(new DirectoryEntry(Files.createFile(directory.resolve("...")), false));
    for (int i = 0; i < 2_000; i++) {
      expected.add(new DirectoryEntry(Files.createFile(directory.resolve("a-rather-long-name-\u00e4-" + i)), false));
    }
    List<DirectoryEntry> entries = get(runtime.readDirectory(directory));
    assertEquals(expected.size(), entries.size());
    assertEquals(expected, new HashSet<>(entries));
  }

  @Test
  void removeTree_withLinksInIt_removesTheLinksAndNotWhatTheyLeadTo() throws Exception {
    Path outside = Files.createDirectory(missing());
    Path kept = Files.createFile(outside.resolve("kept"));
    Path root = Files.createDirectory(missing());
    Path at = root;
    for (int depth = 0; depth < 20; depth++) {
      at = Files.createDirectory(at.resolve("sub"));
      Files.createFile(at.resolve("file"));
      Files.createSymbolicLink(at.resolve("link"), outside);
    }
    assertNull(get(runtime.removeTree(root)));
    assertTrue(Files.notExists(root));
    assertTrue(Files.exists(kept));
    assertEquals(0, Processes.descriptors().stream().filter(target -> target.startsWith(root.toString())).count());
  }

  @Test
  void paths_relativeAndOddlyNamed_work() throws Exception {
    for (String name : List.of(" ", "new\nline", "\u00e4\u20ac\ud83d\ude00", "-", "~", "a".repeat(255))) {
      Path path = dir.resolve(name);
      open(path, WRITE, CREATE).close();
      assertTrue(Files.exists(path), name);
      assertEquals(0, get(runtime.stat(path)).size());
      assertNull(get(runtime.delete(path)));
    }
    assertTrue(get(runtime.stat(Path.of(""))).isDirectory());
    assertEquals(get(runtime.stat(Path.of(".").toRealPath())).inode(), get(runtime.stat(Path.of(""))).inode());
  }

  // ---- statistics ----

  @Test
  void stats_afterAnyMix_addUp() throws Exception {
    try (IoRuntime counted = builder().open()) {
      AsyncFile file = get(counted.openFile(file(bytes(4_096, 1)), READ, WRITE));
      List<CompletableFuture<?>> futures = new ArrayList<>();
      for (int i = 0; i < 500; i++) {
        futures.add(file.read(direct(100), i));
        futures.add(file.writeFully(direct(100), i));
        futures.add(counted.stat(missing()));
        futures.add(counted.nop());
        futures.add(file.tryLockExclusive());
        IoFuture<Integer> cancelled = file.read(direct(100), i);
        boolean early = cancelled.cancel(true);
        futures.add(early ? cancelled.released() : cancelled);
      }
      for (CompletableFuture<?> future : futures) {
        Futures.settled(future);
      }
      awaitIdle(counted);
      RuntimeStats stats = counted.stats();
      // The opening and six in each turn, each counted once; what was cancelled while it waited was never submitted.
      long ended = stats.completed() + stats.failed();
      assertEquals(1 + 500 * 6, ended + stats.cancelled(), stats.toString());
      assertTrue(ended <= stats.submitted() && stats.submitted() <= ended + stats.cancelled(), stats.toString());
      assertTrue(stats.failed() >= 500, stats.toString());
      assertTrue(stats.completed() >= 2_000, stats.toString());
      assertEquals(0, stats.staleCompletions() + stats.abandoned(), stats.toString());
      assertEquals(counted.backend() == Backend.IO_URING, stats.enters() > 0, stats.toString());
      assertEquals(counted.backend() == Backend.IO_URING, !stats.ringFlags().isEmpty(), stats.toString());
    }
  }

  // ---- making runtimes ----

  @Test
  void runtimes_twoAtOnce_doNotDisturbEachOther() throws Exception {
    Path path = file(bytes(4_096, 1));
    AsyncFile ours = open(path, READ);
    try (IoRuntime other = builder().threadName("the-other").open()) {
      AsyncFile theirs = get(other.openFile(path, READ));
      for (int i = 0; i < 100; i++) {
        IoFuture<Void> a = theirs.readFully(direct(100), i);
        IoFuture<Void> b = ours.readFully(direct(100), i);
        assertNull(get(a));
        assertNull(get(b));
      }
    }
    assertEquals(10, get(ours.read(direct(10), 0)));
    assertNull(get(ours.closeAsync()));
  }

  @Test
  void threadName_whenGiven_isUsed() throws Exception {
    try (IoRuntime named = builder().threadName("quite-another-name").open()) {
      assertNull(get(named.nop()));
      assertTrue(Processes.threadsNamed("quite-another-name").size() >= 1, Processes.threadsNamed("").toString());
    }
    assertEquals(List.of(), Processes.threadsNamed("quite-another-name"));
  }

  @Test
  @SuppressWarnings("NullAway") // on purpose
  void builder_withBadValues_refusesThem() {
    IoRuntime.Builder builder = IoRuntime.builder();
    for (int bad : new int[] {0, -1, Integer.MIN_VALUE, Integer.MAX_VALUE}) {
      assertThrows(IllegalArgumentException.class, () -> builder.maxInFlight(bad));
      assertThrows(IllegalArgumentException.class, () -> builder.maxQueued(bad));
    }
    assertThrows(IllegalArgumentException.class, () -> builder.closeTimeout(Duration.ofNanos(-1)));
    assertThrows(NullPointerException.class, () -> builder.closeTimeout(null));
    assertThrows(NullPointerException.class, () -> builder.backend(null));
    assertThrows(NullPointerException.class, () -> builder.whenFull(null));
    assertThrows(NullPointerException.class, () -> builder.completionExecutor(null));
    assertThrows(NullPointerException.class, () -> builder.threadName(null));
  }

  @Test
  void limits_atTheirLeast_work() throws Exception {
    try (IoRuntime least = builder().maxInFlight(1).maxQueued(1).closeTimeout(Duration.ZERO).open();
        AsyncFile file = get(least.openFile(file(bytes(4_096, 1)), READ))) {
      List<IoFuture<Integer>> reads = new ArrayList<>();
      for (int i = 0; i < 200; i++) {
        reads.add(file.read(direct(10), i));
      }
      for (IoFuture<Integer> read : reads) {
        assertEquals(10, get(read));
      }
    }
  }

  @Test
  void path_ofAnotherFileSystem_isRefusedOnTheCallingThread() throws Exception {
    Path zip = missing().resolveSibling("archive.zip");
    long submitted = runtime.stats().submitted();
    try (FileSystem zipfs = FileSystems.newFileSystem(URI.create("jar:" + zip.toUri()), Map.of("create", "true"))) {
      Path inside = zipfs.getPath("/inside");
      List<Supplier<CompletableFuture<?>>> calls =
          List.of(
              () -> runtime.openFile(inside, READ),
              () -> runtime.stat(inside),
              () -> runtime.createDirectory(inside),
              () -> runtime.delete(inside),
              () -> runtime.deleteFile(inside),
              () -> runtime.rename(inside, dir),
              () -> runtime.rename(dir, inside),
              () -> runtime.link(inside, dir),
              () -> runtime.link(dir, inside),
              () -> runtime.syncDirectory(inside),
              () -> runtime.readDirectory(inside),
              () -> runtime.removeTree(inside));
      for (int i = 0; i < calls.size(); i++) {
        Supplier<CompletableFuture<?>> call = calls.get(i);
        assertThrows(ProviderMismatchException.class, () -> call.get().join(), "call " + i);
      }
    }
    assertEquals(submitted, runtime.stats().submitted());
  }

  @Test
  void failure_ofAFuture_hasAStackTraceAndChainOfItsOwn() throws Exception {
    Path missing = missing();
    Throwable first = failure(runtime.stat(missing));
    Throwable second = failure(runtime.stat(missing));
    assertFalse(first.equals(second));
    assertEquals(ErrorKind.NOT_FOUND, ErrorKind.of(first));
  }
}
