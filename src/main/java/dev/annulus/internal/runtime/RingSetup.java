package dev.annulus.internal.runtime;

import static dev.annulus.internal.abi.IoUring.IORING_SETUP_CLAMP;
import static dev.annulus.internal.abi.IoUring.IORING_SETUP_COOP_TASKRUN;
import static dev.annulus.internal.abi.IoUring.IORING_SETUP_CQSIZE;
import static dev.annulus.internal.abi.IoUring.IORING_SETUP_DEFER_TASKRUN;
import static dev.annulus.internal.abi.IoUring.IORING_SETUP_NO_SQARRAY;
import static dev.annulus.internal.abi.IoUring.IORING_SETUP_SINGLE_ISSUER;
import static dev.annulus.internal.abi.IoUring.IORING_SETUP_SUBMIT_ALL;

import dev.annulus.internal.abi.Arch;
import dev.annulus.internal.abi.IoUring;
import dev.annulus.internal.driver.Errno;
import dev.annulus.internal.driver.Log;
import dev.annulus.internal.driver.Unavailable;
import dev.annulus.internal.driver.Unavailable.Cause;
import dev.annulus.internal.ring.KernelRing;
import dev.annulus.internal.ring.RingSetupException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.StringJoiner;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.LockSupport;

/**
 * Makes a ring in the best mode the kernel knows, or says why there is none. A version number proves nothing: the kernel is asked
 * by trying.
 */
final class RingSetup {
  private static final int ALWAYS = IORING_SETUP_CQSIZE | IORING_SETUP_CLAMP;

  /** Flag sets from best to plainest; each gives up what came to the kernel last. Taken on EINVAL, one step at a time. */
  private static final int[] STEPS = {
    ALWAYS | IORING_SETUP_SUBMIT_ALL | IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_NO_SQARRAY,
    ALWAYS | IORING_SETUP_SUBMIT_ALL | IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN,
    ALWAYS | IORING_SETUP_SUBMIT_ALL | IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_COOP_TASKRUN,
    ALWAYS | IORING_SETUP_SUBMIT_ALL | IORING_SETUP_COOP_TASKRUN,
    ALWAYS | IORING_SETUP_SUBMIT_ALL,
    ALWAYS,
  };

  /** With each pause twice as long as the one before: about a second together. */
  private static final long MIN_PAUSE_NANOS = TimeUnit.MILLISECONDS.toNanos(8);

  private static final long MAX_PAUSE_NANOS = TimeUnit.MILLISECONDS.toNanos(512);

  private static final int MAX_SUBMISSION_ENTRIES = 1024;

  /** Without these the design does not stand: completions would get lost, or a wait could not end in time. */
  private static final int NEEDED_FEATURES =
      IoUring.IORING_FEAT_NODROP | IoUring.IORING_FEAT_SUBMIT_STABLE | IoUring.IORING_FEAT_EXT_ARG;

  /** The least an io_uring must run; the rest can fall to plain system calls. */
  private static final int[] NEEDED_OPCODES = {
    IoUring.IORING_OP_NOP, IoUring.IORING_OP_READ, IoUring.IORING_OP_WRITE, IoUring.IORING_OP_FSYNC,
    IoUring.IORING_OP_ASYNC_CANCEL,
  };

  private static final AtomicBoolean WARNED = new AtomicBoolean();

  /** The build line of the running kernel. */
  private static final Path BUILD = Path.of("/proc/sys/kernel/version");

  private static final Path SYSCTL = Path.of("/proc/sys/kernel/io_uring_disabled");

  /** Asks a kernel for a ring with exactly these flags; {@link KernelRing#open} outside tests. */
  interface Opener {
    KernelRing open(int entries, int completionEntries, int setupFlags) throws RingSetupException;
  }

  private RingSetup() {}

  /** Makes a ring for the calling thread, sized for {@code maxInFlight} operations and the runtime's own few. */
  static KernelRing open(int maxInFlight) throws Unavailable {
    return open(maxInFlight, KernelRing::open);
  }

  static KernelRing open(int maxInFlight, Opener opener) throws Unavailable {
    if (!System.getProperty("os.name", "").equals("Linux")) {
      throw new Unavailable(Cause.OTHER_SYSTEM, "this is " + System.getProperty("os.name", "an unknown system"));
    }
    if (Arch.current().isEmpty()) {
      throw new Unavailable(Cause.OTHER_ARCHITECTURE, "the processor is " + System.getProperty("os.arch", "unknown"));
    }
    try {
      return checked(step(opener, submissionEntries(maxInFlight), completionEntries(maxInFlight)));
    } catch (RingSetupException e) {
      throw explain(e);
    } catch (IllegalCallerException e) {
      throw nativeAccessDenied(e);
    } catch (ExceptionInInitializerError | NoClassDefFoundError e) {
      throw nativeAccessDenied(e);
    }
  }

  /** A bigger queue than a batch needs no one; a smaller one would cap the kernel's worker pool (min(entries, 4 x CPUs)). */
  static int submissionEntries(int maxInFlight) {
    return Math.min(MAX_SUBMISSION_ENTRIES, Math.max(2, powerOfTwo(maxInFlight)));
  }

  /** Each operation may bring a completion of its own and one of its cancellation; and there is the wake-up. */
  static int completionEntries(int maxInFlight) {
    return powerOfTwo(2 * maxInFlight + 2);
  }

  /** Logs once in a process what is known to be wrong with its kernel. */
  static void warnOfTroubles() {
    if (WARNED.compareAndSet(false, true)) {
      KernelTroubles.of(System.getProperty("os.version", ""), build()).ifPresent(Log::warn);
    }
  }

  private static String build() {
    try {
      return Files.readString(BUILD);
    } catch (IOException e) {
      return "";
    }
  }

  /** The names of set-up flags, joined with {@code |}. */
  static String describe(int flags) {
    StringJoiner names = new StringJoiner("|");
    Object[][] known = {
      {IORING_SETUP_SINGLE_ISSUER, "SINGLE_ISSUER"},
      {IORING_SETUP_DEFER_TASKRUN, "DEFER_TASKRUN"},
      {IORING_SETUP_COOP_TASKRUN, "COOP_TASKRUN"},
      {IORING_SETUP_SUBMIT_ALL, "SUBMIT_ALL"},
      {IORING_SETUP_NO_SQARRAY, "NO_SQARRAY"},
      {IORING_SETUP_CQSIZE, "CQSIZE"},
      {IORING_SETUP_CLAMP, "CLAMP"},
    };
    for (Object[] flag : known) {
      if ((flags & (int) flag[0]) != 0) {
        names.add((String) flag[1]);
      }
    }
    return names.toString();
  }

  private static KernelRing step(Opener opener, int entries, int completionEntries) throws RingSetupException {
    for (int i = 0; ; i++) {
      try {
        return retried(opener, entries, completionEntries, STEPS[i]);
      } catch (RingSetupException e) {
        if (e.errno() != Errno.EINVAL || i == STEPS.length - 1) {
          throw e;
        }
      }
    }
  }

  /** A ring just closed gives its memory back late: for a second, want of it is asked about again. */
  private static KernelRing retried(Opener opener, int entries, int completionEntries, int flags)
      throws RingSetupException {
    for (long pause = MIN_PAUSE_NANOS; ; pause *= 2) {
      try {
        return opener.open(entries, completionEntries, flags);
      } catch (RingSetupException e) {
        if (e.errno() != Errno.ENOMEM || pause > MAX_PAUSE_NANOS) {
          throw e;
        }
      }
      LockSupport.parkNanos(pause);
    }
  }

  private static KernelRing checked(KernelRing ring) throws Unavailable {
    List<String> missing = new ArrayList<>();
    if ((ring.features() & NEEDED_FEATURES) != NEEDED_FEATURES) {
      missing.add("features NODROP, SUBMIT_STABLE and EXT_ARG (Linux 5.11, or ported back), has 0x" + Integer.toHexString(ring.features()));
    }
    for (int opcode : NEEDED_OPCODES) {
      if (!ring.supports(opcode)) {
        missing.add("opcode " + opcode);
      }
    }
    if (!missing.isEmpty()) {
      ring.close();
      throw new Unavailable(Cause.MISSING_OPERATION, "the kernel lacks " + String.join(", ", missing));
    }
    return ring;
  }

  private static Unavailable explain(RingSetupException e) {
    String detail = e.call() + " failed: " + Errno.symbol(e.errno()) + " (" + Errno.text(e.errno()) + ")";
    Cause cause =
        switch (e.errno()) {
          case Errno.ENOSYS -> Cause.NOT_IMPLEMENTED;
          case Errno.EPERM, Errno.EACCES -> forbiddenBySysctl() ? Cause.FORBIDDEN_BY_SYSCTL : Cause.FORBIDDEN_BY_SECCOMP;
          case Errno.ENOMEM -> Cause.LOCKED_MEMORY_LIMIT;
          default -> Cause.OTHER;
        };
    return new Unavailable(cause, detail, e);
  }

  /** {@code kernel.io_uring_disabled}: 2 refuses everyone, 1 everyone without CAP_SYS_ADMIN (or the io_uring_group). */
  private static boolean forbiddenBySysctl() {
    try {
      return !Files.readString(SYSCTL).strip().equals("0");
    } catch (IOException e) {
      return false;
    }
  }

  private static Unavailable nativeAccessDenied(Throwable e) {
    return new Unavailable(Cause.NATIVE_ACCESS_DENIED, String.valueOf(rootOf(e).getMessage()), e);
  }

  private static Throwable rootOf(Throwable e) {
    Throwable cause = e.getCause();
    return cause == null ? e : rootOf(cause);
  }

  private static int powerOfTwo(int atLeast) {
    return atLeast <= 1 ? 1 : Integer.highestOneBit(atLeast - 1) << 1;
  }
}
