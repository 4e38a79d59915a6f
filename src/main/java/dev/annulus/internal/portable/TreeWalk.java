package dev.annulus.internal.portable;

import dev.annulus.internal.driver.Errno;
import java.io.Closeable;
import java.io.IOException;
import java.nio.file.FileSystemException;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.SecureDirectoryStream;
import java.nio.file.attribute.BasicFileAttributeView;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.Iterator;
import java.util.List;
import java.util.Objects;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * One removal by descriptors. However deep the tree is, only the lowest directories on the way down
 * are held open; those above are found again through {@code ..}, and must then be what they were.
 */
final class TreeWalk implements Closeable {
  private static final int MAX_OPEN = 32;

  /** How often a name may be found to be something else than the look before said. */
  private static final int MAX_ATTEMPTS = 100;

  /** How often a directory may be something else when it is removed, in all. */
  private static final int MAX_SURPRISES = 1000;

  private static final Path PARENT = Path.of("..");

  /** A directory on the way down. */
  private static final class Level {
    final Path name;

    /** What tells it from others; {@code null} until it is open. */
    @Nullable Object key;

    /** What is in it and has yet to be removed. */
    Deque<Path> left = new ArrayDeque<>();

    /** {@code null} while it is not open. */
    @Nullable SecureDirectoryStream<Path> stream;

    Level(Path name) {
      this.name = name;
    }
  }

  private final SecureDirectoryStream<Path> top;
  private final BooleanSupplier stop;

  private int surprises;

  /** From the root down. A level is put here before it is opened: then nothing can keep it from being closed. */
  private final List<Level> levels = new ArrayList<>();

  /**
   * @param top the directory the tree is in; stays open
   */
  TreeWalk(SecureDirectoryStream<Path> top, BooleanSupplier stop) {
    this.top = top;
    this.stop = stop;
  }

  int remove(Path root) throws IOException {
    if (!enter(top, root)) {
      return -Errno.ENOTDIR;
    }
    while (!levels.isEmpty()) {
      if (stop.getAsBoolean()) {
        return -Errno.ECANCELED;
      }
      Level level = levels.getLast();
      Path entry = level.left.poll();
      if (entry == null) {
        leave(level);
      } else {
        removeEntry(Objects.requireNonNull(level.stream), entry);
      }
    }
    return 0;
  }

  /**
   * A name may be a directory when looked at and none when entered, or the other way round: a file
   * or a link is removed and not followed.
   */
  private void removeEntry(SecureDirectoryStream<Path> directory, Path name) throws IOException {
    try {
      for (int attempt = 1; ; attempt++) {
        if (isDirectory(directory, name) && enter(directory, name)) {
          return;
        }
        try {
          directory.deleteFile(name);
          return;
        } catch (IOException e) {
          if (attempt == MAX_ATTEMPTS || !isDirectory(directory, name)) {
            throw e;
          }
        }
      }
    } catch (NoSuchFileException e) {
      return; // somebody else removed it
    }
  }

  private static boolean isDirectory(SecureDirectoryStream<Path> directory, Path name)
      throws IOException {
    return directory
        .getFileAttributeView(name, BasicFileAttributeView.class, LinkOption.NOFOLLOW_LINKS)
        .readAttributes()
        .isDirectory();
  }

  // ---- down ----

  /** Enters a directory. False if it is a link or no directory. */
  private boolean enter(SecureDirectoryStream<Path> parent, Path name) throws IOException {
    Level level = new Level(name);
    levels.add(level);
    SecureDirectoryStream<Path> stream;
    try {
      stream = parent.newDirectoryStream(name, LinkOption.NOFOLLOW_LINKS);
      level.stream = stream;
    } catch (IOException e) {
      Level _ = levels.removeLast();
      int errno = Failures.errno(e);
      if (errno == Errno.ENOTDIR || errno == Errno.ELOOP) {
        return false;
      }
      throw e;
    }
    level.key = key(stream);
    level.left = names(stream);
    int tooMany = levels.size() - 1 - MAX_OPEN;
    if (tooMany >= 0) {
      close(levels.get(tooMany));
    }
    return true;
  }

  /** Names are collected first: removing while listing may skip some. */
  private static Deque<Path> names(SecureDirectoryStream<Path> directory) throws IOException {
    Deque<Path> names = new ArrayDeque<>();
    for (Iterator<Path> entries = directory.iterator(); entries.hasNext(); ) {
      Path name = entries.next().getFileName();
      if (name != null) {
        names.add(name);
      }
    }
    return names;
  }

  private static Object key(SecureDirectoryStream<Path> directory) throws IOException {
    return Objects.requireNonNull(
        directory.getFileAttributeView(BasicFileAttributeView.class).readAttributes().fileKey());
  }

  // ---- up ----

  /** Removes the lowest directory, which is empty. */
  private void leave(Level level) throws IOException {
    int above = levels.size() - 2;
    SecureDirectoryStream<Path> parent =
        above < 0 ? top : reopened(levels.get(above), Objects.requireNonNull(level.stream));
    close(level);
    Level _ = levels.removeLast();
    try {
      parent.deleteDirectory(level.name);
    } catch (NoSuchFileException e) {
      if (above < 0) {
        throw e;
      }
    } catch (IOException e) {
      if (above < 0 || Failures.errno(e) != Errno.ENOTDIR || ++surprises > MAX_SURPRISES) {
        throw e;
      }
      removeEntry(parent, level.name); // it was a directory and is none now
    }
  }

  /** The directory above, from the one below. If somebody has moved that, it is not ours any more. */
  private static SecureDirectoryStream<Path> reopened(
      Level above, SecureDirectoryStream<Path> below) throws IOException {
    SecureDirectoryStream<Path> open = above.stream;
    if (open != null) {
      return open;
    }
    SecureDirectoryStream<Path> found =
        below.newDirectoryStream(PARENT, LinkOption.NOFOLLOW_LINKS);
    above.stream = found;
    if (!key(found).equals(above.key)) {
      throw new FileSystemException(above.name.toString(), null, Errno.text(Errno.EBUSY));
    }
    return found;
  }

  private static void close(Level level) throws IOException {
    SecureDirectoryStream<Path> open = level.stream;
    if (open != null) {
      open.close();
      level.stream = null;
    }
  }

  /** Closes what is open still, whatever fails. May be called again if it is cut. */
  @Override
  public void close() throws IOException {
    IOException failure = null;
    for (int i = 0; i < levels.size(); i++) { // without an iterator, for which there may be no memory
      try {
        close(levels.get(i));
      } catch (IOException e) {
        failure = e;
      }
    }
    levels.clear();
    if (failure != null) {
      throw failure;
    }
  }
}
