package fileserver;

import dev.annulus.AsyncFile;
import dev.annulus.Backend;
import dev.annulus.BufferPool;
import dev.annulus.DirectoryEntry;
import dev.annulus.FileStatus;
import dev.annulus.IoRuntime;
import dev.annulus.WhenFull;
import java.nio.ByteBuffer;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/**
 * Files read through an {@link IoRuntime}. What is in the page cache is read by the event loop that asks for it, without waiting; all else
 * comes from the runtime's thread. Resolving links is what the library does not do: that is left to a few helper threads.
 */
final class AnnulusAccess implements FileAccess {
  private static final int POOL_BYTES = 16 << 20;

  private final IoRuntime runtime;
  private final PathResolver resolver = new PathResolver("file-server-links", 2);

  AnnulusAccess(Backend backend) {
    // An event loop must not wait for room in the queue: rather is a request refused.
    this.runtime = IoRuntime.builder().backend(backend).bufferPool(POOL_BYTES).whenFull(WhenFull.FAIL).open();
  }

  IoRuntime runtime() {
    return runtime;
  }

  @Override
  public CompletableFuture<Found> find(Path path) {
    // Opening a pipe may wait for ever, so it must be known what it is before.
    return runtime.stat(path, LinkOption.NOFOLLOW_LINKS).thenCompose(status -> openIfRegular(path, status));
  }

  private CompletableFuture<Found> openIfRegular(Path path, FileStatus status) {
    if (status.isRegularFile()) {
      return runtime.openFile(path, StandardOpenOption.READ, LinkOption.NOFOLLOW_LINKS).thenCompose(AnnulusAccess::withFacts);
    }
    if (status.isDirectory()) {
      return CompletableFuture.completedFuture(Special.DIRECTORY);
    }
    return CompletableFuture.completedFuture(status.isSymbolicLink() ? Special.LINK : Special.OTHER);
  }

  /** Asks again: the name may have been given to another file before this one was opened. */
  private static CompletableFuture<Found> withFacts(AsyncFile file) {
    CompletableFuture<Found> found = file.stat().thenApply(status -> new Regular(new RuntimeFile(file, factsOf(status))));
    return found.whenComplete((_, failure) -> {
      if (failure != null) {
        CompletableFuture<Void> _ = file.closeAsync();
      }
    });
  }

  private static FileFacts factsOf(FileStatus status) {
    return new FileFacts(status.size(), status.lastModifiedTime().toInstant(), status.inode());
  }

  @Override
  public CompletableFuture<Path> realPath(Path path) {
    return resolver.realPath(path);
  }

  @Override
  public CompletableFuture<List<Name>> list(Path directory) {
    return runtime.readDirectory(directory).thenApply(entries -> entries.stream().map(AnnulusAccess::nameOf).toList());
  }

  private static Name nameOf(DirectoryEntry entry) {
    return new Name(String.valueOf(entry.path().getFileName()), entry.isDirectory());
  }

  @Override
  public Chunk chunk(int bytes) {
    return new LeasedChunk(runtime.buffers().lease(bytes));
  }

  @Override
  public void close() {
    resolver.close();
    runtime.close();
  }

  /** A lease does all that a chunk must do: closed too early, it waits for the kernel. */
  private record LeasedChunk(BufferPool.Lease lease) implements Chunk {
    @Override
    public ByteBuffer buffer() {
      return lease.buffer();
    }

    @Override
    public void close() {
      lease.close();
    }
  }

  private record RuntimeFile(AsyncFile file, FileFacts facts) implements OpenFile {
    @Override
    public CompletableFuture<Integer> read(Chunk chunk, long position) {
      return file.read(chunk.buffer(), position);
    }

    @Override
    public CompletableFuture<Void> close() {
      return file.closeAsync();
    }
  }
}
