package dev.annulus.sim;

import dev.annulus.internal.abi.Fcntl;
import dev.annulus.internal.driver.Errno;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;

/**
 * Files and directories by path and by descriptor. A name is durable when its directory is synced, contents when the file is. The lowest
 * free descriptor is given out, as the kernel does, so that one used after its close soon means another file.
 *
 * <p>Whoever looks while a ring may run holds this object's lock.
 */
public final class SimulatedDisk {
  /** Descriptors from here on are simulated. No process has real ones as high. */
  static final int FIRST_DESCRIPTOR = 0x4000_0000;

  /** Descriptors of one disk; those of the next begin behind. */
  static final int DESCRIPTORS = 0x1_0000;

  /** Where a disk is mounted, before its number. */
  static final String MOUNT = "/sim";

  /** The name of a file whose reads never end by themselves. */
  public static final String HUNG = "hung";

  /** The name of a file whose reads always end with {@code -EAGAIN}, as a non-blocking descriptor's might. */
  public static final String STUBBORN = "stubborn";

  private final SimulatedDirectory root;
  private final List<@Nullable OpenFile> descriptors = new ArrayList<>();
  private final Map<SimulatedNode, OpenFile> locks = new HashMap<>();
  private final int number;
  private long inodes = 2;

  /** A new disk with nothing on it but the two odd files. */
  public SimulatedDisk(int number) {
    this(number, new SimulatedDirectory(1));
    for (String name : List.of(HUNG, STUBBORN)) {
      SimulatedFile file = new SimulatedFile(inodes++);
      file.setSize(SimulatedFile.SECTOR);
      file.persist(file.mark());
      root.set(name, file);
    }
    root.settle();
  }

  private SimulatedDisk(int number, SimulatedDirectory root) {
    this.number = number;
    this.root = root;
  }

  /** Returns the path of the directory it is mounted at. */
  public String mount() {
    return MOUNT + number;
  }

  /** Returns that directory. */
  public SimulatedDirectory root() {
    return root;
  }

  int number() {
    return number;
  }

  /** Returns what a path leads to, or {@code null}. */
  public @Nullable SimulatedNode node(String path) {
    Place place = place(null, path);
    return place == null ? null : place.node();
  }

  /** Returns the number of descriptors in use. */
  public int openDescriptors() {
    int count = 0;
    for (OpenFile open : descriptors) {
      count += open == null ? 0 : 1;
    }
    return count;
  }

  /**
   * Returns the disk as the next boot finds it.
   *
   * @param random what else had been written back; {@code null} for nothing but what was synced
   * @param successors told which file or directory has become which
   */
  public SimulatedDisk afterCrash(@Nullable SplittableRandom random, Map<SimulatedNode, SimulatedNode> successors) {
    SimulatedDirectory rebooted = (SimulatedDirectory) reboot(root, random, successors);
    SimulatedDisk left = new SimulatedDisk(number, rebooted);
    left.inodes = inodes;
    return left;
  }

  private static SimulatedNode reboot(
      SimulatedNode node, @Nullable SplittableRandom random, Map<SimulatedNode, SimulatedNode> successors) {
    SimulatedNode known = successors.get(node);
    if (known != null) {
      return known;
    }
    return switch (node) {
      case SimulatedFile file -> {
        SimulatedFile successor = file.rebooted(random);
        successors.put(file, successor);
        yield successor;
      }
      case SimulatedDirectory directory -> {
        SimulatedDirectory successor = new SimulatedDirectory(directory.number);
        successors.put(directory, successor);
        directory
            .afterCrash(random)
            .forEach((name, child) -> successor.set(name, reboot(child, random, successors)));
        successor.settle();
        yield successor;
      }
    };
  }

  // ---- descriptors ----

  int place(OpenFile open) {
    int free = descriptors.indexOf(null);
    if (free < 0) {
      descriptors.add(open);
      free = descriptors.size() - 1;
    } else {
      descriptors.set(free, open);
    }
    return FIRST_DESCRIPTOR + number * DESCRIPTORS + free;
  }

  private int index(int descriptor) {
    return descriptor - FIRST_DESCRIPTOR - number * DESCRIPTORS;
  }

  /** The open file behind a descriptor now, or {@code null}. */
  @Nullable OpenFile at(int descriptor) {
    int index = index(descriptor);
    return index >= 0 && index < descriptors.size() ? descriptors.get(index) : null;
  }

  void close(int descriptor) {
    OpenFile open = descriptors.set(index(descriptor), null);
    locks.values().removeIf(owner -> owner == open);
  }

  /** Takes the whole-file lock if it is free; 0 or a negated errno. */
  int tryLock(OpenFile open) {
    OpenFile owner = locks.putIfAbsent(open.node, open);
    return owner == null || owner == open ? 0 : -Errno.EAGAIN;
  }

  void unlock(OpenFile open) {
    boolean ignored = locks.remove(open.node, open);
  }

  // ---- names ----

  /** A name in a directory, which may lead nowhere yet. */
  record Place(SimulatedDirectory directory, String name) {
    @Nullable SimulatedNode node() {
      return name.isEmpty() ? directory : directory.get(name);
    }
  }

  /** Returns where a path leads, or {@code null} if a directory on the way is not there. */
  @Nullable Place place(@Nullable SimulatedDirectory from, String path) {
    SimulatedDirectory directory = from;
    String rest = path;
    if (path.startsWith("/")) {
      directory = root;
      rest = path.length() <= mount().length() ? "" : path.substring(mount().length() + 1);
    }
    if (directory == null) {
      return null;
    }
    for (int slash = rest.indexOf('/'); slash >= 0; slash = rest.indexOf('/')) {
      if (!(directory.get(rest.substring(0, slash)) instanceof SimulatedDirectory next)) {
        return null;
      }
      directory = next;
      rest = rest.substring(slash + 1);
    }
    return new Place(directory, rest);
  }

  int open(@Nullable SimulatedDirectory from, String path, int flags, boolean mustBeDirectory) {
    Place place = place(from, path);
    if (place == null) {
      return -Errno.ENOENT;
    }
    SimulatedNode node = place.node();
    boolean creates = (flags & Fcntl.O_CREAT) != 0;
    if (node != null && creates && (flags & Fcntl.O_EXCL) != 0) {
      return -Errno.EEXIST;
    }
    if (node instanceof SimulatedDirectory && (flags & 3) != Fcntl.O_RDONLY) {
      return -Errno.EISDIR;
    }
    if (node instanceof SimulatedFile && mustBeDirectory) {
      return -Errno.ENOTDIR;
    }
    if (node == null) {
      if (!creates) {
        return -Errno.ENOENT;
      }
      node = new SimulatedFile(inodes++);
      place.directory.set(place.name, node);
    }
    if (node instanceof SimulatedFile file && (flags & Fcntl.O_TRUNC) != 0) {
      file.setSize(0);
    }
    return place(new OpenFile(path, node, flags));
  }

  int makeDirectory(@Nullable SimulatedDirectory from, String path) {
    Place place = place(from, path);
    if (place == null) {
      return -Errno.ENOENT;
    }
    if (place.node() != null) {
      return -Errno.EEXIST;
    }
    place.directory.set(place.name, new SimulatedDirectory(inodes++));
    return 0;
  }

  int remove(@Nullable SimulatedDirectory from, String path, boolean asDirectory) {
    Place place = place(from, path);
    return switch (place == null ? null : place.node()) {
      case null -> -Errno.ENOENT;
      case SimulatedFile _ when asDirectory -> -Errno.ENOTDIR;
      case SimulatedDirectory _ when !asDirectory -> -Errno.EISDIR;
      case SimulatedDirectory directory when !directory.isEmpty() -> -Errno.ENOTEMPTY;
      default -> {
        Place there = Objects.requireNonNull(place);
        there.directory.set(there.name, null);
        yield 0;
      }
    };
  }

  /** Renames a file; directories stay where they are here. */
  int rename(String source, String target) {
    Place from = place(null, source);
    Place to = place(null, target);
    SimulatedNode node = from == null ? null : from.node();
    if (from == null || to == null || node == null) {
      return -Errno.ENOENT;
    }
    SimulatedNode replaced = to.node();
    if (replaced instanceof SimulatedDirectory != node instanceof SimulatedDirectory && replaced != null) {
      return replaced instanceof SimulatedDirectory ? -Errno.EISDIR : -Errno.ENOTDIR;
    }
    if (replaced != node) {
      to.directory.set(to.name, node);
      from.directory.set(from.name, null);
    }
    return 0;
  }

  int link(String existing, String link) {
    Place from = place(null, existing);
    Place to = place(null, link);
    SimulatedNode node = from == null ? null : from.node();
    if (to == null || node == null) {
      return -Errno.ENOENT;
    }
    if (node instanceof SimulatedDirectory) {
      return -Errno.EPERM;
    }
    if (to.node() != null) {
      return -Errno.EEXIST;
    }
    to.directory.set(to.name, node);
    return 0;
  }
}
