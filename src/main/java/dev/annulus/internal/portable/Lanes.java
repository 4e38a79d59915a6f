package dev.annulus.internal.portable;

import dev.annulus.internal.driver.Operation;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Consumer;

/**
 * Tells which lane an operation waits in: one for each device that has had a file open, one for
 * pipes and the like, and one for operations on paths, whose device is not known.
 */
final class Lanes {
  private final FileTable files;
  private final Consumer<Lane> whenNew;
  private final Lane paths;
  private final Lane streams = Lane.ofStreams();
  private final Map<Long, Lane> devices = new ConcurrentHashMap<>();

  /**
   * Makes lanes.
   *
   * @param paths the lane of operations on paths
   * @param whenNew takes each further lane before it is used
   */
  Lanes(FileTable files, Lane paths, Consumer<Lane> whenNew) {
    this.files = files;
    this.paths = paths;
    this.whenNew = whenNew;
    whenNew.accept(streams);
  }

  Lane of(Operation operation) {
    OpenFile file = files.of(operation);
    if (file == null) {
      return paths;
    }
    Lane known = file.lane();
    if (known != null) {
      return known;
    }
    Lane lane =
        file.isStream() ? streams : devices.computeIfAbsent(file.device(), _ -> newLane(file));
    file.lane(lane);
    return lane;
  }

  private Lane newLane(OpenFile file) {
    Lane lane = Lane.ofDevice(file.path(), file.device());
    whenNew.accept(lane);
    return lane;
  }
}
