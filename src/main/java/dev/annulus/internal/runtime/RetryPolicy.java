package dev.annulus.internal.runtime;

import dev.annulus.internal.driver.Errno;
import dev.annulus.internal.driver.Operation;

/**
 * Which completions are tried again. The kernel returns EINTR and EAGAIN for ordinary files too (XFS, SCSI, zram, a worker hit
 * by a signal); neither says anything about the file. Both are repeated up to a limit, so that a descriptor that always answers
 * so, such as a non-blocking one, ends.
 */
final class RetryPolicy {
  private static final int LIMIT = 64;

  private RetryPolicy() {}

  /**
   * Whether an operation may be tried again at all. Not a close: the descriptor is gone even when the answer is EINTR, from a file
   * system's flush, and its number may be another file's by now.
   */
  static boolean isRepeatable(Operation operation) {
    return !(operation instanceof Operation.Close);
  }

  /**
   * @param result what the kernel answered
   * @param earlier how often this operation was tried again before
   */
  static boolean again(int result, int earlier) {
    return (result == -Errno.EINTR || result == -Errno.EAGAIN) && earlier < LIMIT;
  }
}
