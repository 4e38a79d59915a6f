package dev.annulus.internal.runtime;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.annulus.testing.RecordingRequest;
import java.time.Duration;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Supplier;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * A reaper lies down and a submitter fills its queue in the same few nanoseconds, millions of times: if neither sees the other, a request
 * waits for ever. The fences of {@link SleepFlag} prevent that; without either it happens within a second, which is tested too, since a
 * race that cannot be seen proves nothing. The profile {@code jcstress} does the same more thoroughly.
 */
@Timeout(180)
class SleepFlagRaceTest {
  private static final int ROUNDS = 2_000_000;
  private static final Duration LONGEST = Duration.ofSeconds(10);
  private static final Duration LONGEST_FOR_BROKEN = Duration.ofSeconds(60);

  /** One meeting of a submitter and a reaper. */
  private interface Meeting {
    /** Fills the queue, and says whether it takes it on to wake the reaper. */
    boolean submit();

    /** Lies down, and says whether there was nothing in the queue. */
    boolean sleep();
  }

  @BeforeAll
  static void needTwoProcessors() {
    int processors = Runtime.getRuntime().availableProcessors();
    assumeTrue(processors >= 2, () -> "two threads must run at once, and there is one processor");
  }

  @Test
  void requestAndSleep_atTheSameMoment_neverMissEachOther() throws Exception {
    assertEquals(0, lost(() -> new OnIntake(new SleepFlag()), ROUNDS / 4, LONGEST), "requests that nobody would ever take");
  }

  /** With nothing to order it but the flag's own fences: the real queues begin a put with a fence of their own on some processors. */
  @Test
  void storeAndSleep_atTheSameMoment_neverMissEachOther() throws Exception {
    assertEquals(0, lost(() -> new OnBareField(new SleepFlag()), ROUNDS, LONGEST), "stores that nobody would ever see");
  }

  @Test
  void storeAndSleep_withoutTheSleepersFence_missEachOther() throws Exception {
    assertMisses(
        () ->
            new OnBareField(
                new SleepFlag() {
                  @Override
                  void sleepersFence() {}
                }));
  }

  @Test
  void storeAndSleep_withoutTheSubmittersFence_missEachOther() throws Exception {
    assertMisses(
        () ->
            new OnBareField(
                new SleepFlag() {
                  @Override
                  void submittersFence() {}
                }));
  }

  private static void assertMisses(Supplier<Meeting> broken) throws Exception {
    long deadline = System.nanoTime() + LONGEST_FOR_BROKEN.toNanos();
    long lost = 0;
    while (lost == 0 && System.nanoTime() < deadline) {
      lost = lost(broken, ROUNDS / 10, LONGEST);
    }
    assertTrue(lost > 0, "the fault built in was not seen: this test would not see it in the real flag either");
  }

  /** How many of so many meetings, or of fewer if they take too long, were missed. */
  private static long lost(Supplier<Meeting> meetings, int rounds, Duration longest) throws Exception {
    Race race = new Race(meetings, rounds, System.nanoTime() + longest.toNanos());
    FutureTask<Void> submitter = new FutureTask<>(race::submit, null);
    Thread.ofPlatform().daemon().start(submitter);
    race.sleep();
    submitter.get(30, TimeUnit.SECONDS);
    return race.lost();
  }

  /** The two threads go through an array of meetings side by side; when both are through, the next array is made. */
  private static final class Race {
    private static final int BATCH = 1000;

    private final Supplier<Meeting> meetings;
    private final int batches;
    private final long deadline;
    private final Meeting[] batch = new Meeting[BATCH];
    private final boolean[] wakes = new boolean[BATCH];
    private final boolean[] sleeps = new boolean[BATCH];
    private final AtomicInteger submitterAt = new AtomicInteger();
    private final AtomicInteger sleeperAt = new AtomicInteger();
    private long lost;
    private volatile boolean over;

    Race(Supplier<Meeting> meetings, int rounds, long deadline) {
      this.meetings = meetings;
      this.batches = rounds / BATCH;
      this.deadline = deadline;
    }

    void submit() {
      for (int at = 1; !meet(submitterAt, sleeperAt, at); at += 2) {
        for (int i = 0; i < BATCH; i++) {
          wakes[i] = batch[i].submit();
        }
        boolean _ = meet(submitterAt, sleeperAt, at + 1);
      }
    }

    void sleep() {
      for (int done = 0, at = 1; ; done++, at += 2) {
        over = done == batches || System.nanoTime() > deadline;
        for (int i = 0; i < BATCH; i++) {
          batch[i] = meetings.get();
        }
        if (meet(sleeperAt, submitterAt, at)) {
          return;
        }
        for (int i = 0; i < BATCH; i++) {
          sleeps[i] = batch[i].sleep();
        }
        boolean _ = meet(sleeperAt, submitterAt, at + 1);
        for (int i = 0; i < BATCH; i++) {
          lost += sleeps[i] && !wakes[i] ? 1 : 0;
        }
      }
    }

    long lost() {
      return lost;
    }

    /** Waits for the other. True if that was the last time. */
    private boolean meet(AtomicInteger mine, AtomicInteger others, int at) {
      mine.set(at);
      for (int spins = 1; others.get() < at; spins++) {
        if (spins % 10_000 == 0) {
          LockSupport.parkNanos(50_000); // the other is not running
        } else {
          Thread.onSpinWait();
        }
      }
      return over;
    }
  }

  private static final class OnIntake implements Meeting {
    private final Intake intake = new Intake(2, false);
    private final SleepFlag flag;

    OnIntake(SleepFlag flag) {
      this.flag = flag;
    }

    @Override
    public boolean submit() {
      Throwable refusal = intake.admission().enter();
      if (refusal != null) {
        throw new AssertionError(refusal);
      }
      intake.put(RecordingRequest.nop());
      return flag.endSleepForRequest();
    }

    @Override
    public boolean sleep() {
      flag.lieDown(false);
      return intake.isEmpty();
    }
  }

  private static final class OnBareField implements Meeting {
    private final AtomicInteger place = new AtomicInteger();
    private final SleepFlag flag;

    OnBareField(SleepFlag flag) {
      this.flag = flag;
    }

    @Override
    public boolean submit() {
      place.setOpaque(1);
      return flag.endSleepForRequest();
    }

    @Override
    public boolean sleep() {
      flag.lieDown(false);
      return place.getOpaque() == 0;
    }
  }
}
