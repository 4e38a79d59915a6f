package dev.annulus.adapter.nio;

import java.nio.channels.CompletionHandler;
import java.util.concurrent.CompletableFuture;

/** Completes the future it is given as attachment. */
final class ToFuture<T> implements CompletionHandler<T, CompletableFuture<T>> {
  @Override
  public void completed(T result, CompletableFuture<T> attachment) {
    attachment.complete(result);
  }

  @Override
  public void failed(Throwable failure, CompletableFuture<T> attachment) {
    attachment.completeExceptionally(failure);
  }
}
