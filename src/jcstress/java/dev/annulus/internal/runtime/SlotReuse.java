package dev.annulus.internal.runtime;

import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;
import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE_INTERESTING;
import static org.openjdk.jcstress.annotations.Expect.FORBIDDEN;

import dev.annulus.internal.driver.Whereabouts;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.III_Result;
import org.openjdk.jcstress.infra.results.II_Result;

/**
 * What belongs to one request never reaches the next one in its slot: neither a completion that comes late or twice, nor a cancellation
 * that was asked for too late.
 *
 * <p>The reaper is the real one, on a {@link HeapRing} with one slot: the first request is in the kernel, the second waits for its slot.
 */
public final class SlotReuse {
  private SlotReuse() {}

  /** A reaper with one request in the kernel and another that waits for the same slot. */
  abstract static class OneSlot {
    private static final int ROUNDS = 3;

    /** No wake-up is waited for here: its memory may be everybody's, and its descriptor nobody's. */
    private static final MemorySegment WAKEUP_MEMORY = Arena.global().allocate(2 * Long.BYTES, Long.BYTES);

    private static final int NO_DESCRIPTOR = -1;

    final HeapRing ring = new HeapRing();
    final Intake intake = new Intake(2, false);
    final Counters counters = new Counters();
    final CountedRequest first;
    final CountedRequest second = new CountedRequest();
    final Reaper reaper;
    final long userDataOfFirst;

    OneSlot(InFlightTable table, CountedRequest first) {
      this.first = first;
      Wakeup wakeup = new Wakeup(NO_DESCRIPTOR, WAKEUP_MEMORY);
      BlockingFiles noneBlocks = new BlockingFiles.Unknown();
      reaper =
          new Reaper(ring, intake, wakeup, table, new RegisteredMemory(), noneBlocks, counters, new Whereabouts(null));
      submit(first);
      reaper.round(1);
      userDataOfFirst = ring.lastSubmitted;
      submit(second);
    }

    private void submit(CountedRequest request) {
      request.mark(Reaper.Marks.QUEUED);
      Throwable refusal = intake.admission().enter();
      if (refusal != null) {
        throw new IllegalStateException(refusal);
      }
      intake.put(request);
    }

    final void someRounds() {
      for (int i = 0; i < ROUNDS; i++) {
        reaper.round(1);
      }
    }
  }

  /** The kernel answers the first request twice, and the second not at all. */
  @JCStressTest
  @Outcome(id = "1, 0, 1", expect = ACCEPTABLE, desc = "the first answer is the first request's, the other nobody's")
  @Outcome(expect = FORBIDDEN, desc = "an answer went to a request that it was not for, or was lost")
  @State
  public static class CompletionThatComesTwice extends OneSlot {
    public CompletionThatComesTwice() {
      super(new InFlightTable(1), new CountedRequest());
    }

    @Actor
    public void kernel() {
      ring.complete(userDataOfFirst, 1);
      ring.complete(userDataOfFirst, 2);
    }

    @Actor
    public void reaper() {
      someRounds();
    }

    @Arbiter
    public void count(III_Result r) {
      someRounds();
      r.r1 = first.completions == 1 ? first.result : -first.completions;
      r.r2 = second.completions;
      r.r3 = (int) counters.stale.get();
    }
  }

  /** As {@link CompletionThatComesTwice}, but a slot has the same generation for ever. */
  @JCStressTest
  @Outcome(id = "1, 1, 0", expect = ACCEPTABLE_INTERESTING, desc = "misdelivered: this is what generations prevent")
  @Outcome(id = "1, 0, 1", expect = ACCEPTABLE, desc = "both came before the slot was taken again")
  @Outcome(expect = FORBIDDEN, desc = "something else is wrong")
  @State
  public static class BrokenWithoutGenerations extends OneSlot {
    public BrokenWithoutGenerations() {
      super(new WithoutGenerations(), new CountedRequest());
    }

    @Actor
    public void kernel() {
      ring.complete(userDataOfFirst, 1);
      ring.complete(userDataOfFirst, 2);
    }

    @Actor
    public void reaper() {
      someRounds();
    }

    @Arbiter
    public void count(III_Result r) {
      someRounds();
      r.r1 = first.completions == 1 ? first.result : -first.completions;
      r.r2 = second.completions;
      r.r3 = (int) counters.stale.get();
    }
  }

  /** The first request's caller gives it up when it has completed, and the second may have its slot. */
  @JCStressTest
  @Outcome(id = "1, 0", expect = ACCEPTABLE, desc = "the first has ended once; nobody asked the kernel to end the second")
  @Outcome(expect = FORBIDDEN, desc = "the wrong request was cancelled, or one was lost")
  @State
  public static class CancellationThatComesLate extends OneSlot {
    public CancellationThatComesLate() {
      super(new InFlightTable(1), new CountedRequest());
    }

    @Actor
    public void kernelAndCaller() {
      ring.complete(userDataOfFirst, 1);
      intake.putCancellation(first);
    }

    @Actor
    public void reaper() {
      someRounds();
    }

    @Arbiter
    public void count(II_Result r) {
      someRounds();
      r.r1 = first.completions;
      r.r2 = ring.lastSubmitted == userDataOfFirst ? -1 : ring.cancellationsOfLast;
    }
  }

  /** As {@link CancellationThatComesLate}, but a request that has ended still says it is in its slot. */
  @JCStressTest
  @Outcome(id = "1, 1", expect = ACCEPTABLE_INTERESTING, desc = "the second is cancelled: this is what taking the mark back prevents")
  @Outcome(id = "1, 0", expect = ACCEPTABLE, desc = "the cancellation came before the slot was taken again")
  @Outcome(expect = FORBIDDEN, desc = "something else is wrong")
  @State
  public static class BrokenWithMarkLeft extends OneSlot {
    public BrokenWithMarkLeft() {
      super(new InFlightTable(1), new KeepsItsMark());
    }

    @Actor
    public void kernelAndCaller() {
      ring.complete(userDataOfFirst, 1);
      intake.putCancellation(first);
    }

    @Actor
    public void reaper() {
      someRounds();
    }

    @Arbiter
    public void count(II_Result r) {
      someRounds();
      r.r1 = first.completions;
      r.r2 = ring.lastSubmitted == userDataOfFirst ? -1 : ring.cancellationsOfLast;
    }
  }

  private static final class WithoutGenerations extends InFlightTable {
    WithoutGenerations() {
      super(1);
    }

    @Override
    long nextUserData(int slot) {
      return userData(slot);
    }
  }

  private static final class KeepsItsMark extends CountedRequest {
    @Override
    public void mark(int newMark) {
      if (newMark != NO_MARK) {
        super.mark(newMark);
      }
    }
  }
}
