package dev.annulus.sim;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import dev.annulus.internal.abi.SqeLayout;
import java.lang.foreign.MemorySegment;

/** A submission entry as the kernel reads it, named as in {@link SqeLayout}; {@code rest} is everything that must be 0. */
record Sqe(int opcode, int fd, long off, long addr, int len, int opFlags, long userData, long rest) {
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
        entries.get(JAVA_BYTE, at + SqeLayout.FLAGS)
            | entries.get(JAVA_SHORT, at + SqeLayout.IOPRIO)
            | entries.get(JAVA_LONG, at + 40)
            | entries.get(JAVA_LONG, at + 48)
            | entries.get(JAVA_LONG, at + 56));
  }
}
