package dev.annulus;

/** What happens to a submission when as many operations wait as {@link IoRuntime.Builder#maxQueued(int)} allows. */
public enum WhenFull {
  /** The submitting thread waits for room. A virtual thread that waits holds no carrier. An interrupt does not end the wait. */
  BLOCK,
  /** The operation is not begun; its future fails with a {@link java.util.concurrent.RejectedExecutionException}. */
  FAIL
}
