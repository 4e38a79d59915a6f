package dev.annulus;

import static dev.annulus.Futures.get;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.annulus.testing.FaultyFileSystem;
import dev.annulus.testing.FaultyFileSystem.Option;
import dev.annulus.testing.fuse.Reply;
import dev.annulus.testing.fuse.Request.Kind;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.function.Supplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * What a device that does not answer may do to others: nothing. Each test lets many operations of a
 * file system hang and then uses another one, where each step must end within {@link #LIMIT}.
 */
abstract class HungDeviceContract extends BackendContract {
  /** Of one step on the healthy device. It takes well under a millisecond when nobody else is busy. */
  private static final Duration LIMIT = Duration.ofSeconds(2);

  private static final int HUNG = 64;

  /** Fewer places than operations hang. */
  static final int FEW = 32;

  @SuppressWarnings("NullAway.Init") // mount
  FaultyFileSystem sick;

  @BeforeEach
  final void mount() throws IOException {
    sick = FaultyFileSystem.mount(dir, Option.DIRECT_IO);
  }

  @AfterEach
  final void unmount() throws IOException {
    sick.close();
  }

  @Test
  void healthyDevice_besideHungSyncsAndReads_isAlive() throws Exception {
    List<CompletableFuture<?>> hung = new ArrayList<>();
    List<AsyncFile> files = hangSyncs(HUNG, hung);
    sick.on(Kind.READ, _ -> Reply.hang());
    files.forEach(file -> hung.add(file.read(direct(16), 0)));
    sick.awaitHanging(HUNG / 4);
    assertHealthy();
    sick.awaitHanging(2 * HUNG);

    assertHealthy();
    assertTrue(hung.stream().noneMatch(CompletableFuture::isDone), "hung operations that ended");
    recover(hung);
    closeAll(files);
  }

  /** One more operation after each other kind: what a kind blocks does not matter to the next. */
  @Test
  void healthyDevice_besideHungOperationsOnPaths_isAlive() throws Exception {
    Path inside = Files.createDirectory(sick.root().resolve("inside"));
    Path file = Files.createFile(inside.resolve("file"));
    List<Kind> kinds = List.of(Kind.OPEN, Kind.GETATTR, Kind.MKDIR, Kind.UNLINK, Kind.OPENDIR);
    kinds.forEach(kind -> sick.on(kind, _ -> Reply.hang()));
    List<CompletableFuture<?>> hung = new ArrayList<>();
    for (int i = 0; i < HUNG / 4; i++) {
      hung.add(runtime.openFile(file));
      hung.add(runtime.stat(file));
      hung.add(runtime.readDirectory(inside));
      hung.add(runtime.syncDirectory(sick.root()));
    }
    sick.awaitHanging(HUNG);
    assertHealthy();
    sick.pass();
    recover(hung);
    for (CompletableFuture<?> each : hung) {
      if (each.join() instanceof AsyncFile opened) {
        opened.close();
      }
    }
  }

  /** The name of the mount's root is known to the kernel, so that it opens the root without a look-up. */
  @Test
  void directory_whoseOpeningHangs_stopsNothing() throws Exception {
    sick.on(Kind.OPENDIR, _ -> Reply.hang());
    CompletableFuture<Void> hung = runtime.syncDirectory(sick.root());
    sick.awaitHanging(1);
    assertHealthy();
    recover(List.of(hung));
  }

  @Test
  void closes_thatHang_stopNothing() throws Exception {
    List<AsyncFile> files = openSick(runtime, 8);
    sick.on(Kind.FLUSH, _ -> Reply.hang());
    List<CompletableFuture<?>> hung = new ArrayList<>();
    files.forEach(file -> hung.add(file.closeAsync()));
    sick.awaitHanging(files.size());
    assertHealthy();
    assertTrue(hung.stream().noneMatch(CompletableFuture::isDone), "hung closes that ended");
    sick.pass();
    recover(hung);
  }

  @Test
  void listings_thatHang_stopNothing() throws Exception {
    sick.on(Kind.READDIR, _ -> Reply.hang());
    List<CompletableFuture<?>> hung = new ArrayList<>();
    for (int i = 0; i < 20; i++) {
      hung.add(runtime.readDirectory(sick.root()));
    }
    sick.awaitHanging(hung.size());
    assertHealthy();
    sick.pass();
    recover(hung);
  }

  /** Of each kind that knows its file system in another way: by descriptor, by path, by the mount alone. */
  @Test
  void hungOperations_ofASickDevice_areCountedForItsMount() throws Exception {
    assertEquals(Map.of(), runtime.hungOperations());
    String mount = sick.root().toRealPath().toString();
    List<CompletableFuture<?>> hung = new ArrayList<>();
    List<AsyncFile> files = hangSyncs(3, hung);
    Path link = Files.createSymbolicLink(dir.resolve("link"), sick.root());
    AsyncFile linked = open(Files.createFile(link.resolve("linked")), StandardOpenOption.WRITE);
    hung.add(linked.sync(Sync.ALL));
    AsyncFile closing = open(Files.createFile(sick.root().resolve("closing")));
    sick.on(Kind.FLUSH, _ -> Reply.hang());
    sick.on(Kind.OPENDIR, _ -> Reply.hang());
    hung.add(closing.closeAsync());
    hung.add(runtime.readDirectory(sick.root()));
    hung.add(runtime.syncDirectory(sick.root()));
    sick.awaitHanging(7);
    awaitEquals(Map.of(mount, 7), runtime::hungOperations);
    assertHealthy();
    assertEquals(Map.of(mount, 7), runtime.hungOperations());
    recover(hung);
    assertEquals(Map.of(), runtime.hungOperations());
    linked.close();
    closeAll(files);
  }

  /** A slot's former operation was long ago: the new one is young all the same, though the reaper has slept. */
  @Test
  void hungOperations_afterALongSleep_areNone() throws Exception {
    get(runtime.nop());
    Path file = Files.write(sick.root().resolve("file"), new byte[16]);
    AsyncFile opened = open(file);
    sick.on(Kind.READ, _ -> Reply.hang());
    CompletableFuture<Integer> first = opened.read(direct(16), 0);
    awaitEquals(1, () -> runtime.hungOperations().size());
    long begin = System.nanoTime();
    CompletableFuture<Integer> second = opened.read(direct(16), 0);
    sick.awaitHanging(2);
    int counted = runtime.hungOperations().values().iterator().next();
    boolean inTime = System.nanoTime() - begin < Duration.ofSeconds(1).toNanos();
    assertTrue(counted == 1 || !inTime, "counted " + counted);
    recover(List.of(first, second));
    opened.close();
  }

  static <T> void awaitEquals(T expected, Supplier<T> actual) {
    assertTimeoutPreemptively(
        Duration.ofSeconds(10),
        () -> {
          while (!expected.equals(actual.get())) {
            Thread.sleep(5);
          }
        },
        () -> "not " + expected + " but " + actual.get());
  }

  /** All places are taken before anything is known to hang; those do not count for ever. */
  @Test
  void healthyDevice_besideMoreHungOperationsThanPlaces_isAliveOnceTheyAreKnown() throws Exception {
    try (IoRuntime small = builder().maxInFlight(FEW).threadName("few").open()) {
      List<CompletableFuture<?>> hung = new ArrayList<>();
      List<AsyncFile> files = hangSyncs(small, HUNG, hung);
      sick.on(Kind.READ, _ -> Reply.hang());
      files.forEach(file -> hung.add(file.read(direct(16), 0)));
      awaitHungOperations(small, FEW);
      assertHealthy(small);
      assertTrue(hung.stream().noneMatch(CompletableFuture::isDone), "hung operations that ended");
      recover(hung);
      assertHealthy(small);
      closeAll(files);
    }
  }

  static void awaitHungOperations(IoRuntime watched, int atLeast) {
    awaitEquals(
        true, () -> watched.hungOperations().values().stream().mapToInt(i -> i).sum() >= atLeast);
  }

  /** Opens files of the sick device and lets a sync of each hang: more than one of a file would wait for each other. */
  final List<AsyncFile> hangSyncs(int count, List<CompletableFuture<?>> hung) throws Exception {
    return hangSyncs(runtime, count, hung);
  }

  final List<AsyncFile> hangSyncs(IoRuntime user, int count, List<CompletableFuture<?>> hung) throws Exception {
    List<AsyncFile> files = openSick(user, count);
    sick.on(Kind.FSYNC, _ -> Reply.hang());
    files.forEach(file -> hung.add(file.sync(Sync.DATA)));
    return files;
  }

  private List<AsyncFile> openSick(IoRuntime user, int count) throws Exception {
    List<AsyncFile> files = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      Path file = Files.write(sick.root().resolve("sick-" + i), bytes(16, i));
      files.add(get(user.openFile(file, StandardOpenOption.READ, StandardOpenOption.WRITE)));
    }
    return files;
  }

  final void assertHealthy() throws Exception {
    assertHealthy(runtime);
  }

  /** Does everything that is done with files, on a device that answers. */
  final void assertHealthy(IoRuntime user) throws Exception {
    byte[] contents = bytes(4096, 1);
    for (int i = 0; i < 3; i++) {
      Path path = dir.resolve("healthy-" + i);
      AsyncFile file =
          timed("open", () -> get(user.openFile(path, StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE)));
      timed("write", () -> get(file.writeFully(direct(contents), 0)));
      timed("sync", () -> get(file.sync(Sync.DATA)));
      var read = direct(contents.length);
      timed("read", () -> get(file.readFully(read, 0)));
      assertArrayEquals(contents, drained(read.position(contents.length)));
      assertEquals(4096, timed("size", () -> get(file.size())));
      timed("close", () -> get(file.closeAsync()));
      timed("list", () -> get(user.readDirectory(Files.createDirectories(dir.resolve("healthy")))));
      timed("delete", () -> get(user.delete(path)));
      timed("nop", () -> get(user.nop()));
    }
  }

  private static <T> T timed(String step, Callable<T> action) throws Exception {
    long begin = System.nanoTime();
    T result = action.call();
    Duration took = Duration.ofNanos(System.nanoTime() - begin);
    assertTrue(took.compareTo(LIMIT) < 0, step + " took " + took);
    return result;
  }

  /** Lets the device answer, upon which all that hung must end. */
  final void recover(List<CompletableFuture<?>> hung) throws Exception {
    sick.pass();
    sick.release();
    for (CompletableFuture<?> each : hung) {
      Object _ = get(each);
    }
  }

  final void closeAll(List<AsyncFile> files) {
    files.forEach(AsyncFile::close);
  }
}
