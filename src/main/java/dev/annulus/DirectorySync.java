package dev.annulus;

import dev.annulus.internal.driver.OpenFlag;
import dev.annulus.internal.driver.Operation;
import dev.annulus.internal.driver.Persistence;
import dev.annulus.internal.driver.StatResult;
import java.io.IOException;
import java.nio.file.Path;
import java.util.EnumSet;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BiConsumer;
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

  private static final int TRIES = 200;
  private static final int TRIES_AT_ONCE = 2;
  private static final long PAUSE_NANOS = 5_000_000;

  /** Made beforehand. */
  private final BiConsumer<@Nullable Void, @Nullable Throwable> ending = this::endSurely;

  private final StatResult about = new StatResult();

  /** Why the sync failed. */
  private @Nullable Throwable failure;

  /** What it is to end with once the directory is closed. */
  private @Nullable Throwable whyNotSynced;

  private boolean ended;

  /** Whether others may wait for this one's sync. */
  private volatile boolean syncs;

  /** The open directory, with a lease for the sync, until one of them ends it. */
  private @Nullable OpenDescriptor opened;

  /** Whether the lease is given back. */
  private boolean dropped;

  /** Nothing could be made of the descriptor, which is closed again. */
  private boolean unmade;

  DirectorySync(Engine engine, Path path) {
    super(engine, new Operation.Open(path, SPEC.flags(), SPEC.permissions()), path, null, _ -> null);
  }

  @Override
  void onResult(int result) {
    switch (operation()) {
      case Operation.Open _ when result >= 0 -> {
        OpenDescriptor descriptor = make(result);
        dropped = true;
        opened = descriptor; // whatever is cut from here on, it is closed once
        descriptor.lease();
        dropped = false;
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
    try {
      again(new Operation.Sync(descriptor.fd(), false));
    } catch (Throwable e) {
      syncs = false;
      throw e;
    }
  }

  /** It was its turn, and memory or stack was wanting: another takes it. */
  void cannotBegin(VirtualMachineError why) {
    boolean _ = Persistence.run(() -> engine().lostDirectories().notTried(LostDirectories.Key.of(about)));
    boolean _ = Persistence.run(() -> end(why));
  }

  /** Closes, and ends: who waits may want to remove the directory, or count descriptors. */
  void end(@Nullable Throwable notSynced) {
    whyNotSynced = notSynced;
    // Once more behind that: an error of the JVM may have come before it was called.
    CompletableFuture<Void> _ = closeOpened().whenComplete(ending).whenComplete(ending);
  }

  /** Nobody would repeat it. */
  private void endSurely(@Nullable Void closed, @Nullable Throwable notClosed) {
    Throwable why = whyNotSynced != null ? whyNotSynced : notClosed;
    for (int tries = 0; !ended && tries < TRIES; tries++) {
      try {
        if (tries > TRIES_AT_ONCE) {
          LockSupport.parkNanos(PAUSE_NANOS);
        }
        endClosed(why);
        ended = true;
      } catch (VirtualMachineError e) {
        // Again.
      }
    }
  }

  private void endClosed(@Nullable Throwable why) {
    if (why == null) {
      succeed(null, 0);
    } else {
      fail(why instanceof CompletionException && why.getCause() != null ? why.getCause() : why);
    }
  }

  /** Or closes it, if nothing can be made of it. */
  private OpenDescriptor make(int fd) {
    try {
      return new OpenDescriptor(engine(), path(), fd, SPEC);
    } catch (Throwable e) {
      engine().closeUnused(fd); // if it throws, nothing was done, and the descriptor is still to be closed
      unmade = true;
      throw e;
    }
  }

  /** Whether anybody listens or not, those who wait go on, and a loss is known by then. */
  @Override
  boolean isKeptBack(int result) {
    if (syncs && operation() instanceof Operation.Sync) {
      Throwable why = result < 0 ? Errors.onPath(operation(), path(), null, -result) : null;
      boolean remembered = engine().lostDirectories().tried(LostDirectories.Key.of(about), why);
      failure = remembered ? why : new IOException(NOT_REMEMBERED, why);
      syncs = false;
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
    CompletableFuture<Void> closed = descriptor.close();
    if (!dropped) {
      descriptor.dropLease();
      dropped = true;
    }
    descriptor.closeIfUnused();
    opened = null;
    return closed;
  }

  /** Given up while it was being opened; else {@link #onOver} has closed it. */
  @Override
  void onUnwanted(int result) {
    if (operation() instanceof Operation.Open && result >= 0 && opened == null && !unmade) {
      CompletableFuture<Void> _ = make(result).close();
    }
  }

  /** Whatever ended it: refused between two steps, say, because the runtime closes. */
  @Override
  void onOver() {
    if (syncs) {
      engine().lostDirectories().notTried(LostDirectories.Key.of(about));
      syncs = false;
    }
    CompletableFuture<Void> _ = closeOpened();
  }

  @Override
  void onAbandoned(Throwable cause) {
    if (syncs) {
      boolean _ = engine().lostDirectories().tried(LostDirectories.Key.of(about), cause);
      syncs = false;
    }
    OpenDescriptor descriptor = opened;
    if (descriptor != null) {
      descriptor.abandon(cause);
    }
  }
}
