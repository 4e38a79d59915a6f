package dev.annulus.internal.runtime;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.annulus.internal.abi.IoUring;
import dev.annulus.internal.driver.Errno;
import dev.annulus.internal.runtime.HandRing.Entry;
import dev.annulus.testing.RecordingRequest;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** How many of the kernel's workers a ring is given, and when it is given more. */
@Timeout(30)
class WorkerLimitTest {
  private static final int USUAL = 256;
  private static final long LOOK_NANOS = 100_000_000;

  /** Of which so many hang. */
  private static final class Table extends InFlightTable {
    int hanging;
    int counts;
    long moment;

    Table() {
      super(1024);
    }

    @Override
    int countSince(long moment) {
      this.moment = moment;
      counts++;
      return hanging;
    }
  }

  private final HandRing ring = new HandRing(8, 8);
  private final Table table = new Table();

  private void fill(int count) {
    for (int i = 0; i < count; i++) {
      int _ = table.claim(RecordingRequest::nop);
    }
  }

  /** Looks until there was time for a look, and once more. */
  private static void lookInTime(WorkerLimit limit) {
    long _ = limit.look(0);
    long begin = System.nanoTime();
    while (System.nanoTime() - begin <= LOOK_NANOS) {
      LockSupport.parkNanos(LOOK_NANOS / 10);
    }
    long _ = limit.look(0);
  }

  @Test
  void limit_fromTheStart_isSet() {
    WorkerLimit _ = new WorkerLimit(ring, table);
    assertEquals(List.of(USUAL), ring.workerLimits());
  }

  @Test
  void look_fewerInFlightThanWorkers_isForFree() {
    fill(USUAL - 1);
    WorkerLimit limit = new WorkerLimit(ring, table);
    assertEquals(0, limit.look(0));
    assertEquals(7, limit.look(7));
    assertEquals(Long.MAX_VALUE, limit.look(Long.MAX_VALUE));
  }

  @Test
  void look_asManyInFlightAsWorkers_shortensTheWait() {
    fill(USUAL);
    WorkerLimit limit = new WorkerLimit(ring, table);
    assertEquals(LOOK_NANOS, limit.look(0));
    assertEquals(LOOK_NANOS, limit.look(Long.MAX_VALUE));
    assertEquals(7, limit.look(7));
    assertEquals(List.of(USUAL), ring.workerLimits(), "looked before it was time");
  }

  /** It goes through all slots. */
  @Test
  void look_withEachRound_countsOnceInAWhile() {
    fill(USUAL);
    long begin = System.nanoTime();
    WorkerLimit limit = new WorkerLimit(ring, table);
    for (int i = 0; i < 1000; i++) {
      long _ = limit.look(0);
    }
    long most = (System.nanoTime() - begin) / LOOK_NANOS;
    assertTrue(table.counts <= most, table.counts + " times, and there was time for " + most);
  }

  @Test
  void look_operationsThatHang_takeNoWorkersFromOthers() {
    fill(USUAL + 200);
    WorkerLimit limit = new WorkerLimit(ring, table);
    table.hanging = 100;
    long before = System.nanoTime();
    lookInTime(limit);
    assertEquals(List.of(USUAL, USUAL + 100), ring.workerLimits());
    long second = TimeUnit.SECONDS.toNanos(1);
    assertTrue(table.moment >= before - second && table.moment <= System.nanoTime() - second, "not of a second ago");
    // Only when it has something for a worker does the kernel see that there may be one more.
    ring.submissions().publish();
    int _ = ring.take(ring.submissions().unconsumed());
    assertEquals(
        List.of(new Entry(IoUring.IORING_OP_NOP, IoUring.IOSQE_ASYNC, -1, 0, 0, 0, 0, UserData.CANCEL)),
        ring.entries());

    assertEquals(LOOK_NANOS, limit.look(0), "as many in flight as workers");
    lookInTime(limit);
    assertEquals(2, ring.workerLimits().size(), "set again to the same");
    table.hanging = 10;
    lookInTime(limit);
    assertEquals(2, ring.workerLimits().size(), "set lower: workers would end");
    table.hanging = 300;
    lookInTime(limit);
    assertEquals(USUAL + 300, ring.workerLimits().getLast());
    assertEquals(0, limit.look(0), "fewer in flight than workers");
  }

  @Test
  void look_noEntriesLeftForTheWorker_waitsForThem() {
    fill(USUAL);
    WorkerLimit limit = new WorkerLimit(ring, table);
    table.hanging = 1;
    while (ring.submissions().free() > 1) {
      ring.submissions().push(IoUring.IORING_OP_NOP, -1, 0, 0, 0, 0, 1);
    }
    lookInTime(limit);
    assertEquals(1, ring.workerLimits().size(), "the last entry is the wake-up's");
    ring.submissions().publish();
    int _ = ring.take(1);
    lookInTime(limit);
    assertEquals(List.of(USUAL, USUAL + 1), ring.workerLimits());
  }

  @Test
  void limit_kernelThatRefuses_isNotAskedAgain() {
    ring.answerLimits(-Errno.EINVAL);
    fill(USUAL + 1);
    WorkerLimit limit = new WorkerLimit(ring, table);
    table.hanging = 100;
    assertEquals(0, limit.look(0));
    assertEquals(7, limit.look(7));
    assertEquals(1, ring.workerLimits().size());
  }

  @Test
  void limit_kernelThatRefusesMore_isNotAskedAgain() {
    fill(USUAL + 1);
    WorkerLimit limit = new WorkerLimit(ring, table);
    table.hanging = 100;
    ring.answerLimits(-Errno.EINVAL);
    lookInTime(limit);
    assertEquals(2, ring.workerLimits().size());
    assertEquals(0, ring.submissions().unconsumed(), "work for a worker there will not be");
    assertEquals(0, limit.look(0));
  }
}
