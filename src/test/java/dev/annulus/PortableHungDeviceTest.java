package dev.annulus;

import static dev.annulus.Futures.get;
import static java.nio.file.StandardOpenOption.CREATE;
import static java.nio.file.StandardOpenOption.READ;
import static java.nio.file.StandardOpenOption.WRITE;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
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

class PortableHungDeviceTest extends HungDeviceContract {
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
