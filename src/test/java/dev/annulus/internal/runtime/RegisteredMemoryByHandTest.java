package dev.annulus.internal.runtime;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.annulus.internal.abi.IoUring;
import dev.annulus.internal.ring.CompletionQueue;
import dev.annulus.internal.ring.Ring;
import dev.annulus.internal.ring.SubmissionQueue;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Which stretches of memory are registered with a ring, and when. */
class RegisteredMemoryByHandTest {
  private static final int SIZE = 8192;
  private static final int EINVAL = 22;

  private final Arena arena = Arena.ofShared();
  private final MemorySegment all = arena.allocate(3 * SIZE, 4096);
  private final MemorySegment memory = all.asSlice(SIZE, SIZE);
  private final Books ring = new Books();
  private final RegisteredMemory registered = new RegisteredMemory();

  /** A ring that keeps the books on what is registered, and does nothing else. */
  private static final class Books implements Ring {
    final Set<Integer> opcodes = new TreeSet<>(Set.of(IoUring.IORING_OP_READ_FIXED, IoUring.IORING_OP_WRITE_FIXED));
    final List<MemorySegment> asked = new ArrayList<>();
    int answer;

    @Override
    public int registerMemory(MemorySegment memory) {
      asked.add(memory);
      return answer;
    }

    @Override
    public boolean supports(int opcode) {
      return opcodes.contains(opcode);
    }

    @Override
    public SubmissionQueue submissions() {
      throw new UnsupportedOperationException();
    }

    @Override
    public CompletionQueue completions() {
      throw new UnsupportedOperationException();
    }

    @Override
    public int enter(int toSubmit, int minComplete, long timeoutNanos) {
      throw new UnsupportedOperationException();
    }

    @Override
    public int setupFlags() {
      return 0;
    }

    @Override
    public void close() {}
  }

  @AfterEach
  void free() {
    arena.close();
  }

  @Test
  void memory_isRegisteredOnceAtTheNextRound() {
    registered.registerIfWanted(ring);
    assertEquals(List.of(), ring.asked, "nothing was wanted");
    registered.want(memory);
    assertEquals(0, registered.bytes());
    assertFalse(registered.holds(memory.address(), 1), "before it is registered");
    registered.registerIfWanted(ring);
    registered.registerIfWanted(ring);
    assertEquals(1, ring.asked.size());
    assertSame(memory, ring.asked.getFirst());
    assertEquals(SIZE, registered.bytes());
  }

  @Test
  void holds_whatIsWhollyWithin() {
    assertFalse(registered.holds(0, 0));
    registered.want(memory);
    registered.registerIfWanted(ring);
    long start = memory.address();
    assertTrue(registered.holds(start, SIZE));
    assertTrue(registered.holds(start, 1));
    assertTrue(registered.holds(start + SIZE - 1, 1));
    assertTrue(registered.holds(start + SIZE, 0));
    assertTrue(registered.holds(start + 100, SIZE - 100));
    assertFalse(registered.holds(start + 100, SIZE - 99));
    assertFalse(registered.holds(start, SIZE + 1));
    assertFalse(registered.holds(start - 1, 1));
    assertFalse(registered.holds(start - 1, SIZE));
    assertFalse(registered.holds(start - SIZE, SIZE));
    assertFalse(registered.holds(start + SIZE, 1));
    assertFalse(registered.holds(start, Integer.MAX_VALUE));
    assertFalse(registered.holds(0, SIZE));
    assertFalse(registered.holds(0, 0));
  }

  @Test
  void memory_theKernelWillNotHave_isUsedAsAnyOther() {
    ring.answer = -EINVAL;
    registered.want(memory);
    registered.registerIfWanted(ring);
    registered.registerIfWanted(ring);
    assertEquals(1, ring.asked.size(), "asked for again and again");
    assertEquals(0, registered.bytes());
    assertFalse(registered.holds(memory.address(), 1));
  }

  @Test
  void ring_thatKnowsOneOfTheTwoOperationsOnly_isNotAsked() {
    for (int missing : new int[] {IoUring.IORING_OP_READ_FIXED, IoUring.IORING_OP_WRITE_FIXED}) {
      ring.opcodes.addAll(Set.of(IoUring.IORING_OP_READ_FIXED, IoUring.IORING_OP_WRITE_FIXED));
      ring.opcodes.remove(missing);
      registered.want(memory);
      registered.registerIfWanted(ring);
      assertEquals(List.of(), ring.asked);
      assertFalse(registered.holds(memory.address(), 1));
    }
  }
}
