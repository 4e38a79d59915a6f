package dev.annulus.sim;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import dev.annulus.internal.abi.SqeLayout;
import java.lang.foreign.MemorySegment;

/** A submission entry as the kernel reads it, named as in {@link SqeLayout}; {@code rest} is everything that must be 0. */
record Sqe(int opcode, int fd, long off, long addr, int len, int opFlags, long userData, long rest) {
  /** A worker is to run it at once: that changes when it runs, which is random here anyway. */
  private static final int IOSQE_ASYNC = 1 << 4;

  /** Not of a ring: {@code getdents64(2)} and {@code flock(2)}, as entries. */
  static final int LISTING = 1000;

  static final int LOCKING = 1001;

  /** What a system call on a thread of the client's own comes to. */
  static Sqe ofCall(int opcode, int fd, long off, long addr, long len, int opFlags) {
    return new Sqe(opcode, fd, off, addr, (int) len, opFlags, 0, 0);
  }

  Sqe withOpcode(int other) {
    return new Sqe(other, fd, off, addr, len, opFlags, userData, rest);
  }

  static Sqe read(MemorySegment entries, int index) {
    long at = index * SqeLayout.SIZE;
    return new Sqe(
        entries.get(JAVA_BYTE, at + SqeLayout.OPCODE),
        entries.get(JAVA_INT, at + SqeLayout.FD),
        entries.get(JAVA_LONG, at + SqeLayout.OFF),
        entries.get(JAVA_LONG, at + SqeLayout.ADDR),
        entries.get(JAVA_INT, at + SqeLayout.LEN),
        entries.get(JAVA_INT, at + SqeLayout.OP_FLAGS),
        entries.get(JAVA_LONG, at + SqeLayout.USER_DATA),
        (entries.get(JAVA_BYTE, at + SqeLayout.FLAGS) & ~IOSQE_ASYNC)
            | entries.get(JAVA_SHORT, at + SqeLayout.IOPRIO)
            | entries.get(JAVA_LONG, at + 40)
            | entries.get(JAVA_LONG, at + 48)
            | entries.get(JAVA_LONG, at + 56));
  }
}
