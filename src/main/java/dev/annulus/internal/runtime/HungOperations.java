package dev.annulus.internal.runtime;

import dev.annulus.internal.driver.Operation;
import dev.annulus.internal.driver.Request;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** A count of operations by the mount point of their file system. None of these is asked anything. */
final class HungOperations {
  private final Mounts mounts;
  private final BlockingFiles files;
  private final Map<String, Integer> counts = new HashMap<>();

  HungOperations(Mounts mounts, BlockingFiles files) {
    this.mounts = mounts;
    this.files = files;
  }

  void add(Request request) {
    String point = pointOf(request.operation());
    if (point != null) {
      add(point);
    }
  }

  void add(String mountPoint) {
    counts.merge(mountPoint, 1, Integer::sum);
  }

  Map<String, Integer> byMountPoint() {
    return Map.copyOf(counts);
  }

  private @Nullable String pointOf(Operation operation) {
    return switch (operation) {
      case Operation.Nop() -> null;
      case Operation.Transfer transfer -> files.mountPoint(transfer.fd());
      case Operation.ReadVector vector -> files.mountPoint(vector.fd());
      case Operation.WriteVector vector -> files.mountPoint(vector.fd());
      case Operation.Sync sync -> files.mountPoint(sync.fd());
      case Operation.Truncate truncate -> files.mountPoint(truncate.fd());
      case Operation.Allocate allocate -> files.mountPoint(allocate.fd());
      case Operation.Room room -> files.mountPoint(room.fd());
      case Operation.Reserve reserve -> files.mountPoint(reserve.fd());
      case Operation.Stat stat -> files.mountPoint(stat.fd());
      case Operation.Close close -> files.mountPoint(close.fd());
      case Operation.TryLock lock -> files.mountPoint(lock.fd());
      case Operation.Unlock unlock -> files.mountPoint(unlock.fd());
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
