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
  private final Path path;
  private final @Nullable Path other;
  private final IntFunction<T> value;

  PathFuture(Engine engine, Operation operation, Path path, @Nullable Path other, IntFunction<T> value) {
    super(operation);
    this.engine = engine;
    this.path = path;
    this.other = other;
    this.value = value;
  }

  @Override
  final Engine engine() {
    return engine;
  }

  @Override
  void onResult(int result) {
    if (result >= 0) {
      succeed(value.apply(result), result);
    } else {
      fail(Errors.onPath(operation(), path, other, -result));
    }
  }

  final Path path() {
    return path;
  }

  /** Removes what a path names: as a file first, and as a directory if it turns out to be one. */
  static final class Delete extends PathFuture<Void> {
    Delete(Engine engine, Path path) {
      super(engine, new Operation.Remove(path, false), path, null, _ -> null);
    }

    @Override
    void onResult(int result) {
      boolean asFile = operation() instanceof Operation.Remove remove && !remove.directory();
      if (asFile && (result == -Errno.EISDIR || result == -Errno.EPERM)) {
        again(new Operation.Remove(path(), true));
      } else {
        super.onResult(result);
      }
    }
  }

  /** Opens a file. If nobody wants it any more when the descriptor comes, it is closed. */
  static final class Open extends PathFuture<AsyncFile> {
    private final OpenSpec spec;
    private @Nullable OpenDescriptor made;

    Open(Engine engine, Path path, OpenSpec spec) {
      super(engine, new Operation.Open(path, spec.flags(), spec.permissions()), path, null, _ -> unused());
      this.spec = spec;
    }

    @Override
    void onResult(int result) {
      OpenDescriptor opened = made;
      if (opened != null) {
        // The name of a file to be deleted on closing: whether it could be removed or was gone, the file is open.
        succeed(new DriverFile(opened, false), result);
        return;
      }
      if (result < 0) {
        super.onResult(result);
        return;
      }
      made = new OpenDescriptor(engine(), path(), result, spec);
      if (spec.deleteOnClose()) {
        // As FileChannel does on Unix: the name goes at once, the file when the last descriptor is closed.
        again(new Operation.Remove(path(), false));
      } else {
        succeed(new DriverFile(made, false), result);
      }
    }

    @Override
    void onUnwanted(int result) {
      OpenDescriptor late = made;
      if (late != null) {
        CompletableFuture<Void> _ = late.close();
      } else if (result >= 0) {
        engine().driver().submitPastLimits(new CloseRequest(engine(), result, _ -> {}));
      }
    }

    private static AsyncFile unused() {
      throw new IllegalStateException();
    }
  }
}
