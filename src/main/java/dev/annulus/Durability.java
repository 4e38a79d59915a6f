package dev.annulus;

/**
 * How {@link AsyncFile#writeDurably} gets its bytes to stable storage. All three keep its promise for those bytes; they differ in speed, and in
 * what becomes of other writes.
 */
public enum Durability {
  /**
   * Whichever is faster. A file's durable writes are timed both ways, a few at first and then now and again. Only those of which one is under
   * way at a time: many at once share syncs ({@link #SYNC_AFTER}), which no other way can match. A file that is also written to by other
   * operations stays with {@link #SYNC_AFTER}, so that a durable write covers what was written to the file before it.
   */
  AUTO,

  /** Write, then sync ({@link Sync#DATA}). The sync covers every write of the file that had completed before, not just this one. */
  SYNC_AFTER,

  /**
   * Write through, in one operation ({@code RWF_DSYNC}), where no other sync of the file is under way, else as {@link #SYNC_AFTER}. Other writes are
   * <em>not</em> covered: they need a sync of their own. Fit for logs on devices that can write a block through their cache. The first durable
   * write of each file syncs after, to see whether the file can be synced at all; so do all on the portable backend.
   */
  WRITE_THROUGH
}
