package dev.annulus.internal.portable;

import dev.annulus.internal.driver.Errno;
import dev.annulus.internal.driver.OpenFlag;
import dev.annulus.internal.driver.Operation;
import dev.annulus.internal.portable.OpenFile.Plain;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.FileSystemException;
import java.nio.file.FileSystems;
import java.nio.file.LinkOption;
import java.nio.file.NotDirectoryException;
import java.nio.file.OpenOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.EnumSet;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Opens files as {@link Operation.Open} asks for. */
final class FileOpener {
  private static final boolean POSIX = FileSystems.getDefault().supportedFileAttributeViews().contains("posix");
  private static final FileAttribute<?>[] NO_ATTRIBUTES = {};
  private static final int TRIES = 10;

  private final Path path;
  private final EnumSet<OpenFlag> flags;
  private final FileAttribute<?>[] attributes;
  private final LinkOption[] links;

  private FileOpener(Operation.Open operation) {
    path = operation.path();
    flags = EnumSet.noneOf(OpenFlag.class);
    flags.addAll(operation.flags());
    attributes = permissions(operation.permissions());
    links = flags.contains(OpenFlag.NO_FOLLOW) ? new LinkOption[] {LinkOption.NOFOLLOW_LINKS} : new LinkOption[0];
  }

  static OpenFile open(Operation.Open operation) throws IOException {
    FileOpener opener = new FileOpener(operation);
    if (opener.flags.contains(OpenFlag.DIRECTORY) && !FileAttributes.read(opener.path, opener.links).isDirectory()) {
      throw new NotDirectoryException(opener.path.toString());
    }
    return opener.flags.contains(OpenFlag.APPEND) ? opener.openAppending() : opener.openPlain();
  }

  /** Permissions for something that is created, subject to the umask; where the system knows them. */
  static FileAttribute<?>[] permissions(int bits) {
    if (!POSIX) {
      return NO_ATTRIBUTES;
    }
    String all = "rwxrwxrwx";
    StringBuilder text = new StringBuilder(all);
    for (int i = 0; i < all.length(); i++) {
      if ((bits >> (all.length() - 1 - i) & 1) == 0) {
        text.setCharAt(i, '-');
      }
    }
    return new FileAttribute<?>[] {PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString(text.toString()))};
  }

  // ---- plain ----

  private OpenFile openPlain() throws IOException {
    Plain plain = openWidened();
    try {
      FileAttributes found = FileAttributes.readIfThere(path, links);
      if (flags.contains(OpenFlag.DIRECTORY) && found != null && !found.isDirectory()) {
        throw new NotDirectoryException(path.toString());
      }
      return new OpenFile(path, links, flags, plain, null, found == null ? FileAttributes.ofNameless() : found);
    } catch (Throwable e) {
      plain.channel().close();
      throw e;
    }
  }

  /** A file to be written is opened for reading too where it may be: the JDK can set the length of such a channel only. */
  private Plain openWidened() throws IOException {
    EnumSet<OpenFlag> asked = EnumSet.copyOf(flags);
    asked.retainAll(EnumSet.of(OpenFlag.READ, OpenFlag.WRITE));
    if (asked.equals(EnumSet.of(OpenFlag.WRITE)) && isRegularOrNew()) {
      EnumSet<OpenFlag> both = EnumSet.of(OpenFlag.READ, OpenFlag.WRITE);
      try {
        return new Plain(FileChannel.open(path, options(with(both)), attributes), both);
      } catch (FileSystemException e) {
        if (!isDenied(e)) {
          throw e;
        }
      }
    }
    return new Plain(FileChannel.open(path, options(flags), attributes), asked);
  }

  private EnumSet<OpenFlag> with(EnumSet<OpenFlag> modes) {
    EnumSet<OpenFlag> all = EnumSet.copyOf(flags);
    all.addAll(modes);
    return all;
  }

  private boolean isRegularOrNew() {
    FileAttributes found = FileAttributes.readIfThere(path, links);
    return found == null || found.isRegular();
  }

  // ---- appending ----

  /**
   * Opens two channels, and makes sure that they are of one file: its path must have named the same file before, between and after.
   * Unseen goes only what cannot be told so: a file this very call created, replaced before it could be looked at, or one replaced
   * twice, the second time by a file that was given the number of the first.
   */
  private OpenFile openAppending() throws IOException {
    for (int i = 0; i < TRIES; i++) {
      FileAttributes before = FileAttributes.readIfThere(path, links);
      EnumSet<OpenFlag> writing = EnumSet.copyOf(flags);
      writing.remove(OpenFlag.READ);
      FileChannel appender = FileChannel.open(path, options(writing), attributes);
      Plain plain = null;
      try {
        FileAttributes between = FileAttributes.readIfThere(path, links);
        plain = openBeside(between);
        FileAttributes after = FileAttributes.readIfThere(path, links);
        if (after != null && isSame(between, after) && (before == null || isSame(before, after))) {
          Plain first = plain == null ? new Plain(appender, EnumSet.noneOf(OpenFlag.class)) : plain;
          OpenFile file = new OpenFile(path, links, flags, first, appender, after);
          appender = null;
          return file;
        }
      } finally {
        if (appender != null) {
          SharedFile.closeAll(plain == null ? List.of(appender) : List.of(appender, plain.channel()));
        }
      }
    }
    throw new FileSystemException(path.toString(), null, Errno.text(Errno.EBUSY));
  }

  /** The plain channel: one that can do everything if allowed, else one that can do what was asked for; {@code null} for none. */
  private @Nullable Plain openBeside(@Nullable FileAttributes found) throws IOException {
    boolean read = flags.contains(OpenFlag.READ);
    FileSystemException denied = null;
    for (EnumSet<OpenFlag> modes :
        List.of(EnumSet.of(OpenFlag.READ, OpenFlag.WRITE), EnumSet.of(read ? OpenFlag.READ : OpenFlag.WRITE))) {
      boolean asked = read && !modes.contains(OpenFlag.WRITE);
      if (!asked && (found == null || !found.isRegular())) {
        continue;
      }
      try {
        return new Plain(FileChannel.open(path, options(existing(modes))), modes);
      } catch (FileSystemException e) {
        if (!isDenied(e)) {
          throw e;
        }
        denied = e;
      }
    }
    if (read && denied != null) {
      throw denied;
    }
    return null;
  }

  /** The flags for opening the file once more, now that it is there. */
  private EnumSet<OpenFlag> existing(EnumSet<OpenFlag> modes) {
    EnumSet<OpenFlag> all = EnumSet.copyOf(flags);
    all.removeAll(
        EnumSet.of(
            OpenFlag.READ, OpenFlag.WRITE, OpenFlag.APPEND, OpenFlag.CREATE, OpenFlag.CREATE_NEW, OpenFlag.TRUNCATE));
    all.addAll(modes);
    return all;
  }

  private static boolean isSame(@Nullable FileAttributes one, FileAttributes other) {
    return one != null && one.key().equals(other.key());
  }

  // ---- both ----

  private static boolean isDenied(FileSystemException failure) {
    int errno = Failures.errno(failure);
    return errno == Errno.EACCES || errno == Errno.EPERM;
  }

  private static Set<OpenOption> options(Set<OpenFlag> flags) {
    Set<OpenOption> options = new HashSet<>();
    for (OpenFlag flag : flags) {
      switch (flag) {
        case READ -> options.add(StandardOpenOption.READ);
        case WRITE -> options.add(StandardOpenOption.WRITE);
        case APPEND -> options.add(StandardOpenOption.APPEND);
        case CREATE -> options.add(StandardOpenOption.CREATE);
        case CREATE_NEW -> options.add(StandardOpenOption.CREATE_NEW);
        case TRUNCATE -> options.add(StandardOpenOption.TRUNCATE_EXISTING);
        case DIRECT -> options.add(jdksDirect());
        case DSYNC -> options.add(StandardOpenOption.DSYNC);
        case SYNC -> options.add(StandardOpenOption.SYNC);
        case NO_FOLLOW -> options.add(LinkOption.NOFOLLOW_LINKS);
        case DIRECTORY -> {} // looked at when it is open
      }
    }
    return options;
  }

  /** {@code ExtendedOpenOption.DIRECT}, by name: its class is not part of Java SE, and warns when compiled against. */
  private static OpenOption jdksDirect() {
    try {
      for (Object constant : Class.forName("com.sun.nio.file.ExtendedOpenOption").getEnumConstants()) {
        if (constant instanceof OpenOption option && option.toString().equals("DIRECT")) {
          return option;
        }
      }
    } catch (ClassNotFoundException e) {
      throw new IllegalArgumentException("this JDK has no direct I/O", e);
    }
    throw new IllegalArgumentException("this JDK has no direct I/O");
  }
}
