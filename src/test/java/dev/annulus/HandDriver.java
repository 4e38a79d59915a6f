package dev.annulus;

import dev.annulus.internal.driver.Driver;
import dev.annulus.internal.driver.DriverStats;
import dev.annulus.internal.driver.Errno;
import dev.annulus.internal.driver.Operation;
import dev.annulus.internal.driver.Request;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Objects;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import java.util.function.IntConsumer;
import java.util.function.IntSupplier;
import java.util.function.ToIntFunction;
import org.jspecify.annotations.Nullable;

/** Keeps requests until the test ends them, one after the other. */
final class HandDriver implements Driver {
  /** What this driver marks the requests with that it has. */
  static final int MARK = 7;

  final Queue<Request> requests = new ConcurrentLinkedQueue<>();
  final List<Operation> ended = Collections.synchronizedList(new ArrayList<>());

  /** Requests that were to be cancelled. */
  final Queue<Request> cancelled = new ConcurrentLinkedQueue<>();

  /** Runs before what is submitted past the limits is taken. */
  Runnable beforeNext = () -> {};

  /** Takes what is submitted. */
  Consumer<Request> taker = requests::add;

  boolean through;

  /** Runs when it is asked whether it writes through, as it is for each file that is opened. */
  Runnable whenOpened = () -> {};

  /** What {@link #viewsMemory} answers. */
  boolean views;

  /**
   * Whether what is submitted past the limits ends well at once, as if another thread had been
   * faster than this one.
   */
  boolean fast;

  /** What {@link #attempt} answers. */
  int cached = -Errno.EAGAIN;

  /** What {@link #callRead} answers. */
  IntSupplier reader = () -> NOT_DONE;

  /** What {@link #callWrite} answers. */
  IntSupplier writer = () -> NOT_DONE;

  /** What {@link #attempt}, {@link #callRead} and {@link #callWrite} were asked for. */
  final List<Direct> direct = new ArrayList<>();

  /** Whether all threads are this driver's own. */
  boolean isOwnThread;

  /** Whether transfers need a worker. */
  boolean needsWorker;

  /** How often it was asked that. */
  int askedForWorkers;

  /** Whether it would rather take what is submitted than have it done by callers. */
  boolean gathers;

  boolean closesOnCaller;
  boolean tellsRoom;

  /** What {@link #submit} throws. */
  @Nullable Error submitFails;

  /** How many requests were submitted for which there might have been no room. */
  int admitted;

  /** Runs when a request was submitted, as if another thread had been faster than this one. */
  Runnable afterSubmit = () -> {};

  /** Runs when memory is registered. */
  Runnable onRegister = () -> {};

  /** Whether files have places to read from. */
  BooleanSupplier positions = () -> callRead(0, 0, 0, 0) == 0;

  /** Runs what is done on its caller's thread. */
  ToIntFunction<Operation> caller = _ -> -Errno.EBADF;

  /** A transfer of native memory that its caller does. */
  record Direct(long address, int length, long offset) {}

  /** The one that {@link #endNext} would end. */
  Request next() {
    return Objects.requireNonNull(requests.peek(), "nothing was submitted");
  }

  @Override
  public void register(MemorySegment memory) {
    onRegister.run();
  }

  @Override
  public boolean viewsMemory() {
    return views;
  }

  @Override
  public boolean writesThrough() {
    whenOpened.run();
    return through;
  }

  @Override
  public boolean writesThrough(int fd) {
    return through;
  }

  void endNext(int result) {
    Request request = Objects.requireNonNull(requests.poll(), "nothing was submitted");
    ended.add(request.operation());
    request.mark(Request.NO_MARK);
    request.completed(result);
  }

  @Override
  public void submit(Request request) {
    if (submitFails != null) {
      throw submitFails;
    }
    admitted++;
    request.mark(MARK);
    taker.accept(request);
    afterSubmit.run();
  }

  @Override
  public void submitPastLimits(Request request) {
    beforeNext.run();
    request.mark(MARK);
    requests.add(request);
    if (fast && requests.remove(request)) {
      ended.add(request.operation());
      request.mark(Request.NO_MARK);
      request.completed(0);
    }
  }

  @Override
  public void cancel(Request request) {
    cancelled.add(request);
  }

  @Override
  public int call(Operation operation) {
    return caller.applyAsInt(operation);
  }

  @Override
  public int attempt(int fd, long address, int length, long offset) {
    direct.add(new Direct(address, length, offset));
    return cached;
  }

  @Override
  public int callRead(int fd, long address, int length, long offset) {
    direct.add(new Direct(address, length, offset));
    return reader.getAsInt();
  }

  @Override
  public int callWrite(int fd, long address, int length, long offset) {
    direct.add(new Direct(address, length, offset));
    return writer.getAsInt();
  }

  @Override
  public boolean hasPositions(int fd) {
    return positions.getAsBoolean();
  }

  @Override
  public boolean needsWorker(int fd) {
    askedForWorkers++;
    return needsWorker;
  }

  @Override
  public boolean gathers() {
    return gathers;
  }

  @Override
  public boolean closesOnCaller(int fd) {
    return closesOnCaller;
  }

  @Override
  public boolean tellsRoom() {
    return tellsRoom;
  }

  @Override
  public boolean onDriverThread() {
    return isOwnThread;
  }

  @Override
  public DriverStats stats() {
    return new DriverStats(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
  }

  @Override
  public void onBatch(@Nullable IntConsumer listener) {}

  @Override
  public String description() {
    return "";
  }

  @Override
  public void beginClose() {}

  @Override
  public void close() {}
}
