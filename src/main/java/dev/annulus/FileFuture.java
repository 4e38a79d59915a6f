package dev.annulus;

import dev.annulus.internal.driver.Errno;
import dev.annulus.internal.driver.Operation;
import java.io.IOException;
import java.nio.file.Path;
import java.util.function.IntFunction;

/** The future of an operation on an open file: holds a lease on the file until the operation is over. */
abstract class FileFuture<T> extends OperationFuture<T> {
  private final OpenDescriptor file;

  FileFuture(OpenDescriptor file) {
    this.file = file;
  }

  /** A future whose value follows from the result by a function. */
  static <T> FileFuture<T> of(OpenDescriptor file, Operation operation, IntFunction<T> value) {
    return new Plain<>(file, operation) {
      @Override
      void onSuccess(int result) {
        succeed(value.apply(result), result);
      }
    };
  }

  /** The future of an operation that is an object of its own. */
  abstract static class Plain<T> extends FileFuture<T> {
    private final Operation operation;

    Plain(OpenDescriptor file, Operation operation) {
      super(file);
      this.operation = operation;
    }

    @Override
    public final Operation operation() {
      return operation;
    }
  }

  /** The operation has ended well. Must call one of {@code succeed}, {@code fail} and {@code again}. */
  abstract void onSuccess(int result);

  /** The operation has failed; by default so does the future. */
  void onError(int errno) {
    fail(syncFailure(errno));
  }

  /** The operation has failed: ends the future with what was transferred by operations before it. False if that is nothing. */
  boolean endsShort(int errno) {
    return false;
  }

  /**
   * A sync has ended well, which means nothing if one that was in flight with it was answered with a loss: the kernel tells each
   * loss once.
   */
  final void succeedUnlessLost(int result) {
    IOException lost = file.earlierSyncFailure();
    if (lost == null) {
      succeed(null, result);
    } else {
      fail(lost);
    }
  }

  /** A sync, or a write with a sync in it, has failed: remembers it if it lost data. What to fail with. */
  final IOException syncFailure(int errno) {
    IOException failure = Errors.onFile(operation(), file.path(), errno);
    if (losesData(errno)) {
      file.latchSyncFailure(failure);
    }
    return failure;
  }

  /** Whether a failure of the operation may mean that data is lost which was written before: it may be one of a sync within it. */
  boolean losesData(int errno) {
    return switch (operation()) {
      case Operation.Sync _ -> Errors.isLoss(errno);
      case Operation.Write _, Operation.WriteVector _ -> file.syncsEachWrite() && Errors.isLoss(errno) && !Errors.isOwnOfWrite(errno);
      default -> false;
    };
  }

  /** That nobody listens does not bring the data back. */
  @Override
  final void onUnheard(int errno) {
    if (losesData(errno)) {
      IOException ignored = syncFailure(errno);
    }
  }

  final OpenDescriptor file() {
    return file;
  }

  @Override
  final Path path() {
    return file.path();
  }

  @Override
  final Engine engine() {
    return file.engine();
  }

  @Override
  final void onResult(int result) {
    if (result >= 0) {
      onSuccess(result);
    } else if (endsShort(-result)) {
      // What was transferred before is the result.
    } else if (result == -Errno.EINVAL && !file.isBuffered() && RefusedTransfer.isTransfer(operation())) {
      new RefusedTransfer(this).explain();
    } else {
      onError(-result);
    }
  }

  /** No sync runs beside another: the kernel tells a loss once, to whichever comes first, and the other would take it for success. */
  @Override
  final boolean tryBeginHere(Operation operation) {
    return !(operation instanceof Operation.Sync) || file.groupCommit().tryBeginAlone();
  }

  @Override
  final void endHere(Operation operation) {
    if (operation instanceof Operation.Sync) {
      file.groupCommit().endAlone();
    }
  }

  @Override
  final void submitAgain() {
    if (operation() instanceof Operation.Sync) {
      file.groupCommit().sync(this, true);
    } else {
      super.submitAgain();
      if (isDone() && !isOver()) {
        engine().driver().cancel(this); // given up between two operations, when there was none to cancel
      }
    }
  }

  @Override
  void onOver() {
    file.releaseLease();
  }

  @Override
  void onAbandoned(Throwable cause) {
    file.abandon(cause);
  }
}
