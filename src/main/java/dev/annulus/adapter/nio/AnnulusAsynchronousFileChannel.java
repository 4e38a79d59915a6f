package dev.annulus.adapter.nio;

import dev.annulus.AsyncFile;
import dev.annulus.ErrnoException;
import dev.annulus.IoRuntime;
import dev.annulus.Sync;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.AsynchronousCloseException;
import java.nio.channels.AsynchronousFileChannel;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.CompletionHandler;
import java.nio.channels.FileLock;
import java.nio.file.OpenOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileAttribute;
import java.util.Arrays;
import java.util.HashSet;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Future;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * An {@link AsynchronousFileChannel} on a file of an {@link IoRuntime}: operations in flight hold no thread. Results and exceptions are
 * those of the JDK's own channel, save for what is said here. Safe for use by many threads.
 *
 * <ul>
 *   <li>Handlers run on an executor, never on the runtime's thread, so they may block: on the one given to {@link #open(IoRuntime, Path,
 *       Set, ExecutorService, FileAttribute[]) open}, else each on a virtual thread of its own. Should the executor refuse, a virtual
 *       thread takes its place: no completion is lost.
 *   <li>The futures are {@link CompletableFuture}s. {@code cancel} asks the operation to stop and never closes the channel, whatever its
 *       argument; as with the JDK, the buffer of a cancelled operation must not be used again.
 *   <li>{@link #close} refuses new operations, waits for those in flight, and then closes the file; they end normally. Only waiting for a
 *       lock ends with {@link java.nio.channels.AsynchronousCloseException}.
 *   <li>An interrupt never closes the channel.
 *   <li>Locks are the JDK's own, taken through a second channel that is opened, by the path, when first needed: they fail with a {@link
 *       java.nio.file.FileSystemException} once the path no longer names the file.
 *   <li>{@link #size}, {@link #truncate}, {@link #force} and {@link #tryLock(long, long, boolean) tryLock} wait, and throw {@link
 *       IllegalStateException} on a thread of the runtime's own. {@code read}, {@code write} and {@code lock} may be called there.
 *   <li>Once a {@link #force} has failed, every later one does, until the file is opened again: see {@link AsyncFile#sync}.
 * </ul>
 */
public final class AnnulusAsynchronousFileChannel extends AsynchronousFileChannel {
  private static final int EINVAL = 22;

  private final IoRuntime runtime;
  private final AsyncFile file;
  private final Modes modes;
  private final Executor handlers;
  private final SecondChannel secondChannel;
  private final RangeLocks locks;
  private final AtomicBoolean closeAwaited = new AtomicBoolean();

  private AnnulusAsynchronousFileChannel(IoRuntime runtime, AsyncFile file, Modes modes, Executor handlers) {
    this.runtime = runtime;
    this.file = file;
    this.modes = modes;
    this.handlers = handlers;
    this.secondChannel = new SecondChannel(runtime, file, modes);
    this.locks = new RangeLocks(secondChannel);
  }

  /**
   * Opens or creates a file, as {@link AsynchronousFileChannel#open(Path, OpenOption...)} does.
   *
   * @param runtime what carries out the channel's operations; closing the channel does not close it
   * @param path the file, of the default file system
   * @param options how to open it; none is {@code READ}
   * @return a channel, to be closed
   * @throws IOException if the file cannot be opened, of the type {@code AsynchronousFileChannel.open} would throw
   * @throws UnsupportedOperationException for {@code APPEND}, or an option that is not supported
   */
  public static AsynchronousFileChannel open(IoRuntime runtime, Path path, OpenOption... options) throws IOException {
    return open(runtime, path, new HashSet<>(Arrays.asList(options)), null);
  }

  /**
   * As {@link #open(IoRuntime, Path, OpenOption...)}, with an executor, and attributes for a file that is created.
   *
   * @param runtime what carries out the channel's operations; closing the channel does not close it
   * @param path the file, of the default file system
   * @param options how to open it; none is {@code READ}
   * @param executor runs handlers, and is never shut down by the channel; {@code null} for virtual threads
   * @param attributes {@code posix:permissions} or nothing; subject to the umask
   * @return a channel, to be closed
   * @throws IOException if the file cannot be opened, of the type {@code AsynchronousFileChannel.open} would throw
   * @throws UnsupportedOperationException for {@code APPEND}, or an option or attribute that is not supported
   */
  public static AsynchronousFileChannel open(
      IoRuntime runtime,
      Path path,
      Set<? extends OpenOption> options,
      @Nullable ExecutorService executor,
      FileAttribute<?>... attributes)
      throws IOException {
    Objects.requireNonNull(path, "path");
    Set<OpenOption> own = new HashSet<>(options);
    if (own.contains(StandardOpenOption.APPEND)) {
      throw new UnsupportedOperationException("APPEND not allowed");
    }
    AsyncFile file = Waiting.await(runtime, () -> runtime.openFile(path, own, attributes));
    Executor handlers = executor == null ? Thread::startVirtualThread : executor;
    return new AnnulusAsynchronousFileChannel(runtime, file, Modes.of(own), handlers);
  }

  // ---- reading and writing ----

  @Override
  public Future<Integer> read(ByteBuffer dst, long position) {
    return startRead(dst, position);
  }

  @Override
  public <A> void read(
      ByteBuffer dst, long position, A attachment, CompletionHandler<Integer, ? super A> handler) {
    Objects.requireNonNull(handler, "'handler' is null");
    deliver(startRead(dst, position), attachment, handler);
  }

  @Override
  public Future<Integer> write(ByteBuffer src, long position) {
    return startWrite(src, position);
  }

  @Override
  public <A> void write(
      ByteBuffer src, long position, A attachment, CompletionHandler<Integer, ? super A> handler) {
    Objects.requireNonNull(handler, "'handler' is null");
    deliver(startWrite(src, position), attachment, handler);
  }

  private CompletableFuture<Integer> startRead(ByteBuffer dst, long position) {
    checkPosition(position);
    modes.checkReadable();
    if (dst.isReadOnly()) {
      throw new IllegalArgumentException("Read-only buffer");
    }
    return start("read", dst, position, () -> file.read(dst, position));
  }

  private CompletableFuture<Integer> startWrite(ByteBuffer src, long position) {
    checkPosition(position);
    modes.checkWritable();
    return start("write", src, position, () -> file.write(src, position));
  }

  /** What the JDK's channel reports in the future is reported there, not thrown. */
  private CompletableFuture<Integer> start(
      String name, ByteBuffer buffer, long position, Supplier<? extends CompletableFuture<Integer>> operation) {
    if (buffer.remaining() > Long.MAX_VALUE - position) {
      return CompletableFuture.failedFuture(
          ErrnoException.of(
              EINVAL, name, file.path(), "(" + buffer.remaining() + " bytes at position " + position + ")"));
    }
    try {
      return PendingResult.of(operation.get());
    } catch (IllegalStateException e) {
      return CompletableFuture.failedFuture(Waiting.closedOr(e));
    }
  }

  // ---- locks ----

  @Override
  public Future<FileLock> lock(long position, long size, boolean shared) {
    return startLock(position, size, shared);
  }

  @Override
  public <A> void lock(
      long position, long size, boolean shared, A attachment, CompletionHandler<FileLock, ? super A> handler) {
    Objects.requireNonNull(handler, "'handler' is null");
    deliver(startLock(position, size, shared), attachment, handler);
  }

  @Override
  public @Nullable FileLock tryLock(long position, long size, boolean shared) throws IOException {
    modes.checkLockable(shared);
    ensureOpen();
    Waiting.checkMayBlock(runtime);
    FileLock lock = locks.tryLock(position, size, shared);
    return lock == null ? null : AnnulusFileLock.of(this, lock);
  }

  /**
   * Tries at once, so that an overlap is thrown here; a virtual thread waits if there is something to wait for. On the runtime's own
   * thread, which must not wait even for the attempt, that thread does everything.
   */
  private CompletableFuture<FileLock> startLock(long position, long size, boolean shared) {
    modes.checkLockable(shared);
    if (!isOpen()) {
      return CompletableFuture.failedFuture(new ClosedChannelException());
    }
    long checkedSize = RangeLocks.sizeOf(position, size);
    if (runtime.isRuntimeThread()) {
      return onVirtualThread(() -> locks.lock(position, checkedSize, shared));
    }
    try {
      RangeLocks.Claim claim = locks.claim(position, checkedSize, shared);
      FileLock lock = locks.attemptOrGiveUp(claim);
      if (lock == null) {
        return waiting(claim);
      }
      RangeLocks.giveUp(claim);
      FileLock own = AnnulusFileLock.of(this, lock);
      try {
        return CompletableFuture.completedFuture(own);
      } catch (VirtualMachineError e) {
        own.release();
        throw e;
      }
    } catch (IOException e) {
      return CompletableFuture.failedFuture(e);
    }
  }

  private CompletableFuture<FileLock> waiting(RangeLocks.Claim claim) {
    try {
      return onVirtualThread(() -> locks.await(claim));
    } catch (Throwable e) {
      RangeLocks.giveUp(claim); // there is no thread to be had
      throw e;
    }
  }

  private interface Locking {
    FileLock run() throws IOException;
  }

  /** Cancelling interrupts the thread; a lock that comes all the same is given back. */
  private CompletableFuture<FileLock> onVirtualThread(Locking locking) {
    CompletableFuture<Thread> waiter = new CompletableFuture<>();
    PendingResult<FileLock> result = new PendingResult<>(() -> waiter.join().interrupt());
    waiter.complete(
        Thread.startVirtualThread(
            () -> {
              try {
                FileLock lock = AnnulusFileLock.of(this, locking.run());
                if (!result.complete(lock)) {
                  lock.release();
                }
              } catch (Throwable e) {
                result.failSurely(e);
              }
            }));
    return result;
  }

  // ---- the file as a whole ----

  @Override
  public long size() throws IOException {
    ensureOpen();
    return await(file::size);
  }

  @Override
  public AsynchronousFileChannel truncate(long size) throws IOException {
    if (size < 0) {
      throw new IllegalArgumentException("Negative size");
    }
    modes.checkWritable();
    if (!isOpen()) {
      throw new AsynchronousCloseException(); // the JDK's truncate, alone of all, throws this subclass
    }
    if (size < size()) {
      await(() -> file.truncate(size));
    }
    return this;
  }

  @Override
  public void force(boolean metaData) throws IOException {
    ensureOpen();
    await(() -> file.sync(metaData ? Sync.ALL : Sync.DATA));
  }

  @Override
  public boolean isOpen() {
    return file.isOpen();
  }

  @Override
  public void close() throws IOException {
    try {
      secondChannel.close();
    } finally {
      CompletableFuture<Void> _ = file.closeAsync();
      if (!runtime.isRuntimeThread()) {
        file.close(); // waits, and needs no thread that completes futures
        Waiting.awaitClosed(file.closeAsync(), closeAwaited.compareAndSet(false, true));
      }
    }
  }

  // ---- how ----

  private <V, A> void deliver(CompletableFuture<V> result, A attachment, CompletionHandler<V, ? super A> handler) {
    Delivery<V, A> delivery = new Delivery<>(handlers, attachment, handler);
    // Once more behind that: an error of the JVM may have come before it was called.
    CompletableFuture<V> _ = result.whenComplete(delivery).whenComplete(delivery);
  }

  @Override
  public String toString() {
    return "AnnulusAsynchronousFileChannel[" + file + "]";
  }

  private static void checkPosition(long position) {
    if (position < 0) {
      throw new IllegalArgumentException("Negative position");
    }
  }

  private void ensureOpen() throws ClosedChannelException {
    if (!isOpen()) {
      throw new ClosedChannelException();
    }
  }

  private <T> T await(Supplier<? extends CompletableFuture<T>> operation) throws IOException {
    return Waiting.await(runtime, operation);
  }
}
