package dev.annulus.internal.runtime;

import dev.annulus.internal.driver.Errno;
import dev.annulus.internal.driver.Repeats;
import dev.annulus.internal.driver.Request;

/**
 * Which answers have an operation tried again, if it {@linkplain Request#isRepeatable may be}. The
 * kernel returns EINTR and EAGAIN for ordinary files too (XFS, SCSI, zram, a worker hit by a
 * signal). Both are repeated up to a limit, so that a descriptor that always answers so, such as a
 * non-blocking one, ends.
 */
final class RetryPolicy {
  private static final int LIMIT = Repeats.MAX;

  private RetryPolicy() {}

  /**
   * @param result what the kernel answered
   * @param earlier how often this operation was tried again before
   */
  static boolean again(int result, int earlier) {
    return isTransient(result) && earlier < LIMIT;
  }

  /** Whether an answer may be another one soon. */
  static boolean isTransient(int result) {
    return result == -Errno.EINTR || result == -Errno.EAGAIN;
  }
}
