package dev.annulus.internal.runtime;

import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.annulus.internal.driver.Driver;
import dev.annulus.internal.driver.DriverConfig;
import dev.annulus.internal.driver.Errno;
import dev.annulus.internal.driver.OpenFlag;
import dev.annulus.internal.driver.Operation;
import dev.annulus.internal.driver.Request;
import dev.annulus.internal.driver.RequestLink;
import dev.annulus.internal.driver.Unavailable;
import dev.annulus.internal.runtime.direct.DirectCalls;
import dev.annulus.testing.FaultyFileSystem;
import dev.annulus.testing.RecordingRequest;
import dev.annulus.testing.RecordingRequest.How;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.reflect.Field;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Ways into the driver, and where they lead: to the ring, to a helper thread, or back. */
@Timeout(60)
class RingDriverSubmitTest {
  private static final String NAME = "driver-to-submit-to";

  @TempDir Path directory;

  private static RingDriver open(int maxInFlight, int maxQueued, boolean refuseWhenFull) throws Unavailable {
    return RingDriver.open(new DriverConfig(maxInFlight, maxQueued, refuseWhenFull, Duration.ofSeconds(5), NAME));
  }

  /** Remembers whether it never began. */
  private static class Noted extends RecordingRequest {
    volatile boolean neverBegun;

    Noted() {
      super(new Operation.Nop());
    }

    @Override
    public void neverBegun() {
      neverBegun = true;
      super.neverBegun();
    }
  }

  private static void closeElsewhere(Driver driver) {
    Thread closing = Thread.ofPlatform().daemon().start(driver::close);
    try {
      assertTrue(closing.join(Duration.ofSeconds(20)));
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
  }

  // ---- while the driver ends ----

  /** The driver ends between a submitter's admission and its put: the request must not wait for ever. */
  @Test
  void submitAll_driverEndsBeforeThePut_isRefused() throws Exception {
    RingDriver driver = open(4, 4, false);
    AtomicBoolean once = new AtomicBoolean();
    RecordingRequest late =
        new RecordingRequest(new Operation.Nop()) {
          @Override
          public void mark(int mark) {
            super.mark(mark);
            if (mark != NO_MARK && once.compareAndSet(false, true)) {
              closeElsewhere(driver);
            }
          }
        };
    driver.submitAll(List.of(late));
    assertTrue(once.get());
    assertEquals(How.REFUSED, late.await().how());
    assertInstanceOf(RejectedExecutionException.class, late.await().cause());
    assertEquals(Request.NO_MARK, late.mark());
  }

  @Test
  void submitPastLimits_driverEndsBeforeThePut_isRefused() throws Exception {
    RingDriver driver = open(4, 4, false);
    RecordingRequest late =
        new RecordingRequest(new Operation.Nop()) {
          @Override
          public RequestLink link() {
            closeElsewhere(driver);
            return super.link();
          }
        };
    driver.submitPastLimits(late);
    assertEquals(How.REFUSED, late.await().how());
    assertInstanceOf(RejectedExecutionException.class, late.await().cause());
  }

  @Test
  void submissions_afterTheReaperWasGivenUp_areRefusedAtOnce() throws Exception {
    try (RingDriver driver = open(4, 4, false)) {
      IllegalStateException cause = new IllegalStateException("said by the test");
      Field intake = RingDriver.class.getDeclaredField("intake");
      intake.setAccessible(true);
      ((Intake) intake.get(driver)).giveUp(cause);
      RecordingRequest request = RecordingRequest.nop();
      driver.submitPastLimits(request);
      assertEquals(How.REFUSED, request.await().how());
      assertSame(cause, request.await().cause());
    }
  }

  @Test
  void submit_onTheReaperOnceClosed_isRefused() throws Exception {
    RingDriver driver = open(4, 4, false);
    RecordingRequest late = RecordingRequest.nop();
    RecordingRequest listing = new RecordingRequest(new Operation.ListDirectory(Path.of("/"), new ArrayList<>()));
    RecordingRequest first =
        new RecordingRequest(
            new Operation.Nop(),
            _ -> {
              driver.beginClose();
              driver.submit(late);
              driver.submit(listing);
            });
    driver.submit(first);
    assertEquals(0, first.result());
    assertEquals(How.REFUSED, late.await().how());
    assertEquals(How.REFUSED, listing.await().how());
    driver.close();
    RecordingRequest later = RecordingRequest.nop();
    driver.submit(later);
    assertEquals(How.REFUSED, later.await().how());
    for (Operation operation : List.of(new Operation.Nop(), new Operation.ListDirectory(Path.of("/"), new ArrayList<>()))) {
      RecordingRequest past = new RecordingRequest(operation);
      driver.submitPastLimits(past);
      assertEquals(How.REFUSED, past.await().how(), operation.name());
      RecordingRequest inBatch = new RecordingRequest(operation);
      driver.submitAll(List.of(inBatch));
      assertEquals(How.REFUSED, inBatch.await().how(), operation.name());
    }
    assertEquals(0, driver.stats().inFlight());
  }

  // ---- batches ----

  /** The reaper sleeps and there are fewer places than requests: who waits for a place must have woken it. */
  @Test
  void submitAll_moreThanPlaces_endsAll() throws Exception {
    try (RingDriver driver = open(2, 2, false)) {
      List<RecordingRequest> all = new ArrayList<>();
      for (int i = 0; i < 20; i++) {
        all.add(RecordingRequest.nop());
      }
      Field wakeup = RingDriver.class.getDeclaredField("wakeup");
      wakeup.setAccessible(true);
      Wakeup reaper = (Wakeup) wakeup.get(driver);
      await().atMost(10, TimeUnit.SECONDS).pollInterval(1, TimeUnit.MILLISECONDS).until(reaper::isReaperAsleep);
      Thread submitting = Thread.ofPlatform().daemon().start(() -> driver.submitAll(all));
      assertTrue(submitting.join(Duration.ofSeconds(20)), "waits for room that nobody makes");
      for (RecordingRequest request : all) {
        assertEquals(0, request.result());
      }
      assertEquals(0, driver.stats().queued());
    }
  }

  @Test
  void submitAll_queuedAndCancelled_neverBegin() throws Exception {
    try (Endless endless = new Endless();
        RingDriver driver = open(1, 8, false)) {
      RecordingRequest holder = new RecordingRequest(endless.read());
      driver.submitAll(List.of(holder));
      await().atMost(10, TimeUnit.SECONDS).pollInterval(1, TimeUnit.MILLISECONDS).until(() -> driver.stats().inFlight() == 1);
      List<Noted> queued = List.of(new Noted(), new Noted());
      driver.submitAll(queued);
      queued.forEach(driver::cancel);
      endless.release();
      for (Noted request : queued) {
        assertEquals(-Errno.ECANCELED, request.result());
        assertTrue(request.neverBegun, "begun although it was cancelled before");
      }
      assertEquals(8, holder.result());
    }
  }

  @Test
  void submitAll_fullAndRefusing_refusesTheRest() throws Exception {
    try (Endless endless = new Endless();
        RingDriver driver = open(1, 2, true)) {
      RecordingRequest holder = new RecordingRequest(endless.read());
      driver.submit(holder);
      await()
          .atMost(10, TimeUnit.SECONDS)
          .pollInterval(1, TimeUnit.MILLISECONDS)
          .until(() -> driver.stats().inFlight() == 1 && driver.stats().queued() == 0);
      List<RecordingRequest> all = new ArrayList<>();
      for (int i = 0; i < 5; i++) {
        all.add(RecordingRequest.nop());
      }
      driver.submitAll(all);
      for (RecordingRequest refused : all.subList(2, 5)) {
        assertEquals(How.REFUSED, refused.await().how());
        assertEquals(Request.NO_MARK, refused.mark());
      }
      assertEquals(2, driver.stats().queued());
      endless.release();
      assertEquals(0, all.get(0).result());
      assertEquals(0, all.get(1).result());
      assertEquals(0, driver.stats().queued());
    }
  }

  // ---- who runs it ----

  @Test
  void submit_whatNeedsAWorker_isNotForTheRing() throws Exception {
    try (RingDriver driver = open(4, 4, false)) {
      CountDownLatch begun = new CountDownLatch(1);
      CountDownLatch held = new CountDownLatch(1);
      RecordingRequest request =
          new RecordingRequest(new Operation.Nop()) {
            @Override
            public boolean needsWorker() {
              return true;
            }

            @Override
            public Operation operation() {
              if (Thread.currentThread().getName().contains("-transfer-")) {
                begun.countDown();
                assertTrue(awaited(held));
              }
              return super.operation();
            }
          };
      driver.submit(request);
      assertTrue(awaited(begun));
      assertEquals(1, driver.stats().inFlight());
      assertEquals(0, driver.stats().queued(), "its place is kept while it runs");
      assertEquals(1, driver.stats().submitted());
      assertEquals(Reaper.Marks.WITH_WORKER, request.mark());
      driver.cancel(request);
      held.countDown();
      assertEquals(0, request.result());
      assertTrue(String.valueOf(request.endedOn()).contains("-transfer-"));
      assertEquals(1, driver.stats().completed());
      await().atMost(10, TimeUnit.SECONDS).until(() -> driver.stats().inFlight() == 0);
    }
  }

  private static boolean awaited(CountDownLatch latch) {
    try {
      return latch.await(20, TimeUnit.SECONDS);
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
  }

  /** What completions start while others are in flight shares their system calls. */
  @Test
  void gathers_onlyOnTheReaperWithOthersInFlight() throws Exception {
    try (Endless endless = new Endless();
        RingDriver driver = open(4, 4, false)) {
      assertFalse(driver.gathers());
      AtomicReference<@Nullable List<Boolean>> alone = new AtomicReference<>();
      RecordingRequest first =
          new RecordingRequest(
              new Operation.Nop(),
              _ -> {
                boolean before = driver.gathers();
                driver.submit(RecordingRequest.nop());
                alone.set(List.of(before, driver.gathers()));
              });
      driver.submit(first);
      assertEquals(0, first.result());
      assertEquals(List.of(false, true), alone.get());
      RecordingRequest holder = new RecordingRequest(endless.read());
      driver.submit(holder);
      AtomicBoolean withOthers = new AtomicBoolean();
      RecordingRequest second = new RecordingRequest(new Operation.Nop(), _ -> withOthers.set(driver.gathers()));
      driver.submit(second);
      assertEquals(0, second.result());
      assertTrue(withOthers.get());
      assertFalse(driver.gathers(), "this is not the reaper");
      endless.release();
      assertEquals(8, holder.result());
    }
  }

  // ---- files of other machines ----

  /** A descriptor's number is another file's once it is closed, whichever way that was done. */
  @Test
  void blockingFile_closedByCallOrSubmission_isForgotten() throws Exception {
    MemorySegment memory = Arena.ofAuto().allocate(8);
    Path local = Files.writeString(directory.resolve("local"), "local");
    try (FaultyFileSystem fs = FaultyFileSystem.mount(directory);
        RingDriver driver = open(4, 4, false)) {
      Path remote = Files.writeString(fs.root().resolve("remote"), "remote");
      for (boolean called : new boolean[] {true, false}) {
        int fd = openFile(remote);
        assertEquals(-Errno.EOPNOTSUPP, driver.attempt(fd, memory.address(), 6, 0), "it may block");
        assertFalse(driver.closesOnCaller(fd));
        assertTrue(driver.needsWorker(fd));
        if (called) {
          assertEquals(0, driver.call(new Operation.Close(fd)));
        } else {
          RecordingRequest closing = new RecordingRequest(new Operation.Close(fd));
          driver.submitPastLimits(closing);
          assertEquals(0, closing.result());
          assertTrue(String.valueOf(closing.endedOn()).contains("-closer-"), "closed on the reaper");
        }
        int other = openFile(local);
        assertEquals(fd, other, "this test needs the number again");
        assertTrue(driver.closesOnCaller(other));
        assertFalse(driver.needsWorker(other));
        int result = driver.attempt(other, memory.address(), 5, 0);
        assertTrue(result == 5 || result == -Errno.EAGAIN, () -> Integer.toString(result));
        assertEquals(0, driver.call(new Operation.Close(other)));
      }
    }
  }

  @Test
  void close_ofASmallLocalFile_isDoneByTheRing() throws Exception {
    Path local = Files.writeString(directory.resolve("local"), "local");
    try (RingDriver driver = open(4, 4, false)) {
      RecordingRequest closing = new RecordingRequest(new Operation.Close(openFile(local)));
      driver.submitPastLimits(closing);
      assertEquals(0, closing.result());
      Thread endedOn = closing.endedOn();
      assertNotNull(endedOn);
      assertEquals(NAME, endedOn.getName());
    }
  }

  private static int openFile(Path path) {
    int fd = DirectCalls.run(new Operation.Open(path, EnumSet.of(OpenFlag.READ), 0));
    assertTrue(fd >= 0, () -> Errno.symbol(-fd));
    return fd;
  }
}
