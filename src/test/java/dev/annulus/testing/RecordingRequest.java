package dev.annulus.testing;

import dev.annulus.internal.driver.Operation;
import dev.annulus.internal.driver.Request;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** A request that remembers how it ended, and that it ended once. */
public class RecordingRequest implements Request {
  /** Which of the three calls ended a request. */
  public enum How {
    COMPLETED,
    REFUSED,
    ABANDONED
  }

  /** How a request ended: a result, or a cause. */
  public record End(How how, int result, @Nullable Throwable cause) {}

  private static final int PATIENCE_SECONDS = 20;

  private final Operation operation;
  private final Consumer<RecordingRequest> onEnd;
  private final AtomicInteger ends = new AtomicInteger();
  private final CountDownLatch ended = new CountDownLatch(1);
  private volatile @Nullable End end;
  private volatile @Nullable Thread endedOn;
  private int mark = NO_MARK;

  public RecordingRequest(Operation operation) {
    this(operation, _ -> {});
  }

  /** {@code onEnd} runs where the request ends, before those who wait for it go on. */
  public RecordingRequest(Operation operation, Consumer<RecordingRequest> onEnd) {
    this.operation = operation;
    this.onEnd = onEnd;
  }

  public static RecordingRequest nop() {
    return new RecordingRequest(new Operation.Nop());
  }

  public boolean hasEnded() {
    return ended.getCount() == 0;
  }

  /** Calls that ended it: never more than one, if the driver is right. */
  public int ends() {
    return ends.get();
  }

  /** Waits for the end, and checks that there was one only. */
  public End await() {
    try {
      if (!ended.await(PATIENCE_SECONDS, TimeUnit.SECONDS)) {
        throw new AssertionError("did not end: " + operation);
      }
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
    End seen = end;
    if (seen == null || ends.get() != 1) {
      throw new AssertionError("ended " + ends.get() + " times: " + operation);
    }
    return seen;
  }

  /** Waits for the end, which must be a result. */
  public int result() {
    End seen = await();
    if (seen.how != How.COMPLETED) {
      throw new AssertionError(operation + " was " + seen.how, seen.cause);
    }
    return seen.result;
  }

  /** The thread that ended it. */
  public @Nullable Thread endedOn() {
    return endedOn;
  }

  @Override
  public Operation operation() {
    return operation;
  }

  @Override
  public void completed(int result) {
    end(new End(How.COMPLETED, result, null));
  }

  @Override
  public void refused(Throwable cause) {
    end(new End(How.REFUSED, 0, cause));
  }

  @Override
  public void abandoned(Throwable cause) {
    end(new End(How.ABANDONED, 0, cause));
  }

  @Override
  public int mark() {
    return mark;
  }

  @Override
  public void mark(int mark) {
    this.mark = mark;
  }

  private void end(End how) {
    int earlier = ends.getAndIncrement();
    if (earlier > 0) {
      throw new AssertionError("ended again by " + how + ", before by " + end);
    }
    end = how;
    endedOn = Thread.currentThread();
    try {
      onEnd.accept(this);
    } finally {
      ended.countDown();
    }
  }
}
