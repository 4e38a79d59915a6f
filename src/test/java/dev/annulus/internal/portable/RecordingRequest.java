package dev.annulus.internal.portable;

import dev.annulus.internal.driver.Operation;
import dev.annulus.internal.driver.Request;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/** A request that records how it ended, and how often. */
class RecordingRequest implements Request {
  /** How a request ended: as completed with a result, or the name of the other call. */
  record End(String how, int result, @Nullable Throwable cause) {}

  private final Operation operation;
  private final CompletableFuture<End> end = new CompletableFuture<>();
  final AtomicInteger ends = new AtomicInteger();
  private int mark = NO_MARK;

  RecordingRequest(Operation operation) {
    this.operation = operation;
  }

  /** How it ended, waited for. */
  End end() {
    return end.orTimeout(10, TimeUnit.SECONDS).join();
  }

  /** The result of a request that completed. */
  int result() {
    End ended = end();
    if (!ended.how.equals("completed")) {
      throw new CompletionException(ended.how, ended.cause);
    }
    return ended.result;
  }

  boolean hasEnded() {
    return ends.get() > 0;
  }

  @Override
  public Operation operation() {
    return operation;
  }

  @Override
  public void completed(int result) {
    record(new End("completed", result, null));
  }

  @Override
  public void refused(Throwable cause) {
    record(new End("refused", 0, cause));
  }

  @Override
  public void abandoned(Throwable cause) {
    record(new End("abandoned", 0, cause));
  }

  private void record(End how) {
    int _ = ends.incrementAndGet();
    boolean first = end.complete(how);
    if (!first) {
      throw new IllegalStateException("ended twice");
    }
  }

  @Override
  public int mark() {
    return mark;
  }

  @Override
  public void mark(int newMark) {
    mark = newMark;
  }
}
