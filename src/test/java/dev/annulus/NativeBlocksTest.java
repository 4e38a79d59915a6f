package dev.annulus;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotSame;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.annulus.NativeBlocks.Block;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Native memory in blocks: their sizes, what is kept, and that all of it is freed. */
class NativeBlocksTest {
  private static final long MIB = 1 << 20;

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
            });
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
}
