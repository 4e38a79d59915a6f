package dev.annulus.internal.runtime;

/**
 * The 64 bits a submission carries to its completion: the slot in the {@link InFlightTable} below, its generation above.
 *
 * <pre>
 * 63            32 31             0
 *  generation      slot
 * </pre>
 *
 * The generation changes each time a slot is used, so that a completion that comes twice, or late, cannot be taken for another
 * operation's. Two slot numbers no table reaches are reserved for the runtime's own submissions.
 */
final class UserData {
  /** The read of the eventfd that wakes the reaper. */
  static final long WAKE = 0xffff_ffffL;

  /** A request to cancel another submission. */
  static final long CANCEL = 0xffff_fffeL;

  private UserData() {}

  static long of(int slot, int generation) {
    return ((long) generation << 32) | slot;
  }

  static int slot(long userData) {
    return (int) userData;
  }

  static int generation(long userData) {
    return (int) (userData >>> 32);
  }
}
