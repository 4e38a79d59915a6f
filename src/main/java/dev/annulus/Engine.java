package dev.annulus;

import dev.annulus.internal.driver.Driver;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executor;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;

/** What the futures and files of one runtime share. */
final class Engine {
  private final Driver driver;
  private final @Nullable Executor completionExecutor;
  private final InlineReads inlineReads;
  private final HeapCopies heapCopies = new HeapCopies();

  /** Files not yet closed, for the runtime's close to close. */
  private final Set<OpenDescriptor> openDescriptors = ConcurrentHashMap.newKeySet();

  Engine(Driver driver, @Nullable Executor completionExecutor, boolean inlineReads) {
    this.driver = driver;
    this.inlineReads = new InlineReads(inlineReads);
    Errors.prepare();
    this.completionExecutor = completionExecutor;
  }

  Driver driver() {
    return driver;
  }

  InlineReads inlineReads() {
    return inlineReads;
  }

  HeapCopies heapCopies() {
    return heapCopies;
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
    AtomicBoolean begun = new AtomicBoolean();
    Runnable once =
        () -> {
          if (begun.compareAndSet(false, true)) {
            completion.run();
          }
        };
    try {
      executor.execute(once);
    } catch (RuntimeException | Error e) {
      once.run();
    }
  }

  boolean hasCompletionExecutor() {
    return completionExecutor != null;
  }
}
