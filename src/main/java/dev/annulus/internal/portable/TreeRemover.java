package dev.annulus.internal.portable;

import dev.annulus.internal.driver.Errno;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.SecureDirectoryStream;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributeView;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.List;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Removes a directory tree without ever leaving it. Where the JDK has {@link SecureDirectoryStream}, each directory is entered
 * from its parent's descriptor, refusing links, so that nobody can put a link in its place meanwhile; elsewhere, such as on
 * Windows, links are looked for, and that race is left.
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
    try (DirectoryStream<Path> stream = Files.newDirectoryStream(parent)) {
      if (stream instanceof SecureDirectoryStream<Path> secure) {
        return removeDirectory(secure, name, true);
      }
    }
    return removeByPath(root);
  }

  // ---- by descriptors ----

  int removeDirectory(SecureDirectoryStream<Path> parent, Path name, boolean isRoot) throws IOException {
    try (SecureDirectoryStream<Path> directory = enter(parent, name)) {
      if (directory == null && isRoot) {
        return -Errno.ENOTDIR;
      }
      int result = directory == null ? 0 : empty(directory);
      if (result < 0) {
        return result;
      }
    }
    try {
      parent.deleteDirectory(name);
    } catch (IOException e) {
      if (isRoot || Failures.errno(e) != Errno.ENOTDIR) {
        throw e;
      }
      // It was a directory when looked at and is none now: a file, or a link, which is removed and not followed.
      parent.deleteFile(name);
    }
    return 0;
  }

  /** {@code null} if it is a link or no directory. */
  private static @Nullable SecureDirectoryStream<Path> enter(SecureDirectoryStream<Path> parent, Path name)
      throws IOException {
    try {
      return parent.newDirectoryStream(name, LinkOption.NOFOLLOW_LINKS);
    } catch (IOException e) {
      int errno = Failures.errno(e);
      if (errno == Errno.ENOTDIR || errno == Errno.ELOOP) {
        return null;
      }
      throw e;
    }
  }

  /** Names are collected first: removing while listing may skip some. */
  private int empty(SecureDirectoryStream<Path> directory) throws IOException {
    List<Path> names = new ArrayList<>();
    for (Path entry : directory) {
      Path name = entry.getFileName();
      if (name != null) {
        names.add(name);
      }
    }
    for (Path name : names) {
      if (stop.getAsBoolean()) {
        return -Errno.ECANCELED;
      }
      int result = removeEntry(directory, name);
      if (result < 0) {
        return result;
      }
    }
    return 0;
  }

  private int removeEntry(SecureDirectoryStream<Path> parent, Path name) throws IOException {
    try {
      BasicFileAttributeView view =
          parent.getFileAttributeView(name, BasicFileAttributeView.class, LinkOption.NOFOLLOW_LINKS);
      if (view.readAttributes().isDirectory()) {
        return removeDirectory(parent, name, false);
      }
      parent.deleteFile(name);
      return 0;
    } catch (NoSuchFileException e) {
      return 0; // somebody else removed it
    }
  }

  // ---- by paths ----

  int removeByPath(Path root) throws IOException {
    List<Integer> stopped = new ArrayList<>();
    Path _ = Files.walkFileTree(root, new Visitor(stopped));
    return stopped.isEmpty() ? 0 : stopped.getFirst();
  }

  private final class Visitor extends SimpleFileVisitor<Path> {
    private final List<Integer> stopped;

    Visitor(List<Integer> stopped) {
      this.stopped = stopped;
    }

    @Override
    public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) throws IOException {
      if (stop.getAsBoolean()) {
        stopped.add(-Errno.ECANCELED);
        return FileVisitResult.TERMINATE;
      }
      boolean _ = Files.deleteIfExists(file);
      return FileVisitResult.CONTINUE;
    }

    @Override
    public FileVisitResult postVisitDirectory(Path directory, @Nullable IOException failure) throws IOException {
      if (failure != null) {
        throw failure;
      }
      boolean _ = Files.deleteIfExists(directory);
      return FileVisitResult.CONTINUE;
    }
  }
}
