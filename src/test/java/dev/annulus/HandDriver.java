package dev.annulus;

import dev.annulus.internal.driver.Driver;
import dev.annulus.internal.driver.DriverStats;
import dev.annulus.internal.driver.Errno;
import dev.annulus.internal.driver.Operation;
import dev.annulus.internal.driver.Request;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Objects;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.function.IntConsumer;
import org.jspecify.annotations.Nullable;

/** Keeps requests until the test ends them, one after the other. */
final class HandDriver implements Driver {
  final Queue<Request> requests = new ConcurrentLinkedQueue<>();
  final List<Operation> ended = Collections.synchronizedList(new ArrayList<>());

  /** Requests that were to be cancelled. */
  final Queue<Request> cancelled = new ConcurrentLinkedQueue<>();

  boolean through;

  /** The one that {@link #endNext} would end. */
  Request next() {
    return Objects.requireNonNull(requests.peek(), "nothing was submitted");
  }

  @Override
  public boolean writesThrough() {
    return through;
  }

  void endNext(int result) {
    Request request = Objects.requireNonNull(requests.poll(), "nothing was submitted");
    ended.add(request.operation());
    request.completed(result);
  }

  @Override
  public void submit(Request request) {
    requests.add(request);
  }

  @Override
  public void submitPastLimits(Request request) {
    requests.add(request);
  }

  @Override
  public void cancel(Request request) {
    cancelled.add(request);
  }

  @Override
  public int call(Operation operation) {
    return -Errno.EBADF;
  }

  @Override
  public int attempt(Operation.Read read) {
    return -Errno.EAGAIN;
  }

  @Override
  public boolean onDriverThread() {
    return false;
  }

  @Override
  public DriverStats stats() {
    return new DriverStats(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
  }

  @Override
  public void onBatch(@Nullable IntConsumer listener) {}

  @Override
  public String description() {
    return "";
  }

  @Override
  public void beginClose() {}

  @Override
  public void close() {}
}
