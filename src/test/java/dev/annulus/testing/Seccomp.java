package dev.annulus.testing;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;

/**
 * Installs a seccomp filter that answers one system call with an error number, as a container's profile does. It holds for this thread and
 * those it starts from then on, and cannot be taken back: for child JVMs only.
 */
public final class Seccomp {
  private static final int PR_SET_NO_NEW_PRIVS = 38;
  private static final int PR_SET_SECCOMP = 22;
  private static final long SECCOMP_MODE_FILTER = 2;
  private static final int SECCOMP_RET_ALLOW = 0x7fff0000;
  private static final int SECCOMP_RET_ERRNO = 0x00050000;

  /** Classic BPF: load the word at an offset (the system call number is at 0), jump if equal, return. */
  private static final short LOAD = 0x20;

  private static final short JUMP_IF_EQUAL = 0x15;
  private static final short RETURN = 0x06;

  private static final int FILTER_BYTES = 8;
  private static final int PROGRAM_BYTES = 16;

  private Seccomp() {}

  /** From now on {@code number} fails with {@code errno}. */
  public static void deny(int number, int errno) {
    // The kernel copies the program; automatic memory is fine.
    MemorySegment filters = Arena.ofAuto().allocate(4L * FILTER_BYTES, Long.BYTES);
    instruction(filters, 0, LOAD, 0, 0, 0);
    instruction(filters, 1, JUMP_IF_EQUAL, 0, 1, number);
    instruction(filters, 2, RETURN, 0, 0, SECCOMP_RET_ERRNO | errno);
    instruction(filters, 3, RETURN, 0, 0, SECCOMP_RET_ALLOW);
    MemorySegment program = Arena.ofAuto().allocate(PROGRAM_BYTES, Long.BYTES);
    program.set(JAVA_SHORT, 0, (short) 4);
    program.set(ADDRESS, 8, filters);

    prctl(PR_SET_NO_NEW_PRIVS, 1, MemorySegment.NULL);
    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, program);
  }

  private static void instruction(MemorySegment filters, int index, short code, int ifTrue, int ifFalse, int operand) {
    long at = (long) index * FILTER_BYTES;
    filters.set(JAVA_SHORT, at, code);
    filters.set(JAVA_BYTE, at + 2, (byte) ifTrue);
    filters.set(JAVA_BYTE, at + 3, (byte) ifFalse);
    filters.set(JAVA_INT, at + 4, operand);
  }

  @SuppressWarnings("restricted")
  private static void prctl(int option, long argument, MemorySegment pointer) {
    Linker linker = Linker.nativeLinker();
    MethodHandle prctl =
        linker.downcallHandle(
            linker.defaultLookup().findOrThrow("prctl"),
            FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_LONG, ADDRESS, JAVA_LONG, JAVA_LONG),
            Linker.Option.firstVariadicArg(1));
    try {
      int result = (int) prctl.invokeExact(option, argument, pointer, 0L, 0L);
      if (result != 0) {
        throw new IllegalStateException("prctl " + option + " failed");
      }
    } catch (Throwable e) {
      throw new IllegalStateException(e);
    }
  }
}
