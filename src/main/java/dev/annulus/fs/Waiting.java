package dev.annulus.fs;

import dev.annulus.ErrnoException;
import dev.annulus.IoRuntime;
import java.io.IOException;
import java.nio.channels.ClosedChannelException;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** Waits for futures as blocking code expects: failures are thrown, and interrupts stay pending. */
final class Waiting {
  private Waiting() {}

  /** Submits, waits, and throws what it failed with, as an {@link IOException} where it is one. */
  static <T> T submitAndAwait(IoRuntime runtime, Supplier<? extends CompletableFuture<T>> operation) throws IOException {
    checkMayBlock(runtime);
    try {
      return await(operation.get());
    } catch (IllegalStateException e) {
      throw closedOr(e);
    }
  }

  /** Waits without regard to interrupts: the buffer is the kernel's until the operation ends, so there is no leaving early. */
  static <T> T await(CompletableFuture<T> future) throws IOException {
    try {
      return future.join();
    } catch (CompletionException | CancellationException e) {
      throw failure(e);
    }
  }

  /**
   * Waits until a file is closed.
   *
   * @param tells whether to throw what the system said to that; not that an operation in it has not ended
   */
  static void awaitClosed(CompletableFuture<Void> closed, boolean tells) throws IOException {
    try {
      Void _ = closed.join();
    } catch (CompletionException e) {
      if (tells && e.getCause() instanceof ErrnoException failure) {
        failure.setStackTrace(new Throwable().getStackTrace());
        throw failure;
      }
    }
  }

  static void checkMayBlock(IoRuntime runtime) {
    if (runtime.isRuntimeThread()) {
      throw new IllegalStateException(
          "a blocking call on the runtime's own thread would wait for itself: chain futures there, or use an executor");
    }
  }

  /** What a closed {@code AsyncFile} throws, as channels throw it. */
  static IOException closedOr(IllegalStateException e) throws IOException {
    if (e.getCause() instanceof ClosedChannelException) {
      IOException closed = new ClosedChannelException();
      closed.initCause(e);
      throw closed;
    }
    throw e;
  }

  private static IOException failure(RuntimeException wrapper) {
    @Nullable Throwable cause = wrapper instanceof CompletionException ? wrapper.getCause() : wrapper;
    if (cause instanceof IOException io) {
      // Made on the runtime's thread, for this call alone; where it is thrown says more.
      io.setStackTrace(new Throwable().getStackTrace());
      return io;
    }
    if (cause instanceof Error error) {
      throw error;
    }
    return new IOException(cause == null ? "the operation failed" : String.valueOf(cause.getMessage()), cause);
  }
}
