package dev.annulus;

import dev.annulus.internal.driver.Errno;
import dev.annulus.internal.driver.Operation;
import java.nio.file.Path;
import java.util.concurrent.CompletableFuture;
import java.util.function.IntFunction;
import org.jspecify.annotations.Nullable;

/** The future of an operation on one or two paths. */
class PathFuture<T> extends OperationFuture<T> {
  private final Engine engine;
  private Operation operation;
  private final Path path;
  private final @Nullable Path other;
  private final IntFunction<T> value;

  PathFuture(Engine engine, Operation operation, Path path, @Nullable Path other, IntFunction<T> value) {
    this.engine = engine;
    this.operation = operation;
    this.path = path;
    this.other = other;
    this.value = value;
  }

  @Override
  final Engine engine() {
    return engine;
  }

  @Override
  public final Operation operation() {
    return operation;
  }

  /** Goes on with another operation. */
  final void again(Operation next) {
    Operation last = operation;
    ended();
    operation = next;
    try {
      again();
    } catch (Throwable e) {
      operation = last;
      throw e;
    }
  }

  @Override
  void onResult(int result) {
    if (result >= 0) {
      succeed(value.apply(result), result);
    } else {
      fail(Errors.onPath(operation(), path, other, -result));
    }
  }

  @Override
  final Path path() {
    return path;
  }

  @Override
  final String what() {
    return FutureTexts.what(this) + (other == null ? "" : " and " + other);
  }

  /** Removes what a path names: as a file first, and as a directory if it turns out to be one. */
  static final class Delete extends PathFuture<Void> {
    private int asFileResult;

    Delete(Engine engine, Path path) {
      super(engine, new Operation.Remove(path, false), path, null, _ -> null);
    }

    @Override
    void onResult(int result) {
      boolean asFile = operation() instanceof Operation.Remove remove && !remove.directory();
      if (asFile && (result == -Errno.EISDIR || result == -Errno.EPERM)) {
        asFileResult = result;
        again(new Operation.Remove(path(), true));
      } else {
        // It is no directory after all: the first answer was the true one.
        super.onResult(!asFile && result == -Errno.ENOTDIR ? asFileResult : result);
      }
    }
  }

  /**
   * Opens a file, and removes its name if it is to be deleted on closing: as {@code FileChannel} does on Unix, the name goes before
   * anyone has the file, the file itself with its last descriptor. If nobody wants the file any more when it comes, it is closed.
   */
  static final class Open extends PathFuture<AsyncFile> {
    private final OpenSpec spec;
    private final @Nullable Throwable opening = OpenHandle.opening();
    private @Nullable OpenDescriptor made;

    /** What the future is completed with: then it is the user's to close. */
    private @Nullable AsyncFile given;

    /** Nothing could be made of the descriptor, which is closed again. */
    private boolean lost;

    Open(Engine engine, Path path, OpenSpec spec) {
      super(engine, new Operation.Open(path, spec.flags(), spec.permissions()), path, null, _ -> unused());
      this.spec = spec;
    }

    @Override
    void onResult(int result) {
      OpenDescriptor descriptor = made;
      if (descriptor != null) {
        // The name could not be removed, or was: the file is open either way.
        give(descriptor, result);
      } else if (result < 0) {
        super.onResult(result);
      } else {
        descriptor = make(result);
        if (spec.deleteOnClose()) {
          again(new Operation.Remove(path(), false));
        } else {
          give(descriptor, result);
        }
      }
    }

    private void give(OpenDescriptor descriptor, int result) {
      AsyncFile file = new DriverFile(descriptor, new OpenHandle(descriptor, opening), false);
      given = file;
      succeed(file, result);
    }

    private OpenDescriptor make(int fd) {
      OpenDescriptor descriptor;
      try {
        descriptor = new OpenDescriptor(engine(), path(), fd, spec);
        made = descriptor;
      } catch (Throwable e) {
        engine().closeUnused(fd); // if it throws, nothing was done, and the descriptor is still to be closed
        lost = true;
        throw e;
      }
      return descriptor;
    }

    @Override
    void onUnwanted(int result) {
      if (lost || isGiven()) {
        return;
      }
      OpenDescriptor late = made;
      if (late == null && result >= 0) {
        late = make(result);
      }
      if (late != null) {
        boolean nameIsLeft = operation() instanceof Operation.Open || result == -Errno.ECANCELED;
        if (spec.deleteOnClose() && nameIsLeft) {
          Operation remove = new Operation.Remove(path(), false);
          new PathFuture<Void>(engine(), remove, path(), null, _ -> null).submitPastLimits();
        }
        CompletableFuture<Void> _ = late.close();
      }
    }

    /** Whether the user has the file: what was cut is only the telling. */
    @SuppressWarnings("ReferenceEquality") // this very file
    private boolean isGiven() {
      AsyncFile file = given;
      return file != null && state() == State.SUCCESS && resultNow() == file;
    }

    private static AsyncFile unused() {
      throw new IllegalStateException();
    }
  }

  final void submitPastLimits() {
    observe();
    engine.driver().submitPastLimits(this);
  }
}
