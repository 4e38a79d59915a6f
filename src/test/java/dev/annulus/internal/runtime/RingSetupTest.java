package dev.annulus.internal.runtime;

import static dev.annulus.internal.abi.IoUring.IORING_SETUP_CLAMP;
import static dev.annulus.internal.abi.IoUring.IORING_SETUP_COOP_TASKRUN;
import static dev.annulus.internal.abi.IoUring.IORING_SETUP_CQSIZE;
import static dev.annulus.internal.abi.IoUring.IORING_SETUP_DEFER_TASKRUN;
import static dev.annulus.internal.abi.IoUring.IORING_SETUP_NO_SQARRAY;
import static dev.annulus.internal.abi.IoUring.IORING_SETUP_SINGLE_ISSUER;
import static dev.annulus.internal.abi.IoUring.IORING_SETUP_SUBMIT_ALL;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.annulus.internal.driver.Errno;
import dev.annulus.internal.abi.ParamsLayout;
import dev.annulus.internal.abi.IoUring;
import dev.annulus.internal.abi.Syscalls;
import dev.annulus.internal.driver.Unavailable;
import dev.annulus.internal.ring.KernelRing;
import dev.annulus.internal.ring.ProcSelf;
import dev.annulus.internal.ring.RingSetupException;
import dev.annulus.testing.Needs;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import dev.annulus.testing.SyscallTap;
import java.lang.foreign.MemorySegment;
import java.time.Duration;
import org.junit.jupiter.params.provider.ValueSource;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

@Timeout(30)
class RingSetupTest {
  private static final int BEST =
      IORING_SETUP_CQSIZE
          | IORING_SETUP_CLAMP
          | IORING_SETUP_SUBMIT_ALL
          | IORING_SETUP_SINGLE_ISSUER
          | IORING_SETUP_DEFER_TASKRUN
          | IORING_SETUP_NO_SQARRAY;

  @ParameterizedTest
  @CsvSource({"1,2", "2,2", "3,4", "4,4", "5,8", "8,8", "1000,1024", "1024,1024", "1025,1024", "65536,1024"})
  void submissionEntries_anyLimit_areAPowerOfTwoUpToAMost(int maxInFlight, int expected) {
    assertEquals(expected, RingSetup.submissionEntries(maxInFlight));
  }

  @Test
  void completionEntries_anyLimit_haveRoomForCancellationsAndTheWakeup() {
    for (int maxInFlight = 1; maxInFlight <= 70_000; maxInFlight++) {
      int entries = RingSetup.completionEntries(maxInFlight);
      assertEquals(1, Integer.bitCount(entries), "for " + maxInFlight);
      assertTrue(entries > 2 * maxInFlight, entries + " for " + maxInFlight);
      assertTrue(entries < 2 * (2 * maxInFlight + 2), entries + " for " + maxInFlight);
    }
  }

  @Test
  void describe_flags_namesThem() {
    assertEquals("", RingSetup.describe(0));
    assertEquals("SUBMIT_ALL", RingSetup.describe(IORING_SETUP_SUBMIT_ALL));
    assertEquals("SINGLE_ISSUER|DEFER_TASKRUN|SUBMIT_ALL|NO_SQARRAY|CQSIZE|CLAMP", RingSetup.describe(BEST));
    assertEquals(
        "COOP_TASKRUN|CLAMP", RingSetup.describe(IORING_SETUP_COOP_TASKRUN | IORING_SETUP_CLAMP));
  }

  @Test
  void open_runningKernel_isSizedForTheLimit() throws Unavailable {
    try (KernelRing ring = RingSetup.open(100)) {
      assertEquals(128, ring.submissions().entries());
      assertEquals(256, ring.completions().entries());
    }
  }

  @ParameterizedTest
  @CsvSource({
    "65536, SINGLE_ISSUER|DEFER_TASKRUN|SUBMIT_ALL|CQSIZE|CLAMP",
    "73728, SINGLE_ISSUER|COOP_TASKRUN|SUBMIT_ALL|CQSIZE|CLAMP",
    "77824, COOP_TASKRUN|SUBMIT_ALL|CQSIZE|CLAMP",
    "78080, SUBMIT_ALL|CQSIZE|CLAMP",
    "78208, CQSIZE|CLAMP"
  })
  void open_kernelLackingFlags_stepsDownToThoseItHas(int lacking, String expected) throws Unavailable {
    skipUnlessKnown(BEST & ~lacking);
    List<String> tried = new ArrayList<>();
    RingSetup.Opener olderKernel =
        (entries, completionEntries, flags) -> {
          tried.add(RingSetup.describe(flags));
          if ((flags & lacking) != 0) {
            throw new RingSetupException("io_uring_setup", Errno.EINVAL);
          }
          return KernelRing.open(entries, completionEntries, flags);
        };
    try (KernelRing ring = RingSetup.open(8, olderKernel)) {
      assertEquals(expected, RingSetup.describe(ring.setupFlags()));
    }
    assertEquals(tried.size(), tried.stream().distinct().count(), "a step twice: " + tried);
    assertEquals(expected, tried.getLast());
  }

  @Test
  void open_runningKernel_takesTheBestFlagsItHas() throws Unavailable {
    List<Integer> tried = new ArrayList<>();
    RingSetup.Opener watched =
        (entries, completionEntries, flags) -> {
          tried.add(flags);
          return KernelRing.open(entries, completionEntries, flags);
        };
    try (KernelRing ring = RingSetup.open(8, watched)) {
      assertEquals(BEST, tried.getFirst());
      assertEquals(tried.getLast(), ring.setupFlags());
    }
  }

  @ParameterizedTest
  @CsvSource({
    "38, NOT_IMPLEMENTED", "12, LOCKED_MEMORY_LIMIT", "24, OTHER", "22, OTHER",
    "1, FORBIDDEN_BY_SECCOMP", "13, FORBIDDEN_BY_SECCOMP"
  })
  void open_refused_saysWhy(int errno, Unavailable.Cause expected) {
    // The sysctl is 0 here, or no other test could make a ring: what forbids it is then something else.
    RingSetup.Opener refusing =
        (_, _, _) -> {
          throw new RingSetupException("io_uring_setup", errno);
        };
    Unavailable e = assertThrows(Unavailable.class, () -> RingSetup.open(8, refusing).close());
    assertEquals(expected, e.reason());
    assertTrue(e.detail().contains(Errno.symbol(errno)), e.detail());
    assertTrue(e.detail().contains("io_uring_setup"), e.detail());
  }

  @Test
  void open_whereMemoryIsShortForAMoment_asksAgain() throws Unavailable {
    AtomicInteger refusals = new AtomicInteger(3);
    RingSetup.Opener shortOfMemory =
        (entries, completionEntries, _) -> {
          if (refusals.getAndDecrement() > 0) {
            throw new RingSetupException("io_uring_setup", Errno.ENOMEM);
          }
          return KernelRing.open(entries, completionEntries, 0);
        };
    try (KernelRing ring = RingSetup.open(8, shortOfMemory)) {
      assertEquals(-1, refusals.get());
      assertEquals(8, ring.submissions().entries());
    }
  }

  @Test
  void open_whereMemoryStaysShort_failsWithinTwoSeconds() {
    AtomicInteger asked = new AtomicInteger();
    RingSetup.Opener refusing =
        (_, _, _) -> {
          asked.incrementAndGet();
          throw new RingSetupException("mmap", Errno.ENOMEM);
        };
    long start = System.nanoTime();
    Unavailable e = assertThrows(Unavailable.class, () -> RingSetup.open(8, refusing).close());
    assertEquals(Unavailable.Cause.LOCKED_MEMORY_LIMIT, e.reason());
    assertTrue(System.nanoTime() - start >= 900_000_000L, "gave up early");
    assertEquals(8, asked.get());
  }

  /** Older kernels lack flags; a trial ring tells, and no version number. */
  private static void skipUnlessKnown(int flags) {
    try {
      KernelRing.open(2, 4, flags).close();
    } catch (RingSetupException e) {
      Needs.skip("this kernel does not know all of " + RingSetup.describe(flags) + ": " + e.getMessage());
    }
  }

  @Test
  void open_nativeAccessDenied_saysSo() {
    RingSetup.Opener denied =
        (_, _, _) -> {
          throw new IllegalCallerException("Illegal native access from the test");
        };
    Unavailable e = assertThrows(Unavailable.class, () -> RingSetup.open(8, denied).close());
    assertEquals(Unavailable.Cause.NATIVE_ACCESS_DENIED, e.reason());
    assertInstanceOf(IllegalCallerException.class, e.getCause());
  }

  /** A kernel that lacks something: told by its features, or by what it says of its operations. */
  @ParameterizedTest
  @ValueSource(ints = {IoUring.IORING_FEAT_NODROP, IoUring.IORING_FEAT_SUBMIT_STABLE, IoUring.IORING_FEAT_EXT_ARG, 0})
  void open_kernelThatLacksWhatIsNeeded_saysSoAndLeavesNothing(int lacking) {
    long descriptors = ProcSelf.ringDescriptors();
    int mappings = ProcSelf.ringMappings().size();
    try (SyscallTap tap = SyscallTap.ofThisThread()) {
      tap.answer(
          call -> {
            if (call.number() == IoUring.NR_io_uring_setup && lacking != 0) {
              return setupWithout(lacking, call);
            }
            boolean probes =
                call.number() == IoUring.NR_io_uring_register
                    && call.arguments().get(1) == IoUring.IORING_REGISTER_PROBE;
            return probes && lacking == 0 ? -Errno.EINVAL : SyscallTap.PASS;
          });
      Unavailable e = assertThrows(Unavailable.class, () -> RingSetup.open(8).close());
      assertEquals(Unavailable.Cause.MISSING_OPERATION, e.reason());
      assertTrue(e.detail().contains(lacking == 0 ? "opcode" : "features"), e.detail());
    }
    assertEquals(descriptors, ProcSelf.ringDescriptors());
    assertEquals(mappings, ProcSelf.ringMappings().size());
  }

  /** Has another thread, whose calls pass, make the ring, and takes a feature away from what the kernel says. */
  private static int setupWithout(int feature, SyscallTap.Call call) {
    MemorySegment params = SyscallTap.memory(call.arguments().get(1), ParamsLayout.SIZE);
    int[] fd = new int[1];
    Thread making =
        Thread.ofPlatform().start(() -> fd[0] = Syscalls.ioUringSetup(call.arguments().getFirst().intValue(), params));
    try {
      assertTrue(making.join(Duration.ofSeconds(20)));
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
    params.set(JAVA_INT, ParamsLayout.FEATURES, params.get(JAVA_INT, ParamsLayout.FEATURES) & ~feature);
    return fd[0];
  }

  @Test
  void probe_runningKernel_leavesNothing() throws Unavailable {
    long descriptors = ProcSelf.ringDescriptors();
    int mappings = ProcSelf.ringMappings().size();
    RingDriver.probe(1024);
    assertEquals(descriptors, ProcSelf.ringDescriptors());
    assertEquals(mappings, ProcSelf.ringMappings().size());
  }
}
