package dev.annulus.internal.ring;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.annulus.internal.abi.Fcntl;
import dev.annulus.internal.abi.IoUring;
import dev.annulus.internal.abi.ParamsLayout;
import dev.annulus.internal.abi.Syscalls;
import dev.annulus.testing.Needs;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Rings of the running kernel. */
@Timeout(60)
class KernelRingTest {
  private static final int EBADF = 9;
  private static final int EFAULT = 14;
  private static final int EBUSY = 16;
  private static final int EOPNOTSUPP = 95;
  private static final int EINVAL = 22;
  private static final int ETIME = 62;
  private static final int WITHOUT_ARRAY =
      IoUring.IORING_SETUP_SINGLE_ISSUER | IoUring.IORING_SETUP_DEFER_TASKRUN | IoUring.IORING_SETUP_NO_SQARRAY;

  /** How the queues are mapped and which flags the ring has. */
  enum Mode {
    SINGLE_MAPPING(KernelCalls.REAL, 0, 2),
    SINGLE_MAPPING_WITHOUT_ARRAY(KernelCalls.REAL, WITHOUT_ARRAY, 2),
    SEPARATE_MAPPINGS(new OldKernel(), 0, 3),
    SEPARATE_MAPPINGS_WITHOUT_ARRAY(new OldKernel(), WITHOUT_ARRAY, 3);

    final KernelCalls kernel;
    final int flags;
    final int mappings;

    Mode(KernelCalls kernel, int flags, int mappings) {
      this.kernel = kernel;
      this.flags = flags;
      this.mappings = mappings;
    }

    /** Rings without the array came with Linux 6.6: where there are none, the test is skipped. */
    KernelRing open(int entries) throws RingSetupException {
      try {
        return KernelRing.open(kernel, entries, 0, flags);
      } catch (RingSetupException e) {
        if (flags != 0 && e.errno() == EINVAL) {
          Needs.skip("this kernel makes no ring of mode " + this);
        }
        throw e;
      }
    }
  }

  /** Denies that one mapping holds both queues, as kernels before 5.4 do; the running one still maps them apart. */
  private static final class OldKernel extends KernelCallsWrapper {
    @Override
    public int setup(int entries, MemorySegment params) {
      int fd = super.setup(entries, params);
      int features = params.get(JAVA_INT, ParamsLayout.FEATURES);
      params.set(JAVA_INT, ParamsLayout.FEATURES, features & ~IoUring.IORING_FEAT_SINGLE_MMAP);
      return fd;
    }
  }

  @TempDir Path directory;

  @ParameterizedTest
  @CsvSource({"1,1", "2,2", "3,4", "5,8", "100,128", "4096,4096"})
  void open_anySize_isRoundedUpToAPowerOfTwo(int asked, int given) throws RingSetupException {
    try (KernelRing ring = KernelRing.open(asked, 0, 0)) {
      assertEquals(given, ring.submissions().entries());
      assertEquals(2 * given, ring.completions().entries());
    }
  }

  @Test
  void open_completionEntriesAsked_areGiven() throws RingSetupException {
    try (KernelRing ring = KernelRing.open(4, 64, IoUring.IORING_SETUP_CQSIZE)) {
      assertEquals(4, ring.submissions().entries());
      assertEquals(64, ring.completions().entries());
      assertEquals(IoUring.IORING_SETUP_CQSIZE, ring.setupFlags());
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {0, IoUring.MAX_ENTRIES + 1, -1})
  void open_impossibleSize_isRefusedAndLeavesNothing(int entries) {
    Held before = Held.now();
    RingSetupException e = assertThrows(RingSetupException.class, () -> KernelRing.open(entries, 0, 0).close());
    assertEquals(EINVAL, e.errno());
    assertEquals("io_uring_setup", e.call());
    assertEquals(before, Held.now());
  }

  @Test
  void open_theMostEntries_isTaken() throws RingSetupException {
    try (KernelRing ring = KernelRing.open(IoUring.MAX_ENTRIES, 0, 0)) {
      assertEquals(32768, ring.submissions().entries());
    }
    try (KernelRing ring = KernelRing.open(IoUring.MAX_ENTRIES + 1, 0, IoUring.IORING_SETUP_CLAMP)) {
      assertEquals(32768, ring.submissions().entries());
    }
  }

  @Test
  void open_unknownFlag_isRefused() {
    RingSetupException e = assertThrows(RingSetupException.class, () -> KernelRing.open(4, 0, 1 << 30).close());
    assertEquals(EINVAL, e.errno());
  }

  @Test
  void registerMemory_thenFixedTransfers_useThatMemoryOnly() throws Exception {
    Path path = Files.write(directory.resolve("file"), new byte[] {1, 2, 3, 4});
    try (Arena arena = Arena.ofConfined();
        KernelRing ring = KernelRing.open(4, 0, 0)) {
      int fd = Syscalls.openat(Fcntl.AT_FDCWD, arena.allocateFrom(path.toString()), Fcntl.O_RDWR, 0);
      MemorySegment memory = arena.allocate(8192, 4096);
      long inside = memory.address() + 100;
      assertEquals(-EFAULT, complete(ring, IoUring.IORING_OP_READ_FIXED, fd, inside, 4, 0, 1), "nothing is registered");
      assertEquals(0, ring.registerMemory(memory));
      assertEquals(-EBUSY, ring.registerMemory(memory), "once in a ring's life");
      assertEquals(4, complete(ring, IoUring.IORING_OP_READ_FIXED, fd, inside, 10, 0, 2));
      assertArrayEquals(new byte[] {1, 2, 3, 4}, memory.asSlice(100, 4).toArray(JAVA_BYTE));
      assertEquals(2, complete(ring, IoUring.IORING_OP_WRITE_FIXED, fd, inside + 2, 2, 0, 3));
      long end = memory.address() + memory.byteSize();
      assertEquals(-EFAULT, complete(ring, IoUring.IORING_OP_READ_FIXED, fd, end - 2, 4, 0, 4));
      assertEquals(0, Syscalls.close(fd));
    }
    assertArrayEquals(new byte[] {3, 4, 3, 4}, Files.readAllBytes(path));
  }

  @Test
  void registerMemory_onAKernelThatWouldWaitForIdleness_isRefused() throws RingSetupException {
    KernelCalls before513 =
        new KernelCallsWrapper() {
          @Override
          public int setup(int entries, MemorySegment params) {
            int fd = super.setup(entries, params);
            int features = params.get(JAVA_INT, ParamsLayout.FEATURES);
            params.set(JAVA_INT, ParamsLayout.FEATURES, features & ~IoUring.IORING_FEAT_RSRC_TAGS);
            return fd;
          }
        };
    try (Arena arena = Arena.ofConfined();
        KernelRing ring = KernelRing.open(before513, 4, 0, 0)) {
      assertEquals(-EOPNOTSUPP, ring.registerMemory(arena.allocate(4096, 4096)));
    }
  }

  @ParameterizedTest
  @EnumSource
  void nops_moreThanEntries_echoTheirUserData(Mode mode) throws RingSetupException {
    try (KernelRing ring = mode.open(4)) {
      for (long i = 0; i < 16; i++) {
        long userData = 0xfeed_0000_0000_0000L + i;
        assertEquals(0, complete(ring, IoUring.IORING_OP_NOP, -1, 0, 0, 0, userData));
      }
    }
  }

  @ParameterizedTest
  @EnumSource
  void nops_inFullBatches_allComplete(Mode mode) throws RingSetupException {
    try (KernelRing ring = mode.open(4)) {
      for (int round = 0; round < 5; round++) {
        for (int i = 0; i < 4; i++) {
          ring.submissions().push(IoUring.IORING_OP_NOP, -1, 0, 0, 0, 0, 10L * round + i);
        }
        ring.submissions().publish();
        assertEquals(4, ring.enter(4, 4, 0));
        assertEquals(4, ring.completions().ready());
        for (int i = 0; i < 4; i++) {
          assertEquals(10L * round + i, ring.completions().userData(i));
          assertEquals(0, ring.completions().result(i));
        }
        ring.completions().advance(4);
        assertEquals(4, ring.submissions().free());
      }
      assertEquals(0, ring.completions().lost());
    }
  }

  @ParameterizedTest
  @EnumSource
  void file_writtenSyncedRead_throughTheRing(Mode mode) throws RingSetupException {
    int fd = openFile();
    try (KernelRing ring = mode.open(4);
        Arena arena = Arena.ofConfined()) {
      MemorySegment written = arena.allocateFrom("through the ring");
      int length = (int) written.byteSize();
      assertEquals(length, complete(ring, IoUring.IORING_OP_WRITE, fd, written.address(), length, 12345, 1));
      assertEquals(0, complete(ring, IoUring.IORING_OP_FSYNC, fd, 0, 0, 0, 2));
      MemorySegment read = arena.allocate(64);
      assertEquals(length, complete(ring, IoUring.IORING_OP_READ, fd, read.address(), 64, 12345, 3));
      assertEquals("through the ring", read.getString(0));
      assertEquals(0, complete(ring, IoUring.IORING_OP_READ, fd, read.address(), 64, 12345 + length, 4));
      assertEquals(0, complete(ring, IoUring.IORING_OP_READ, fd, read.address(), 64, 1L << 40, 5));
    } finally {
      assertEquals(0, Syscalls.close(fd));
    }
  }

  @ParameterizedTest
  @EnumSource
  void badDescriptor_isTheCompletionsResult(Mode mode) throws RingSetupException {
    try (KernelRing ring = mode.open(4);
        Arena arena = Arena.ofConfined()) {
      assertEquals(-EBADF, complete(ring, IoUring.IORING_OP_READ, 1_000_000, arena.allocate(8).address(), 8, 0, 77));
    }
  }

  @Test
  void enter_timeLimitPasses_returnsTimeAndWaitedSoLong() throws RingSetupException {
    try (KernelRing ring = KernelRing.open(4, 0, 0)) {
      long start = System.nanoTime();
      assertEquals(-ETIME, ring.enter(0, 1, 30_000_000));
      long waited = System.nanoTime() - start;
      assertTrue(waited >= 30_000_000, "waited " + waited + " ns");
      assertTrue(waited < TimeUnit.SECONDS.toNanos(10), "waited " + waited + " ns");
    }
  }

  @Test
  void enter_timeLimitOverASecond_isReadInBothParts() throws RingSetupException {
    try (KernelRing ring = KernelRing.open(4, 0, 0)) {
      long start = System.nanoTime();
      assertEquals(-ETIME, ring.enter(0, 1, 1_001_000_000));
      long waited = System.nanoTime() - start;
      assertTrue(waited >= 1_001_000_000, "waited " + waited + " ns");
      assertTrue(waited < 1_900_000_000, "waited " + waited + " ns");
    }
  }

  @Test
  void supports_opcodes_areTheKernels() throws RingSetupException {
    try (KernelRing ring = KernelRing.open(4, 0, 0)) {
      for (int opcode :
          List.of(
              IoUring.IORING_OP_NOP, IoUring.IORING_OP_READ, IoUring.IORING_OP_WRITE, IoUring.IORING_OP_FSYNC)) {
        assertTrue(ring.supports(opcode), "opcode " + opcode);
      }
      assertFalse(ring.supports(250));
      int needed = IoUring.IORING_FEAT_NODROP | IoUring.IORING_FEAT_EXT_ARG;
      assertEquals(needed, ring.features() & needed);
    }
  }

  @ParameterizedTest
  @EnumSource
  void close_openRing_leavesNoDescriptorAndNoMapping(Mode mode) throws RingSetupException {
    Held before = Held.now();
    KernelRing ring = mode.open(8);
    assertEquals(before.descriptors() + 1, Held.now().descriptors());
    assertEquals(before.mappings() + mode.mappings, Held.now().mappings());
    ring.close();
    assertEquals(before, Held.now());
  }

  /** What of the kernel's this process holds. */
  record Held(long descriptors, int mappings) {
    static Held now() {
      return new Held(ProcSelf.ringDescriptors(), ProcSelf.ringMappings().size());
    }
  }

  private int openFile() {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment path = arena.allocateFrom(directory.resolve("file").toString());
      int fd = Syscalls.openat(Fcntl.AT_FDCWD, path, Fcntl.O_RDWR | Fcntl.O_CREAT | Fcntl.O_CLOEXEC, 0600);
      assertTrue(fd >= 0, "openat: " + fd);
      return fd;
    }
  }

  /** Runs one operation to its completion, which must be its own and the only one. */
  private static int complete(KernelRing ring, int opcode, int fd, long address, int length, long offset, long userData) {
    ring.submissions().push(opcode, fd, address, length, offset, 0, userData);
    ring.submissions().publish();
    assertEquals(1, ring.submissions().unconsumed());
    assertEquals(1, ring.enter(1, 1, 0));
    assertEquals(0, ring.submissions().unconsumed());
    assertEquals(1, ring.completions().ready());
    assertEquals(userData, ring.completions().userData(0));
    int result = ring.completions().result(0);
    ring.completions().advance(1);
    return result;
  }
}
