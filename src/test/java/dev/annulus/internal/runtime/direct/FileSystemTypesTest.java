package dev.annulus.internal.runtime.direct;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.annulus.internal.abi.Arch;
import dev.annulus.internal.abi.Fcntl;
import dev.annulus.internal.abi.StatxLayout;
import dev.annulus.internal.abi.Syscalls;
import dev.annulus.internal.driver.Errno;
import dev.annulus.internal.driver.OpenFlag;
import dev.annulus.internal.driver.Operation;
import dev.annulus.testing.SyscallTap;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.EnumSet;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Whose type is remembered, and by what. The numbers of mounts are told by the test. */
@Timeout(60)
class FileSystemTypesTest {
  private static final Arch.Numbers NR = Syscalls.arch().numbers;

  /** No kernel gives such numbers, and each test needs its own: what is known stays known. */
  private static final AtomicLong NEXT_MOUNT = new AtomicLong(Long.MIN_VALUE);

  private final SyscallTap tap = SyscallTap.ofThisThread();
  private int inMemory;
  private int inProc;

  private static int open(String path) {
    int fd = DirectCalls.run(new Operation.Open(Path.of(path), EnumSet.of(OpenFlag.READ), 0));
    assertTrue(fd >= 0, () -> Errno.symbol(-fd));
    return fd;
  }

  @BeforeEach
  void open() {
    inMemory = open("/dev/shm");
    inProc = open("/proc/self");
  }

  @AfterEach
  void close() {
    tap.close();
    assertEquals(0, Syscalls.close(inMemory));
    assertEquals(0, Syscalls.close(inProc));
  }

  /** Each descriptor is on this mount, if the mask says that it is told. */
  private void answer(int result, int mask, long mount) {
    tap.answer(
        call -> {
          if (call.number() != NR.statx()) {
            return SyscallTap.PASS;
          }
          assertEquals(Fcntl.AT_EMPTY_PATH | Fcntl.AT_STATX_DONT_SYNC, call.arguments().get(2), "may ask a server");
          assertEquals(Fcntl.STATX_MNT_ID_UNIQUE, call.arguments().get(3));
          MemorySegment statx = SyscallTap.memory(call.arguments().get(4), StatxLayout.SIZE);
          statx.set(JAVA_INT, StatxLayout.MASK, mask);
          statx.set(JAVA_LONG, StatxLayout.MNT_ID, mount);
          return result;
        });
  }

  @Test
  void type_ofAMountThatIsKnown_isNotLookedForAgain() {
    answer(0, Fcntl.STATX_MNT_ID_UNIQUE, NEXT_MOUNT.getAndIncrement());
    assertTrue(FileSystemTypes.syncsWrites(inMemory));
    assertTrue(FileSystemTypes.syncsWrites(inProc), "looked for again: it is told to be on the same mount");
    assertFalse(FileSystemTypes.isFuse(inProc));
    answer(0, Fcntl.STATX_MNT_ID_UNIQUE, NEXT_MOUNT.getAndIncrement());
    assertFalse(FileSystemTypes.syncsWrites(inProc), "another mount");
  }

  /** Numbers that are used again must not be remembered, and before Linux 6.8 there are no others. */
  @ParameterizedTest
  @ValueSource(ints = {0, Fcntl.STATX_BASIC_STATS, Fcntl.STATX_MNT_ID})
  void type_ofAMountWithoutItsOwnNumber_isLookedForEachTime(int mask) {
    answer(0, mask, NEXT_MOUNT.getAndIncrement());
    assertTrue(FileSystemTypes.syncsWrites(inMemory));
    assertFalse(FileSystemTypes.syncsWrites(inProc));
    assertTrue(FileSystemTypes.syncsWrites(inMemory));
  }

  @Test
  void type_whereTheKernelDoesNotAnswer_isLookedForEachTime() {
    answer(-Errno.EIO, Fcntl.STATX_MNT_ID_UNIQUE, NEXT_MOUNT.getAndIncrement());
    assertTrue(FileSystemTypes.syncsWrites(inMemory));
    assertFalse(FileSystemTypes.syncsWrites(inProc));
  }

  @Test
  void type_ofNoDescriptor_isUnknown() {
    answer(-Errno.EBADF, 0, 0);
    assertFalse(FileSystemTypes.syncsWrites(1_000_042));
    assertFalse(FileSystemTypes.isFuse(1_000_042));
  }
}
