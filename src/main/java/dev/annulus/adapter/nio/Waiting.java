package dev.annulus.adapter.nio;

import dev.annulus.ErrnoException;
import dev.annulus.IoRuntime;
import java.io.IOException;
import java.nio.channels.ClosedChannelException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.RejectedExecutionException;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** Waits for futures as callers of channels expect: failures are thrown as {@link IOException}s, and interrupts stay pending. */
final class Waiting {
  private Waiting() {}

  /** Submits and waits, without regard to interrupts: the buffer is the kernel's until the operation ends. */
  static <T> T await(IoRuntime runtime, Supplier<? extends CompletableFuture<T>> operation) throws IOException {
    checkMayBlock(runtime);
    CompletableFuture<T> future;
    try {
      future = operation.get();
    } catch (IllegalStateException e) {
      throw closedOr(e);
    }
    return await(future);
  }

  static <T> T await(CompletableFuture<T> future) throws IOException {
    try {
      return future.join();
    } catch (CompletionException e) {
      Throwable failure = e.getCause() == null ? e : e.getCause();
      // Made on another thread, for this call alone; where it is thrown says more.
      failure.setStackTrace(new Throwable().getStackTrace());
      switch (failure) {
        case RuntimeException unchecked when !isOfTheRuntime(unchecked) -> throw unchecked;
        case Error error -> throw error;
        default -> throw asIoException(failure);
      }
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
          "a blocking call on the runtime's own thread would wait for itself: use an executor, or the futures of AsyncFile");
    }
  }

  /** What a closed {@code AsyncFile} throws, as channels throw it; anything else as it is. */
  static ClosedChannelException closedOr(IllegalStateException e) {
    if (e.getCause() instanceof ClosedChannelException) {
      ClosedChannelException closed = new ClosedChannelException();
      closed.initCause(e);
      return closed;
    }
    throw e;
  }

  /** A failure of a future, for those who know only I/O errors. */
  static IOException asIoException(@Nullable Throwable failure) {
    return switch (failure) {
      case CompletionException e when e.getCause() != null -> asIoException(e.getCause());
      case IOException e -> e;
      case null -> new IOException("the operation failed");
      default -> new IOException(failure.getMessage(), failure);
    };
  }

  /** The runtime is full, or closed. */
  private static boolean isOfTheRuntime(RuntimeException e) {
    return e instanceof RejectedExecutionException;
  }
}
