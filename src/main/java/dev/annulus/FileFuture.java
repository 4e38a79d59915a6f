package dev.annulus;

import dev.annulus.internal.driver.Operation;
import java.io.IOException;
import java.util.function.IntFunction;

/** The future of an operation on an open file: holds a lease on the file until the operation is over. */
abstract class FileFuture<T> extends OperationFuture<T> {
  private final OpenDescriptor file;

  FileFuture(OpenDescriptor file, Operation operation) {
    super(operation);
    this.file = file;
  }

  /** A future whose value follows from the result by a function. */
  static <T> FileFuture<T> of(OpenDescriptor file, Operation operation, IntFunction<T> value) {
    return new FileFuture<>(file, operation) {
      @Override
      void onSuccess(int result) {
        succeed(value.apply(result), result);
      }
    };
  }

  /** The operation has ended well. Must call one of {@code succeed}, {@code fail} and {@code again}. */
  abstract void onSuccess(int result);

  /** The operation has failed; by default so does the future. */
  void onError(int errno) {
    fail(Errors.onFile(operation(), file.path(), errno));
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

  /** A sync has failed: remembers it if it lost data. What to fail with. */
  final IOException syncFailure(int errno) {
    IOException failure = Errors.onFile(operation(), file.path(), errno);
    return Errors.isLoss(errno) ? file.latchSyncFailure(failure) : failure;
  }

  /** That nobody listens does not bring the data back. */
  @Override
  final void onUnheard(int errno) {
    if (operation() instanceof Operation.Sync) {
      IOException ignored = syncFailure(errno);
    }
  }

  final OpenDescriptor file() {
    return file;
  }

  @Override
  final Engine engine() {
    return file.engine();
  }

  @Override
  final void onResult(int result) {
    if (result >= 0) {
      onSuccess(result);
    } else {
      onError(-result);
    }
  }

  @Override
  final void submitAgain(Operation next) {
    if (next instanceof Operation.Sync) {
      file.groupCommit().sync(this, true);
    } else {
      super.submitAgain(next);
    }
  }

  @Override
  final void onOver() {
    file.releaseLease();
  }

  @Override
  final void onAbandoned(Throwable cause) {
    file.abandon(cause);
  }
}
