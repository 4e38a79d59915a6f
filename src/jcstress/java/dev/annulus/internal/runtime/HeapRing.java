package dev.annulus.internal.runtime;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import dev.annulus.internal.abi.CqeLayout;
import dev.annulus.internal.abi.IoUring;
import dev.annulus.internal.abi.SqeLayout;
import dev.annulus.internal.driver.Errno;
import dev.annulus.internal.ring.CompletionQueue;
import dev.annulus.internal.ring.Ring;
import dev.annulus.internal.ring.SubmissionQueue;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.VarHandle;

/**
 * A ring in an array, whose kernel is an actor of the test: {@link #complete} is the kernel's side of the completion queue, and entering
 * takes what was submitted, notes it, and waits for nothing.
 */
final class HeapRing implements Ring {
  private static final int ENTRIES = 4;
  private static final long SQ_HEAD = 0;
  private static final long SQ_TAIL = 4;
  private static final long SQ_FLAGS = 8;
  private static final long CQ_HEAD = 12;
  private static final long CQ_TAIL = 16;
  private static final long CQ_OVERFLOW = 20;
  private static final long CQES = 24;
  private static final VarHandle INT = JAVA_INT.varHandle();

  private final MemorySegment shared = MemorySegment.ofArray(new long[(int) (CQES + ENTRIES * CqeLayout.SIZE) / Long.BYTES]);
  private final MemorySegment entries = MemorySegment.ofArray(new long[(int) (ENTRIES * SqeLayout.SIZE) / Long.BYTES]);
  private final SubmissionQueue submissions =
      new SubmissionQueue(
          shared, entries, new SubmissionQueue.Shape(SQ_HEAD, SQ_TAIL, SQ_FLAGS, SubmissionQueue.NO_ARRAY, ENTRIES));
  private final CompletionQueue completions =
      new CompletionQueue(shared, new CompletionQueue.Shape(CQ_HEAD, CQ_TAIL, CQ_OVERFLOW, CQES, ENTRIES));

  /** User data of the last request submitted, and how many cancellations asked for it since. */
  long lastSubmitted;

  int cancellationsOfLast;

  /** The kernel: a completion comes. */
  void complete(long userData, int result) {
    int tail = (int) INT.get(shared, CQ_TAIL);
    long at = CQES + (tail & (ENTRIES - 1)) * CqeLayout.SIZE;
    shared.set(JAVA_LONG, at + CqeLayout.USER_DATA, userData);
    shared.set(JAVA_INT, at + CqeLayout.RES, result);
    INT.setRelease(shared, CQ_TAIL, tail + 1);
  }

  /** Nobody asks here. */
  @Override
  public int registerMemory(MemorySegment memory) {
    return -Errno.EOPNOTSUPP;
  }

  @Override
  public int enter(int toSubmit, int minComplete, long timeoutNanos) {
    int head = (int) INT.get(shared, SQ_HEAD);
    for (int i = 0; i < toSubmit; i++) {
      take(((head + i) & (ENTRIES - 1)) * SqeLayout.SIZE);
    }
    INT.setRelease(shared, SQ_HEAD, head + toSubmit);
    return toSubmit;
  }

  private void take(long entry) {
    int opcode = entries.get(JAVA_BYTE, entry + SqeLayout.OPCODE);
    if (opcode == IoUring.IORING_OP_NOP) {
      lastSubmitted = entries.get(JAVA_LONG, entry + SqeLayout.USER_DATA);
      cancellationsOfLast = 0;
    } else if (opcode == IoUring.IORING_OP_ASYNC_CANCEL) {
      cancellationsOfLast += entries.get(JAVA_LONG, entry + SqeLayout.ADDR) == lastSubmitted ? 1 : 0;
    }
  }

  @Override
  public SubmissionQueue submissions() {
    return submissions;
  }

  @Override
  public CompletionQueue completions() {
    return completions;
  }

  @Override
  public boolean supports(int opcode) {
    return true;
  }

  @Override
  public int setupFlags() {
    return 0;
  }

  @Override
  public void close() {}
}
