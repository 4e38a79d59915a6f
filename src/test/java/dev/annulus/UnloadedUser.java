package dev.annulus;

import static java.nio.file.StandardOpenOption.READ;
import static java.nio.file.StandardOpenOption.WRITE;

import dev.annulus.adapter.nio.AnnulusFileChannel;
import dev.annulus.fs.Fs;
import dev.annulus.fs.FsFile;
import dev.annulus.fs.FsOpenOptions;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.BiConsumer;

/** An application that uses much of the library and closes it; loaded by {@link UnloadingTest}. */
public final class UnloadedUser implements BiConsumer<String, Path> {
  @Override
  public void accept(String backend, Path path) {
    try {
      use(Backend.valueOf(backend), path);
    } catch (Exception e) {
      throw new IllegalStateException(e);
    }
  }

  private static void use(Backend backend, Path path) throws Exception {
    try (IoRuntime runtime = IoRuntime.builder().backend(backend).open()) {
      try (AsyncFile file = runtime.openFile(path, READ, WRITE).join()) {
        // Inline reads, on this long-lived thread, more than are done before its stack is measured.
        for (int i = 0; i < 100; i++) {
          Integer _ = file.read(ByteBuffer.allocateDirect(64), 0).join();
        }
        Integer _ = file.read(ByteBuffer.allocate(64), 0).orTimeout(10, TimeUnit.SECONDS).join();
        Void _ = file.writeDurably(ByteBuffer.allocateDirect(64), 0).join();
        CompletableFuture<Integer> chained = file.read(ByteBuffer.allocateDirect(64), 0).thenApply(count -> count + 1);
        Integer _ = chained.join();
        Integer _ = file.callerRuns().read(ByteBuffer.allocateDirect(64), 0).join();
        int _ = file.callerRuns().tryRead(ByteBuffer.allocateDirect(64), 0);
      }
      try (FileChannel channel = AnnulusFileChannel.open(runtime, path, READ)) {
        int _ = channel.read(ByteBuffer.allocate(64), 0);
      }
      try (FsFile file = Fs.on(runtime).open(path, FsOpenOptions.reading())) {
        int _ = file.readAt(ByteBuffer.allocate(64), 0);
      }
      Path dir = Objects.requireNonNull(path.getParent());
      Object _ = runtime.readDirectory(dir).join();
      Void _ = runtime.syncDirectory(dir).join();
      int _ = runtime.stat(path).join().fileKey().hashCode();
      Path tree = Files.createDirectory(dir.resolve("tree"));
      Path _ = Files.createDirectory(tree.resolve("branch"));
      Void _ = runtime.removeTree(tree).join();
      try (BufferPool.Lease lease = runtime.buffers().lease(4_096)) {
        Object _ = lease.buffer();
      }
    }
  }
}
