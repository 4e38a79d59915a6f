package dev.annulus.adapter.leveldb;

import dev.annulus.ErrorKind;
import dev.annulus.fs.Fs;
import dev.annulus.fs.FsDirEntry;
import dev.annulus.fs.FsFile;
import dev.annulus.fs.FsMetadata;
import dev.annulus.fs.FsOpenOptions;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import org.iq80.leveldb.env.File;

/**
 * A name, and what can be done to what has that name.
 *
 * <p>Questions answer "no" for what is not there, and throw {@link UncheckedIOException} if that cannot be found out: an engine that
 * took an I/O error for a missing file would begin a new database over an old one. Changes answer whether they were made, as {@link
 * File} wants it.
 */
record EnvFile(Fs fs, Path path) implements File {
  /** The path of any environment's file. */
  static Path pathOf(File file) {
    return file instanceof EnvFile ours ? ours.path : Path.of(file.getPath());
  }

  /** Puts a name on stable storage: its directory. */
  static void syncParent(Fs fs, Path path) throws IOException {
    fs.syncDirectory(parentOf(path));
  }

  /** The root is its own parent, as the system has it. */
  private static Path parentOf(Path path) {
    Path absolute = path.toAbsolutePath();
    Path parent = absolute.getParent();
    return parent == null ? absolute : parent;
  }

  // ---- names ----

  @Override
  public File child(String other) {
    return new EnvFile(fs, path.resolve(other));
  }

  @Override
  public File getParentFile() {
    return new EnvFile(fs, parentOf(path));
  }

  @Override
  public String getName() {
    Path name = path.getFileName();
    return name == null ? "" : name.toString();
  }

  @Override
  public String getPath() {
    return path.toAbsolutePath().toString();
  }

  @Override
  public String toString() {
    return path.toString();
  }

  // ---- questions ----

  @Override
  public boolean exists() {
    return metadata().isPresent();
  }

  @Override
  public boolean isDirectory() {
    return metadata().filter(FsMetadata::isDirectory).isPresent();
  }

  @Override
  public boolean isFile() {
    return metadata().filter(FsMetadata::isFile).isPresent();
  }

  @Override
  public long length() {
    return metadata().map(FsMetadata::length).orElse(0L);
  }

  @Override
  public boolean canRead() {
    try (FsFile _ = fs.open(path, FsOpenOptions.reading())) {
      return true;
    } catch (IOException e) {
      return switch (ErrorKind.of(e)) {
        case NOT_FOUND, NOT_A_DIRECTORY, PERMISSION_DENIED -> false;
        default -> throw new UncheckedIOException(e);
      };
    }
  }

  @Override
  public List<File> listFiles() {
    try {
      return fs.readDirectory(path).stream().map(FsDirEntry::path).<File>map(entry -> new EnvFile(fs, entry)).toList();
    } catch (IOException e) {
      return switch (ErrorKind.of(e)) {
        case NOT_FOUND, NOT_A_DIRECTORY -> List.of();
        default -> throw new UncheckedIOException(e);
      };
    }
  }

  private Optional<FsMetadata> metadata() {
    try {
      return Optional.of(fs.metadata(path));
    } catch (IOException e) {
      return switch (ErrorKind.of(e)) {
        case NOT_FOUND, NOT_A_DIRECTORY -> Optional.empty();
        default -> throw new UncheckedIOException(e);
      };
    }
  }

  // ---- changes ----

  /**
   * {@inheritDoc} Directories that were made are on stable storage then. Throws if they were made and
   * that cannot be done: the engine looks whether they are there, not at the answer.
   */
  @Override
  public boolean mkdirs() {
    Deque<Path> missing = new ArrayDeque<>();
    for (Path dir = path.toAbsolutePath(); dir != null && !new EnvFile(fs, dir).exists(); dir = dir.getParent()) {
      missing.push(dir);
    }
    if (missing.isEmpty() || !done(() -> fs.createDirectories(path))) {
      return false;
    }
    madeDurable(
        () -> {
          for (Path made : missing) {
            syncParent(fs, made);
          }
        });
    return true;
  }

  /** {@inheritDoc} Of directories, only an empty one. */
  @Override
  public boolean delete() {
    return done(() -> fs.remove(path));
  }

  /** {@inheritDoc} Links are removed, not followed. */
  @Override
  public boolean deleteRecursively() {
    return done(
        () -> {
          try {
            fs.removeDirectoryAll(path);
          } catch (IOException e) {
            if (ErrorKind.of(e) != ErrorKind.NOT_A_DIRECTORY) {
              throw e;
            }
            fs.removeFile(path);
          }
        });
  }

  /**
   * {@inheritDoc} Replaces a file of that name, atomically; on stable storage when this returns true.
   * Throws if it was renamed and that cannot be done: told that nothing was renamed, the engine would
   * write over the target in its place.
   */
  @Override
  public boolean renameTo(File dest) {
    Path target = pathOf(dest);
    if (!done(() -> fs.rename(path, target))) {
      return false;
    }
    madeDurable(
        () -> {
          syncParent(fs, target);
          if (!parentOf(path).equals(parentOf(target))) {
            syncParent(fs, path);
          }
        });
    return true;
  }

  private interface Change {
    void make() throws IOException;
  }

  private static void madeDurable(Change change) {
    try {
      change.make();
    } catch (IOException e) {
      throw new UncheckedIOException("made, but perhaps not on stable storage: " + e.getMessage(), e);
    }
  }

  private static boolean done(Change change) {
    try {
      change.make();
      return true;
    } catch (IOException e) {
      return false;
    }
  }
}
