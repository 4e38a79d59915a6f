package dev.annulus;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.annulus.internal.driver.Errno;
import dev.annulus.internal.driver.OpenFlag;
import dev.annulus.internal.driver.Operation;
import dev.annulus.internal.driver.Request;
import dev.annulus.internal.driver.StatResult;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.concurrent.RejectedExecutionException;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * What is made of a direct transfer that the system refuses as invalid: told what it should be
 * like, and a loss or none.
 */
@Timeout(60)
class RefusedTransferTest {
  private static final int BLOCK = 512;

  private final HandDriver hand = new HandDriver();
  private boolean known = true;
  private boolean supported = true;

  @BeforeEach
  void answerOnTheDriversThread() {
    hand.isOwnThread = true;
  }

  /** On a file for direct I/O that syncs each write. */
  private HandFile open(OpenFlag... more) {
    OpenFlag[] flags =
        Stream.concat(Stream.of(OpenFlag.DIRECT, OpenFlag.DSYNC), Stream.of(more)).toArray(OpenFlag[]::new);
    return HandFile.open(hand, flags);
  }

  private static ByteBuffer aligned(int size) {
    return ByteBuffer.allocateDirect(size + 2 * BLOCK).alignedSlice(BLOCK).limit(size);
  }

  private void tell(HandFile on) {
    Request question = on.take(Operation.Stat.class);
    fill(question.operation());
    question.completed(0);
  }

  private void fill(Operation question) {
    StatResult answer = ((Operation.Stat) question).into();
    answer.directAlignmentKnown = known;
    answer.directMemoryBytes = supported ? BLOCK : 0;
    answer.directPositionBytes = supported ? BLOCK : 0;
    answer.blockSizeBytes = BLOCK;
  }

  private static boolean isLost(HandFile on) {
    return on.descriptor.earlierSyncFailure() != null;
  }

  private void assertRefused(HandFile on, IoFuture<?> transfer, Class<? extends Operation> type, boolean lost, Object... names) {
    on.end(type, -Errno.EINVAL);
    assertFalse(transfer.isDone());
    tell(on);
    assertEquals(Errno.EINVAL, Futures.errnoOf(transfer.exceptionNow()).errno());
    Futures.assertNames(transfer.exceptionNow(), names);
    assertEquals(lost, isLost(on));
    on.assertNothingSubmitted();
    on.assertNothingBorrowed();
  }

  /** The kernel refuses it before it does anything. */
  @Test
  void write_thatIsNotAligned_isNoLoss() {
    HandFile on = open();
    assertRefused(on, on.file.write(aligned(BLOCK), 7), Operation.Write.class, false, "the position 7 is not");
    on = open();
    assertRefused(on, on.file.write(aligned(100), 0), Operation.Write.class, false, "the length 100 is not");
    on = open();
    assertRefused(on, on.file.write(aligned(BLOCK + 1).position(1), 0), Operation.Write.class, false, "the address");
    on = open();
    List<ByteBuffer> several = List.of(aligned(BLOCK), aligned(9));
    assertRefused(on, on.file.write(several, 0), Operation.WriteVector.class, false, "the length 9 is not");
  }

  /** Then the error may come from a sync within it. */
  @Test
  void write_thatIsAligned_isALoss() {
    HandFile on = open();
    assertRefused(on, on.file.write(aligned(BLOCK), BLOCK), Operation.Write.class, true, "write", HandFile.PATH);
    on = open();
    assertRefused(on, on.file.write(List.of(aligned(BLOCK)), 0), Operation.WriteVector.class, true, "writev");
  }

  @Test
  void write_whereTheSystemDoesNotTellOrCannot_isALoss() {
    known = false;
    HandFile on = open();
    assertRefused(on, on.file.write(aligned(BLOCK), 7), Operation.Write.class, true, "may need");
    known = true;
    supported = false;
    on = open();
    assertRefused(on, on.file.write(aligned(BLOCK), 7), Operation.Write.class, true, "without DIRECT");
  }

  /** An append begins wherever the file ends. */
  @Test
  void append_isJudgedByAddressAndLength() {
    HandFile on = open(OpenFlag.APPEND);
    assertRefused(on, on.file.append(aligned(BLOCK)), Operation.Write.class, true, "wherever that is");
    on = open(OpenFlag.APPEND);
    assertRefused(on, on.file.append(aligned(9)), Operation.Write.class, false, "the length 9 is not");
    on = open(OpenFlag.APPEND);
    assertRefused(on, on.file.write(aligned(BLOCK), 7), Operation.Write.class, true, "write");
    on = open(OpenFlag.APPEND);
    assertRefused(on, on.file.write(List.of(aligned(BLOCK)), 7), Operation.WriteVector.class, true, "writev");
  }

  @Test
  void read_isNeverALoss_andIsExplainedToo() {
    HandFile on = open();
    assertRefused(on, on.file.read(aligned(BLOCK), 7), Operation.Read.class, false, "the position 7 is not");
    on = open();
    assertRefused(on, on.file.read(aligned(BLOCK), 0), Operation.Read.class, false, "read");
    on = open();
    assertRefused(on, on.file.read(List.of(aligned(BLOCK)), 7), Operation.ReadVector.class, false, "the position 7 is not");
    on = open();
    assertRefused(on, on.file.readFully(aligned(9), 0), Operation.Read.class, false, "the length 9 is not");
  }

  @Test
  void write_ofWhichTheQuestionFails_isALoss() {
    for (int end = 0; end < 3; end++) {
      HandFile on = open();
      IoFuture<Integer> write = on.file.write(aligned(BLOCK), 7);
      on.end(Operation.Write.class, -Errno.EINVAL);
      Request question = on.take(Operation.Stat.class);
      switch (end) {
        case 0 -> question.completed(-Errno.EIO);
        case 1 -> question.refused(new RejectedExecutionException("full"));
        default -> question.abandoned(new RejectedExecutionException("gone"));
      }
      assertEquals(Errno.EINVAL, Futures.errnoOf(write.exceptionNow()).errno());
      assertTrue(isLost(on));
      on.assertNothingBorrowed();
    }
  }

  @Test
  void write_whoseQuestionIsGivenUp_isTold() {
    HandFile on = open();
    IoFuture<Integer> write = on.file.write(aligned(BLOCK), 7);
    on.end(Operation.Write.class, -Errno.EINVAL);
    hand.next().givenUp(new RejectedExecutionException("closed"));
    Futures.assertNames(write.exceptionNow(), "closed");
    tell(on);
    assertTrue(write.released().isDone());
    on.assertNothingBorrowed();
  }

  /** Elsewhere than on the driver's thread the question may be asked at once. */
  @Test
  void question_onAnotherThread_isAskedThere() {
    hand.isOwnThread = false;
    hand.caller =
        operation -> {
          fill(operation);
          return 0;
        };
    HandFile on = open();
    IoFuture<Integer> write = on.file.write(aligned(BLOCK), 7);
    on.end(Operation.Write.class, -Errno.EINVAL);
    on.assertNothingSubmitted();
    Futures.assertNames(write.exceptionNow(), "the position 7 is not");
    assertFalse(isLost(on));
  }

  /** Other files and other operations have nothing to do with alignment. */
  @Test
  void otherTransfersRefusedAsInvalid_failAtOnce() {
    HandFile buffered = HandFile.open(hand);
    IoFuture<Integer> write = buffered.file.write(aligned(BLOCK), 7);
    buffered.end(Operation.Write.class, -Errno.EINVAL);
    assertTrue(write.isCompletedExceptionally());
    HandFile on = open();
    IoFuture<Void> truncate = on.file.truncate(7);
    on.end(Operation.Truncate.class, -Errno.EINVAL);
    assertTrue(truncate.isCompletedExceptionally());
    IoFuture<Void> sync = on.file.sync(Sync.DATA);
    on.end(Operation.Sync.class, -Errno.EINVAL);
    assertTrue(sync.isCompletedExceptionally());
    assertTrue(isLost(on));
    on.assertNothingSubmitted();
  }

  /** A try explains as well. */
  @Test
  void tries_thatAreRefused_areExplained() {
    hand.isOwnThread = false;
    HandFile on = HandFile.open(hand, OpenFlag.DIRECT);
    hand.caller =
        operation -> {
          fill(operation);
          return 0;
        };
    hand.writer = () -> -Errno.EINVAL;
    hand.reader = () -> -Errno.EINVAL;
    assertExplains(() -> on.file.callerRuns().tryWrite(aligned(BLOCK), 7));
    assertExplains(() -> on.file.callerRuns().tryRead(aligned(BLOCK), 7));
  }

  private static void assertExplains(Runnable tried) {
    RuntimeException refused = assertThrows(RuntimeException.class, tried::run);
    Futures.assertNames(refused, "EINVAL", "the position 7 is not", HandFile.PATH);
  }

  /** Each piece is aligned, and nobody knows better: then it is told what the file needs. */
  @Test
  void vector_thatIsAligned_isToldWhatTheFileNeeds() {
    HandFile on = open();
    List<ByteBuffer> several = List.of(aligned(BLOCK), aligned(BLOCK));
    assertRefused(on, on.file.write(several, BLOCK), Operation.WriteVector.class, true, "aligned to " + BLOCK);
    on = open();
    assertRefused(on, on.file.read(several, BLOCK), Operation.ReadVector.class, false, "aligned to " + BLOCK);
  }

  @Test
  void question_keepsTheDriversMark() {
    HandFile on = open();
    IoFuture<Integer> write = on.file.write(aligned(BLOCK), 7);
    on.end(Operation.Write.class, -Errno.EINVAL);
    assertEquals(HandDriver.MARK, hand.next().mark());
    tell(on);
    assertTrue(write.isCompletedExceptionally());
  }
}
