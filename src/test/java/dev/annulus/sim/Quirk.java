package dev.annulus.sim;

/** Something a kernel may do that a careless client does not expect, and how often at most, in a thousand. */
public enum Quirk {
  /** Fewer bytes than asked for, though the file has more. */
  SHORT_READ(300),
  /** Fewer bytes than asked for, though there is room. */
  SHORT_WRITE(300),
  /** A write of some bytes is answered 0, and wrote none. */
  ZERO_WRITE(80),
  /** A completion says {@code -EINTR}; nothing was done, but of a write any part may have been. */
  INTERRUPTED(150),
  /** A completion says {@code -EAGAIN}; likewise. */
  TRY_AGAIN(150),
  /** A completion says {@code -EIO}; of a write, a part may have been done. */
  IO_ERROR(60),
  /** A write says {@code -ENOSPC}; a part may have been done. */
  NO_SPACE(60),
  /** A completion says {@code -ECANCELED} although nobody asked; likewise. */
  CANCELLED_UNASKED(30),
  /** An operation on names says that it failed, and was done all the same. */
  DONE_ALL_THE_SAME(700),
  /** A sync fails with any errno, and the data it should have stored is forgotten; the next sync will be content. */
  LOST_SYNC(150),
  /** A sync fails with any errno and stores nothing, but a later one would. */
  SYNC_REFUSED(60),
  /** What was written is lost in the background; each open file is told by its next sync. */
  LOST_UNASKED(40),
  /** A sync says 0 and has stored nothing: the device lies. */
  DEVICE_LIES(20),
  /** A write with a sync in it is cut by other operations between its two halves. */
  SYNC_MUCH_LATER(500),
  /** A completion is posted only after those of operations that ended later. */
  LATE_COMPLETION(200),
  /** A close says {@code -EINTR}; the descriptor is gone all the same. */
  CLOSE_INTERRUPTED(150),
  /** A close says {@code -EIO}, {@code -ENOSPC} or {@code -EDQUOT}, and what was written is lost; the descriptor is gone. */
  CLOSE_FAILED(100),
  /** The read of the wake-up fails and takes nothing. */
  WAKE_READ_FAILS(100),

  /** A wait ends with {@code -EINTR}. */
  ENTER_INTERRUPTED(150),
  /** A wait was interrupted after something was submitted: reported as that count, without a completion. */
  WAIT_CUT_SHORT(0),
  /** A wait ends with 0 and without a completion. */
  SPURIOUS_WAKE_UP(80),
  /** {@code -EAGAIN}: nothing was taken. */
  ENTER_TRY_AGAIN(150),
  /** {@code -EBUSY} while completions wait for room. */
  ENTER_BUSY(500),
  /** Fewer entries taken than offered; then no wait. */
  PARTIAL_SUBMISSION(300),
  /** A completion is posted although nobody waits for one. */
  EARLY_COMPLETION(900),
  /** Another completion than that of the oldest operation. */
  REORDERED(600),
  /** A completion of long ago comes again. No kernel does; a client that matches by slot alone would not notice. */
  STALE_COMPLETION(150),
  /** A read of the page cache that must not wait finds nothing, or a part. */
  NOT_CACHED(500),

  /** Memory is not registered, for want of memory that may be locked. */
  REGISTRATION_REFUSED(500),

  /** A transfer of registered memory. Follows from the client's using it. */
  REGISTERED_TRANSFER(0),
  /** A write with a sync in it. Follows from the client's using it. */
  WRITTEN_THROUGH(0),
  /** A write to a file that syncs each. Follows from the client's opening it so. */
  WRITTEN_SYNCED(0),
  /** A sync of a directory. Follows from the client's asking. */
  DIRECTORY_SYNCED(0),
  /** A system call on a thread of the client's own. */
  CALLED(0),
  /** The machine crashed, and the client went on with what was left. */
  REBOOTED(0),
  /** The completion queue was full. Follows from its size. */
  OVERFLOW(0),
  /** A cancellation found its target waiting. Half of all operations wait. */
  CANCEL_FOUND(0),
  /** A cancellation found its target running ({@code -EALREADY}). */
  CANCEL_TOO_LATE(0),
  /** A cancellation found no target ({@code -ENOENT}). */
  CANCEL_MISSED(0),
  /** An index passed 2^32 or 2^31. Follows from where it starts. */
  INDEX_WRAPPED(0);

  /** How often at most, in a thousand; 0 for what is only counted. */
  final int mostPerMille;

  Quirk(int mostPerMille) {
    this.mostPerMille = mostPerMille;
  }
}
