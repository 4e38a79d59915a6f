package fileserver;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;

/** Another access, with everything counted, and with files that are found or read only when the test says so. By the files' own names. */
final class WatchedAccess implements FileAccess {
  private final FileAccess access;
  private final Map<String, CompletableFuture<Void>> heldFinds = new ConcurrentHashMap<>();
  private final Map<String, CompletableFuture<Void>> heldReads = new ConcurrentHashMap<>();
  private final Map<String, IOException> failures = new ConcurrentHashMap<>();
  private final Map<String, AtomicLong> bytesRead = new ConcurrentHashMap<>();
  final Queue<CompletableFuture<Integer>> heldReadsBegun = new ConcurrentLinkedQueue<>();
  private final AtomicInteger chunks = new AtomicInteger();
  private final AtomicInteger mostChunks = new AtomicInteger();
  private final AtomicInteger files = new AtomicInteger();

  WatchedAccess(FileAccess access) {
    this.access = access;
  }

  /** Lets no such file be found until the future is completed. */
  CompletableFuture<Void> holdFind(String name) {
    return heldFinds.computeIfAbsent(name, _ -> new CompletableFuture<>());
  }

  /** Lets no read of such a file be begun until the future is completed. */
  CompletableFuture<Void> holdReads(String name) {
    return heldReads.computeIfAbsent(name, _ -> new CompletableFuture<>());
  }

  /** Holds nothing back any more, so that a test that has failed in the midst leaves a server that can be closed. */
  void letAllGo() {
    heldFinds.values().forEach(held -> held.complete(null));
    heldReads.values().forEach(held -> held.complete(null));
    heldReadsBegun.clear();
  }

  void fail(String name, IOException failure) {
    failures.put(name, failure);
  }

  int chunks() {
    return chunks.get();
  }

  int files() {
    return files.get();
  }

  /** The most chunks that were lent at once since it was last asked. */
  int mostChunks() {
    return mostChunks.getAndSet(chunks.get());
  }

  long bytesRead(String name) {
    return counter(name).get();
  }

  /** How much of the runtime's pool is lent; nothing where there is none. */
  long leasedBytes() {
    return access instanceof AnnulusAccess annulus ? annulus.runtime().stats().buffers().leasedBytes() : 0;
  }

  private AtomicLong counter(String name) {
    return bytesRead.computeIfAbsent(name, _ -> new AtomicLong());
  }

  @Override
  public CompletableFuture<Found> find(Path path) {
    String name = String.valueOf(path.getFileName());
    IOException failure = failures.get(name);
    if (failure != null) {
      return CompletableFuture.failedFuture(failure);
    }
    CompletableFuture<Void> held = heldFinds.get(name);
    CompletableFuture<Found> found = held == null ? access.find(path) : held.thenCompose(_ -> access.find(path));
    return found.thenApply(
        what -> {
          if (what instanceof Regular(OpenFile file)) {
            files.incrementAndGet();
            return new Regular(new WatchedFile(file, name));
          }
          return what;
        });
  }

  @Override
  public CompletableFuture<Path> realPath(Path path) {
    return access.realPath(path);
  }

  @Override
  public CompletableFuture<List<Name>> list(Path directory) {
    return access.list(directory);
  }

  @Override
  public Chunk chunk(int bytes) {
    mostChunks.accumulateAndGet(chunks.incrementAndGet(), Math::max);
    return new WatchedChunk(access.chunk(bytes));
  }

  @Override
  public void close() {
    access.close();
  }

  private final class WatchedChunk implements Chunk {
    private final Chunk chunk;
    private boolean closed;

    WatchedChunk(Chunk chunk) {
      this.chunk = chunk;
    }

    @Override
    public ByteBuffer buffer() {
      return chunk.buffer();
    }

    @Override
    public synchronized void close() {
      if (!closed) {
        closed = true;
        chunk.close();
        chunks.decrementAndGet();
      }
    }
  }

  private final class WatchedFile implements OpenFile {
    private final OpenFile file;
    private final String name;

    WatchedFile(OpenFile file, String name) {
      this.file = file;
      this.name = name;
    }

    @Override
    public FileFacts facts() {
      return file.facts();
    }

    @Override
    public CompletableFuture<Integer> read(Chunk chunk, long position) {
      Chunk real = ((WatchedChunk) chunk).chunk;
      CompletableFuture<Void> held = heldReads.get(name);
      if (held != null) {
        CompletableFuture<Integer> read = held.thenCompose(_ -> file.read(real, position));
        heldReadsBegun.add(read);
        return read;
      }
      CompletableFuture<Integer> read = file.read(real, position);
      CompletableFuture<Integer> _ =
          read.whenComplete(
              (count, _) -> {
                if (count != null && count > 0) {
                  counter(name).addAndGet(count);
                }
              });
      return read;
    }

    @Override
    public CompletableFuture<Void> close() {
      return file.close().whenComplete((_, _) -> files.decrementAndGet());
    }
  }
}
