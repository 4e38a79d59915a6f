package dev.annulus;

import dev.annulus.internal.driver.Closing;
import dev.annulus.internal.driver.Driver;
import dev.annulus.internal.driver.DriverConfig;
import dev.annulus.internal.driver.DriverStats;
import dev.annulus.internal.driver.DriverThread;
import dev.annulus.internal.driver.Operation;
import dev.annulus.internal.driver.StatResult;
import dev.annulus.internal.driver.Unavailable;
import java.nio.file.FileSystems;
import java.nio.file.LinkOption;
import java.nio.file.OpenOption;
import java.nio.file.Path;
import java.nio.file.ProviderMismatchException;
import java.nio.file.attribute.FileAttribute;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/**
 * Carries out file operations and completes their futures. Safe for use by any number of threads; one runtime serves a whole
 * application.
 *
 * <p>A runtime owns one ring and one thread, the reaper, which submits operations to the kernel, waits for their completions and
 * completes the futures. Operations beyond {@link Builder#maxInFlight(int)} queue; when {@link Builder#maxQueued(int)} wait
 * already, submitters wait too, or are refused ({@link Builder#whenFull}). Submissions made on the reaper thread, by a dependent of
 * a future, are never held up: it could not wait for itself.
 *
 * <p>Paths must be of the default file system; others fail with {@link ProviderMismatchException} on the calling thread. Futures
 * of operations on paths fail with the {@link java.nio.file.FileSystemException} that {@code java.nio.file} would throw; its cause
 * is an {@link ErrnoException}. All of them are cancellable like an {@link IoFuture}, and an {@code openFile} that is cancelled
 * closes the file that comes late.
 */
public final class IoRuntime implements AutoCloseable {
  private final String name;
  private final Backend backend;
  private final Driver driver;
  private final Engine engine;
  private final Duration closeTimeout;
  private final AtomicReference<@Nullable Closing> closing = new AtomicReference<>();

  /** On any driver: tests bring one of their own. */
  IoRuntime(String name, Backend backend, Driver driver, Policies policies, Duration closeTimeout) {
    this.name = RuntimeNames.next(name);
    this.backend = backend;
    this.driver = driver;
    this.engine = new Engine(driver, policies);
    this.closeTimeout = closeTimeout;
  }

  /**
   * Opens a runtime on the best backend this machine allows, with default limits.
   *
   * @return a runtime, to be closed
   */
  public static IoRuntime open() {
    return builder().open();
  }

  /**
   * Starts the making of a runtime with limits and policies of one's own.
   *
   * @return a builder with the defaults
   */
  public static Builder builder() {
    return new Builder();
  }

  /**
   * Tries whether io_uring can be used here, by making a ring of the default size and taking it down again.
   *
   * @return that it is available, or why not and what to do about it
   */
  public static Availability ioUring() {
    try {
      Drivers.probeIoUring(Builder.USUAL_IN_FLIGHT);
      return Availability.yes();
    } catch (Unavailable e) {
      return Availability.no(e);
    }
  }

  /**
   * Tells this runtime from the others of the process, in meters for example.
   *
   * @return its {@linkplain Builder#threadName thread's name}; with a number for all but the first that was opened by that name
   */
  public String name() {
    return name;
  }

  /**
   * What carries out this runtime's operations.
   *
   * @return the backend really in use, never {@link Backend#AUTO}
   */
  public Backend backend() {
    return backend;
  }

  /**
   * Whether the calling thread is one of the runtime's own, such as the one dependents of its futures run on. Waiting there for an
   * operation of this runtime would be waiting for oneself.
   *
   * @return whether it is
   */
  public boolean isRuntimeThread() {
    return driver.onDriverThread();
  }

  /**
   * What the runtime is doing and has done.
   *
   * @return a snapshot
   */
  public RuntimeStats stats() {
    DriverStats s = driver.stats();
    return new RuntimeStats(
        s.inFlight(),
        s.queued(),
        s.submitted(),
        s.completed(),
        s.failed(),
        s.cancelled(),
        s.enters(),
        s.wakeups(),
        s.completionQueueOverflows(),
        s.retries(),
        engine.inlineReads().hits(),
        engine.inlineReads().misses(),
        s.staleCompletions(),
        s.abandoned(),
        engine.bufferPool().stats(s.registeredBytes()),
        driver.description());
  }

  /**
   * The operations that have been running for longer than a second, counted by the mount point of
   * their file system: a large number shows a device that does not answer. Only operations that the
   * kernel or a helper thread runs are counted, not those that wait for their turn, nor those that run
   * on their callers' threads; with the portable backend none do. Paths are looked up by name, so that an operation on a path with a
   * symbolic link in it may be counted for the file system of the link. An operation whose file system
   * cannot be found counts for {@code "(unknown)"}.
   *
   * <p>Asks nothing of the file systems and costs operations nothing; takes up to about a millisecond
   * when there are any such operations. Safe from any thread. On other systems than Linux all count
   * for {@code "(unknown)"}.
   *
   * @return an unmodifiable snapshot, empty if no operation hangs
   */
  public Map<String, Integer> hungOperations() {
    return driver.hungOperations();
  }

  /**
   * The runtime's own buffers: aligned for direct I/O, and known to the kernel beforehand where that is allowed.
   *
   * @return the pool to lease them from
   */
  public BufferPool buffers() {
    return engine.bufferPool();
  }

  /**
   * Has a listener told of what this runtime does from now on. As long as there is one, each operation costs a little more.
   *
   * @param listener told once for each time it was added
   */
  public void addListener(RuntimeListener listener) {
    engine.listeners().add(listener);
  }

  /**
   * Tells a listener nothing more, save how operations end that began before. Harmless if it was not added.
   *
   * @param listener as it was added
   */
  public void removeListener(RuntimeListener listener) {
    engine.listeners().remove(listener);
  }

  /**
   * Opens or creates a file. Options mean what they mean to {@link java.nio.channels.FileChannel#open(Path, OpenOption...)}: {@code
   * CREATE}, {@code CREATE_NEW} and {@code TRUNCATE_EXISTING} are ignored when opening for reading only. Unlike there, {@code READ}
   * and {@code APPEND} go together. {@code ExtendedOpenOption.DIRECT} bypasses the page cache; positions, lengths and addresses
   * must then be aligned ({@link #directAlignment}). The descriptor is not inherited by child processes.
   *
   * <p>Open a named pipe for reading and writing. Opened one way while nobody has the other end, {@code FileChannel} and {@link
   * Backend#PORTABLE} wait. io_uring first tries without waiting: then it mostly fails with {@code ENXIO} for writing, and is open at once
   * for reading, where reads are at the end of file until somebody writes.
   *
   * @param path the file
   * @param options how to open it; none is {@code READ}
   * @return the open file, to be closed
   * @throws IllegalArgumentException for {@code APPEND} with {@code TRUNCATE_EXISTING}
   * @throws UnsupportedOperationException for an option that is not supported
   */
  public CompletableFuture<AsyncFile> openFile(Path path, OpenOption... options) {
    return openFile(path, new HashSet<>(Arrays.asList(options)));
  }

  /**
   * As {@link #openFile(Path, OpenOption...)}, with attributes for a file that is created.
   *
   * @param path the file
   * @param options how to open it; none is {@code READ}
   * @param attributes {@code posix:permissions} or nothing; subject to the umask
   * @return the open file, to be closed
   * @throws IllegalArgumentException for {@code APPEND} with {@code TRUNCATE_EXISTING}
   * @throws UnsupportedOperationException for an option or attribute that is not supported
   */
  public CompletableFuture<AsyncFile> openFile(
      Path path, Set<? extends OpenOption> options, FileAttribute<?>... attributes) {
    OpenSpec spec = OpenSpec.parse(options, attributes);
    return submit(new PathFuture.Open(engine, checked(path), spec));
  }

  /**
   * Asks what the file system knows of a path.
   *
   * @param path what to ask about
   * @param options {@link LinkOption#NOFOLLOW_LINKS} to ask about a link itself
   * @return the metadata
   */
  public CompletableFuture<FileStatus> stat(Path path, LinkOption... options) {
    boolean follow = !List.of(options).contains(LinkOption.NOFOLLOW_LINKS);
    StatResult result = new StatResult();
    Operation operation = new Operation.StatPath(checked(path), follow, result);
    return submit(new PathFuture<>(engine, operation, path, null, _ -> Statuses.of(result)));
  }

  /**
   * Asks what direct I/O on a file must be aligned to, so that buffers and positions can be chosen before it is opened.
   *
   * @param path an existing file
   * @return the alignment, or a careful guess where the system does not tell
   */
  public CompletableFuture<DirectAlignment> directAlignment(Path path) {
    StatResult result = new StatResult();
    Operation operation = new Operation.StatPath(checked(path), true, result);
    return submit(new PathFuture<>(engine, operation, path, null, _ -> Statuses.directAlignmentOf(result)));
  }

  /**
   * Creates a directory. Its parent must exist.
   *
   * @param dir the directory
   * @param attributes {@code posix:permissions} or nothing; subject to the umask
   * @return completes when it is there
   */
  public CompletableFuture<Void> createDirectory(Path dir, FileAttribute<?>... attributes) {
    int permissions = OpenSpec.directoryPermissions(attributes);
    return submit(action(new Operation.CreateDirectory(checked(dir), permissions), dir, null));
  }

  /**
   * Removes a file, a link (itself, not what it leads to), or an empty directory.
   *
   * @param path what to remove
   * @return completes when it is gone
   */
  public CompletableFuture<Void> delete(Path path) {
    return submit(new PathFuture.Delete(engine, checked(path)));
  }

  /**
   * Removes a file, or a link itself, but no directory.
   *
   * @param file what to remove
   * @return completes when it is gone; fails with {@link ErrorKind#IS_A_DIRECTORY} for a directory
   */
  public CompletableFuture<Void> deleteFile(Path file) {
    return submit(action(new Operation.Remove(checked(file), false), file, null));
  }

  /**
   * Renames, atomically replacing what the target names: at any moment the target is either the old file or the new one.
   *
   * @param source what to rename
   * @param target its new name, on the same file system
   * @return completes when done; use {@link #syncDirectory} to make it survive a crash
   */
  public CompletableFuture<Void> rename(Path source, Path target) {
    return submit(action(new Operation.Rename(checked(source), checked(target)), source, target));
  }

  /**
   * Gives an existing file another name: a hard link.
   *
   * @param link the new name, which must be free
   * @param existing the file
   * @return completes when done
   */
  public CompletableFuture<Void> link(Path link, Path existing) {
    return submit(action(new Operation.Link(checked(link), checked(existing)), existing, link));
  }

  /**
   * Puts a directory on stable storage, so that names created, renamed or removed in it survive a crash.
   * Concurrent calls for one directory share.
   *
   * <p>When it fails, names that were created, renamed or removed before may be lost, and the system
   * would report the next sync as a success. So the directory is remembered, by device and inode number,
   * and every later call for it on this runtime fails too, with the first failure as its cause. Up to
   * 1,024 directories are remembered; the failure of another says that it is not.
   *
   * @param dir the directory
   * @return completes when done
   */
  public CompletableFuture<Void> syncDirectory(Path dir) {
    return submit(new DirectorySync(engine, checked(dir)));
  }

  /**
   * Lists a directory, without {@code .} and {@code ..} and in no order. Names added or removed meanwhile may be in it or not.
   *
   * @param dir the directory
   * @return its entries
   */
  public CompletableFuture<List<DirectoryEntry>> readDirectory(Path dir) {
    List<Operation.DirectoryItem> items = new ArrayList<>();
    Operation operation = new Operation.ListDirectory(checked(dir), items);
    return submit(new PathFuture<>(engine, operation, dir, null, _ -> entries(items)));
  }

  /**
   * Removes a directory and everything in it. Never follows a link, not even one that another process puts in the place of a
   * directory meanwhile; a link as {@code dir} itself is refused as not a directory. Stops at the first failure, leaving the rest.
   *
   * @param dir the directory
   * @return completes when it is gone
   */
  public CompletableFuture<Void> removeTree(Path dir) {
    return submit(action(new Operation.RemoveTree(checked(dir)), dir, null));
  }

  /**
   * Does nothing, all the way to the kernel and back.
   *
   * @return completes after one round trip
   */
  public CompletableFuture<Void> nop() {
    return submit(new NopFuture(engine));
  }

  /**
   * Takes no more operations, waits for those in flight up to {@link Builder#closeTimeout}, cancels what is left, joins the reaper,
   * and closes files still open. Idempotent; concurrent callers all wait for the end. Each future not yet complete is completed,
   * with its result or exceptionally. On a thread of the runtime's own, such as in a dependent of a future, it stops the intake and
   * returns; the rest happens behind it.
   *
   * <p>Returns within the timeout and one second, always. If a dependent, or the kernel, then still holds the runtime's thread, the
   * futures of all operations are ended nevertheless, the log says what runs with its stack, and buffers, files and the ring are
   * given back when the thread comes back. An operation that was begun and has not ended fails with an {@link java.io.IOException}
   * that says so, since its bytes may yet land; one that was not begun fails with a {@link
   * java.util.concurrent.RejectedExecutionException}.
   */
  @Override
  public void close() {
    Closing closing = beginClose();
    if (driver.onDriverThread()) {
      Thread closer = new DriverThread(driver, () -> finishClose(closing), name + "-closer");
      closer.start();
    } else {
      finishClose(closing);
    }
  }

  /** All who close share the time limits of the first. */
  private Closing beginClose() {
    Closing mine = Closing.begin(closeTimeout);
    Closing earlier = closing.compareAndExchange(null, mine);
    driver.beginClose();
    return earlier == null ? mine : earlier;
  }

  private void finishClose(Closing limits) {
    driver.close();
    FilesLeftOpen.close(engine, name, limits);
    engine.freeMemory();
  }

  /** What it is and whether it is open, for people who debug. */
  @Override
  public String toString() {
    String state = closing.get() == null ? "open" : "closed";
    return "IoRuntime[" + name + ", " + backend + ", " + state + ", " + engine.openDescriptors().size() + " files open]";
  }

  private static List<DirectoryEntry> entries(List<Operation.DirectoryItem> items) {
    List<DirectoryEntry> entries = new ArrayList<>(items.size());
    for (Operation.DirectoryItem item : items) {
      entries.add(new DirectoryEntry(item.path(), item.directory()));
    }
    return entries;
  }

  private PathFuture<Void> action(Operation operation, Path path, @Nullable Path other) {
    return new PathFuture<>(engine, operation, path, other, _ -> null);
  }

  private <T> CompletableFuture<T> submit(OperationFuture<T> future) {
    try {
      future.observe();
      driver.submit(future);
    } catch (Throwable e) {
      future.undo();
      throw e;
    }
    return future;
  }

  @SuppressWarnings("ReferenceEquality") // there is one default file system
  private static Path checked(Path path) {
    if (path.getFileSystem() != FileSystems.getDefault()) {
      throw new ProviderMismatchException("not a path of the default file system: " + path);
    }
    return path;
  }

  /** Limits and policies of a runtime that is to be opened. Not safe for use by several threads at once. */
  public static final class Builder {
    private static final int MOST_IN_FLIGHT = 32768;
    private static final int USUAL_IN_FLIGHT = 1024;
    private static final int MOST_QUEUED = 1 << 20;

    /** Half of what a process without privileges may usually lock. */
    private static final int USUAL_POOL_BYTES = 4 << 20;

    /** As good as for ever, and far from where nanoseconds overflow. */
    private static final Duration LONGEST_CLOSE_TIMEOUT = Duration.ofDays(365);

    private Backend backend = Backend.AUTO;
    private int maxInFlight = USUAL_IN_FLIGHT;
    private int maxQueued = 8192;
    private WhenFull whenFull = WhenFull.BLOCK;
    private @Nullable Executor completionExecutor;
    private boolean inlineReads = true;
    private int bufferPoolBytes = USUAL_POOL_BYTES;
    private Durability durability = Durability.AUTO;
    private Duration closeTimeout = Duration.ofSeconds(10);
    private String threadName = "annulus-reaper";
    private Duration stallWarning = DriverConfig.DEFAULT_STALL_WARNING;

    private Builder() {}

    /**
     * Chooses the backend.
     *
     * @param backend default {@link Backend#AUTO}
     * @return this
     */
    public Builder backend(Backend backend) {
      this.backend = Objects.requireNonNull(backend, "backend");
      return this;
    }

    /**
     * Bounds the operations the kernel may hold at once.
     *
     * <p>Listing a directory, removing a tree, taking a lock, closing, and operations a kernel's ring does not know are run by
     * helper threads besides: usually up to five, and up to 128 for closes and 128 for the others when operations hang.
     *
     * <p>An operation that hangs keeps its place until it ends. With io_uring the kernel may use 256 threads for what would
     * block, and as many more as operations hang (Linux 5.15 and later). When operations have hung for over a second and hold
     * half of all places, their devices are held to that half, and further requests for them wait. What such devices hold beyond
     * it does not count: up to half as many operations more may be in flight then (with the portable backend an eighth).
     *
     * @param ops 1 to 32768; default 1024
     * @return this
     */
    public Builder maxInFlight(int ops) {
      this.maxInFlight = inRange("maxInFlight", ops, MOST_IN_FLIGHT);
      return this;
    }

    /**
     * Bounds the operations that wait behind those in flight. Operations submitted by dependents on the reaper thread are not held
     * to it.
     *
     * @param ops 1 to 1048576; default 8192
     * @return this
     */
    public Builder maxQueued(int ops) {
      this.maxQueued = inRange("maxQueued", ops, MOST_QUEUED);
      return this;
    }

    /**
     * Says what happens when {@link #maxQueued} operations wait.
     *
     * @param policy default {@link WhenFull#BLOCK}
     * @return this
     */
    public Builder whenFull(WhenFull policy) {
      this.whenFull = Objects.requireNonNull(policy, "policy");
      return this;
    }

    /**
     * Says where futures are completed, and so where dependents without an executor run. An executor that refuses does not lose a
     * completion: that one runs on the reaper thread. Its threads may block, on this runtime's futures too, as long as one is left
     * to complete them.
     *
     * @param executor default: the reaper thread itself
     * @return this
     */
    public Builder completionExecutor(Executor executor) {
      this.completionExecutor = Objects.requireNonNull(executor, "executor");
      return this;
    }

    /**
     * Says whether a read of data in the page cache may be done by the thread that asks for it. Its future is then complete when it is
     * returned, and dependents run on that thread. A file whose reads keep missing the cache is not tried for a while.
     *
     * @param enabled default true
     * @return this
     */
    public Builder inlineReads(boolean enabled) {
      this.inlineReads = enabled;
      return this;
    }

    /**
     * Sizes the runtime's {@linkplain IoRuntime#buffers() pool of buffers}, which also has the memory that stands in for heap buffers. It is
     * allocated when it is first needed, and then counts as memory locked by the process, if the limit on that ({@code ulimit -l}) has room
     * for it.
     *
     * @param bytes 0, for no pool, to 1 GiB; rounded up to a power of two; default 4 MiB
     * @return this
     */
    public Builder bufferPool(int bytes) {
      if (bytes < 0 || bytes > BufferPool.LARGEST_BYTES) {
        throw new IllegalArgumentException("bufferPool must be 0 to " + BufferPool.LARGEST_BYTES + " bytes: " + bytes);
      }
      this.bufferPoolBytes = bytes;
      return this;
    }

    /**
     * Says how {@link AsyncFile#writeDurably} gets its bytes to stable storage.
     *
     * @param durability default {@link Durability#AUTO}
     * @return this
     */
    public Builder durability(Durability durability) {
      this.durability = Objects.requireNonNull(durability, "durability");
      return this;
    }

    /**
     * Bounds how long {@link IoRuntime#close} waits for operations to end by themselves before it cancels them. Closing takes one second
     * more at most.
     *
     * @param timeout zero or more; default 10 seconds
     * @return this
     */
    public Builder closeTimeout(Duration timeout) {
      if (timeout.isNegative()) {
        throw new IllegalArgumentException("negative closeTimeout: " + timeout);
      }
      this.closeTimeout = timeout.compareTo(LONGEST_CLOSE_TIMEOUT) < 0 ? timeout : LONGEST_CLOSE_TIMEOUT;
      return this;
    }

    /**
     * Says how long a dependent may hold the runtime's thread, while all other operations wait, before a warning with its stack is
     * logged; with the portable backend one thread of its pool, which it takes from other operations. Each is logged once, a quarter of
     * the time late at most.
     *
     * @param threshold zero for no warnings; default 1 second
     * @return this
     */
    public Builder stallWarning(Duration threshold) {
      if (threshold.isNegative()) {
        throw new IllegalArgumentException("negative stallWarning: " + threshold);
      }
      this.stallWarning = threshold.compareTo(LONGEST_CLOSE_TIMEOUT) < 0 ? threshold : LONGEST_CLOSE_TIMEOUT;
      return this;
    }

    /**
     * Names the reaper thread; the names of its helpers begin so too.
     *
     * @param name default {@code annulus-reaper}
     * @return this
     */
    public Builder threadName(String name) {
      this.threadName = Objects.requireNonNull(name, "name");
      return this;
    }

    /**
     * Opens the runtime.
     *
     * @return a runtime, to be closed
     * @throws UnsupportedOperationException if {@link Backend#IO_URING} was asked for and cannot be had; the message says why and
     *     what to do
     */
    public IoRuntime open() {
      DriverConfig config =
          new DriverConfig(maxInFlight, maxQueued, whenFull == WhenFull.FAIL, closeTimeout, threadName, stallWarning);
      try {
        Drivers.Choice choice = Drivers.choose(backend, config);
        Policies policies = new Policies(completionExecutor, inlineReads, bufferPoolBytes, durability);
        return new IoRuntime(threadName, choice.backend(), choice.driver(), policies, closeTimeout);
      } catch (Unavailable e) {
        throw new UnsupportedOperationException(Availability.no(e).toString(), e);
      }
    }

    private static int inRange(String name, int value, int most) {
      if (value < 1 || value > most) {
        throw new IllegalArgumentException(name + " must be 1 to " + most + ": " + value);
      }
      return value;
    }
  }
}
