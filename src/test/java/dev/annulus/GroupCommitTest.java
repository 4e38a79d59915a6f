package dev.annulus;

import static java.nio.file.StandardOpenOption.CREATE_NEW;
import static java.nio.file.StandardOpenOption.DSYNC;
import static java.nio.file.StandardOpenOption.WRITE;
import static java.util.concurrent.TimeUnit.SECONDS;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.annulus.internal.driver.Errno;
import dev.annulus.internal.driver.Operation;
import dev.annulus.internal.driver.Request;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.RejectedExecutionException;
import org.awaitility.Awaitility;
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

  /** Where several threads end requests, the next sync may be over before those of the last one have heard of its end. */
  @Test
  void sharedSync_thatFailsWhileTheNextIsFaster_isRememberedByThen() throws Exception {
    AsyncFile file = open();
    IoFuture<Void> first = file.sync(Sync.DATA);
    IoFuture<Void> next = file.sync(Sync.DATA);
    hand.fast = true;
    hand.endNext(-Errno.EIO);
    assertThrowsContaining("earlier sync", next); // the kernel tells a loss once
    assertThrowsContaining("EIO", first);
  }

  @Test
  void sharedSync_thatFailsUnheardWhileTheNextIsFaster_isRememberedByThen() throws Exception {
    AsyncFile file = open();
    IoFuture<Void> first = file.sync(Sync.DATA);
    assertTrue(first.cancel(true));
    IoFuture<Void> next = file.sync(Sync.DATA);
    hand.fast = true;
    hand.endNext(-Errno.EIO);
    assertThrowsContaining("earlier sync", next);
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

  // ---- on their callers' threads ----

  @Test
  void operationOnItsCallersThread_thatThrows_failsAndKeepsNothing() throws Exception {
    AsyncFile file = open();
    hand.caller = _ -> {
      throw new IllegalStateException("by the test");
    };
    assertThrowsContaining("by the test", file.callerRuns().sync(Sync.DATA));
    IoFuture<Void> next = file.sync(Sync.DATA);
    hand.endNext(0);
    next.get(10, SECONDS);
    CompletableFuture<Void> closed = file.closeAsync();
    hand.endNext(0);
    closed.get(10, SECONDS);
  }

  @Test
  void syncOnItsCallersThread_whileAnotherIsUnderWay_waitsForOneOfItsOwn() throws Exception {
    AsyncFile file = open();
    hand.caller = _ -> {
      throw new AssertionError("could be told of the other's loss, or the other of its");
    };
    IoFuture<Void> first = file.sync(Sync.DATA);
    IoFuture<Void> here = file.callerRuns().sync(Sync.DATA);
    assertFalse(here.isDone());
    hand.endNext(-Errno.EIO);
    assertThrowsContaining("EIO", first);
    hand.endNext(0); // the kernel tells a loss once
    assertThrowsContaining("earlier sync", here);
  }

  @Test
  void syncs_whileOneRunsOnItsCallersThread_waitForItsOutcome() throws Exception {
    AsyncFile file = open();
    List<IoFuture<Void>> others = new ArrayList<>();
    hand.caller =
        operation -> {
          assertInstanceOf(Operation.Sync.class, operation);
          others.add(file.sync(Sync.DATA));
          others.add(file.callerRuns().sync(Sync.ALL));
          assertTrue(hand.requests.isEmpty(), "nothing may run beside it");
          return -Errno.EIO;
        };
    hand.fast = true;
    assertThrowsContaining("EIO", file.callerRuns().sync(Sync.DATA));
    assertEquals(2, others.size());
    assertThrowsContaining("earlier sync", others.get(0));
    assertThrowsContaining("earlier sync", others.get(1));
    assertEquals(List.of(new Operation.Sync(1_000_000, false)), hand.ended);
  }

  @Test
  void durableWriteOnItsCallersThread_besideOneWrittenThrough_sharesTheSyncBehindThat() throws Exception {
    AsyncFile file = openForWritingThrough();
    IoFuture<Void> through = file.writeDurably(ByteBuffer.allocateDirect(8), 0);
    assertTrue(isDurable(hand.next()));
    hand.caller = operation -> operation instanceof Operation.Write write ? write.length() : -Errno.EBADF;
    IoFuture<Void> here = file.callerRuns().writeDurably(ByteBuffer.allocateDirect(8), 8);
    assertFalse(here.isDone());
    hand.endNext(-Errno.EIO);
    assertThrowsContaining("EIO", through);
    hand.endNext(0);
    assertThrowsContaining("earlier sync", here);
  }

  @Test
  void syncsBehindOneThatHangsOnItsCallersThread_areRefusedWhenTheRuntimeCloses() throws Exception {
    IoRuntime runtime = new IoRuntime("by-hand", Backend.IO_URING, hand, TestPolicies.plain(), Duration.ZERO);
    CompletableFuture<AsyncFile> opened = runtime.openFile(dir.resolve("any"), CREATE_NEW, WRITE);
    hand.endNext(1_000_000);
    AsyncFile file = opened.get(10, SECONDS);
    CountDownLatch inside = new CountDownLatch(1);
    CountDownLatch leave = new CountDownLatch(1);
    hand.caller =
        _ -> {
          inside.countDown();
          Awaitility.await().atMost(30, SECONDS).until(() -> leave.getCount() == 0);
          return 0;
        };
    FutureTask<IoFuture<Void>> hanging = new FutureTask<>(() -> file.callerRuns().sync(Sync.DATA));
    Thread caller = Thread.ofPlatform().daemon().start(hanging);
    assertTrue(inside.await(10, SECONDS));
    IoFuture<Void> behind = file.sync(Sync.DATA);
    runtime.close();
    assertThrowsContaining("closed", behind);
    assertTrue(behind.released().isDone());
    leave.countDown();
    hanging.get(10, SECONDS).get(10, SECONDS);
    assertTrue(caller.join(Duration.ofSeconds(10)));
    assertEquals(new Operation.Close(1_000_000), hand.next().operation());
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

  // ---- written through ----

  /** A file whose first durable write has shown that it can be synced. */
  private AsyncFile openForWritingThrough() throws Exception {
    hand.through = true;
    AsyncFile file = open(Durability.WRITE_THROUGH);
    IoFuture<Void> first = file.writeDurably(ByteBuffer.allocateDirect(8), 0);
    assertFalse(isDurable(hand.next()), "nobody knows yet whether the file can be synced");
    hand.endNext(8);
    hand.endNext(0);
    first.get(10, SECONDS);
    hand.ended.clear();
    return file;
  }

  private static boolean isDurable(Request request) {
    return request.operation() instanceof Operation.Write write && write.isDurable();
  }

  @Test
  void durableWrite_writtenThrough_isOneOperationThatSyncsWaitFor() throws Exception {
    AsyncFile file = openForWritingThrough();
    IoFuture<Void> write = file.writeDurably(ByteBuffer.allocateDirect(8), 0);
    IoFuture<Void> sync = file.sync(Sync.DATA);
    assertEquals(1, hand.requests.size(), "a sync beside it could be told of its loss");
    assertTrue(isDurable(hand.next()));
    hand.endNext(3);
    assertFalse(write.isDone());
    assertTrue(isDurable(hand.next()), "the rest too");
    hand.endNext(5);
    write.get(10, SECONDS);
    assertFalse(sync.isDone());
    hand.endNext(0);
    sync.get(10, SECONDS);
    assertTrue(hand.requests.isEmpty());
  }

  @Test
  void durableWrites_besideOneWrittenThrough_shareASync() throws Exception {
    AsyncFile file = openForWritingThrough();
    List<IoFuture<Void>> writes = new ArrayList<>();
    for (int i = 0; i < 5; i++) {
      writes.add(file.writeDurably(ByteBuffer.allocateDirect(8), i * 8L));
    }
    assertEquals(1, hand.requests.stream().filter(GroupCommitTest::isDurable).count());
    for (int i = 0; i < 5; i++) {
      hand.endNext(8);
    }
    assertEquals(1, hand.requests.size(), "the first of the plain ones begins a sync, the others gather behind it");
    hand.endNext(0);
    hand.endNext(0);
    for (IoFuture<Void> write : writes) {
      write.get(10, SECONDS);
    }
    assertTrue(hand.requests.isEmpty());
  }

  @Test
  void writtenThrough_thatFails_isRememberedAsAFailedSyncIs() throws Exception {
    AsyncFile file = openForWritingThrough();
    IoFuture<Void> write = file.writeDurably(ByteBuffer.allocateDirect(8), 0);
    IoFuture<Void> waiting = file.sync(Sync.DATA);
    hand.endNext(-Errno.EIO);
    assertThrowsContaining("EIO", write);
    hand.endNext(0); // the kernel tells a loss once: this success means nothing
    assertThrowsContaining("earlier sync", waiting);
    assertThrowsContaining("earlier sync", file.writeDurably(ByteBuffer.allocateDirect(8), 0));
    assertTrue(hand.requests.isEmpty());
  }

  @Test
  void writtenThrough_thatFailsUnheard_isRememberedToo() throws Exception {
    AsyncFile file = openForWritingThrough();
    IoFuture<Void> write = file.writeDurably(ByteBuffer.allocateDirect(8), 0);
    assertTrue(write.cancel(true));
    hand.endNext(-Errno.EIO);
    assertThrowsContaining("earlier sync", file.sync(Sync.DATA));
  }

  @Test
  void writtenThrough_thatFailsUnheardWhileASyncIsFaster_isRememberedByThen() throws Exception {
    AsyncFile file = openForWritingThrough();
    IoFuture<Void> write = file.writeDurably(ByteBuffer.allocateDirect(8), 0);
    IoFuture<Void> waiting = file.sync(Sync.DATA);
    assertTrue(write.cancel(true));
    hand.fast = true;
    hand.endNext(-Errno.EIO);
    assertThrowsContaining("earlier sync", waiting);
  }

  @Test
  void writtenThrough_thatFindsNoSpace_isRememberedToo() throws Exception {
    AsyncFile file = openForWritingThrough();
    IoFuture<Void> full = file.writeDurably(ByteBuffer.allocateDirect(8), 0);
    hand.endNext(-Errno.ENOSPC); // of this write, or of writing back one before
    assertThrowsContaining("ENOSPC", full);
    assertThrowsContaining("earlier sync", file.writeDurably(ByteBuffer.allocateDirect(8), 0));
    assertThrowsContaining("earlier sync", file.sync(Sync.DATA));
  }

  @Test
  void syncs_behindAWriteThrough_goOnHoweverItEnds() throws Exception {
    AsyncFile file = openForWritingThrough();
    IoFuture<Void> refused = file.writeDurably(ByteBuffer.allocateDirect(8), 0);
    IoFuture<Void> sync = file.sync(Sync.DATA);
    hand.requests.remove().refused(new RejectedExecutionException("full"));
    assertThrowsContaining("full", refused);
    hand.endNext(0);
    sync.get(10, SECONDS);

    IoFuture<Void> cancelled = file.writeDurably(ByteBuffer.allocateDirect(8), 0);
    IoFuture<Void> another = file.sync(Sync.DATA);
    assertTrue(cancelled.cancel(true));
    hand.requests.remove().neverBegun();
    hand.endNext(0);
    another.get(10, SECONDS);
  }

  @Test
  void writtenThrough_whoseEndIsUnknown_isRememberedAsALoss() throws Exception {
    AsyncFile file = openForWritingThrough();
    IoFuture<Void> cancelled = file.writeDurably(ByteBuffer.allocateDirect(8), 0);
    IoFuture<Void> behind = file.sync(Sync.DATA);
    assertTrue(cancelled.cancel(true));
    hand.endNext(-Errno.ECANCELED); // the kernel had it, and something may have been done
    hand.endNext(0);
    assertThrowsContaining("earlier sync", behind);
    hand.ended.clear();

    AsyncFile other = openForWritingThrough();
    IoFuture<Void> abandoned = other.writeDurably(ByteBuffer.allocateDirect(8), 0);
    IoFuture<Void> last = other.sync(Sync.DATA);
    hand.requests.remove().abandoned(new RejectedExecutionException("gone"));
    assertThrowsContaining("gone", abandoned);
    hand.endNext(0);
    assertThrowsContaining("earlier sync", last);
  }

  @Test
  void durableWrites_byDefault_ofAFileThatIsWrittenToOtherwise_syncAfter() throws Exception {
    hand.through = true;
    AsyncFile file = open(Durability.AUTO);
    for (int i = 0; i < 100; i++) {
      IoFuture<Void> durable = file.writeDurably(ByteBuffer.allocateDirect(8), 0);
      if (isDurable(hand.next())) {
        hand.endNext(8);
      } else {
        hand.endNext(8);
        hand.endNext(0);
      }
      durable.get(10, SECONDS);
    }
    long synced = hand.ended.stream().filter(operation -> operation instanceof Operation.Sync).count();
    assertTrue(synced < 100 && synced > 5, () -> synced + " of 100 synced: not both forms were tried");
    IoFuture<Void> truncated = file.truncate(0);
    hand.endNext(0);
    truncated.get(10, SECONDS);
    for (int i = 0; i < 100; i++) {
      IoFuture<Void> durable = file.writeDurably(ByteBuffer.allocateDirect(8), 0);
      assertFalse(isDurable(hand.next()), "would not cover the new length");
      hand.endNext(8);
      hand.endNext(0);
      durable.get(10, SECONDS);
    }
  }

  @Test
  void writingThrough_onARealFile_takesOneOperationForEachWrite() throws Exception {
    try (IoRuntime runtime = IoRuntime.builder().backend(Backend.IO_URING).durability(Durability.WRITE_THROUGH).open()) {
      AsyncFile file = runtime.openFile(dir.resolve("through"), CREATE_NEW, WRITE).get(10, SECONDS);
      long before = runtime.stats().submitted();
      byte[] contents = new byte[100 * 64];
      for (int i = 0; i < 100; i++) {
        ByteBuffer record = ByteBuffer.allocateDirect(64);
        for (int j = 0; j < 64; j++) {
          contents[i * 64 + j] = (byte) (i + j);
          record.put((byte) (i + j));
        }
        Void ignored = file.writeDurably(record.flip(), i * 64L).get(10, SECONDS);
      }
      assertEquals(101, runtime.stats().submitted() - before, "the first takes two");
      assertArrayEquals(contents, Files.readAllBytes(dir.resolve("through")));
    }
  }

  private AsyncFile open() throws Exception {
    return open(Durability.SYNC_AFTER);
  }

  private AsyncFile open(Durability durability) throws Exception {
    IoRuntime runtime = new IoRuntime("by-hand", Backend.IO_URING, hand, TestPolicies.with(null, durability), Duration.ZERO);
    CompletableFuture<AsyncFile> file = runtime.openFile(dir.resolve("any"), CREATE_NEW, WRITE);
    hand.endNext(1_000_000);
    hand.ended.clear();
    return file.get(10, SECONDS);
  }

  private static void assertThrowsContaining(String part, CompletableFuture<?> future) {
    ExecutionException thrown = Assertions.assertThrows(ExecutionException.class, () -> future.get(10, SECONDS));
    assertTrue(thrown.toString().contains(part), thrown::toString);
  }
}
