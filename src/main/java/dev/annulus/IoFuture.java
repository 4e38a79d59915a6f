package dev.annulus;

import java.util.concurrent.CompletableFuture;

/**
 * The future of one I/O operation: a {@link CompletableFuture} in every respect, whose early end is also made known to the
 * kernel.
 *
 * <p>{@code cancel}, {@code orTimeout}, {@code complete}, {@code completeExceptionally} and the {@code obtrude} methods, called
 * while the operation runs, ask the kernel to stop it and give up the caller's interest in it, no more: a transfer the device has
 * begun goes on. The buffer therefore stays the kernel's until {@link #released()} has completed. Until then it must not be
 * written to, nor read for its contents, nor its memory freed: closing the arena of a segment that the kernel still writes to
 * would corrupt whatever gets the memory next.
 *
 * <p>Dependents ({@code thenApply} and its kin) are plain completable futures: cancelling one does not cancel the operation.
 * Unless the runtime has a completion executor, dependents without an executor of their own run on the runtime's only reaper
 * thread. They must be short, and must never block: all other I/O waits for them. A lock that virtual threads take as well may block
 * for long: it is handed to one of those who wait, and a virtual thread may have to wait for a carrier before it gives it back.
 *
 * <p>The future of a read that was found in the page cache is complete when it is returned ({@link IoRuntime.Builder#inlineReads}); its
 * dependents run on the thread that attaches them. Dependents may start the next read for as long as they like: the library bounds how
 * deep they stack. Loops of one thread are written plainly:
 *
 * <pre>{@code
 * for (long position = 0; file.read(buffer.clear(), position).join() > 0; position += buffer.position()) { ... }
 * }</pre>
 *
 * @param <T> the type of the result
 */
public abstract sealed class IoFuture<T> extends CompletableFuture<T> permits AwaitedFuture {
  IoFuture() {}

  /**
   * Completes when the kernel has let go of the operation's buffers and file: with the operation when it runs to its end, later
   * when the future was ended early. Fails only if that will never happen, because the runtime was closed on an operation the
   * kernel would not end; the buffers must then never be freed.
   *
   * @return a new future, or the one returned before
   */
  public abstract CompletableFuture<Void> released();

  /** Dependents have no operation of their own: they are plain futures. */
  @Override
  public <U> CompletableFuture<U> newIncompleteFuture() {
    return new CompletableFuture<>();
  }
}
