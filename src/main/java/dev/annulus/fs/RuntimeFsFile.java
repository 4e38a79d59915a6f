package dev.annulus.fs;

import dev.annulus.AsyncFile;
import dev.annulus.BufferAt;
import dev.annulus.ErrnoException;
import dev.annulus.IoFuture;
import dev.annulus.IoRuntime;
import dev.annulus.Sync;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.NonReadableChannelException;
import java.nio.channels.NonWritableChannelException;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** {@link FsFile} by waiting on an {@link AsyncFile}'s futures. */
final class RuntimeFsFile implements FsFile {
  private static final int EIO = 5;
  private static final int EBADF = 9;
  private static final int EINVAL = 22;
  private static final int SMALLEST_BLOCK_BYTES = 512;

  private static final long SHORTEST_LOCK_WAIT_NANOS = TimeUnit.MICROSECONDS.toNanos(200);
  private static final long LONGEST_LOCK_WAIT_NANOS = TimeUnit.MILLISECONDS.toNanos(20);

  private final IoRuntime runtime;

  /** For one operation at a time: in adaptive mode platform threads run it themselves. */
  private final AsyncFile file;

  /** For batches, whose operations must all be on their way before the first is waited for. */
  private final AsyncFile batchFile;

  /** Whether what can be done at once is done without a future. */
  private final boolean tries;

  private final FsOpenOptions options;

  /** Orders the calls that use the cursor. */
  private final ReentrantLock cursorLock = new ReentrantLock();

  private long cursor;

  private final AtomicBoolean closeAwaited = new AtomicBoolean();

  RuntimeFsFile(IoRuntime runtime, AsyncFile file, FsOpenOptions options, Blocking mode) {
    this.runtime = runtime;
    this.file = mode == Blocking.ADAPTIVE ? file.callerRuns() : file;
    this.batchFile = file;
    this.tries = mode == Blocking.ADAPTIVE;
    this.options = options;
  }

  // ---- at a place ----

  @Override
  public int readAt(ByteBuffer dst, long offset) throws IOException {
    int length = dst.remaining();
    checkRange("read", offset, length);
    checkMode("read", options.read());
    if (length == 0 && dst.isReadOnly()) {
      throw new IllegalArgumentException("read-only buffer as destination"); // as each read would say, but there is none
    }
    int total = 0;
    while (total < length && dst.hasRemaining()) {
      int count = awaitRead(dst, offset + total);
      if (count < 0) {
        break;
      }
      total += count;
      if (options.direct() && count % SMALLEST_BLOCK_BYTES != 0) {
        if (!dst.hasRemaining() || offset + total >= size()) {
          break; // with direct I/O the end of the file makes a ragged count, and no one may read from there
        }
        total -= stepBack(dst, count, offset + total);
      }
    }
    return total;
  }

  /** Takes back what was read of a block that was not read whole, though the file goes on: it is read from its beginning. */
  private int stepBack(ByteBuffer dst, int count, long reached) throws IOException {
    int ragged = count % await(file::directAlignment).positionBytes();
    if (ragged == count) {
      throw ErrnoException.of(
          EIO, "read", file.path(), "(" + count + " bytes up to position " + reached + ", where the file does not end)");
    }
    dst.position(dst.position() - ragged);
    return ragged;
  }

  @Override
  public void readMany(List<ReadRequest> requests) throws IOException {
    List<ReadRequest> batch = List.copyOf(requests);
    List<BufferAt> reads = new ArrayList<>(batch.size());
    for (ReadRequest request : batch) {
      checkRange("read", request.offset(), request.dst().remaining());
      reads.add(new BufferAt(request.dst(), request.offset()));
    }
    checkMode("read", options.read());
    Throwable first = null;
    for (CompletableFuture<Void> read : submitted(reads)) {
      try {
        Void _ = Waiting.await(read);
      } catch (Throwable e) {
        // An Error too: as long as any read is under way its buffer is not the caller's.
        first = first == null ? e : first;
      }
    }
    rethrow(first);
  }

  @Override
  public int writeAt(ByteBuffer src, long offset) throws IOException {
    int length = src.remaining();
    checkRange("write", offset, length);
    checkMode("write", options.write() || options.append());
    return options.append() ? appendAll(src) : writeFully(src, offset, length);
  }

  // ---- at the cursor ----

  @Override
  public int read(ByteBuffer dst) throws IOException {
    checkUsable();
    if (!options.read()) {
      throw new NonReadableChannelException();
    }
    cursorLock.lock();
    try {
      checkRange("read", cursor, dst.remaining());
      int count = awaitRead(dst, cursor);
      cursor += Math.max(0, count);
      return count;
    } finally {
      cursorLock.unlock();
    }
  }

  @Override
  public int write(ByteBuffer src) throws IOException {
    checkUsable();
    if (!options.write() && !options.append()) {
      throw new NonWritableChannelException();
    }
    cursorLock.lock();
    try {
      if (options.append()) {
        int count = await(() -> file.append(src));
        if (count > 0) {
          cursor = await(file::size);
        }
        return count;
      }
      checkRange("write", cursor, src.remaining());
      int count = tryWrite(src, cursor);
      if (count == AsyncFile.NOT_NOW) {
        count = await(() -> file.write(src, cursor));
      }
      cursor += count;
      return count;
    } finally {
      cursorLock.unlock();
    }
  }

  @Override
  public long seek(long delta, SeekFrom from) throws IOException {
    checkUsable();
    cursorLock.lock();
    try {
      long base =
          switch (Objects.requireNonNull(from, "from")) {
            case START -> 0;
            case CURRENT -> cursor;
            case END -> size();
          };
      long target = base + delta;
      // Negative, or wrapped around: base is never negative, so only a positive delta can overflow.
      if (target < 0) {
        throw ErrnoException.of(
            EINVAL, "seek", file.path(), "(by " + delta + " from " + from + ", which is at " + base + ")");
      }
      cursor = target;
      return target;
    } finally {
      cursorLock.unlock();
    }
  }

  @Override
  public long position() throws IOException {
    checkUsable();
    cursorLock.lock();
    try {
      return cursor;
    } finally {
      cursorLock.unlock();
    }
  }

  @Override
  public FsFile position(long newPosition) throws IOException {
    checkUsable();
    if (newPosition < 0) {
      throw new IllegalArgumentException("negative position: " + newPosition);
    }
    long _ = seek(newPosition, SeekFrom.START);
    return this;
  }

  @Override
  public FsFile truncate(long size) throws IOException {
    checkUsable();
    if (size < 0) {
      throw new IllegalArgumentException("negative size: " + size);
    }
    if (!options.write() && !options.append()) {
      throw new NonWritableChannelException();
    }
    cursorLock.lock();
    try {
      if (size < size()) {
        setLength(size);
      }
      cursor = Math.min(cursor, size);
      return this;
    } finally {
      cursorLock.unlock();
    }
  }

  // ---- the file as a whole ----

  @Override
  public long size() throws IOException {
    return await(file::size);
  }

  @Override
  public FsMetadata metadata() throws IOException {
    return RuntimeFs.metadataOf(await(file::stat));
  }

  @Override
  public void setLength(long size) throws IOException {
    checkUsable();
    if (size < 0 || (!options.write() && !options.append())) {
      String why = size < 0 ? "(to a negative length: " + size + ")" : "(of a file not open for writing)";
      throw ErrnoException.of(EINVAL, "ftruncate", file.path(), why);
    }
    await(() -> file.truncate(size));
  }

  @Override
  public void syncAll() throws IOException {
    await(() -> file.sync(Sync.ALL));
  }

  @Override
  public void syncData() throws IOException {
    await(() -> file.sync(Sync.DATA));
  }

  /** Asks again and again, with growing pauses: a wait inside the kernel would hold a thread, and could not be ended by closing. */
  @Override
  public void lockExclusive() throws IOException {
    boolean interrupted = false;
    long pause = SHORTEST_LOCK_WAIT_NANOS;
    try {
      while (!tryLockExclusive()) {
        LockSupport.parkNanos(this, pause);
        interrupted |= Thread.interrupted();
        pause = Math.min(2 * pause, LONGEST_LOCK_WAIT_NANOS);
      }
    } finally {
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }

  @Override
  public boolean tryLockExclusive() throws IOException {
    return await(file::tryLockExclusive);
  }

  @Override
  public void unlock() throws IOException {
    await(file::unlock);
  }

  @Override
  public boolean isOpen() {
    return file.isOpen();
  }

  /** Only the first call that waits tells of an error; the file is closed all the same. */
  @Override
  public void close() throws IOException {
    CompletableFuture<Void> _ = file.closeAsync();
    if (!runtime.isRuntimeThread()) {
      file.close(); // waits, and needs no thread that completes futures
      Waiting.awaitClosed(file.closeAsync(), closeAwaited.compareAndSet(false, true));
    }
  }

  @Override
  public String toString() {
    return "FsFile[" + file + "]";
  }

  private int appendAll(ByteBuffer src) throws IOException {
    ByteBuffer rest = viewOf(src);
    try {
      do {
        checkProgress(await(() -> file.append(rest)), rest);
      } while (rest.hasRemaining());
      return rest.capacity();
    } finally {
      move(src, rest.position());
    }
  }

  /** What is between position and limit now, whatever other threads do to them later. */
  private static ByteBuffer viewOf(ByteBuffer buffer) {
    return buffer.slice();
  }

  private static void move(ByteBuffer buffer, int count) {
    if (count > 0) {
      buffer.position(buffer.position() + count);
    }
  }

  private List<IoFuture<Void>> submitted(List<BufferAt> reads) throws IOException {
    try {
      return batchFile.readMany(reads);
    } catch (IllegalStateException e) {
      throw Waiting.closedOr(e);
    }
  }

  private static void rethrow(@Nullable Throwable failure) throws IOException {
    switch (failure) {
      case null -> {}
      case IOException e -> throw e;
      case RuntimeException e -> throw e;
      case Error e -> throw e;
      default -> throw new IOException(failure);
    }
  }

  private void checkRange(String operation, long offset, int length) throws IOException {
    if (offset < 0 || offset > Long.MAX_VALUE - length) {
      throw ErrnoException.of(EINVAL, operation, file.path(), "(" + length + " bytes at position " + offset + ")");
    }
  }

  private void checkMode(String operation, boolean allowed) throws IOException {
    checkUsable();
    if (!allowed) {
      throw ErrnoException.of(EBADF, operation, file.path(), "(the file is not open for it)");
    }
  }

  /** Comes before the cursor's lock: whoever holds that may be waiting for the runtime's thread. */
  private void checkUsable() throws ClosedChannelException {
    Waiting.checkMayBlock(runtime);
    if (!isOpen()) {
      throw new ClosedChannelException();
    }
  }

  /** As {@link #await}, of what is done most often, without an object where none is needed. */
  private int awaitRead(ByteBuffer dst, long position) throws IOException {
    Waiting.checkMayBlock(runtime);
    try {
      int count = tries ? file.tryRead(dst, position) : AsyncFile.NOT_NOW;
      return count == AsyncFile.NOT_NOW ? Waiting.await(file.read(dst, position)) : count;
    } catch (UncheckedIOException e) {
      throw e.getCause();
    } catch (IllegalStateException e) {
      throw Waiting.closedOr(e);
    }
  }

  /** Returns how many bytes were written. */
  private int writeFully(ByteBuffer src, long position, int length) throws IOException {
    int count = tryWrite(src, position);
    if (count >= length) {
      return count;
    }
    int done = Math.max(0, count);
    ByteBuffer rest = viewOf(src);
    try {
      await(() -> file.writeFully(rest, position + done));
      return done + rest.capacity();
    } finally {
      move(src, rest.position());
    }
  }

  /** A write of nothing is no error to the system, but who writes on would do so for ever. */
  private void checkProgress(int count, ByteBuffer src) throws IOException {
    if (count == 0 && src.hasRemaining()) {
      throw ErrnoException.of(EIO, "write", file.path(), "(0 of " + src.remaining() + " bytes were written)");
    }
  }

  private int tryWrite(ByteBuffer src, long position) throws IOException {
    Waiting.checkMayBlock(runtime);
    try {
      return tries ? file.tryWrite(src, position) : AsyncFile.NOT_NOW;
    } catch (UncheckedIOException e) {
      throw e.getCause();
    } catch (IllegalStateException e) {
      throw Waiting.closedOr(e);
    }
  }

  private <T> T await(Supplier<? extends CompletableFuture<T>> operation) throws IOException {
    return Waiting.submitAndAwait(runtime, operation);
  }
}
