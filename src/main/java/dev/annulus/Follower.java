package dev.annulus;

import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.function.BiConsumer;
import org.jspecify.annotations.Nullable;

/**
 * What {@code whenComplete} of an operation's future returns: ends as that has ended, when its function has run. Function and future are one
 * object here, where the JDK has a future and an entry in the list of dependents; to the user there is no difference.
 */
final class Follower<T> extends CompletableFuture<T> implements BiConsumer<T, @Nullable Throwable> {
  private @Nullable BiConsumer<? super T, ? super @Nullable Throwable> action;

  Follower(BiConsumer<? super T, ? super @Nullable Throwable> action) {
    this.action = Objects.requireNonNull(action, "action");
  }

  /** The future has ended. Called once. As in the JDK, the function does not run if this future was ended by hand before. */
  @Override
  @SuppressWarnings("ReferenceEquality") // an exception cannot be added to itself
  public void accept(@Nullable T value, @Nullable Throwable failure) {
    BiConsumer<? super T, ? super @Nullable Throwable> toRun = Objects.requireNonNull(action);
    action = null;
    if (isDone()) {
      return;
    }
    Throwable outcome = failure;
    try {
      toRun.accept(value, failure);
    } catch (Throwable e) {
      if (failure == null) {
        outcome = e;
      } else if (failure != e) {
        failure.addSuppressed(e);
      }
    }
    if (outcome == null) {
      boolean _ = complete(value);
    } else {
      boolean _ =
          completeExceptionally(outcome instanceof CompletionException ? outcome : new CompletionException(outcome));
    }
  }

  /** Dependents are plain futures. */
  @Override
  public <U> CompletableFuture<U> newIncompleteFuture() {
    return new CompletableFuture<>();
  }
}
