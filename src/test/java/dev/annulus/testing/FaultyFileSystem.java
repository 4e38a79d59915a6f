package dev.annulus.testing;

import dev.annulus.internal.abi.Fcntl;
import dev.annulus.internal.abi.Syscalls;
import dev.annulus.internal.driver.Errno;
import dev.annulus.testing.fuse.Handler;
import dev.annulus.testing.fuse.Mount;
import dev.annulus.testing.fuse.Reply;
import dev.annulus.testing.fuse.Request;
import dev.annulus.testing.fuse.Server;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.BooleanSupplier;
import java.util.function.Predicate;
import java.util.function.Supplier;

/**
 * A file system in user space (FUSE), served by this JVM, whose every answer the test decides:
 * errors before or after the work is done, short counts, lies, hangs. It holds directories and
 * regular files in memory.
 *
 * <pre>{@code
 * try (FaultyFileSystem fs = FaultyFileSystem.mount(tempDir, Option.DIRECT_IO)) {
 *   fs.on(Kind.FSYNC, request -> Reply.error(Errno.EAGAIN));
 *   ...
 *   assertEquals(1, fs.calls(Kind.FSYNC));
 * }
 * }</pre>
 *
 * <p>Without {@link Option#DIRECT_IO} the kernel's page cache stands between: reads come in pages
 * and are read ahead, what is cached is not asked for again, writes come whole. Names and
 * attributes are never cached. Never map a file of it into memory: a page fault that hangs stops
 * the JVM's garbage collection.
 *
 * <p>{@link #close} unmounts whatever hangs or is open: requests without an answer, and later ones,
 * then fail with ECONNABORTED or ENOTCONN.
 */
public final class FaultyFileSystem implements AutoCloseable {
  /** How the kernel uses the file system. */
  public enum Option {
    /**
     * Each read and write of a user reaches the handler as it is, up to 1 MiB each.
     */
    DIRECT_IO,
    /**
     * Writes stay in the page cache until synced, closed or evicted. Without it they are written
     * through.
     */
    WRITEBACK_CACHE,
    /** Files opened with O_DIRECT are read and written without a waiting thread in the kernel. */
    ASYNC_DIRECT_IO
  }

  private static final Duration PATIENCE = Duration.ofSeconds(20);
  private static final String MOUNT_OPTIONS =
      ",rootmode=40000,user_id=0,group_id=0,allow_other,default_permissions";
  private static final Path DEVICE = Path.of("/dev/fuse");

  /** Those mounted now, unmounted at the end of the JVM if a test did not come to it. */
  private static final Set<FaultyFileSystem> MOUNTED = ConcurrentHashMap.newKeySet();

  static {
    Runtime.getRuntime()
        .addShutdownHook(new Thread(() -> MOUNTED.forEach(fs -> Mount.unmount(fs.root))));
  }

  private final Path root;
  private final int device;
  private final Server server;
  private final Map<Request.Kind, Handler> handlers =
      Collections.synchronizedMap(new EnumMap<>(Request.Kind.class));
  private final List<Request> requests = new ArrayList<>();
  private boolean closed;

  private FaultyFileSystem(Path root, int device, Set<Option> options) {
    this.root = root;
    this.device = device;
    this.server =
        new Server(
            device,
            options.contains(Option.DIRECT_IO),
            options.contains(Option.ASYNC_DIRECT_IO),
            options.contains(Option.WRITEBACK_CACHE),
            this::decide);
  }

  /**
   * Mounts an empty file system on a new directory within {@code parent}; skips the test where that
   * is not possible.
   */
  public static FaultyFileSystem mount(Path parent, Option... options) throws IOException {
    if (!Files.exists(DEVICE)) {
      Needs.skip("this machine has no " + DEVICE);
    }
    int device = openDevice();
    if (device < 0) {
      Needs.skip(DEVICE + " cannot be opened: " + Errno.symbol(-device));
    }
    Path root = Files.createTempDirectory(parent, "faulty");
    int result =
        Mount.mount(
            "annulus-faulty",
            root,
            "fuse",
            "fd=" + device + MOUNT_OPTIONS);
    if (result < 0) {
      int _ = Syscalls.close(device);
      Files.delete(root);
      Needs.skip("file systems cannot be mounted here: " + Errno.symbol(-result));
    }
    Set<Option> chosen = EnumSet.noneOf(Option.class);
    Collections.addAll(chosen, options);
    FaultyFileSystem fs = new FaultyFileSystem(root, device, chosen);
    MOUNTED.add(fs);
    fs.server.start();
    return fs;
  }

  private static int openDevice() {
    try (Arena arena = Arena.ofConfined()) {
      return Syscalls.openat(
          Fcntl.AT_FDCWD, arena.allocateFrom(DEVICE.toString()), Fcntl.O_RDWR | Fcntl.O_CLOEXEC, 0);
    }
  }

  /** The directory it is mounted on. */
  public Path root() {
    return root;
  }

  /** Has requests of a kind answered by {@code handler} from now on, in place of an earlier one. */
  public FaultyFileSystem on(Request.Kind kind, Handler handler) {
    handlers.put(kind, handler);
    return this;
  }

  /** Takes all handlers away: requests pass. Those that hang go on doing so. */
  public void pass() {
    handlers.clear();
  }

  /** Answers all requests that hang now. Later ones hang again, as their handler says. */
  public int release() {
    return release(_ -> true);
  }

  /** Answers the chosen ones of the requests that hang now, and returns how many. */
  public int release(Predicate<Request> chosen) {
    return server.release(chosen);
  }

  /** The requests that hang now. */
  public List<Request> hanging() {
    return server.hanging();
  }

  /** How many requests of a kind have come. */
  public int calls(Request.Kind kind) {
    return requests(kind).size();
  }

  /** The requests of a kind, in the order they came. */
  public List<Request> requests(Request.Kind kind) {
    synchronized (requests) {
      return requests.stream().filter(request -> request.kind() == kind).toList();
    }
  }

  /** All requests, in the order they came. */
  public List<Request> requests() {
    synchronized (requests) {
      return List.copyOf(requests);
    }
  }

  /** Forgets the requests that have come. */
  public void forgetRequests() {
    synchronized (requests) {
      requests.clear();
    }
  }

  /** Waits until so many requests hang. */
  public void awaitHanging(int count) throws InterruptedException {
    await(
        () -> hanging().size() >= count,
        () -> count + " requests to hang; there are " + hanging());
  }

  /** Waits until so many requests of a kind have come. */
  public void awaitCalls(Request.Kind kind, int count) throws InterruptedException {
    await(
        () -> calls(kind) >= count,
        () -> count + " calls of " + kind + "; there were " + requests(kind));
  }

  private static void await(BooleanSupplier condition, Supplier<String> what)
      throws InterruptedException {
    long deadline = System.nanoTime() + PATIENCE.toNanos();
    while (!condition.getAsBoolean()) {
      if (System.nanoTime() - deadline > 0) {
        throw new AssertionError("waited " + PATIENCE + " for " + what.get());
      }
      Thread.sleep(1);
    }
  }

  private Reply decide(Request request) {
    synchronized (requests) {
      requests.add(request);
    }
    Handler handler = handlers.get(request.kind());
    return handler == null ? Reply.pass() : handler.answer(request);
  }

  /** Unmounts, which ends all that hangs, and removes the directory. */
  @Override
  public void close() throws IOException {
    if (closed) {
      return;
    }
    closed = true;
    int result = Mount.unmount(root);
    boolean ended = joinServer();
    int _ = Syscalls.close(device);
    MOUNTED.remove(this);
    if (result < 0) {
      throw new IOException(root + " cannot be unmounted: " + Errno.symbol(-result));
    }
    Files.delete(root);
    if (!ended) {
      throw new AssertionError("a handler does not return");
    }
    Throwable failure = server.failure();
    if (failure != null) {
      throw new AssertionError("a handler failed", failure);
    }
  }

  private boolean joinServer() {
    try {
      return server.join(PATIENCE);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return false;
    }
  }

  @Override
  public String toString() {
    return "FaultyFileSystem on " + root + (closed ? " (closed)" : "");
  }
}
