package dev.annulus.internal.driver;

/**
 * Someone who wants an operation done. Submitted once at a time: after {@link #completed} it may be submitted again, with what
 * {@link #operation} then returns.
 *
 * <p>For each submission exactly one of {@link #completed}, {@link #neverBegun}, {@link #refused} and
 * {@link #abandoned} is called, once. It is called again, later and with the same argument, if it
 * throws a {@link VirtualMachineError}: then memory or stack was wanting, and it goes on where it was
 * cut. Whatever else it throws is logged.
 */
public interface Request {
  /** What to do. Must not change between submission and the call that ends it. */
  Operation operation();

  /**
   * The operation has ended and nothing touches its memory or descriptor any more.
   *
   * @param result a value as {@link Operation} describes it, or a negated errno
   */
  void completed(int result);

  /**
   * The operation was cancelled before it began: nothing was done. As {@code -ECANCELED} of one that
   * had begun, which says nothing of what was done.
   */
  default void neverBegun() {
    completed(-Errno.ECANCELED);
  }

  /** The operation never began: its memory was never touched. */
  void refused(Throwable cause);

  /** How the operation ended will never be known, and its memory may still be written to: it is not to be used again. */
  void abandoned(Throwable cause);

  /**
   * The driver is closed, but the thread that has the request in hand does not come back: those who
   * wait are to be told. As after an early end by the user, the request stays with the driver, and
   * so does what was borrowed for it. One of the three calls above may follow, or none. May be
   * called more than once, and on any thread.
   */
  default void givenUp(Throwable cause) {}

  /**
   * Whether the operation may be done once more when its answer is EINTR or EAGAIN, which may come
   * from below a file system as well, with something done.
   */
  default boolean isRepeatable() {
    return operation().isIdempotent();
  }

  /** Whether the operation is a transfer that {@linkplain Driver#needsWorker needs a worker}. */
  default boolean needsWorker() {
    return false;
  }

  /**
   * A mark of the driver's, meaningless to the request; {@link #NO_MARK} when it is not with a driver. Only the thread that has
   * the request in hand, the submitter or then the driver's, touches it: a plain field will do.
   */
  int mark();

  /** Sets the driver's mark. */
  void mark(int mark);

  int NO_MARK = -1;

  /** The request's place among the urgent ones. Requests that free resources bring one they made beforehand. */
  default RequestLink link() {
    return new RequestLink(this);
  }

  /** Whether nobody wants to know how it ends any more, so that it may as well be cancelled. */
  default boolean isGivenUp() {
    return false;
  }
}
