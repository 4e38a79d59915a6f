package dev.annulus;

import static dev.annulus.Futures.get;
import static java.nio.file.StandardOpenOption.READ;
import static java.nio.file.StandardOpenOption.WRITE;

import dev.annulus.fs.Blocking;
import dev.annulus.fs.Fs;
import dev.annulus.fs.FsFile;
import dev.annulus.fs.FsOpenOptions;
import dev.annulus.fs.ReadRequest;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedChannelException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** One thread of {@link SoakContract}: does things at random to its regions, until told to stop or the runtime is closed under it. */
final class SoakWorker implements Callable<Void> {
  private final IoRuntime runtime;
  private final AsyncFile shared;
  private final List<SoakRegion> regions;
  private final Random random;
  private final AtomicBoolean over;
  private final AtomicLong operations;
  private final AtomicLong givenUp;
  private final Path path;
  private final Fs fs;
  private final SoakCanaries canaries;

  /** The runtime was closed under a call, and the call said so. */
  private static final class RuntimeClosed extends Exception {
    private static final long serialVersionUID = 1L;
  }

  SoakWorker(
      IoRuntime runtime,
      AsyncFile shared,
      List<SoakRegion> regions,
      long seed,
      AtomicBoolean over,
      AtomicLong operations,
      AtomicLong givenUp) {
    this.runtime = runtime;
    this.shared = shared;
    this.regions = regions;
    this.random = new Random(seed);
    this.canaries = new SoakCanaries(random);
    this.over = over;
    this.operations = operations;
    this.givenUp = givenUp;
    this.path = shared.path();
    this.fs = Fs.on(runtime, random.nextBoolean() ? Blocking.ADAPTIVE : Blocking.FUTURES);
  }

  @Override
  public @Nullable Void call() throws Exception {
    try {
      while (!over.get()) {
        try (AsyncFile own = ownFile()) {
          for (int i = 0; i < 50 && !over.get(); i++) {
            step(random.nextBoolean() ? own : shared);
          }
        }
      }
    } catch (RuntimeClosed e) {
      // So there is nothing to do any more.
    }
    canaries.check();
    return null;
  }

  private AsyncFile ownFile() throws Exception {
    while (true) {
      CompletableFuture<AsyncFile> opening = runtime.openFile(path, READ, WRITE);
      Throwable failure = get(opening.handle((_, thrown) -> thrown));
      if (failure == null) {
        AsyncFile file = get(opening);
        return random.nextBoolean() ? file : file.callerRuns();
      }
      checkRefused(failure);
    }
  }

  private void step(AsyncFile file) throws Exception {
    operations.incrementAndGet();
    switch (random.nextInt(10)) {
      case 0, 1, 2 -> writeSome(file);
      case 3, 4, 5 -> readSome(file);
      case 6 -> facade();
      case 7 -> others(file);
      case 8 -> end(begin(() -> file.sync(random.nextBoolean() ? Sync.DATA : Sync.ALL)), random.nextBoolean());
      default -> readMany();
    }
  }

  // ---- futures ----

  /** Writes to several regions at once; each end is waited for, also where it is of no interest any more. */
  private void writeSome(AsyncFile file) throws Exception {
    int count = 1 + random.nextInt(regions.size());
    List<Runnable> ends = new ArrayList<>();
    List<IoFuture<?>> writes = new ArrayList<>();
    try {
      for (int i = 0; i < count; i++) {
        SoakRegion region = regions.get(i);
        SoakRegion.Attempt attempt = region.attempt(random);
        ByteBuffer source = canaries.take(attempt.bytes().length).put(attempt.bytes()).flip();
        IoFuture<?> write = begin(() -> write(file, attempt.bytes(), source, region.position() + attempt.offset()));
        writes.add(write);
        ends.add(
            () -> {
              noteWrite(write, region, attempt);
              canaries.over(source);
            });
      }
      for (IoFuture<?> write : writes) {
        maybeGiveUp(write);
      }
    } finally {
      for (int i = 0; i < writes.size(); i++) {
        awaitReleased(writes.get(i));
        ends.get(i).run();
      }
    }
    for (IoFuture<?> write : writes) {
      checkEnd(write);
    }
  }

  /** From the heap or from native memory, which hold the same. */
  private IoFuture<?> write(AsyncFile file, byte[] bytes, ByteBuffer source, long position) {
    return switch (random.nextInt(6)) {
      case 0 -> file.write(source, position);
      case 1 -> file.write(ByteBuffer.wrap(bytes), position);
      case 2 -> file.writeFully(MemorySegment.ofBuffer(source), position);
      case 3 -> file.writeFully(ByteBuffer.wrap(bytes), position);
      case 4 -> file.writeDurably(source, position);
      default -> {
        int half = bytes.length / 2;
        yield file.write(List.of(source.limit(half), ByteBuffer.wrap(bytes).position(half)), position);
      }
    };
  }

  private static void noteWrite(IoFuture<?> write, SoakRegion region, SoakRegion.Attempt attempt) {
    if (write.isCompletedExceptionally()) {
      region.inDoubt(attempt);
    } else {
      region.written(attempt, write.resultNow() instanceof Number count ? count.intValue() : attempt.bytes().length);
    }
  }

  private void readSome(AsyncFile file) throws Exception {
    SoakRegion region = regions.get(random.nextInt(regions.size()));
    int offset = random.nextInt(SoakRegion.BYTES);
    int length = 1 + random.nextInt(SoakRegion.BYTES - offset);
    long position = region.position() + offset;
    if (random.nextInt(4) == 0) {
      readIntoLease(file, region, offset, length);
      return;
    }
    ByteBuffer buffer = random.nextInt(4) == 0 ? ByteBuffer.allocate(length) : canaries.take(length);
    if (random.nextBoolean() && isTried(() -> file.tryRead(buffer, position))) {
      check(region, buffer, offset);
      canaries.over(buffer);
      return;
    }
    IoFuture<?> read =
        begin(
            () ->
                switch (random.nextInt(3)) {
                  case 0 -> file.read(buffer, position);
                  case 1 -> file.read(List.of(buffer), position);
                  default -> file.readFully(buffer, position);
                });
    try {
      end(read, random.nextBoolean());
      if (!read.isCompletedExceptionally()) {
        check(region, buffer, offset);
      }
    } finally {
      canaries.over(buffer);
    }
  }

  /** The lease of a read that was given up is closed at once: its memory must not be anybody else's before the read is over. */
  private void readIntoLease(AsyncFile file, SoakRegion region, int offset, int length) throws Exception {
    BufferPool.Lease lease = runtime.buffers().lease(length);
    try {
      ByteBuffer buffer = lease.buffer();
      IoFuture<?> read = begin(() -> file.readFully(buffer, region.position() + offset));
      if (random.nextBoolean()) {
        giveUp(read);
        lease.close();
        awaitReleased(read);
      } else {
        awaitReleased(read);
        if (!read.isCompletedExceptionally()) {
          check(region, buffer, offset);
        }
      }
      checkEnd(read);
    } finally {
      lease.close();
    }
  }

  private void others(AsyncFile file) throws Exception {
    boolean giveUp = random.nextBoolean();
    switch (random.nextInt(5)) {
      case 0 -> end(begin(file::size), giveUp);
      case 1 -> end(begin(file::stat), giveUp);
      case 2 -> end((IoFuture<?>) runtime.nop(), giveUp);
      case 3 -> end((IoFuture<?>) runtime.stat(path), giveUp);
      default -> end((IoFuture<?>) runtime.syncDirectory(Objects.requireNonNull(path.getParent())), giveUp);
    }
  }

  private boolean isTried(Callable<Integer> transfer) throws Exception {
    try {
      return transfer.call() != AsyncFile.NOT_NOW;
    } catch (IllegalStateException e) {
      checkRefused(e);
      throw e;
    }
  }

  private IoFuture<?> begin(Callable<IoFuture<?>> operation) throws Exception {
    try {
      return operation.call();
    } catch (IllegalStateException e) {
      // The runtime has closed its files.
      checkRefused(e);
      throw e;
    }
  }

  /** Waits for an operation, given up or not, to be over. */
  private void end(IoFuture<?> future, boolean giveUp) throws Exception {
    if (giveUp) {
      giveUp(future);
    }
    awaitReleased(future);
    checkEnd(future);
  }

  private void maybeGiveUp(IoFuture<?> future) {
    if (random.nextInt(8) == 0) {
      giveUp(future);
    }
  }

  private void giveUp(IoFuture<?> future) {
    boolean mine =
        switch (random.nextInt(3)) {
          case 0 -> future.cancel(true);
          case 1 -> future.completeExceptionally(new CancellationException("by hand"));
          default -> future.orTimeout(random.nextInt(300), TimeUnit.MICROSECONDS) == null;
        };
    givenUp.addAndGet(mine ? 1 : 0);
  }

  private static void awaitReleased(IoFuture<?> future) throws Exception {
    Void _ = get(future.released());
    Futures.settled(future);
  }

  private void checkEnd(CompletableFuture<?> future) throws Exception {
    if (future.isCompletedExceptionally()) {
      checkRefused(Futures.failure(future));
    }
  }

  /** A failure must be of the worker's own making, for want of room, or the end of the runtime. */
  private void checkRefused(Throwable failure) throws RuntimeClosed {
    Throwable cause = failure.getCause() == null ? failure : failure.getCause();
    String said = failure + " " + cause;
    if (failure instanceof CancellationException || failure instanceof TimeoutException) {
      return;
    }
    if (said.contains("closed") || cause instanceof ClosedChannelException || said.contains("ECANCELED")) {
      if (isClosed()) {
        throw new RuntimeClosed();
      }
      throw new AssertionError("the runtime is not closed, but: " + failure, failure);
    }
    if (!(failure instanceof RejectedExecutionException || cause instanceof RejectedExecutionException)) {
      throw new AssertionError(failure);
    }
  }

  private boolean isClosed() {
    Throwable refusal;
    do {
      refusal = runtime.nop().handle((_, thrown) -> thrown).join();
    } while (refusal != null && !String.valueOf(refusal.getMessage()).contains("closed"));
    return refusal != null;
  }

  // ---- the facade ----

  /** Under an interrupt now and then, which must change nothing. */
  private void facade() throws Exception {
    SoakRegion region = regions.get(random.nextInt(regions.size()));
    SoakRegion.Attempt attempt = region.attempt(random);
    boolean begun = false;
    if (random.nextInt(4) == 0) {
      Thread.currentThread().interrupt();
    }
    try (FsFile file = fs.open(path, FsOpenOptions.updating())) {
      begun = true;
      ByteBuffer source = ByteBuffer.wrap(attempt.bytes());
      if (random.nextBoolean()) {
        source = ByteBuffer.allocateDirect(attempt.bytes().length).put(source).flip();
      }
      int count = file.writeAt(source, region.position() + attempt.offset());
      region.written(attempt, count);
      begun = false;
      ByteBuffer back = ByteBuffer.allocateDirect(SoakRegion.BYTES);
      int read = file.readAt(back, region.position());
      check(region, back, 0);
      if (read != SoakRegion.BYTES) {
        throw new AssertionError("read " + read);
      }
    } catch (IOException e) {
      if (begun) {
        region.inDoubt(attempt);
      }
      boolean _ = Thread.interrupted();
      checkRefused(e);
    } finally {
      boolean _ = Thread.interrupted();
    }
  }

  private void readMany() throws Exception {
    List<ReadRequest> requests = new ArrayList<>();
    for (SoakRegion region : regions) {
      requests.add(new ReadRequest(ByteBuffer.allocateDirect(SoakRegion.BYTES), region.position()));
    }
    try (FsFile file = fs.open(path, FsOpenOptions.reading())) {
      file.readMany(requests);
    } catch (IOException e) {
      checkRefused(e);
      return;
    }
    for (int i = 0; i < regions.size(); i++) {
      check(regions.get(i), requests.get(i).dst(), 0);
    }
  }

  private static void check(SoakRegion region, ByteBuffer read, int offset) {
    byte[] bytes = new byte[read.position()];
    read.duplicate().flip().get(bytes);
    region.check(bytes, 0, offset, bytes.length);
  }

  /** What every platform thread is doing. */
  static String stacks() {
    return Thread.getAllStackTraces().entrySet().stream()
        .map((Map.Entry<Thread, StackTraceElement[]> e) -> e.getKey() + "\n  " + List.of(e.getValue()))
        .collect(Collectors.joining("\n"));
  }
}
