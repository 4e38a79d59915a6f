package dev.annulus;

import dev.annulus.adapter.nio.AnnulusAsynchronousFileChannel;
import dev.annulus.adapter.nio.AnnulusFileChannel;
import dev.annulus.fs.Fs;
import dev.annulus.fs.FsFile;
import dev.annulus.fs.FsOpenOptions;
import dev.annulus.internal.driver.Driver;
import dev.annulus.internal.driver.Whereabouts;
import dev.annulus.internal.runtime.RingDriver;
import dev.annulus.testing.FaultPoint;
import java.io.Closeable;
import java.io.IOException;
import java.lang.reflect.Field;
import java.nio.ByteBuffer;
import java.nio.channels.AsynchronousFileChannel;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Predicate;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * What is done while the JVM's errors are thrown at it. Loaded by a {@link dev.annulus.testing.FaultLoader} and called by reflection: only
 * types of the JDK's go in and out.
 */
final class FaultScenarios {
  private static final long PATIENCE_MILLIS = 5_000;
  private static final int BYTES = 512;
  private static final int IN_FLIGHT = 16;
  private static final int POOL_BYTES = 1 << 20;

  private static final String THREAD = "faulty-reaper";
  private static final int MAX_HITS = 20_000;
  private static final int MAX_DEPTH = 500;

  /** From here on it is only found out whether there is room, by calls one below the other. */
  private static final int FAR_DOWN = 60;

  private static final int FAR_STEP = 25;

  private interface Scenario {
    void run(World world) throws Exception;
  }

  private static final Map<String, Scenario> SCENARIOS = new LinkedHashMap<>();

  static {
    SCENARIOS.put("read", w -> w.await(w.file.read(w.direct(), 0)));
    SCENARIOS.put("read into heap", w -> w.await(w.file.read(ByteBuffer.allocate(BYTES), 0)));
    SCENARIOS.put("read into lease", FaultScenarios::readIntoLease);
    SCENARIOS.put("readFully past the end", w -> w.await(w.file.readFully(w.direct(), 1_000_000)));
    SCENARIOS.put("write", w -> w.await(w.file.write(w.direct(), 0)));
    SCENARIOS.put("writeFully", w -> w.await(w.file.writeFully(ByteBuffer.allocate(BYTES), 0)));
    SCENARIOS.put("sync", w -> w.await(w.file.sync(Sync.DATA)));
    SCENARIOS.put("syncs together", FaultScenarios::syncsTogether);
    SCENARIOS.put("writeDurably", w -> w.await(w.file.writeDurably(w.direct(), 0)));
    SCENARIOS.put("vectors", w -> w.await(w.file.read(List.of(w.direct(), ByteBuffer.allocate(BYTES)), 0)));
    SCENARIOS.put("readMany", FaultScenarios::readMany);
    SCENARIOS.put("size", w -> w.await(w.file.size()));
    SCENARIOS.put("tryLock", w -> w.await(w.file.tryLockExclusive()));
    SCENARIOS.put("open and close", FaultScenarios::openAndClose);
    SCENARIOS.put("open what is not there", w -> w.await(w.runtime.openFile(w.directory.resolve("none"))));
    SCENARIOS.put("stat", w -> w.await(w.runtime.stat(w.path)));
    SCENARIOS.put("delete and create", FaultScenarios::deleteAndCreate);
    SCENARIOS.put("rename", w -> w.await(w.runtime.rename(w.path, w.path)));
    SCENARIOS.put("syncDirectory", w -> w.await(w.runtime.syncDirectory(w.directory)));
    SCENARIOS.put("readDirectory", w -> w.await(w.runtime.readDirectory(w.directory)));
    SCENARIOS.put("nop", w -> w.await(w.runtime.nop()));
    SCENARIOS.put("released asked for", FaultScenarios::releasedAskedFor);
    SCENARIOS.put("dependents", FaultScenarios::dependents);
    SCENARIOS.put("waiter on another thread", FaultScenarios::waiterElsewhere);
    SCENARIOS.put("cancelled", FaultScenarios::cancelled);
    SCENARIOS.put("cancelled late", FaultScenarios::cancelledLate);
    SCENARIOS.put("tries", FaultScenarios::tries);
    SCENARIOS.put("caller runs", FaultScenarios::callerRuns);
    SCENARIOS.put("short of everything", FaultScenarios::aligned);
    SCENARIOS.put("submitted by a dependent", FaultScenarios::submittedByDependent);
    SCENARIOS.put("readFully", w -> w.await(w.file.readFully(ByteBuffer.allocate(BYTES), 0)));
    SCENARIOS.put("write heap vectors", w -> w.await(w.file.write(List.of(ByteBuffer.allocate(BYTES), w.direct()), 0)));
    SCENARIOS.put("heap in pieces", FaultScenarios::heapInPieces);
    SCENARIOS.put("file that syncs each write", FaultScenarios::syncedFile);
    SCENARIOS.put("writes that sync each, together", FaultScenarios::syncedTogether);
    SCENARIOS.put("durable on callers' threads", w -> w.await(w.synced.callerRuns().writeDurably(w.direct(), 0)));
    SCENARIOS.put("facade", FaultScenarios::facade);
    SCENARIOS.put("cursor of the facade", FaultScenarios::facadeCursor);
    SCENARIOS.put("remove tree", FaultScenarios::removeTree);
    SCENARIOS.put("channel", FaultScenarios::channel);
    SCENARIOS.put("asynchronous channel", FaultScenarios::asynchronousChannel);
    SCENARIOS.put("close with a read in flight", FaultScenarios::closeInFlight);
    SCENARIOS.put("close and wait", FaultScenarios::closeAndWait);
    SCENARIOS.put("lease without the pool", FaultScenarios::plainLease);
    SCENARIOS.put("timeout", FaultScenarios::timeout);
    SCENARIOS.put("cancelled while queued", FaultScenarios::cancelledWhileQueued);
  }

  /** The operations of these end when they are cancelled, which those of the portable backend do not. */
  private static final List<String> ENDLESS = List.of("cancelled", "timeout", "cancelled while queued");

  private FaultScenarios() {}

  /** The names of the scenarios for a backend. */
  static List<String> names(String backend) {
    List<String> names = new ArrayList<>(SCENARIOS.keySet());
    if (backend.equals("PORTABLE")) {
      boolean _ = names.removeAll(ENDLESS);
    }
    return names;
  }

  /** Runs a scenario on a stack that ends one frame below here, then two, and so on, until there is enough. */
  static int runAtEachDepth(String name, String backend) throws Exception {
    Scenario scenario = Objects.requireNonNull(SCENARIOS.get(name));
    try (World world = new World(false, Backend.valueOf(backend))) {
      scenario.run(world);
      for (int depth = 1; depth < MAX_DEPTH; depth += depth < FAR_DOWN ? 1 : FAR_STEP) {
        FaultPoint.armDepth(Thread.currentThread(), depth);
        Error fault = null;
        try {
          scenario.run(world);
        } catch (VirtualMachineError | MatchException e) {
          // It is told to the caller.
        } finally {
          fault = FaultPoint.disarm();
        }
        world.check(name + ", stack ends at " + depth, fault);
        if (fault == null) {
          return depth - 1;
        }
      }
    }
    throw new AssertionError(name + " never ends");
  }

  /**
   * Runs a scenario with an error at the first hit, then at the second, and so on until there are no more.
   *
   * @param reaper whether errors are thrown on the runtime's thread, or on the one that calls
   * @param times how many hits throw in a row
   * @param step hits between two runs
   * @return at how many hits errors were thrown
   */
  static int run(String name, String backend, boolean reaper, boolean executor, int times, int step) throws Exception {
    Scenario scenario = Objects.requireNonNull(SCENARIOS.get(name));
    Thread caller = Thread.currentThread();
    Predicate<Thread> threads =
        reaper ? thread -> thread.getName().startsWith(THREAD) : thread -> thread == caller;
    try (World world = new World(executor, Backend.valueOf(backend))) {
      for (int i = 0; i < 3; i++) {
        scenario.run(world);
        world.check("before any error", null);
      }
      int hit = 1;
      for (int thrown = 0; ; thrown++, hit += step) {
        FaultPoint.arm(threads, hit, times);
        Error fault = null;
        try {
          scenario.run(world);
        } catch (VirtualMachineError | MatchException e) {
          // It is told to the caller, perhaps wrapped by a record pattern.
        } finally {
          fault = FaultPoint.disarm();
        }
        world.check(name + ", error at hit " + hit, fault);
        if (fault == null) {
          return thrown;
        }
        if (hit > MAX_HITS) {
          throw new AssertionError(name + " never ends");
        }
      }
    }
  }

  /** Closes a runtime with operations in flight, likewise. */
  static int close(boolean reaper, int times, int step) throws Exception {
    int thrown = 0;
    for (int hit = 1; ; hit += step) {
      Error fault = closeOnce(reaper, times, hit);
      if (fault == null) {
        return thrown;
      }
      thrown++;
    }
  }

  private static @Nullable Error closeOnce(boolean reaper, int times, int hit) throws Exception {
    World world = new World(false, Backend.IO_URING);
    List<CompletableFuture<?>> futures = new ArrayList<>();
    futures.add(world.pipe.read(world.direct(), 0));
    futures.add(world.file.read(world.direct(), 0));
    futures.add(world.file.sync(Sync.DATA));
    futures.add(world.runtime.readDirectory(world.directory));
    FutureCloser closer = new FutureCloser(world.runtime);
    Predicate<Thread> threads =
        reaper ? thread -> thread.getName().startsWith(THREAD) : thread -> thread == closer.thread;
    FaultPoint.arm(threads, hit, times);
    closer.thread.start();
    closer.thread.join(PATIENCE_MILLIS);
    Error fault = FaultPoint.disarm();
    if (closer.thread.isAlive()) {
      throw trouble("close, error at hit " + hit + ": does not return", fault, null);
    }
    FutureCloser again = new FutureCloser(world.runtime);
    again.thread.start();
    again.thread.join(PATIENCE_MILLIS);
    if (again.thread.isAlive()) {
      throw trouble("close once more, error at hit " + hit + ": does not return", fault, null);
    }
    for (CompletableFuture<?> future : futures) {
      World.awaitEnd(future, "close, error at hit " + hit, fault);
    }
    world.deleteFiles();
    return fault;
  }

  private static final class FutureCloser {
    final Thread thread;

    FutureCloser(IoRuntime runtime) {
      thread =
          Thread.ofPlatform()
              .daemon()
              .unstarted(
                  () -> {
                    try {
                      runtime.close();
                    } catch (VirtualMachineError e) {
                      // It is told to the caller.
                    }
                  });
    }
  }

  private static AssertionError trouble(String what, @Nullable Error fault, @Nullable Throwable cause) {
    AssertionError error = new AssertionError(what, cause);
    if (fault != null) {
      error.addSuppressed(fault);
    }
    return error;
  }

  // ---- scenarios of more than a line ----

  private static void readIntoLease(World w) throws Exception {
    BufferPool.Lease lease = w.runtime.buffers().lease(4096);
    try {
      w.await(w.file.read(lease.buffer(), 0));
      lease.close();
    } finally {
      lease.close(); // as a caller would who was told that it failed
    }
  }

  private static void syncsTogether(World w) throws Exception {
    IoFuture<Void> first = w.track(w.file.sync(Sync.DATA));
    IoFuture<Void> second = w.track(w.file.sync(Sync.ALL));
    w.await(w.file.sync(Sync.DATA));
    w.await(first);
    w.await(second);
  }

  private static void readMany(World w) throws Exception {
    List<IoFuture<Void>> reads =
        w.file.readMany(List.of(new BufferAt(w.direct(), 0), new BufferAt(ByteBuffer.allocate(BYTES), 0), new BufferAt(w.direct(), 1)));
    for (IoFuture<Void> read : reads) {
      w.await(read);
    }
  }

  private static void openAndClose(World w) throws Exception {
    AsyncFile opened = w.await(w.runtime.openFile(w.path, StandardOpenOption.READ));
    if (opened != null) {
      try {
        w.await(opened.closeAsync());
      } finally {
        w.awaitClosed(opened);
      }
    }
  }

  private static void deleteAndCreate(World w) throws Exception {
    Path path = w.directory.resolve("made");
    w.await(w.runtime.createDirectory(path));
    w.await(w.runtime.delete(path));
  }

  private static void releasedAskedFor(World w) throws Exception {
    IoFuture<Integer> read = w.track(w.file.read(w.direct(), 0));
    CompletableFuture<Void> released = w.track(read.released());
    w.await(read);
    w.await(released);
    w.await(read.released());
  }

  private static void dependents(World w) throws Exception {
    IoFuture<Integer> read = w.track(w.file.read(w.direct(), 0));
    AtomicInteger runs = new AtomicInteger();
    CompletableFuture<Integer> first = w.track(read.whenComplete((_, _) -> runs.incrementAndGet()));
    w.await(read);
    w.await(first);
    if (runs.get() > 1) {
      throw new AssertionError("ran " + runs.get() + " times");
    }
    IoFuture<Void> failing = w.track(w.file.readFully(w.direct(), 1_000_000));
    CompletableFuture<Void> second = w.track(failing.whenComplete((_, _) -> runs.incrementAndGet()));
    w.await(failing);
    w.await(second);
    if (runs.get() > 2) {
      throw new AssertionError("ran " + runs.get() + " times");
    }
  }

  private static void waiterElsewhere(World w) throws Exception {
    IoFuture<Integer> read = w.track(w.file.read(w.direct(), 0));
    CompletableFuture<Void> joined = w.track(new CompletableFuture<>());
    Thread _ =
        Thread.ofPlatform()
            .daemon()
            .start(
                () -> {
                  try {
                    Object _ = read.join();
                  } catch (Throwable e) {
                    // It has ended.
                  }
                  joined.complete(null);
                });
    w.await(joined);
  }

  private static void cancelled(World w) throws Exception {
    IoFuture<Integer> read = w.track(w.pipe.read(w.direct(), 0));
    w.endless.add(read);
    CompletableFuture<Void> released = w.track(read.released());
    boolean _ = read.cancel(true);
    w.await(read);
    w.await(released);
  }

  private static void cancelledLate(World w) throws Exception {
    IoFuture<Integer> read = w.track(w.file.read(w.direct(), 0));
    try {
      boolean _ = read.complete(7);
    } finally {
      boolean _ = read.complete(7);
    }
    w.await(read);
    w.await(read.released());
  }

  private static void tries(World w) {
    int _ = w.file.tryRead(w.direct(), 0);
    int _ = w.file.callerRuns().tryRead(w.direct(), 0);
    int _ = w.file.callerRuns().tryWrite(w.direct(), 0);
  }

  private static void callerRuns(World w) throws Exception {
    AsyncFile here = w.file.callerRuns();
    w.await(here.read(w.direct(), 0));
    w.await(here.write(w.direct(), 0));
    w.await(here.sync(Sync.DATA));
    w.await(here.writeDurably(w.direct(), 0));
  }

  private static void aligned(World w) throws Exception {
    w.await(w.file.allocate(0, BYTES));
    w.await(w.file.truncate(BYTES * 4L));
  }

  private static void submittedByDependent(World w) throws Exception {
    IoFuture<Integer> read = w.track(w.file.read(w.direct(), 0));
    CompletableFuture<Integer> second = read.thenCompose(_ -> w.track(w.file.read(w.direct(), 0)));
    w.await(read);
    if (!w.mayLoseDependents) {
      w.await(second);
    }
  }

  private static void heapInPieces(World w) throws Exception {
    ByteBuffer large = ByteBuffer.allocate(3 << 20);
    w.await(w.file.writeFully(large, 0));
    w.await(w.file.read(large.clear(), 0));
    w.await(w.file.truncate(BYTES * 4L));
  }

  private static void syncedFile(World w) throws Exception {
    w.await(w.synced.write(w.direct(), 0));
    w.await(w.synced.sync(Sync.DATA));
    w.await(w.synced.read(w.direct(), 0));
  }

  private static void syncedTogether(World w) throws Exception {
    IoFuture<Integer> first = w.track(w.synced.write(w.direct(), 0));
    IoFuture<Integer> second = w.track(w.synced.write(w.direct(), BYTES));
    IoFuture<Void> third = w.track(w.synced.sync(Sync.DATA));
    w.await(first);
    w.await(second);
    w.await(third);
  }

  private static void facade(World w) throws Exception {
    try (FsFile file = Fs.on(w.runtime).open(w.path, FsOpenOptions.reading())) {
      int _ = file.readAt(w.direct(), 0);
      file.syncData();
    } catch (IOException e) {
      // It is told to the caller.
    }
  }

  private static void facadeCursor(World w) throws Exception {
    try (FsFile file = Fs.on(w.runtime).open(w.path, FsOpenOptions.updating())) {
      int _ = file.read(w.direct());
      int _ = file.write(w.direct());
      FsFile _ = file.position(0);
      boolean _ = file.tryLockExclusive();
      file.unlock();
    } catch (IOException e) {
      // It is told to the caller.
    }
  }

  private static void removeTree(World w) throws Exception {
    Path tree = w.directory.resolve("tree");
    Path _ = Files.write(Files.createDirectories(tree.resolve("a").resolve("b")).resolve("f"), new byte[1]);
    Path _ = Files.createDirectories(tree.resolve("c"));
    w.await(w.runtime.removeTree(tree));
  }

  private static void channel(World w) throws Exception {
    try (FileChannel channel = AnnulusFileChannel.open(w.runtime, w.path, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
      int _ = channel.read(w.direct());
      int _ = channel.write(w.direct());
      int _ = channel.write(w.direct(), 0);
      FileChannel _ = channel.position(0);
      FileLock lock = channel.tryLock();
      if (lock != null) {
        lock.release();
      }
      channel.force(false);
    } catch (IOException e) {
      // It is told to the caller.
    }
  }

  private static void asynchronousChannel(World w) throws Exception {
    try (AsynchronousFileChannel channel = AnnulusAsynchronousFileChannel.open(w.runtime, w.path, StandardOpenOption.READ)) {
      java.util.concurrent.Future<Integer> read = channel.read(w.direct(), 0);
      Integer _ = read.get(PATIENCE_MILLIS, TimeUnit.MILLISECONDS);
    } catch (IOException | ExecutionException e) {
      // It is told to the caller.
    }
  }

  private static void closeInFlight(World w) throws Exception {
    AsyncFile opened = w.await(w.runtime.openFile(w.path, StandardOpenOption.READ));
    if (opened != null) {
      try {
        IoFuture<Integer> _ = w.track(opened.read(w.direct(), 0));
        w.await(opened.closeAsync());
      } finally {
        w.awaitClosed(opened);
      }
    }
  }

  private static void closeAndWait(World w) throws Exception {
    AsyncFile opened = w.await(w.runtime.openFile(w.path, StandardOpenOption.READ));
    if (opened != null) {
      try {
        opened.close();
      } finally {
        w.awaitClosed(opened);
      }
    }
  }

  private static void plainLease(World w) throws Exception {
    BufferPool.Lease lease = w.runtime.buffers().lease(2 * POOL_BYTES);
    try {
      w.await(w.file.read(lease.buffer().slice(0, BYTES), 0));
    } finally {
      lease.close();
    }
  }

  private static void timeout(World w) throws Exception {
    IoFuture<Integer> read = w.track(w.pipe.read(w.direct(), 0));
    w.endless.add(read);
    CompletableFuture<Integer> _ = read.orTimeout(1, TimeUnit.MILLISECONDS);
    w.await(read.released());
  }

  private static void cancelledWhileQueued(World w) throws Exception {
    List<IoFuture<Integer>> reads = new ArrayList<>();
    try {
      for (int i = 0; i < IN_FLIGHT + 3; i++) {
        reads.add(w.track(w.pipe.read(w.direct(), 0)));
      }
      for (int i = reads.size() - 1; i >= 0; i--) {
        boolean _ = reads.get(i).cancel(true);
      }
    } finally {
      w.endless.addAll(reads);
    }
    for (IoFuture<Integer> read : reads) {
      w.await(read.released());
    }
  }

  /** A runtime, a file of its, and what is to be looked at when all is over. */
  private static final class World implements Closeable {
    final Backend backend;
    final Path directory;
    final Path path;
    final IoRuntime runtime;
    final AsyncFile file;
    final AsyncFile pipe;
    final AsyncFile synced;
    final List<CompletableFuture<?>> tracked = new CopyOnWriteArrayList<>();
    final List<CompletableFuture<?>> endless = new ArrayList<>();

    /** A dependent of the JDK's may be lost by an error in the JDK's own code. */
    final boolean mayLoseDependents = true;

    /** Descriptors that are open for as long as this. */
    private final int descriptors;

    private final ByteBuffer buffer = ByteBuffer.allocateDirect(BYTES);

    World(boolean executor, Backend backend) throws Exception {
      this.backend = backend;
      directory = Files.createTempDirectory("faults");
      path = Files.write(directory.resolve("file"), new byte[BYTES * 4]);
      Path fifo = directory.resolve("fifo");
      if (new ProcessBuilder("mkfifo", fifo.toString()).start().waitFor() != 0) {
        throw new IOException("mkfifo failed");
      }
      IoRuntime.Builder builder =
          IoRuntime.builder()
              .backend(backend)
              .maxInFlight(IN_FLIGHT)
              .maxQueued(8)
              .bufferPool(POOL_BYTES)
              .inlineReads(false)
              .closeTimeout(Duration.ofMillis(5))
              .threadName(THREAD);
      if (executor) {
        builder.completionExecutor(Runnable::run);
      }
      runtime = builder.open();
      file = runtime.openFile(path, StandardOpenOption.READ, StandardOpenOption.WRITE).get(5, TimeUnit.SECONDS);
      synced =
          runtime
              .openFile(path, StandardOpenOption.READ, StandardOpenOption.WRITE, StandardOpenOption.DSYNC)
              .get(5, TimeUnit.SECONDS);
      pipe = runtime.openFile(fifo, StandardOpenOption.READ, StandardOpenOption.WRITE).get(5, TimeUnit.SECONDS);
      descriptors = openDescriptors();
    }

    ByteBuffer direct() {
      return buffer.duplicate();
    }

    @SuppressWarnings("FutureReturnValueIgnored") // it is looked at by check
    <F extends CompletableFuture<?>> F track(F future) {
      tracked.add(future);
      return future;
    }

    /** What the future ended with, or {@code null} if it failed. */
    <T> @Nullable T await(CompletableFuture<T> future) throws Exception {
      CompletableFuture<T> _ = track(future);
      try {
        return future.get(PATIENCE_MILLIS, TimeUnit.MILLISECONDS);
      } catch (ExecutionException | java.util.concurrent.CancellationException e) {
        return null;
      } catch (TimeoutException e) {
        return null; // found by check
      }
    }

    static void awaitEnd(CompletableFuture<?> future, String when, @Nullable Error fault) throws Exception {
      try {
        Object _ = future.get(PATIENCE_MILLIS, TimeUnit.MILLISECONDS);
      } catch (ExecutionException | java.util.concurrent.CancellationException e) {
        // It has ended.
      } catch (TimeoutException e) {
        throw trouble(when + ": a future does not end", fault, e);
      }
    }

    void awaitClosed(AsyncFile opened) throws Exception {
      await(opened.closeAsync());
    }

    /** The inventory. */
    void check(String when, @Nullable Error fault) throws Exception {
      for (CompletableFuture<?> future : endless) {
        boolean _ = future.cancel(true); // as a caller would who was told that it failed
      }
      endless.clear();
      for (CompletableFuture<?> future : tracked) {
        awaitEnd(future, when, fault);
        if (future.state() == Future.State.SUCCESS && future.resultNow() instanceof AsyncFile opened) {
          awaitEnd(opened.closeAsync(), when, fault);
        }
      }
      tracked.clear();
      // The next who uses a file gives back what several errors in a row have kept its user from giving back.
      Object _ = await(file.read(direct(), 0));
      Object _ = await(pipe.size());
      Object _ = await(synced.size());
      tracked.clear();
      awaitZero(() -> leases(synced), when + ": leases are kept on the file that syncs", fault);
      awaitZero(() -> (int) engine().heapCopies().blocks().lentBytes(), when + ": native memory is kept", fault);
      if (openDescriptors() != descriptors) {
        System.gc(); // of the facade, one that an error has kept from its caller is closed as dropped
      }
      awaitZero(() -> openDescriptors() - descriptors, when + ": descriptors are kept", fault);
      awaitZero(this::inUsersCode, when + ": the reaper is thought to be in users' code", fault);
      awaitZero(() -> leases(file), when + ": leases are kept", fault);
      awaitZero(() -> leases(pipe), when + ": leases are kept on the pipe", fault);
      awaitZero(() -> runtime.stats().inFlight(), when + ": slots are kept", fault);
      awaitZero(() -> runtime.stats().queued(), when + ": places are kept", fault);
      awaitZero(() -> (int) runtime.stats().buffers().leasedBytes(), when + ": pages are kept", fault);
      succeeds(file.read(direct(), 0), when + ": afterwards", fault);
      if (backend == Backend.IO_URING) {
        // A thread of the portable backend's cannot tell how far a sync has come that was cut, and the file remembers that.
        succeeds(file.sync(Sync.DATA), when + ": a sync afterwards", fault);
      }
    }

    private static void succeeds(CompletableFuture<?> future, String when, @Nullable Error fault) throws Exception {
      try {
        Object _ = future.get(PATIENCE_MILLIS, TimeUnit.MILLISECONDS);
      } catch (ExecutionException | TimeoutException e) {
        throw trouble(when, fault, e);
      }
    }

    private interface Count {
      int now() throws Exception;
    }

    private static void awaitZero(Count count, String what, @Nullable Error fault) throws Exception {
      long deadline = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(PATIENCE_MILLIS);
      while (count.now() != 0) {
        if (System.nanoTime() > deadline) {
          throw trouble(what + ": " + count.now(), fault, null);
        }
        Thread.onSpinWait();
      }
    }

    private Engine engine() throws Exception {
      return ((OpenDescriptor) get(file, "descriptor")).engine();
    }

    /** Those of the process for files in this directory. */
    private int openDescriptors() throws IOException {
      int count = 0;
      try (Stream<Path> all = Files.list(Path.of("/proc/self/fd"))) {
        for (Path one : all.toList()) {
          try {
            count += Files.readSymbolicLink(one).startsWith(directory) ? 1 : 0;
          } catch (NoSuchFileException e) {
            // That of the list itself.
          }
        }
      }
      return count;
    }

    private int inUsersCode() throws Exception {
      Driver driver = engine().driver();
      if (driver instanceof RingDriver) {
        Whereabouts where = (Whereabouts) get(get(driver, "reaper"), "where");
        return Whereabouts.isInUsersCode(where.sequence()) ? 1 : 0;
      }
      return 0;
    }

    private static Object get(Object object, String field) throws ReflectiveOperationException {
      Field found = object.getClass().getDeclaredField(field);
      found.setAccessible(true);
      return Objects.requireNonNull(found.get(object));
    }

    private static int leases(AsyncFile file) throws Exception {
      return ((AtomicInteger) get(get(file, "descriptor"), "leases")).get();
    }

    @Override
    public void close() throws IOException {
      runtime.close();
      deleteFiles();
    }

    void deleteFiles() throws IOException {
      try (Stream<Path> all = Files.walk(directory)) {
        for (Path one : all.sorted(Comparator.reverseOrder()).toList()) {
          Files.delete(one);
        }
      }
    }
  }
}
