package dev.annulus;

import dev.annulus.internal.driver.Unavailable;
import java.util.Objects;

/**
 * Whether io_uring can be used here, or why not and what to do about it.
 *
 * @param isAvailable whether a ring could be made
 * @param cause why not, in one sentence; empty if available
 * @param remedy what would change that, in one sentence; empty if available
 */
public record Availability(boolean isAvailable, String cause, String remedy) {
  /** Checks that the sentences are there. */
  public Availability {
    Objects.requireNonNull(cause, "cause");
    Objects.requireNonNull(remedy, "remedy");
  }

  static Availability yes() {
    return new Availability(true, "", "");
  }

  static Availability no(Unavailable why) {
    return new Availability(false, causeOf(why), remedyFor(why.reason()));
  }

  /** One line for people. */
  @Override
  public String toString() {
    return isAvailable ? "io_uring is available" : "io_uring is not available: " + cause + " " + remedy;
  }

  private static String causeOf(Unavailable why) {
    String sentence =
        switch (why.reason()) {
          case OTHER_SYSTEM -> "io_uring exists on Linux only";
          case OTHER_ARCHITECTURE -> "This processor architecture is not one this library knows the system calls of";
          case NATIVE_ACCESS_DENIED -> "The JVM does not let this library call native functions";
          case NOT_IMPLEMENTED -> "The kernel has no io_uring (ENOSYS)";
          case FORBIDDEN_BY_SYSCTL -> "The system administrator has switched io_uring off (EPERM, kernel.io_uring_disabled)";
          case FORBIDDEN_BY_SECCOMP ->
              "A seccomp filter or security module forbids io_uring to this process, as containers often do (EPERM)";
          case LOCKED_MEMORY_LIMIT -> 
              "There is no memory for a ring: the limit of locked memory is too small, or the system or its control"
                  + " group is short of memory (ENOMEM)";
          case MISSING_OPERATION -> "The kernel's io_uring is too old";
          case OTHER -> "The ring could not be made";
        };
    return sentence + ": " + why.detail() + ".";
  }

  private static String remedyFor(Unavailable.Cause reason) {
    return switch (reason) {
      case OTHER_SYSTEM -> "Run on Linux, or use the portable backend.";
      case OTHER_ARCHITECTURE -> "Run on x86-64, aarch64, riscv64, ppc64le or s390x, or use the portable backend.";
      case NATIVE_ACCESS_DENIED -> "Start the JVM with --enable-native-access=dev.annulus (ALL-UNNAMED on the class path).";
      case NOT_IMPLEMENTED -> 
              "Run on Linux 5.11 or later, or a kernel that has the io_uring of a later one, as Debian's 5.10; outside of"
                  + " sandboxes that imitate the kernel.";
      case FORBIDDEN_BY_SYSCTL -> "Have the administrator run: sysctl kernel.io_uring_disabled=0.";
      case FORBIDDEN_BY_SECCOMP ->
          "Allow io_uring_setup, io_uring_enter and io_uring_register in the container's seccomp profile.";
      case LOCKED_MEMORY_LIMIT -> 
              "Raise the limit (ulimit -l, or memlock in limits.conf) or give the system more memory, or ask for fewer"
                  + " operations in flight.";
      case MISSING_OPERATION -> "Run on Linux 5.11 or later, or a kernel that has the io_uring of a later one.";
      case OTHER -> "See the error number; the portable backend works meanwhile.";
    };
  }
}
