package dev.annulus;

/** Memory that was taken for an operation. */
interface TakenMemory {
  /** Gives it back: the operation is over and nothing touches it any more. May be called again, and does what was cut. */
  void release();
}
