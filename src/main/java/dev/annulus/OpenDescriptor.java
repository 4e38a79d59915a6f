package dev.annulus;

import dev.annulus.OperationEnd.Outcome;
import dev.annulus.internal.driver.Driver;
import dev.annulus.internal.driver.DriverThread;
import dev.annulus.internal.driver.Log;
import dev.annulus.internal.driver.OpenFlag;
import dev.annulus.internal.driver.Persistence;
import dev.annulus.internal.driver.StackRoom;
import java.io.IOException;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.lang.ref.Cleaner;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.NonReadableChannelException;
import java.nio.channels.NonWritableChannelException;
import java.nio.file.Path;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/**
 * A descriptor and who still needs it.
 *
 * <p>Operations in flight hold leases. The descriptor is closed only when closing was asked for and no lease is left, because the
 * kernel looks a descriptor up late: had its number been given to another file meanwhile, that would be the one written to.
 */
final class OpenDescriptor {
  private static final VarHandle OWED = MethodHandles.arrayElementVarHandle(Object[].class);
  private static final VarHandle CLOSE_BEGUN;

  static {
    try {
      CLOSE_BEGUN = MethodHandles.lookup().findVarHandle(OpenDescriptor.class, "closeBegun", boolean.class);
    } catch (ReflectiveOperationException e) {
      throw new ExceptionInInitializerError(e);
    }
  }

  /** Set in {@link #leases} once closing was asked for; the bits below count the leases. */
  private static final int CLOSING = 1 << 31;

  /** A sync has failed, and memory or stack was wanting to say how. Made beforehand. */
  @SuppressWarnings("StaticAssignmentOfThrowable") // there is no memory to make one when it is needed
  private static final IOException UNTOLD_LOSS = new IOException("a sync failed, and memory or stack was wanting to say how");

  /** While operations are in flight, it is looked so often whether the close has begun that they should begin. */
  private static final long LOOK_AGAIN_NANOS = 1_000_000_000;

  /** A power of two less the header, in words. */
  static final int OWED_PLACES = 12;

  /** How often whoever has borrowed in vain tries to give it back, before that is left to the next. */
  static final int UNDO_TRIES = 20;

  /** No device has smaller blocks. */
  private static final int SMALLEST_BLOCK_BYTES = 512;

  private final Engine engine;
  private final Path path;
  private final int fd;
  private final OpenSpec spec;

  /** Made beforehand: closing must not fail for want of anything. */
  private final CloseRequest closeRequest;

  /** Whether anybody has asked for the file's lock. */
  private volatile boolean mayBeLocked;

  /** The close for those who watch, once it has begun; goes from thread to thread with the request. */
  private @Nullable Observation closing;

  /** Written by any thread: racing ones find the same. */
  private volatile boolean prepared;

  private volatile boolean needsWorker;

  private final InlineReads.History inlineHistory = new InlineReads.History();
  private final GroupCommit groupCommit;
  private final DurableWrites durableWrites;

  /** Of a file that was opened to have each write synced; else there is none. */
  private final @Nullable SyncedWrites syncedWrites;

  private final AtomicInteger leases = new AtomicInteger();

  /** Whether the close is with the driver, or somebody is about it. */
  private volatile boolean closeBegun;

  /**
   * Operations that did not begin, whose lease and memory are still to be given back, or memory that was taken for one. There was perhaps too
   * little stack left to do more than to store it in a free place here, and then to set {@link #owes}; the next who uses the file does the
   * rest, or fails before it borrows anything. The last place is taken in any case: so many threads do not come to their end at a moment.
   */
  final @Nullable Object[] owed = new Object[OWED_PLACES];

  volatile boolean owes;

  private volatile Cleaner.@Nullable Cleanable watchForDrop;

  /** Completed where users want their futures completed. */
  private final ClosedFuture<Void> closed;

  /** Counted down at once when closed: who blocks on it may be blocking the only thread that would complete {@link #closed}. */
  private final CountDownLatch gone = new CountDownLatch(1);

  /** Written by many threads, all with the same answer. */
  private boolean knownToHavePositions;

  /** Set before {@link #gone} is counted down. */
  private volatile @Nullable Throwable closeFailure;

  /** Whether somebody has asked for the future of the end. */
  private volatile boolean heard;

  /** The last count that was boxed. Most are alike: blocks of one size. */
  private @Nullable Integer lastCount;

  /** The first sync that may have lost data; see {@link AsyncFile#sync}. */
  private final AtomicReference<@Nullable IOException> syncFailure = new AtomicReference<>();

  OpenDescriptor(Engine engine, Path path, int fd, OpenSpec spec) {
    this.engine = engine;
    this.path = path;
    this.fd = fd;
    this.spec = spec;
    this.groupCommit = new GroupCommit(engine.driver(), fd, path, this::latchSyncFailure);
    this.syncedWrites = syncsEachWrite() && spec.writable() ? new SyncedWrites() : null;
    this.durableWrites =
        new DurableWrites(
            engine.durability(),
            engine.driver().writesThrough() && syncedWrites == null,
            () -> engine.driver().writesThrough(fd));
    this.closeRequest = new CloseRequest(engine, fd, () -> mayBeLocked, this::onClosed, this::giveUpClosing);
    this.closed = new ClosedFuture<>(engine.driver(), path);
    engine.openDescriptors().add(this);
  }

  Engine engine() {
    return engine;
  }

  Path path() {
    return path;
  }

  int fd() {
    return fd;
  }

  /** Whether reads go through the page cache, where some may be found. */
  boolean isBuffered() {
    return !spec.flags().contains(OpenFlag.DIRECT);
  }

  /**
   * Whether a read of so many bytes has met the end of the file, with direct I/O: there the kernel transfers whole blocks, save at the
   * end, and the place behind that is no place to read from.
   */
  boolean isEndOfDirectFile(int count) {
    return !isBuffered() && count % SMALLEST_BLOCK_BYTES != 0;
  }

  /** Whether writes go to the end of the file, each as a whole. */
  boolean isAppending() {
    return spec.appending();
  }

  /** Whether it has places to read from. A pipe or a terminal has none: it answers a read with what is there, and lets the next one wait. */
  boolean hasPositions() {
    if (!knownToHavePositions && isOpen()) {
      lease();
      try {
        knownToHavePositions = engine.driver().hasPositions(fd);
      } finally {
        releaseLease();
      }
    }
    return knownToHavePositions;
  }

  /** Whether it was opened to have each write synced: what fails may then be a sync, and the kernel tells a loss once. */
  boolean syncsEachWrite() {
    return spec.flags().contains(OpenFlag.DSYNC) || spec.flags().contains(OpenFlag.SYNC);
  }

  /** Finds out, before the first transfer is handed over, whether that {@linkplain Driver#needsWorker needs a worker}. */
  void prepareTransfers() {
    if (!prepared) {
      needsWorker = engine.driver().needsWorker(fd);
      prepared = true;
    }
  }

  boolean needsWorker() {
    return needsWorker;
  }

  @Nullable SyncedWrites syncedWrites() {
    return syncedWrites;
  }

  InlineReads.History inlineHistory() {
    return inlineHistory;
  }

  GroupCommit groupCommit() {
    return groupCommit;
  }

  /** A count as an object, mostly one that was made before. Racing threads cost one allocation: an {@code Integer} cannot be seen half made. */
  Integer boxed(int count) {
    Integer last = lastCount;
    if (last != null && last == count) {
      return last;
    }
    Integer fresh = count;
    lastCount = fresh;
    return fresh;
  }

  DurableWrites durableWrites() {
    return durableWrites;
  }

  // ---- leases ----

  /** Takes a lease for an operation. */
  void lease() {
    lease(1);
  }

  /** Takes leases for so many operations, or none. */
  void lease(int count) {
    int before = leases.getAndUpdate(now -> now < 0 ? now : now + count);
    if (before < 0) {
      throw closedException();
    }
  }

  /** The operation is over. */
  void releaseLease() {
    dropLease();
    closeIfUnused();
  }

  /** As {@link #releaseLease}, in two steps: {@link #closeIfUnused} must follow. */
  void dropLease() {
    int _ = leases.decrementAndGet();
  }

  /** Closes if that was asked for and no lease is left. May be called again, and does what an error of the JVM has cut. */
  void closeIfUnused() {
    if (leases.get() == CLOSING && CLOSE_BEGUN.compareAndSet(this, false, true)) {
      try {
        closeNow();
      } catch (Throwable e) {
        closeBegun = false;
        throw e;
      }
    }
  }

  /** Gives back what is {@link #owed}, or throws. */
  void settleOwed() {
    if (owes) {
      StackRoom.check(); // what is taken out of its place is given back, or put there again
      boolean settled = false;
      owes = false;
      try {
        for (int i = 0; i < OWED_PLACES; i++) {
          settleOwed(i);
        }
        settled = true;
      } finally {
        if (!settled) {
          owes = true;
        }
      }
    }
  }

  /** Whoever takes it out of its place is alone with it. */
  private void settleOwed(int place) {
    Object borrower = null;
    boolean settled = false;
    try {
      borrower = owed[place] == null ? null : OWED.getAndSet(owed, place, null);
      settled = borrower == null || isUndone(borrower);
    } finally {
      if (!settled && borrower != null) {
        int free = 0;
        while (owed[free] != null && free < OWED_PLACES - 1) {
          free++;
        }
        owed[free] = borrower;
        owes = true;
      }
    }
  }

  /** Gives back what was borrowed for an operation that did not begin. May be called again. */
  static boolean isUndone(Object borrower) {
    if (borrower instanceof FileFuture<?> future) {
      future.undo();
      return future.isUndone();
    }
    Buffers.release(borrower);
    return true;
  }

  /**
   * An operation will never let go of the file: neither may we let go of its descriptor, nor of its
   * lock, as what the operation writes may yet land.
   */
  void abandon(Throwable cause) {
    int _ = leases.getAndUpdate(now -> now | CLOSING);
    engine.openDescriptors().remove(this);
    endWatch();
    IOException open = Errors.notClosed(path, cause);
    closeFailure = open;
    gone.countDown();
    engine.complete(() -> closed.completeExceptionally(open));
  }

  /** The lock is about to be asked for: closing gives it back first, whatever comes of that. */
  void noteLocking() {
    mayBeLocked = true;
  }

  // ---- closing ----

  /** Refuses new leases, and closes when the last is returned. */
  CompletableFuture<Void> close() {
    heard = true;
    closeUnheard();
    if (gone.getCount() > 0) {
      return closed.copy();
    }
    // For one who has waited: whoever completes futures elsewhere may not have come to it yet.
    Throwable failure = closeFailure;
    return failure == null ? CompletableFuture.completedFuture(null) : CompletableFuture.failedFuture(failure);
  }

  /** As {@link #close}, with nobody to hear of the end: that it failed is logged. */
  void closeUnheard() {
    settleOwed();
    boolean used = (leases.getAndUpdate(now -> now | CLOSING) & ~CLOSING) != 0;
    closeIfUnused();
    if (used) {
      lookLater();
    }
  }

  /** Should an error of the JVM cut the one who gives the last lease back, there may be nobody else to close. */
  private void lookLater() {
    try {
      CompletableFuture.delayedExecutor(LOOK_AGAIN_NANOS, TimeUnit.NANOSECONDS).execute(this::lookAgain);
    } catch (OutOfMemoryError | StackOverflowError e) {
      // It must do without.
    }
  }

  private void lookAgain() {
    if (gone.getCount() == 0) {
      return;
    }
    try {
      settleOwed();
      closeIfUnused();
    } finally {
      lookLater();
    }
  }

  /**
   * As {@link #close}, by a thread that is going to wait for it: if nothing is in flight it closes the
   * descriptor itself.
   */
  void closeHere() {
    settleOwed();
    int _ = leases.getAndUpdate(now -> now | CLOSING);
    if (leases.get() == CLOSING && CLOSE_BEGUN.compareAndSet(this, false, true)) {
      try {
        if (closing == null) {
          closing = engine.listeners().observe(closeRequest.closing());
        }
        closeRequest.runHere();
      } catch (Throwable e) {
        closeBegun = false;
        throw e;
      }
    }
  }

  /** Waits until the descriptor is closed or abandoned; false if that takes longer than the limit. Interrupts stay pending. */
  boolean awaitClosed(long limitNanos) {
    long deadline = System.nanoTime() + limitNanos;
    long left = limitNanos;
    while (left > LOOK_AGAIN_NANOS) {
      if (DriverThread.await(gone, LOOK_AGAIN_NANOS)) {
        return true;
      }
      try {
        // Should an error of the JVM have cut whoever was to give the last lease back, or to close.
        settleOwed();
        closeIfUnused();
      } catch (VirtualMachineError e) {
        // The next look tries again.
      }
      left = deadline - System.nanoTime();
    }
    return DriverThread.await(gone, left);
  }

  /** The runtime is closed, but not this: who waits is told. It closes when the last lease is returned, if ever. */
  void giveUpClosing(Throwable cause) {
    endWatch();
    IOException open = Errors.notClosed(path, cause);
    closeFailure = open;
    gone.countDown();
    closed.completeExceptionally(open);
  }

  /** Who would close it if it were dropped. */
  void watchedBy(Cleaner.Cleanable watch) {
    watchForDrop = watch;
  }

  /**
   * Nobody need watch any more. Whoever did holds this, and with it the runtime and all that users gave it: if the file is among that, it would
   * keep itself for ever.
   */
  private void endWatch() {
    Cleaner.Cleanable watch = watchForDrop;
    if (watch != null) {
      watchForDrop = null;
      watch.clean();
    }
  }

  private void closeNow() {
    if (closing == null) {
      closing = engine.listeners().observe(closeRequest.closing());
    }
    closeRequest.submit();
  }

  /** May be called again, and does what an error of the JVM has cut. */
  private void onClosed(int result) {
    IOException failure = result < 0 ? Errors.onFile(closeRequest.closing(), path, -result) : null;
    Observation seen = closing;
    closing = null;
    if (seen != null) {
      seen.answered(result);
      seen.end(failure == null ? Outcome.COMPLETED : Outcome.FAILED, closeRequest.closing(), path, failure);
    }
    engine.openDescriptors().remove(this);
    endWatch();
    closeFailure = failure;
    if (failure != null && !heard) {
      Log.warn("closing a file failed, and nobody is told: " + failure.getMessage());
    }
    gone.countDown();
    engine.complete(() -> Persistence.run(() -> endClosed(failure)));
  }

  private void endClosed(@Nullable IOException failure) {
    if (failure != null) {
      boolean _ = closed.completeExceptionally(failure);
    } else {
      boolean _ = closed.complete(null);
    }
  }

  // ---- what may be done with it ----

  boolean isOpen() {
    return leases.get() >= 0;
  }

  void checkOpen() {
    if (!isOpen()) {
      throw closedException();
    }
  }

  void checkReadable() {
    checkOpen();
    if (!spec.readable()) {
      throw new NonReadableChannelException();
    }
  }

  void checkWritable() {
    checkOpen();
    if (!spec.writable()) {
      throw new NonWritableChannelException();
    }
  }

  void checkAppending() {
    checkWritable();
    if (!spec.appending()) {
      throw new IllegalStateException("append needs a file opened with StandardOpenOption.APPEND: " + path);
    }
  }

  private IllegalStateException closedException() {
    return new IllegalStateException("the file is closed: " + path, new ClosedChannelException());
  }

  /** What it is, for who debugs. */
  @Override
  public String toString() {
    int now = leases.get();
    int inFlight = now & ~CLOSING;
    String state = now >= 0 ? "open" : gone.getCount() > 0 ? "closing" : "closed";
    return path + " (" + state + ", " + inFlight + " operations in flight)";
  }

  // ---- failed syncs ----

  /** Remembers the first sync that may have lost data. To be called before any other sync of the file may begin. */
  void latchSyncFailure(IOException failure) {
    boolean _ = syncFailure.compareAndSet(null, failure) || syncFailure.compareAndSet(UNTOLD_LOSS, failure);
    if (syncedWrites != null) {
      syncedWrites.noteLoss();
    }
  }

  /** As {@link #latchSyncFailure}, where there is no memory to say how it failed. */
  void noteLoss() {
    boolean _ = syncFailure.compareAndSet(null, UNTOLD_LOSS);
    if (syncedWrites != null) {
      syncedWrites.noteLoss();
    }
  }

  /** A new exception for a write or sync that was answered well while another has lost data. */
  IOException lossBeside() {
    return new IOException(
        "another write or sync of "
            + path
            + " was in flight with this one and failed: it may be this one's data that is lost; write it to a file opened again",
        syncFailure.get());
  }

  /** A new exception if a sync has lost data before, else {@code null}. */
  @Nullable IOException earlierSyncFailure() {
    IOException lost = syncFailure.get();
    return lost == null
        ? null
        : new IOException(
            "an earlier sync of " + path + " failed and may have lost data; open the file again to go on", lost);
  }
}
