package dev.annulus;

import dev.annulus.internal.driver.Errno;
import dev.annulus.internal.driver.Operation;
import dev.annulus.internal.driver.StackRoom;
import dev.annulus.internal.driver.StatResult;
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

  /** The file ends where the read was answered so many bytes, 0 mostly. */
  void onEndOfFile(int count) {
    throw new IllegalStateException("not a read: " + operation().name());
  }

  /**
   * The file goes on where the read was answered as at its end.
   *
   * @param about the file
   * @param asked can do the read once more
   */
  void onMoreToRead(int count, StatResult about, EndOfFile asked) {
    asked.readAgain();
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

  /** The operation has failed: remembers it if it may have lost data. What to fail with. */
  final IOException syncFailure(int errno) {
    IOException failure = Errors.onFile(operation(), file.path(), errno);
    if (tellsLosses()) {
      file.latchSyncFailure(failure);
    }
    return failure;
  }

  /**
   * Whether a failure of the operation may mean that data is lost which was written before, or by
   * others at the same time: it is a sync, or has one within it. With whatever error: those of the
   * device reach a sync as they are, and each is told once.
   */
  final boolean tellsLosses() {
    return switch (operation()) {
      case Operation.Sync _ -> true;
      case Operation.Write write -> write.isDurable() || file.syncsEachWrite();
      case Operation.WriteVector _ -> file.syncsEachWrite();
      default -> false;
    };
  }

  /** That nobody listens does not bring the data back. */
  @Override
  final void onUnheard(int errno) {
    if (tellsLosses()) {
      IOException _ = syncFailure(errno);
    }
  }

  @Override
  final void onUntold(int errno) {
    if (tellsLosses()) {
      file.noteLoss();
    }
  }

  @Override
  void onNeverBegun() {
    if (!endsShort(Errno.ECANCELED)) {
      fail(Errors.onFile(operation(), file.path(), Errno.ECANCELED));
    }
  }

  /** An append would be there twice, and a sync within the write is told of each loss once. */
  @Override
  public final boolean isRepeatable() {
    Operation operation = operation();
    return operation.isIdempotent() && !(isWrite(operation) && (file.isAppending() || file.syncsEachWrite()));
  }

  @Override
  public final boolean needsWorker() {
    return file.needsWorker() && RefusedTransfer.isTransfer(operation());
  }

  private static boolean isWrite(Operation operation) {
    return operation instanceof Operation.Write || operation instanceof Operation.WriteVector;
  }

  // ---- with others of a file that syncs each write ----

  /** Announces the operation to those it is in flight with, if their successes depend on it. */
  final void begin() {
    SyncedWrites others = file.syncedWrites();
    if (others != null && SyncedWrites.isOne(operation())) {
      StackRoom.check(); // from here on others wait for the end of this
      others.begin(this);
    }
  }

  @Override
  final boolean isKeptBack(int result) {
    SyncedWrites others = file.syncedWrites();
    return others != null && result >= 0 && others.keepBack(this, result);
  }

  @Override
  final boolean mayBeKeptBack(Operation operation) {
    return file.syncedWrites() != null && SyncedWrites.isOne(operation);
  }

  /** What was kept back is told, unless data was lost meanwhile. */
  final void tell(int result, boolean lost) {
    if (lost && !isDone()) {
      fail(file.lossBeside());
    } else {
      deliver(result);
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
    } else if (!tellsLosses() && endsShort(-result)) {
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
    if (!(operation instanceof Operation.Sync)) {
      return true;
    }
    StackRoom.check(); // from here on others wait for the end of this
    return file.groupCommit().tryBeginAlone();
  }

  @Override
  final void endHere(Operation operation) {
    if (operation instanceof Operation.Sync) {
      file.groupCommit().endAlone();
    }
  }

  @Override
  final void submitAgain() {
    begin();
    if (operation() instanceof Operation.Sync) {
      file.groupCommit().sync(this, true);
    } else {
      super.submitAgain();
      try {
        if (isDone() && !isOver()) {
          engine().driver().cancel(this); // given up between two operations, when there was none to cancel
        }
      } catch (VirtualMachineError e) {
        // It is submitted, and goes on.
      }
    }
  }

  @Override
  final void letGo() {
    file.dropLease();
  }

  @Override
  void onOver() {
    leave();
    file.closeIfUnused();
  }

  @Override
  void onAbandoned(Throwable cause) {
    if (tellsLosses()) {
      file.latchSyncFailure(new IOException(operation().name() + " of " + file.path() + " has never ended", cause));
    }
    leave();
    file.abandon(cause);
  }

  private void leave() {
    SyncedWrites others = file.syncedWrites();
    if (others != null) {
      others.leave(this);
    }
  }
}
