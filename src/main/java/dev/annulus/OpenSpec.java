package dev.annulus;

import dev.annulus.internal.driver.OpenFlag;
import java.nio.file.LinkOption;
import java.nio.file.OpenOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermission;
import java.util.EnumSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;

/**
 * How a file is to be opened: the options of {@code java.nio.file}, which mean what they mean to {@code FileChannel.open}, except
 * that reading and appending go together.
 *
 * @param flags for the driver
 * @param permissions of a file that is created, before the umask
 * @param deleteOnClose whether the name is to be removed once the file is open
 */
record OpenSpec(Set<OpenFlag> flags, int permissions, boolean deleteOnClose) {
  private static final int NEW_FILE_PERMISSIONS = 0x1b6; // rw-rw-rw-
  private static final int NEW_DIRECTORY_PERMISSIONS = 0x1ff; // rwxrwxrwx

  boolean readable() {
    return flags.contains(OpenFlag.READ);
  }

  boolean writable() {
    return flags.contains(OpenFlag.WRITE);
  }

  boolean appending() {
    return flags.contains(OpenFlag.APPEND);
  }

  static OpenSpec parse(Set<? extends OpenOption> options, FileAttribute<?>... attributes) {
    EnumSet<OpenFlag> flags = EnumSet.noneOf(OpenFlag.class);
    boolean deleteOnClose = false;
    for (OpenOption option : options) {
      switch (Objects.requireNonNull(option, "option")) {
        case StandardOpenOption.READ -> flags.add(OpenFlag.READ);
        case StandardOpenOption.WRITE -> flags.add(OpenFlag.WRITE);
        case StandardOpenOption.APPEND -> flags.add(OpenFlag.APPEND);
        case StandardOpenOption.TRUNCATE_EXISTING -> flags.add(OpenFlag.TRUNCATE);
        case StandardOpenOption.CREATE -> flags.add(OpenFlag.CREATE);
        case StandardOpenOption.CREATE_NEW -> flags.add(OpenFlag.CREATE_NEW);
        case StandardOpenOption.DELETE_ON_CLOSE -> deleteOnClose = true;
        case StandardOpenOption.SPARSE -> {} // a hint; files are sparse where the file system can
        case StandardOpenOption.SYNC -> flags.add(OpenFlag.SYNC);
        case StandardOpenOption.DSYNC -> flags.add(OpenFlag.DSYNC);
        case LinkOption.NOFOLLOW_LINKS -> flags.add(OpenFlag.NO_FOLLOW);
        case IoOpenOption.DIRECT -> flags.add(OpenFlag.DIRECT);
        case OpenOption other when isJdksDirect(other) -> flags.add(OpenFlag.DIRECT);
        default -> throw new UnsupportedOperationException(option + " is not supported");
      }
    }
    settle(flags, deleteOnClose);
    return new OpenSpec(flags, permissions(attributes, NEW_FILE_PERMISSIONS), deleteOnClose);
  }

  /** {@code ExtendedOpenOption.DIRECT}, by name: its class is not part of Java SE, and warns when compiled against. */
  private static boolean isJdksDirect(OpenOption option) {
    return option.getClass().getName().equals("com.sun.nio.file.ExtendedOpenOption") && option.toString().equals("DIRECT");
  }

  /** The permissions of a directory that is created. */
  static int directoryPermissions(FileAttribute<?>... attributes) {
    return permissions(attributes, NEW_DIRECTORY_PERMISSIONS);
  }

  /** What the combinations mean. */
  private static void settle(EnumSet<OpenFlag> flags, boolean deleteOnClose) {
    boolean append = flags.contains(OpenFlag.APPEND);
    if (append && flags.contains(OpenFlag.TRUNCATE)) {
      throw new IllegalArgumentException("APPEND + TRUNCATE_EXISTING not allowed");
    }
    if (append) {
      flags.add(OpenFlag.WRITE);
    }
    if (!flags.contains(OpenFlag.WRITE)) {
      flags.add(OpenFlag.READ);
      flags.remove(OpenFlag.CREATE);
      flags.remove(OpenFlag.CREATE_NEW);
      flags.remove(OpenFlag.TRUNCATE);
    }
    if (deleteOnClose) {
      // Else the link would be deleted, and the file it leads to opened.
      flags.add(OpenFlag.NO_FOLLOW);
    }
  }

  private static int permissions(FileAttribute<?>[] attributes, int otherwise) {
    int permissions = otherwise;
    for (FileAttribute<?> attribute : attributes) {
      Objects.requireNonNull(attribute, "attribute");
      if (!attribute.name().equals("posix:permissions")) {
        throw new UnsupportedOperationException("'" + attribute.name() + "' is not supported as an initial attribute");
      }
      permissions = Permissions.toBits(posix(attribute.value()));
    }
    return permissions;
  }

  private static List<PosixFilePermission> posix(Object value) {
    return ((Set<?>) value).stream().map(PosixFilePermission.class::cast).toList();
  }
}
