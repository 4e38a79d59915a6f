package dev.annulus.internal.driver;

/** A driver cannot run on this machine, with the cause. Not an error where another driver can take its place. */
public final class Unavailable extends Exception {
  private static final long serialVersionUID = 1L;

  /** Why. */
  public enum Cause {
    /** Not Linux. */
    OTHER_SYSTEM,
    /** Linux on a processor whose system call numbers we do not have. */
    OTHER_ARCHITECTURE,
    /** The JVM forbids this library the foreign function interface. */
    NATIVE_ACCESS_DENIED,
    /** The kernel has no io_uring ({@code ENOSYS}). */
    NOT_IMPLEMENTED,
    /** {@code EPERM}, and {@code kernel.io_uring_disabled} says so. */
    FORBIDDEN_BY_SYSCTL,
    /** {@code EPERM} although the sysctl allows it: a seccomp filter or security module, as containers have. */
    FORBIDDEN_BY_SECCOMP,
    /**
     * {@code ENOMEM}: some kernels count rings against the locked-memory limit of all but root, which no version number tells; or
     * memory is short.
     */
    LOCKED_MEMORY_LIMIT,
    /** The kernel lacks an operation or feature the driver needs. */
    MISSING_OPERATION,
    /** Anything else; the detail says what. */
    OTHER
  }

  private final Cause reason;

  public Unavailable(Cause reason, String detail) {
    super(detail);
    this.reason = reason;
  }

  public Unavailable(Cause reason, String detail, Throwable cause) {
    super(detail, cause);
    this.reason = reason;
  }

  public Cause reason() {
    return reason;
  }

  /** What was seen: the call and its errno, the missing feature. */
  public String detail() {
    return String.valueOf(getMessage());
  }
}
