package dev.annulus;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotSame;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.annulus.NativeBlocks.Block;
import dev.annulus.internal.driver.BriefLock;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Native memory in blocks: their sizes, what is kept, and that all of it is freed. */
class NativeBlocksTest {
  private static final long MIB = 1 << 20;
  private static final long SECOND = 1_000_000_000;

  /** What all blocks together should not exceed. */
  private static final long BUDGET = Math.clamp(Runtime.getRuntime().maxMemory() / 8, 8 * MIB, 128 * MIB);

  private final NativeBlocks blocks = new NativeBlocks();

  @AfterEach
  void close() {
    blocks.close();
    assertEquals(0, blocks.allocatedBytes());
  }

  @Test
  void block_isThePowerOfTwoThatHoldsWhatIsWanted_atAPage() {
    long[][] wantedAndGot = {{1, 4096}, {4096, 4096}, {4097, 8192}, {MIB - 1, MIB}, {MIB, MIB}, {100 * MIB, MIB}};
    for (long[] one : wantedAndGot) {
      Block block = blocks.take(one[0]);
      assertEquals(one[1], block.segment().byteSize());
      assertEquals(0, block.segment().address() % 4096);
      giveBack(block);
    }
  }

  @Test
  void block_givenBack_isUsedAgain_unlessItIsOfAnOddSize() {
    Block small = blocks.take(5000);
    giveBack(small);
    assertSame(small, blocks.take(8192));
    Block odd = blocks.takeWhole(3 * MIB);
    assertEquals(3 * MIB, odd.segment().byteSize());
    giveBack(odd);
    assertFalse(odd.segment().scope().isAlive());
    Block late = blocks.take(8192);
    assertNotEquals(small, late);
    giveBack(small);
    blocks.close();
    assertFalse(small.segment().scope().isAlive());
    assertTrue(late.segment().scope().isAlive());
    giveBack(late);
    assertFalse(late.segment().scope().isAlive());
  }

  @Test
  void blocks_takenByTheThousand_growSmallerAndAreNotAllKept() {
    List<Block> lent = new ArrayList<>();
    long most = Runtime.getRuntime().maxMemory() / 8;
    for (int i = 0; i < 1500; i++) {
      lent.add(blocks.take(2 * MIB));
    }
    long all = blocks.allocatedBytes();
    assertTrue(all < Math.max(8 * MIB, most) * 3, all + " bytes");
    assertEquals(MIB, lent.getFirst().segment().byteSize());
    assertTrue(lent.getLast().segment().byteSize() <= 64 << 10, "the last of " + lent.getLast().segment().byteSize());
    lent.forEach(NativeBlocksTest::giveBack);
    assertTrue(blocks.allocatedBytes() <= Math.max(8 * MIB, most), blocks.allocatedBytes() + " bytes kept");
  }

  @Test
  void take_withLittleMemoryLeft_freesWhatIsKeptAndThenTakesLess() {
    long[] room = {2 * MIB};
    NativeBlocks poor =
        new NativeBlocks(
            (arena, bytes) -> {
              if (bytes > room[0]) {
                throw new OutOfMemoryError("none");
              }
              return arena.allocate(bytes, 4096);
            },
            System::nanoTime);
    Block large = poor.take(MIB);
    giveBack(large);
    room[0] = 64 << 10;
    Block lesser = poor.take(512 << 10);
    assertEquals(32 << 10, lesser.segment().byteSize());
    assertFalse(large.segment().scope().isAlive(), "kept all the same");
    room[0] = 0;
    assertThrows(OutOfMemoryError.class, () -> poor.take(MIB));
    assertThrows(OutOfMemoryError.class, () -> poor.takeWhole(3 * MIB));
    assertEquals(32 << 10, poor.allocatedBytes());
    giveBack(lesser);
    poor.close();
    assertEquals(0, poor.allocatedBytes());
  }

  @Test
  void block_givenBackTwice_isLentToOneOnly() {
    NativeBlocks blocks = new NativeBlocks();
    NativeBlocks.Block block = blocks.take(4096);
    long lending = block.lending;
    block.giveBack(lending);
    block.giveBack(lending);
    NativeBlocks.Block first = blocks.take(4096);
    block.giveBack(lending); // late: it is somebody else's by now
    NativeBlocks.Block second = blocks.take(4096);
    assertNotEquals(first.segment().address(), second.segment().address());
    blocks.close();
  }

  private static void giveBack(NativeBlocks.Block block) {
    block.giveBack(block.lending);
  }

  // ---- with memory that is not there, and is not touched ----

  private long address = 1L << 40;
  private final List<Arena> arenas = new ArrayList<>();
  private long room = Long.MAX_VALUE;
  private long now;

  private final NativeBlocks pretended = new NativeBlocks(this::pretend, () -> now);

  /** As if there were so much memory in all. */
  @SuppressWarnings("restricted")
  private MemorySegment pretend(Arena arena, long bytes) {
    arenas.add(arena);
    if (pretended.allocatedBytes() + bytes > room) {
      throw new OutOfMemoryError("by the test");
    }
    address += bytes + 4096 & -4096;
    return MemorySegment.ofAddress(address).reinterpret(bytes, arena, null);
  }

  private long sizeOfNext() {
    Block block = pretended.take(2 * MIB);
    long bytes = block.segment().byteSize();
    giveBack(block);
    return bytes;
  }

  @Test
  void blocks_areTheSmallerTheMoreIsLent() {
    long[][] lentAndSize = {
      {0, MIB}, {BUDGET / 2 - 1, MIB}, {BUDGET / 2, 64 << 10}, {BUDGET - 1, 64 << 10}, {BUDGET, 16 << 10},
      {2 * BUDGET - 1, 16 << 10}, {2 * BUDGET, 4096}, {100 * BUDGET, 4096}
    };
    for (long[] one : lentAndSize) {
      Block lent = one[0] == 0 ? null : pretended.takeWhole(Math.max(one[0], MIB + 1));
      assertEquals(one[0], pretended.lentBytes());
      assertEquals(one[1], sizeOfNext(), "with " + one[0] + " bytes lent");
      if (lent != null) {
        Block small = pretended.take(100);
        assertEquals(4096, small.segment().byteSize());
        giveBack(small);
        giveBack(lent);
      }
    }
    pretended.close();
    assertEquals(0, pretended.allocatedBytes());
  }

  @Test
  void blocks_areKept_butNotWhenAllTogetherAreTooMany() {
    Block small = pretended.take(1);
    Block most = pretended.takeWhole(BUDGET);
    giveBack(small);
    assertFalse(small.segment().scope().isAlive(), "kept though too much is allocated");
    giveBack(most);
    Block other = pretended.take(1);
    giveBack(other);
    assertTrue(other.segment().scope().isAlive());
    assertEquals(4096, pretended.allocatedBytes());
    assertEquals(0, pretended.lentBytes());
    assertSame(other, pretended.take(1));
    assertEquals(4096, pretended.lentBytes());
    giveBack(other);
    pretended.close();
    assertEquals(0, pretended.allocatedBytes());
  }

  @Test
  void blocks_keptOfAllSizes_areHalfOfTheMost_andOfOneSize64() {
    List<Block> lent = new ArrayList<>();
    for (long bytes = 0; bytes < BUDGET / 2; bytes += MIB) {
      lent.add(pretended.take(MIB));
    }
    Block oneMore = pretended.take(64 << 10);
    lent.forEach(NativeBlocksTest::giveBack);
    long kept = pretended.allocatedBytes() - (64 << 10);
    assertTrue(kept > BUDGET / 2 - 2 * MIB && kept <= BUDGET / 2, kept + " bytes kept");
    for (int i = 0; i < 65; i++) {
      lent.set(0, pretended.take(1));
    }
    pretended.close();
    giveBack(oneMore);
    NativeBlocks others = new NativeBlocks(this::pretend, () -> now);
    List<Block> pages = new ArrayList<>();
    for (int i = 0; i < 66; i++) {
      pages.add(others.take(1));
    }
    pages.forEach(NativeBlocksTest::giveBack);
    assertEquals(64 * 4096, others.allocatedBytes());
    assertEquals(0, others.lentBytes());
    others.close();
  }

  @Test
  void blockOfMoreThanTheLargest_isFreedAtOnce_andOneOfTheLargestIsKept() {
    Block large = pretended.takeWhole(2 * MIB);
    assertEquals(2 * MIB, large.segment().byteSize());
    giveBack(large);
    assertFalse(large.segment().scope().isAlive());
    Block largest = pretended.takeWhole(MIB);
    giveBack(largest);
    assertSame(largest, pretended.take(MIB));
    giveBack(largest);
    assertSame(largest, pretended.takeWhole(MIB));
    giveBack(largest);
    pretended.close();
  }

  @Test
  void shortage_makesBlocksSmaller_forTenSeconds() {
    now = 5 * SECOND;
    room = MIB;
    Block lent = pretended.take(MIB);
    assertThrows(OutOfMemoryError.class, () -> pretended.take(1));
    room = Long.MAX_VALUE;
    assertEquals(4096, sizeOfNext());
    now += 10 * SECOND;
    assertEquals(4096, sizeOfNext());
    now++;
    assertEquals(MIB, sizeOfNext());
    giveBack(lent);
    pretended.close();
    assertEquals(0, pretended.allocatedBytes());
  }

  @Test
  void shortage_freesWhatIsKept_andThenThereMayBeEnough() {
    room = MIB;
    Block kept = pretended.take(MIB);
    giveBack(kept);
    Block instead = pretended.take(64 << 10);
    assertEquals(64 << 10, instead.segment().byteSize());
    assertFalse(kept.segment().scope().isAlive());
    assertEquals(64 << 10, pretended.allocatedBytes());
    giveBack(instead);
    pretended.close();
    assertEquals(0, pretended.allocatedBytes());
  }

  @Test
  void shortage_triesLessAndLess_downToAPage() {
    room = 4096;
    Block block = pretended.take(MIB);
    assertEquals(4096, block.segment().byteSize());
    assertThrows(OutOfMemoryError.class, () -> pretended.take(1));
    assertThrows(OutOfMemoryError.class, () -> pretended.takeWhole(1));
    assertThrows(OutOfMemoryError.class, () -> pretended.takeWhole(2 * MIB));
    assertEquals(4096, pretended.allocatedBytes());
    assertEquals(1, arenas.stream().filter(arena -> arena.scope().isAlive()).count(), "arenas are left open");
    giveBack(block);
    pretended.close();
    room = 64 << 10;
    NativeBlocks fresh = new NativeBlocks(this::pretend, () -> now);
    Block lesser = fresh.take(MIB);
    assertEquals(64 << 10, lesser.segment().byteSize());
    giveBack(lesser);
    fresh.close();
  }

  /** What all blocks together may be, they may be exactly. */
  @Test
  void block_givenBackWithAsMuchAllocatedAsMayBe_isKept() {
    Block others = pretended.takeWhole(BUDGET - 4096);
    Block page = pretended.take(1);
    assertEquals(BUDGET, pretended.allocatedBytes());
    giveBack(page);
    assertTrue(page.segment().scope().isAlive());
    giveBack(others);
    pretended.close();
    assertEquals(0, pretended.allocatedBytes());
  }

  /** Half of that, to the page, and no page more. */
  @Test
  void blocks_keptOfAllSizes_areHalfOfTheMostToThePage() {
    long half = BUDGET / 2 & -4096;
    List<Block> lent = new ArrayList<>();
    for (long left = half; left > 0; ) {
      Block block = pretended.takeWhole(Math.min(MIB, Long.highestOneBit(left)));
      left -= block.segment().byteSize();
      lent.add(block);
    }
    Block oneMore = pretended.takeWhole(4096);
    lent.forEach(NativeBlocksTest::giveBack);
    assertEquals(half + 4096, pretended.allocatedBytes());
    assertEquals(4096, pretended.lentBytes());
    giveBack(oneMore);
    assertEquals(half, pretended.allocatedBytes());
    assertEquals(0, pretended.lentBytes());
    pretended.close();
    assertEquals(0, pretended.allocatedBytes());
  }

  @Test
  void shortage_thatIsOverWhenJustEnoughIsFreed_makesBlocksNoSmaller() {
    room = 64 << 10;
    Block first = pretended.take(32 << 10);
    Block second = pretended.take(32 << 10);
    giveBack(first);
    giveBack(second);
    assertEquals(64 << 10, pretended.allocatedBytes());
    Block both = pretended.takeWhole(64 << 10);
    assertEquals(64 << 10, both.segment().byteSize());
    giveBack(both);
    pretended.close();
    assertEquals(0, pretended.allocatedBytes());
  }

  /** Not the one of a size, and not a lost count of what they are together. */
  @Test
  void blocks_areKeptAndTaken_byOneThreadAtATime() throws Exception {
    Block block = blocks.take(1);
    BriefLock lock = Meanwhile.lockOf(((Object[]) Meanwhile.fieldOf(blocks, "kept"))[0]);
    Meanwhile.assertWaitsFor(lock, () -> giveBack(block));
    assertEquals(0, blocks.lentBytes());
    assertSame(block, Meanwhile.assertWaitsFor(lock, () -> blocks.take(1)));
    assertEquals(4096, blocks.lentBytes());
    giveBack(block);
  }

  // ---- many threads ----

  @Test
  void blocks_takenAndGivenBackByManyThreads_areNobodyElses() throws Exception {
    Set<Long> taken = ConcurrentHashMap.newKeySet();
    List<Throwable> troubles = Collections.synchronizedList(new ArrayList<>());
    List<Thread> threads = new ArrayList<>();
    for (int i = 0; i < 4; i++) {
      threads.add(
          Thread.ofPlatform()
              .start(
                  () -> {
                    try {
                      for (int n = 0; n < 50_000; n++) {
                        Block block = blocks.take(1);
                        assertTrue(taken.add(block.segment().address()), "lent twice");
                        assertTrue(taken.remove(block.segment().address()));
                        giveBack(block);
                      }
                    } catch (Throwable e) {
                      troubles.add(e);
                    }
                  }));
    }
    for (Thread thread : threads) {
      assertTrue(thread.join(Duration.ofSeconds(40)));
    }
    assertEquals(List.of(), troubles);
    assertEquals(0, blocks.lentBytes());
    assertTrue(blocks.allocatedBytes() <= 4 * 4096, "blocks are lost");
  }
}
