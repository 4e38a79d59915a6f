package dev.annulus;

import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * How one operation ended.
 *
 * @param type what it was
 * @param path the file's or directory's path; of two, the first. The empty path where there is none
 * @param route who carried it out
 * @param outcome how it ended
 * @param latencyNanos from the call that began it to the moment before its future completes; waiting for room and in the queue included
 * @param requestedBytes how much a read or write was to transfer; 0 for other operations
 * @param transferredBytes how much it transferred; 0 at the end of file and for other operations
 * @param failure what the future fails with if the outcome is {@link Outcome#FAILED}, {@link Outcome#REFUSED} or {@link
 *     Outcome#ABANDONED}, else {@code null}; see {@link ErrorKind#of}
 */
public record OperationEnd(
    OperationType type,
    Path path,
    Route route,
    Outcome outcome,
    long latencyNanos,
    long requestedBytes,
    long transferredBytes,
    @Nullable Throwable failure) {
  /** Who carries an operation out. */
  public enum Route {
    /** The ring, or the portable backend's pool. */
    SUBMITTED,
    /** The thread that asked, which found the data in the page cache. */
    INLINE,
    /** The thread that asked, by a plain system call; see {@link AsyncFile#callerRuns}. */
    CALLER
  }

  /** How operations end. */
  public enum Outcome {
    /** With a result, a short one included. */
    COMPLETED,
    /** With an error, the end of a file included when everything was to be read. */
    FAILED,
    /** After its future had been ended by hand or by a timeout, or because the runtime was closed. */
    CANCELLED,
    /** Before it began: too many waited already, or the runtime was closed. */
    REFUSED,
    /** Not at all: the runtime was closed, and the kernel would not end it. */
    ABANDONED
  }

  /**
   * Whether a read or write transferred something, but less than it was asked to.
   *
   * @return whether it did
   */
  public boolean isShort() {
    return transferredBytes > 0 && transferredBytes < requestedBytes;
  }
}
