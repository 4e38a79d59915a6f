package dev.annulus.internal.runtime;

import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;
import static org.openjdk.jcstress.annotations.Expect.FORBIDDEN;

import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.I_Result;

/** A request put while the reaper ends is refused by one of the two, once. */
public final class LateRequest {
  private LateRequest() {}

  /** Through the bounded queue. */
  @JCStressTest
  @Outcome(id = "1", expect = ACCEPTABLE, desc = "refused once")
  @Outcome(expect = FORBIDDEN, desc = "lost between its submitter and the end, or refused twice")
  @State
  public static class Queued {
    private final Intake intake = new Intake(2, false);
    private final SleepFlag flag = new SleepFlag();
    private final CountedRequest request = new CountedRequest();

    @Actor
    public void submitter() {
      intake.put(request);
      boolean _ = flag.endSleepForRequest();
      intake.afterPut();
    }

    @Actor
    public void reaper() {
      intake.end(new Closed());
    }

    @Arbiter
    public void count(I_Result r) {
      r.r1 = request.refusals;
    }
  }

  /** Through the urgent queue. */
  @JCStressTest
  @Outcome(id = "1", expect = ACCEPTABLE, desc = "refused once")
  @Outcome(expect = FORBIDDEN, desc = "lost between its submitter and the end, or refused twice")
  @State
  public static class Urgent {
    private final Intake intake = new Intake(2, false);
    private final SleepFlag flag = new SleepFlag();
    private final CountedRequest request = new CountedRequest();

    @Actor
    public void submitter() {
      intake.putUrgent(request);
      boolean _ = flag.endSleep();
      intake.afterPut();
    }

    @Actor
    public void reaper() {
      intake.end(new Closed());
    }

    @Arbiter
    public void count(I_Result r) {
      r.r1 = request.refusals;
    }
  }

  /** Cheap to make by the million. */
  private static final class Closed extends Exception {
    private static final long serialVersionUID = 1L;

    Closed() {
      super("closed", null, false, false);
    }
  }
}
