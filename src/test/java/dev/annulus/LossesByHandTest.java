package dev.annulus;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotSame;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.annulus.internal.driver.Errno;
import dev.annulus.internal.driver.OpenFlag;
import dev.annulus.internal.driver.Operation;
import dev.annulus.internal.driver.Request;
import java.lang.foreign.Arena;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.RejectedExecutionException;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * What is remembered as a loss: a sync, or what has one within it, that failed with any error there
 * is; and nothing else.
 */
@Timeout(60)
class LossesByHandTest {
  private static final int LAST_ERRNO = 133;
  private static final int SIZE = 8;

  private static IntStream errnos() {
    return IntStream.rangeClosed(1, LAST_ERRNO);
  }

  /**
   * The ways to have a sync done, each up to where it is in the driver's hands or on the caller's
   * thread.
   */
  enum Way {
    SYNC(false) {
      @Override
      IoFuture<?> begin(HandFile on) {
        return on.file.sync(Sync.ALL);
      }
    },
    DURABLE_WRITE(false) {
      @Override
      IoFuture<?> begin(HandFile on) {
        IoFuture<Void> write = on.file.writeDurably(buffer(), 0);
        on.end(Operation.Write.class, SIZE);
        return write;
      }
    },
    WRITE_THROUGH(false) {
      @Override
      IoFuture<?> begin(HandFile on) {
        IoFuture<Void> first = on.file.writeDurably(buffer(), 0);
        on.end(Operation.Write.class, SIZE);
        on.end(Operation.Sync.class, 0);
        assertTrue(first.isDone());
        IoFuture<Void> write = on.file.writeDurably(buffer(), 0);
        assertTrue(((Operation.Write) on.hand.next().operation()).isDurable());
        return write;
      }
    },
    SYNCED_WRITE(true) {
      @Override
      IoFuture<?> begin(HandFile on) {
        return on.file.write(buffer(), 0);
      }
    },
    SYNCED_WRITE_OF_A_SEGMENT(true) {
      @Override
      IoFuture<?> begin(HandFile on) {
        return on.file.write(Arena.ofAuto().allocate(SIZE), 0);
      }
    },
    SYNCED_WRITE_OF_ALL(true) {
      @Override
      IoFuture<?> begin(HandFile on) {
        IoFuture<Void> write = on.file.writeFully(buffer(), 0);
        on.end(Operation.Write.class, SIZE - 1);
        return write;
      }
    },
    SYNCED_WRITE_OF_SEVERAL(true) {
      @Override
      IoFuture<?> begin(HandFile on) {
        return on.file.write(List.of(buffer(), buffer()), 0);
      }
    };

    private final boolean synced;

    Way(boolean synced) {
      this.synced = synced;
    }

    abstract IoFuture<?> begin(HandFile on);

    HandFile open() {
      HandDriver hand = new HandDriver();
      hand.through = true;
      Policies policies = TestPolicies.with(null, Durability.WRITE_THROUGH);
      return synced ? HandFile.open(hand, policies, OpenFlag.DSYNC) : HandFile.open(hand, policies);
    }
  }

  @ParameterizedTest
  @EnumSource
  void sync_thatFailsWithAnyError_isRemembered(Way way) {
    errnos()
        .forEach(
            errno -> {
              HandFile on = way.open();
              IoFuture<?> failing = way.begin(on);
              on.hand.endNext(-errno);
              assertTells(failing, errno);
              assertRemembered(on);
            });
  }

  @ParameterizedTest
  @EnumSource
  void sync_thatFailsWithAnyErrorWhenNobodyListens_isRemembered(Way way) {
    errnos()
        .forEach(
            errno -> {
              HandFile on = way.open();
              IoFuture<?> failing = way.begin(on);
              assertTrue(failing.cancel(true));
              on.hand.endNext(-errno);
              assertTrue(failing.released().isDone());
              assertRemembered(on);
            });
  }

  @ParameterizedTest
  @EnumSource
  void sync_whoseEndIsNeverKnown_isRemembered(Way way) {
    HandFile on = way.open();
    IoFuture<?> lost = way.begin(on);
    Objects.requireNonNull(on.hand.requests.poll()).abandoned(new RejectedExecutionException("gone"));
    assertTrue(lost.isCompletedExceptionally());
    Throwable earlier = Objects.requireNonNull(on.descriptor.earlierSyncFailure());
    Futures.assertNames(earlier, "earlier sync", "never ended", "gone");
  }

  @ParameterizedTest
  @EnumSource
  void sync_thatNeverBegan_isNoLoss(Way way) {
    for (boolean refused : new boolean[] {true, false}) {
      HandFile on = way.open();
      IoFuture<?> failing = way.begin(on);
      Request request = Objects.requireNonNull(on.hand.requests.poll());
      if (refused) {
        request.refused(new RejectedExecutionException("full"));
      } else {
        request.neverBegun();
      }
      assertTrue(failing.isCompletedExceptionally());
      assertNull(on.descriptor.earlierSyncFailure());
      assertEquals(0, on.leases());
      assertTrue(on.hand.requests.isEmpty());
    }
  }

  /**
   * The kernel tells it once: the sync behind it succeeds, and may be over before the first hears
   * of its end.
   */
  @Test
  void sync_behindOneThatFailsWithAnyError_isNotBelievedThoughItIsFaster() {
    errnos()
        .forEach(
            errno -> {
              HandFile on = Way.SYNC.open();
              IoFuture<Void> failing = on.file.sync(Sync.DATA);
              IoFuture<Void> behind = on.file.sync(Sync.DATA);
              on.hand.fast = true;
              on.hand.endNext(-errno);
              assertTells(failing, errno);
              Futures.assertNames(behind.exceptionNow(), "earlier sync", Errno.symbol(errno));
            });
  }

  @Test
  void syncOnItsCallersThread_thatFailsWithAnyError_isRemembered() {
    errnos()
        .forEach(
            errno -> {
              HandFile on = Way.SYNC.open();
              on.hand.caller = _ -> -errno;
              assertTells(on.file.callerRuns().sync(Sync.DATA), errno);
              assertRemembered(on);
            });
  }

  @Test
  void syncedWriteOnItsCallersThread_thatFailsWithAnyError_isTriedOnceAndRemembered() {
    errnos()
        .forEach(
            errno -> {
              HandFile on = Way.SYNCED_WRITE.open();
              List<Operation> calls = new ArrayList<>();
              on.hand.caller =
                  operation -> {
                    calls.add(operation);
                    return -errno;
                  };
              assertTells(on.file.callerRuns().write(buffer(), 0), errno);
              assertTells(on.file.callerRuns().write(List.of(buffer()), 0), errno);
              assertEquals(2, calls.size());
              assertRemembered(on);
            });
  }

  /** The first is the one that names what went wrong. */
  @Test
  void lossesOneAfterAnother_theFirstIsTold() {
    HandFile on = Way.SYNCED_WRITE.open();
    IoFuture<Integer> first = on.file.write(buffer(), 0);
    on.hand.endNext(-Errno.EDQUOT);
    IoFuture<Integer> second = on.file.write(buffer(), 0);
    on.hand.endNext(-Errno.EIO);
    assertTrue(first.isCompletedExceptionally() && second.isCompletedExceptionally());
    Throwable earlier = Objects.requireNonNull(on.descriptor.earlierSyncFailure());
    assertEquals(Errno.EDQUOT, Futures.errnoOf(earlier).errno());
    assertNotSame(earlier, on.descriptor.earlierSyncFailure(), "each caller gets an exception of its own");
  }

  /**
   * Nothing else is a sync: neither a write to a plain file, nor what was asked of a file that
   * syncs each write.
   */
  @Test
  void failuresOfOtherOperations_areNoLosses() {
    Stream.of(HandFile.open(new HandDriver()), HandFile.open(new HandDriver(), OpenFlag.DSYNC))
        .forEach(
            on -> {
              List<IoFuture<?>> all = new ArrayList<>();
              all.add(on.file.read(buffer(), 0));
              all.add(on.file.read(List.of(buffer()), 0));
              all.add(on.file.stat());
              all.add(on.file.truncate(0));
              all.add(on.file.allocate(0, 1));
              all.add(on.file.unlock());
              if (!on.descriptor.syncsEachWrite()) {
                all.add(on.file.write(buffer(), 0));
                all.add(on.file.write(List.of(buffer()), 0));
                all.add(on.file.writeFully(buffer(), 0));
                all.add(on.file.writeDurably(buffer(), 0));
              }
              for (IoFuture<?> _ : all) {
                on.hand.endNext(-Errno.EIO);
              }
              assertTrue(all.stream().allMatch(CompletableFuture::isCompletedExceptionally));
              assertNull(on.descriptor.earlierSyncFailure());
            });
  }

  @Test
  void fileOpenedToBeReadOnly_thatSyncsEachWrite_keepsNoSuccessBack() {
    HandFile on = new HandFile(new HandDriver(), TestPolicies.plain(), OpenFlag.READ, OpenFlag.DSYNC);
    assertNull(on.descriptor.syncedWrites());
    HandFile fully = HandFile.open(new HandDriver(), OpenFlag.SYNC);
    assertTrue(fully.descriptor.syncsEachWrite() && fully.descriptor.syncedWrites() != null);
  }

  @Test
  void syncDirectory_thatFailsWithAnyError_isRemembered() {
    Path directory = Path.of("directory");
    errnos()
        .forEach(
            errno -> {
              HandDriver hand = new HandDriver();
              IoRuntime runtime =
                  new IoRuntime("by-hand", Backend.IO_URING, hand, TestPolicies.plain(), Duration.ZERO);
              CompletableFuture<Void> failing = runtime.syncDirectory(directory);
              hand.endNext(HandFile.FD);
              hand.endNext(0); // what it is
              assertEquals(new Operation.Sync(HandFile.FD, false), hand.next().operation());
              hand.endNext(-errno);
              hand.endNext(0); // closed
              assertTells(failing, errno);
              CompletableFuture<Void> later = runtime.syncDirectory(directory);
              hand.endNext(HandFile.FD);
              hand.endNext(0);
              assertEquals(new Operation.Close(HandFile.FD), hand.next().operation());
              hand.endNext(0);
              Futures.assertNames(later.exceptionNow(), "earlier sync of the directory", Errno.symbol(errno));
            });
  }

  private static void assertTells(CompletableFuture<?> failed, int errno) {
    assertTrue(failed.isDone(), failed::toString);
    assertEquals(errno, Futures.errnoOf(failed.exceptionNow()).errno());
  }

  /**
   * By whatever asks for durability, and without another operation, whose success would mean
   * nothing.
   */
  private static void assertRemembered(HandFile on) {
    on.assertNothingSubmitted();
    on.hand.caller =
        operation -> {
          throw new AssertionError("tried once more: " + operation);
        };
    Stream.of(
            on.file.sync(Sync.DATA),
            on.file.sync(Sync.ALL),
            on.file.writeDurably(buffer(), 0),
            on.file.callerRuns().sync(Sync.DATA))
        .forEach(later -> Futures.assertNames(later.exceptionNow(), "earlier sync of " + HandFile.PATH));
    on.assertNothingSubmitted();
    on.assertCloses();
  }

  private static ByteBuffer buffer() {
    return ByteBuffer.allocateDirect(SIZE);
  }
}
