package bench;

import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/** As many operations in flight as there are slots; the completion of each starts the next. */
record ChainsLoad(Io io, List<Slot> slots) implements Load {
  private static final int LONGEST_MINUTES = 5;

  /** Starts an operation on a slot, whose end is told. */
  interface Io {
    void start(Slot slot, Ending ending);
  }

  @Override
  public void run(Meter meter) throws ExecutionException, InterruptedException, TimeoutException {
    List<Chain> chains = slots.stream().map(slot -> new Chain(io, slot, meter)).toList();
    chains.forEach(Chain::next);
    for (Chain chain : chains) {
      chain.end.get(LONGEST_MINUTES, TimeUnit.MINUTES);
    }
  }

  /** One slot's operations, one after the other. */
  private static final class Chain extends Ending {
    private final Io io;
    private final Meter meter;
    private final CompletableFuture<Void> end = new CompletableFuture<>();
    private long began;

    private Chain(Io io, Slot slot, Meter meter) {
      super(slot);
      this.io = io;
      this.meter = meter;
    }

    private void next() {
      began = System.nanoTime();
      if (began >= meter.deadline()) {
        end.complete(null);
        return;
      }
      try {
        slot().prepare();
        io.start(slot(), this);
      } catch (RuntimeException | Error e) {
        failed(e);
      }
    }

    @Override
    void ended(int transferred) {
      try {
        slot().check(transferred);
        meter.add(System.nanoTime() - began);
      } catch (RuntimeException | Error e) {
        failed(e);
        return;
      }
      next();
    }

    @Override
    void failed(Throwable failure) {
      end.completeExceptionally(failure);
    }
  }
}
