package dev.annulus.sim;

/**
 * What a name leads to. It keeps count of what writing it back has lost, as {@code errseq_t} does: each open file description is told
 * of a loss once, with the number the device gave.
 */
public abstract sealed class SimulatedNode permits SimulatedFile, SimulatedDirectory {
  /** Its inode number. */
  final long number;

  private long losses;
  private int lastErrno;
  private boolean seen = true;
  private boolean lied;

  SimulatedNode(long number) {
    this.number = number;
  }

  /** Returns what an open file description begins with: a loss that nobody was told of will be news to it. */
  final long sample() {
    return seen ? losses : losses - 1;
  }

  /** Returns the number of losses so far. */
  final long losses() {
    return losses;
  }

  /** Returns the last loss's errno, which counts as told from now on. */
  final int tell() {
    seen = true;
    return lastErrno;
  }

  /** The changes up to a mark are dropped, and stable storage is none the wiser. */
  final void lose(long mark, int errno) {
    forget(mark);
    losses++;
    lastErrno = errno;
    seen = false;
  }

  /** As {@link #lose}, but the device said that it had stored them. */
  final void lie(long mark) {
    lied |= mark > firstPending();
    forget(mark);
  }

  /** Returns whether the device said once that it had stored what it had not: then nothing is known of this after a crash. */
  public final boolean isLiedAbout() {
    return lied;
  }

  /** Returns where a sync that is submitted now ends: it is about everything before. */
  abstract long mark();

  /** Returns the mark before the first change that is not stable. */
  abstract long firstPending();

  /** A sync has succeeded. */
  abstract void persist(long mark);

  /** Drops the changes up to a mark. */
  abstract void forget(long mark);
}
