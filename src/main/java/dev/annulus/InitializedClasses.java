package dev.annulus;

import dev.annulus.internal.driver.Admission;
import dev.annulus.internal.driver.BriefLock;
import dev.annulus.internal.driver.Closing;
import dev.annulus.internal.driver.Errno;
import dev.annulus.internal.driver.OpenFlag;
import dev.annulus.internal.driver.Persistence;
import dev.annulus.internal.driver.RequestStack;
import java.lang.invoke.MethodHandles;
import java.util.List;

/**
 * The classes whose initialization could otherwise fail in the midst of an operation, for want of memory or stack: the JVM never tries that
 * again, and every later use would fail.
 */
final class InitializedClasses {
  private static final List<Class<?>> ALL =
      List.of(
          Admission.class,
          AwaitedFuture.class,
          Backend.class,
          BriefLock.class,
          BufferPool.Lease.class,
          Closing.class,
          DirectorySync.class,
          DriverFile.class,
          Durability.class,
          Errno.class,
          ErrorKind.class,
          Follower.class,
          InlineReads.class,
          IoOpenOption.class,
          Launch.class,
          NativeBlocks.class,
          NopFuture.class,
          OpenDescriptor.class,
          OpenFlag.class,
          OpenHandle.class,
          OperationEnd.Outcome.class,
          OperationEnd.Route.class,
          OperationFuture.Untold.class,
          OperationType.class,
          Persistence.class,
          RequestStack.class,
          Sync.class,
          WhenFull.class);

  private InitializedClasses() {}

  /** Initializes them, when a runtime is opened. */
  static void ensure() {
    MethodHandles.Lookup lookup = MethodHandles.lookup();
    for (Class<?> type : ALL) {
      try {
        Class<?> _ = lookup.ensureInitialized(type);
      } catch (IllegalAccessException e) {
        throw new IllegalStateException(e);
      }
    }
  }
}
