package dev.annulus;

import dev.annulus.HeapCopies.HeapCopy;
import dev.annulus.internal.driver.Errno;
import dev.annulus.internal.driver.Operation;
import dev.annulus.internal.driver.StackRoom;
import dev.annulus.internal.driver.StatResult;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.ref.Reference;
import java.nio.ByteBuffer;
import java.nio.MappedByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/** An open file on a driver: checks arguments, makes operations of them, and has them run. */
final class DriverFile implements AsyncFile {
  /** Makes the future of a transfer. */
  private interface Maker<T> {
    FileFuture<T> make(OpenDescriptor file, Object memory, long address, int length, long total, long position);
  }

  private static final Maker<Integer> READ_INT =
      (file, memory, address, length, _, position) -> new TransferFuture.ReadInt(file, memory, address, length, position);

  private static final Maker<Long> READ_LONG =
      (file, memory, address, length, _, position) -> new TransferFuture.ReadLong(file, memory, address, length, position);

  private static final Maker<Void> READ_FULLY = FullTransferFuture.Read::new;

  private static final Maker<Integer> WRITE_INT =
      (file, memory, address, length, _, position) -> new TransferFuture.WriteInt(file, memory, address, length, position);

  private static final Maker<Long> WRITE_LONG =
      (file, memory, address, length, _, position) -> new TransferFuture.WriteLong(file, memory, address, length, position);

  private static final Maker<Void> WRITE_FULLY = FullTransferFuture.Write::new;
  private static final Maker<Void> WRITE_DURABLY = DurableWriteFuture::new;

  private final OpenDescriptor descriptor;
  private final Engine engine;
  private final int fd;
  private final TransfersHere here;
  private final Launch launch;
  private final OpenHandle handle;

  /**
   * @param handle as all views of the file have it
   * @param callerRuns whether operations may run on the thread that asks for them; see {@link AsyncFile#callerRuns}
   */
  DriverFile(OpenDescriptor descriptor, OpenHandle handle, boolean callerRuns) {
    this.handle = handle;
    this.descriptor = descriptor;
    this.engine = descriptor.engine();
    this.fd = descriptor.fd();
    this.here = new TransfersHere(descriptor, handle, callerRuns);
    this.launch = new Launch(descriptor, handle, here);
  }

  @Override
  public Path path() {
    return descriptor.path();
  }

  // ---- reading ----

  @Override
  public IoFuture<Integer> read(ByteBuffer dst, long position) {
    if (dst instanceof MappedByteBuffer nativeDst && Buffers.hasKnownAddress(nativeDst) && !engine.viewsMemory()) {
      return readNative(nativeDst, position);
    }
    MemorySegment segment = checkRead(dst, position);
    return start(READ_INT, Buffers.toFill(engine, dst, segment), segment, position);
  }

  /**
   * As {@link #read}. Native buffers are all of this class, and the segment does not leave the method: to a compiler that sees both it need not
   * become an object. Position and limit are read once; the segment's own may be of other moments, and are not used.
   */
  private IoFuture<Integer> readNative(MappedByteBuffer dst, long position) {
    descriptor.checkReadable();
    int at = dst.position();
    int size = Buffers.size(at, dst.limit());
    MemorySegment segment = MemorySegment.ofBuffer(dst);
    Buffers.checkNative(segment.isReadOnly(), segment.scope().isAlive(), segment.isAccessibleBy(Thread.currentThread()), true);
    Buffers.checkRange(position, size);
    long address = Buffers.addressAt(dst, segment.address(), at);
    int length = Buffers.length(size);
    Object memory = Buffers.nativeMemory(engine, dst, address, length);
    FileFuture<Integer> future = null;
    try {
      Buffers.take(memory);
      future = new TransferFuture.ReadInt(descriptor, memory, address, length, position);
      return launch.start(future, length == 0);
    } catch (Throwable e) {
      Object borrower = future == null ? memory : future;
      boolean undone = false;
      for (int tries = 0; !undone && tries < OpenDescriptor.UNDO_TRIES; tries++) {
        try {
          undone = OpenDescriptor.isUndone(borrower);
        } catch (VirtualMachineError again) {
          // Again: others may wait for it.
        }
      }
      if (!undone) {
        int free = 0;
        while (descriptor.owed[free] != null && free < OpenDescriptor.OWED_PLACES - 1) {
          free++;
        }
        descriptor.owed[free] = borrower; // no call on the way here: there may be no stack for one
        descriptor.owes = true;
      }
      throw e;
    }
  }

  @Override
  public int tryRead(ByteBuffer dst, long position) {
    if (!(dst instanceof MappedByteBuffer nativeDst && Buffers.hasKnownAddress(nativeDst))) {
      MemorySegment _ = checkRead(dst, position);
      return NOT_NOW;
    }
    descriptor.checkReadable();
    int at = nativeDst.position();
    int size = Buffers.size(at, nativeDst.limit());
    MemorySegment segment = MemorySegment.ofBuffer(nativeDst);
    Buffers.checkNative(segment.isReadOnly(), segment.scope().isAlive(), segment.isAccessibleBy(Thread.currentThread()), true);
    Buffers.checkRange(position, size);
    long address = Buffers.addressAt(nativeDst, segment.address(), at);
    return here.read(dst, address, Buffers.length(size), position);
  }

  @Override
  public IoFuture<Long> read(MemorySegment dst, long position) {
    MemorySegment segment = atMostOneTransfer(checkRead(dst, position));
    return start(READ_LONG, Buffers.toFill(engine, segment), segment, position);
  }

  private static MemorySegment atMostOneTransfer(MemorySegment segment) {
    return segment.byteSize() <= Operation.MAX_TRANSFER_BYTES ? segment : segment.asSlice(0, Operation.MAX_TRANSFER_BYTES);
  }

  @Override
  public IoFuture<Void> readFully(ByteBuffer dst, long position) {
    MemorySegment segment = checkRead(dst, position);
    return start(READ_FULLY, Buffers.toFill(engine, dst, segment), segment, position);
  }

  @Override
  public IoFuture<Void> readFully(MemorySegment dst, long position) {
    MemorySegment segment = checkRead(dst, position);
    return start(READ_FULLY, Buffers.toFill(engine, segment), segment, position);
  }

  @Override
  public IoFuture<Long> read(List<ByteBuffer> dsts, long position) {
    descriptor.checkReadable();
    List<ByteBuffer> buffers = Buffers.copyOf(dsts);
    MemorySegment[] segments = Buffers.checkAll(buffers, true);
    Buffers.checkRange(position, Buffers.total(segments));
    return start(VectorMemory.of(engine, buffers, segments, true, !descriptor.isBuffered(), false), true, position);
  }

  @Override
  public List<IoFuture<Void>> readMany(List<BufferAt> reads) {
    StackRoom.check(); // what is borrowed for many can be given back
    descriptor.checkReadable();
    List<BufferAt> batch = List.copyOf(Objects.requireNonNull(reads, "reads"));
    MemorySegment[] segments = new MemorySegment[batch.size()];
    for (int i = 0; i < segments.length; i++) {
      segments[i] = checkRead(batch.get(i).buffer(), batch.get(i).position());
    }
    @Nullable Object[] memories = new Object[segments.length];
    List<FileFuture<Void>> futures = new ArrayList<>(segments.length);
    try {
      makeAll(batch, segments, memories, futures);
      List<IoFuture<Void>> started = List.copyOf(futures);
      leaseAll(futures);
      launch.startAll(futures);
      return started;
    } catch (Throwable e) {
      boolean undone = false;
      for (int tries = 0; !undone && tries < OpenDescriptor.UNDO_TRIES; tries++) {
        try {
          undoAll(futures, memories);
          undone = true;
        } catch (VirtualMachineError again) {
          // Again.
        }
      }
      throw e;
    } finally {
      Reference.reachabilityFence(this); // not to be closed as dropped before the leases are taken
    }
  }

  private void makeAll(List<BufferAt> batch, MemorySegment[] segments, @Nullable Object[] memories, List<FileFuture<Void>> futures) {
    for (int i = 0; i < segments.length; i++) {
      BufferAt read = batch.get(i);
      Object memory = Buffers.toFill(engine, read.buffer(), segments[i]);
      memories[i] = memory;
      Buffers.take(memory);
      futures.add(make(READ_FULLY, memory, segments[i], read.position()));
    }
  }

  /** One by one, so that each knows of its lease. */
  private void leaseAll(List<FileFuture<Void>> futures) {
    for (FileFuture<Void> future : futures) {
      descriptor.lease();
      future.leased = true;
    }
  }

  /** Gives back what the futures have borrowed, and what is not any future's yet. May be called again. */
  private static void undoAll(List<FileFuture<Void>> futures, @Nullable Object[] memories) {
    for (int i = 0; i < futures.size(); i++) {
      futures.get(i).undo();
    }
    for (int i = futures.size(); i < memories.length && memories[i] != null; i++) {
      Buffers.release(memories[i]);
    }
  }

  private MemorySegment checkRead(ByteBuffer dst, long position) {
    Objects.requireNonNull(dst, "dst");
    descriptor.checkReadable();
    MemorySegment segment = Buffers.check(dst, true);
    Buffers.checkRange(position, segment.byteSize());
    return segment;
  }

  private MemorySegment checkRead(MemorySegment dst, long position) {
    Objects.requireNonNull(dst, "dst");
    descriptor.checkReadable();
    MemorySegment segment = Buffers.check(dst, true);
    Buffers.checkRange(position, segment.byteSize());
    return segment;
  }

  // ---- writing ----

  @Override
  public IoFuture<Integer> write(ByteBuffer src, long position) {
    if (src instanceof MappedByteBuffer nativeSrc && Buffers.hasKnownAddress(nativeSrc) && !engine.viewsMemory()) {
      return writeNative(nativeSrc, position);
    }
    return writeInt(src, checkWrite(src, position), position);
  }

  /** As {@link #write}, in the way of {@link #readNative}. */
  private IoFuture<Integer> writeNative(MappedByteBuffer src, long position) {
    checkChangeable();
    int at = src.position();
    int size = Buffers.size(at, src.limit());
    MemorySegment segment = MemorySegment.ofBuffer(src);
    Buffers.checkNative(segment.isReadOnly(), segment.scope().isAlive(), segment.isAccessibleBy(Thread.currentThread()), false);
    Buffers.checkRange(position, size);
    long address = Buffers.addressAt(src, segment.address(), at);
    int length = Buffers.length(size);
    Object memory = Buffers.nativeMemory(engine, src, address, length);
    FileFuture<Integer> future = null;
    try {
      Buffers.take(memory);
      future = new TransferFuture.WriteInt(descriptor, memory, address, length, position);
      return launch.start(future, length == 0);
    } catch (Throwable e) {
      Object borrower = future == null ? memory : future;
      boolean undone = false;
      for (int tries = 0; !undone && tries < OpenDescriptor.UNDO_TRIES; tries++) {
        try {
          undone = OpenDescriptor.isUndone(borrower);
        } catch (VirtualMachineError again) {
          // Again: others may wait for it.
        }
      }
      if (!undone) {
        int free = 0;
        while (descriptor.owed[free] != null && free < OpenDescriptor.OWED_PLACES - 1) {
          free++;
        }
        descriptor.owed[free] = borrower; // no call on the way here: there may be no stack for one
        descriptor.owes = true;
      }
      throw e;
    }
  }

  @Override
  public int tryWrite(ByteBuffer src, long position) {
    if (!(src instanceof MappedByteBuffer nativeSrc && Buffers.hasKnownAddress(nativeSrc))) {
      MemorySegment _ = checkWrite(src, position);
      return NOT_NOW;
    }
    checkChangeable();
    int at = nativeSrc.position();
    int size = Buffers.size(at, nativeSrc.limit());
    MemorySegment segment = MemorySegment.ofBuffer(nativeSrc);
    Buffers.checkNative(segment.isReadOnly(), segment.scope().isAlive(), segment.isAccessibleBy(Thread.currentThread()), false);
    Buffers.checkRange(position, size);
    long address = Buffers.addressAt(nativeSrc, segment.address(), at);
    return here.write(src, address, Buffers.length(size), position);
  }

  @Override
  public IoFuture<Long> write(MemorySegment src, long position) {
    MemorySegment segment = atMostOneTransfer(checkWrite(src, position));
    return start(WRITE_LONG, Buffers.memory(engine, null, segment, descriptor.isAppending()), segment, position);
  }

  @Override
  public IoFuture<Void> writeFully(ByteBuffer src, long position) {
    MemorySegment segment = checkWrite(src, position);
    return start(WRITE_FULLY, Buffers.memory(engine, src, segment, descriptor.isAppending()), segment, position);
  }

  @Override
  public IoFuture<Void> writeFully(MemorySegment src, long position) {
    MemorySegment segment = checkWrite(src, position);
    return start(WRITE_FULLY, Buffers.memory(engine, null, segment, descriptor.isAppending()), segment, position);
  }

  @Override
  public IoFuture<Long> write(List<ByteBuffer> srcs, long position) {
    checkChangeable();
    List<ByteBuffer> buffers = Buffers.copyOf(srcs);
    MemorySegment[] segments = Buffers.checkAll(buffers, false);
    Buffers.checkRange(position, Buffers.total(segments));
    boolean whole = descriptor.isAppending();
    return start(VectorMemory.of(engine, buffers, segments, false, !descriptor.isBuffered(), whole), false, position);
  }

  @Override
  public IoFuture<Integer> append(ByteBuffer src) {
    Objects.requireNonNull(src, "src");
    descriptor.checkAppending();
    descriptor.durableWrites().noteChangedOtherwise();
    return writeInt(src, Buffers.check(src, false), Operation.AT_END_OF_FILE);
  }

  @Override
  public IoFuture<Void> writeDurably(ByteBuffer src, long position) {
    Objects.requireNonNull(src, "src");
    descriptor.checkWritable();
    MemorySegment segment = Buffers.check(src, false);
    Buffers.checkRange(position, segment.byteSize());
    return start(WRITE_DURABLY, Buffers.memory(engine, src, segment, descriptor.isAppending()), segment, position);
  }

  private IoFuture<Integer> writeInt(ByteBuffer src, MemorySegment segment, long offset) {
    return start(WRITE_INT, Buffers.memory(engine, src, segment, descriptor.isAppending()), segment, offset);
  }

  private MemorySegment checkWrite(ByteBuffer src, long position) {
    Objects.requireNonNull(src, "src");
    checkChangeable();
    MemorySegment segment = Buffers.check(src, false);
    Buffers.checkRange(position, segment.byteSize());
    return segment;
  }

  /** For everything that changes what is in the file, but durable writes. */
  private void checkChangeable() {
    descriptor.checkWritable();
    descriptor.durableWrites().noteChangedOtherwise();
  }

  private MemorySegment checkWrite(MemorySegment src, long position) {
    Objects.requireNonNull(src, "src");
    checkChangeable();
    MemorySegment segment = Buffers.check(src, false);
    Buffers.checkRange(position, segment.byteSize());
    return segment;
  }

  // ---- the rest ----

  @Override
  public IoFuture<Void> sync(Sync mode) {
    Operation operation = new Operation.Sync(fd, Objects.requireNonNull(mode, "mode") == Sync.DATA);
    FileFuture<Void> future =
        new FileFuture.Plain<>(descriptor, operation) {
          @Override
          void onSuccess(int result) {
            file().durableWrites().noteSynced();
            succeedUnlessLost(result);
          }

          @Override
          void onError(int errno) {
            fail(syncFailure(errno));
          }
        };
    descriptor.checkOpen();
    IOException lost = descriptor.earlierSyncFailure();
    return start(future, lost);
  }

  @Override
  public IoFuture<FileStatus> stat() {
    StatResult result = new StatResult();
    return start(FileFuture.of(descriptor, new Operation.Stat(fd, result), _ -> Statuses.of(result)), null);
  }

  @Override
  public IoFuture<Long> size() {
    StatResult result = new StatResult();
    return start(FileFuture.of(descriptor, new Operation.Stat(fd, result), _ -> result.sizeBytes), null);
  }

  @Override
  public IoFuture<DirectAlignment> directAlignment() {
    StatResult result = new StatResult();
    return start(FileFuture.of(descriptor, new Operation.Stat(fd, result), _ -> Statuses.directAlignmentOf(result)), null);
  }

  @Override
  public IoFuture<Void> truncate(long size) {
    if (size < 0) {
      throw new IllegalArgumentException("negative size: " + size);
    }
    checkChangeable();
    return start(FileFuture.of(descriptor, new Operation.Truncate(fd, size), _ -> null), null);
  }

  @Override
  public IoFuture<Void> allocate(long position, long length) {
    if (length <= 0) {
      throw new IllegalArgumentException("length not positive: " + length);
    }
    Buffers.checkRange(position, length);
    descriptor.checkWritable();
    return start(new AllocateFuture(descriptor, position, length), null);
  }

  @Override
  public IoFuture<Boolean> tryLockExclusive() {
    FileFuture<Boolean> future =
        new FileFuture.Plain<>(descriptor, new Operation.TryLock(fd)) {
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
    descriptor.noteLocking();
    return start(future, null);
  }

  @Override
  public IoFuture<Void> unlock() {
    return start(FileFuture.of(descriptor, new Operation.Unlock(fd), _ -> null), null);
  }

  @Override
  public String toString() {
    return "AsyncFile[" + descriptor + (here.callerRuns() ? ", callers run]" : "]");
  }

  // ---- how operations begin ----

  // An error of the JVM may come anywhere. What is borrowed, memory first and then the file's lease, is borrowed within a try, by objects that
  // were made before; and what catches the error gives it back, or, where there is no stack for that, stores these where the next who uses the file
  // finds them.

  /** Has an operation without memory begin, or be refused. */
  private <T> IoFuture<T> start(FileFuture<T> future, @Nullable IOException refusal) {
    try {
      return refusal == null ? launch.start(future, false) : launch.refuse(future, refusal);
    } catch (Throwable e) {
      Object borrower = future;
      boolean undone = false;
      for (int tries = 0; !undone && tries < OpenDescriptor.UNDO_TRIES; tries++) {
        try {
          undone = OpenDescriptor.isUndone(borrower);
        } catch (VirtualMachineError again) {
          // Again: others may wait for it.
        }
      }
      if (!undone) {
        int free = 0;
        while (descriptor.owed[free] != null && free < OpenDescriptor.OWED_PLACES - 1) {
          free++;
        }
        descriptor.owed[free] = borrower; // no call on the way here: there may be no stack for one
        descriptor.owes = true;
      }
      throw e;
    }
  }

  /** Has a transfer begin, with memory that is taken here. */
  private <T> IoFuture<T> start(Maker<T> maker, Object memory, MemorySegment segment, long position) {
    FileFuture<T> future = null;
    try {
      Buffers.take(memory);
      if (memory instanceof HeapCopy copy && copy.isInPieces() && isPlainRead(maker) && !descriptor.hasPositions()) {
        copy.limitToOnePiece();
      }
      future = make(maker, memory, segment, position);
      IOException lost = future instanceof DurableWriteFuture ? descriptor.earlierSyncFailure() : null;
      return lost == null ? launch.start(future, segment.byteSize() == 0) : launch.refuse(future, lost);
    } catch (Throwable e) {
      Object borrower = future == null ? memory : future;
      boolean undone = false;
      for (int tries = 0; !undone && tries < OpenDescriptor.UNDO_TRIES; tries++) {
        try {
          undone = OpenDescriptor.isUndone(borrower);
        } catch (VirtualMachineError again) {
          // Again: others may wait for it.
        }
      }
      if (!undone) {
        int free = 0;
        while (descriptor.owed[free] != null && free < OpenDescriptor.OWED_PLACES - 1) {
          free++;
        }
        descriptor.owed[free] = borrower; // no call on the way here: there may be no stack for one
        descriptor.owes = true;
      }
      throw e;
    }
  }

  /** Has a transfer of several buffers begin. */
  private IoFuture<Long> start(VectorMemory memory, boolean read, long position) {
    FileFuture<Long> future = null;
    try {
      memory.take();
      if (read && !memory.isInOneOperation() && !descriptor.hasPositions()) {
        memory.limitToOneOperation();
      }
      future = new VectorFuture(descriptor, memory, read, position);
      return launch.start(future, memory.isEmpty());
    } catch (Throwable e) {
      Object borrower = future == null ? memory : future;
      boolean undone = false;
      for (int tries = 0; !undone && tries < OpenDescriptor.UNDO_TRIES; tries++) {
        try {
          undone = OpenDescriptor.isUndone(borrower);
        } catch (VirtualMachineError again) {
          // Again: others may wait for it.
        }
      }
      if (!undone) {
        int free = 0;
        while (descriptor.owed[free] != null && free < OpenDescriptor.OWED_PLACES - 1) {
          free++;
        }
        descriptor.owed[free] = borrower; // no call on the way here: there may be no stack for one
        descriptor.owes = true;
      }
      throw e;
    }
  }

  /** Of a pipe no more is read than is asked for at first: the next piece might wait though there are bytes to report. */
  private static boolean isPlainRead(Maker<?> maker) {
    return maker == READ_INT || maker == READ_LONG;
  }

  private <T> FileFuture<T> make(Maker<T> maker, Object memory, MemorySegment segment, long position) {
    long address = Buffers.address(memory, segment);
    return maker.make(descriptor, memory, address, Buffers.length(memory, segment), segment.byteSize(), position);
  }

  // ---- life cycle ----

  @Override
  public AsyncFile callerRuns() {
    return new DriverFile(descriptor, handle, true);
  }

  @Override
  public boolean isOpen() {
    return descriptor.isOpen();
  }

  @Override
  public CompletableFuture<Void> closeAsync() {
    CompletableFuture<Void> closed = descriptor.close();
    handle.closed();
    return closed;
  }

  @Override
  public void close() {
    if (closesHere()) {
      descriptor.closeHere();
    } else {
      descriptor.closeUnheard();
    }
    handle.closed();
    if (!engine.driver().onDriverThread()) {
      boolean _ = descriptor.awaitClosed(Long.MAX_VALUE);
    }
  }

  /** A thread that waits for the close may as well do it; a virtual one would hold its carrier. */
  private boolean closesHere() {
    return engine.driver().closesOnCaller(fd)
        && !engine.driver().onDriverThread()
        && !Thread.currentThread().isVirtual();
  }
}
