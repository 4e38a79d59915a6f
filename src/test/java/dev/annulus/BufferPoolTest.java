package dev.annulus;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.annulus.BufferPool.Lease;
import dev.annulus.internal.driver.BriefLock;
import dev.annulus.testing.CapturedLog;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.channels.Pipe;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReferenceArray;
import org.awaitility.Awaitility;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A pool by itself: whose each page is, how often it comes back, and when it is freed. */
@Timeout(60)
class BufferPoolTest {
  private static final int PAGE = BufferPool.PAGE_BYTES;
  private static final int PAGES = 8;

  private final List<MemorySegment> allocated = new ArrayList<>();
  private final BufferPool pool = new BufferPool(PAGES * PAGE, allocated::add);

  private Lease lease(int bytes) {
    return pool.tryLease(bytes).orElseThrow();
  }

  /** As an operation begins to use it. */
  private static LeasedMemory using(Lease lease, MemorySegment segment, @Nullable ByteBuffer buffer) {
    LeasedMemory memory = new LeasedMemory(lease, segment, buffer);
    memory.take();
    return memory;
  }

  private long leasedBytes() {
    return pool.stats(0).leasedBytes();
  }

  /** Takes all that is left, page by page: no two leases may have one page. */
  private List<Lease> leaseAll() {
    List<Lease> all = new ArrayList<>();
    Set<Long> addresses = new HashSet<>();
    for (Optional<Lease> next = pool.tryLease(1); next.isPresent(); next = pool.tryLease(1)) {
      assertTrue(addresses.add(next.get().segment().address()), "one page is lent twice");
      assertTrue(all.size() < PAGES, "more is lent than there is");
      all.add(next.get());
    }
    return all;
  }

  // ---- how often pages come back ----

  @Test
  void lease_closedTwice_givesItsPagesBackOnce() {
    Lease first = lease(2 * PAGE);
    Lease other = lease(2 * PAGE);
    first.close();
    first.close();
    assertEquals(2 * PAGE, leasedBytes());
    Lease again = lease(2 * PAGE);
    first.close();
    assertEquals(4 * PAGE, leasedBytes(), "what another has by now was given back");
    assertEquals(4, leaseAll().size());
    assertSame(other, pool.leaseOf(other.segment().address()));
    assertSame(again, pool.leaseOf(again.segment().address()));
  }

  @Test
  void plainLease_closedTwice_isFreedOnceAndSaysNothing() {
    List<Lease> all = leaseAll();
    try (CapturedLog log = new CapturedLog()) {
      Lease plain = pool.lease(100);
      MemorySegment memory = plain.segment();
      assertFalse(plain.isPooled());
      plain.close();
      plain.close();
      assertFalse(memory.scope().isAlive());
      assertEquals(List.of(), log.messagesWith("leased buffer"));
    }
    assertEquals(PAGES, all.size());
  }

  /** The lease is long, so that the threads meet in the midst of giving it back. */
  @Test
  void lease_closedByManyThreadsAtOnce_givesItsPagesBackOnce() throws Exception {
    int rounds = 200;
    int bytes = 2048 * PAGE;
    BufferPool large = new BufferPool(2 * bytes, allocated::add);
    AtomicReferenceArray<@Nullable Lease> leases = new AtomicReferenceArray<>(rounds);
    AtomicInteger closed = new AtomicInteger();
    List<Throwable> troubles = Collections.synchronizedList(new ArrayList<>());
    List<Thread> threads = new ArrayList<>();
    for (int i = 0; i < 2; i++) {
      threads.add(Thread.ofPlatform().start(() -> closeEach(leases, closed, troubles)));
    }
    for (int round = 0; round < rounds; round++) {
      leases.set(round, large.tryLease(bytes).orElseThrow());
      while (closed.get() < 2 * (round + 1)) {
        Thread.onSpinWait();
      }
      assertEquals(List.of(), troubles, "round " + round);
      assertEquals(0, large.stats(0).leasedBytes(), "round " + round);
    }
    for (Thread thread : threads) {
      assertTrue(thread.join(Duration.ofSeconds(20)));
    }
    assertTrue(large.tryLease(2 * bytes).isPresent(), "not whole again");
    large.close();
  }

  private static void closeEach(
      AtomicReferenceArray<@Nullable Lease> leases, AtomicInteger closed, List<Throwable> troubles) {
    for (int round = 0; round < leases.length(); round++) {
      Lease lease = leases.get(round);
      while (lease == null) {
        Thread.onSpinWait();
        lease = leases.get(round);
      }
      try {
        lease.close();
      } catch (Throwable e) {
        troubles.add(e);
      }
      closed.incrementAndGet();
    }
  }

  // ---- while operations use it ----

  @Test
  void lease_usedByTwoOperations_comesBackWithTheSecond_howeverOftenTheFirstIsReleased() {
    Lease lease = lease(PAGE);
    LeasedMemory one = using(lease, lease.segment(), null);
    LeasedMemory two = using(lease, lease.segment(), null);
    lease.close();
    assertEquals(PAGE, leasedBytes());
    one.release();
    one.release();
    assertEquals(PAGE, leasedBytes(), "given back though an operation uses it");
    two.release();
    assertEquals(0, leasedBytes());
    two.release();
    assertEquals(PAGES, leaseAll().size());
  }

  @Test
  void lease_whoseOperationIsOver_staysLentUntilItIsClosed() {
    Lease lease = lease(PAGE);
    LeasedMemory memory = using(lease, lease.segment(), null);
    memory.release();
    assertEquals(PAGE, leasedBytes());
    assertEquals(PAGE, lease.buffer().capacity());
    lease.close();
    assertEquals(0, leasedBytes());
  }

  @Test
  void operation_onAClosedLease_isRefusedAndHoldsNothing() {
    Lease lease = lease(PAGE);
    MemorySegment memory = lease.segment();
    LeasedMemory first = using(lease, memory, null);
    lease.close();
    assertThrows(IllegalStateException.class, () -> using(lease, memory, null));
    first.release();
    assertEquals(0, leasedBytes());
    assertThrows(IllegalStateException.class, () -> using(lease, memory, null));
    assertEquals(PAGES, leaseAll().size());
  }

  @Test
  void transfer_ofALeasedBuffer_movesItByTheCount() {
    Lease lease = lease(PAGE);
    ByteBuffer buffer = lease.buffer();
    LeasedMemory memory = using(lease, lease.segment(), buffer);
    memory.transferred(100, true);
    memory.transferred(28, false);
    assertEquals(128, buffer.position());
    assertEquals(PAGE, buffer.limit());
    memory.release();
    using(lease, lease.segment(), null).transferred(5, true);
    assertEquals(128, buffer.position());
  }

  // ---- whose memory it is ----

  @Test
  void leaseOf_eachByteOfALease_isThatLease_andOfTheNextIsNot() {
    Lease lease = lease(3 * PAGE + 1);
    Lease next = lease(4 * PAGE);
    long start = lease.segment().address();
    assertEquals(3 * PAGE + 1, lease.segment().byteSize());
    assertEquals(start, allocated.getFirst().address());
    for (int page = 0; page < 4; page++) {
      assertSame(lease, pool.leaseOf(start + (long) page * PAGE));
      assertSame(lease, pool.leaseOf(start + (long) (page + 1) * PAGE - 1));
    }
    assertSame(next, pool.leaseOf(start + 4 * PAGE));
    assertSame(next, pool.leaseOf(start + PAGES * PAGE - 1));
    assertNull(pool.leaseOf(start - 1));
    assertNull(pool.leaseOf(start + PAGES * PAGE));
    assertFalse(pool.holds(start - 1));
    assertTrue(pool.holds(start));
    assertTrue(pool.holds(start + PAGES * PAGE - 1));
    assertFalse(pool.holds(start + PAGES * PAGE));
    lease.close();
    assertTrue(pool.holds(start), "it is the pool's, lent or not");
    for (int page = 0; page < 4; page++) {
      long place = start + (long) page * PAGE;
      assertThrows(IllegalStateException.class, () -> pool.leaseOf(place));
    }
  }

  @Test
  void leaseOf_plainBuffers_isKnownForEachByteUntilTheyAreClosed() {
    BufferPool off = new BufferPool(0, allocated::add);
    Lease lease = off.lease(100);
    Lease other = off.lease(50);
    long start = lease.segment().address();
    assertEquals(0, start % PAGE);
    assertEquals(100, lease.segment().byteSize());
    assertSame(lease, off.leaseOf(start));
    assertSame(lease, off.leaseOf(start + 99));
    assertNotEquals(lease, off.leaseOf(start + 100));
    assertNull(off.leaseOf(Math.min(start, other.segment().address()) - 1));
    assertTrue(off.holds(start + 99));
    assertFalse(off.holds(Math.max(start, other.segment().address()) + 100));
    lease.close();
    assertNull(off.leaseOf(start));
    assertFalse(off.holds(start));
    assertTrue(off.holds(other.segment().address()));
    other.close();
    assertEquals(0, off.capacityBytes());
    assertEquals(List.of(), allocated);
    assertEquals(2, off.stats(0).exhausted());
  }

  @Test
  void part_ofALease_isThatPart() {
    Lease lease = lease(PAGE);
    MemorySegment all = lease.segment();
    all.set(ValueLayout.JAVA_BYTE, 100, (byte) 7);
    MemorySegment part = lease.part(all.address() + 100, 10);
    assertEquals(all.address() + 100, part.address());
    assertEquals(10, part.byteSize());
    assertEquals(7, part.get(ValueLayout.JAVA_BYTE, 0));
  }

  @Test
  void lease_closed_tellsAndGivesNothing() {
    Lease lease = lease(PAGE);
    ByteBuffer buffer = lease.buffer();
    ByteBuffer _ = buffer.position(3);
    assertSame(buffer, lease.buffer());
    assertTrue(lease.isPooled());
    String open = lease.toString();
    assertTrue(open.contains("4096 bytes at 0x") && open.contains("used by 0 operations"), open);
    assertFalse(open.contains("closed") || open.contains("not the pool's"), open);
    LeasedMemory memory = using(lease, lease.segment(), buffer);
    lease.close();
    assertTrue(lease.toString().contains(", closed, used by 1 operations"), lease.toString());
    assertThrows(IllegalStateException.class, lease::buffer);
    assertThrows(IllegalStateException.class, lease::segment);
    memory.release();
    Lease plain = new BufferPool(0, _ -> {}).lease(1);
    assertTrue(plain.toString().contains("not the pool's"), plain.toString());
    plain.close();
  }

  // ---- sizes and figures ----

  @Test
  void sizes_ofPoolAndLeases_areRoundedUpNeverDown() {
    int[][] askedAndGot = {{0, 0}, {1, PAGE}, {PAGE, PAGE}, {PAGE + 1, 2 * PAGE}, {5 * PAGE, 8 * PAGE}};
    for (int[] one : askedAndGot) {
      assertEquals(one[1], new BufferPool(one[0], _ -> {}).capacityBytes());
    }
    Lease small = lease(PAGE);
    assertEquals(PAGE, leasedBytes());
    Lease larger = lease(PAGE + 1);
    assertEquals(3 * PAGE, leasedBytes());
    assertEquals(PAGE + 1, larger.segment().byteSize());
    Lease odd = lease(3 * PAGE);
    assertEquals(7 * PAGE, leasedBytes());
    for (Lease lease : List.of(small, larger, odd)) {
      assertEquals(0, lease.segment().address() % PAGE);
      lease.close();
    }
    assertEquals(0, leasedBytes());
    assertTrue(pool.tryLease(PAGES * PAGE + 1).isEmpty());
    assertTrue(pool.tryLease(PAGES * PAGE).isPresent());
  }

  @Test
  void sizes_belowOne_areRefusedAndNotCounted() {
    assertThrows(IllegalArgumentException.class, () -> pool.lease(0));
    assertThrows(IllegalArgumentException.class, () -> pool.tryLease(0));
    assertThrows(IllegalArgumentException.class, () -> pool.tryLease(-1));
    BufferPoolStats stats = pool.stats(17);
    assertEquals(new BufferPoolStats(PAGES * PAGE, 17, 0, 0, 0), stats);
    assertFalse(pool.isMade());
  }

  @Test
  void memory_isAllocatedOnceWhenFirstNeeded_andAllOfItRegistered() {
    assertEquals(List.of(), allocated);
    assertFalse(pool.isMade());
    lease(1).close();
    assertTrue(pool.isMade());
    List<Lease> all = leaseAll();
    assertEquals(1, allocated.size());
    assertEquals(PAGES * PAGE, allocated.getFirst().byteSize());
    assertEquals(0, allocated.getFirst().address() % PAGE);
    BufferPoolStats stats = pool.stats(0);
    assertEquals(PAGES + 1, stats.leases());
    assertEquals(1, stats.exhausted());
    all.forEach(Lease::close);
  }

  /** Small buffers may be had one by one. */
  @Test
  void memory_thatIsWantingForThePool_isNoErrorOfALease() {
    BufferPool poor =
        new BufferPool(
            PAGE,
            _ -> {
              throw new OutOfMemoryError("by the test");
            });
    try (Lease lease = poor.lease(1)) {
      assertEquals(1, lease.buffer().capacity());
    }
    poor.close();
  }

  // ---- the end ----

  @Test
  void close_withNothingLent_freesAtOnce_andLendsNothingOfItsOwnAfterwards() {
    lease(1).close();
    MemorySegment memory = allocated.getFirst();
    assertTrue(memory.scope().isAlive());
    try (CapturedLog log = new CapturedLog()) {
      pool.close();
      assertFalse(memory.scope().isAlive());
      pool.close();
      assertEquals(List.of(), log.messagesWith("leased buffer"));
    }
    assertTrue(pool.tryLease(1).isEmpty());
    try (Lease plain = pool.lease(1)) {
      assertFalse(plain.isPooled());
    }
    assertEquals(1, allocated.size());
  }

  @Test
  void close_beforeAnythingWasLent_allocatesNothingLater() {
    pool.close();
    assertTrue(pool.tryLease(1).isEmpty());
    assertEquals(List.of(), allocated);
    assertFalse(pool.isMade());
  }

  @Test
  void close_withLeasesOpen_freesWithTheLastOfThem() {
    Lease one = lease(PAGE);
    Lease two = lease(2 * PAGE);
    LeasedMemory used = using(two, two.segment(), null);
    MemorySegment memory = allocated.getFirst();
    pool.close();
    pool.close();
    assertTrue(memory.scope().isAlive());
    assertTrue(pool.tryLease(1).isEmpty(), "lent though it is closed");
    one.close();
    assertTrue(memory.scope().isAlive());
    two.close();
    assertTrue(memory.scope().isAlive(), "freed though an operation uses it");
    used.release();
    assertFalse(memory.scope().isAlive());
  }

  @Test
  void leases_givenBackOneByOne_neverFreeAPoolThatIsOpen() {
    for (int i = 0; i < 10; i++) {
      lease(PAGES * PAGE).close();
      assertTrue(allocated.getFirst().scope().isAlive());
    }
    assertEquals(1, allocated.size());
  }

  /** Memory that somebody else is using this very moment cannot be freed. That is logged, and harms nobody else. */
  @Test
  void plainLease_inUseElsewhereWhenClosed_isNotFreedAndSaysSo() throws Exception {
    BufferPool off = new BufferPool(0, _ -> {});
    Lease lease = off.lease(100);
    MemorySegment memory = lease.segment();
    ByteBuffer buffer = lease.buffer();
    Pipe pipe = Pipe.open();
    Thread reader = Thread.ofPlatform().daemon().start(() -> readFrom(pipe, buffer));
    Awaitility.await().atMost(Duration.ofSeconds(20)).until(() -> isInKernel(reader));
    try (CapturedLog log = new CapturedLog()) {
      lease.close();
      assertTrue(memory.scope().isAlive());
      assertEquals(1, log.messagesWith("in use elsewhere").size());
      assertNull(off.leaseOf(memory.address()));
    }
    assertEquals(1, pipe.sink().write(ByteBuffer.allocate(1)));
    assertTrue(reader.join(Duration.ofSeconds(20)));
    pipe.sink().close();
    pipe.source().close();
  }

  private static void readFrom(Pipe pipe, ByteBuffer buffer) {
    try {
      assertEquals(1, pipe.source().read(buffer));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static boolean isInKernel(Thread thread) {
    StackTraceElement[] stack = thread.getStackTrace();
    return stack.length > 0 && stack[0].getMethodName().equals("read0");
  }

  // ---- many threads ----

  /** Who closes a pool, gives the last lease back or asks how much is lent waits for who takes pages. */
  @Test
  void pages_areTakenAndGivenBack_byOneThreadAtATime() throws Exception {
    Lease one = lease(PAGE);
    BriefLock lock = Meanwhile.lockOf(Meanwhile.fieldOf(pool, "region"));
    Lease two = Meanwhile.assertWaitsFor(lock, () -> lease(PAGE));
    assertNotEquals(one.segment().address(), two.segment().address());
    assertEquals(2 * PAGE, Meanwhile.assertWaitsFor(lock, this::leasedBytes));
    Meanwhile.assertWaitsFor(lock, one::close);
    Meanwhile.assertWaitsFor(lock, pool::close);
    MemorySegment memory = allocated.getFirst();
    assertTrue(memory.scope().isAlive());
    two.close();
    assertFalse(memory.scope().isAlive());
  }


  /** Pages are taken and given back in long runs, so that threads meet in the midst of it. */
  @Test
  void leases_takenAndGivenBackByManyThreads_areKnownForTheirOwn() throws Exception {
    int half = 2048 * PAGE;
    BufferPool large = new BufferPool(2 * half, allocated::add);
    List<Throwable> troubles = Collections.synchronizedList(new ArrayList<>());
    List<Thread> threads = new ArrayList<>();
    for (int i = 0; i < 3; i++) {
      threads.add(Thread.ofPlatform().start(() -> takeAndGiveBack(large, half, troubles)));
    }
    for (Thread thread : threads) {
      assertTrue(thread.join(Duration.ofSeconds(40)));
    }
    assertEquals(List.of(), troubles);
    assertEquals(0, large.stats(0).leasedBytes());
    assertTrue(large.tryLease(2 * half).isPresent(), "not whole again");
    large.close();
  }

  private static void takeAndGiveBack(BufferPool large, int half, List<Throwable> troubles) {
    try {
      long mine = Thread.currentThread().threadId() << 32;
      for (int i = 0; i < 5_000; i++) {
        Optional<Lease> taken = large.tryLease(half);
        if (taken.isEmpty()) {
          Thread.onSpinWait();
          continue;
        }
        try (Lease lease = taken.get()) {
          MemorySegment memory = lease.segment();
          memory.set(ValueLayout.JAVA_LONG, 0, mine + i);
          for (long at = 0; at < half; at += 100 * PAGE) {
            assertSame(lease, large.leaseOf(memory.address() + at));
          }
          assertSame(lease, large.leaseOf(memory.address() + half - 1));
          assertEquals(mine + i, memory.get(ValueLayout.JAVA_LONG, 0));
        }
      }
    } catch (Throwable e) {
      troubles.add(e);
    }
  }
}
