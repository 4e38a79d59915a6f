package dev.annulus.adapter.nio;

import java.nio.channels.CompletionHandler;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.BiConsumer;
import org.jspecify.annotations.Nullable;

/**
 * Has a handler called, once, with what an operation has come to. Made before the operation ends: then nothing has to be allocated, and
 * what an error of the JVM cuts is done again.
 */
final class Delivery<V, A> implements BiConsumer<V, @Nullable Throwable>, Runnable {
  private static final int TRIES = 20;

  private final Executor executor;
  private final A attachment;
  private final CompletionHandler<V, ? super A> handler;
  private final AtomicBoolean called = new AtomicBoolean();

  private boolean handedOver;
  private @Nullable V value;
  private @Nullable Throwable failure;

  Delivery(Executor executor, A attachment, CompletionHandler<V, ? super A> handler) {
    this.executor = executor;
    this.attachment = attachment;
    this.handler = handler;
  }

  @Override
  public void accept(V result, @Nullable Throwable reason) {
    if (handedOver) {
      return;
    }
    value = result;
    failure = reason;
    boolean ownThread = false;
    for (int tries = 0; !handedOver && tries < TRIES; tries++) {
      try {
        if (ownThread) {
          Thread _ = Thread.startVirtualThread(this);
        } else {
          executor.execute(this);
        }
        handedOver = true;
      } catch (RejectedExecutionException | OutOfMemoryError e) {
        ownThread = true; // the executor takes no more, or has no threads to do so
      } catch (StackOverflowError e) {
        // Again.
      }
    }
  }

  /** An executor may have taken it though an error came back. */
  @Override
  @SuppressWarnings("NullAway") // a value may be null if V says so
  public void run() {
    if (!called.compareAndSet(false, true)) {
      return;
    }
    Throwable reason = failure;
    if (reason == null) {
      handler.completed(value, attachment);
    } else {
      handler.failed(reason, attachment);
    }
  }
}
