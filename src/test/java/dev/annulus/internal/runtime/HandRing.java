package dev.annulus.internal.runtime;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import dev.annulus.internal.abi.CqeLayout;
import dev.annulus.internal.abi.IoUring;
import dev.annulus.internal.abi.SqeLayout;
import dev.annulus.internal.ring.CompletionQueue;
import dev.annulus.internal.ring.Ring;
import dev.annulus.internal.ring.SubmissionQueue;
import java.lang.foreign.MemorySegment;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.function.Predicate;

/**
 * A ring whose kernel is the test, on the thread that runs the reaper's rounds. Entering takes all
 * that is offered and completes nothing by itself; what it answers, and what happens in it, the test
 * decides beforehand. Each call is noted.
 */
final class HandRing implements Ring {
  /** A submission entry as the kernel took it. */
  record Entry(
      int opcode, int flags, int fd, long offset, long address, int length, int opFlags, long userData) {}

  /** A call of {@code io_uring_enter}. */
  record Enter(int toSubmit, int minComplete, long timeoutNanos) {
    boolean waits() {
      return minComplete > 0;
    }
  }

  /** A call of the kernel that the test answers. */
  interface Answer {
    int to(Enter enter);
  }

  private static final long SQ_HEAD = 0;
  private static final long SQ_TAIL = 4;
  private static final long SQ_FLAGS = 8;
  private static final long CQ_HEAD = 12;
  private static final long CQ_TAIL = 16;
  private static final long CQ_OVERFLOW = 20;
  private static final long CQES = 24;

  private final int sqEntries;
  private final int cqEntries;
  private final MemorySegment shared;
  private final MemorySegment sqes;
  private final SubmissionQueue submissions;
  private final CompletionQueue completions;
  private final List<Entry> taken = new ArrayList<>();
  private final List<Enter> enters = new ArrayList<>();
  private final List<Integer> workerLimits = new ArrayList<>();
  private final Queue<Answer> answers = new ArrayDeque<>();
  private final List<MemorySegment> registered = new ArrayList<>();
  private Answer usually = this::takeAll;
  private int limitAnswer;
  private int registerAnswer;
  private Predicate<Integer> supported = _ -> true;
  private boolean closed;

  HandRing(int sqEntries, int cqEntries) {
    this.sqEntries = sqEntries;
    this.cqEntries = cqEntries;
    shared = MemorySegment.ofArray(new long[(int) (CQES + cqEntries * CqeLayout.SIZE) / Long.BYTES]);
    sqes = MemorySegment.ofArray(new long[(int) (sqEntries * SqeLayout.SIZE) / Long.BYTES]);
    submissions =
        new SubmissionQueue(
            shared,
            sqes,
            new SubmissionQueue.Shape(SQ_HEAD, SQ_TAIL, SQ_FLAGS, SubmissionQueue.NO_ARRAY, sqEntries));
    completions =
        new CompletionQueue(
            shared, new CompletionQueue.Shape(CQ_HEAD, CQ_TAIL, CQ_OVERFLOW, CQES, cqEntries));
  }

  // ---- what the kernel does ----

  /** How the next call is answered that has no answer yet. */
  void answerNext(Answer answer) {
    answers.add(answer);
  }

  /** How calls are answered that nothing else was said about. */
  void answerUsually(Answer answer) {
    usually = answer;
  }

  /** Takes all that is offered; the usual answer. */
  int takeAll(Enter enter) {
    return take(enter.toSubmit);
  }

  /** Takes so many entries, or as many as are shown. */
  int take(int most) {
    int head = shared.get(JAVA_INT, SQ_HEAD);
    int count = Math.min(most, shared.get(JAVA_INT, SQ_TAIL) - head);
    for (int i = 0; i < count; i++) {
      long at = ((head + i) & (sqEntries - 1)) * SqeLayout.SIZE;
      taken.add(
          new Entry(
              Byte.toUnsignedInt(sqes.get(JAVA_BYTE, at + SqeLayout.OPCODE)),
              sqes.get(JAVA_BYTE, at + SqeLayout.FLAGS),
              sqes.get(JAVA_INT, at + SqeLayout.FD),
              sqes.get(JAVA_LONG, at + SqeLayout.OFF),
              sqes.get(JAVA_LONG, at + SqeLayout.ADDR),
              sqes.get(JAVA_INT, at + SqeLayout.LEN),
              sqes.get(JAVA_INT, at + SqeLayout.OP_FLAGS),
              sqes.get(JAVA_LONG, at + SqeLayout.USER_DATA)));
    }
    shared.set(JAVA_INT, SQ_HEAD, head + count);
    return count;
  }

  /** A completion comes. */
  void complete(long userData, int result) {
    int tail = shared.get(JAVA_INT, CQ_TAIL);
    if (tail - shared.get(JAVA_INT, CQ_HEAD) == cqEntries) {
      throw new IllegalStateException("no room for a completion");
    }
    long at = CQES + (tail & (cqEntries - 1)) * CqeLayout.SIZE;
    shared.set(JAVA_LONG, at + CqeLayout.USER_DATA, userData);
    shared.set(JAVA_INT, at + CqeLayout.RES, result);
    shared.set(JAVA_INT, CQ_TAIL, tail + 1);
  }

  /** Completions wait behind the queue, or no more. */
  void overflowed(boolean now) {
    shared.set(JAVA_INT, SQ_FLAGS, now ? IoUring.IORING_SQ_CQ_OVERFLOW : 0);
  }

  /** The kernel has lost a completion. */
  void lose() {
    shared.set(JAVA_INT, CQ_OVERFLOW, 1);
  }

  void answerLimits(int result) {
    limitAnswer = result;
  }

  void answerRegistering(int result) {
    registerAnswer = result;
  }

  void support(Predicate<Integer> opcodes) {
    supported = opcodes;
  }

  // ---- what it has seen ----

  /** All entries but the reads of the wake-up. */
  List<Entry> entries() {
    return taken.stream().filter(entry -> entry.userData != UserData.WAKE).toList();
  }

  List<Entry> entries(int opcode) {
    return entries().stream().filter(entry -> entry.opcode == opcode).toList();
  }

  /** The reads of the wake-up. */
  List<Entry> wakeReads() {
    return taken.stream().filter(entry -> entry.userData == UserData.WAKE).toList();
  }

  List<Enter> enters() {
    return enters;
  }

  List<Integer> workerLimits() {
    return workerLimits;
  }

  List<MemorySegment> registered() {
    return registered;
  }

  /** Completions that were not given back yet. */
  int unread() {
    return shared.get(JAVA_INT, CQ_TAIL) - shared.get(JAVA_INT, CQ_HEAD);
  }

  boolean isClosed() {
    return closed;
  }

  // ---- the ring ----

  @Override
  public SubmissionQueue submissions() {
    return submissions;
  }

  @Override
  public CompletionQueue completions() {
    return completions;
  }

  @Override
  public int enter(int toSubmit, int minComplete, long timeoutNanos) {
    Enter enter = new Enter(toSubmit, minComplete, timeoutNanos);
    enters.add(enter);
    Answer answer = answers.poll();
    return (answer == null ? usually : answer).to(enter);
  }

  @Override
  public int registerMemory(MemorySegment memory) {
    registered.add(memory);
    return registerAnswer;
  }

  @Override
  public int limitWorkers(int workers) {
    workerLimits.add(workers);
    return limitAnswer;
  }

  @Override
  public boolean supports(int opcode) {
    return supported.test(opcode);
  }

  @Override
  public int setupFlags() {
    return 0;
  }

  @Override
  public void close() {
    closed = true;
  }

  /** The usual answer of a kernel whose device is short of something. */
  static Answer refusing(int errno) {
    return _ -> -errno;
  }
}
