package dev.annulus.internal.runtime.direct;

import dev.annulus.internal.abi.Fcntl;
import dev.annulus.internal.abi.StatxLayout;
import dev.annulus.internal.abi.Syscalls;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * The types of the file systems that descriptors are on, as {@code /proc} names them. Never asks the
 * file system itself, which might hang.
 */
public final class FileSystemTypes {
  /**
   * Those known to sync a write with {@code RWF_DSYNC}. FUSE is none: where the server wants each write
   * as it is ({@code FOPEN_DIRECT_IO}), the kernel asks it for no sync, and reports success.
   */
  private static final Set<String> SYNCING = Set.of("ext2", "ext3", "ext4", "xfs", "btrfs", "f2fs", "tmpfs");

  private static final String UNKNOWN = "";
  private static final String MOUNT_ID = "mnt_id:";
  private static final int MAX_CACHED = 4096;

  /** By the numbers of mounts that are given once; from Linux 6.8 on. */
  private static final Map<Long, String> BY_MOUNT = new ConcurrentHashMap<>();

  private FileSystemTypes() {}

  /** Whether a durable write of a descriptor's file is known to be one; false if that cannot be found out. */
  public static boolean syncsWrites(int fd) {
    return SYNCING.contains(of(fd));
  }

  /** Whether a descriptor's file is served by a process. */
  public static boolean isFuse(int fd) {
    return of(fd).startsWith("fuse");
  }

  private static String of(int fd) {
    long mount = uniqueMount(fd);
    String known = mount == 0 ? null : BY_MOUNT.get(mount);
    if (known != null) {
      return known;
    }
    String type = read(fd);
    if (mount != 0 && BY_MOUNT.size() < MAX_CACHED) {
      String _ = BY_MOUNT.put(mount, type);
    }
    return type;
  }

  /** 0 if the kernel does not tell. */
  private static long uniqueMount(int fd) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment statx = arena.allocate(StatxLayout.SIZE, Long.BYTES);
      int flags = Fcntl.AT_EMPTY_PATH | Fcntl.AT_STATX_DONT_SYNC;
      int result = Syscalls.statx(fd, arena.allocate(1), flags, Fcntl.STATX_MNT_ID_UNIQUE, statx);
      int told = result < 0 ? 0 : statx.get(ValueLayout.JAVA_INT, StatxLayout.MASK);
      return (told & Fcntl.STATX_MNT_ID_UNIQUE) == 0 ? 0 : statx.get(ValueLayout.JAVA_LONG, StatxLayout.MNT_ID);
    }
  }

  private static String read(int fd) {
    try {
      String mount = mountId(lines("/proc/self/fdinfo/" + fd));
      return mount.isEmpty() ? UNKNOWN : type(mount, lines("/proc/self/mountinfo"));
    } catch (IOException e) {
      return UNKNOWN;
    }
  }

  private static List<String> lines(String path) throws IOException {
    // Not by the JDK's lines: a carriage return may be part of a mount point's name.
    return List.of(Files.readString(Path.of(path), StandardCharsets.ISO_8859_1).split("\n", 0));
  }

  private static String mountId(List<String> about) {
    for (String line : about) {
      if (line.startsWith(MOUNT_ID)) {
        return line.substring(MOUNT_ID.length()).strip();
      }
    }
    return "";
  }

  /** As proc(5) has it: the mount's number comes first, and the type behind a hyphen. */
  private static String type(String mount, List<String> mounts) {
    for (String line : mounts) {
      if (line.startsWith(mount + " ")) {
        int hyphen = line.indexOf(" - ");
        int begin = hyphen + 3;
        int end = hyphen < 0 ? -1 : line.indexOf(' ', begin);
        return end < 0 ? UNKNOWN : line.substring(begin, end);
      }
    }
    return UNKNOWN;
  }
}
