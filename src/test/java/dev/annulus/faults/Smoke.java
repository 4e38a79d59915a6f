package dev.annulus.faults;

import static java.nio.file.StandardOpenOption.CREATE_NEW;
import static java.nio.file.StandardOpenOption.READ;
import static java.nio.file.StandardOpenOption.WRITE;

import dev.annulus.AsyncFile;
import dev.annulus.Backend;
import dev.annulus.ErrorKind;
import dev.annulus.IoRuntime;
import dev.annulus.Sync;
import dev.annulus.fs.Fs;
import dev.annulus.fs.FsFile;
import dev.annulus.fs.FsOpenOptions;
import dev.annulus.fs.SeekFrom;
import dev.annulus.testing.Seccomp;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CompletionException;

/**
 * A little of everything, in a JVM of its own in which io_uring is refused in some way. Prints what is said about it, then the backend in
 * use, then {@code smoke passed}.
 *
 * <p>Arguments: the backend wished for, and the number of a system call and the errno it is to fail with, or nothing.
 */
final class Smoke {
  private Smoke() {}

  public static void main(String[] args) throws IOException {
    if (args.length == 3) {
      Seccomp.deny(Integer.parseInt(args[1]), Integer.parseInt(args[2]));
    }
    System.out.println("ioUring: " + IoRuntime.ioUring());
    Path dir = Files.createTempDirectory("smoke");
    try {
      use(Backend.valueOf(args[0]), dir);
    } finally {
      boolean _ = Files.deleteIfExists(dir);
    }
  }

  private static void use(Backend wish, Path dir) throws IOException {
    try (IoRuntime runtime = IoRuntime.builder().backend(wish).open()) {
      System.out.println("backend: " + runtime.backend());
      futures(runtime, dir);
      facade(Fs.on(runtime), dir.resolve("facade"));
      runtime.removeTree(dir).join();
      check(!Files.exists(dir), "tree removed");
      System.out.println("smoke passed");
    } catch (UnsupportedOperationException e) {
      System.out.println("refused: " + e.getMessage());
    }
  }

  private static void futures(IoRuntime runtime, Path dir) {
    runtime.nop().join();
    AsyncFile file = runtime.openFile(dir.resolve("file"), CREATE_NEW, READ, WRITE).join();
    file.writeFully(ByteBuffer.wrap(new byte[10_000]), 5).join();
    file.write(List.of(ByteBuffer.wrap(new byte[] {1, 2}), ByteBuffer.wrap(new byte[] {3})), 0).join();
    file.writeDurably(ByteBuffer.wrap(new byte[] {4}), 3).join();
    file.sync(Sync.ALL).join();
    ByteBuffer read = ByteBuffer.allocateDirect(4);
    file.readFully(read, 0).join();
    check(read.flip().equals(ByteBuffer.wrap(new byte[] {1, 2, 3, 4})), "bytes read back");
    check(file.size().join() == 10_005, "size");
    file.truncate(20_000).join();
    check(file.stat().join().size() == 20_000, "extended");
    check(file.tryLockExclusive().join(), "locked");
    file.close();
    try {
      AsyncFile _ = runtime.openFile(dir.resolve("missing"), READ).join();
      throw new IllegalStateException("opened a missing file");
    } catch (CompletionException e) {
      check(ErrorKind.of(e) == ErrorKind.NOT_FOUND, "kind of " + e);
    }
  }

  private static void facade(Fs fs, Path dir) throws IOException {
    fs.createDirectories(dir.resolve("a/b"));
    try (FsFile log = fs.open(dir.resolve("a/log"), FsOpenOptions.appending().withRead(true))) {
      log.write(ByteBuffer.wrap(new byte[] {1, 2, 3}));
      log.seek(0, SeekFrom.START);
      log.write(ByteBuffer.wrap(new byte[] {4}));
      ByteBuffer all = ByteBuffer.allocate(8);
      check(log.readAt(all, 0) == 4 && all.get(3) == 4, "appended");
      log.syncAll();
    }
    fs.hardLink(dir.resolve("a/link"), dir.resolve("a/log"));
    fs.rename(dir.resolve("a/log"), dir.resolve("a/b/log"));
    check(fs.readDirectory(dir.resolve("a")).size() == 2, "two entries");
    fs.syncDirectory(dir);
    fs.removeFile(dir.resolve("a/link"));
    fs.removeDirectoryAll(dir);
    check(!fs.exists(dir), "removed");
  }

  private static void check(boolean holds, String what) {
    if (!holds) {
      throw new IllegalStateException("does not hold: " + what);
    }
  }
}
