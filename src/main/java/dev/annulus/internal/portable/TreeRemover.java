package dev.annulus.internal.portable;

import dev.annulus.internal.driver.Errno;
import dev.annulus.internal.driver.StackRoom;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import java.nio.file.SecureDirectoryStream;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Removes a directory tree without ever leaving it. Where the JDK has {@link SecureDirectoryStream},
 * each directory is entered from its parent's descriptor, refusing links, so that nobody can put a
 * link in its place meanwhile; elsewhere, such as on Windows, links are looked for, and that race is
 * left.
 */
final class TreeRemover {
  private final BooleanSupplier stop;

  /**
   * @param stop asked again and again; once true, the removal ends with {@code -ECANCELED}
   */
  TreeRemover(BooleanSupplier stop) {
    this.stop = stop;
  }

  /** A link, or anything that is no directory, is refused with {@code -ENOTDIR} and left alone. */
  int remove(Path root) throws IOException {
    if (!PathCalls.isDirectory(root)) {
      return -Errno.ENOTDIR;
    }
    Path name = root.getFileName();
    Path parent = root.toAbsolutePath().getParent();
    if (name == null || parent == null) {
      return -Errno.EBUSY; // the root of the file system
    }
    StackRoom.check(); // what is opened can be closed
    DirectoryStream<Path> stream = Files.newDirectoryStream(parent);
    try {
      if (stream instanceof SecureDirectoryStream<Path> secure) {
        return removeDirectory(secure, name);
      }
    } finally {
      try {
        stream.close();
      } catch (VirtualMachineError e) {
        stream.close(); // nobody else would give its descriptor back
      }
    }
    return removeByPath(root);
  }

  int removeDirectory(SecureDirectoryStream<Path> parent, Path name) throws IOException {
    TreeWalk walk = new TreeWalk(parent, stop);
    try {
      return walk.remove(name);
    } finally {
      try {
        walk.close();
      } catch (VirtualMachineError e) {
        walk.close(); // from where it was cut
      }
    }
  }

  // ---- by paths ----

  /** A directory, and what of it has yet to be removed. */
  private record Level(Path path, Deque<Path> left) {}

  int removeByPath(Path root) throws IOException {
    Deque<Level> levels = new ArrayDeque<>();
    levels.push(new Level(root, entries(root)));
    while (!levels.isEmpty()) {
      if (stop.getAsBoolean()) {
        return -Errno.ECANCELED;
      }
      Level level = levels.peek();
      Path entry = level.left.poll();
      if (entry == null) {
        boolean _ = Files.deleteIfExists(level.path);
        Level _ = levels.pop();
      } else {
        removeEntry(levels, entry);
      }
    }
    return 0;
  }

  private static void removeEntry(Deque<Level> levels, Path entry) throws IOException {
    try {
      if (isDirectory(entry)) {
        levels.push(new Level(entry, entries(entry)));
        return;
      }
    } catch (NoSuchFileException | NotDirectoryException e) {
      // It is something else by now, or nothing.
    }
    boolean _ = Files.deleteIfExists(entry);
  }

  private static boolean isDirectory(Path entry) {
    @Nullable FileAttributes found = FileAttributes.readIfThere(entry, LinkOption.NOFOLLOW_LINKS);
    return found != null && found.isDirectory();
  }

  private static Deque<Path> entries(Path directory) throws IOException {
    Deque<Path> entries = new ArrayDeque<>();
    DirectoryStream<Path> stream = Files.newDirectoryStream(directory);
    try {
      stream.forEach(entries::add);
    } finally {
      try {
        stream.close();
      } catch (VirtualMachineError e) {
        stream.close(); // nobody else would give its descriptor back
      }
    }
    return entries;
  }
}
