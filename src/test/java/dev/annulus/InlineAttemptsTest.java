package dev.annulus;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.annulus.internal.driver.Errno;
import dev.annulus.internal.driver.OpenFlag;
import dev.annulus.internal.driver.Operation;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Which reads are tried at once, and what is made of each answer. */
@Timeout(60)
class InlineAttemptsTest {
  private static final int SIZE = 16;
  private static final int LAST_ERRNO = 133;
  private static final int LONGEST = 256 * 1024;

  /** Those that say nothing of the read, but that it cannot be done in this way. */
  private static final Set<Integer> ANOTHER_WAY =
      Set.of(Errno.EAGAIN, Errno.EINTR, Errno.EOPNOTSUPP, Errno.ESPIPE, Errno.EINVAL, Errno.ENOSYS, Errno.EPERM);

  private final HandDriver hand = new HandDriver();

  private HandFile open(OpenFlag... more) {
    return HandFile.open(hand, TestPolicies.with(null, true, Durability.SYNC_AFTER), more);
  }

  private static ByteBuffer buffer() {
    return ByteBuffer.allocateDirect(SIZE);
  }

  @Test
  void read_thatFindsAll_isDoneAtOnce() {
    hand.cached = SIZE;
    HandFile on = open();
    ByteBuffer dst = buffer();
    IoFuture<Integer> read = on.file.read(dst, 100);
    assertEquals(SIZE, read.join());
    assertEquals(SIZE, dst.position());
    assertEquals(100, hand.direct.getFirst().offset());
    assertTrue(on.file.readMany(List.of(new BufferAt(buffer(), 0))).getFirst().isDone());
    assertEquals(2, on.engine.inlineReads().hits());
    assertEquals(0, on.engine.inlineReads().misses());
    on.assertNothingSubmitted();
    on.assertNothingBorrowed();
  }

  /** The rest may not be cached, and 0 need not be the end. */
  @Test
  void read_thatFindsAPartOrNothing_isSubmittedWhole() {
    for (int part = 0; part < SIZE; part++) {
      hand.cached = part;
      HandFile on = open();
      ByteBuffer dst = buffer();
      IoFuture<Integer> read = on.file.read(dst, 0);
      assertFalse(read.isDone());
      assertEquals(0, dst.position());
      assertEquals(SIZE, ((Operation.Read) hand.next().operation()).length());
      on.end(Operation.Read.class, SIZE);
      assertEquals(SIZE, read.join());
      assertEquals(0, on.engine.inlineReads().misses());
      assertEquals(0, on.engine.inlineReads().hits());
    }
  }

  @Test
  void read_whoseAttemptFails_isSubmittedIfThatSaysNothingOfIt_elseFails() {
    IntStream.rangeClosed(1, LAST_ERRNO)
        .forEach(
            errno -> {
              hand.cached = -errno;
              HandFile on = open();
              IoFuture<Integer> read = on.file.read(buffer(), 0);
              if (ANOTHER_WAY.contains(errno)) {
                assertFalse(read.isDone(), Errno.symbol(errno));
                on.end(Operation.Read.class, SIZE);
                assertEquals(SIZE, read.join());
              } else {
                on.assertNothingSubmitted();
                assertEquals(errno, Futures.errnoOf(read.exceptionNow()).errno());
              }
              assertEquals(1, on.engine.inlineReads().misses());
              on.assertNothingBorrowed();
            });
  }

  /** A file whose kind does not know such reads is never tried again. */
  @Test
  void reads_afterAnAnswerOtherThanNotCached_areNotTriedAnyMore() {
    HandFile on = open();
    hand.cached = -Errno.EOPNOTSUPP;
    readSubmitted(on);
    for (int i = 0; i < 5000; i++) {
      readSubmitted(on);
    }
    assertEquals(1, hand.direct.size());
  }

  /** Each further miss doubles the pause, up to a limit; a hit ends it. */
  @Test
  void reads_thatKeepMissing_areTriedMoreAndMoreRarely() {
    HandFile on = open();
    assertEquals(0, readsUntilTried(on));
    assertEquals(1, readsUntilTried(on));
    assertEquals(3, readsUntilTried(on));
    assertEquals(7, readsUntilTried(on));
    for (int i = 0; i < 8; i++) {
      int _ = readsUntilTried(on);
    }
    assertEquals(1024, readsUntilTried(on));
    hand.cached = SIZE;
    while (!on.file.read(buffer(), 0).isDone()) {
      on.end(Operation.Read.class, SIZE);
    }
    hand.cached = -Errno.EAGAIN;
    assertEquals(0, readsUntilTried(on));
    assertEquals(1, readsUntilTried(on));
  }

  /** How many reads go to the driver untried before one is tried, which misses. */
  private int readsUntilTried(HandFile on) {
    int before = hand.direct.size();
    for (int untried = 0; ; untried++) {
      readSubmitted(on);
      if (hand.direct.size() > before) {
        return untried;
      }
      assertTrue(untried < 10_000, "never tried again");
    }
  }

  private void readSubmitted(HandFile on) {
    IoFuture<Integer> read = on.file.read(buffer(), 0);
    assertFalse(read.isDone());
    on.end(Operation.Read.class, SIZE);
    assertEquals(SIZE, read.join());
  }

  @Test
  void batch_ofAFileWhoseTransfersNeedAWorker_needsOneToo() {
    hand.needsWorker = true;
    HandFile on = open();
    List<IoFuture<Void>> reads = on.file.readMany(List.of(new BufferAt(buffer(), 0), new BufferAt(buffer(), 0)));
    for (int i = 0; i < 2; i++) {
      assertTrue(hand.next().needsWorker());
      on.end(Operation.Read.class, SIZE);
    }
    assertTrue(reads.stream().allMatch(IoFuture::isDone));
    on.assertNothingBorrowed();
  }

  @Test
  void reads_thatAreNotToBeTried_areSubmitted() {
    hand.cached = SIZE;
    HandFile direct = open(OpenFlag.DIRECT);
    readSubmitted(direct);
    IoFuture<Void> batch = direct.file.readMany(List.of(new BufferAt(buffer(), 0))).getFirst();
    assertFalse(batch.isDone());
    direct.end(Operation.Read.class, SIZE);
    readSubmitted(HandFile.open(hand)); // turned off

    hand.gathers = true;
    readSubmitted(open());
    hand.gathers = false;

    hand.cached = LONGEST + 1;
    HandFile on = open();
    IoFuture<Integer> tooLong = on.file.read(ByteBuffer.allocateDirect(LONGEST + 1), 0);
    assertFalse(tooLong.isDone());
    on.end(Operation.Read.class, 1);
    assertEquals(List.of(), hand.direct);

    hand.cached = LONGEST;
    assertEquals(LONGEST, on.file.read(ByteBuffer.allocateDirect(LONGEST), 0).join());
    assertEquals(1, hand.direct.size());
  }

  // ---- on a deep stack, and on the driver's thread ----

  private static final int DEEP = 1_000;

  /** A read from far down the stack that would have been done at once, and is put off. */
  private static IoFuture<Integer> putOff(HandFile on, int frames) {
    if (frames > 0) {
      return putOff(on, frames - 1);
    }
    for (int i = 0; i < 1_000; i++) {
      IoFuture<Integer> read = on.file.read(buffer(), 0);
      if (!read.isDone()) {
        return read;
      }
    }
    throw new AssertionError("a stack of " + DEEP + " frames is deep");
  }

  @Test
  void read_putOff_isSubmittedAsAnyOther() {
    hand.cached = SIZE;
    hand.needsWorker = true;
    HandFile on = open();
    IoFuture<Integer> read = putOff(on, DEEP);
    Awaitility.await().atMost(20, TimeUnit.SECONDS).until(() -> !hand.requests.isEmpty());
    assertTrue(hand.next().needsWorker());
    on.end(Operation.Read.class, SIZE);
    assertEquals(SIZE, read.join());
    on.assertNothingBorrowed();
  }

  @Test
  void read_putOffThatCannotBeSubmitted_fails() throws Exception {
    hand.cached = SIZE;
    hand.beforeNext =
        () -> {
          throw new IllegalStateException("by the test");
        };
    HandFile on = open();
    Futures.assertNames(Futures.failure(putOff(on, DEEP)), "by the test");
    on.assertNothingSubmitted();
    on.assertNothingBorrowed();
  }

  /**
   * There each dependent runs on the stack of the one before: some reads go to the ring, and at
   * once.
   */
  @Test
  void reads_onTheDriversThread_areSubmittedNowAndThen() {
    hand.cached = SIZE;
    hand.isOwnThread = true;
    HandFile on = open();
    int submitted = 0;
    for (int i = 0; i < 320; i++) {
      IoFuture<Integer> read = on.file.read(buffer(), 0);
      if (!read.isDone()) {
        on.end(Operation.Read.class, SIZE);
        submitted++;
      }
      assertEquals(SIZE, read.join());
    }
    assertEquals(10, submitted);
  }
}
