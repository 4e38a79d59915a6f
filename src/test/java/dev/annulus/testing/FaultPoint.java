package dev.annulus.testing;

import java.util.function.Predicate;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Where faults come from: classes that {@link FaultLoader} has loaded call this before each allocation and each call they make. It counts,
 * and throws at the n-th time what the JVM throws there: out of memory for an allocation, a stack overflow for a call.
 *
 * <p>One test at a time arms it. Unarmed it does nothing.
 */
public final class FaultPoint {
  /** Threads that are spared just now. */
  private static final ThreadLocal<Boolean> SPARED = ThreadLocal.withInitial(() -> false);

  /** What is armed; replaced as a whole. */
  private static volatile @Nullable Plan plan;

  private FaultPoint() {}

  /** Faults at the {@code first}-th hit of the threads meant, and at the next {@code times - 1}. */
  private static final class Plan {
    final Predicate<Thread> threads;
    final long first;
    final long times;

    /** If not 0: calls that come so deep below {@link #base} fail, all of them, as where the stack ends. */
    final int depth;

    final long base;
    long hits;
    volatile @Nullable Error thrown;

    Plan(Predicate<Thread> threads, long first, long times, int depth) {
      this.threads = threads;
      this.first = first;
      this.times = times;
      this.depth = depth;
      this.base = frames();
    }

    synchronized boolean isMeant(boolean call) {
      if (depth != 0) {
        return call && frames() - base >= depth;
      }
      hits++;
      return hits >= first && hits < first + times;
    }

    synchronized long hits() {
      return hits;
    }
  }

  /** Has faults thrown from the {@code first}-th hit on, counting from 1, so many times. */
  public static void arm(Predicate<Thread> threads, long first, long times) {
    plan = new Plan(threads, first, times, 0);
  }

  /** Has the stack end so many frames below the caller of this: each call of that thread's that would come deeper fails. */
  public static void armDepth(Thread thread, int depth) {
    plan = new Plan(other -> other == thread, 0, 0, depth);
  }

  /**
   * Spares the calling thread from now on, or no more: where what stands in for the kernel, or the test, calls the library in passing.
   *
   * @return whether it was spared before
   */
  public static boolean spare(boolean spares) {
    boolean before = SPARED.get();
    SPARED.set(spares);
    return before;
  }

  private static long frames() {
    return StackWalker.getInstance().walk(Stream::count);
  }

  /**
   * Ends it.
   *
   * @return the last fault thrown, or {@code null} if there were not so many hits
   */
  public static @Nullable Error disarm() {
    Plan ended = plan;
    plan = null;
    return ended == null ? null : ended.thrown;
  }

  /** Hits so far of what is armed. */
  public static long hits() {
    Plan now = plan;
    return now == null ? 0 : now.hits();
  }

  /** An object is about to be allocated. */
  public static void allocation() {
    Plan now = plan;
    if (now != null && !SPARED.get() && now.threads.test(Thread.currentThread()) && now.isMeant(false)) {
      OutOfMemoryError error = new OutOfMemoryError("thrown by the test");
      now.thrown = error;
      throw error;
    }
  }

  /** A method is about to be called. */
  public static void call() {
    Plan now = plan;
    if (now != null && !SPARED.get() && now.threads.test(Thread.currentThread()) && now.isMeant(true)) {
      StackOverflowError error = new StackOverflowError("thrown by the test");
      now.thrown = error;
      throw error;
    }
  }
}
