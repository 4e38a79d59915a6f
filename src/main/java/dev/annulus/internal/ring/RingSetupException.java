package dev.annulus.internal.ring;

/** A ring could not be made. Carries the call that refused and its errno; what that means to a user is said further up. */
public final class RingSetupException extends Exception {
  private static final long serialVersionUID = 1L;

  private final String call;
  private final int errno;

  public RingSetupException(String call, int errno) {
    super(call + " failed with errno " + errno);
    this.call = call;
    this.errno = errno;
  }

  /** The system call that refused. */
  public String call() {
    return call;
  }

  /** Its errno, positive. */
  public int errno() {
    return errno;
  }
}
