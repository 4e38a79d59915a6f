package dev.annulus;

import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.annulus.internal.driver.Errno;
import dev.annulus.sim.Quirk;
import java.util.concurrent.RejectedExecutionException;
import org.jspecify.annotations.Nullable;

/** Says whether a failure of an operation of a {@link SimulatedProgram} has a reason. */
final class ProgramVerdicts {
  private final SimulatedProgram program;

  ProgramVerdicts(SimulatedProgram program) {
    this.program = program;
  }

  /** Whether an operation was refused for lack of room, and rightly so. */
  boolean wasRefused(Running operation) {
    boolean refused = operation.failure instanceof RejectedExecutionException;
    if (refused) {
      assertTrue(operation.mayBeRefused || program.isEnding(), "refused although there was room");
    }
    return refused;
  }

  /** A failure must be one that the kernel made up. */
  void checkFailure(Running operation) {
    Throwable failure = operation.failure;
    if (operation.givenUp || failure == null || program.errors.explains(failure) || wasRefused(operation)) {
      return;
    }
    checkFailure(failure);
  }

  void checkFailure(Throwable failure) {
    int errno = errno(failure);
    boolean injected =
        switch (errno) {
          case Errno.EIO -> program.quirks.wasAnswered(errno) || program.quirks.seen(Quirk.ZERO_WRITE) > 0;
          // A sync that was given up counts as lost, and whatever interrupted it as its cancellation.
          case Errno.ECANCELED ->
              program.quirks.wasAnswered(errno)
                  || program.isEnding()
                  || program.quirks.seen(Quirk.CANCEL_FOUND) + program.quirks.seen(Quirk.CANCEL_TOO_LATE) > 0;
          default -> program.quirks.wasAnswered(errno);
        };
    if (!injected) {
      throw new AssertionError("failed for no reason of the kernel's", failure);
    }
  }

  /** The error number in a failure, or 0. */
  static int errno(Throwable failure) {
    ErrnoException known = kernelError(failure);
    return known == null ? 0 : known.errno();
  }

  /** The kernel's answer in a failure, or {@code null}. */
  static @Nullable ErrnoException kernelError(@Nullable Throwable failure) {
    Throwable e = failure;
    while (e != null && !(e instanceof ErrnoException)) {
      e = e.getCause();
    }
    return (ErrnoException) e;
  }
}
