package dev.annulus.internal.driver;

import java.util.concurrent.locks.LockSupport;

/**
 * Does what must be done although memory or stack is wanting just now: again and again, with pauses, until there is memory; for want of stack
 * for a second, since a thread's own stack grows no more. For threads that nobody waits for, and for the rare steps that no later round of
 * the driver's repeats.
 */
public final class Persistence {
  private static final int TRIES = 200;
  private static final long PAUSE_NANOS = 5_000_000;
  private static final System.Logger LOG = System.getLogger("dev.annulus");

  /** Made beforehand. */
  private static final String GIVEN_UP = "memory or stack was wanting for too long";

  private Persistence() {}

  /** Something that goes on where it was cut when it is run again. */
  @FunctionalInterface
  public interface Step {
    void run();
  }

  /** Whether what was thrown says that memory or stack was wanting: such an error may come out of a record pattern in a wrapping. */
  public static boolean isWant(Throwable e) {
    return e instanceof VirtualMachineError || (e instanceof MatchException && e.getCause() instanceof VirtualMachineError);
  }

  /** Runs a step until it ends without a {@link VirtualMachineError}; logs what it throws else. False if it failed. */
  public static boolean run(Step step) {
    Throwable failure = null;
    int tries = 0;
    while (tries < TRIES) {
      try {
        step.run();
        return true;
      } catch (Throwable e) {
        failure = e;
        if (!isWant(e)) {
          break;
        }
        tries = next(tries, e);
      }
    }
    log(failure);
    return false;
  }

  /** Completes a request. */
  public static void complete(Request request, int result) {
    int tries = 0;
    while (tries < TRIES) {
      try {
        request.completed(result);
        return;
      } catch (Throwable e) {
        if (!isWant(e)) {
          log(e);
          return;
        }
        tries = next(tries, e);
      }
    }
    log(null);
  }

  /** Refuses a request. */
  public static void refuse(Request request, Throwable cause) {
    int tries = 0;
    while (tries < TRIES) {
      try {
        request.refused(cause);
        return;
      } catch (Throwable e) {
        if (!isWant(e)) {
          log(e);
          return;
        }
        tries = next(tries, e);
      }
    }
    log(null);
  }

  /** Gives a request up. */
  public static void abandon(Request request, Throwable cause) {
    int tries = 0;
    while (tries < TRIES) {
      try {
        request.abandoned(cause);
        return;
      } catch (Throwable e) {
        if (!isWant(e)) {
          log(e);
          return;
        }
        tries = next(tries, e);
      }
    }
    log(null);
  }

  /** The first tries are made at once: what stood in the way may have been a single error. Memory may be long in coming, and then is there. */
  private static int next(int tries, Throwable e) {
    if (tries > 2) {
      try {
        LockSupport.parkNanos(PAUSE_NANOS);
      } catch (Throwable another) {
        // Then without a pause.
      }
    }
    boolean outOfMemory = e instanceof OutOfMemoryError || e.getCause() instanceof OutOfMemoryError;
    return outOfMemory && tries == TRIES - 1 ? tries : tries + 1;
  }

  private static void log(@org.jspecify.annotations.Nullable Throwable failure) {
    try {
      LOG.log(System.Logger.Level.ERROR, failure == null ? GIVEN_UP : "ending an operation failed", failure);
    } catch (Throwable e) {
      // Nobody is left to tell.
    }
  }
}
