package bench;

import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;

/**
 * Operations that arrive by themselves, at random moments, so many in a second on average, whether earlier ones have ended or not. Their
 * latency counts from their arrival: one that must wait for a slot is late, and so are all behind it.
 */
record PacedLoad(ChainsLoad.Io io, List<Slot> slots) implements Load {
  private static final int LONGEST_MINUTES = 5;

  /** Without a rate it goes as fast as it can, to find out how fast that is. */
  @Override
  public void run(Meter meter) throws Exception {
    if (meter.operationsPerSecond() == 0) {
      new ChainsLoad(io, slots).run(meter);
    } else {
      new Arrivals(io, slots, meter).run();
    }
  }

  /** One round. */
  private static final class Arrivals {
    private final ChainsLoad.Io io;
    private final Meter meter;
    private final BlockingQueue<One> free;
    private final int count;
    private final AtomicReference<Throwable> failure = new AtomicReference<>();
    private final SplittableRandom random = new SplittableRandom(1);

    Arrivals(ChainsLoad.Io io, List<Slot> slots, Meter meter) {
      this.io = io;
      this.meter = meter;
      this.count = slots.size();
      this.free = new ArrayBlockingQueue<>(count);
      slots.forEach(slot -> free.add(new One(slot)));
    }

    void run() throws Exception {
      double due = System.nanoTime();
      for (long now = System.nanoTime(); now < meter.deadline() && failure.get() == null; now = System.nanoTime()) {
        if (now < due) {
          LockSupport.parkNanos((long) due - now);
          continue;
        }
        // A timer is late by some tens of microseconds: all that are due by now arrive now.
        while (due <= now) {
          start(now);
          due += -Math.log1p(-random.nextDouble()) / meter.operationsPerSecond() * 1e9;
        }
      }
      for (int i = 0; i < count; i++) {
        One ignored = take();
      }
      if (failure.get() != null) {
        throw new IllegalStateException("an operation failed", failure.get());
      }
    }

    private void start(long now) throws TimeoutException, InterruptedException {
      One one = take();
      one.arrived = now;
      one.slot().prepare();
      io.start(one.slot(), one);
    }

    private One take() throws TimeoutException, InterruptedException {
      One one = free.poll(LONGEST_MINUTES, TimeUnit.MINUTES);
      if (one == null) {
        throw new TimeoutException("an operation does not end");
      }
      return one;
    }

    /** A slot that is free, or on whose operation's end it will be. */
    private final class One extends Ending {
      private long arrived;

      private One(Slot slot) {
        super(slot);
      }

      @Override
      void ended(int transferred) {
        try {
          slot().check(transferred);
          meter.add(System.nanoTime() - arrived);
        } catch (RuntimeException | Error e) {
          failed(e);
          return;
        }
        free.add(this);
      }

      @Override
      void failed(Throwable cause) {
        failure.compareAndSet(null, cause);
        free.add(this);
      }
    }
  }
}
