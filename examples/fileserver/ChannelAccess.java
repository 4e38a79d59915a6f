package fileserver;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.PooledByteBufAllocator;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.DirectoryStream;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.atomic.AtomicBoolean;

/** Files read through {@link FileChannel} on a pool of worker threads: what a server does without this library. */
final class ChannelAccess implements FileAccess {
  private static final int MOST_TRIES = 3;

  private final ExecutorService workers;

  ChannelAccess(int threads) {
    this(DaemonThreads.pool("file-server-worker", threads));
  }

  ChannelAccess(ExecutorService workers) {
    this.workers = workers;
  }

  @Override
  public CompletableFuture<Found> find(Path path) {
    return onWorker(() -> openIfRegular(path));
  }

  /**
   * An open channel cannot be asked for its file's times, only a path can. When the path said the same before the file was opened and
   * after, that was the file which was opened.
   */
  private Found openIfRegular(Path path) throws IOException {
    BasicFileAttributes before = attributes(path);
    for (int i = 0; i < MOST_TRIES; i++) {
      if (!before.isRegularFile()) {
        return before.isDirectory() ? Special.DIRECTORY : before.isSymbolicLink() ? Special.LINK : Special.OTHER;
      }
      FileChannel channel = FileChannel.open(path, StandardOpenOption.READ, LinkOption.NOFOLLOW_LINKS);
      try {
        BasicFileAttributes after = attributes(path);
        if (factsOf(after).equals(factsOf(before))) {
          return new Regular(new ChannelFile(channel, factsOf(after)));
        }
        channel.close();
        before = after;
      } catch (IOException e) {
        channel.close();
        throw e;
      }
    }
    throw new FileSystemException(path.toString(), null, "it changes too often to be opened in one state");
  }

  private static BasicFileAttributes attributes(Path path) throws IOException {
    try {
      return Files.readAttributes(path, BasicFileAttributes.class, LinkOption.NOFOLLOW_LINKS);
    } catch (FileSystemException e) {
      // The JDK has no exception of its own for this when it does not list a directory.
      Path parent = path.getParent();
      if (parent != null && Files.isRegularFile(parent)) {
        throw new NotDirectoryException(parent.toString());
      }
      throw e;
    }
  }

  private static FileFacts factsOf(BasicFileAttributes attributes) {
    // The key is made of device and inode, but tells neither.
    return new FileFacts(attributes.size(), attributes.lastModifiedTime().toInstant(), Objects.hashCode(attributes.fileKey()));
  }

  @Override
  public CompletableFuture<Path> realPath(Path path) {
    return onWorker(path::toRealPath);
  }

  @Override
  public CompletableFuture<List<Name>> list(Path directory) {
    return onWorker(() -> {
      List<Name> names = new ArrayList<>();
      try (DirectoryStream<Path> entries = Files.newDirectoryStream(directory)) {
        entries.forEach(
            entry -> names.add(new Name(String.valueOf(entry.getFileName()), Files.isDirectory(entry, LinkOption.NOFOLLOW_LINKS))));
      }
      return names;
    });
  }

  @Override
  public Chunk chunk(int bytes) {
    return new PooledChunk(PooledByteBufAllocator.DEFAULT.directBuffer(bytes, bytes), bytes);
  }

  @Override
  public void close() {
    workers.close();
  }

  private <T> CompletableFuture<T> onWorker(Callable<T> work) {
    return CompletableFuture.supplyAsync(
        () -> {
          try {
            return work.call();
          } catch (Exception e) {
            throw new CompletionException(e);
          }
        },
        workers);
  }

  /** Memory that is held by whoever it is lent to, and by a read besides. */
  static final class PooledChunk implements Chunk {
    final ByteBuf memory;
    private final ByteBuffer buffer;
    private final AtomicBoolean closed = new AtomicBoolean();

    PooledChunk(ByteBuf memory, int bytes) {
      this.memory = memory;
      this.buffer = memory.nioBuffer(0, bytes);
    }

    @Override
    public ByteBuffer buffer() {
      return buffer;
    }

    @Override
    public void close() {
      if (!closed.getAndSet(true)) {
        memory.release();
      }
    }
  }

  private final class ChannelFile implements OpenFile {
    private final FileChannel channel;
    private final FileFacts facts;

    ChannelFile(FileChannel channel, FileFacts facts) {
      this.channel = channel;
      this.facts = facts;
    }

    @Override
    public FileFacts facts() {
      return facts;
    }

    @Override
    public CompletableFuture<Integer> read(Chunk chunk, long position) {
      PooledChunk held = (PooledChunk) chunk;
      held.memory.retain();
      CompletableFuture<Integer> read = onWorker(() -> channel.read(held.buffer, position));
      // The work's own future is not given away, so that nobody ends it before the work.
      CompletableFuture<Integer> _ = read.whenComplete((_, _) -> held.memory.release());
      return read.copy();
    }

    @Override
    public CompletableFuture<Void> close() {
      return onWorker(() -> {
        channel.close();
        return null;
      });
    }
  }
}
