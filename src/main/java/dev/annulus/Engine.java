package dev.annulus;

import dev.annulus.internal.driver.Driver;
import dev.annulus.internal.driver.Operation;
import dev.annulus.internal.driver.Persistence;
import dev.annulus.internal.driver.LoadedClasses;
import dev.annulus.internal.driver.StackRoom;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executor;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;

/** What the futures and files of one runtime share. */
final class Engine {
  private static final int COMPLETION_TRIES = 20;

  private final Driver driver;
  private final boolean viewsMemory;
  private final @Nullable Executor completionExecutor;
  private final InlineReads inlineReads;
  private final BufferPool bufferPool;
  private final Durability durability;
  private final HeapCopies heapCopies;
  private final Listeners listeners;

  private final LostDirectories lostDirectories = new LostDirectories();

  /** Files not yet closed, for the runtime's close to close. */
  private final Set<OpenDescriptor> openDescriptors = ConcurrentHashMap.newKeySet();

  Engine(Driver driver, Policies policies) {
    this.driver = driver;
    this.viewsMemory = driver.viewsMemory();
    this.completionExecutor = policies.completionExecutor();
    this.durability = policies.durability();
    this.bufferPool = new BufferPool(policies.bufferPoolBytes(), driver::register);
    this.heapCopies = new HeapCopies(bufferPool);
    this.inlineReads = new InlineReads(policies.inlineReads());
    this.listeners = new Listeners(driver);
    LoadedClasses.ensure();
    InitializedClasses.ensure();
    Errors.prepare();
  }

  Driver driver() {
    return driver;
  }

  /** Whether operations' memory must not be buffers; see {@link Driver#viewsMemory}. */
  boolean viewsMemory() {
    return viewsMemory;
  }

  InlineReads inlineReads() {
    return inlineReads;
  }

  Durability durability() {
    return durability;
  }

  BufferPool bufferPool() {
    return bufferPool;
  }

  HeapCopies heapCopies() {
    return heapCopies;
  }

  Listeners listeners() {
    return listeners;
  }

  LostDirectories lostDirectories() {
    return lostDirectories;
  }

  Set<OpenDescriptor> openDescriptors() {
    return openDescriptors;
  }

  /** Runs what completes a future, where the user wants it run; here if that executor will not, since nothing may get lost. */
  void complete(Runnable completion) {
    Executor executor = completionExecutor;
    if (executor == null) {
      completion.run();
      return;
    }
    AtomicBoolean begun = null;
    try {
      AtomicBoolean once = new AtomicBoolean();
      begun = once;
      executor.execute(() -> runOnce(completion, once));
    } catch (RuntimeException | Error e) {
      if (begun == null) {
        completion.run();
      } else {
        runOnce(completion, begun);
      }
    }
  }

  private static void runOnce(Runnable completion, AtomicBoolean begun) {
    if (!begun.compareAndSet(false, true)) {
      return;
    }
    for (int tries = 1; ; tries++) {
      try {
        completion.run();
        return;
      } catch (VirtualMachineError e) {
        if (tries == COMPLETION_TRIES) {
          throw e;
        }
      }
    }
  }

  /** Closes a descriptor that nothing was made of, for want of memory. */
  void closeUnused(int fd) {
    boolean _ = Persistence.run(() -> closeNow(fd));
  }

  /** If it throws, nothing was done. */
  private void closeNow(int fd) {
    StackRoom.check();
    Operation close = new Operation.Close(fd);
    int _ = driver.call(close);
  }

  /** The driver has ended: frees what native memory nobody uses any more, and the rest when it comes back. */
  void freeMemory() {
    heapCopies.close();
    bufferPool.close();
  }

  boolean hasCompletionExecutor() {
    return completionExecutor != null;
  }
}
