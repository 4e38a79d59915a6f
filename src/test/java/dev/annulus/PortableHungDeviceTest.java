package dev.annulus;

import static dev.annulus.Futures.get;
import static java.nio.file.StandardOpenOption.CREATE;
import static java.nio.file.StandardOpenOption.READ;
import static java.nio.file.StandardOpenOption.WRITE;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.annulus.testing.CapturedLog;
import dev.annulus.testing.FaultyFileSystem;
import dev.annulus.testing.FaultyFileSystem.Option;
import dev.annulus.testing.fuse.Reply;
import dev.annulus.testing.fuse.Request.Kind;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;

/** That a device whose operations hang holds up neither others nor closing. */
class PortableHungDeviceTest extends BackendContract {
  private static final int HUNG = 64;
  private static final Duration SOON = Duration.ofSeconds(1);

  @Override
  Backend backend() {
    return Backend.PORTABLE;
  }

  private static List<AsyncFile> openFiles(IoRuntime runtime, Path root, int count) throws Exception {
    List<AsyncFile> files = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      AsyncFile file = get(runtime.openFile(root.resolve("file" + i), CREATE, READ, WRITE));
      assertEquals(100, get(file.write(direct(100), 0)));
      files.add(file);
    }
    return files;
  }

  @Test
  void healthyDisk_beside64HungReadsAnd64HungSyncsOnAnother_goesOn() throws Exception {
    try (FaultyFileSystem fs = FaultyFileSystem.mount(dir, Option.DIRECT_IO)) {
      List<AsyncFile> files = openFiles(runtime, fs.root(), 2 * HUNG);
      fs.on(Kind.FSYNC, _ -> Reply.hang());
      fs.on(Kind.READ, _ -> Reply.hang());
      List<CompletableFuture<?>> hung = new ArrayList<>();
      for (int i = 0; i < HUNG; i++) {
        hung.add(files.get(i).sync(Sync.ALL));
        hung.add(files.get(HUNG + i).read(direct(100), 0));
      }
      fs.awaitHanging(16);
      Duration longest = Duration.ZERO;
      for (int i = 0; i < 20; i++) {
        long start = System.nanoTime();
        useHealthyDisk();
        Duration took = Duration.ofNanos(System.nanoTime() - start);
        longest = took.compareTo(longest) > 0 ? took : longest;
      }
      Duration most = longest;
      assertTrue(most.compareTo(SOON) < 0, () -> "an open, a write, a sync and a read took " + most);
      // Those that are slow do not count: the others of the same device get their turn too.
      fs.awaitHanging(2 * HUNG);
      useHealthyDisk();
      assertTrue(hung.stream().noneMatch(CompletableFuture::isDone));
      fs.pass();
      assertEquals(2 * HUNG, fs.release());
      for (CompletableFuture<?> future : hung) {
        Object _ = get(future);
      }
      for (AsyncFile file : files) {
        file.close();
      }
    }
  }

  private void useHealthyDisk() throws Exception {
    try (AsyncFile file = open(file(new byte[0]), READ, WRITE)) {
      assertEquals(100, get(file.write(direct(bytes(100, 1)), 0)));
      assertNull(get(file.sync(Sync.ALL)));
      assertEquals(100, get(file.read(direct(100), 0)));
    }
  }

  @Test
  void close_with40HungReads_returnsInTimeAndNamesThem() throws Exception {
    Duration timeout = Duration.ofMillis(200);
    try (CapturedLog log = new CapturedLog();
        FaultyFileSystem fs = FaultyFileSystem.mount(dir, Option.DIRECT_IO)) {
      IoRuntime other = builder().closeTimeout(timeout).threadName("hung").open();
      List<AsyncFile> files = openFiles(other, fs.root(), 40);
      fs.on(Kind.READ, _ -> Reply.hang());
      List<CompletableFuture<?>> hung = new ArrayList<>();
      for (AsyncFile file : files) {
        hung.add(file.read(direct(100), 0));
      }
      fs.awaitHanging(32);
      long start = System.nanoTime();
      other.close();
      Duration took = Duration.ofNanos(System.nanoTime() - start);
      assertTrue(took.compareTo(timeout.plusMillis(1700)) < 0, () -> "close took " + took);
      for (CompletableFuture<?> future : hung) {
        assertTrue(future.isCompletedExceptionally());
      }
      assertFalse(
          log.messagesWith("is still in", "read of " + fs.root()).isEmpty(),
          () -> log.messages().toString());
      fs.pass();
      assertTrue(fs.release() > 0);
    }
  }
}
