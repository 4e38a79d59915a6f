package dev.annulus.internal.ring;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.annulus.internal.abi.IoUring;
import dev.annulus.internal.abi.ParamsLayout;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Each step of making a ring fails once, on real mappings: what was made before is unmade, once. */
@Timeout(60)
class RingSetupFailureTest {
  private static final int ENOMEM = 12;

  /** Refuses one mmap, counted from 1; 0 refuses none. Keeps the books on everything that succeeded. */
  private static final class FailingKernel extends KernelCallsWrapper {
    private final boolean single;
    private final int refused;
    private int asked;
    final List<Long> mapped = new ArrayList<>();
    final List<Long> unmapped = new ArrayList<>();
    final List<Integer> opened = new ArrayList<>();
    final List<Integer> closed = new ArrayList<>();

    FailingKernel(boolean single, int refused) {
      this.single = single;
      this.refused = refused;
    }

    @Override
    public int setup(int entries, MemorySegment params) {
      int fd = super.setup(entries, params);
      if (!single) {
        int features = params.get(JAVA_INT, ParamsLayout.FEATURES);
        params.set(JAVA_INT, ParamsLayout.FEATURES, features & ~IoUring.IORING_FEAT_SINGLE_MMAP);
      }
      opened.add(fd);
      return fd;
    }

    @Override
    public long mmap(long length, int protection, int flags, int fd, long offset) {
      asked++;
      if (asked == refused) {
        return -ENOMEM;
      }
      long address = super.mmap(length, protection, flags, fd, offset);
      mapped.add(address);
      return address;
    }

    @Override
    public void munmap(MemorySegment mapping) {
      unmapped.add(mapping.address());
      super.munmap(mapping);
    }

    @Override
    public int close(int fd) {
      closed.add(fd);
      return super.close(fd);
    }
  }

  @ParameterizedTest
  @CsvSource({"true,1,0", "true,2,1", "false,1,0", "false,2,1", "false,3,2"})
  void open_mmapRefused_undoesWhatWasDone(boolean single, int refused, int mappedBefore) {
    KernelRingTest.Held before = KernelRingTest.Held.now();
    FailingKernel kernel = new FailingKernel(single, refused);
    RingSetupException e = assertThrows(RingSetupException.class, () -> KernelRing.open(kernel, 8, 0, 0).close());
    assertEquals("mmap", e.call());
    assertEquals(ENOMEM, e.errno());
    assertEquals(mappedBefore, kernel.mapped.size());
    assertEverythingUndone(kernel);
    assertEquals(before, KernelRingTest.Held.now());
  }

  @ParameterizedTest
  @CsvSource({"true,2", "false,3"})
  void close_ringMade_undoesEverythingOnce(boolean single, int mappings) throws RingSetupException {
    FailingKernel kernel = new FailingKernel(single, 0);
    KernelRing.open(kernel, 8, 0, 0).close();
    assertEquals(mappings, kernel.mapped.size());
    assertEverythingUndone(kernel);
  }

  @Test
  void open_setupRefused_mapsAndClosesNothing() {
    FailingKernel kernel = new FailingKernel(true, 0);
    assertThrows(RingSetupException.class, () -> KernelRing.open(kernel, 0, 0, 0).close());
    assertEquals(List.of(), kernel.mapped);
    assertEquals(List.of(), kernel.unmapped);
    assertEquals(List.of(), kernel.closed);
  }

  private static void assertEverythingUndone(FailingKernel kernel) {
    assertEquals(kernel.mapped.stream().sorted().toList(), kernel.unmapped.stream().sorted().toList());
    assertEquals(1, kernel.opened.size());
    assertEquals(kernel.opened, kernel.closed);
  }
}
