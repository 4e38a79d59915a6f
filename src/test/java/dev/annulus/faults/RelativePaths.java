package dev.annulus.faults;

import static java.nio.file.StandardOpenOption.CREATE_NEW;
import static java.nio.file.StandardOpenOption.WRITE;

import dev.annulus.AsyncFile;
import dev.annulus.Backend;
import dev.annulus.IoRuntime;
import dev.annulus.adapter.nio.AnnulusFileChannel;
import dev.annulus.fs.Fs;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.CompletionException;

/** Every operation on a path, with relative paths only, compared with what the JDK finds there. */
final class RelativePaths {
  private RelativePaths() {}

  public static void main(String[] args) throws IOException {
    try (IoRuntime runtime = IoRuntime.builder().backend(Backend.valueOf(args[0])).open()) {
      Path tree = Path.of("tree");
      runtime.createDirectory(tree).join();
      check(Files.isDirectory(tree), "mkdir");
      check(runtime.stat(tree).join().isDirectory(), "stat");
      check(runtime.stat(Path.of("")).join().fileKey().equals(runtime.stat(Path.of("").toAbsolutePath()).join().fileKey()), "the empty path");

      Path file = tree.resolve("file");
      AsyncFile open = runtime.openFile(file, CREATE_NEW, WRITE).join();
      check(open.path().equals(file), "the path as it was given");
      open.writeFully(ByteBuffer.wrap("kept\n".getBytes(StandardCharsets.UTF_8)), 0).join();
      open.close();
      check(Files.size(file) == 5, "open");
      check(runtime.directAlignment(file).join().positionBytes() > 0, "direct alignment");

      runtime.link(Path.of("left"), file).join();
      check(Files.isRegularFile(Path.of("left")), "link");
      runtime.rename(file, tree.resolve("renamed")).join();
      check(Files.isRegularFile(tree.resolve("renamed")), "rename");
      runtime.syncDirectory(tree).join();
      check(
          runtime.readDirectory(tree).join().stream().map(e -> e.path()).toList().equals(List.of(tree.resolve("renamed"))),
          "list");
      try (FileChannel channel = AnnulusFileChannel.open(runtime, tree.resolve("renamed"), Set.of(WRITE))) {
        check(channel.size() == 5, "channel");
      }
      try (FileChannel channel = AnnulusFileChannel.open(runtime, Path.of("gone"), Set.of(CREATE_NEW, WRITE))) {
        check(channel.size() == 0, "channel that creates");
      }
      runtime.delete(Path.of("gone")).join();
      check(!Files.exists(Path.of("gone")), "delete");
      Fs.on(runtime).createDirectories(tree.resolve("a/b"));
      check(Files.isDirectory(tree.resolve("a/b")), "facade");
      runtime.removeTree(tree).join();
      check(!Files.exists(tree), "remove tree");
      failsAsGiven(runtime);
    }
    System.out.println("relative paths passed");
  }

  private static void failsAsGiven(IoRuntime runtime) {
    try {
      AsyncFile _ = runtime.openFile(Path.of("missing")).join();
      throw new IllegalStateException("opened a missing file");
    } catch (CompletionException e) {
      String message = String.valueOf(Objects.requireNonNull(e.getCause()).getMessage());
      check(message.startsWith("missing: "), "message: " + message);
    }
  }

  private static void check(boolean holds, String what) {
    if (!holds) {
      throw new IllegalStateException("does not hold: " + what);
    }
  }
}
