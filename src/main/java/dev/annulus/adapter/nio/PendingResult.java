package dev.annulus.adapter.nio;

import java.util.concurrent.CompletableFuture;
import java.util.function.BiConsumer;
import org.jspecify.annotations.Nullable;

/** The future of an asynchronous channel: fails with {@code IOException}s, and asks what it waits for to stop when it is cancelled. */
final class PendingResult<V> extends CompletableFuture<V> {
  private static final int TRIES = 20;

  private final Runnable stop;

  /** Made beforehand. */
  private final Ending ending = new Ending();

  /**
   * A result that is still to come.
   *
   * @param stop called once it is cancelled
   */
  PendingResult(Runnable stop) {
    this.stop = stop;
  }

  /** The result of an operation of a file. */
  static <V> PendingResult<V> of(CompletableFuture<V> operation) {
    PendingResult<V> result = new PendingResult<>(() -> operation.cancel(false));
    // Once more behind that: an error of the JVM may have come before it was called.
    CompletableFuture<V> _ = operation.whenComplete(result.ending).whenComplete(result.ending);
    return result;
  }

  /** Fails with just this, whatever memory or stack is wanting: nobody else would. */
  void failSurely(Throwable failure) {
    ending.asItIs = true;
    ending.accept(null, failure);
  }

  @Override
  public boolean cancel(boolean mayInterruptIfRunning) {
    boolean cancelled = super.cancel(mayInterruptIfRunning);
    if (cancelled) {
      stop.run();
    }
    return cancelled;
  }

  /** What depends on it has nothing of its own to stop. */
  @Override
  public <U> CompletableFuture<U> newIncompleteFuture() {
    return new CompletableFuture<>();
  }

  /** Ends this as what it waits for has ended. */
  private final class Ending implements BiConsumer<@Nullable V, @Nullable Throwable> {
    private boolean asItIs;

    @Override
    public void accept(@Nullable V result, @Nullable Throwable reason) {
      if (isDone()) {
        return;
      }
      boolean ended = false;
      for (int tries = 0; !ended && tries < TRIES; tries++) {
        try {
          end(result, reason);
          ended = true;
        } catch (VirtualMachineError e) {
          // Again.
        }
      }
    }

    private void end(@Nullable V result, @Nullable Throwable reason) {
      if (reason == null) {
        boolean _ = complete(result);
      } else {
        boolean _ = completeExceptionally(asItIs ? reason : Waiting.asIoException(reason));
      }
    }
  }
}
