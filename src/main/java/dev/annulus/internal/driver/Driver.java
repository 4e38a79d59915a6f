package dev.annulus.internal.driver;

import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Map;
import java.util.function.IntConsumer;
import org.jspecify.annotations.Nullable;

/**
 * Runs {@linkplain Operation operations}. Safe from any thread.
 *
 * <p>Two verbs: {@link #submit} returns at once and reports later, on a thread of the driver's; {@link #call} runs the operation
 * here and now.
 */
public interface Driver extends AutoCloseable {
  /** What {@link #callRead} and {@link #callWrite} answer when they have not even tried; no errno. */
  int NOT_DONE = Integer.MIN_VALUE;

  /**
   * Has a request's operation run. When as many operations wait as may, this waits for room, or refuses the request, as
   * configured. A driver's own thread never waits here: it is the one that makes room.
   *
   * <p>Throws an error of the JVM only if it has done nothing with the request: no call that ends it will come then.
   */
  void submit(Request request);

  /**
   * As {@link #submit} for each in turn, taken in together as far as there is room for them. Those that cannot be submitted for an error of the
   * JVM are refused with it.
   */
  default void submitAll(List<? extends Request> requests) {
    requests.forEach(this::submitOrRefuse);
  }

  /** As {@link #submit}; what cannot be submitted for an error of the JVM is refused with it. */
  default void submitOrRefuse(Request request) {
    try {
      submit(request);
    } catch (VirtualMachineError | LinkageError e) {
      Persistence.refuse(request, e);
    }
  }

  /** As {@link #submit}, past every limit: for what frees resources and must not be held up by those who take them. */
  void submitPastLimits(Request request);

  /**
   * Asks that a submitted request end soon. It ends as it will, with {@code -ECANCELED} at best. Once per submission at most;
   * harmless when the request has ended.
   */
  void cancel(Request request);

  /**
   * Runs an operation on the calling thread, blocking it; short transfers are reported, and so are
   * interrupted writes and syncs. Other interrupted calls are repeated. If a close throws, nothing was done.
   */
  int call(Operation operation);

  /**
   * Reads on the calling thread if that can be done without waiting for a device. The memory must stay until it returns.
   *
   * @return as {@link #call}; {@code -EAGAIN} if it would have to wait, {@code -EOPNOTSUPP} if that cannot be told here
   */
  int attempt(int fd, long address, int length, long offset);

  /**
   * As {@link #call} of a read, without an object to hold it. The memory must stay until it returns.
   *
   * @return {@link #NOT_DONE} if it takes an object here
   */
  default int callRead(int fd, long address, int length, long offset) {
    return NOT_DONE;
  }

  /** As {@link #callRead}, of a write that is not to be durable. */
  default int callWrite(int fd, long address, int length, long offset) {
    return NOT_DONE;
  }

  /** Whether an open file has places to read from, as a pipe has not. Never waits. By default a read of nothing tells. */
  default boolean hasPositions(int fd) {
    return callRead(fd, 0, 0, 0) == 0;
  }

  /**
   * Tells of memory that operations will use over and over, and that is never freed before the driver has ended: where it can, the driver has the
   * kernel know it beforehand. Once in a driver's life. By default nothing is done with it.
   */
  default void register(MemorySegment memory) {}

  /** Whether writes may be {@linkplain Operation.Write#isDurable durable} in themselves. */
  default boolean writesThrough() {
    return false;
  }

  /**
   * Whether {@link Operation.Room} is to be asked before an {@link Operation.Allocate}, which might
   * else take what is left of the storage, and fail.
   */
  default boolean tellsRoom() {
    return false;
  }

  /**
   * Whether operations' memory is viewed through {@link Operation.Transfer#memory}, which then must not be a buffer: its bounds are its
   * owner's, and may change meanwhile. By default only the address counts.
   */
  default boolean viewsMemory() {
    return false;
  }

  /**
   * Whether the file's kind is known to sync such writes: not all do, and some say nothing. May read
   * files of the kernel's, but does not wait for the file system.
   */
  default boolean writesThrough(int fd) {
    return false;
  }

  /**
   * Whether transfers of a file must be {@linkplain Request#needsWorker run} without being tried first
   * where they are submitted. Does not wait for the file system.
   */
  default boolean needsWorker(int fd) {
    return false;
  }

  /** Whether the calling thread is the driver's own: waiting there for a request would be waiting for oneself. */
  boolean onDriverThread();

  /**
   * Whether what the calling thread submits now reaches the kernel together with other operations, for a share in the price of a system call.
   * By default it does not.
   */
  default boolean gathers() {
    return false;
  }

  /**
   * Whether a descriptor may be closed by {@link #call}, on a thread that would only wait for the end of it. By default
   * a close must be submitted.
   */
  default boolean closesOnCaller(int fd) {
    return false;
  }

  /**
   * How many operations have been running for longer than a second, by the mount point of their file
   * system. By default none are known.
   */
  default Map<String, Integer> hungOperations() {
    return Map.of();
  }

  /** What has happened so far. */
  DriverStats stats();

  /**
   * Has each number of entries that the kernel takes from the submission queue at once told to a listener, on the driver's thread; to
   * nobody if it is {@code null}. It must neither block nor throw. A driver without such a queue has nothing to tell.
   */
  void onBatch(@Nullable IntConsumer listener);

  /** One line on what is in force, for people: ring set-up flags and the like. */
  String description();

  /** Takes no more requests. Idempotent, and never waits. */
  void beginClose();

  /**
   * As {@link #beginClose}, then ends the requests there are, cancelling those that outlast the time limit, and frees everything.
   * Idempotent; every caller returns when all is done. Not to be called on the driver's own threads, which it waits for.
   */
  @Override
  void close();
}
