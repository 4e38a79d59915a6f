package dev.annulus.internal.runtime;

import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;
import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE_INTERESTING;
import static org.openjdk.jcstress.annotations.Expect.FORBIDDEN;

import dev.annulus.internal.driver.Closing;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.time.Duration;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.II_Result;
import org.openjdk.jcstress.infra.results.ZZ_Result;

/**
 * No wake-up is lost: a reaper that finds its queues empty after it has lain down is woken by whoever fills them.
 *
 * <p>The first result says whether the submitter takes it on to wake the reaper, the second whether the reaper goes to sleep, having found
 * nothing. Neither waking nor staying up would be for ever.
 */
public final class SleepHandshake {
  private SleepHandshake() {}

  /** What submitters put into an {@link Intake} and what a reaper that lies down looks at. */
  abstract static class OnIntake {
    final Intake intake = new Intake(2, false);
    final SleepFlag flag;

    OnIntake(SleepFlag flag) {
      this.flag = flag;
    }

    final boolean submit() {
      Throwable refusal = intake.admission().enter();
      if (refusal != null) {
        throw new IllegalStateException(refusal);
      }
      intake.put(new CountedRequest());
      return flag.endSleepForRequest();
    }

    final boolean sleep() {
      flag.lieDown(false);
      return intake.isEmpty();
    }
  }

  /** A request through the bounded queue. */
  @JCStressTest
  @Outcome(id = "false, true", expect = FORBIDDEN, desc = "sleeps with a request queued, and nobody wakes it")
  @Outcome(expect = ACCEPTABLE, desc = "woken, or still up, or both")
  @State
  public static class Request extends OnIntake {
    public Request() {
      super(new SleepFlag());
    }

    @Actor
    public void submitter(ZZ_Result r) {
      r.r1 = submit();
    }

    @Actor
    public void reaper(ZZ_Result r) {
      r.r2 = sleep();
    }
  }

  /** As {@link Request}, but the reaper looks at its queues without a fence. */
  @JCStressTest
  @Outcome(id = "false, true", expect = ACCEPTABLE_INTERESTING, desc = "lost: this is what the reaper's fence prevents")
  @Outcome(expect = ACCEPTABLE, desc = "woken, or still up, or both")
  @State
  public static class BrokenWithoutSleepersFence extends OnIntake {
    public BrokenWithoutSleepersFence() {
      super(new WithoutSleepersFence());
    }

    @Actor
    public void submitter(ZZ_Result r) {
      r.r1 = submit();
    }

    @Actor
    public void reaper(ZZ_Result r) {
      r.r2 = sleep();
    }
  }

  /** A request through the urgent queue, to a reaper with all slots taken. */
  @JCStressTest
  @Outcome(id = "false, true", expect = FORBIDDEN, desc = "sleeps with an urgent request queued, and nobody wakes it")
  @Outcome(expect = ACCEPTABLE, desc = "woken, or still up, or both")
  @State
  public static class UrgentRequest {
    private final Intake intake = new Intake(2, false);
    private final SleepFlag flag = new SleepFlag();

    @Actor
    public void submitter(ZZ_Result r) {
      intake.putUrgent(new CountedRequest());
      r.r1 = flag.endSleep();
    }

    @Actor
    public void reaper(ZZ_Result r) {
      flag.lieDown(true);
      r.r2 = intake.isEmpty();
    }
  }

  /** A cancellation. */
  @JCStressTest
  @Outcome(id = "false, true", expect = FORBIDDEN, desc = "sleeps with a cancellation queued, and nobody wakes it")
  @Outcome(expect = ACCEPTABLE, desc = "woken, or still up, or both")
  @State
  public static class Cancellation {
    private final Intake intake = new Intake(2, false);
    private final SleepFlag flag = new SleepFlag();

    @Actor
    public void canceller(ZZ_Result r) {
      intake.putCancellation(new CountedRequest());
      r.r1 = flag.endSleep();
    }

    @Actor
    public void reaper(ZZ_Result r) {
      flag.lieDown(false);
      r.r2 = !intake.hasCancellation();
    }
  }

  /** The end of the runtime. */
  @JCStressTest
  @Outcome(id = "false, true", expect = FORBIDDEN, desc = "sleeps though the runtime is closing, and nobody wakes it")
  @Outcome(expect = ACCEPTABLE, desc = "woken, or still up, or both")
  @State
  public static class EndOfRuntime {
    private final Intake intake = new Intake(2, false);
    private final SleepFlag flag = new SleepFlag();

    @Actor
    public void closer(ZZ_Result r) {
      intake.beginClose(Closing.begin(Duration.ZERO));
      r.r1 = flag.endSleep();
    }

    @Actor
    public void reaper(ZZ_Result r) {
      flag.lieDown(false);
      r.r2 = !intake.isClosing();
    }
  }

  /**
   * A queue of one place, with no ordering of its own. The queues of {@link Intake} begin a put with a compare-and-set, which on x86 is a
   * fence too: there they would hide that the submitter's own is missing. The handshake must not rest on that.
   */
  abstract static class OnBarePlace {
    private static final VarHandle PLACE;

    static {
      try {
        PLACE = MethodHandles.lookup().findVarHandle(OnBarePlace.class, "place", int.class);
      } catch (ReflectiveOperationException e) {
        throw new ExceptionInInitializerError(e);
      }
    }

    private final SleepFlag flag;

    @SuppressWarnings("unused") // through PLACE
    private int place;

    OnBarePlace(SleepFlag flag) {
      this.flag = flag;
    }

    final boolean submit() {
      PLACE.setOpaque(this, 1);
      return flag.endSleepForRequest();
    }

    final boolean sleep() {
      flag.lieDown(false);
      return (int) PLACE.getOpaque(this) == 0;
    }
  }

  /** The fences alone keep a wake-up from being lost. */
  @JCStressTest
  @Outcome(id = "false, true", expect = FORBIDDEN, desc = "sleeps with the place filled, and nobody wakes it")
  @Outcome(expect = ACCEPTABLE, desc = "woken, or still up, or both")
  @State
  public static class BarePlace extends OnBarePlace {
    public BarePlace() {
      super(new SleepFlag());
    }

    @Actor
    public void submitter(ZZ_Result r) {
      r.r1 = submit();
    }

    @Actor
    public void reaper(ZZ_Result r) {
      r.r2 = sleep();
    }
  }

  /** As {@link BarePlace}, but submitters look at the flag without a fence. */
  @JCStressTest
  @Outcome(id = "false, true", expect = ACCEPTABLE_INTERESTING, desc = "lost: this is what the submitter's fence prevents")
  @Outcome(expect = ACCEPTABLE, desc = "woken, or still up, or both")
  @State
  public static class BrokenWithoutSubmittersFence extends OnBarePlace {
    public BrokenWithoutSubmittersFence() {
      super(new WithoutSubmittersFence());
    }

    @Actor
    public void submitter(ZZ_Result r) {
      r.r1 = submit();
    }

    @Actor
    public void reaper(ZZ_Result r) {
      r.r2 = sleep();
    }
  }

  /** A reaper lies down and rises while somebody submits twice: as many writes are owed as the reaper expects. */
  @JCStressTest
  @Outcome(id = {"0, 0", "1, 1"}, expect = ACCEPTABLE, desc = "nobody is to write, or one, and the reaper knows")
  @Outcome(expect = FORBIDDEN, desc = "a write is owed that the reaper does not know of, or the other way round")
  @State
  public static class OwedWrites {
    private final SleepFlag flag = new SleepFlag();

    @Actor
    public void submitter(II_Result r) {
      r.r1 = (flag.endSleepForRequest() ? 1 : 0) + (flag.endSleep() ? 1 : 0);
    }

    @Actor
    public void reaper(II_Result r) {
      flag.lieDown(false);
      r.r2 = flag.rise() ? 1 : 0;
    }
  }

  private static final class WithoutSleepersFence extends SleepFlag {
    @Override
    void sleepersFence() {}
  }

  private static final class WithoutSubmittersFence extends SleepFlag {
    @Override
    void submittersFence() {}
  }
}
