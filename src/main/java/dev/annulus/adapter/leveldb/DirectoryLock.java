package dev.annulus.adapter.leveldb;

import dev.annulus.fs.Fs;
import dev.annulus.fs.FsFile;
import dev.annulus.fs.FsOpenOptions;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.FileSystemException;
import java.nio.file.Path;
import org.iq80.leveldb.env.DbLock;

/** Keeps a database for one user: the lock of a file in its directory, held while that file is open. */
final class DirectoryLock implements DbLock {
  private final FsFile file;

  private DirectoryLock(FsFile file) {
    this.file = file;
  }

  static DirectoryLock take(Fs fs, Path path) throws IOException {
    FsFile file = fs.open(path, FsOpenOptions.updating());
    try {
      if (!file.tryLockExclusive()) {
        throw new FileSystemException(
            path.toString(), null, "locked: the database is open elsewhere, in this process or another; close it there first");
      }
      return new DirectoryLock(file);
    } catch (IOException | RuntimeException e) {
      try (file) {
        throw e;
      }
    }
  }

  @Override
  public boolean isValid() {
    return file.isOpen();
  }

  @Override
  public void release() {
    try {
      file.close();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Override
  public String toString() {
    return "DirectoryLock[" + file + "]";
  }
}
