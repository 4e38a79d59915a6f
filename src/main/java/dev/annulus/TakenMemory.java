package dev.annulus;

/** Memory that is taken for an operation. This object is made before, so that nothing taken can be lost. */
interface TakenMemory {
  /** Takes it. Whatever this throws, {@link #release} must follow. */
  void take();

  /** Gives it back: the operation is over and nothing touches it any more. May be called again, and does what was cut. */
  void release();
}
