package dev.annulus.internal.driver;

import java.io.IOException;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;

/**
 * The mounted file systems. Reads {@code /proc/self/mountinfo}, and asks nothing of a file system,
 * which may hang. Thread-safe.
 */
public final class Mounts {
  /** File systems that wait for nothing but a local device. Others are not trusted. */
  private static final Set<String> LOCAL_TYPES =
      Set.of(
          "ext2", "ext3", "ext4", "xfs", "btrfs", "f2fs", "bcachefs", "jfs", "nilfs2", "vfat", "exfat",
          "ntfs3", "iso9660", "udf", "squashfs", "erofs", "tmpfs", "ramfs", "devtmpfs", "hugetlbfs", "proc",
          "sysfs", "devpts", "mqueue", "cgroup", "cgroup2", "debugfs", "tracefs", "securityfs", "configfs",
          "overlay", "rootfs", "zfs", "bpf", "fusectl", "pstore", "efivarfs", "nsfs", "selinuxfs", "binfmt_misc");

  /** Mounts something when a path leads there, which a look-up that must not wait leaves to others. */
  private static final String AUTOFS = "autofs";

  /** As the JDK decodes the bytes of a name. */
  private static final Charset NAMES =
      Charset.forName(System.getProperty("sun.jnu.encoding", "UTF-8"), StandardCharsets.UTF_8);

  private static final long MIN_TRUST_NANOS = 100_000_000;

  /** A large table is read more rarely: reading takes a hundredth of the time at most. */
  private static final int TRUST_PER_READ = 100;

  /** A mount the table does not show: of another root, or detached. */
  public static final Mount HIDDEN = new Mount("(unknown)", "");

  private final Path table;
  private final AtomicBoolean warned = new AtomicBoolean();

  private volatile Snapshot last =
      new Snapshot(Map.of(), Map.of(), false, System.nanoTime());

  public Mounts() {
    this(Path.of("/proc/self/mountinfo"));
  }

  /** With a table of the caller's. */
  Mounts(Path table) {
    this.table = table;
  }

  /**
   * One mount.
   *
   * @param point where it is mounted
   * @param type the name of its file system's type
   * @param isLocal whether it waits for nothing but a local device
   */
  public record Mount(String point, String type, boolean isLocal) {
    Mount(String point, String type) {
      this(point, type, LOCAL_TYPES.contains(type));
    }
  }

  /**
   * Number and device of a mount: numbers are given again soon. Compares by hand: what the JDK makes to
   * compare a record of primitives keeps the record's class loader for ever.
   */
  public record Key(long number, int major, int minor) {
    private boolean isOf(long device) {
      return major == majorOf(device) && minor == minorOf(device);
    }

    @Override
    public boolean equals(@Nullable Object other) {
      return other instanceof Key key && key.number == number && key.major == major && key.minor == minor;
    }

    @Override
    public int hashCode() {
      return 31 * (31 * Long.hashCode(number) + major) + minor;
    }
  }

  private record Snapshot(
      Map<Key, Mount> mounts, Map<String, Mount> byPoint, boolean allLocal, long trustedUntil) {
    boolean isFresh() {
      return System.nanoTime() - trustedUntil < 0;
    }
  }

  /** The mount, as it was a moment ago. */
  public Mount mount(Key key) {
    Snapshot snapshot = last;
    Mount known = snapshot.mounts.get(key);
    if (known == null || !snapshot.isFresh()) {
      snapshot = read();
      last = snapshot;
      known = snapshot.mounts.computeIfAbsent(key, _ -> HIDDEN);
    }
    return known;
  }

  /**
   * Whether all file systems that a path may lead to are local ones; as it was a moment ago, a tenth of
   * a second or, where the table is very large, up to a few. The path itself does not tell, as there may be links in it.
   */
  public boolean areAllLocal() {
    return current().allLocal;
  }

  /** The table as it was a moment ago. */
  private Snapshot current() {
    Snapshot snapshot = last;
    if (!snapshot.isFresh()) {
      snapshot = read();
      last = snapshot;
    }
    return snapshot;
  }

  /**
   * The mount of an open descriptor, found without the file system's help: {@code statx(2)} asks some
   * for that. {@link #HIDDEN} if the descriptor was closed meanwhile.
   */
  public Mount mountOf(int fd) {
    try {
      for (String line : Files.readAllLines(Path.of("/proc/self/fdinfo", Integer.toString(fd)))) {
        if (line.startsWith("mnt_id:")) {
          long number = Long.parseLong(line.substring("mnt_id:".length()).trim());
          return mountOf(number);
        }
      }
    } catch (IOException | NumberFormatException e) {
      // It was closed meanwhile.
    }
    return HIDDEN;
  }

  private Mount mountOf(long number) {
    for (Map.Entry<Key, Mount> each : current().mounts.entrySet()) {
      if (each.getKey().number == number) {
        return each.getValue();
      }
    }
    return HIDDEN;
  }

  /** The mount that a path is behind by its name; links are not followed. */
  public Mount mountOf(Path path) {
    Map<String, Mount> byPoint = current().byPoint;
    Path directory = path.toAbsolutePath().normalize();
    while (directory != null) {
      Mount mount = byPoint.get(directory.toString());
      if (mount != null) {
        return mount;
      }
      directory = directory.getParent();
    }
    return HIDDEN;
  }

  /**
   * The mount of a file with a device number, as {@code st_dev} has it, that was opened by a path.
   * The number tells where there are links in the path; the path, which of the device's mounts it is,
   * and all there is where the number is none of the table's, as on Btrfs.
   */
  public String pointOf(Path path, long device) {
    Map<Key, Mount> all = current().mounts;
    List<Mount> ofDevice = new ArrayList<>();
    all.forEach(
        (key, mount) -> {
          if (key.isOf(device)) {
            ofDevice.add(mount);
          }
        });
    if (ofDevice.isEmpty()) {
      return mountOf(path).point;
    }
    String point = longestBefore(path, ofDevice);
    return point == null ? ofDevice.getFirst().point : point;
  }

  private static @Nullable String longestBefore(Path path, List<Mount> mounts) {
    Path absolute = path.toAbsolutePath().normalize();
    @Nullable Path best = null;
    for (Mount mount : mounts) {
      Path point = Path.of(mount.point);
      if (absolute.startsWith(point) && (best == null || point.startsWith(best))) {
        best = point;
      }
    }
    return best == null ? null : best.toString();
  }

  /** See makedev(3). */
  private static int majorOf(long device) {
    return (int) (((device >>> 8) & 0xfff) | ((device >>> 32) & ~0xfffL));
  }

  private static int minorOf(long device) {
    return (int) ((device & 0xff) | ((device >>> 12) & ~0xffL));
  }

  /** See proc_pid_mountinfo(5): number, parent, device, root, mount point, options; behind a dash the type. */
  private Snapshot read() {
    long begin = System.nanoTime();
    Map<Key, Mount> found = new ConcurrentHashMap<>();
    Map<String, Mount> byPoint = new HashMap<>();
    boolean allLocal = true;
    try {
      // Bytes, of which only the line end is a character everywhere: a carriage return may be part of a name.
      for (String line : Files.readString(table, StandardCharsets.ISO_8859_1).split("\n", 0)) {
        String[] fields = line.split(" ", 6);
        String[] device = fields[2].split(":", 2);
        int dash = line.indexOf(" - ");
        String type = dash < 0 ? "" : line.substring(dash + 3).split(" ", 2)[0];
        Key key =
            new Key(
                Long.parseLong(fields[0]), Integer.parseInt(device[0]), Integer.parseInt(device[1]));
        Mount mount = new Mount(name(fields[4]), type);
        found.put(key, mount);
        byPoint.put(mount.point, mount); // the last one covers those before
        allLocal &= mount.isLocal || type.equals(AUTOFS);
      }
    } catch (IOException | IndexOutOfBoundsException | NumberFormatException e) {
      allLocal = false;
      if (!warned.getAndSet(true)) {
        Log.warn(table + " cannot be read: " + e);
      }
    }
    long end = System.nanoTime();
    long trust = Math.max(MIN_TRUST_NANOS, TRUST_PER_READ * (end - begin));
    return new Snapshot(found, byPoint, allLocal, end + trust);
  }

  /**
   * A name as a {@link Path} has it. Blanks, line ends and backslashes are written as a backslash and
   * three octal digits.
   *
   * @param field each byte as a character
   */
  private static String name(String field) {
    StringBuilder plain = new StringBuilder();
    for (int i = 0; i < field.length(); i++) {
      if (field.charAt(i) == '\\' && i + 3 < field.length()) {
        plain.append((char) Integer.parseInt(field, i + 1, i + 4, 8));
        i += 3;
      } else {
        plain.append(field.charAt(i));
      }
    }
    return new String(plain.toString().getBytes(StandardCharsets.ISO_8859_1), NAMES);
  }
}
