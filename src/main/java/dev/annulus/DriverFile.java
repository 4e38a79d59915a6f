package dev.annulus;

import dev.annulus.internal.driver.Errno;
import dev.annulus.internal.driver.Operation;
import dev.annulus.internal.driver.StatResult;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;

/** An open file on a driver: checks arguments, makes operations of them, and has them run. */
final class DriverFile implements AsyncFile {
  /** Leaves callers the time to return, before what they started is submitted. */
  private static final Executor UNWINDING =
      CompletableFuture.delayedExecutor(1, TimeUnit.MILLISECONDS, Runnable::run);

  private final OpenDescriptor descriptor;
  private final Engine engine;
  private final int fd;

  /** Whether operations may run on the thread that asks for them; see {@link AsyncFile#callerRuns}. */
  private final boolean callerRuns;

  DriverFile(OpenDescriptor descriptor, boolean callerRuns) {
    this.descriptor = descriptor;
    this.engine = descriptor.engine();
    this.fd = descriptor.fd();
    this.callerRuns = callerRuns;
  }

  @Override
  public Path path() {
    return descriptor.path();
  }

  // ---- reading ----

  @Override
  public IoFuture<Integer> read(ByteBuffer dst, long position) {
    Operation.Read read = readOperation(dst, position);
    return start(TransferFuture.ofInt(descriptor, read), read.length() == 0);
  }

  @Override
  public IoFuture<Long> read(MemorySegment dst, long position) {
    Operation.Read read = readOperation(dst, position);
    return start(TransferFuture.ofLong(descriptor, read), read.length() == 0);
  }

  @Override
  public IoFuture<Void> readFully(ByteBuffer dst, long position) {
    Operation.Read read = readOperation(dst, position);
    return start(new FullTransferFuture(descriptor, read, dst.remaining(), false), read.length() == 0);
  }

  @Override
  public IoFuture<Void> readFully(MemorySegment dst, long position) {
    Operation.Read read = readOperation(dst, position);
    return start(new FullTransferFuture(descriptor, read, dst.byteSize(), false), read.length() == 0);
  }

  @Override
  public IoFuture<Long> read(List<ByteBuffer> dsts, long position) {
    descriptor.checkReadable();
    List<ByteBuffer> buffers = Buffers.checkAll(dsts, true);
    Buffers.checkRange(position, total(buffers));
    Operation operation = new Operation.ReadVector(fd, pieces(buffers, true), position);
    return start(TransferFuture.ofLong(descriptor, operation), total(buffers) == 0);
  }

  private Operation.Read readOperation(ByteBuffer dst, long position) {
    Objects.requireNonNull(dst, "dst");
    descriptor.checkReadable();
    MemorySegment segment = Buffers.check(dst, true);
    Buffers.checkRange(position, segment.byteSize());
    Object memory = Buffers.memory(engine, dst, segment, true);
    return new Operation.Read(
        fd, memory, Buffers.address(memory, segment), Buffers.length(segment.byteSize()), position);
  }

  private Operation.Read readOperation(MemorySegment dst, long position) {
    Objects.requireNonNull(dst, "dst");
    descriptor.checkReadable();
    MemorySegment segment = Buffers.check(dst, true);
    Buffers.checkRange(position, segment.byteSize());
    Object memory = Buffers.memory(engine, segment, true);
    return new Operation.Read(
        fd, memory, Buffers.address(memory, segment), Buffers.length(segment.byteSize()), position);
  }

  // ---- writing ----

  @Override
  public IoFuture<Integer> write(ByteBuffer src, long position) {
    Operation.Write write = writeOperation(src, position);
    return start(TransferFuture.ofInt(descriptor, write), write.length() == 0);
  }

  @Override
  public IoFuture<Long> write(MemorySegment src, long position) {
    Operation.Write write = writeOperation(src, position);
    return start(TransferFuture.ofLong(descriptor, write), write.length() == 0);
  }

  @Override
  public IoFuture<Void> writeFully(ByteBuffer src, long position) {
    Operation.Write write = writeOperation(src, position);
    return start(new FullTransferFuture(descriptor, write, src.remaining(), false), write.length() == 0);
  }

  @Override
  public IoFuture<Void> writeFully(MemorySegment src, long position) {
    Operation.Write write = writeOperation(src, position);
    return start(new FullTransferFuture(descriptor, write, src.byteSize(), false), write.length() == 0);
  }

  @Override
  public IoFuture<Long> write(List<ByteBuffer> srcs, long position) {
    descriptor.checkWritable();
    List<ByteBuffer> buffers = Buffers.checkAll(srcs, false);
    Buffers.checkRange(position, total(buffers));
    Operation operation = new Operation.WriteVector(fd, pieces(buffers, false), position);
    return start(TransferFuture.ofLong(descriptor, operation), total(buffers) == 0);
  }

  @Override
  public IoFuture<Integer> append(ByteBuffer src) {
    Objects.requireNonNull(src, "src");
    descriptor.checkAppending();
    Operation.Write write = writeOperation(src, Operation.AT_END_OF_FILE, Buffers.check(src, false));
    return start(TransferFuture.ofInt(descriptor, write), write.length() == 0);
  }

  @Override
  public IoFuture<Void> writeDurably(ByteBuffer src, long position) {
    Operation.Write write = writeOperation(src, position);
    FullTransferFuture future = new FullTransferFuture(descriptor, write, src.remaining(), true);
    IOException lost = descriptor.earlierSyncFailure();
    return lost == null ? start(future, write.length() == 0) : refuse(future, lost);
  }

  private Operation.Write writeOperation(ByteBuffer src, long position) {
    Objects.requireNonNull(src, "src");
    descriptor.checkWritable();
    MemorySegment segment = Buffers.check(src, false);
    Buffers.checkRange(position, segment.byteSize());
    return writeOperation(src, position, segment);
  }

  private Operation.Write writeOperation(ByteBuffer src, long offset, MemorySegment segment) {
    Object memory = Buffers.memory(engine, src, segment, false);
    return new Operation.Write(
        fd, memory, Buffers.address(memory, segment), Buffers.length(segment.byteSize()), offset);
  }

  private Operation.Write writeOperation(MemorySegment src, long position) {
    Objects.requireNonNull(src, "src");
    descriptor.checkWritable();
    MemorySegment segment = Buffers.check(src, false);
    Buffers.checkRange(position, segment.byteSize());
    Object memory = Buffers.memory(engine, segment, false);
    return new Operation.Write(
        fd, memory, Buffers.address(memory, segment), Buffers.length(segment.byteSize()), position);
  }

  // ---- the rest ----

  @Override
  public IoFuture<Void> sync(Sync mode) {
    Operation operation = new Operation.Sync(fd, Objects.requireNonNull(mode, "mode") == Sync.DATA);
    FileFuture<Void> future =
        new FileFuture<>(descriptor, operation) {
          @Override
          void onSuccess(int result) {
            succeedUnlessLost(result);
          }

          @Override
          void onError(int errno) {
            fail(syncFailure(errno));
          }
        };
    descriptor.checkOpen();
    IOException lost = descriptor.earlierSyncFailure();
    return lost == null ? start(future, false) : refuse(future, lost);
  }

  @Override
  public IoFuture<FileStatus> stat() {
    StatResult result = new StatResult();
    return start(FileFuture.of(descriptor, new Operation.Stat(fd, result), _ -> Statuses.of(result)), false);
  }

  @Override
  public IoFuture<Long> size() {
    StatResult result = new StatResult();
    return start(FileFuture.of(descriptor, new Operation.Stat(fd, result), _ -> result.sizeBytes), false);
  }

  @Override
  public IoFuture<Void> truncate(long size) {
    if (size < 0) {
      throw new IllegalArgumentException("negative size: " + size);
    }
    descriptor.checkWritable();
    return start(FileFuture.of(descriptor, new Operation.Truncate(fd, size), _ -> null), false);
  }

  @Override
  public IoFuture<Void> allocate(long position, long length) {
    if (length <= 0) {
      throw new IllegalArgumentException("length not positive: " + length);
    }
    Buffers.checkRange(position, length);
    descriptor.checkWritable();
    return start(FileFuture.of(descriptor, new Operation.Allocate(fd, position, length), _ -> null), false);
  }

  @Override
  public IoFuture<Boolean> tryLockExclusive() {
    FileFuture<Boolean> future =
        new FileFuture<>(descriptor, new Operation.TryLock(fd)) {
          @Override
          void onSuccess(int result) {
            succeed(true, result);
          }

          @Override
          void onError(int errno) {
            if (errno == Errno.EAGAIN) {
              succeed(false, 0);
            } else {
              super.onError(errno);
            }
          }
        };
    return start(future, false);
  }

  // ---- life cycle ----

  @Override
  public AsyncFile callerRuns() {
    return new DriverFile(descriptor, true);
  }

  @Override
  public boolean isOpen() {
    return descriptor.isOpen();
  }

  @Override
  public CompletableFuture<Void> closeAsync() {
    return descriptor.close();
  }

  @Override
  public void close() {
    CompletableFuture<Void> _ = descriptor.close();
    if (!engine.driver().onDriverThread()) {
      boolean _ = descriptor.awaitClosed(Long.MAX_VALUE, TimeUnit.DAYS);
    }
  }

  /** Takes a lease and submits, or completes at once with 0 what transfers nothing. */
  private <T> IoFuture<T> start(FileFuture<T> future, boolean empty) {
    descriptor.lease();
    if (empty) {
      future.completed(0);
    } else if (callerRuns && !Thread.currentThread().isVirtual() && !engine.driver().onDriverThread()) {
      future.runHere();
    } else {
      submit(future);
    }
    return future;
  }

  private void submit(FileFuture<?> future) {
    switch (future.operation()) {
      case Operation.Read read when descriptor.isBuffered() -> readInlineOrSubmit(future, read);
      case Operation.Sync _ -> descriptor.groupCommit().sync(future, false);
      default -> engine.driver().submit(future);
    }
  }

  private void readInlineOrSubmit(FileFuture<?> future, Operation.Read read) {
    int result = engine.inlineReads().attempt(engine.driver(), read, descriptor.inlineHistory(), callerRuns);
    if (result >= 0) {
      future.completed(result);
    } else if (result == InlineReads.TOO_DEEP && !engine.driver().onDriverThread()) {
      // The ring may be done before the caller attaches its dependent, which would then run on this stack again. Later it cannot be.
      UNWINDING.execute(() -> engine.driver().submitPastLimits(future));
    } else {
      engine.driver().submit(future);
    }
  }

  private <T> IoFuture<T> refuse(FileFuture<T> future, Throwable cause) {
    descriptor.lease();
    future.refused(cause);
    return future;
  }

  private static long total(List<ByteBuffer> buffers) {
    long total = 0;
    for (ByteBuffer buffer : buffers) {
      total += buffer.remaining();
    }
    return total;
  }

  /** Without the empty buffers: were the most one operation takes all empty, it would transfer nothing, or report end of file. */
  private List<Operation.Piece> pieces(List<ByteBuffer> buffers, boolean forReading) {
    List<Operation.Piece> pieces = new ArrayList<>(buffers.size());
    for (ByteBuffer buffer : buffers) {
      if (!buffer.hasRemaining()) {
        continue;
      }
      MemorySegment segment = MemorySegment.ofBuffer(buffer);
      Object memory = Buffers.memory(engine, buffer, segment, forReading);
      pieces.add(new Operation.Piece(memory, Buffers.address(memory, segment), buffer.remaining()));
    }
    return pieces;
  }
}
