package dev.annulus.fs;

import dev.annulus.AsyncFile;
import dev.annulus.DirectoryEntry;
import dev.annulus.ErrnoException;
import dev.annulus.ErrorKind;
import dev.annulus.FileStatus;
import dev.annulus.IoOpenOption;
import dev.annulus.IoRuntime;
import java.io.IOException;
import java.nio.file.OpenOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.function.Supplier;

/** {@link Fs} by waiting on a runtime's futures. */
final class RuntimeFs implements Fs {
  private static final int EINVAL = 22;

  private final IoRuntime runtime;
  private final Blocking mode;
  private final boolean ownsRuntime;

  RuntimeFs(IoRuntime runtime, Blocking mode, boolean ownsRuntime) {
    this.runtime = runtime;
    this.mode = mode;
    this.ownsRuntime = ownsRuntime;
  }

  @Override
  public FsFile open(Path path, FsOpenOptions options) throws IOException {
    Objects.requireNonNull(path, "path");
    Set<OpenOption> openOptions = translate(path, options);
    AsyncFile file = await(() -> runtime.openFile(path, openOptions));
    return new RuntimeFsFile(runtime, file, options, mode);
  }

  @Override
  public void createDirectory(Path dir) throws IOException {
    await(() -> runtime.createDirectory(dir));
  }

  /** Goes up to the first level that is there, then down again. */
  @Override
  public void createDirectories(Path dir) throws IOException {
    Objects.requireNonNull(dir, "dir");
    Deque<Path> missing = new ArrayDeque<>();
    for (Path level = dir; level != null && !isMadeOrThere(level); level = level.getParent()) {
      missing.push(level);
    }
    for (Path level : missing) {
      makeOrFind(level);
    }
  }

  /** False if the level's parent is missing. */
  private boolean isMadeOrThere(Path level) throws IOException {
    try {
      makeOrFind(level);
      return true;
    } catch (IOException e) {
      if (ErrorKind.of(e) != ErrorKind.NOT_FOUND || level.getParent() == null) {
        throw e;
      }
      return false;
    }
  }

  /** Makes a directory whose parent is there; one that is there already, or comes to be meanwhile, is fine. */
  private void makeOrFind(Path dir) throws IOException {
    try {
      createDirectory(dir);
    } catch (IOException e) {
      if (ErrorKind.of(e) != ErrorKind.ALREADY_EXISTS || !metadata(dir).isDirectory()) {
        throw e;
      }
    }
  }

  @Override
  public List<FsDirEntry> readDirectory(Path dir) throws IOException {
    List<DirectoryEntry> entries = await(() -> runtime.readDirectory(dir));
    return entries.stream()
        .map(
            entry ->
                new FsDirEntry(
                    entry.path(), Objects.requireNonNull(entry.path().getFileName()).toString(), entry.isDirectory()))
        .toList();
  }

  @Override
  public void removeFile(Path file) throws IOException {
    await(() -> runtime.deleteFile(file));
  }

  @Override
  public void remove(Path path) throws IOException {
    await(() -> runtime.delete(path));
  }

  @Override
  public void removeDirectoryAll(Path dir) throws IOException {
    await(() -> runtime.removeTree(dir));
  }

  @Override
  public void rename(Path source, Path target) throws IOException {
    await(() -> runtime.rename(source, target));
  }

  @Override
  public void hardLink(Path link, Path existing) throws IOException {
    await(() -> runtime.link(link, existing));
  }

  @Override
  public FsMetadata metadata(Path path) throws IOException {
    return metadataOf(await(() -> runtime.stat(path)));
  }

  @Override
  public boolean exists(Path path) throws IOException {
    try {
      FileStatus _ = await(() -> runtime.stat(path));
      return true;
    } catch (IOException e) {
      if (ErrorKind.of(e) == ErrorKind.NOT_FOUND) {
        return false;
      }
      throw e;
    }
  }

  @Override
  public void syncDirectory(Path dir) throws IOException {
    await(() -> runtime.syncDirectory(dir));
  }

  @Override
  public void close() {
    if (ownsRuntime) {
      runtime.close();
    }
  }

  static FsMetadata metadataOf(FileStatus status) {
    return new FsMetadata(status.size(), status.isDirectory(), status.isRegularFile());
  }

  private <T> T await(Supplier<? extends CompletableFuture<T>> operation) throws IOException {
    return Waiting.submitAndAwait(runtime, operation);
  }

  /** Refuses what has no meaning; {@code java.nio} would ignore some of it. */
  private static Set<OpenOption> translate(Path path, FsOpenOptions options) throws IOException {
    boolean writing = options.write() || options.append();
    if (!options.read() && !writing) {
      throw refused(path, "(neither read, write nor append)");
    }
    if (options.truncate() && options.append()) {
      throw refused(path, "(truncate with append)");
    }
    if (options.truncate() && !options.write()) {
      throw refused(path, "(truncate without write)");
    }
    if ((options.create() || options.createNew()) && !writing) {
      throw refused(path, "(create without write or append)");
    }
    Set<OpenOption> set = new HashSet<>();
    add(set, options.read(), StandardOpenOption.READ);
    add(set, options.write(), StandardOpenOption.WRITE);
    add(set, options.append(), StandardOpenOption.APPEND);
    add(set, options.create(), StandardOpenOption.CREATE);
    add(set, options.createNew(), StandardOpenOption.CREATE_NEW);
    add(set, options.truncate(), StandardOpenOption.TRUNCATE_EXISTING);
    if (options.direct()) {
      set.add(IoOpenOption.DIRECT);
    }
    return set;
  }

  private static void add(Set<OpenOption> set, boolean wanted, OpenOption option) {
    if (wanted) {
      set.add(option);
    }
  }

  private static IOException refused(Path path, String why) {
    return ErrnoException.of(EINVAL, "open", path, why);
  }
}
