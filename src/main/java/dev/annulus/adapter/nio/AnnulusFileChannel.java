package dev.annulus.adapter.nio;

import dev.annulus.AsyncFile;
import dev.annulus.ErrnoException;
import dev.annulus.IoRuntime;
import dev.annulus.Sync;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.MappedByteBuffer;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.ReadableByteChannel;
import java.nio.channels.WritableByteChannel;
import java.nio.file.OpenOption;
import java.nio.file.Path;
import java.nio.file.attribute.FileAttribute;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * A {@link FileChannel} on a file of an {@link IoRuntime}. Results and exceptions are those of the JDK's own channel, save for what is
 * said here. Safe for use by many threads: calls that name a position run concurrently, calls that use the channel's position one after
 * the other.
 *
 * <ul>
 *   <li>An interrupt neither closes the channel nor ends a call, and stays pending; only waiting in {@link #lock(long, long, boolean)
 *       lock} is ended by it, with {@link java.nio.channels.FileLockInterruptionException}, the channel staying open. {@link
 *       java.nio.channels.ClosedByInterruptException} is never thrown.
 *   <li>{@link #close} refuses new calls, waits for those that other threads are in, and then closes the file; these return normally.
 *       Only those waiting in {@code lock} get {@link java.nio.channels.AsynchronousCloseException}.
 *   <li>{@code READ} goes together with {@code APPEND}. Such a channel reads at its position, which each write leaves at the end of the
 *       file. The position of a channel that only appends is always the size of the file, as with the JDK.
 *   <li>Locks and mappings are the JDK's own, made through a second channel that is opened, by the path, when first needed: they fail with
 *       a {@link java.nio.file.FileSystemException} once the path no longer names the file.
 *   <li>Once a {@link #force} has failed, every later one does, until the file is opened again: see {@link AsyncFile#sync}.
 *   <li>Calls on a thread of the runtime's own throw {@link IllegalStateException}: they would wait for themselves. Only {@link #close},
 *       which does not wait there, and {@link #isOpen} may be called.
 *   <li>Closing the runtime closes the file: calls then throw {@link ClosedChannelException}.
 * </ul>
 */
public final class AnnulusFileChannel extends FileChannel {
  private static final int EIO = 5;
  private static final int EINVAL = 22;

  private final IoRuntime runtime;
  private final AsyncFile file;
  private final Modes modes;
  private final SecondChannel secondChannel;
  private final RangeLocks locks;

  /** Orders the calls that use the position. */
  private final ReentrantLock positionLock = new ReentrantLock();

  private long position;

  private AnnulusFileChannel(IoRuntime runtime, AsyncFile file, Modes modes) {
    this.runtime = runtime;
    this.file = file.callerRuns();
    this.modes = modes;
    this.secondChannel = new SecondChannel(runtime, file, modes);
    this.locks = new RangeLocks(secondChannel);
  }

  /**
   * Opens or creates a file, as {@link FileChannel#open(Path, OpenOption...)} does.
   *
   * @param runtime what carries out the channel's operations; closing the channel does not close it
   * @param path the file, of the default file system
   * @param options how to open it; none is {@code READ}
   * @return a channel, to be closed
   * @throws IOException if the file cannot be opened, of the type {@code FileChannel.open} would throw
   * @throws IllegalArgumentException for {@code APPEND} with {@code TRUNCATE_EXISTING}
   * @throws UnsupportedOperationException for an option that is not supported
   */
  public static FileChannel open(IoRuntime runtime, Path path, OpenOption... options) throws IOException {
    return open(runtime, path, new HashSet<>(Arrays.asList(options)));
  }

  /**
   * As {@link #open(IoRuntime, Path, OpenOption...)}, with attributes for a file that is created.
   *
   * @param runtime what carries out the channel's operations; closing the channel does not close it
   * @param path the file, of the default file system
   * @param options how to open it; none is {@code READ}
   * @param attributes {@code posix:permissions} or nothing; subject to the umask
   * @return a channel, to be closed
   * @throws IOException if the file cannot be opened, of the type {@code FileChannel.open} would throw
   * @throws IllegalArgumentException for {@code APPEND} with {@code TRUNCATE_EXISTING}
   * @throws UnsupportedOperationException for an option or attribute that is not supported
   */
  public static FileChannel open(
      IoRuntime runtime, Path path, Set<? extends OpenOption> options, FileAttribute<?>... attributes) throws IOException {
    Objects.requireNonNull(path, "path");
    Set<OpenOption> own = new HashSet<>(options);
    AsyncFile file = Waiting.await(runtime, () -> runtime.openFile(path, own, attributes));
    return new AnnulusFileChannel(runtime, file, Modes.of(own));
  }

  // ---- at a position ----

  @Override
  public int read(ByteBuffer dst, long position) throws IOException {
    Objects.requireNonNull(dst);
    checkPosition(position);
    ensureOpen();
    modes.checkReadable();
    return readAt(dst, position);
  }

  @Override
  public int write(ByteBuffer src, long position) throws IOException {
    Objects.requireNonNull(src);
    checkPosition(position);
    ensureOpen();
    modes.checkWritable();
    return writeAt(src, position);
  }

  @Override
  public long transferTo(long position, long count, WritableByteChannel target) throws IOException {
    ensureOpen();
    if (!target.isOpen()) {
      throw new ClosedChannelException();
    }
    modes.checkReadable();
    Copying.checkWritable(target);
    checkTransfer(position, count);
    long size = size();
    if (position > size) {
      return 0;
    }
    // Files of /proc say that they are empty, and are not.
    return Copying.to(target, this, position, size == 0 ? count : Math.min(count, size - position));
  }

  @Override
  public long transferFrom(ReadableByteChannel src, long position, long count) throws IOException {
    ensureOpen();
    if (!src.isOpen()) {
      throw new ClosedChannelException();
    }
    Copying.checkReadable(src);
    modes.checkWritable();
    checkTransfer(position, count);
    return Copying.from(src, this, position, count);
  }

  // ---- at the channel's position ----

  @Override
  public int read(ByteBuffer dst) throws IOException {
    ensureOpen();
    modes.checkReadable();
    return (int) readHere(at -> readAt(dst, at));
  }

  @Override
  public long read(ByteBuffer[] dsts, int offset, int length) throws IOException {
    List<ByteBuffer> buffers = buffers(dsts, offset, length);
    ensureOpen();
    modes.checkReadable();
    buffers.forEach(AnnulusFileChannel::checkDestination);
    return remaining(buffers) == 0 ? 0 : readHere(at -> readAt(buffers, at));
  }

  @Override
  public int write(ByteBuffer src) throws IOException {
    ensureOpen();
    modes.checkWritable();
    return (int) writeHere(at -> writeAt(src, at));
  }

  @Override
  public long write(ByteBuffer[] srcs, int offset, int length) throws IOException {
    List<ByteBuffer> buffers = buffers(srcs, offset, length);
    ensureOpen();
    modes.checkWritable();
    return remaining(buffers) == 0 ? 0 : writeHere(at -> writeAt(buffers, at));
  }

  @Override
  public long position() throws IOException {
    ensureOpen();
    if (modes.appending() && !modes.readable()) {
      return size();
    }
    checkMayBlock();
    positionLock.lock();
    try {
      return position;
    } finally {
      positionLock.unlock();
    }
  }

  @Override
  public FileChannel position(long newPosition) throws IOException {
    ensureOpen();
    checkPosition(newPosition);
    checkMayBlock();
    positionLock.lock();
    try {
      position = newPosition;
      return this;
    } finally {
      positionLock.unlock();
    }
  }

  // ---- the file as a whole ----

  @Override
  public long size() throws IOException {
    ensureOpen();
    return await(file::size);
  }

  @Override
  public FileChannel truncate(long size) throws IOException {
    ensureOpen();
    if (size < 0) {
      throw new IllegalArgumentException("Negative size");
    }
    modes.checkWritable();
    checkMayBlock();
    positionLock.lock();
    try {
      if (size < size()) {
        await(() -> file.truncate(size));
      }
      position = Math.min(position, size);
      return this;
    } finally {
      positionLock.unlock();
    }
  }

  @Override
  public void force(boolean metaData) throws IOException {
    ensureOpen();
    await(() -> file.sync(metaData ? Sync.ALL : Sync.DATA));
  }

  // ---- what the JDK does for us ----

  @Override
  public FileLock lock(long position, long size, boolean shared) throws IOException {
    ensureOpen();
    modes.checkLockable(shared);
    checkMayBlock();
    return AnnulusFileLock.of(this, locks.lock(position, size, shared));
  }

  @Override
  public @Nullable FileLock tryLock(long position, long size, boolean shared) throws IOException {
    ensureOpen();
    modes.checkLockable(shared);
    checkMayBlock();
    FileLock lock = locks.tryLock(position, size, shared);
    return lock == null ? null : AnnulusFileLock.of(this, lock);
  }

  /** {@inheritDoc} A mapping is the JDK's own, and outlives the channel. */
  @Override
  public MappedByteBuffer map(MapMode mode, long position, long size) throws IOException {
    if (size > Integer.MAX_VALUE) {
      throw new IllegalArgumentException("Size exceeds Integer.MAX_VALUE");
    }
    Objects.requireNonNull(mode, "Mode is null");
    ensureOpen();
    checkMayBlock();
    return Mapping.map(secondChannel.get("mapping"), mode, position, size);
  }

  /** {@inheritDoc} A mapping is the JDK's own, and lives as long as the arena. */
  @Override
  public MemorySegment map(MapMode mode, long offset, long size, Arena arena) throws IOException {
    Objects.requireNonNull(mode, "Mode is null");
    Objects.requireNonNull(arena, "Arena is null");
    ensureOpen();
    checkMayBlock();
    return Mapping.map(secondChannel.get("mapping"), mode, offset, size, arena);
  }

  @Override
  protected void implCloseChannel() throws IOException {
    try {
      secondChannel.close();
    } finally {
      CompletableFuture<Void> _ = file.closeAsync();
      if (!runtime.isRuntimeThread()) {
        file.close(); // waits, and needs no thread that completes futures
        Waiting.awaitClosed(file.closeAsync(), true);
      }
    }
  }

  // ---- how ----

  IoRuntime runtime() {
    return runtime;
  }

  /** A transfer that starts at a position; how many bytes it moved, or -1. */
  private interface Transfer {
    long at(long position) throws IOException;
  }

  private long readHere(Transfer read) throws IOException {
    // Before the lock: whoever holds that may be waiting for the runtime's thread.
    checkMayBlock();
    positionLock.lock();
    try {
      long count = read.at(position);
      position += Math.max(0, count);
      return count;
    } finally {
      positionLock.unlock();
    }
  }

  private long writeHere(Transfer write) throws IOException {
    checkMayBlock();
    positionLock.lock();
    try {
      if (!modes.appending()) {
        long count = write.at(position);
        position += count;
        return count;
      }
      long count = write.at(0); // wherever: the system puts it at the end
      if (modes.readable() && count > 0) {
        position = size();
      }
      return count;
    } finally {
      positionLock.unlock();
    }
  }

  private int readAt(ByteBuffer dst, long at) throws IOException {
    checkDestination(dst);
    checkRange("read", at, dst.remaining());
    checkMayBlock();
    try {
      int count = file.tryRead(dst, at);
      if (count != AsyncFile.NOT_NOW) {
        return count;
      }
    } catch (UncheckedIOException e) {
      throw e.getCause();
    } catch (IllegalStateException e) {
      throw Waiting.closedOr(e);
    }
    return await(() -> file.read(dst, at));
  }

  private int writeAt(ByteBuffer src, long at) throws IOException {
    checkRange("write", at, src.remaining());
    checkMayBlock();
    try {
      int count = file.tryWrite(src, at);
      if (count != AsyncFile.NOT_NOW) {
        return count;
      }
    } catch (UncheckedIOException e) {
      throw e.getCause();
    } catch (IllegalStateException e) {
      throw Waiting.closedOr(e);
    }
    return await(() -> file.write(src, at));
  }

  private long readAt(List<ByteBuffer> dsts, long at) throws IOException {
    checkRange("readv", at, remaining(dsts));
    return await(() -> file.read(dsts, at));
  }

  private long writeAt(List<ByteBuffer> srcs, long at) throws IOException {
    checkRange("writev", at, remaining(srcs));
    return await(() -> file.write(srcs, at));
  }

  private static List<ByteBuffer> buffers(ByteBuffer[] buffers, int offset, int length) {
    int from = Objects.checkFromIndexSize(offset, length, buffers.length);
    return Arrays.asList(buffers).subList(from, from + length);
  }

  private static long remaining(List<ByteBuffer> buffers) {
    return buffers.stream().mapToLong(ByteBuffer::remaining).sum();
  }

  private static void checkDestination(ByteBuffer dst) {
    if (dst.isReadOnly()) {
      throw new IllegalArgumentException("Read-only buffer");
    }
  }

  @Override
  public String toString() {
    return "AnnulusFileChannel[" + file + "]";
  }

  private static void checkPosition(long position) {
    if (position < 0) {
      throw new IllegalArgumentException("Negative position");
    }
  }

  private static void checkTransfer(long position, long count) {
    if (position < 0 || count < 0) {
      throw new IllegalArgumentException("Negative position or count");
    }
  }

  /** A write of nothing, which is no error to the system. */
  IOException noProgress(int length, long at) {
    return ErrnoException.of(EIO, "write", file.path(), "(0 of " + length + " bytes at position " + at + " were written)");
  }

  /** The system refuses it too, with this error. */
  private void checkRange(String operation, long at, long length) throws IOException {
    if (length > Long.MAX_VALUE - at) {
      throw ErrnoException.of(EINVAL, operation, file.path(), "(" + length + " bytes at position " + at + ")");
    }
  }

  private void checkMayBlock() {
    Waiting.checkMayBlock(runtime);
  }

  private void ensureOpen() throws IOException {
    if (!isOpen()) {
      throw new ClosedChannelException();
    }
    if (!file.isOpen()) {
      close(); // the runtime has closed the file
      throw new ClosedChannelException();
    }
  }

  private <T> T await(Supplier<? extends CompletableFuture<T>> operation) throws IOException {
    return Waiting.await(runtime, operation);
  }
}
