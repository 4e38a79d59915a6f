package dev.annulus.fs;

import static dev.annulus.fs.FsFixture.textAt;
import static dev.annulus.fs.FsFixture.together;
import static java.util.concurrent.TimeUnit.SECONDS;
import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.channels.ClosedChannelException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The exclusive lock of a whole file. */
interface FsLockContract extends FsFixture {
  @Test
  @DisplayName("F10 tryLockExclusive: false while another handle holds it, true again on the same, freed by close")
  default void tryLock_heldElsewhereHeldHereAndFreed_tells() throws IOException {
    try (FsFile second = updating("f")) {
      try (FsFile first = updating("f")) {
        assertTrue(first.tryLockExclusive());
        assertFalse(second.tryLockExclusive());
        assertTrue(first.tryLockExclusive());
        first.lockExclusive();
        assertFalse(second.tryLockExclusive());
      }
      assertTrue(second.tryLockExclusive());
      try (FsFile third = fs().open(path("f"), FsOpenOptions.none().withWrite(true))) {
        assertFalse(third.tryLockExclusive());
      }
      assertTrue(second.tryLockExclusive(), "closing a file that has not got the lock frees nothing");
      try (FsFile fourth = updating("f")) {
        assertFalse(fourth.tryLockExclusive());
      }
    }
  }

  @Test
  @DisplayName("F10 the lock excludes lockers, not readers and writers")
  default void lock_heldElsewhere_letsOthersReadAndWrite() throws IOException {
    try (FsFile holder = updating("f");
        FsFile other = updating("f")) {
      holder.lockExclusive();
      assertEquals(3, other.writeAt(FsFixture.bytes("abc"), 0));
      assertEquals("abc", textAt(other, 0, 3));
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  @DisplayName("F10 lockExclusive waits until the holder closes; an interrupt meanwhile stays pending")
  default void lock_heldElsewhere_waitsUntilFreed(boolean virtual) throws Exception {
    try (FsFile waiting = updating("f")) {
      FutureTask<Boolean> locked =
          new FutureTask<>(
              () -> {
                waiting.lockExclusive();
                return Thread.interrupted();
              });
      Thread waiter;
      try (FsFile holder = updating("f")) {
        holder.lockExclusive();
        waiter = virtual ? Thread.ofVirtual().start(locked) : Thread.ofPlatform().start(locked);
        await().until(() -> isParked(waiter));
        waiter.interrupt();
        await().until(() -> !waiter.isInterrupted() && isParked(waiter)); // it has noticed, and waits on
        assertFalse(locked.isDone());
      }
      assertTrue(locked.get(10, SECONDS), "the interrupt is pending");
      try (FsFile late = updating("f")) {
        assertFalse(late.tryLockExclusive());
      }
    }
  }

  @Test
  @DisplayName("F10 closing a file ends its wait for the lock")
  default void lock_closedMeanwhile_throwsClosedChannel() throws Exception {
    try (FsFile holder = updating("f")) {
      holder.lockExclusive();
      FsFile waiting = updating("f");
      FutureTask<Boolean> locked =
          new FutureTask<>(
              () -> {
                waiting.lockExclusive();
                return true;
              });
      Thread waiter = Thread.ofVirtual().start(locked);
      await().until(() -> isParked(waiter));
      waiting.close();
      ExecutionException thrown = assertThrows(ExecutionException.class, () -> locked.get(10, SECONDS));
      assertInstanceOf(ClosedChannelException.class, thrown.getCause());
      assertTrue(holder.tryLockExclusive());
    }
  }

  @Test
  @DisplayName("F10 virtual threads that wait for a lock hold no carrier")
  default void lock_waitedForByMoreVirtualThreadsThanCarriers_letsOthersWork() throws Exception {
    int waiters = 4 * Runtime.getRuntime().availableProcessors() + 8;
    List<Thread> threads = new ArrayList<>();
    AtomicInteger inside = new AtomicInteger();
    AtomicInteger gotIt = new AtomicInteger();
    try (FsFile holder = updating("f")) {
      holder.lockExclusive();
      for (int i = 0; i < waiters; i++) {
        FsFile file = updating("f");
        threads.add(
            Thread.ofVirtual()
                .start(
                    () -> {
                      try (file) {
                        file.lockExclusive();
                        assertEquals(1, inside.incrementAndGet());
                        gotIt.incrementAndGet();
                        inside.decrementAndGet();
                      } catch (IOException e) {
                        throw new AssertionError(e);
                      }
                    }));
      }
      await().until(() -> threads.stream().allMatch(FsLockContract::isParked));
      Callable<String> other =
          () -> {
            try (FsFile file = updating("other")) {
              assertEquals(2, file.write(FsFixture.bytes("ok")));
              return textAt(file, 0, 2);
            }
          };
      for (int i = 0; i < 20; i++) {
        together(true, List.of(other));
      }
      assertEquals(0, gotIt.get());
    }
    for (Thread thread : threads) {
      assertTrue(thread.join(Duration.ofSeconds(30)));
    }
    assertEquals(waiters, gotIt.get());
  }

  @Test
  @DisplayName("F10 unlock gives the lock back and leaves the file open; without the lock it does nothing")
  default void unlock_heldHereOrNot_freesItAndStaysOpen() throws Exception {
    FsFile closed = updating("f");
    try (FsFile second = updating("f")) {
      try (FsFile first = updating("f")) {
        first.unlock();
        assertTrue(first.tryLockExclusive());
        second.unlock();
        assertFalse(second.tryLockExclusive(), "another's lock is not given back");
        first.unlock();
        assertTrue(second.tryLockExclusive());
        assertFalse(first.tryLockExclusive());
        assertEquals(2, first.write(FsFixture.bytes("ok")));
        second.unlock();
        first.lockExclusive();
      }
      assertTrue(second.tryLockExclusive());
    }
    closed.close();
    assertThrows(ClosedChannelException.class, closed::unlock);
  }

  /** Between its fork and its exec a child holds whatever its parent has open. */
  @Test
  @DisplayName("F10 a lock that was given back is free while child processes start")
  default void lock_givenBackWhileChildrenStart_isFreeAtOnce() throws Exception {
    AtomicBoolean over = new AtomicBoolean();
    List<Callable<Integer>> calls = new ArrayList<>();
    for (int i = 0; i < 2; i++) {
      calls.add(
          () -> {
            int started = 0;
            while (!over.get()) {
              started += new ProcessBuilder("true").start().waitFor() == 0 ? 1 : 0;
            }
            assertTrue(started > 0);
            return started;
          });
    }
    calls.add(
        () -> {
          try (FsFile kept = updating("f")) {
            for (int i = 0; i < 600; i++) {
              try (FsFile file = updating("f")) {
                assertTrue(file.tryLockExclusive(), "refused after a close, round " + i);
              }
              assertTrue(kept.tryLockExclusive(), "refused after a close, round " + i);
              kept.unlock();
            }
            return 0;
          } finally {
            over.set(true);
          }
        });
    together(false, calls);
  }

  /** Waits for a while, or for another thread: it does not run and holds no carrier. */
  private static boolean isParked(Thread thread) {
    return thread.getState() == Thread.State.TIMED_WAITING || thread.getState() == Thread.State.WAITING;
  }
}
