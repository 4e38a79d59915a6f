package bench;

/** What one operation of a cell does. */
enum Work {
  /** Reads a random block of the data file. */
  READ,
  /** Overwrites a random block of the data file. */
  WRITE,
  /** As {@link #WRITE}, and puts it on stable storage. */
  WRITE_SYNC,
  /** Appends a record to a log and puts it on stable storage. */
  APPEND_SYNC,
  /** Nothing, all the way to the kernel and back. */
  NOP;

  boolean writes() {
    return this == WRITE || this == WRITE_SYNC;
  }
}
