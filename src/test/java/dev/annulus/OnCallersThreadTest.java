package dev.annulus;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.annulus.internal.driver.Errno;
import dev.annulus.internal.driver.OpenFlag;
import dev.annulus.internal.driver.Operation;
import dev.annulus.internal.driver.Repeats;
import dev.annulus.internal.driver.Request;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.NonReadableChannelException;
import java.nio.channels.NonWritableChannelException;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.Callable;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What callers' own threads do and what they must not, and which of their calls are made again. */
@Timeout(60)
class OnCallersThreadTest {
  private static final int SIZE = 8;
  private static final int LAST_ERRNO = 133;

  private final HandDriver hand = new HandDriver();

  /** What {@link HandDriver#call} was asked for. */
  private final List<Operation> calls = new ArrayList<>();

  private void answer(Integer... results) {
    Deque<Integer> left = new ArrayDeque<>(List.of(results));
    hand.caller =
        operation -> {
          calls.add(operation);
          return left.size() > 1 ? left.removeFirst() : left.getFirst();
        };
  }

  private static ByteBuffer buffer() {
    return ByteBuffer.allocateDirect(SIZE);
  }

  private static List<Callable<IoFuture<?>>> everything(AsyncFile file) {
    return List.of(
        () -> file.read(buffer(), 0),
        () -> file.readFully(buffer(), 0),
        () -> file.read(List.of(buffer()), 0),
        () -> file.readMany(List.of(new BufferAt(buffer(), 0))).getFirst(),
        () -> file.write(buffer(), 0),
        () -> file.writeFully(buffer(), 0),
        () -> file.write(List.of(buffer()), 0),
        () -> file.writeDurably(buffer(), 0),
        () -> file.sync(Sync.DATA),
        () -> file.stat(),
        () -> file.truncate(0),
        () -> file.allocate(0, 1),
        () -> file.tryLockExclusive());
  }

  // ---- which thread ----

  /** One blocking call there, and all operations wait for it. */
  @Test
  void operations_onTheRuntimesOwnThread_areSubmittedAndNotDoneThere() throws Exception {
    answer(SIZE);
    hand.isOwnThread = true;
    assertSubmitsAll(HandFile.open(hand));
  }

  /** Its carrier would be held. */
  @Test
  void operations_onVirtualThreads_areSubmittedAndNotDoneThere() throws Exception {
    answer(SIZE);
    FutureTask<Void> task =
        new FutureTask<>(
            () -> {
              assertSubmitsAll(HandFile.open(hand));
              return null;
            });
    Thread _ = Thread.ofVirtual().start(task);
    Void _ = task.get(20, TimeUnit.SECONDS);
  }

  private void assertSubmitsAll(HandFile on) throws Exception {
    for (Callable<IoFuture<?>> operation : everything(on.file.callerRuns())) {
      IoFuture<?> future = operation.call();
      assertFalse(future.isDone());
      assertEquals(List.of(), calls);
      Request _ = Objects.requireNonNull(hand.requests.poll(), "nothing was submitted");
      hand.requests.clear();
    }
  }

  @Test
  void tries_onTheRuntimesOwnThread_areNotMade() {
    HandFile on = HandFile.open(hand);
    hand.isOwnThread = true;
    assertTriesNothing(on.file.callerRuns());
  }

  @Test
  void tries_onVirtualThreads_areNotMade() throws Exception {
    HandFile on = HandFile.open(hand);
    FutureTask<Void> task =
        new FutureTask<>(
            () -> {
              assertTriesNothing(on.file.callerRuns());
              return null;
            });
    Thread _ = Thread.ofVirtual().start(task);
    Void _ = task.get(20, TimeUnit.SECONDS);
  }

  @Test
  void tries_ofFilesWhoseCallersDoNotWait_areNotMade() {
    assertTriesNothing(HandFile.open(hand).file);
  }

  private void assertTriesNothing(AsyncFile file) {
    hand.reader = () -> SIZE;
    hand.writer = () -> SIZE;
    assertEquals(AsyncFile.NOT_NOW, file.tryRead(buffer(), 0));
    assertEquals(AsyncFile.NOT_NOW, file.tryWrite(buffer(), 0));
    assertEquals(List.of(), hand.direct);
    assertEquals(List.of(), calls);
  }

  /**
   * The cache is looked at there too, but not of a file that has none, and not while operations are
   * gathered.
   */
  @Test
  void triesOfCachedData_onTheRuntimesOwnThread_areMadeUnlessItGathers() {
    HandFile on = HandFile.open(hand, TestPolicies.with(null, true, Durability.SYNC_AFTER));
    hand.isOwnThread = true;
    hand.cached = SIZE;
    for (int i = 0; i < 200; i++) {
      assertEquals(SIZE, on.file.tryRead(buffer(), 0), "no stack builds up");
    }
    hand.direct.clear();
    hand.gathers = true;
    assertEquals(AsyncFile.NOT_NOW, on.file.tryRead(buffer(), 0));
    HandFile direct =
        HandFile.open(hand, TestPolicies.with(null, true, Durability.SYNC_AFTER), OpenFlag.DIRECT);
    hand.gathers = false;
    assertEquals(AsyncFile.NOT_NOW, direct.file.tryRead(buffer(), 0));
    assertEquals(List.of(), hand.direct);
  }

  @Test
  void close_byAThreadThatWaits_isDoneThere_andElsewhereSubmitted() throws Exception {
    hand.closesOnCaller = true;
    answer(0);
    HandFile here = HandFile.open(hand);
    here.file.close();
    assertEquals(List.of(new Operation.Close(HandFile.FD)), calls);
    here.assertNothingSubmitted();

    HandFile onDriver = HandFile.open(hand);
    hand.isOwnThread = true;
    onDriver.file.close(); // and does not wait
    onDriver.end(Operation.Close.class, 0);
    hand.isOwnThread = false;

    HandFile virtual = HandFile.open(hand);
    Thread closer = Thread.ofVirtual().start(virtual.file::close);
    Awaitility.await().atMost(20, TimeUnit.SECONDS).until(() -> !hand.requests.isEmpty());
    virtual.end(Operation.Close.class, 0);
    assertTrue(closer.join(Duration.ofSeconds(20)));
    assertEquals(1, calls.size());
  }

  /** Whoever closes waits, but not where the driver would wait for itself. */
  @Test
  void close_whileAnOperationIsInFlight_isNotDoneHere() {
    hand.closesOnCaller = true;
    answer(0);
    HandFile on = HandFile.open(hand);
    IoFuture<Integer> read = on.file.read(buffer(), 0);
    on.descriptor.closeHere();
    assertEquals(List.of(), calls);
    assertFalse(on.file.isOpen());
    on.end(Operation.Read.class, SIZE);
    assertEquals(SIZE, read.join());
    on.end(Operation.Close.class, 0);
    on.descriptor.closeHere();
    on.descriptor.closeIfUnused();
    assertEquals(List.of(), calls);
    on.assertNothingSubmitted();
  }

  /** Nothing is begun on a file that was not opened for it, or is closed, by whatever thread. */
  @Test
  void operations_ofAFileThatWasNotOpenedForThem_areRefused() {
    hand.reader = () -> SIZE;
    hand.writer = () -> SIZE;
    HandFile writeOnly = new HandFile(hand, TestPolicies.plain(), OpenFlag.WRITE);
    HandFile readOnly = new HandFile(hand, TestPolicies.plain(), OpenFlag.READ);
    HandFile closed = HandFile.open(hand);
    closed.assertCloses();
    for (AsyncFile file : List.of(writeOnly.file, writeOnly.file.callerRuns())) {
      assertRefused(NonReadableChannelException.class, reads(file));
      assertThrows(NonReadableChannelException.class, () -> file.tryRead(buffer(), 0));
      assertThrows(NonReadableChannelException.class, () -> file.tryRead(ByteBuffer.allocate(SIZE), 0));
    }
    for (AsyncFile file : List.of(readOnly.file, readOnly.file.callerRuns())) {
      assertRefused(NonWritableChannelException.class, writes(file));
      assertThrows(NonWritableChannelException.class, () -> file.tryWrite(buffer(), 0));
      assertThrows(NonWritableChannelException.class, () -> file.tryWrite(ByteBuffer.allocate(SIZE), 0));
    }
    for (AsyncFile file : List.of(closed.file, closed.file.callerRuns())) {
      assertRefused(IllegalStateException.class, reads(file));
      assertRefused(IllegalStateException.class, writes(file));
      assertThrows(IllegalStateException.class, () -> file.tryRead(buffer(), 0));
      assertThrows(IllegalStateException.class, () -> file.tryWrite(buffer(), 0));
      assertRefused(IllegalStateException.class, List.of(() -> file.sync(Sync.DATA), file::stat, file::tryLockExclusive));
    }
    HandFile notAppending = HandFile.open(hand);
    assertRefused(IllegalStateException.class, List.of(() -> notAppending.file.append(buffer())));
    assertRefused(NonWritableChannelException.class, List.of(() -> readOnly.file.append(buffer())));
    assertRefused(IllegalArgumentException.class, List.of(() -> notAppending.file.truncate(-1)));
    assertRefused(IllegalArgumentException.class, List.of(() -> notAppending.file.allocate(0, 0)));
    assertEquals(List.of(), hand.direct);
    assertEquals(List.of(), calls);
    writeOnly.assertNothingSubmitted();
  }

  private static List<Callable<IoFuture<?>>> reads(AsyncFile file) {
    return List.of(
        () -> file.read(buffer(), 0),
        () -> file.read(ByteBuffer.allocate(SIZE), 0),
        () -> file.readFully(buffer(), 0),
        () -> file.read(List.of(buffer()), 0),
        () -> file.readMany(List.of(new BufferAt(buffer(), 0))).getFirst());
  }

  private static List<Callable<IoFuture<?>>> writes(AsyncFile file) {
    return List.of(
        () -> file.write(buffer(), 0),
        () -> file.write(ByteBuffer.allocate(SIZE), 0),
        () -> file.writeFully(buffer(), 0),
        () -> file.write(List.of(buffer()), 0),
        () -> file.writeDurably(buffer(), 0),
        () -> file.truncate(0),
        () -> file.allocate(0, 1));
  }

  private static void assertRefused(Class<? extends Throwable> type, List<Callable<IoFuture<?>>> operations) {
    operations.forEach(operation -> assertThrows(type, operation::call));
  }

  // ---- interrupted calls ----

  /** Done again with the same arguments, and in the end told. */
  @Test
  void write_interrupted_isMadeAgain() {
    HandFile on = HandFile.open(hand);
    answer(-Errno.EINTR, -Errno.EINTR, SIZE);
    assertEquals(SIZE, on.file.callerRuns().write(buffer(), 7).join());
    assertEquals(3, calls.size());
    assertTrue(calls.stream().allMatch(call -> call instanceof Operation.Write write && write.offset() == 7));
    assertEquals((long) SIZE, on.file.callerRuns().write(List.of(buffer()), 0).join());
    assertEquals(4, calls.size());
    on.assertNothingBorrowed();
  }

  @Test
  void write_interruptedForEver_isToldInTheEnd() {
    HandFile on = HandFile.open(hand);
    answer(-Errno.EINTR);
    assertTells(Errno.EINTR, on.file.callerRuns().write(List.of(buffer()), 0));
    assertEquals(Repeats.MAX + 1, calls.size());
    on.assertNothingBorrowed();
    on.assertCloses();
  }

  /** The driver's own repetitions are enough: 64 times 64 would be too many. */
  @Test
  void operationsThatTheDriverRepeats_areCalledOnce() {
    HandFile on = HandFile.open(hand);
    answer(-Errno.EINTR);
    List<Callable<IoFuture<?>>> repeated =
        List.of(
            () -> on.file.callerRuns().read(buffer(), 0),
            () -> on.file.callerRuns().read(List.of(buffer()), 0),
            () -> on.file.callerRuns().stat(),
            () -> on.file.callerRuns().truncate(0),
            () -> on.file.callerRuns().allocate(0, 1));
    repeated.forEach(operation -> assertTells(Errno.EINTR, call(operation)));
    assertEquals(repeated.size(), calls.size());
  }

  /**
   * What was written before the interruption would be there twice, and a loss be told to nobody.
   */
  @Test
  void appendsSyncedWritesAndSyncs_interrupted_areNotMadeAgain() {
    HandFile appending = HandFile.open(hand, OpenFlag.APPEND);
    HandFile synced = HandFile.open(hand, OpenFlag.DSYNC);
    HandFile plain = HandFile.open(hand);
    answer(-Errno.EINTR);
    List<Callable<IoFuture<?>>> once =
        List.of(
            () -> appending.file.callerRuns().append(buffer()),
            () -> appending.file.callerRuns().write(buffer(), 0),
            () -> appending.file.callerRuns().write(List.of(buffer()), 0),
            () -> synced.file.callerRuns().write(buffer(), 0),
            () -> synced.file.callerRuns().write(List.of(buffer()), 0),
            () -> plain.file.callerRuns().sync(Sync.DATA));
    once.forEach(operation -> assertTells(Errno.EINTR, call(operation)));
    assertEquals(once.size(), calls.size());
  }

  /** What the reaper would be told of such requests. */
  @Test
  void requests_sayWhetherTheyMayBeRepeated() {
    HandFile appending = HandFile.open(hand, OpenFlag.APPEND);
    HandFile synced = HandFile.open(hand, OpenFlag.SYNC);
    HandFile plain = HandFile.open(hand);
    assertRepeatable(true, plain.file.write(buffer(), 0));
    assertRepeatable(true, plain.file.write(List.of(buffer()), 0));
    assertRepeatable(true, plain.file.read(buffer(), 0));
    assertRepeatable(true, plain.file.stat());
    assertRepeatable(true, synced.file.read(buffer(), 0));
    assertRepeatable(true, appending.file.read(List.of(buffer()), 0));
    assertRepeatable(false, plain.file.sync(Sync.DATA));
    assertRepeatable(false, appending.file.write(buffer(), 0));
    assertRepeatable(false, appending.file.append(buffer()));
    assertRepeatable(false, appending.file.write(List.of(buffer()), 0));
    assertRepeatable(false, synced.file.write(buffer(), 0));
    assertRepeatable(false, synced.file.write(List.of(buffer()), 0));
    assertFalse(new Operation.PlainWrite(1, buffer(), 0, 1, Operation.AT_END_OF_FILE).isIdempotent());
    assertTrue(new Operation.PlainWrite(1, buffer(), 0, 1, 0).isIdempotent());
    assertFalse(new Operation.Sync(1, true).isIdempotent() || new Operation.Close(1).isIdempotent());
  }

  private void assertRepeatable(boolean expected, IoFuture<?> future) {
    assertEquals(expected, Objects.requireNonNull(hand.requests.poll()).isRepeatable(), future::toString);
  }

  @Test
  void tryWrite_interrupted_isMadeAgainWithTheSameArguments_butNoAppend() {
    Deque<Integer> answers = new ArrayDeque<>(List.of(-Errno.EINTR, -Errno.EINTR, SIZE));
    hand.writer = answers::removeFirst;
    ByteBuffer src = buffer();
    assertEquals(SIZE, HandFile.open(hand).file.callerRuns().tryWrite(src, 7));
    assertEquals(SIZE, src.position());
    assertEquals(3, hand.direct.size());
    assertEquals(1, hand.direct.stream().distinct().count());
    assertEquals(7, hand.direct.getFirst().offset());
    assertEquals(SIZE, hand.direct.getFirst().length());

    hand.direct.clear();
    hand.writer = () -> -Errno.EINTR;
    assertTellsTried(Errno.EINTR, HandFile.open(hand));
    assertEquals(Repeats.MAX + 1, hand.direct.size());

    hand.direct.clear();
    assertTellsTried(Errno.EINTR, HandFile.open(hand, OpenFlag.APPEND));
    assertEquals(1, hand.direct.size());
  }

  // ---- tries ----

  /** Only what has transferred nothing for sure is left to another attempt. */
  @Test
  void tryWrite_thatFails_isLeftToAnotherOnlyIfNothingCanHaveBeenWritten() {
    IntStream.rangeClosed(1, LAST_ERRNO)
        .forEach(
            errno -> {
              hand.writer = () -> -errno;
              HandFile plain = HandFile.open(hand);
              if (errno == Errno.EAGAIN || errno == Errno.ESPIPE) {
                ByteBuffer src = buffer();
                assertEquals(AsyncFile.NOT_NOW, plain.file.callerRuns().tryWrite(src, 0));
                assertEquals(0, src.position());
              } else {
                assertTellsTried(errno, plain);
              }
              assertTellsTried(errno, HandFile.open(hand, OpenFlag.APPEND));
              plain.assertCloses();
            });
  }

  @Test
  void tryRead_thatFails_isLeftToAnotherOnlyIfItMayBeDoneInAnotherWay() {
    IntStream.rangeClosed(1, LAST_ERRNO)
        .forEach(
            errno -> {
              hand.reader = () -> -errno;
              for (HandFile on : List.of(HandFile.open(hand), HandFile.open(hand, OpenFlag.APPEND))) {
                ByteBuffer dst = buffer();
                if (errno == Errno.EAGAIN || errno == Errno.ESPIPE) {
                  assertEquals(AsyncFile.NOT_NOW, on.file.callerRuns().tryRead(dst, 0));
                } else {
                  UncheckedIOException told =
                      assertThrows(UncheckedIOException.class, () -> on.file.callerRuns().tryRead(dst, 0));
                  assertEquals(errno, Futures.errnoOf(told).errno());
                  Futures.assertNames(told, "read", HandFile.PATH, "position 0");
                }
                assertEquals(0, dst.position());
                on.assertCloses();
              }
            });
  }

  @Test
  void tries_answered_moveTheBufferByThat() {
    HandFile on = HandFile.open(hand);
    hand.reader = () -> 3;
    hand.writer = () -> 5;
    ByteBuffer buffer = buffer();
    assertEquals(3, on.file.callerRuns().tryRead(buffer, 0));
    assertEquals(5, on.file.callerRuns().tryWrite(buffer, 0));
    assertEquals(8, buffer.position());
    hand.reader = () -> 0;
    assertEquals(AsyncFile.NOT_NOW, on.file.callerRuns().tryRead(buffer(), 0), "whether it is the end is not known");
    assertEquals(0, on.file.callerRuns().tryRead(ByteBuffer.allocateDirect(0), 0));
    hand.writer = () -> 0;
    assertEquals(0, on.file.callerRuns().tryWrite(buffer(), 0));
    on.assertNothingBorrowed();
  }

  /** What the driver declines is not an error, though its number is negative. */
  @Test
  void tries_thatTheDriverDeclines_areLeftToAnother() {
    HandFile on = HandFile.open(hand);
    assertEquals(AsyncFile.NOT_NOW, on.file.callerRuns().tryRead(buffer(), 0));
    assertEquals(AsyncFile.NOT_NOW, on.file.callerRuns().tryWrite(buffer(), 0));
    assertEquals(2, hand.direct.size());
    HandFile appending = HandFile.open(hand, OpenFlag.APPEND);
    assertEquals(AsyncFile.NOT_NOW, appending.file.callerRuns().tryWrite(buffer(), 0));
    on.assertCloses();
  }

  /** Closed meanwhile, the descriptor goes when the try has ended, and not before. */
  @Test
  void close_duringATry_comesWithItsEnd() {
    for (boolean read : new boolean[] {true, false}) {
      HandFile on = HandFile.open(hand);
      hand.reader = hand.writer = () -> {
        assertEquals(1, on.leases());
        on.descriptor.closeUnheard();
        on.assertNothingSubmitted();
        return SIZE;
      };
      AsyncFile here = on.file.callerRuns();
      assertEquals(SIZE, read ? here.tryRead(buffer(), 0) : here.tryWrite(buffer(), 0));
      on.end(Operation.Close.class, 0);
      on.assertNothingSubmitted();
      assertThrows(IllegalStateException.class, () -> here.tryRead(buffer(), 0));
      assertThrows(IllegalStateException.class, () -> here.tryWrite(buffer(), 0));
    }
  }

  @Test
  void tryWrite_toAFileThatSyncsEachWrite_isNotMade() {
    hand.writer = () -> SIZE;
    assertEquals(AsyncFile.NOT_NOW, HandFile.open(hand, OpenFlag.DSYNC).file.callerRuns().tryWrite(buffer(), 0));
    assertEquals(AsyncFile.NOT_NOW, HandFile.open(hand, OpenFlag.SYNC).file.callerRuns().tryWrite(buffer(), 0));
    assertEquals(List.of(), hand.direct);
  }

  /** Cached or not, one read goes to the device, and the other to the cache alone. */
  @Test
  void tryRead_ofThePoolsMemoryOrWatched_isNotMade() {
    HandFile on = HandFile.open(hand);
    hand.reader = () -> SIZE;
    hand.writer = () -> SIZE;
    try (BufferPool.Lease lease = on.engine.bufferPool().lease(SIZE)) {
      assertEquals(AsyncFile.NOT_NOW, on.file.callerRuns().tryRead(lease.buffer(), 0));
      assertEquals(AsyncFile.NOT_NOW, on.file.callerRuns().tryWrite(lease.buffer(), 0));
    }
    RuntimeListener listener = new RuntimeListener() {};
    on.engine.listeners().add(listener);
    assertEquals(AsyncFile.NOT_NOW, on.file.callerRuns().tryRead(buffer(), 0));
    assertEquals(AsyncFile.NOT_NOW, on.file.callerRuns().tryWrite(buffer(), 0));
    assertEquals(List.of(), hand.direct);
    on.engine.listeners().remove(listener);
    assertEquals(SIZE, on.file.callerRuns().tryRead(buffer(), 0));
  }

  // ---- what comes after ----

  /**
   * A short write goes on on the same thread, and what must wait for others goes to the driver,
   * with everything borrowed.
   */
  @Test
  void fullWrite_shortOnItsCallersThread_goesOnThere() {
    HandFile on = HandFile.open(hand);
    answer(3, SIZE - 3);
    IoFuture<Void> write = on.file.callerRuns().writeFully(buffer(), 0);
    assertTrue(write.isDone() && !write.isCompletedExceptionally(), write::toString);
    assertEquals(2, calls.size());
    on.assertNothingSubmitted();
    on.assertNothingBorrowed();
    assertEquals(Request.NO_MARK, ((OperationFuture<?>) write).mark());
  }

  /** What comes after a part of it is another thread's by then, and so is the mark. */
  @Test
  void syncedWrite_shortOnItsCallersThread_goesOnWithTheDriver() {
    HandFile on = HandFile.open(hand, OpenFlag.DSYNC);
    answer(3);
    IoFuture<Void> write = on.file.callerRuns().writeFully(buffer(), 0);
    assertFalse(write.isDone());
    assertEquals(1, calls.size());
    assertEquals(HandDriver.MARK, ((OperationFuture<?>) write).mark());
    on.end(Operation.Write.class, SIZE - 3);
    assertTrue(write.isDone() && !write.isCompletedExceptionally(), write::toString);
    on.assertNothingBorrowed();
  }

  @Test
  void durableWrite_whoseSyncMustWait_isHandedToTheDriver() {
    HandFile on = HandFile.open(hand);
    IoFuture<Void> before = on.file.sync(Sync.DATA);
    answer(SIZE);
    IoFuture<Void> write = on.file.callerRuns().writeDurably(buffer(), 0);
    assertFalse(write.isDone());
    assertEquals(1, calls.size());
    on.end(Operation.Sync.class, 0);
    assertTrue(before.isDone());
    assertFalse(write.isDone());
    assertEquals(Request.NO_MARK, ((OperationFuture<?>) write).mark());
    on.end(Operation.Sync.class, 0);
    assertTrue(write.isDone() && !write.isCompletedExceptionally());
    on.assertNothingBorrowed();
  }

  @Test
  void operation_thatThrowsOnItsCallersThread_failsAndKeepsNothing() {
    HandFile on = HandFile.open(hand);
    hand.caller =
        _ -> {
          throw new IllegalStateException("by the test");
        };
    for (Callable<IoFuture<?>> operation : everything(on.file.callerRuns())) {
      hand.requests.clear();
      IoFuture<?> future = call(operation);
      Request request = hand.requests.poll();
      if (request != null) {
        request.completed(-Errno.EIO); // a batch is submitted
      }
      assertTrue(future.isCompletedExceptionally());
      assertTrue(future.released().isDone());
    }
    assertEquals(0, on.leases());
  }

  private static IoFuture<?> call(Callable<IoFuture<?>> operation) {
    try {
      return operation.call();
    } catch (Exception e) {
      throw new AssertionError(e);
    }
  }

  private static void assertTells(int errno, IoFuture<?> failed) {
    assertTrue(failed.isDone(), failed::toString);
    assertEquals(errno, Futures.errnoOf(failed.exceptionNow()).errno());
  }

  private void assertTellsTried(int errno, HandFile on) {
    ByteBuffer src = buffer();
    UncheckedIOException told = assertThrows(UncheckedIOException.class, () -> on.file.callerRuns().tryWrite(src, 0));
    assertEquals(errno, Futures.errnoOf(told).errno());
    assertEquals(0, src.position());
  }
}
