package dev.annulus;

import static java.util.concurrent.TimeUnit.SECONDS;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.annulus.internal.driver.OpenFlag;
import dev.annulus.internal.driver.Operation;
import java.util.Objects;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Synced writes by themselves: what others do in the midst of one that begins, and what is cut and done again. */
@Timeout(60)
class SyncedWritesByHandTest {
  private static final int SIZE = 8;

  private final HandFile on = HandFile.open(new HandDriver(), OpenFlag.DSYNC);
  private final SyncedWrites writes = new SyncedWrites();

  /** A write that is never submitted. */
  private final class Write extends FileFuture.Plain<Integer> {
    /** Runs when it is looked up, which is while it begins or ends. */
    private Runnable whileLookedUp = () -> {};

    /** How often its end cannot be told. */
    private int wants;

    private int told;
    private int released;
    private Runnable whenTold = () -> {};

    Write() {
      super(on.descriptor, new Operation.Sync(HandFile.FD, true));
    }

    @Override
    public int hashCode() {
      Runnable once = whileLookedUp;
      whileLookedUp = () -> {};
      once.run();
      return System.identityHashCode(this);
    }

    @Override
    void onSuccess(int result) {
      told++;
      whenTold.run();
      succeed(result, result);
    }

    @Override
    void release() {
      if (wants > 0) {
        wants--;
        throw new OutOfMemoryError("by the test");
      }
      released++;
    }
  }

  /** Begins a write, and has another thread do something in the midst of that, before it is seen to be in flight. */
  private Meanwhile<Boolean> beginWhile(Write write, Runnable what) {
    AtomicReference<@Nullable Meanwhile<Boolean>> meanwhile = new AtomicReference<>();
    write.whileLookedUp = () -> meanwhile.set(Meanwhile.begin(what));
    writes.begin(write);
    return Objects.requireNonNull(meanwhile.get(), "it was not looked up");
  }

  /** Something is done, and then a write ends well: that waits for one that began before. */
  private void assertKeptBackBehindOneThatBegins(Write ending, Runnable what) throws Exception {
    Write beginning = new Write();
    Meanwhile<Boolean> meanwhile =
        beginWhile(
            beginning,
            () -> {
              what.run();
              assertTrue(writes.keepBack(ending, SIZE));
            });
    assertTrue(meanwhile.get());
    assertFalse(ending.isDone(), "told though another is in flight with it");
    writes.leave(beginning);
    assertEquals(SIZE, ending.join());
  }

  // ---- several threads at once ----

  @Test
  void write_thatEndsWhileAnotherBegins_waitsForThat() throws Exception {
    Write ending = new Write();
    writes.begin(ending);
    assertKeptBackBehindOneThatBegins(ending, () -> {});
  }

  @Test
  void write_thatBeginsWhileAnotherBegins_waitsForThat() throws Exception {
    Write ending = new Write();
    assertKeptBackBehindOneThatBegins(ending, () -> writes.begin(ending));
  }

  @Test
  void write_thatIsOverWhileAnotherBegins_letsNobodyPass() throws Exception {
    Write ending = new Write();
    writes.begin(ending);
    Write over = new Write();
    writes.begin(over);
    assertKeptBackBehindOneThatBegins(ending, () -> writes.leave(over));
  }

  @Test
  void loss_thatIsNotedWhileAWriteBegins_letsNobodyPass() throws Exception {
    Write ending = new Write();
    writes.begin(ending);
    Write beginning = new Write();
    Meanwhile<Boolean> meanwhile =
        beginWhile(
            beginning,
            () -> {
              writes.noteLoss();
              assertTrue(writes.keepBack(ending, SIZE));
            });
    assertTrue(meanwhile.get());
    assertFalse(ending.isDone(), "told though another is in flight with it");
    writes.leave(beginning);
    Futures.assertNames(ending.exceptionNow(), "in flight with this one");
  }

  /** Who has told of one looks for the next, and meets one that begins meanwhile. */
  @Test
  void write_thatEndsBehindOneThatIsToldWhileAnotherBegins_waitsForThat() throws Exception {
    CountDownLatch telling = new CountDownLatch(1);
    CountDownLatch beginning = new CountDownLatch(1);
    Write first = new Write();
    writes.begin(first);
    first.whenTold =
        () -> {
          telling.countDown();
          awaitAtMost(beginning);
        };
    Write ending = new Write();
    Meanwhile<Boolean> meanwhile =
        Meanwhile.start(
            () -> {
              assertTrue(writes.keepBack(first, SIZE));
              writes.begin(ending);
              return writes.keepBack(ending, SIZE);
            });
    awaitAtMost(telling);
    Write between = new Write();
    between.whileLookedUp =
        () -> {
          beginning.countDown();
          meanwhile.untilItEndsOrWaits();
        };
    writes.begin(between);
    assertTrue(meanwhile.get());
    assertEquals(SIZE, first.join());
    assertFalse(ending.isDone(), "told though another is in flight with it");
    writes.leave(between);
    assertEquals(SIZE, ending.join());
  }

  private static void awaitAtMost(CountDownLatch latch) {
    try {
      assertTrue(latch.await(Futures.PATIENCE_SECONDS, SECONDS));
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
  }

  // ---- done again ----

  @Test
  void write_thatEndsOnceMoreWhileItIsKeptBack_isToldOnce() {
    Write first = new Write();
    Write second = new Write();
    writes.begin(first);
    writes.begin(second);
    assertTrue(writes.keepBack(first, SIZE));
    assertTrue(writes.keepBack(first, SIZE));
    assertFalse(first.isDone());
    assertTrue(writes.keepBack(second, SIZE));
    assertEquals(1, first.told);
    assertEquals(1, second.told);
    assertFalse(writes.keepBack(first, SIZE), "it was told, and is none of them");
  }

  @Test
  void write_thatNeverBegan_isNotKeptBack() {
    Write inFlight = new Write();
    Write kept = new Write();
    writes.begin(inFlight);
    writes.begin(kept);
    assertTrue(writes.keepBack(kept, SIZE));
    assertFalse(writes.keepBack(new Write(), SIZE), "another is kept back, and not this");
    writes.leave(new Write());
    assertFalse(kept.isDone());
    writes.leave(inFlight);
    assertEquals(SIZE, kept.join());
  }

  /** The driver must not tell the result once more: it could be taken for that of the next operation. */
  @Test
  void write_whoseTellingIsCut_isToldByTheSameCall() {
    Write cut = new Write();
    cut.wants = 3;
    writes.begin(cut);
    assertTrue(writes.keepBack(cut, SIZE));
    assertEquals(1, cut.released);
    assertEquals(1, cut.told);
    assertEquals(SIZE, cut.join());
    assertFalse(writes.keepBack(cut, SIZE), "it is none of them any more");
  }

  @Test
  void write_whoseTellingWasCut_isToldByWhoeverComesNext() {
    for (boolean leaves : new boolean[] {true, false}) {
      Write inFlight = new Write();
      Write cut = new Write();
      cut.wants = 1;
      writes.begin(inFlight);
      writes.begin(cut);
      assertTrue(writes.keepBack(cut, SIZE));
      assertThrows(OutOfMemoryError.class, () -> writes.leave(inFlight));
      assertEquals(0, cut.released);
      Write next = new Write();
      if (leaves) {
        writes.leave(next); // it never began
      } else {
        writes.begin(next);
        assertTrue(writes.keepBack(next, SIZE));
        assertEquals(1, next.told);
      }
      assertEquals(1, cut.released);
      assertEquals(1, cut.told);
      assertEquals(SIZE, cut.join());
    }
  }

  /** Each is told once, in the order of their ends, and as it was decided when it was first to be told. */
  @Test
  void writes_whoseTellingWasCut_areAllTold() {
    Write inFlight = new Write();
    Write first = new Write();
    Write second = new Write();
    first.wants = 1;
    second.wants = 1;
    writes.begin(inFlight);
    writes.begin(first);
    writes.begin(second);
    assertTrue(writes.keepBack(first, SIZE));
    assertTrue(writes.keepBack(second, SIZE));
    assertThrows(OutOfMemoryError.class, () -> writes.leave(inFlight));
    assertThrows(OutOfMemoryError.class, () -> writes.leave(inFlight));
    assertEquals(1, first.released);
    assertEquals(0, second.released);
    writes.noteLoss();
    writes.leave(inFlight);
    assertEquals(1, second.released);
    assertEquals(SIZE, first.join());
    assertEquals(SIZE, second.join(), "the loss came after the decision");
  }
}
