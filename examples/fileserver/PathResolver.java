package fileserver;

import java.io.IOException;
import java.nio.file.Path;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutorService;

/** Resolves links on threads of its own, as that blocks. */
final class PathResolver implements AutoCloseable {
  private final ExecutorService threads;

  PathResolver(String name, int threads) {
    this.threads = DaemonThreads.pool(name, threads);
  }

  CompletableFuture<Path> realPath(Path path) {
    return CompletableFuture.supplyAsync(() -> resolve(path), threads);
  }

  static Path resolve(Path path) {
    try {
      return path.toRealPath();
    } catch (IOException e) {
      throw new CompletionException(e);
    }
  }

  @Override
  public void close() {
    threads.close();
  }
}
