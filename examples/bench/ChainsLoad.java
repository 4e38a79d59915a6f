package bench;

import java.nio.channels.CompletionHandler;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.BiConsumer;

/** As many operations in flight as there are slots; the completion of each starts the next. */
record ChainsLoad(Io io, List<Slot> slots) implements Load {
  private static final int LONGEST_MINUTES = 5;

  /** Starts an operation on the chain's slot, whose completion the chain is told. */
  interface Io {
    void start(Slot slot, Chain chain);
  }

  @Override
  public void run(Meter meter) throws ExecutionException, InterruptedException, TimeoutException {
    List<Chain> chains = slots.stream().map(slot -> new Chain(io, slot, meter)).toList();
    chains.forEach(Chain::next);
    for (Chain chain : chains) {
      chain.end.get(LONGEST_MINUTES, TimeUnit.MINUTES);
    }
  }

  /** One slot's operations, one after the other. Takes results as futures and as asynchronous channels bring them. */
  static final class Chain implements BiConsumer<Object, Throwable>, CompletionHandler<Integer, Object> {
    private final Io io;
    private final Slot slot;
    private final Meter meter;
    private final CompletableFuture<Void> end = new CompletableFuture<>();
    private long began;

    private Chain(Io io, Slot slot, Meter meter) {
      this.io = io;
      this.slot = slot;
      this.meter = meter;
    }

    private void next() {
      began = System.nanoTime();
      if (began >= meter.deadline()) {
        end.complete(null);
        return;
      }
      try {
        slot.prepare();
        io.start(slot, this);
      } catch (RuntimeException | Error e) {
        end.completeExceptionally(e);
      }
    }

    private void ended(int transferred) {
      try {
        slot.check(transferred);
        meter.add(System.nanoTime() - began);
      } catch (RuntimeException | Error e) {
        end.completeExceptionally(e);
        return;
      }
      next();
    }

    /** A future without a count is one of an operation that succeeds in full or not at all. */
    @Override
    public void accept(Object count, Throwable failure) {
      if (failure != null) {
        end.completeExceptionally(failure);
      } else {
        ended(count instanceof Integer transferred ? transferred : slot.buffer().capacity());
      }
    }

    @Override
    public void completed(Integer transferred, Object attachment) {
      ended(transferred);
    }

    @Override
    public void failed(Throwable failure, Object attachment) {
      end.completeExceptionally(failure);
    }
  }
}
