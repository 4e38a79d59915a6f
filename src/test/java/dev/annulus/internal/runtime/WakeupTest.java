package dev.annulus.internal.runtime;

import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.annulus.internal.abi.Fcntl;
import dev.annulus.internal.abi.Syscalls;
import dev.annulus.internal.driver.Errno;
import dev.annulus.internal.driver.Unavailable;
import dev.annulus.internal.ring.KernelRing;
import dev.annulus.internal.ring.ProcSelf;
import dev.annulus.internal.ring.RingSetupException;
import dev.annulus.testing.CapturedLog;
import dev.annulus.testing.RecordingRequest;
import dev.annulus.testing.SyscallTap;
import java.io.IOException;
import java.lang.reflect.Field;
import java.lang.reflect.Method;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The wake-up on a ring of the running kernel; the test's thread is the reaper. */
@Timeout(30)
class WakeupTest {
  private static final String EVENT_FD = "anon_inode:[eventfd]";
  private static final int ETIME = 62;

  private final KernelRing ring;
  private final Wakeup wakeup;
  private final long descriptorsBefore;

  WakeupTest() throws RingSetupException, Unavailable {
    descriptorsBefore = ProcSelf.descriptors(EVENT_FD);
    ring = KernelRing.open(8, 0, 0);
    wakeup = new Wakeup();
  }

  @BeforeEach
  void eventFdIsOpen() {
    assertEquals(descriptorsBefore + 1, ProcSelf.descriptors(EVENT_FD));
  }

  @AfterEach
  void closeRing() {
    ring.close();
  }

  /** A child that inherited it could wake the reaper, and would keep the descriptor alive. */
  @Test
  void eventFd_isCloseOnExec() throws Exception {
    assertTrue((Long.parseLong(about("flags:"), 8) & Fcntl.O_CLOEXEC) != 0);
    wakeup.settle();
  }

  @Test
  void submitters_reaperAwake_writeNothing() throws Exception {
    wakeup.requestQueued();
    wakeup.urgent();
    assertEquals(0, written());
    wakeup.settle();
  }

  @Test
  void requestQueued_reaperAsleep_endsTheWaitWithOneWrite() throws Exception {
    wakeup.arm(ring.submissions());
    assertTrue(wakeup.isArmed());
    wakeup.lieDown(false);
    FutureTask<Void> submitters =
        new FutureTask<>(
            () -> {
              for (int i = 0; i < 100; i++) {
                wakeup.requestQueued();
                wakeup.urgent();
              }
              return null;
            });
    Thread.ofPlatform().daemon().start(submitters);
    waitForWake();
    submitters.get(10, TimeUnit.SECONDS);
    assertTrue(wakeup.rise());
    assertEquals(0, written(), "more than one write");
    assertFalse(wakeup.isArmed());
    wakeup.settle();
    assertEquals(descriptorsBefore, ProcSelf.descriptors(EVENT_FD));
  }

  @Test
  void requestQueued_reaperAsleepWithAllSlotsTaken_doesNotWakeIt() throws Exception {
    wakeup.lieDown(true);
    wakeup.requestQueued();
    assertEquals(0, written());
    assertFalse(wakeup.rise());
    wakeup.settle();
  }

  @Test
  void urgent_reaperAsleepWithAllSlotsTaken_wakesIt() throws Exception {
    wakeup.arm(ring.submissions());
    wakeup.lieDown(true);
    wakeup.urgent();
    waitForWake();
    assertTrue(wakeup.rise());
    wakeup.settle();
  }

  @Test
  void rise_nobodyCame_owesNothing() throws Exception {
    for (int i = 0; i < 3; i++) {
      wakeup.lieDown(false);
      assertFalse(wakeup.rise());
    }
    wakeup.requestQueued();
    assertEquals(0, written());
    wakeup.settle();
    assertEquals(descriptorsBefore, ProcSelf.descriptors(EVENT_FD));
  }

  @Test
  void arm_armedAlready_submitsOneReadOnly() {
    wakeup.arm(ring.submissions());
    wakeup.arm(ring.submissions());
    assertEquals(1, ring.submissions().unconsumed());
    wakeup.fireSelf();
    waitForWake();
    wakeup.settle();
  }

  @Test
  void wake_afterAWake_worksAgain() {
    for (int i = 0; i < 5; i++) {
      wakeup.arm(ring.submissions());
      wakeup.lieDown(false);
      wakeup.requestQueued();
      waitForWake();
      assertTrue(wakeup.rise());
    }
    wakeup.settle();
    assertEquals(descriptorsBefore, ProcSelf.descriptors(EVENT_FD));
  }

  /** A submitter flips the flag and is held up before its write: the descriptor must stay until the write has come. */
  @Test
  void settle_writeStillOwed_waitsForItBeforeClosing() throws Exception {
    wakeup.lieDown(false);
    Field sleep = Wakeup.class.getDeclaredField("sleep");
    sleep.setAccessible(true);
    assertTrue(((SleepFlag) sleep.get(wakeup)).endSleep());
    assertTrue(wakeup.rise());

    CountDownLatch settled = new CountDownLatch(1);
    FutureTask<Void> settling =
        new FutureTask<>(
            () -> {
              wakeup.settle();
              settled.countDown();
              return null;
            });
    Thread.ofPlatform().daemon().start(settling);
    assertFalse(settled.await(100, TimeUnit.MILLISECONDS), "did not wait for the write");
    assertEquals(descriptorsBefore + 1, ProcSelf.descriptors(EVENT_FD));

    Method write = Wakeup.class.getDeclaredMethod("write");
    write.setAccessible(true);
    write.invoke(wakeup);
    settling.get(10, TimeUnit.SECONDS);
    assertEquals(descriptorsBefore, ProcSelf.descriptors(EVENT_FD));
  }

  @Test
  void settle_severalOwed_waitsForEach() throws Exception {
    for (int i = 0; i < 3; i++) {
      wakeup.lieDown(false);
      wakeup.requestQueued();
      assertTrue(wakeup.rise());
    }
    assertEquals(3, written());
    wakeup.settle();
    assertEquals(descriptorsBefore, ProcSelf.descriptors(EVENT_FD));
  }

  /** An announcement that an error of the JVM has cut is ended by the next. */
  @Test
  void lieDown_twice_owesWhatTheFirstSleepWasEndedBy() throws Exception {
    wakeup.lieDown(false);
    wakeup.requestQueued();
    wakeup.lieDown(false);
    assertFalse(wakeup.rise());
    assertEquals(1, written());
    wakeup.settle();
    assertEquals(descriptorsBefore, ProcSelf.descriptors(EVENT_FD), "a write that came is waited for");
  }

  /** A submitter has flipped the flag, and has not written yet. */
  private void flip() throws ReflectiveOperationException {
    Field sleep = Wakeup.class.getDeclaredField("sleep");
    sleep.setAccessible(true);
    assertTrue(((SleepFlag) sleep.get(wakeup)).endSleep());
  }

  /** It could neither write nor flip it back. */
  private void flipAndFail() throws ReflectiveOperationException {
    flip();
    Field unwritten = Wakeup.class.getDeclaredField("unwritten");
    unwritten.setAccessible(true);
    unwritten.setBoolean(wakeup, true);
  }

  private void closeLeftOpen() throws ReflectiveOperationException {
    assertEquals(descriptorsBefore + 1, ProcSelf.descriptors(EVENT_FD), "closed though a write may come");
    Field eventFd = Wakeup.class.getDeclaredField("eventFd");
    eventFd.setAccessible(true);
    assertEquals(0, Syscalls.close(eventFd.getInt(wakeup)));
  }

  /** Also one that ended a sleep whose announcement was cut: nobody has risen from that. */
  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void settle_writeThatNeverComes_leavesTheDescriptorOpenAndSaysSo(boolean cut) throws Exception {
    wakeup.lieDown(false);
    flip();
    if (cut) {
      wakeup.lieDown(false);
      assertFalse(wakeup.rise());
    } else {
      assertTrue(wakeup.rise());
    }
    try (CapturedLog log = new CapturedLog()) {
      wakeup.settle();
      assertEquals(1, log.messagesWith("wake-up descriptor is left open").size(), log.messages().toString());
    }
    closeLeftOpen();
  }

  /** The next who comes wakes the reaper in its place. */
  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void wake_thatOneCouldNotWrite_isWrittenByTheNext(boolean urgent) throws Exception {
    wakeup.lieDown(false);
    flipAndFail();
    assertEquals(0, written());
    for (int i = 0; i < 3; i++) {
      if (urgent) {
        wakeup.urgent();
      } else {
        wakeup.requestQueued();
      }
      assertEquals(1, written());
    }
    assertTrue(wakeup.rise());
    wakeup.settle();
    assertEquals(descriptorsBefore, ProcSelf.descriptors(EVENT_FD));
  }

  /** The sleeper has risen by itself: the write will not come, and nobody waits for it. */
  @Test
  void settle_writeThatCouldNotBeMade_isNotWaitedFor() throws Exception {
    wakeup.lieDown(false);
    flipAndFail();
    assertTrue(wakeup.rise());
    wakeup.requestQueued();
    assertEquals(0, written());
    try (CapturedLog log = new CapturedLog()) {
      wakeup.settle();
      assertEquals(List.of(), log.messages());
    }
    assertEquals(descriptorsBefore, ProcSelf.descriptors(EVENT_FD));
  }

  @Test
  void settle_readInterrupted_isMadeAgain() throws Exception {
    wakeup.lieDown(false);
    wakeup.requestQueued();
    assertTrue(wakeup.rise());
    try (SyscallTap tap = SyscallTap.ofThisThread()) {
      tap.answer(call -> tap.calls().size() <= 3 ? -Errno.EINTR : SyscallTap.PASS);
      wakeup.settle();
      assertEquals(4, tap.calls(Syscalls.arch().numbers.read()));
    }
    assertEquals(descriptorsBefore, ProcSelf.descriptors(EVENT_FD));
  }

  /** Its number may be another file's by now. */
  @Test
  void settle_descriptorThatSomebodyElseHasClosed_closesNothing() throws Exception {
    wakeup.lieDown(false);
    wakeup.requestQueued();
    assertTrue(wakeup.rise());
    try (SyscallTap tap = SyscallTap.ofThisThread()) {
      tap.answer(_ -> -Errno.EBADF);
      wakeup.settle();
      assertEquals(1, tap.calls().size());
    }
    closeLeftOpen();
  }

  /** How many of the last levels of a recursion have too little of the stack left. */
  private int levelsOutOfReach(int level) {
    int out = 0;
    try {
      wakeup.checkReach();
    } catch (StackOverflowError e) {
      out = 1;
    }
    try {
      return level == 0 ? out : out + levelsOutOfReach(level - 1);
    } catch (StackOverflowError e) {
      return out;
    }
  }

  /** What is put is to be told of: so there must be more of the stack left than the next call takes. */
  @Test
  void checkReach_whereTheStackIsNearlyUsedUp_throwsSomeFramesBeforeItIs() throws Exception {
    FutureTask<Integer> diving = new FutureTask<>(() -> levelsOutOfReach(Integer.MAX_VALUE));
    Thread.ofPlatform().daemon().stackSize(512 << 10).start(diving);
    int levels = diving.get(20, TimeUnit.SECONDS);
    assertTrue(levels >= 5, levels + " levels");
    wakeup.checkReach();
    wakeup.settle();
  }

  @Test
  void eventFd_thatCannotBeHad_isToldWithTheError() throws Exception {
    try (SyscallTap tap = SyscallTap.ofThisThread()) {
      tap.answer(_ -> -Errno.EMFILE);
      Unavailable e = assertThrows(Unavailable.class, Wakeup::new);
      assertTrue(String.valueOf(e.getMessage()).contains("eventfd failed with errno " + Errno.EMFILE), e.toString());
      assertEquals(1, tap.calls().size());
    }
    wakeup.settle();
  }

  @Test
  void fired_withoutAnArmedRead_changesNothing() throws Exception {
    wakeup.fired(Long.BYTES);
    assertFalse(wakeup.isArmed());
    wakeup.lieDown(false);
    wakeup.urgent();
    assertTrue(wakeup.rise());
    wakeup.settle();
    assertEquals(descriptorsBefore, ProcSelf.descriptors(EVENT_FD));
  }

  /** The read may fail, by a signal say: what was written is still to be read. */
  @Test
  void fired_readThatFailed_takesNothingOff() throws Exception {
    wakeup.arm(ring.submissions());
    wakeup.lieDown(false);
    wakeup.requestQueued();
    assertTrue(wakeup.rise());
    wakeup.fired(-4);
    assertFalse(wakeup.isArmed());
    assertEquals(1, written());
    wakeup.arm(ring.submissions());
    assertTrue(wakeup.isArmed(), "not armed again");
    wakeup.fired(-4);
    wakeup.settle();
    assertEquals(descriptorsBefore, ProcSelf.descriptors(EVENT_FD));
  }

  /** The reaper lies down and looks again while submitters put and look: none may be missed. */
  @Test
  void sleepAndSubmit_racing_neverMissEachOther() throws Exception {
    int rounds = 20_000;
    Intake intake = new Intake(4, false);
    FutureTask<Void> submitter =
        new FutureTask<>(
            () -> {
              for (int i = 0; i < rounds; i++) {
                Throwable refusal = intake.admission().enter();
                if (refusal != null) {
                  throw new AssertionError(refusal);
                }
                intake.put(RecordingRequest.nop());
                wakeup.requestQueued();
              }
              return null;
            });
    Thread.ofPlatform().daemon().start(submitter);
    int taken = 0;
    while (taken < rounds) {
      while (intake.take() != null) {
        taken++;
      }
      intake.leavePlaces();
      wakeup.arm(ring.submissions());
      wakeup.lieDown(false);
      if (intake.isEmpty() && taken < rounds) {
        enterAndReap(TimeUnit.SECONDS.toNanos(10));
      }
      boolean ignored = wakeup.rise();
    }
    submitter.get(10, TimeUnit.SECONDS);
    wakeup.fireSelf();
    await().atMost(10, TimeUnit.SECONDS).pollInSameThread().until(
        () -> {
          if (wakeup.isArmed()) {
            enterAndReap(TimeUnit.SECONDS.toNanos(1));
          }
          return !wakeup.isArmed();
        });
    wakeup.settle();
    assertEquals(descriptorsBefore, ProcSelf.descriptors(EVENT_FD));
  }

  private void waitForWake() {
    enterAndReap(TimeUnit.SECONDS.toNanos(10));
    assertFalse(wakeup.isArmed(), "the read has not completed");
  }

  private void enterAndReap(long timeoutNanos) {
    ring.submissions().publish();
    int result = ring.enter(ring.submissions().unconsumed(), 1, timeoutNanos);
    assertTrue(result >= 0, result == -ETIME ? "nobody woke the sleeper" : "enter: " + result);
    for (int ready = ring.completions().ready(); ready > 0; ready--) {
      assertEquals(UserData.WAKE, ring.completions().userData(0));
      wakeup.fired(ring.completions().result(0));
      ring.completions().advance(1);
    }
  }

  /** What the eventfd counts: writes that no read has taken. */
  private long written() throws IOException, ReflectiveOperationException {
    return Long.parseLong(about("eventfd-count:"), 16);
  }

  /** What the kernel says of the descriptor. */
  private String about(String what) throws IOException, ReflectiveOperationException {
    Field eventFd = Wakeup.class.getDeclaredField("eventFd");
    eventFd.setAccessible(true);
    for (String line : Files.readAllLines(Path.of("/proc/self/fdinfo/" + eventFd.getInt(wakeup)))) {
      if (line.startsWith(what)) {
        return line.substring(what.length()).strip();
      }
    }
    throw new AssertionError("no " + what);
  }
}
