package dev.annulus.internal.driver;

import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.IntFunction;
import org.jspecify.annotations.Nullable;

/** A count of operations by the mount point of their file system. None of these is asked anything. */
public final class HungOperations {
  /** An operation that takes longer hangs. */
  public static final long HANGING_NANOS = TimeUnit.SECONDS.toNanos(1);

  private final Mounts mounts;
  private final IntFunction<String> pointOfDescriptor;
  private final Map<String, Integer> counts = new HashMap<>();

  /**
   * Counts none yet.
   *
   * @param pointOfDescriptor tells where the file system of an open file is mounted
   */
  public HungOperations(Mounts mounts, IntFunction<String> pointOfDescriptor) {
    this.mounts = mounts;
    this.pointOfDescriptor = pointOfDescriptor;
  }

  /** Counts one. */
  public void add(Operation operation) {
    String point = pointOf(operation);
    if (point != null) {
      add(point);
    }
  }

  /** Counts one of a mount. */
  public void add(String mountPoint) {
    counts.merge(mountPoint, 1, Integer::sum);
  }

  /** An unmodifiable copy. */
  public Map<String, Integer> byMountPoint() {
    return Map.copyOf(counts);
  }

  private @Nullable String pointOf(Operation operation) {
    int fd = OperationTarget.descriptorOf(operation);
    if (fd != OperationTarget.NONE) {
      return pointOfDescriptor.apply(fd);
    }
    Path path = OperationTarget.pathOf(operation);
    return path == null ? null : mounts.mountOf(path).point();
  }
}
