package dev.annulus;

import dev.annulus.internal.driver.Driver;
import dev.annulus.internal.driver.Operation;
import dev.annulus.internal.driver.Persistence;
import java.lang.ref.Reference;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;

/** Has the operations of one file begin: on the thread that asks for them, where that is better and may be, and else by the driver. */
final class Launch {
  /** Leaves callers the time to return, before what they started is submitted. */
  private static final Executor UNWINDING =
      CompletableFuture.delayedExecutor(1, TimeUnit.MILLISECONDS, Runnable::run);

  private final OpenDescriptor descriptor;
  private final Driver driver;
  private final TransfersHere here;

  /** Kept reachable until an operation has its lease: until then the file is used, and is not to be closed as dropped. */
  private final OpenHandle handle;

  Launch(OpenDescriptor descriptor, OpenHandle handle, TransfersHere here) {
    this.handle = handle;
    this.descriptor = descriptor;
    this.driver = descriptor.engine().driver();
    this.here = here;
  }

  /**
   * Takes a lease and submits, or completes at once with 0 what transfers nothing. Whatever is thrown, the caller is to {@linkplain
   * OperationFuture#undo undo}: then nothing has begun, save on a caller's own thread.
   */
  <T> IoFuture<T> start(FileFuture<T> future, boolean empty) {
    if (descriptor.owes) {
      descriptor.settleOwed();
    }
    takeLease(future);
    begin(future, empty);
    return future;
  }

  private void begin(FileFuture<?> future, boolean empty) {
    if (empty) {
      future.completed(0);
      return;
    }
    future.observe();
    future.begin();
    if (here.mayWait()) {
      future.runHere();
    } else {
      submit(future);
    }
  }

  /** Begins a batch of reads, each with a lease, in one submission as far as they are not done here. */
  void startAll(List<FileFuture<Void>> reads) {
    List<FileFuture<Void>> toSubmit = new ArrayList<>(reads.size());
    descriptor.prepareTransfers();
    for (int i = 0; i < reads.size(); i++) {
      FileFuture<Void> read = reads.get(i);
      try {
        if (!isDoneHere(read)) {
          toSubmit.add(read);
        }
      } catch (VirtualMachineError e) {
        Persistence.refuse(read, e);
      }
    }
    try {
      driver.submitAll(toSubmit);
    } catch (VirtualMachineError e) {
      // None was submitted: from the first on, it throws no more.
      for (int i = 0; i < toSubmit.size(); i++) {
        Persistence.refuse(toSubmit.get(i), e);
      }
    }
  }

  /** Takes a lease, and fails. */
  <T> IoFuture<T> refuse(FileFuture<T> future, Throwable cause) {
    takeLease(future);
    future.refused(cause);
    return future;
  }

  /** Completes a read of a batch at once, if it transfers nothing or finds all in the page cache. */
  private boolean isDoneHere(FileFuture<Void> future) {
    if (!(future.operation() instanceof Operation.Read read)) {
      return false;
    }
    if (read.length() == 0) {
      future.completed(0);
      return true;
    }
    future.observe();
    return descriptor.isBuffered() && isReadInline(future, read);
  }

  private void submit(FileFuture<?> future) {
    switch (future.operation()) {
      case Operation.Read read when descriptor.isBuffered() -> {
        if (!isReadInline(future, read)) {
          submitTransfer(future);
        }
      }
      case Operation.Sync _ -> descriptor.groupCommit().sync(future, false);
      case DurableWriteFuture write -> {
        write.choose();
        submitTransfer(write);
      }
      default -> submitTransfer(future);
    }
  }

  private void submitTransfer(FileFuture<?> future) {
    descriptor.prepareTransfers();
    driver.submit(future);
  }

  /** Does a read of cached data at once. False if it is not cached, and left to be submitted. */
  private boolean isReadInline(FileFuture<?> future, Operation.Read read) {
    int result = attempt(read);
    if (result != InlineReads.NOT_CACHED && result != InlineReads.TOO_DEEP) {
      future.completedInline(result);
      return true;
    }
    if (result == InlineReads.TOO_DEEP && !driver.onDriverThread()) {
      // The ring may be done before the caller attaches its dependent, which would then run on this stack again. Later it cannot be.
      UNWINDING.execute(() -> submitLate(future));
      return true;
    }
    return false;
  }

  private int attempt(Operation.Read read) {
    try {
      return here.attempt(read.address(), read.length(), read.offset(), here.callerRuns());
    } finally {
      Reference.reachabilityFence(read);
    }
  }

  /** The user has the future already: whether it is given up is to be looked at before it is with the driver, and again after that. */
  private void submitLate(FileFuture<?> future) {
    if (future.hasLetGo()) {
      return; // undone: it could not be put off
    }
    if (future.isDone()) {
      boolean _ = Persistence.run(future::neverBegun);
      return;
    }
    try {
      descriptor.prepareTransfers();
      driver.submitPastLimits(future);
    } catch (Throwable e) {
      Persistence.refuse(future, e);
      return;
    }
    if (future.isDone() && !future.isOver()) {
      driver.cancel(future);
    }
  }

  /** What was lost by an error of the JVM before is given back first, or nothing is taken. */
  private void takeLease(FileFuture<?> future) {
    try {
      if (descriptor.owes) {
        descriptor.settleOwed();
      }
      descriptor.lease();
      future.leased = true;
    } finally {
      Reference.reachabilityFence(handle);
    }
  }
}
