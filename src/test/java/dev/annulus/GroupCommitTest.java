package dev.annulus;

import static java.nio.file.StandardOpenOption.CREATE_NEW;
import static java.nio.file.StandardOpenOption.WRITE;
import static java.util.concurrent.TimeUnit.SECONDS;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.annulus.internal.driver.Driver;
import dev.annulus.internal.driver.DriverStats;
import dev.annulus.internal.driver.Errno;
import dev.annulus.internal.driver.Operation;
import dev.annulus.internal.driver.Request;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.RejectedExecutionException;
import org.junit.jupiter.api.Assertions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Syncs that share: who may join which, and how all of them end. */
@Timeout(60)
class GroupCommitTest {
  @TempDir Path dir;

  private final HandDriver hand = new HandDriver();

  @Test
  void sync_whileAnotherIsUnderWay_waitsForOneOfItsOwn() throws Exception {
    AsyncFile file = open();
    IoFuture<Void> first = file.sync(Sync.DATA);
    IoFuture<Void> late = file.sync(Sync.DATA);
    assertEquals(1, hand.requests.size(), "the late one must neither join the first nor run beside it");

    hand.endNext(0);
    first.get(10, SECONDS);
    assertFalse(late.isDone(), "the first may have begun before what the late one is to cover");

    hand.endNext(0);
    late.get(10, SECONDS);
    assertEquals(2, hand.ended.size());
  }

  @Test
  void syncs_gatheredBehindAnother_shareOneOfTheStrongestKind() throws Exception {
    AsyncFile file = open();
    List<IoFuture<Void>> syncs = new ArrayList<>();
    syncs.add(file.sync(Sync.DATA));
    for (int i = 0; i < 50; i++) {
      syncs.add(file.sync(i == 20 ? Sync.ALL : Sync.DATA));
    }
    hand.endNext(0);
    hand.endNext(0);
    for (IoFuture<Void> sync : syncs) {
      sync.get(10, SECONDS);
    }
    assertEquals(2, hand.ended.size());
    assertTrue(((Operation.Sync) hand.ended.get(0)).dataOnly());
    assertFalse(((Operation.Sync) hand.ended.get(1)).dataOnly(), "one of them asked for all");
  }

  @Test
  void durableWrites_ofManyAtOnce_shareSyncs() throws Exception {
    AsyncFile file = open();
    List<IoFuture<Void>> writes = new ArrayList<>();
    for (int i = 0; i < 10; i++) {
      writes.add(file.writeDurably(ByteBuffer.allocateDirect(8), i * 8L));
    }
    for (int i = 0; i < 10; i++) {
      hand.endNext(8);
    }
    assertEquals(1, hand.requests.size(), "the first to be written begins a sync, the others gather behind it");
    hand.endNext(0);
    assertEquals(1, writes.stream().filter(CompletableFuture::isDone).count());
    hand.endNext(0);
    for (IoFuture<Void> write : writes) {
      write.get(10, SECONDS);
    }
    assertTrue(hand.requests.isEmpty());
  }

  @Test
  void sharedSync_thatFails_failsForAllAndForGood() throws Exception {
    AsyncFile file = open();
    IoFuture<Void> first = file.sync(Sync.DATA);
    IoFuture<Void> second = file.sync(Sync.DATA);
    IoFuture<Void> third = file.writeDurably(ByteBuffer.allocateDirect(8), 0);
    hand.endNext(-Errno.EIO);
    assertThrowsContaining("EIO", first);
    hand.endNext(8); // the durable write's data
    hand.endNext(0); // the kernel tells a loss once: this success means nothing
    assertThrowsContaining("earlier sync", second);
    while (!hand.requests.isEmpty()) {
      hand.endNext(0);
    }
    assertThrowsContaining("earlier sync", third);
    assertThrowsContaining("earlier sync", file.sync(Sync.ALL));
  }

  @Test
  void sharedSync_thatIsRefused_isRefusedForAllWhoShareIt() throws Exception {
    AsyncFile file = open();
    IoFuture<Void> first = file.sync(Sync.DATA);
    IoFuture<Void> second = file.sync(Sync.DATA);
    hand.requests.remove().refused(new RejectedExecutionException("full"));
    assertThrowsContaining("full", first);
    hand.endNext(0);
    second.get(10, SECONDS);
  }

  @Test
  void closeAsync_whileSyncsGather_waitsForAll() throws Exception {
    AsyncFile file = open();
    IoFuture<Void> first = file.sync(Sync.DATA);
    IoFuture<Void> cancelled = file.sync(Sync.DATA);
    CompletableFuture<Void> closed = file.closeAsync();
    assertTrue(cancelled.cancel(true));
    hand.endNext(0);
    first.get(10, SECONDS);
    assertFalse(cancelled.released().isDone(), "its sync is under way");
    assertFalse(closed.isDone());
    hand.endNext(0);
    cancelled.released().get(10, SECONDS);
    hand.endNext(0); // the close
    closed.get(10, SECONDS);
  }

  @Test
  void syncs_ofARealFileByManyWriters_takeFewerOfTheKernels() throws Exception {
    try (IoRuntime runtime = IoRuntime.builder().backend(Backend.IO_URING).open()) {
      AsyncFile file = runtime.openFile(dir.resolve("file"), CREATE_NEW, WRITE).get(10, SECONDS);
      int writes = 2_000;
      List<IoFuture<Void>> futures = new ArrayList<>();
      for (int i = 0; i < writes; i++) {
        futures.add(file.writeDurably(ByteBuffer.allocateDirect(64), i * 64L));
      }
      for (IoFuture<Void> future : futures) {
        future.get(30, SECONDS);
      }
      long operations = runtime.stats().submitted();
      assertTrue(operations < writes * 3L / 2, () -> operations + " operations for " + writes + " writes");
      assertEquals(0, runtime.stats().inFlight());
    }
  }

  private AsyncFile open() throws Exception {
    IoRuntime runtime = new IoRuntime(Backend.IO_URING, hand, null, false, Duration.ZERO);
    CompletableFuture<AsyncFile> file = runtime.openFile(dir.resolve("any"), CREATE_NEW, WRITE);
    hand.endNext(1_000_000);
    hand.ended.clear();
    return file.get(10, SECONDS);
  }

  private static void assertThrowsContaining(String part, CompletableFuture<?> future) {
    ExecutionException thrown = Assertions.assertThrows(ExecutionException.class, () -> future.get(10, SECONDS));
    assertTrue(thrown.toString().contains(part), thrown::toString);
  }

  /** Keeps requests until the test ends them, one after the other. */
  private static final class HandDriver implements Driver {
    final ArrayDeque<Request> requests = new ArrayDeque<>();
    final List<Operation> ended = new ArrayList<>();

    void endNext(int result) {
      Request request = Objects.requireNonNull(requests.poll(), "nothing was submitted");
      ended.add(request.operation());
      request.completed(result);
    }

    @Override
    public void submit(Request request) {
      requests.add(request);
    }

    @Override
    public void submitPastLimits(Request request) {
      requests.add(request);
    }

    @Override
    public void cancel(Request request) {}

    @Override
    public int call(Operation operation) {
      return -Errno.EBADF;
    }

    @Override
    public int attempt(Operation.Read read) {
      return -Errno.EAGAIN;
    }

    @Override
    public boolean onDriverThread() {
      return false;
    }

    @Override
    public DriverStats stats() {
      return new DriverStats(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
    }

    @Override
    public String description() {
      return "";
    }

    @Override
    public void beginClose() {}

    @Override
    public void close() {}
  }
}
