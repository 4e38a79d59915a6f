package dev.annulus;

import dev.annulus.internal.driver.Driver;
import dev.annulus.internal.driver.FlightRecorder;
import dev.annulus.internal.driver.Log;
import dev.annulus.internal.driver.Operation;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/** Who watches a runtime. Asked at the beginning of each operation, so the answer "nobody" is one load and one flag. */
final class Listeners {
  private final Driver driver;
  private final AtomicBoolean complained = new AtomicBoolean();

  /** The operations under way that somebody watches. */
  private final Map<OperationFuture<?>, Observation> observed = new ConcurrentHashMap<>();

  /**
   * Counts {@link #observed}: at least 1 as long as any one operation is in there. The map's own count is a sum over cells, which may come
   * out as 0 while others come and go.
   */
  private final AtomicInteger underWay = new AtomicInteger();

  /** Replaced as a whole; {@code null} when there is none. */
  private volatile @Nullable List<RuntimeListener> listeners;

  Listeners(Driver driver) {
    this.driver = driver;
  }

  /** Whether an operation that begins now is watched. */
  boolean areThere() {
    return listeners != null || isRecorded();
  }

  private static boolean isRecorded() {
    return FlightRecorder.AVAILABLE && OperationEvent.wanted();
  }

  /** A request's operation begins. Kept here and not with the request: nobody watches most of them, and they are to be small. */
  void observe(OperationFuture<?> future) {
    if (!areThere()) {
      return;
    }
    Observation observation = observe(future.operation());
    if (observation != null) {
      int _ = underWay.incrementAndGet();
      try {
        observed.put(future, observation);
      } catch (VirtualMachineError e) {
        int _ = underWay.decrementAndGet();
        throw e;
      }
    }
  }

  /** What is known of a request's operation; {@code null} if nobody watches it. */
  @Nullable Observation observationOf(OperationFuture<?> future) {
    return underWay.get() == 0 ? null : observed.get(future);
  }

  /** As {@link #observationOf}, and no more from now on. */
  @Nullable Observation end(OperationFuture<?> future) {
    Observation observation = underWay.get() == 0 ? null : observed.remove(future);
    if (observation != null) {
      int _ = underWay.decrementAndGet();
    }
    return observation;
  }

  /** For an operation that begins: {@code null} if nobody watches. */
  @Nullable Observation observe(Operation operation) {
    List<RuntimeListener> now = listeners;
    boolean recorded = isRecorded();
    return now == null && !recorded ? null : Observation.begin(operation, this, now == null ? List.of() : now, recorded);
  }

  synchronized void add(RuntimeListener listener) {
    List<RuntimeListener> more = listeners == null ? new ArrayList<>() : new ArrayList<>(listeners);
    more.add(Objects.requireNonNull(listener, "listener"));
    replace(more);
  }

  /** Once less; nothing if it is not there. */
  synchronized void remove(RuntimeListener listener) {
    Objects.requireNonNull(listener, "listener");
    if (listeners != null) {
      List<RuntimeListener> fewer = new ArrayList<>(listeners);
      if (fewer.remove(listener)) {
        replace(fewer);
      }
    }
  }

  private void replace(List<RuntimeListener> changed) {
    if (changed.isEmpty()) {
      driver.onBatch(null);
      listeners = null;
    } else {
      List<RuntimeListener> all = List.copyOf(changed);
      listeners = all;
      driver.onBatch(entries -> all.forEach(listener -> guarded(() -> listener.batchSubmitted(entries))));
    }
  }

  /** What a listener throws is its own trouble, and told of once: it may throw at each operation. */
  void guarded(Runnable call) {
    try {
      call.run();
    } catch (Throwable e) {
      if (complained.compareAndSet(false, true)) {
        Log.warn("a listener of the runtime failed; should it fail again, that will not be logged", e);
      }
    }
  }
}
