package tour;

import static java.nio.file.StandardOpenOption.CREATE_NEW;
import static java.nio.file.StandardOpenOption.WRITE;

import dev.annulus.AsyncFile;
import dev.annulus.IoRuntime;
import dev.annulus.Sync;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.nio.ByteBuffer;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.Locale;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;

/**
 * Copies a file so that the target's name, once it is there, stands for all of the contents, whatever happens: the bytes go to a
 * temporary name, are put on stable storage and checked, and only then get the target's name, which is made durable too.
 *
 * <p>A fixed set of buffers is the window of operations in flight. Each buffer in turn is read into, written from, and handed
 * back; the caller's thread waits only when none is free.
 */
final class Copy {
  private static final int WINDOW = 32;
  private static final int CHUNK_BYTES = 512 * 1024;

  private final IoRuntime runtime;
  private final Leftovers leftovers;

  private final BlockingQueue<ByteBuffer> freeBuffers = new ArrayBlockingQueue<>(WINDOW);
  private final AtomicLong bytesCopied = new AtomicLong();
  private final AtomicReference<Throwable> firstFailure = new AtomicReference<>();

  Copy(IoRuntime runtime, Leftovers leftovers) {
    this.runtime = runtime;
    this.leftovers = leftovers;
    for (int i = 0; i < WINDOW; i++) {
      freeBuffers.add(ByteBuffer.allocateDirect(CHUNK_BYTES)); // direct: the kernel uses it in place
    }
  }

  /**
   * Copies a file that has been looked at before.
   *
   * @throws IOException if the copy is not there and whole, or might not survive a crash
   * @throws CompletionException for the same, with the cause as the runtime's futures give it
   */
  void copy(AsyncFile source, Path target, Fingerprint expected) throws IOException {
    if (Files.exists(target, LinkOption.NOFOLLOW_LINKS)) {
      throw new FileAlreadyExistsException(target.toString(), null, "is there already; choose another directory with --dir");
    }
    Path part = target.resolveSibling(target.getFileName() + ".part");
    long started = System.nanoTime();
    try (AsyncFile file =
        leftovers.create(() -> runtime.openFile(part, WRITE, CREATE_NEW).join(), AsyncFile::path)) {
      copyContents(source, file, expected.size());
      file.sync(Sync.ALL).join(); // every write has completed, so this covers them all
    } // closing waits for what is in flight, also when something failed
    double seconds = (System.nanoTime() - started) / 1e9;

    if (!Fingerprint.of(part, "verifying").sameContents(expected)) {
      throw new IOException("the copy of " + source.path() + " is not the same; is the file being written to?");
    }
    leftovers.move(part, target, () -> runtime.rename(part, target).join());
    runtime.syncDirectory(target.getParent()).join();
    System.out.printf(
        Locale.ROOT,
        "  copied and synced %,d B in %.2f s, %.1f MB/s; the copy's SHA-256 is the same%n",
        expected.size(),
        seconds,
        expected.size() / 1e6 / seconds);
  }

  private void copyContents(AsyncFile source, AsyncFile target, long size) throws IOException {
    try (ProgressBar progress = new ProgressBar("copying", size)) {
      for (long position = 0; position < size; position += CHUNK_BYTES) {
        ByteBuffer buffer = nextFreeBuffer();
        buffer.clear().limit((int) Math.min(CHUNK_BYTES, size - position));
        copyChunk(source, target, buffer, position);
        progress.update(bytesCopied.get());
      }
      for (int i = 0; i < WINDOW; i++) {
        var _ = nextFreeBuffer(); // all back: nothing is in flight
        progress.update(bytesCopied.get());
      }
    }
  }

  /** Starts the copying of a chunk; its buffer becomes free, or a failure known, when that has ended. */
  private void copyChunk(AsyncFile source, AsyncFile target, ByteBuffer buffer, long position) {
    CompletableFuture<Void> written =
        source.readFully(buffer, position).thenCompose(_ -> target.writeFully(buffer.flip(), position));
    // Dependents run on the runtime's own thread: they must be short, and never wait.
    var _ =
        written.whenComplete(
            (_, failure) -> {
              if (failure == null) {
                bytesCopied.addAndGet(buffer.limit());
              } else {
                firstFailure.compareAndSet(null, failure);
              }
              freeBuffers.add(buffer);
            });
  }

  /** Waits for a buffer. A failure known by then ends the copying. */
  private ByteBuffer nextFreeBuffer() throws IOException {
    try {
      ByteBuffer buffer = freeBuffers.take();
      Throwable failure = firstFailure.get();
      if (failure != null) {
        throw new CompletionException(failure);
      }
      return buffer;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new InterruptedIOException("interrupted while copying");
    }
  }
}
