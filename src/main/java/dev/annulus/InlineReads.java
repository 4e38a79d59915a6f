package dev.annulus;

import dev.annulus.internal.driver.Driver;
import dev.annulus.internal.driver.Errno;
import java.util.concurrent.atomic.LongAdder;

/**
 * Reads of data that is in the page cache, done by the calling thread: copying it costs about a microsecond, handing it to another thread and
 * back costs many.
 *
 * <p>Such a future is complete when it is returned, so a dependent that starts the next read runs on the caller's stack, and its dependents
 * on top of that. To bound the depth, the stack is measured after every few reads that a thread has done so.
 *
 * <p>Not on the driver's thread while it gathers operations to submit: the kernel copies cached data as it takes an operation in, and many in
 * one system call cost less than a call for each.
 */
final class InlineReads {
  /** Answers of {@link #attempt} that are no byte count: the read must go to the ring. */
  static final int NOT_CACHED = -Errno.EAGAIN;

  /** As {@link #NOT_CACHED}, and in such a way that the caller's stack is unwound before it completes. */
  static final int TOO_DEEP = Integer.MIN_VALUE;

  /** Longer reads go to the ring: copying them would keep the caller from submitting. */
  private static final int LONGEST_BYTES = 256 * 1024;

  /** Measuring costs as much as a read. A thread whose stack does not grow is measured more and more rarely. */
  private static final int FEWEST_READS_BETWEEN_MEASUREMENTS = 32;

  /** A chain that begins to stack up right after a measurement has grown by some ten frames for each of these at the next. */
  private static final int MOST_READS_BETWEEN_MEASUREMENTS = 128;

  private static final int READS_BETWEEN_UNWINDINGS = 32;

  /** From here on a stack must not grow. One of the usual size holds many thousands of frames. */
  private static final int DEEP_FRAMES = 512;

  private static final int MOST_FRAMES_COUNTED = 2048;

  private final boolean enabled;
  private final LongAdder hits = new LongAdder();
  private final LongAdder misses = new LongAdder();
  private final ThreadLocal<int[]> depths = ThreadLocal.withInitial(Depth::none);

  InlineReads(boolean enabled) {
    this.enabled = enabled;
  }

  /**
   * Does a read at once if it can be done. The memory must stay until it returns.
   *
   * @param history of the file, which tells whether it is worth trying
   * @param callerWaits whether the caller waits for the future and attaches nothing to it, so that no depth builds up
   * @return the byte count, {@link #NOT_CACHED}, {@link #TOO_DEEP} or the negated errno of a read that has failed
   */
  int attempt(Driver driver, int fd, long address, int length, long offset, History history, boolean callerWaits) {
    if (!enabled || length > LONGEST_BYTES || driver.gathers() || !history.isWorthTrying()) {
      return NOT_CACHED;
    }
    if (!callerWaits && Depth.isTooDeep(depths.get(), driver.onDriverThread())) {
      return TOO_DEEP;
    }
    int result = driver.attempt(fd, address, length, offset);
    // A part of what was asked for may mean that the rest is not cached, and 0 need not be the end: the ring reads it whole.
    if (result == length) {
      history.hit();
      hits.increment();
      return result;
    }
    if (result < 0) {
      history.miss(result != -Errno.EAGAIN);
      misses.increment();
    }
    return result >= 0 || isUntried(result) ? NOT_CACHED : result;
  }

  /**
   * Whether an error says that nothing was read because it cannot be read in this way: not cached, not known to
   * the file's kind, the kernel or a filter of system calls. Any other is the answer.
   */
  private static boolean isUntried(int result) {
    return switch (-result) {
      case Errno.EAGAIN, Errno.EINTR, Errno.EOPNOTSUPP, Errno.ESPIPE, Errno.EINVAL, Errno.ENOSYS, Errno.EPERM -> true;
      default -> false;
    };
  }

  long hits() {
    return hits.sum();
  }

  long misses() {
    return misses.sum();
  }

  /**
   * How deep a thread's stack is, measured now and then; each time once it was found too deep. A stack that is deep but does not grow is
   * just a program's that calls from far down.
   *
   * <p>The state is a plain array: a thread keeps it for as long as it lives, and an object of ours would keep our class loader.
   */
  private static final class Depth {
    private static final StackWalker STACK = StackWalker.getInstance();

    private static final int READS_BETWEEN = 0;
    private static final int READS_UNTIL_MEASURED = 1;
    private static final int LAST_DEPTH = 2;

    private Depth() {}

    static int[] none() {
      return new int[] {FEWEST_READS_BETWEEN_MEASUREMENTS, FEWEST_READS_BETWEEN_MEASUREMENTS, 0};
    }

    /**
     * @param onDriverThread whether what goes to the ring is sure to complete on an unwound stack: then no measuring is needed, just now and
     *     then a read that does
     */
    static boolean isTooDeep(int[] state, boolean onDriverThread) {
      if (--state[READS_UNTIL_MEASURED] > 0) {
        return false;
      }
      if (onDriverThread) {
        state[READS_UNTIL_MEASURED] = READS_BETWEEN_UNWINDINGS;
        return true;
      }
      int depth = (int) STACK.walk(frames -> frames.limit(MOST_FRAMES_COUNTED).count()).longValue();
      boolean grows = depth > state[LAST_DEPTH];
      boolean tooDeep = depth >= DEEP_FRAMES && (grows || depth == MOST_FRAMES_COUNTED);
      state[READS_BETWEEN] =
          grows ? FEWEST_READS_BETWEEN_MEASUREMENTS : Math.min(MOST_READS_BETWEEN_MEASUREMENTS, 2 * state[READS_BETWEEN]);
      if (!tooDeep) {
        state[LAST_DEPTH] = depth;
      }
      state[READS_UNTIL_MEASURED] = tooDeep ? 0 : state[READS_BETWEEN];
      return tooDeep;
    }
  }

  /**
   * What trying has brought on one file. After a miss some reads are not tried, after each further miss twice as many. Written by many
   * threads without care: a lost count costs one try.
   */
  static final class History {
    private static final int LONGEST_PAUSE = 1024;

    private int pause;
    private int left;
    private boolean hopeless;

    private boolean isWorthTrying() {
      if (hopeless) {
        return false;
      }
      if (left > 0) {
        left--;
        return false;
      }
      return true;
    }

    private void hit() {
      if (pause != 0) {
        pause = 0;
      }
    }

    /**
     * @param forGood the file's kind does not know such reads
     */
    private void miss(boolean forGood) {
      hopeless |= forGood;
      pause = Math.min(LONGEST_PAUSE, 2 * pause + 1);
      left = pause;
    }
  }
}
