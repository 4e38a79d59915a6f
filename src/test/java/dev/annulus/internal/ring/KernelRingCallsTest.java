package dev.annulus.internal.ring;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.annulus.internal.abi.GetEventsArgLayout;
import dev.annulus.internal.abi.IoUring;
import dev.annulus.internal.abi.IovecLayout;
import dev.annulus.internal.abi.ProbeLayout;
import dev.annulus.internal.abi.RsrcUpdateLayout;
import dev.annulus.internal.driver.Errno;
import dev.annulus.testing.SyscallTap;
import dev.annulus.testing.SyscallTap.Call;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What a ring asks of the kernel, call by call. */
@Timeout(30)
class KernelRingCallsTest {
  private static final int ENTER = IoUring.NR_io_uring_enter;
  private static final int REGISTER = IoUring.NR_io_uring_register;

  private final SyscallTap tap = SyscallTap.ofThisThread();

  @AfterEach
  void close() {
    tap.close();
  }

  private static KernelRing open() throws RingSetupException {
    return KernelRing.open(4, 0, 0);
  }

  private List<Call> calls(int number) {
    return tap.calls().stream().filter(call -> call.number() == number).toList();
  }

  /** Refuses to register the ring's descriptor with the thread, so that it is called by its own number. */
  private void refuseDescriptors() {
    tap.answer(
        call ->
            call.number() == REGISTER && call.arguments().get(1) == IoUring.IORING_REGISTER_RING_FDS
                ? -Errno.EINVAL
                : SyscallTap.PASS);
  }

  @ParameterizedTest
  @CsvSource({"0", "-1"})
  void enter_withoutALimit_waitsForCompletions(long nanos) throws RingSetupException {
    refuseDescriptors();
    try (KernelRing ring = open()) {
      tap.forget();
      tap.answer(_ -> 3);
      assertEquals(3, ring.enter(5, 1, nanos));
      long fd = calls(ENTER).getFirst().arguments().getFirst();
      assertEquals(List.of(new Call(ENTER, List.of(fd, 5L, 1L, (long) IoUring.IORING_ENTER_GETEVENTS, 0L, 0L))), tap.calls());
      tap.answer(_ -> SyscallTap.PASS);
    }
  }

  @ParameterizedTest
  @CsvSource({"1,0,1", "999999999,0,999999999", "1000000000,1,0", "3000000007,3,7"})
  void enter_withALimit_tellsItInBothParts(long nanos, long seconds, long rest) throws RingSetupException {
    refuseDescriptors();
    try (KernelRing ring = open()) {
      tap.forget();
      tap.answer(
          call -> {
            long argument = call.arguments().get(4);
            long timespec = SyscallTap.word(argument + GetEventsArgLayout.TS);
            assertEquals(seconds, SyscallTap.word(timespec));
            assertEquals(rest, SyscallTap.word(timespec + Long.BYTES));
            return -Errno.ETIME;
          });
      assertEquals(-Errno.ETIME, ring.enter(0, 1, nanos));
      List<Long> arguments = tap.calls().getFirst().arguments();
      assertEquals(IoUring.IORING_ENTER_GETEVENTS | IoUring.IORING_ENTER_EXT_ARG, arguments.get(3));
      assertEquals(GetEventsArgLayout.SIZE, arguments.get(5));
      tap.answer(_ -> SyscallTap.PASS);
    }
  }

  @Test
  void enter_registeredDescriptor_isNamedByItsPlaceAndGivenBack() throws RingSetupException {
    tap.answer(
        call -> {
          if (call.number() == REGISTER && call.arguments().get(1) == IoUring.IORING_REGISTER_RING_FDS) {
            long update = call.arguments().get(2);
            MemorySegment offset = SyscallTap.memory(update + RsrcUpdateLayout.OFFSET, Integer.BYTES);
            assertEquals(-1, offset.get(JAVA_INT, 0), "the kernel chooses the place");
            assertEquals(call.arguments().getFirst(), SyscallTap.word(update + RsrcUpdateLayout.DATA), "the ring itself");
            offset.set(JAVA_INT, 0, 9);
            return 1;
          }
          return SyscallTap.PASS;
        });
    KernelRing ring = open();
    int[] place = {-1};
    tap.forget();
    tap.answer(
        call -> {
          if (call.number() == REGISTER) {
            assertEquals(IoUring.IORING_UNREGISTER_RING_FDS, call.arguments().get(1));
            place[0] = SyscallTap.memory(call.arguments().get(2), 4).get(JAVA_INT, 0);
            return 1;
          }
          return call.number() == ENTER ? 0 : SyscallTap.PASS;
        });
    assertEquals(0, ring.enter(0, 0, 0));
    assertEquals(9, calls(ENTER).getFirst().arguments().getFirst());
    assertEquals(
        IoUring.IORING_ENTER_GETEVENTS | IoUring.IORING_ENTER_REGISTERED_RING,
        calls(ENTER).getFirst().arguments().get(3));
    ring.close();
    assertEquals(9, place[0], "the place is kept, and with it the ring");
  }

  @Test
  void limitWorkers_isOfThoseThatTakeFiles() throws RingSetupException {
    try (KernelRing ring = open()) {
      tap.forget();
      tap.answer(
          call -> {
            MemorySegment pair = SyscallTap.memory(call.arguments().get(2), 8);
            assertEquals(77, pair.get(JAVA_INT, 0));
            assertEquals(0, pair.get(JAVA_INT, 4), "the others are to stay as they are");
            return -Errno.EINVAL;
          });
      assertEquals(-Errno.EINVAL, ring.limitWorkers(77));
      assertEquals(REGISTER, tap.calls().getFirst().number());
      assertEquals(IoUring.IORING_REGISTER_IOWQ_MAX_WORKERS, tap.calls().getFirst().arguments().get(1));
      assertEquals(2, tap.calls().getFirst().arguments().get(3));
      assertEquals(1, tap.calls().size());
      tap.answer(_ -> SyscallTap.PASS);
    }
  }

  @Test
  void registerMemory_isOneBuffer() throws RingSetupException {
    MemorySegment memory = Arena.ofAuto().allocate(8192, 4096);
    try (KernelRing ring = open()) {
      tap.forget();
      tap.answer(
          call -> {
            long iovec = call.arguments().get(2);
            assertEquals(memory.address(), SyscallTap.word(iovec + IovecLayout.BASE));
            assertEquals(8192, SyscallTap.word(iovec + IovecLayout.LEN));
            return -Errno.ENOMEM;
          });
      boolean tags = (ring.features() & IoUring.IORING_FEAT_RSRC_TAGS) != 0;
      assertEquals(tags ? -Errno.ENOMEM : -Errno.EOPNOTSUPP, ring.registerMemory(memory));
      assertEquals(tags ? 1 : 0, tap.calls().size());
      tap.calls()
          .forEach(
              call -> {
                assertEquals(IoUring.IORING_REGISTER_BUFFERS, call.arguments().get(1));
                assertEquals(1, call.arguments().get(3));
              });
      tap.answer(_ -> SyscallTap.PASS);
    }
  }

  /** A kernel that cannot be asked runs nothing we could count on. */
  @Test
  void supports_kernelThatDoesNotTell_isNothing() throws RingSetupException {
    tap.answer(
        call ->
            call.number() == REGISTER && call.arguments().get(1) == IoUring.IORING_REGISTER_PROBE
                ? -Errno.EINVAL
                : SyscallTap.PASS);
    try (KernelRing ring = open()) {
      for (int opcode = 0; opcode < 256; opcode++) {
        assertFalse(ring.supports(opcode));
      }
    }
  }

  @Test
  void supports_opcodes_areThoseTheKernelFlags() throws RingSetupException {
    tap.answer(
        call -> {
          if (call.number() != REGISTER || call.arguments().get(1) != IoUring.IORING_REGISTER_PROBE) {
            return SyscallTap.PASS;
          }
          MemorySegment probe =
              SyscallTap.memory(call.arguments().get(2), ProbeLayout.SIZE + 256 * ProbeLayout.OP_SIZE);
          probe.set(JAVA_BYTE, ProbeLayout.OPS_LEN, (byte) 200);
          for (int opcode = 0; opcode < 256; opcode++) {
            int flags = opcode == 3 ? 0 : IoUring.IO_URING_OP_SUPPORTED;
            probe.set(JAVA_SHORT, ProbeLayout.OPS + opcode * ProbeLayout.OP_SIZE + ProbeLayout.OP_FLAGS, (short) flags);
          }
          return 0;
        });
    try (KernelRing ring = open()) {
      assertTrue(ring.supports(0));
      assertTrue(ring.supports(2));
      assertFalse(ring.supports(3));
      assertTrue(ring.supports(199));
      assertFalse(ring.supports(200), "beyond what the kernel knows");
    }
  }

  /** An error of the JVM comes when the queues are mapped. */
  @Test
  void open_cutBehindTheMappings_undoesThem() {
    long descriptors = ProcSelf.ringDescriptors();
    int mappings = ProcSelf.ringMappings().size();
    tap.answer(
        call -> {
          if (call.number() == REGISTER) {
            throw new OutOfMemoryError("thrown by the test");
          }
          return SyscallTap.PASS;
        });
    assertThrows(OutOfMemoryError.class, KernelRingCallsTest::open);
    assertEquals(mappings, ProcSelf.ringMappings().size());
    assertEquals(descriptors, ProcSelf.ringDescriptors());
  }
}
