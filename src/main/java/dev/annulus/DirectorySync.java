package dev.annulus;

import dev.annulus.internal.driver.OpenFlag;
import dev.annulus.internal.driver.Operation;
import java.nio.file.Path;
import java.util.EnumSet;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import org.jspecify.annotations.Nullable;

/** Opens a directory, syncs it and closes it, as one future: giving it up ends whichever of these is under way, and still closes. */
final class DirectorySync extends PathFuture<Void> {
  private static final OpenSpec SPEC = new OpenSpec(EnumSet.of(OpenFlag.READ, OpenFlag.DIRECTORY), 0, false);

  /** The open directory, with a lease for the sync, until one of them ends it. */
  private @Nullable OpenDescriptor opened;

  DirectorySync(Engine engine, Path path) {
    super(engine, new Operation.Open(path, SPEC.flags(), SPEC.permissions()), path, null, _ -> null);
  }

  @Override
  void onResult(int result) {
    if (operation() instanceof Operation.Open && result >= 0) {
      OpenDescriptor descriptor = new OpenDescriptor(engine(), path(), result, SPEC);
      descriptor.lease();
      opened = descriptor;
      again(new Operation.Sync(result, false));
    } else if (operation() instanceof Operation.Sync) {
      CompletableFuture<Void> _ = closeOpened().whenComplete((_, notClosed) -> endClosed(result, notClosed));
    } else {
      super.onResult(result);
    }
  }

  /** Not before the directory is closed: who waits may want to remove it, or count descriptors. */
  private void endClosed(int result, @Nullable Throwable notClosed) {
    if (result >= 0 && notClosed != null) {
      fail(notClosed instanceof CompletionException && notClosed.getCause() != null ? notClosed.getCause() : notClosed);
    } else {
      super.onResult(result);
    }
  }

  private CompletableFuture<Void> closeOpened() {
    OpenDescriptor descriptor = opened;
    if (descriptor == null) {
      return CompletableFuture.completedFuture(null);
    }
    opened = null;
    CompletableFuture<Void> closed = descriptor.close();
    descriptor.releaseLease();
    return closed;
  }

  /** Given up while it was being opened; else {@link #onOver} has closed it. */
  @Override
  void onUnwanted(int result) {
    if (operation() instanceof Operation.Open && result >= 0) {
      CompletableFuture<Void> _ = new OpenDescriptor(engine(), path(), result, SPEC).close();
    }
  }

  /** Whatever ended it: refused between two steps, say, because the runtime closes. */
  @Override
  void onOver() {
    CompletableFuture<Void> _ = closeOpened();
  }

  @Override
  void onAbandoned(Throwable cause) {
    OpenDescriptor descriptor = opened;
    if (descriptor != null) {
      descriptor.abandon(cause);
    }
  }
}
