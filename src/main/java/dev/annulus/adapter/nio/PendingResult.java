package dev.annulus.adapter.nio;

import java.util.concurrent.CompletableFuture;

/** The future of an asynchronous channel: fails with {@code IOException}s, and asks what it waits for to stop when it is cancelled. */
final class PendingResult<V> extends CompletableFuture<V> {
  private final Runnable stop;

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
    CompletableFuture<V> _ =
        operation.whenComplete(
            (value, failure) -> {
              if (failure == null) {
                result.complete(value);
              } else {
                result.completeExceptionally(Waiting.asIoException(failure));
              }
            });
    return result;
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
}
