package dev.annulus.adapter.lucene;

import dev.annulus.IoRuntime;
import java.io.IOException;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import org.jspecify.annotations.Nullable;

/** Waits for futures as Lucene expects: failures are thrown, interrupts stay pending. */
final class Waiting {
  private Waiting() {}

  /** The future's value. Does not leave early: until the operation ends its buffer is not the caller's. */
  static <T> T await(IoRuntime runtime, CompletableFuture<T> future) throws IOException {
    if (!future.isDone()) {
      checkMayBlock(runtime);
    }
    try {
      return future.join();
    } catch (CompletionException | CancellationException e) {
      throw failure(e);
    }
  }

  /** Waits for all, whatever becomes of some; then throws the first failure, which carries the others. */
  static void awaitAll(IoRuntime runtime, List<? extends CompletableFuture<?>> futures) throws IOException {
    IOException first = null;
    for (CompletableFuture<?> future : futures) {
      try {
        Object _ = await(runtime, future);
      } catch (IOException e) {
        if (first == null) {
          first = e;
        } else {
          first.addSuppressed(e);
        }
      }
    }
    if (first != null) {
      throw first;
    }
  }

  static void checkMayBlock(IoRuntime runtime) {
    if (runtime.isRuntimeThread()) {
      throw new IllegalStateException(
          "Lucene's I/O on the runtime's own thread would wait for itself: run searches and writers on threads of their own");
    }
  }

  private static IOException failure(RuntimeException wrapper) {
    @Nullable Throwable cause = wrapper instanceof CompletionException ? wrapper.getCause() : wrapper;
    return switch (cause) {
      case IOException io -> {
        // Made on the runtime's thread, for this call alone; where it is thrown says more.
        io.setStackTrace(new Throwable().getStackTrace());
        yield io;
      }
      case Error error -> throw error;
      case null -> new IOException("the operation failed", wrapper);
      default -> new IOException(String.valueOf(cause.getMessage()), cause);
    };
  }
}
