package dev.annulus.fs;

import dev.annulus.Backend;
import dev.annulus.ErrnoException;
import dev.annulus.ErrorKind;
import dev.annulus.IoRuntime;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;

/** Scenarios for {@link FsSystemContract}: prints what happens, a line each. */
final class FsChild {
  private interface Call {
    void run() throws IOException;
  }

  private final Fs fs;
  private final Path dir;

  private FsChild(Fs fs, Path dir) {
    this.fs = fs;
    this.dir = dir;
  }

  /** Takes scenario, backend, blocking mode and directory. */
  public static void main(String[] args) throws Exception {
    try (IoRuntime runtime = IoRuntime.builder().backend(Backend.valueOf(args[1])).open()) {
      FsChild child = new FsChild(Fs.on(runtime, Blocking.valueOf(args[2])), Path.of(args[3]));
      switch (args[0]) {
        case "umask" -> child.umask();
        case "permissions" -> child.permissions();
        case "limits" -> child.limits();
        case "sync" -> child.sync();
        default -> throw new IllegalArgumentException(args[0]);
      }
    }
  }

  private void umask() throws IOException {
    fs.open(dir.resolve("f"), FsOpenOptions.writing()).close();
    fs.createDirectory(dir.resolve("d"));
    say("file", PosixFilePermissions.toString(Files.getPosixFilePermissions(dir.resolve("f"))));
    say("directory", PosixFilePermissions.toString(Files.getPosixFilePermissions(dir.resolve("d"))));
  }

  private void permissions() throws IOException {
    Path secret = dir.resolve("secret");
    Path locked = dir.resolve("locked");
    Path inside = locked.resolve("f");
    sayFailure("open for reading", () -> fs.open(secret, FsOpenOptions.reading()));
    sayFailure("open for writing", () -> fs.open(dir.resolve("public"), FsOpenOptions.appending()));
    sayFailure("open for creating", () -> fs.open(dir.resolve("new"), FsOpenOptions.writing()));
    sayFailure("open inside", () -> fs.open(inside, FsOpenOptions.reading()));
    sayFailure("metadata inside", () -> fs.metadata(inside));
    sayFailure("exists inside", () -> fs.exists(inside));
    sayFailure("readDirectory", () -> fs.readDirectory(locked));
    sayFailure("syncDirectory", () -> fs.syncDirectory(locked));
    sayFailure("createDirectory", () -> fs.createDirectory(dir.resolve("new")));
    sayFailure("createDirectories", () -> fs.createDirectories(locked.resolve("a").resolve("b")));
    sayFailure("removeFile", () -> fs.removeFile(secret));
    sayFailure("removeDirectoryAll", () -> fs.removeDirectoryAll(locked));
    sayFailure("rename", () -> fs.rename(secret, dir.resolve("new")));
    sayFailure("hardLink", () -> fs.hardLink(locked.resolve("new"), inside));
    try (FsFile file = fs.open(dir.resolve("public"), FsOpenOptions.reading())) {
      ByteBuffer buffer = ByteBuffer.allocate(6);
      file.readMany(List.of(new ReadRequest(buffer, 0)));
      say("public", FsFixture.textBefore(buffer));
    }
  }

  private void limits() throws IOException {
    try (FsFile file = fs.open(dir.resolve("small").resolve("f"), FsOpenOptions.updating())) {
      ByteBuffer tooMuch = ByteBuffer.allocate(1 << 20);
      sayFailure("writeAt", () -> file.writeAt(tooMuch, 0));
      say("allocated before it failed", file.size() > 0 && file.size() == tooMuch.position());
    }
    Path readOnly = dir.resolve("readonly");
    sayFailure("create", () -> fs.open(readOnly.resolve("f"), FsOpenOptions.writing()));
    sayFailure("createDirectory", () -> fs.createDirectory(readOnly.resolve("d")));
    List<FsFile> files = new ArrayList<>();
    Path path = dir.resolve("f");
    sayFailure(
        "too many",
        () -> {
          while (files.size() < 1000) {
            files.add(fs.open(path, FsOpenOptions.updating()));
          }
        });
    for (FsFile file : files) {
      file.close();
    }
    try (FsFile file = fs.open(path, FsOpenOptions.reading())) {
      say("opened again", file.isOpen());
    }
  }

  private void sync() throws IOException {
    Path disk = dir.resolve("disk");
    fs.createDirectories(disk.resolve("directory").resolve("deeper"));
    fs.open(disk.resolve("directory").resolve("f"), FsOpenOptions.writing()).close();
    fs.open(disk.resolve("file"), FsOpenOptions.writing()).close();
    Files.createSymbolicLink(disk.resolve("link"), Path.of("directory"));
    fs.readDirectory(disk).stream()
        .sorted(Comparator.comparing(FsDirEntry::fileName))
        .forEach(entry -> say(entry.fileName(), entry.isDirectory()));
    fs.removeDirectoryAll(disk.resolve("directory"));
    say("removed", !fs.exists(disk.resolve("directory")));
    Path path = disk.resolve("file");
    try (FsFile file = fs.open(path, FsOpenOptions.updating());
        FsFile other = fs.open(disk.resolve("other"), FsOpenOptions.updating())) {
      say("written", file.writeAt(ByteBuffer.wrap(nonZero(8 << 20)), 0));
      String first = failure(file::syncData);
      say("syncData failed", first.endsWith("ENOSPC") || first.endsWith("EIO"));
      say("syncData again failed the same", failure(file::syncData).equals(first));
      say("syncAll failed the same", failure(file::syncAll).equals(first));
      other.syncData();
      say("other file synced", true);
    }
    try (FsFile file = fs.open(path, FsOpenOptions.updating())) {
      file.syncData();
      say("opened again and synced", true);
    }
  }

  private static byte[] nonZero(int length) {
    byte[] bytes = new byte[length];
    Arrays.fill(bytes, (byte) 1);
    return bytes;
  }

  private static void sayFailure(String what, Call call) {
    say(what, failure(call));
  }

  /** Kind, type (where it is one of {@code java.nio.file}) and symbol of what a call throws. */
  private static String failure(Call call) {
    try {
      call.run();
      return "did not fail";
    } catch (IOException e) {
      String type = e instanceof FileSystemException ? e.getClass().getSimpleName() + " " : "";
      Throwable t = e;
      while (t != null && !(t instanceof ErrnoException)) {
        t = t.getCause();
      }
      return ErrorKind.of(e) + " " + type + (t instanceof ErrnoException errno ? errno.symbol() : "without errno: " + e);
    }
  }

  private static void say(String what, Object answer) {
    System.out.println(what + " " + answer);
  }
}
