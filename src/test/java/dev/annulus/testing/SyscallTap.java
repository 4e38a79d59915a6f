package dev.annulus.testing;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import dev.annulus.internal.abi.Syscalls;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.lang.invoke.VarHandle;
import java.lang.reflect.Field;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.function.Predicate;

/**
 * Stands before {@code syscall(2)} as the library calls it: notes the calls of chosen threads, and
 * answers them in the kernel's place if the test says so. Other threads' calls pass. A call that is
 * made again and again without an end fails.
 */
public final class SyscallTap implements AutoCloseable {
  /** A system call, by its number, with its arguments. */
  public record Call(int number, List<Long> arguments) {}

  /** Decides what is answered. */
  @FunctionalInterface
  public interface Handler {
    /** A result or a negated errno, or {@link #PASS}. */
    long answer(Call call);
  }

  /** Has the kernel answer. */
  public static final long PASS = Long.MIN_VALUE;

  /** More than any test has between two {@linkplain #forget forgettings}. */
  private static final int MAX_CALLS = 100_000;

  private static final StructLayout CAPTURE = Linker.Option.captureStateLayout();
  private static final VarHandle ERRNO =
      CAPTURE.varHandle(MemoryLayout.PathElement.groupElement("errno"));
  private static final MethodType TYPE =
      MethodType.methodType(
          long.class,
          MemorySegment.class,
          long.class,
          long.class,
          long.class,
          long.class,
          long.class,
          long.class,
          long.class);

  private final MethodHandle real;
  private final Predicate<Thread> threads;
  private final List<Call> calls = Collections.synchronizedList(new ArrayList<>());
  private volatile Handler handler = _ -> PASS;

  private SyscallTap(MethodHandle real, Predicate<Thread> threads) {
    this.real = real;
    this.threads = threads;
  }

  /** Steps in before the calls of this thread, until closed. */
  public static SyscallTap ofThisThread() {
    Thread current = Thread.currentThread();
    return of(thread -> thread.equals(current));
  }

  /** Steps in before the calls of these threads, until closed. */
  public static SyscallTap of(Predicate<Thread> threads) {
    try {
      SyscallTap made = new SyscallTap((MethodHandle) field().get(null), threads);
      field().set(null, MethodHandles.lookup().bind(made, "call", TYPE));
      return made;
    } catch (ReflectiveOperationException e) {
      throw new IllegalStateException(e);
    }
  }

  private static Field field() throws ReflectiveOperationException {
    Field field = Syscalls.class.getDeclaredField("SYSCALL");
    field.setAccessible(true);
    return field;
  }

  /** How calls are answered from now on. */
  public void answer(Handler chosen) {
    handler = chosen;
  }

  /** The calls so far. */
  public List<Call> calls() {
    return List.copyOf(calls);
  }

  /** How many calls of a number there were. */
  public int calls(int number) {
    return (int) calls().stream().filter(call -> call.number == number).count();
  }

  /** Forgets the calls so far. */
  public void forget() {
    calls.clear();
  }

  @Override
  public void close() {
    try {
      field().set(null, real);
    } catch (ReflectiveOperationException e) {
      throw new IllegalStateException(e);
    }
  }

  @SuppressWarnings("UnusedMethod") // by handle
  private long call(
      MemorySegment capture, long number, long a, long b, long c, long d, long e, long f)
      throws Throwable {
    if (!threads.test(Thread.currentThread())) {
      return (long) real.invokeExact(capture, number, a, b, c, d, e, f);
    }
    Call call = new Call((int) number, List.of(a, b, c, d, e, f));
    calls.add(call);
    if (calls.size() > MAX_CALLS) {
      throw new AssertionError("called without an end: " + call);
    }
    long answer = handler.answer(call);
    if (answer == PASS) {
      return (long) real.invokeExact(capture, number, a, b, c, d, e, f);
    }
    if (answer < 0) {
      ERRNO.set(capture, 0L, (int) -answer);
      return -1;
    }
    return answer;
  }

  /** The NUL-terminated text at an address that a call was given. */
  @SuppressWarnings("restricted")
  public static String text(long address) {
    return MemorySegment.ofAddress(address).reinterpret(4096).getString(0);
  }

  /** Memory at an address that a call was given. */
  @SuppressWarnings("restricted")
  public static MemorySegment memory(long address, long size) {
    return MemorySegment.ofAddress(address).reinterpret(size);
  }

  /** The number at an address that a call was given. */
  public static long word(long address) {
    return memory(address, JAVA_LONG.byteSize()).get(JAVA_LONG, 0);
  }
}
