package dev.annulus;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.annulus.internal.abi.Fcntl;
import dev.annulus.internal.driver.Errno;
import dev.annulus.internal.driver.OpenFlag;
import dev.annulus.internal.driver.Operation;
import dev.annulus.internal.driver.Request;
import dev.annulus.internal.driver.StatResult;
import java.io.EOFException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.EnumSet;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.RejectedExecutionException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What is made of a read that was answered as at the end of its file. */
@Timeout(60)
class EndOfFileByHandTest {
  private static final int SIZE = 1024;
  private static final int BLOCK = 512;

  private final HandDriver hand = new HandDriver();

  /** Answers the question for the file's length. */
  private void tell(HandFile on, long sizeBytes) {
    Request question = on.take(Operation.Stat.class);
    fill(question.operation(), sizeBytes);
    question.completed(0);
  }

  private static void fill(Operation question, long sizeBytes) {
    StatResult answer = ((Operation.Stat) question).into();
    answer.sizeBytes = sizeBytes;
    answer.mode = Fcntl.S_IFREG;
    answer.directAlignmentKnown = true;
    answer.directMemoryBytes = BLOCK;
    answer.directPositionBytes = BLOCK;
  }

  private static ByteBuffer buffer() {
    return ByteBuffer.allocateDirect(SIZE);
  }

  @ParameterizedTest
  @ValueSource(longs = {0, 99, 100})
  void read_answeredNothing_isAtTheEndIfTheFileIsNoLonger(long sizeBytes) {
    HandFile on = HandFile.open(hand);
    IoFuture<Integer> read = on.file.read(buffer(), 100);
    on.end(Operation.Read.class, 0);
    assertFalse(read.isDone());
    tell(on, sizeBytes);
    assertEquals(-1, read.join());
    on.assertNothingBorrowed();
  }

  @Test
  void read_answeredNothingBeforeTheEnd_isDoneOnceMore() {
    HandFile on = HandFile.open(hand);
    ByteBuffer dst = buffer();
    IoFuture<Integer> read = on.file.read(dst, 100);
    on.end(Operation.Read.class, 0);
    tell(on, 101);
    assertFalse(read.isDone());
    on.end(Operation.Read.class, 1);
    assertEquals(1, read.join());
    assertEquals(1, dst.position());
    on.assertNothingBorrowed();
  }

  @Test
  void read_answeredNothingAgainBeforeTheEnd_fails() {
    HandFile on = HandFile.open(hand);
    IoFuture<Integer> read = on.file.read(buffer(), 100);
    on.end(Operation.Read.class, 0);
    tell(on, 5000);
    on.end(Operation.Read.class, 0);
    assertEquals(Errno.EIO, Futures.errnoOf(read.exceptionNow()).errno());
    Futures.assertNames(read.exceptionNow(), "does not end there", "answered 0 bytes", 5000, HandFile.PATH);
    on.assertNothingBorrowed();
  }

  @Test
  void read_whoseSecondTryFails_failsWithThat() {
    HandFile on = HandFile.open(hand);
    IoFuture<Integer> read = on.file.read(buffer(), 100);
    on.end(Operation.Read.class, 0);
    tell(on, 5000);
    on.end(Operation.Read.class, -Errno.ENOMEM);
    assertEquals(Errno.ENOMEM, Futures.errnoOf(read.exceptionNow()).errno());
    on.assertNothingBorrowed();
  }

  /** Pipes, devices and the kernel's own files say that they are empty. */
  @Test
  void read_answeredNothing_ofWhatHasNoLength_isAtTheEnd() {
    HandFile on = HandFile.open(hand);
    IoFuture<Integer> read = on.file.read(buffer(), 0);
    on.end(Operation.Read.class, 0);
    Request question = on.take(Operation.Stat.class);
    fill(question.operation(), 5000);
    ((Operation.Stat) question.operation()).into().mode = Fcntl.S_IFDIR;
    question.completed(0);
    assertEquals(-1, read.join());
  }

  @ParameterizedTest
  @ValueSource(strings = {"/sys/kernel/any", "/proc/self/any", "/x/../proc/any"})
  void read_answeredNothing_ofTheKernelsOwnFiles_isAtTheEnd(String path) {
    Engine engine = new Engine(hand, TestPolicies.plain());
    OpenDescriptor descriptor =
        new OpenDescriptor(engine, Path.of(path), HandFile.FD, new OpenSpec(EnumSet.of(OpenFlag.READ), 0, false));
    AsyncFile file = new DriverFile(descriptor, new OpenHandle(descriptor, null), false);
    IoFuture<Integer> read = file.read(buffer(), 0);
    hand.endNext(0);
    Request question = Objects.requireNonNull(hand.requests.poll());
    fill(question.operation(), 4096);
    question.completed(0);
    assertEquals(-1, read.join());
    CompletableFuture<Void> _ = file.closeAsync();
  }

  @Test
  void read_whoseFilesLengthCannotBeAsked_fails() {
    HandFile on = HandFile.open(hand);
    IoFuture<Integer> read = on.file.read(buffer(), 0);
    on.end(Operation.Read.class, 0);
    on.end(Operation.Stat.class, -Errno.ENOMEM);
    assertEquals(Errno.ENOMEM, Futures.errnoOf(read.exceptionNow()).errno());
    on.assertNothingBorrowed();
  }

  @Test
  void read_whoseQuestionIsRefused_fails() {
    HandFile on = HandFile.open(hand);
    IoFuture<Integer> read = on.file.read(buffer(), 0);
    on.end(Operation.Read.class, 0);
    on.take(Operation.Stat.class).refused(new RejectedExecutionException("full"));
    Futures.assertNames(read.exceptionNow(), "full");
    on.assertNothingBorrowed();
    on.assertCloses();
  }

  /** Nobody reads any more: memory and file are free. */
  @Test
  void read_whoseQuestionNeverEnds_failsAndGivesBack() {
    HandFile on = HandFile.open(hand);
    IoFuture<Integer> read = on.file.read(ByteBuffer.allocate(SIZE), 0);
    on.end(Operation.Read.class, 0);
    on.take(Operation.Stat.class).abandoned(new RejectedExecutionException("gone"));
    Futures.assertNames(read.exceptionNow(), "gone");
    assertTrue(read.released().isDone() && !read.released().isCompletedExceptionally());
    on.assertNothingBorrowed();
  }

  /** The kernel may yet write to its memory. */
  @Test
  void read_whoseSecondTryNeverEnds_isAbandoned() {
    HandFile on = HandFile.open(hand);
    IoFuture<Integer> read = on.file.read(ByteBuffer.allocate(SIZE), 0);
    on.end(Operation.Read.class, 0);
    tell(on, 5000);
    on.take(Operation.Read.class).abandoned(new RejectedExecutionException("gone"));
    assertTrue(read.released().isCompletedExceptionally());
    assertEquals(1, on.leases());
    assertFalse(on.file.isOpen());
  }

  @Test
  void read_whoseQuestionIsGivenUp_isTold() {
    HandFile on = HandFile.open(hand);
    IoFuture<Integer> read = on.file.read(buffer(), 0);
    on.end(Operation.Read.class, 0);
    on.hand.next().givenUp(new RejectedExecutionException("closed"));
    Futures.assertNames(read.exceptionNow(), "closed");
    assertFalse(read.released().isDone());
    tell(on, 5000);
    assertTrue(read.released().isDone(), "nobody wants it read again");
    on.assertNothingSubmitted();
    on.assertNothingBorrowed();
  }

  @Test
  void read_cancelledWhileTheLengthIsAsked_isNotDoneAgain() {
    HandFile on = HandFile.open(hand);
    IoFuture<Integer> read = on.file.read(buffer(), 0);
    on.end(Operation.Read.class, 0);
    assertTrue(read.cancel(true));
    tell(on, 5000);
    on.assertNothingSubmitted();
    assertTrue(read.released().isDone());
    on.assertNothingBorrowed();
  }

  /** On its caller's thread all three calls are made there. */
  @Test
  void read_onItsCallersThread_asksThere() {
    HandFile on = HandFile.open(hand);
    Deque<Operation> calls = new ArrayDeque<>();
    hand.caller =
        operation -> {
          calls.add(operation);
          if (operation instanceof Operation.Stat) {
            fill(operation, 5000);
            return 0;
          }
          return calls.size() == 1 ? 0 : 7;
        };
    assertEquals(7, on.file.callerRuns().read(buffer(), 0).join());
    assertEquals(3, calls.size());
    on.assertNothingSubmitted();
    on.assertNothingBorrowed();
  }

  @Test
  void secondTry_ofAFileWhoseTransfersNeedAWorker_needsOneToo_andTheQuestionNone() {
    hand.needsWorker = true;
    HandFile on = HandFile.open(hand);
    IoFuture<Integer> _ = on.file.read(buffer(), 0);
    assertTrue(hand.next().needsWorker());
    on.end(Operation.Read.class, 0);
    assertFalse(hand.next().needsWorker());
    tell(on, 5000);
    assertTrue(hand.next().needsWorker());
    on.end(Operation.Read.class, 1);
    IoFuture<FileStatus> _ = on.file.stat();
    assertFalse(hand.next().needsWorker(), "no transfer");
    assertEquals(1, hand.askedForWorkers, "asked once");
  }

  // ---- whole reads ----

  @Test
  void readFully_answeredNothingAtTheEnd_tellsWhereThatIs() {
    HandFile on = HandFile.open(hand);
    ByteBuffer dst = buffer();
    IoFuture<Void> read = on.file.readFully(dst, 100);
    on.end(Operation.Read.class, 24);
    on.end(Operation.Read.class, 0);
    tell(on, 124);
    assertInstanceOf(EOFException.class, read.exceptionNow());
    Futures.assertNames(read.exceptionNow(), "ends at 124, 1000 bytes short");
    assertEquals(24, dst.position());
    on.assertNothingBorrowed();
  }

  @Test
  void readFully_withEnough_doesNotAsk() {
    HandFile on = HandFile.open(hand, OpenFlag.DIRECT);
    IoFuture<Void> read = on.file.readFully(ByteBuffer.allocateDirect(100), 0);
    on.end(Operation.Read.class, 100);
    assertTrue(read.isDone() && !read.isCompletedExceptionally(), "ragged, and all that was asked for");
    IoFuture<Void> buffered = HandFile.open(hand).file.readFully(buffer(), 0);
    on.end(Operation.Read.class, 100);
    on.end(Operation.Read.class, SIZE - 100);
    assertTrue(buffered.isDone() && !buffered.isCompletedExceptionally(), "ragged, of a file with a cache");
  }

  /** No place behind a ragged count may be read from with direct I/O. */
  @Test
  void readFully_answeredRaggedInTheMiddleOfADirectFile_goesOnAtTheBlock() {
    HandFile on = HandFile.open(hand, OpenFlag.DIRECT);
    ByteBuffer dst = buffer();
    IoFuture<Void> read = on.file.readFully(dst, 0);
    on.end(Operation.Read.class, BLOCK + 100);
    tell(on, 5000);
    assertEquals(BLOCK, ((Operation.Read) hand.next().operation()).offset());
    assertEquals(BLOCK, dst.position());
    on.end(Operation.Read.class, BLOCK);
    assertTrue(read.isDone() && !read.isCompletedExceptionally(), read::toString);
    on.assertNothingBorrowed();
  }

  @Test
  void readFully_answeredLessThanABlockOfADirectFile_isDoneOnceMoreAndThenFails() {
    HandFile on = HandFile.open(hand, OpenFlag.DIRECT);
    IoFuture<Void> read = on.file.readFully(buffer(), 0);
    on.end(Operation.Read.class, 100);
    tell(on, 5000);
    assertEquals(0, ((Operation.Read) hand.next().operation()).offset());
    on.end(Operation.Read.class, 100);
    assertEquals(Errno.EIO, Futures.errnoOf(read.exceptionNow()).errno());
    on.assertNothingBorrowed();
  }

  @Test
  void readFully_answeredRaggedAtTheEndOfADirectFile_isAtTheEnd() {
    HandFile on = HandFile.open(hand, OpenFlag.DIRECT);
    IoFuture<Void> read = on.file.readFully(buffer(), BLOCK);
    on.end(Operation.Read.class, 100);
    tell(on, BLOCK + 100);
    assertInstanceOf(EOFException.class, read.exceptionNow());
    Futures.assertNames(read.exceptionNow(), "ends at 612");
  }

  // ---- reads of several buffers ----

  @Test
  void vectorRead_answeredNothing_isAtTheEndOnlyIfTheFileIs() {
    HandFile on = HandFile.open(hand);
    IoFuture<Long> atEnd = on.file.read(List.of(buffer()), 10);
    on.end(Operation.ReadVector.class, 0);
    tell(on, 10);
    assertEquals(-1L, atEnd.join());
    IoFuture<Long> before = on.file.read(List.of(buffer()), 10);
    on.end(Operation.ReadVector.class, 0);
    tell(on, 11);
    on.end(Operation.ReadVector.class, 1);
    assertEquals(1L, before.join());
    on.assertNothingBorrowed();
  }

  /** To the caller a read of nothing is a read of nothing, wherever the file ends. */
  @Test
  void emptyReads_askNothing() {
    HandFile on = HandFile.open(hand);
    assertEquals(0, on.file.read(ByteBuffer.allocateDirect(0), 0).join());
    assertEquals(0L, on.file.read(List.of(ByteBuffer.allocate(0)), 0).join());
    assertTrue(on.file.readFully(ByteBuffer.allocate(0), 0).isDone());
    assertTrue(on.file.readMany(List.of(new BufferAt(ByteBuffer.allocate(0), 0))).getFirst().isDone());
    on.assertNothingSubmitted();
    on.assertNothingBorrowed();
  }

  // ---- writes of nothing ----

  @Test
  void writes_answeredNothing_fail() {
    HandFile on = HandFile.open(hand);
    for (IoFuture<?> write : List.of(on.file.writeFully(buffer(), 0), on.file.writeDurably(buffer(), 0))) {
      on.end(Operation.Write.class, 0);
      assertEquals(Errno.EIO, Futures.errnoOf(write.exceptionNow()).errno());
    }
    on.assertNothingBorrowed();
  }

  @Test
  void question_keepsTheDriversMark() {
    HandFile on = HandFile.open(hand);
    IoFuture<Integer> read = on.file.read(buffer(), 0);
    on.end(Operation.Read.class, 0);
    assertEquals(HandDriver.MARK, hand.next().mark());
    tell(on, 0);
    assertEquals(-1, read.join());
  }

  @Test
  void read_thatCannotBeDoneOnceMore_failsAndKeepsNothing() {
    HandFile on = HandFile.open(hand);
    IoFuture<Integer> read = on.file.read(buffer(), 100);
    on.end(Operation.Read.class, 0);
    hand.beforeNext =
        () -> {
          throw new OutOfMemoryError("by the test");
        };
    tell(on, 5000);
    assertInstanceOf(OutOfMemoryError.class, read.exceptionNow());
    on.assertNothingSubmitted();
    on.assertNothingBorrowed();
  }
}
