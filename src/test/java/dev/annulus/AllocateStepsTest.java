package dev.annulus;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.annulus.internal.driver.Errno;
import dev.annulus.internal.driver.Operation;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The steps of reserving storage, and how they end it. */
@Timeout(60)
class AllocateStepsTest {
  private static final long POSITION = 1L << 33;
  private static final long LENGTH = 4096;

  private final HandDriver hand = new HandDriver();

  @BeforeEach
  void tellRoom() {
    hand.tellsRoom = true;
  }

  private void end(Operation expected, int result) {
    assertEquals(expected, hand.next().operation());
    hand.endNext(result);
  }

  private static final Operation ROOM = new Operation.Room(HandFile.FD, POSITION, LENGTH);
  private static final Operation RESERVE = new Operation.Reserve(HandFile.FD, POSITION, LENGTH);
  private static final Operation ALLOCATE = new Operation.Allocate(HandFile.FD, POSITION, LENGTH);

  @Test
  void allocate_asksForRoomThenReservesAndSetsTheLengthLast() {
    HandFile on = HandFile.open(hand);
    IoFuture<Void> allocating = on.file.allocate(POSITION, LENGTH);
    end(ROOM, 0);
    end(RESERVE, 0);
    assertFalse(allocating.isDone());
    end(ALLOCATE, 0);
    assertTrue(allocating.isDone() && !allocating.isCompletedExceptionally());
    on.assertNothingBorrowed();
  }

  @Test
  void allocate_whereTheDriverCannotTell_isOneOperation() {
    hand.tellsRoom = false;
    IoFuture<Void> allocating = HandFile.open(hand).file.allocate(POSITION, LENGTH);
    end(ALLOCATE, 0);
    assertTrue(allocating.isDone());
  }

  /** Whatever step failed, what was asked for is an allocation. */
  @Test
  void allocate_failingAtAnyStep_failsAsAnAllocationAndGoesNoFurther() {
    for (int step = 0; step < 3; step++) {
      HandFile on = HandFile.open(hand);
      IoFuture<Void> allocating = on.file.allocate(POSITION, LENGTH);
      for (int i = 0; i < step; i++) {
        hand.endNext(0);
      }
      hand.endNext(-Errno.ENOSPC);
      assertEquals(Errno.ENOSPC, Futures.errnoOf(allocating.exceptionNow()).errno());
      Futures.assertNames(allocating.exceptionNow(), "fallocate", LENGTH + " bytes at position " + POSITION);
      on.assertNothingSubmitted();
      on.assertNothingBorrowed();
    }
  }

  /** NFS allocates, but does not reserve. */
  @Test
  void allocate_whereNothingCanBeReservedWithoutALength_allocatesAtOnce() {
    HandFile on = HandFile.open(hand);
    IoFuture<Void> allocating = on.file.allocate(POSITION, LENGTH);
    end(ROOM, 0);
    end(RESERVE, -Errno.EOPNOTSUPP);
    end(ALLOCATE, -Errno.EOPNOTSUPP);
    assertEquals(Errno.EOPNOTSUPP, Futures.errnoOf(allocating.exceptionNow()).errno());
    on.assertNothingSubmitted();

    IoFuture<Void> asking = on.file.allocate(POSITION, LENGTH);
    end(ROOM, -Errno.EOPNOTSUPP);
    assertEquals(Errno.EOPNOTSUPP, Futures.errnoOf(asking.exceptionNow()).errno());
    on.assertNothingSubmitted();
  }
}
