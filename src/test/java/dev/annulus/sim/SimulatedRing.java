package dev.annulus.sim;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import dev.annulus.internal.abi.CqeLayout;
import dev.annulus.internal.abi.IoUring;
import dev.annulus.internal.abi.SqeLayout;
import dev.annulus.internal.driver.Errno;
import dev.annulus.internal.ring.CompletionQueue;
import dev.annulus.internal.ring.Ring;
import dev.annulus.internal.ring.SubmissionQueue;
import dev.annulus.sim.SimulatedKernel.Answer;
import dev.annulus.testing.FaultPoint;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.VarHandle;
import java.util.ArrayDeque;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * A ring of a {@link SimulatedKernel}: the kernel's side of the two queues, and {@code io_uring_enter(2)} with all its ways of doing
 * less than it was asked for. Things happen only inside of {@link #enter}, as with {@code IORING_SETUP_DEFER_TASKRUN}.
 */
public final class SimulatedRing implements Ring {
  /** Sizes, and where the indices start: near 2^31 or 2^32 they wrap during a run. */
  public record Shape(int submissionEntries, int completionEntries, boolean withArray, int firstIndex, int maxInFlight) {}

  /** More calls than any program needs: the client runs in a circle. */
  private static final int MOST_ENTERS = 100_000;

  private static final int PATIENCE_MILLIS = 30_000;

  private static final VarHandle INT = JAVA_INT.varHandle();
  private static final long SQ_HEAD = 0;
  private static final long SQ_TAIL = 64;
  private static final long SQ_FLAGS = 128;
  private static final long CQ_HEAD = 192;
  private static final long CQ_TAIL = 256;
  private static final long CQ_OVERFLOW = 320;
  private static final long CQES = 384;

  private final Shape shape;
  private final SimulatedDisk disk;
  private final SimulatedKernel kernel;
  private final Quirks quirks;
  private final Turns turns;
  private final Thread owner = Thread.currentThread();

  private final Arena arena = Arena.ofConfined();
  private final MemorySegment ring;
  private final MemorySegment sqes;
  private final SubmissionQueue submissions;
  private final CompletionQueue completions;
  private final long array;

  private int sqHead;
  private int cqTail;
  private int enters;
  private boolean quiet;
  private volatile @Nullable RuntimeException trouble;

  /** Completions that found no room. */
  private final ArrayDeque<Answer> backlog = new ArrayDeque<>();

  /** Makes a ring for the calling thread. */
  public SimulatedRing(Shape shape, SimulatedDisk disk, Quirks quirks, Turns turns) {
    this.shape = shape;
    this.disk = disk;
    this.kernel = new SimulatedKernel(disk, quirks, shape.maxInFlight);
    this.quirks = quirks;
    this.turns = turns;
    array = CQES + shape.completionEntries * CqeLayout.SIZE;
    ring = arena.allocate(array + (long) shape.submissionEntries * Integer.BYTES, 64);
    sqes = arena.allocate(shape.submissionEntries * SqeLayout.SIZE, 64).fill((byte) 0xff);
    sqHead = shape.firstIndex;
    cqTail = shape.firstIndex;
    for (long index : new long[] {SQ_HEAD, SQ_TAIL, CQ_HEAD, CQ_TAIL}) {
      ring.set(JAVA_INT, index, shape.firstIndex);
    }
    long arrayOrNone = shape.withArray ? array : SubmissionQueue.NO_ARRAY;
    submissions =
        new SubmissionQueue(
            ring, sqes, new SubmissionQueue.Shape(SQ_HEAD, SQ_TAIL, SQ_FLAGS, arrayOrNone, shape.submissionEntries));
    completions =
        new CompletionQueue(
            ring, new CompletionQueue.Shape(CQ_HEAD, CQ_TAIL, CQ_OVERFLOW, CQES, shape.completionEntries));
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
  public int registerMemory(MemorySegment memory) {
    if (Thread.currentThread() != owner) {
      throw new KernelAbuse("memory is registered by " + Thread.currentThread() + ", the ring made by " + owner);
    }
    return quirks.happens(Quirk.REGISTRATION_REFUSED) ? -Errno.ENOMEM : kernel.register(memory);
  }

  @Override
  public boolean supports(int opcode) {
    return true;
  }

  @Override
  public int setupFlags() {
    return 0;
  }

  /** Whether, when the ring last gave the turn away, nothing was under way but the wake-up and what never ends. */
  public boolean isQuiet() {
    return quiet;
  }

  private void offerTurn() {
    quiet = kernel.isQuiet() && backlog.isEmpty() && unread() == 0 && submissions.unconsumed() == 0;
    turns.offer();
  }

  /** What the client did wrong, or {@code null}. */
  public @Nullable RuntimeException trouble() {
    return trouble;
  }

  @Override
  public void close() {
    turns.end();
    arena.close();
  }

  // ---- io_uring_enter ----

  @Override
  public int enter(int toSubmit, int minComplete, long timeoutNanos) {
    boolean before = FaultPoint.spare(true);
    try {
      return tryEnter(toSubmit, minComplete, timeoutNanos);
    } catch (RuntimeException e) {
      trouble = e;
      throw e;
    } finally {
      boolean ignored = FaultPoint.spare(before);
    }
  }

  private int tryEnter(int toSubmit, int minComplete, long timeoutNanos) {
    if (Thread.currentThread() != owner) {
      throw new KernelAbuse("entered by " + Thread.currentThread() + ", made by " + owner);
    }
    if (enters++ == 0) {
      turns.begin();
    } else if (enters > MOST_ENTERS) {
      throw new KernelAbuse("entered " + enters + " times without an end");
    }
    offerTurn();
    scribbleOnReadCompletions();
    int taken;
    synchronized (disk) {
      taken = submit(toSubmit);
      while (kernel.canComplete() && quirks.happens(Quirk.EARLY_COMPLETION)) {
        post(kernel.completeOne());
      }
    }
    offerTurn();
    if (taken < toSubmit || minComplete == 0) {
      return taken;
    }
    int waited = awaitCompletions(minComplete, timeoutNanos);
    if (taken > 0 && waited < 0 && waited != -Errno.ETIME) {
      quirks.count(Quirk.WAIT_CUT_SHORT);
    }
    return taken > 0 ? taken : waited;
  }

  /** How many entries were taken, or a negated errno. */
  private int submit(int toSubmit) {
    flushBacklog();
    int offered = Math.min(toSubmit, (int) INT.getAcquire(ring, SQ_TAIL) - sqHead);
    if (offered == 0) {
      return 0;
    }
    if (!backlog.isEmpty() && quirks.happens(Quirk.ENTER_BUSY)) {
      return -Errno.EBUSY;
    }
    if (quirks.happens(Quirk.ENTER_TRY_AGAIN)) {
      return -Errno.EAGAIN;
    }
    int count = offered > 1 && quirks.happens(Quirk.PARTIAL_SUBMISSION) ? 1 + quirks.below(offered - 1) : offered;
    for (int i = 0; i < count; i++) {
      int place = sqHead & (shape.submissionEntries - 1);
      int entry = shape.withArray ? ring.get(JAVA_INT, array + (long) place * Integer.BYTES) : place;
      kernel.take(Sqe.read(sqes, entry));
      // Taken is taken: what the client finds there next time it must have written anew.
      MemorySegment ignored = sqes.asSlice(entry * SqeLayout.SIZE, SqeLayout.SIZE).fill((byte) 0xff);
      sqHead++;
      noteWrap(sqHead);
    }
    INT.setRelease(ring, SQ_HEAD, sqHead);
    return count;
  }

  /** 0 when there are enough completions, and sometimes when there are not; or a negated errno. */
  private int awaitCompletions(int minComplete, long timeoutNanos) {
    while (unread() < minComplete) {
      if (quirks.happens(Quirk.ENTER_INTERRUPTED)) {
        return -Errno.EINTR;
      }
      if (quirks.happens(Quirk.SPURIOUS_WAKE_UP)) {
        return 0;
      }
      offerTurn();
      boolean progress;
      synchronized (disk) {
        progress = kernel.canComplete();
        if (progress) {
          post(kernel.completeOne());
        }
        flushBacklog();
      }
      if (!progress && !awaitWake(timeoutNanos)) {
        return -Errno.ETIME;
      }
    }
    return 0;
  }

  /** Nothing can complete but the wake-up: waits for it. False when the time has run out. */
  private boolean awaitWake(long timeoutNanos) {
    int fd = kernel.wakeDescriptor();
    boolean readable = fd >= 0 && EventDescriptor.isReadable(fd, 0);
    if (!readable && timeoutNanos > 0) {
      if (!turns.areOver()) {
        return false;
      }
      int millis = Math.clamp(TimeUnit.NANOSECONDS.toMillis(timeoutNanos), 1, PATIENCE_MILLIS);
      readable = EventDescriptor.isReadable(fd, millis);
      if (!readable) {
        return false;
      }
    }
    if (readable) {
      post(kernel.completeWake());
    } else if (!turns.areOver()) {
      turns.idle();
    } else if (!EventDescriptor.isReadable(fd, PATIENCE_MILLIS)) {
      throw new KernelAbuse("asleep for ever: nothing is in flight, and nobody wakes");
    }
    return true;
  }

  // ---- completions ----

  private int unread() {
    return cqTail - (int) INT.getAcquire(ring, CQ_HEAD);
  }

  private void post(Answer answer) {
    if (!backlog.isEmpty() || unread() == shape.completionEntries) {
      backlog.add(answer);
      quirks.count(Quirk.OVERFLOW);
      INT.setRelease(ring, SQ_FLAGS, IoUring.IORING_SQ_CQ_OVERFLOW);
      return;
    }
    long at = CQES + (cqTail & (shape.completionEntries - 1)) * CqeLayout.SIZE;
    ring.set(JAVA_LONG, at + CqeLayout.USER_DATA, answer.userData());
    ring.set(JAVA_INT, at + CqeLayout.RES, answer.result());
    cqTail++;
    noteWrap(cqTail);
    INT.setRelease(ring, CQ_TAIL, cqTail);
  }

  private void flushBacklog() {
    if (backlog.isEmpty()) {
      return;
    }
    ArrayDeque<Answer> waiting = new ArrayDeque<>(backlog);
    backlog.clear();
    while (!waiting.isEmpty() && unread() < shape.completionEntries) {
      post(waiting.remove());
    }
    backlog.addAll(waiting);
    INT.setRelease(ring, SQ_FLAGS, backlog.isEmpty() ? 0 : IoUring.IORING_SQ_CQ_OVERFLOW);
  }

  /** Places given back are the kernel's: who still reads there reads nonsense. */
  private void scribbleOnReadCompletions() {
    for (int i = unread(); i < shape.completionEntries; i++) {
      long at = CQES + ((cqTail + i - unread()) & (shape.completionEntries - 1)) * CqeLayout.SIZE;
      MemorySegment ignored = ring.asSlice(at, CqeLayout.SIZE).fill((byte) 0xdb);
    }
  }

  private void noteWrap(int index) {
    if (index == 0 || index == Integer.MIN_VALUE) {
      quirks.count(Quirk.INDEX_WRAPPED);
    }
  }
}
