package dev.annulus.internal.portable;

import dev.annulus.internal.driver.Errno;
import dev.annulus.internal.driver.Operation;
import dev.annulus.internal.driver.Operation.DirectoryItem;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;

/** Operations on paths; 0, a negated errno, or the exception that tells it. */
final class PathCalls {
  private PathCalls() {}

  static int stat(Operation.StatPath stat) throws IOException {
    FileAttributes found =
        stat.followLinks()
            ? FileAttributes.read(stat.path())
            : FileAttributes.read(stat.path(), LinkOption.NOFOLLOW_LINKS);
    found.fill(stat.into());
    return 0;
  }

  static int createDirectory(Path path, int permissions) throws IOException {
    Path _ = Files.createDirectory(path, FileOpener.permissions(permissions));
    return 0;
  }

  /** The JDK removes whatever there is, so it is looked at before. */
  static int remove(Path path, boolean directory) throws IOException {
    if (isDirectory(path) != directory) {
      return directory ? -Errno.ENOTDIR : -Errno.EISDIR;
    }
    Files.delete(path);
    return 0;
  }

  static int rename(Path source, Path target) throws IOException {
    Path _ = Files.move(source, target, StandardCopyOption.ATOMIC_MOVE);
    return 0;
  }

  static int link(Path link, Path existing) throws IOException {
    Path _ = Files.createLink(link, existing);
    return 0;
  }

  static int list(Path directory, List<DirectoryItem> into) throws IOException {
    into.clear();
    DirectoryStream<Path> stream = Files.newDirectoryStream(directory);
    try {
      for (Path entry : stream) {
        FileAttributes found = FileAttributes.readIfThere(entry, LinkOption.NOFOLLOW_LINKS);
        into.add(new DirectoryItem(entry, found != null && found.isDirectory()));
      }
    } finally {
      try {
        stream.close();
      } catch (VirtualMachineError e) {
        stream.close(); // nobody else would give its descriptor back
      }
    }
    return 0;
  }

  /** A directory itself, no link to one. */
  static boolean isDirectory(Path path) throws IOException {
    return FileAttributes.read(path, LinkOption.NOFOLLOW_LINKS).isDirectory();
  }
}
