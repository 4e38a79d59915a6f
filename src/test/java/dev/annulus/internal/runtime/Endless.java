package dev.annulus.internal.runtime;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import dev.annulus.internal.abi.Fcntl;
import dev.annulus.internal.abi.Syscalls;
import dev.annulus.internal.driver.Operation;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** A read that stays in the kernel until it is let go or cancelled: of an eventfd that counts nothing. */
final class Endless implements AutoCloseable {
  private final int fd;
  private final MemorySegment target = Arena.ofAuto().allocate(JAVA_LONG);
  private final MemorySegment one = Arena.ofAuto().allocateFrom(JAVA_LONG, 1);

  Endless() {
    fd = Syscalls.eventfd(Fcntl.EFD_CLOEXEC);
    if (fd < 0) {
      throw new AssertionError("eventfd: " + fd);
    }
  }

  Operation.Read read() {
    return new Operation.PlainRead(fd, target, target.address(), Long.BYTES, 0);
  }

  /** Lets one read complete, with 8. */
  void release() {
    int count = Syscalls.write(fd, one.address(), Long.BYTES);
    if (count != Long.BYTES) {
      throw new AssertionError("write: " + count);
    }
  }

  @Override
  public void close() {
    int result = Syscalls.close(fd);
    if (result != 0) {
      throw new AssertionError("close: " + result);
    }
  }
}
