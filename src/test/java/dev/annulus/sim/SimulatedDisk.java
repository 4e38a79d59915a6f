package dev.annulus.sim;

import dev.annulus.internal.abi.Fcntl;
import dev.annulus.internal.driver.Errno;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Files by path and by descriptor. Names are durable at once: only contents are lost in a crash. The lowest free descriptor is
 * given out, as the kernel does, so that one used after its close soon means another file.
 *
 * <p>Whoever looks while a ring may run holds this object's lock.
 */
public final class SimulatedDisk {
  /** Descriptors from here on are simulated. No process has real ones as high. */
  static final int FIRST_DESCRIPTOR = 0x4000_0000;

  /** A file whose reads never end by themselves. */
  public static final String HUNG = "/sim/hung";

  /** A file whose reads always end with {@code -EAGAIN}, as a non-blocking descriptor's might. */
  public static final String STUBBORN = "/sim/stubborn";

  /** An open file description. */
  static final class OpenFile {
    final String path;
    final SimulatedFile file;
    final boolean append;

    /** How many of the file's {@link SimulatedFile#losses} it need not be told of. */
    int knownLosses;

    OpenFile(String path, SimulatedFile file, boolean append) {
      this.path = path;
      this.file = file;
      this.append = append;
      this.knownLosses = file.losses;
    }
  }

  private final Map<String, SimulatedFile> files = new TreeMap<>();
  private final List<@Nullable OpenFile> descriptors = new ArrayList<>();

  public SimulatedDisk() {
    for (String path : List.of(HUNG, STUBBORN)) {
      SimulatedFile file = new SimulatedFile();
      file.setSize(SimulatedFile.SECTOR);
      files.put(path, file);
    }
  }

  /** The file with a name, or {@code null}. */
  public @Nullable SimulatedFile file(String path) {
    return files.get(path);
  }

  /** Descriptors in use. */
  public int openDescriptors() {
    int count = 0;
    for (OpenFile open : descriptors) {
      count += open == null ? 0 : 1;
    }
    return count;
  }

  int open(String path, int flags) {
    SimulatedFile file = files.get(path);
    if (file != null && (flags & (Fcntl.O_CREAT | Fcntl.O_EXCL)) == (Fcntl.O_CREAT | Fcntl.O_EXCL)) {
      return -Errno.EEXIST;
    }
    if (file == null) {
      if ((flags & Fcntl.O_CREAT) == 0) {
        return -Errno.ENOENT;
      }
      file = new SimulatedFile();
      files.put(path, file);
    }
    if ((flags & Fcntl.O_TRUNC) != 0) {
      file.setSize(0);
    }
    return place(new OpenFile(path, file, (flags & Fcntl.O_APPEND) != 0));
  }

  private int place(OpenFile open) {
    int free = descriptors.indexOf(null);
    if (free < 0) {
      descriptors.add(open);
      free = descriptors.size() - 1;
    } else {
      descriptors.set(free, open);
    }
    return FIRST_DESCRIPTOR + free;
  }

  /** The open file behind a descriptor now, or {@code null}. */
  @Nullable OpenFile at(int descriptor) {
    int index = descriptor - FIRST_DESCRIPTOR;
    return index >= 0 && index < descriptors.size() ? descriptors.get(index) : null;
  }

  void close(int descriptor) {
    descriptors.set(descriptor - FIRST_DESCRIPTOR, null);
  }
}
