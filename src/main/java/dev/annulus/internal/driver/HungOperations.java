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
    return switch (operation) {
      case Operation.Nop() -> null;
      case Operation.Transfer transfer -> pointOfDescriptor.apply(transfer.fd());
      case Operation.ReadVector vector -> pointOfDescriptor.apply(vector.fd());
      case Operation.WriteVector vector -> pointOfDescriptor.apply(vector.fd());
      case Operation.Sync sync -> pointOfDescriptor.apply(sync.fd());
      case Operation.Truncate truncate -> pointOfDescriptor.apply(truncate.fd());
      case Operation.Allocate allocate -> pointOfDescriptor.apply(allocate.fd());
      case Operation.Room room -> pointOfDescriptor.apply(room.fd());
      case Operation.Reserve reserve -> pointOfDescriptor.apply(reserve.fd());
      case Operation.Stat stat -> pointOfDescriptor.apply(stat.fd());
      case Operation.Close close -> pointOfDescriptor.apply(close.fd());
      case Operation.TryLock lock -> pointOfDescriptor.apply(lock.fd());
      case Operation.Unlock unlock -> pointOfDescriptor.apply(unlock.fd());
      case Operation.StatPath stat -> pointOf(stat.path());
      case Operation.Open open -> pointOf(open.path());
      case Operation.CreateDirectory create -> pointOf(create.path());
      case Operation.Remove remove -> pointOf(remove.path());
      case Operation.Rename rename -> pointOf(rename.target());
      case Operation.Link link -> pointOf(link.link());
      case Operation.ListDirectory list -> pointOf(list.path());
      case Operation.RemoveTree remove -> pointOf(remove.path());
    };
  }

  private String pointOf(Path path) {
    return mounts.pointOf(path);
  }
}
