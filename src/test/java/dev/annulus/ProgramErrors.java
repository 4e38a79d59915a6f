package dev.annulus;

import dev.annulus.internal.driver.Errno;
import dev.annulus.testing.FaultPoint;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Function;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Errors of the JVM in a {@link SimulatedProgram}: memory or stack that ends at one of the library's allocations or calls, on the
 * program's thread, on those of the rings, or on those of their pools. They need a library that a {@link
 * dev.annulus.testing.FaultLoader} has loaded.
 */
final class ProgramErrors {
  private enum Where {
    CALLER,
    /** The stack of the caller ends: all calls fail that come too deep. */
    CALLERS_STACK,
    RING,
    WORKER
  }

  private static final int MOST_HITS = 300;
  private static final int MOST_FRAMES_LEFT = 60;
  private static final int MOST_IN_A_ROW = 3;
  private static final int MOST_FRAMES = 10;
  private static final int MOST_WAITS = 300;
  private static final long WAIT_NANOS = 10_000_000;

  private final boolean wanted;
  private final SplittableRandom random;
  private final Thread program = Thread.currentThread();
  private boolean armed;
  private long thrown;
  private int waits;

  ProgramErrors(boolean wanted, long seed) {
    this.wanted = wanted;
    // Without errors, a program does what it did before there were any.
    random = new SplittableRandom(~seed);
  }

  /** Before a step: perhaps something will be thrown in it, or in those that follow. */
  void next() {
    if (!wanted || (armed && random.nextInt(3) != 0)) {
      return;
    }
    end();
    if (random.nextInt(3) != 0) {
      Where where = List.of(Where.values()).get(random.nextInt(Where.values().length));
      if (where == Where.CALLERS_STACK) {
        FaultPoint.armDepth(program, 1 + random.nextInt(MOST_FRAMES_LEFT));
      } else {
        FaultPoint.arm(thread -> isMeant(where, thread), 1 + random.nextInt(MOST_HITS), 1 + random.nextInt(MOST_IN_A_ROW));
      }
      armed = true;
    }
  }

  /** Nothing is thrown until the next step. */
  @SuppressWarnings("SystemOut") // asked for
  void end() {
    if (armed) {
      armed = false;
      Error error = FaultPoint.disarm();
      thrown += error == null ? 0 : 1;
      if (error != null && SimulatedProgram.TRACES) {
        System.out.println(error + " " + Arrays.stream(error.getStackTrace()).limit(MOST_FRAMES).toList());
      }
    }
  }

  private boolean isMeant(Where where, Thread thread) {
    return switch (where) {
      case CALLER, CALLERS_STACK -> thread == program;
      case RING -> thread.getName().contains(SimulatedProgram.NAME);
      case WORKER -> thread.getName().equals("stepped-worker");
    };
  }

  /** What an error has cut may be left to whoever looks a second later: waits a little, while there is time for that. */
  boolean mayStillBeMended() {
    if (thrown == 0 || ++waits > MOST_WAITS) {
      return false;
    }
    LockSupport.parkNanos(WAIT_NANOS);
    return true;
  }

  /** No less than the number of errors thrown. */
  long mostThrown() {
    return thrown * MOST_IN_A_ROW;
  }

  /** How often something was thrown. */
  long thrown() {
    return thrown;
  }

  /** Calls the library. What it throws for want of memory or stack is turned into an outcome. */
  <T> T call(Supplier<T> library, Function<Throwable, T> failed) {
    if (!wanted) {
      return library.get();
    }
    boolean before = FaultPoint.spare(false);
    try {
      return library.get();
    } catch (VirtualMachineError e) {
      boolean ignored = FaultPoint.spare(true);
      return failed.apply(e);
    } finally {
      boolean ignored = FaultPoint.spare(before);
    }
  }

  /** Runs what the library calls of the program. */
  <T> T calledBack(Supplier<T> own) {
    boolean before = FaultPoint.spare(true);
    try {
      return own.get();
    } finally {
      boolean ignored = FaultPoint.spare(before);
    }
  }

  /** Whether a failure is told to come from the JVM. */
  boolean explains(Throwable failure) {
    for (@Nullable Throwable e = failure; wanted && e != null; e = e.getCause()) {
      // As helper threads have it; and what is told where the kernel's number could not be read.
      boolean told = e instanceof ErrnoException kernel && (kernel.errno() == Errno.ENOMEM || kernel.errno() == Errno.EIO);
      if (told || e instanceof VirtualMachineError || e instanceof OperationFuture.Untold) {
        return true;
      }
    }
    return false;
  }
}
