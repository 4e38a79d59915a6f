package fileserver;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What a lease of the runtime's does by itself, and the rival must see to. */
@Timeout(20)
class ChannelAccessTest {
  @TempDir Path dir;

  @Test
  void chunk_closedDuringAReadThatWasGivenUp_isFreedAfterIt() throws Exception {
    Path path = Files.writeString(dir.resolve("file"), "contents");
    try (ExecutorService worker = Executors.newSingleThreadExecutor();
        ChannelAccess access = new ChannelAccess(worker)) {
      FileAccess.Regular found = (FileAccess.Regular) access.find(path).get(10, TimeUnit.SECONDS);
      CountDownLatch busy = new CountDownLatch(1);
      CompletableFuture<Void> occupied = CompletableFuture.runAsync(() -> awaitUninterruptibly(busy), worker);
      ChannelAccess.PooledChunk chunk = (ChannelAccess.PooledChunk) access.chunk(8);
      CompletableFuture<Integer> read = found.file().read(chunk, 0);
      assertTrue(read.cancel(true));
      chunk.close();
      chunk.close();
      assertEquals(1, chunk.memory.refCnt());
      busy.countDown();
      occupied.get(10, TimeUnit.SECONDS);
      found.file().close().get(10, TimeUnit.SECONDS); // behind the read
      assertEquals(0, chunk.memory.refCnt());
    }
  }

  private static void awaitUninterruptibly(CountDownLatch latch) {
    try {
      assertTrue(latch.await(10, TimeUnit.SECONDS));
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }
}
