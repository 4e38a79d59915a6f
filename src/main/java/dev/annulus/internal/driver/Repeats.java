package dev.annulus.internal.driver;

/**
 * How often a call that was interrupted is made again. There is a limit because some servers of file
 * systems answer {@code EINTR} for ever; the caller is then told.
 */
public final class Repeats {
  /** Most repetitions of one call. */
  public static final int MAX = 64;

  private Repeats() {}

  /**
   * Whether an interrupted call is to be made again.
   *
   * @param result what it answered
   * @param earlier how often it was made again before
   */
  public static boolean again(int result, int earlier) {
    return result == -Errno.EINTR && earlier < MAX;
  }
}
