package dev.annulus;

import dev.annulus.OperationEnd.Outcome;
import dev.annulus.OperationEnd.Route;
import dev.annulus.internal.driver.Errno;
import dev.annulus.internal.driver.Operation;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * One operation for those who watch: listeners and the flight recorder. Made when the operation begins, if anybody watches then, and ended
 * before its future completes. Goes from thread to thread with the operation.
 */
final class Observation {
  private final OperationType type;
  private final Listeners guard;
  private final List<RuntimeListener> listeners;
  private final @Nullable OperationEvent event;
  private final long beganNanos;
  private Route route = Route.SUBMITTED;
  private int result;

  private Observation(
      OperationType type, Listeners guard, List<RuntimeListener> listeners, @Nullable OperationEvent event) {
    this.type = type;
    this.guard = guard;
    this.listeners = listeners;
    this.event = event;
    this.beganNanos = System.nanoTime();
  }

  /**
   * @param guard calls the listeners
   * @param recorded whether the flight recorder wants to know
   */
  static Observation begin(Operation operation, Listeners guard, List<RuntimeListener> listeners, boolean recorded) {
    OperationType type = OperationType.of(operation);
    for (RuntimeListener listener : listeners) {
      guard.guarded(() -> listener.operationBegan(type));
    }
    OperationEvent event = null;
    if (recorded) {
      event = new OperationEvent();
      event.submitter = Thread.currentThread();
      event.begin();
    }
    return new Observation(type, guard, listeners, event);
  }

  /** The operation is carried out on the thread that asked for it. */
  void takes(Route other) {
    route = other;
  }

  /** The operation has a result, which may be a negated errno; what that means will be told by {@link #end}. */
  void answered(int newResult) {
    result = newResult;
  }

  /** Tells everybody. */
  void end(Outcome outcome, Operation operation, Path path, @Nullable Throwable failure) {
    Outcome told = outcome == Outcome.FAILED && result == -Errno.ECANCELED ? Outcome.CANCELLED : outcome;
    if (!listeners.isEmpty()) {
      tellListeners(told, operation, path, failure);
    }
    if (event != null) {
      event.end();
      if (event.shouldCommit()) {
        commit(event, told, operation, path);
      }
    }
  }

  private void tellListeners(Outcome outcome, Operation operation, Path path, @Nullable Throwable failure) {
    boolean transfer = type == OperationType.READ || type == OperationType.WRITE;
    OperationEnd end =
        new OperationEnd(
            type,
            path,
            route,
            outcome,
            System.nanoTime() - beganNanos,
            transfer ? length(operation) : 0,
            transfer ? Math.max(0, result) : 0,
            outcome == Outcome.CANCELLED ? null : failure);
    for (RuntimeListener listener : listeners) {
      guard.guarded(() -> listener.operationEnded(end));
    }
  }

  private void commit(OperationEvent recorded, Outcome outcome, Operation operation, Path path) {
    recorded.operation = operation.name();
    recorded.path = path.toString();
    recorded.position = position(operation);
    recorded.length = length(operation);
    recorded.result = result;
    recorded.errno = result < 0 ? Errno.symbol(-result) : "";
    recorded.outcome = outcome.name().toLowerCase(Locale.ROOT);
    recorded.inline = route == Route.INLINE;
    recorded.callerRuns = route == Route.CALLER;
    recorded.commit();
  }

  /** Where in the file; -1 where that has no meaning. */
  private static long position(Operation operation) {
    return switch (operation) {
      case Operation.Read read -> read.offset();
      case Operation.Write write -> write.offset() == Operation.AT_END_OF_FILE ? -1 : write.offset();
      case Operation.ReadVector read -> read.offset();
      case Operation.WriteVector write -> write.offset();
      case Operation.Allocate allocate -> allocate.offset();
      case Operation.Truncate truncate -> truncate.size();
      default -> -1;
    };
  }

  /** How many bytes it is about; 0 where that has no meaning. */
  private static long length(Operation operation) {
    return switch (operation) {
      case Operation.Read read -> read.length();
      case Operation.Write write -> write.length();
      case Operation.ReadVector read -> total(read.pieces());
      case Operation.WriteVector write -> total(write.pieces());
      case Operation.Allocate allocate -> allocate.length();
      default -> 0;
    };
  }

  private static long total(List<Operation.Piece> pieces) {
    long total = 0;
    for (Operation.Piece piece : pieces) {
      total += piece.length();
    }
    return total;
  }
}
