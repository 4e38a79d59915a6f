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
   * Whether {@link Driver#call} makes an interrupted call of the operation again by itself. Not a
   * write: only the request knows whether it may be repeated.
   */
  public static boolean byTheDriver(Operation operation) {
    return switch (operation) {
      case Operation.Write _, Operation.WriteVector _ -> false;
      default -> operation.isIdempotent();
    };
  }

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
