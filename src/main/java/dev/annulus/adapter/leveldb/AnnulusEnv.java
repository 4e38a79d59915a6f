package dev.annulus.adapter.leveldb;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.annulus.ErrorKind;
import dev.annulus.fs.Fs;
import dev.annulus.fs.FsFile;
import dev.annulus.fs.FsOpenOptions;
import java.io.EOFException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.Objects;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import org.iq80.leveldb.Logger;
import org.iq80.leveldb.env.DbLock;
import org.iq80.leveldb.env.Env;
import org.iq80.leveldb.env.File;
import org.iq80.leveldb.env.RandomInputFile;
import org.iq80.leveldb.env.SequentialFile;
import org.iq80.leveldb.env.WritableFile;

/**
 * What LevelDB asks of the system, by way of an {@link Fs}: every file, directory, lock and log of a database is reached through it.
 *
 * <pre>{@code
 * try (Fs fs = Fs.open();
 *     DB db = new DbImpl(new Options().createIfMissing(true), "/data/db", new AnnulusEnv(fs))) {
 *   db.put(key, value, new WriteOptions().sync(true));
 * }
 * }</pre>
 *
 * <p>What a database may rely on, where {@link Env} says little:
 *
 * <ul>
 *   <li>{@link WritableFile#force} returns when all that was appended is on stable storage, and so is the new file's name in its
 *       directory. A rename and a new directory are on stable storage when the call returns.
 *   <li>What was appended to a write-ahead log or a manifest survives the end of the process, also if not forced: it is the system's as
 *       soon as the record is complete. Tables ({@code .ldb}, {@code .sst}) are written in larger pieces; the engine forces them.
 *   <li>Once a write of a file has failed, every later one and every force of it fail too: no hole is left behind an error.
 *   <li>Interrupting a thread neither closes a file nor ends a call.
 *   <li>A lock excludes every other open of the file, in this process or another, that locks it as {@link FsFile#tryLockExclusive}
 *       does. The engine's own {@code Env} takes locks of another kind, which Linux does not compare with these: do not open one database
 *       through both at a time.
 * </ul>
 *
 * <p>Files that other {@code Env}s made are taken by their path. Safe for use by many threads; of the open files, a {@link
 * RandomInputFile} is, the others are for one thread at a time. Closing the database leaves the facade open.
 */
public final class AnnulusEnv implements Env {
  private static final int TEMPORARY_NAMES_TO_TRY = 100;

  private final Fs fs;

  /**
   * An environment for databases.
   *
   * @param fs carries out all calls; must stay open as long as a database uses this
   */
  public AnnulusEnv(Fs fs) {
    this.fs = Objects.requireNonNull(fs, "fs");
  }

  @Override
  public long nowMicros() {
    return TimeUnit.NANOSECONDS.toMicros(System.nanoTime());
  }

  @Override
  public File toFile(String filename) {
    return new EnvFile(fs, Path.of(filename));
  }

  /** {@inheritDoc} It is made where {@code java.io.tmpdir} says. */
  @Override
  public File createTempDir(String prefix) {
    Path parent = Path.of(System.getProperty("java.io.tmpdir"));
    for (int attempt = 0; attempt < TEMPORARY_NAMES_TO_TRY; attempt++) {
      Path dir = parent.resolve(prefix + Long.toUnsignedString(ThreadLocalRandom.current().nextLong(), Character.MAX_RADIX));
      try {
        fs.createDirectory(dir);
        return new EnvFile(fs, dir);
      } catch (IOException e) {
        if (ErrorKind.of(e) != ErrorKind.ALREADY_EXISTS) {
          throw new UncheckedIOException("cannot make a temporary directory: " + e.getMessage(), e);
        }
      }
    }
    throw new IllegalStateException("no free name for a temporary directory in " + parent + " after " + TEMPORARY_NAMES_TO_TRY + " tries");
  }

  @Override
  public SequentialFile newSequentialFile(File file) throws IOException {
    return new SequentialInput(fs.open(EnvFile.pathOf(file), FsOpenOptions.reading()));
  }

  @Override
  public RandomInputFile newRandomAccessFile(File file) throws IOException {
    return TableInput.open(fs, EnvFile.pathOf(file));
  }

  @Override
  public WritableFile newWritableFile(File file) throws IOException {
    return OutputFile.create(fs, EnvFile.pathOf(file));
  }

  @Override
  public WritableFile newAppendableFile(File file) throws IOException {
    return OutputFile.append(fs, EnvFile.pathOf(file));
  }

  @Override
  public void writeStringToFileSync(File file, String content) throws IOException {
    Path path = EnvFile.pathOf(file);
    try (FsFile out = fs.open(path, FsOpenOptions.writing())) {
      int _ = out.writeAt(ByteBuffer.wrap(content.getBytes(UTF_8)), 0);
      out.syncAll();
    }
    EnvFile.syncParent(fs, path);
  }

  @Override
  public String readFileToString(File file) throws IOException {
    Path path = EnvFile.pathOf(file);
    try (FsFile in = fs.open(path, FsOpenOptions.reading())) {
      ByteBuffer content = ByteBuffer.allocate(Math.toIntExact(in.size()));
      if (in.readAt(content, 0) < content.capacity()) {
        throw new EOFException("read " + path + ": it became shorter meanwhile");
      }
      return UTF_8.decode(content.flip()).toString();
    }
  }

  /** {@inheritDoc} Unlike the engine's own, this one does write its messages; the engine begins a new log whenever it opens a database. */
  @Override
  public Logger newLogger(File loggerFile) throws IOException {
    return new InfoLog(fs.open(EnvFile.pathOf(loggerFile), FsOpenOptions.appending()));
  }

  @Override
  public DbLock tryLock(File lockFile) throws IOException {
    return DirectoryLock.take(fs, EnvFile.pathOf(lockFile));
  }

  @Override
  public String toString() {
    return "AnnulusEnv[" + fs + "]";
  }
}
