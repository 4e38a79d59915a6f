package dev.annulus;

import static dev.annulus.Futures.failure;
import static dev.annulus.Futures.get;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.annulus.testing.Needs;
import dev.annulus.testing.fuse.Reply;
import dev.annulus.testing.fuse.Request.Kind;
import java.io.IOException;
import java.nio.file.FileStore;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;

class IoUringHungDeviceTest extends HungDeviceContract {
  private static final Path TMPFS = Path.of("/dev/shm");
  private static final long LARGE = 1L << 30;

  @Override
  Backend backend() {
    return Backend.IO_URING;
  }

  /** More than the kernel's workers that there are from the start. */
  @Test
  void healthyDevice_besideMoreHungSyncsThanWorkers_isAliveInTime() throws Exception {
    List<CompletableFuture<?>> hung = new ArrayList<>();
    List<AsyncFile> files = hangSyncs(400, hung);
    Path path = dir.resolve("late");
    CompletableFuture<AsyncFile> late =
        runtime.openFile(path, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
    get(late).close();
    sick.awaitHanging(400);
    assertHealthy();
    recover(hung);
    closeAll(files);
  }

  /** Of a device that is known by paths alone. */
  @Test
  void healthyDevice_besideMoreHungOpensThanPlaces_isAliveOnceTheyAreKnown() throws Exception {
    Path file = Files.createFile(sick.root().resolve("file"));
    sick.on(Kind.OPEN, _ -> Reply.hang());
    try (IoRuntime small = builder().maxInFlight(FEW).open()) {
      List<CompletableFuture<?>> hung = new ArrayList<>();
      for (int i = 0; i < 2 * FEW; i++) {
        hung.add(small.openFile(file));
      }
      awaitHungOperations(small, FEW);
      assertHealthy(small);
      recover(hung);
      for (CompletableFuture<?> each : hung) {
        ((AsyncFile) each.join()).close();
      }
    }
  }

  @Test
  void requestsHeldBack_cancelledOrClosedUnder_endAsOthersThatWait() throws Exception {
    Path file = Files.createFile(sick.root().resolve("file"));
    sick.on(Kind.OPEN, _ -> Reply.hang());
    IoRuntime small = builder().maxInFlight(4).closeTimeout(Duration.ofMillis(100)).open();
    List<CompletableFuture<AsyncFile>> opens = new ArrayList<>();
    for (int i = 0; i < 8; i++) {
      opens.add(small.openFile(file));
    }
    awaitHungOperations(small, 4);
    assertHealthy(small);
    assertEquals(4, small.stats().queued());
    assertTrue(opens.get(6).cancel(false));
    awaitEquals(3, () -> small.stats().queued());
    small.close();
    for (int i : List.of(0, 1, 2, 3)) {
      assertEquals(ErrorKind.CLOSED, ErrorKind.of(failure(opens.get(i))));
    }
    for (int i : List.of(4, 5, 7)) {
      ErrorKind kind = ErrorKind.of(failure(opens.get(i)));
      assertTrue(kind == ErrorKind.CANCELLED || kind == ErrorKind.CLOSED, kind::toString);
    }
    assertEquals(0, small.stats().queued());
    sick.pass();
    assertEquals(4, sick.release());
  }

  /** Truncated files are written by their last close on several file systems. What holds much is never closed on the reaper. */
  @Test
  void closes_ofFilesThatHoldLittle_goThroughTheRing() throws Exception {
    Path small = Files.write(dir.resolve("small"), new byte[100]);
    Path large = Files.createFile(dir.resolve("large"));
    try (IoRuntime own = IoRuntime.builder().backend(Backend.IO_URING).threadName("little").open()) {
      long before = own.stats().submitted();
      get(get(own.openFile(small)).closeAsync());
      assertEquals(before + 2, own.stats().submitted());
      assertEquals(0, closers("little"));
      AsyncFile file = get(own.openFile(large, StandardOpenOption.WRITE));
      get(file.allocate(0, 32 << 20));
      get(file.closeAsync());
      assertEquals(1, closers("little"));
    }
  }

  private static long closers(String runtime) {
    return Thread.getAllStackTraces().keySet().stream()
        .filter(thread -> thread.getName().startsWith(runtime + "-closer-"))
        .count();
  }

  /** The last close of a deleted file gives its pages back, which takes its time. */
  @Test
  void largeDeletedFile_closed_leavesTheRuntimeFree() throws Exception {
    needRoomOnTmpfs();
    Path path = Files.createTempFile(TMPFS, "annulus", "");
    AsyncFile file = open(path, StandardOpenOption.READ, StandardOpenOption.WRITE, StandardOpenOption.DELETE_ON_CLOSE);
    get(file.allocate(0, LARGE));
    assertTrue(Files.notExists(path), "still there");
    CompletableFuture<Void> closed = file.closeAsync();
    int nops = 0;
    while (!closed.isDone()) {
      get(runtime.nop());
      nops++;
    }
    get(closed);
    assertTrue(nops > 20, "only " + nops + " operations while the file was closed");
  }

  private static void needRoomOnTmpfs() throws IOException {
    if (!Files.isWritable(TMPFS)) {
      Needs.skip(TMPFS + " is missing, or may not be written here");
    }
    FileStore store = Files.getFileStore(TMPFS);
    if (!store.type().equals("tmpfs") || store.getUsableSpace() < 2 * LARGE) {
      Needs.skip(TMPFS + " is no tmpfs, or has less than 2 GiB free");
    }
  }
}
