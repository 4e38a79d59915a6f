package dev.annulus;

import dev.annulus.internal.driver.OpenFlag;
import dev.annulus.internal.driver.Operation;
import dev.annulus.internal.driver.StatResult;
import java.io.IOException;
import java.nio.file.Path;
import java.util.EnumSet;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import org.jspecify.annotations.Nullable;

/**
 * Opens a directory, syncs it and closes it, as one future. Giving it up ends what is under way, but
 * not a sync: how that was answered would then not be known. {@link LostDirectories} says when it syncs.
 */
final class DirectorySync extends PathFuture<Void> {
  private static final OpenSpec SPEC = new OpenSpec(EnumSet.of(OpenFlag.READ, OpenFlag.DIRECTORY), 0, false);

  private static final String NOT_REMEMBERED =
      "the directory could not be synced, and that is not remembered, for too many others are: a later"
          + " sync of it may succeed, and says nothing of the names made, changed or removed in it before";

  private final StatResult about = new StatResult();

  /** Why the sync failed. */
  private @Nullable Throwable failure;

  /** Whether others may wait for this one's sync. */
  private volatile boolean syncs;

  /** The open directory, with a lease for the sync, until one of them ends it. */
  private @Nullable OpenDescriptor opened;

  DirectorySync(Engine engine, Path path) {
    super(engine, new Operation.Open(path, SPEC.flags(), SPEC.permissions()), path, null, _ -> null);
  }

  @Override
  void onResult(int result) {
    switch (operation()) {
      case Operation.Open _ when result >= 0 -> {
        OpenDescriptor descriptor = new OpenDescriptor(engine(), path(), result, SPEC);
        descriptor.lease();
        opened = descriptor;
        again(new Operation.Stat(result, about));
      }
      case Operation.Stat _ when result >= 0 -> engine().lostDirectories().sync(this, LostDirectories.Key.of(about));
      case Operation.Stat _ -> end(Errors.onPath(operation(), path(), null, -result));
      // Cancelled before it began, it has not failed, and has not succeeded either.
      case Operation.Sync _ when result < 0 && failure == null ->
          end(Errors.onPath(operation(), path(), null, -result));
      case Operation.Sync _ -> end(failure);
      default -> super.onResult(result);
    }
  }

  /** Syncs, for all who wait for it. {@link LostDirectories#tried} or {@link LostDirectories#notTried} follows. */
  void begin() {
    OpenDescriptor descriptor = Objects.requireNonNull(opened);
    syncs = true;
    again(new Operation.Sync(descriptor.fd(), false));
  }

  /** Closes, and ends: who waits may want to remove the directory, or count descriptors. */
  void end(@Nullable Throwable notSynced) {
    CompletableFuture<Void> _ =
        closeOpened()
            .whenComplete(
                (_, notClosed) -> {
                  Throwable why = notSynced != null ? notSynced : notClosed;
                  if (why == null) {
                    succeed(null, 0);
                  } else {
                    fail(why instanceof CompletionException && why.getCause() != null ? why.getCause() : why);
                  }
                });
  }

  /** Whether anybody listens or not, those who wait go on, and a loss is known by then. */
  @Override
  boolean isKeptBack(int result) {
    if (syncs && operation() instanceof Operation.Sync) {
      syncs = false;
      Throwable why = result < 0 ? Errors.onPath(operation(), path(), null, -result) : null;
      boolean remembered = engine().lostDirectories().tried(LostDirectories.Key.of(about), why);
      failure = remembered ? why : new IOException(NOT_REMEMBERED, why);
    }
    return false;
  }

  @Override
  void giveUp() {
    if (!syncs) {
      super.giveUp();
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
    if (syncs) {
      syncs = false;
      engine().lostDirectories().notTried(LostDirectories.Key.of(about));
    }
    CompletableFuture<Void> _ = closeOpened();
  }

  @Override
  void onAbandoned(Throwable cause) {
    if (syncs) {
      syncs = false;
      boolean _ = engine().lostDirectories().tried(LostDirectories.Key.of(about), cause);
    }
    OpenDescriptor descriptor = opened;
    if (descriptor != null) {
      descriptor.abandon(cause);
    }
  }
}
