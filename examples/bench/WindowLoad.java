package bench;

import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;

/** As many operations in flight as there are slots, started by one thread, which awaits the oldest before it starts another. */
record WindowLoad(Io io, List<Slot> slots) implements Load {
  /** Starts an operation. */
  interface Io {
    Future<?> start(Slot slot);
  }

  @Override
  public void run(Meter meter) throws ExecutionException, InterruptedException {
    Future<?>[] pending = new Future<?>[slots.size()];
    long[] began = new long[slots.size()];
    long now = System.nanoTime();
    int oldest = 0;
    for (; now < meter.deadline(); oldest = (oldest + 1) % pending.length) {
      if (pending[oldest] != null) {
        await(pending[oldest], slots.get(oldest));
        now = System.nanoTime();
        meter.add(now - began[oldest]);
      }
      Slot slot = slots.get(oldest);
      slot.prepare();
      began[oldest] = now;
      pending[oldest] = io.start(slot);
    }
    for (int i = 0; i < pending.length; i++, oldest = (oldest + 1) % pending.length) {
      if (pending[oldest] != null) {
        await(pending[oldest], slots.get(oldest));
        meter.add(System.nanoTime() - began[oldest]);
      }
    }
  }

  private static void await(Future<?> future, Slot slot) throws ExecutionException, InterruptedException {
    Object count = future.get();
    slot.check(count instanceof Integer transferred ? transferred : slot.buffer().capacity());
  }
}
