package dev.annulus;

import java.util.function.BooleanSupplier;

/**
 * How the durable writes of one file are done: with a sync after, or written through ({@link Durability}).
 *
 * <p>One write at a time is written through, and no sync beside it: the kernel tells a loss once, to whoever of those under way comes first, and the
 * others would take it for success.
 */
final class DurableWrites {
  private final Durability durability;
  private final BooleanSupplier syncing;

  /** Written by any thread: racing ones ask twice, and find the same. */
  private volatile boolean asked;

  private volatile boolean possible;
  private final FasterForm faster = new FasterForm();

  /** A sync of the file has succeeded: it is a file that has one. Written by any thread. */
  private volatile boolean synced;

  /** Something was changed by other operations than durable writes. Written by any thread. */
  private volatile boolean changedOtherwise;

  /**
   * @param possible whether the driver can write through
   * @param syncing whether the file's kind is known to sync such writes; asked when it first matters
   */
  DurableWrites(Durability durability, boolean possible, BooleanSupplier syncing) {
    this.durability = durability;
    this.syncing = syncing;
    this.possible = possible && durability != Durability.SYNC_AFTER;
  }

  /** Whether a write might be written through now, if it has the file to itself. */
  boolean mayWriteThrough() {
    return possible && synced && (durability == Durability.WRITE_THROUGH || !changedOtherwise) && isOfAKindThatSyncs();
  }

  private boolean isOfAKindThatSyncs() {
    if (!asked) {
      asked = true;
      possible = syncing.getAsBoolean();
    }
    return possible;
  }

  /** Whether the next write that has the file to itself is to be written through. */
  boolean chooseThrough() {
    return durability == Durability.WRITE_THROUGH || faster.next();
  }

  /** A write that was asked about with {@link #chooseThrough} has succeeded. */
  void took(boolean through, long nanos) {
    faster.took(through, nanos);
  }

  void noteSynced() {
    if (!synced) {
      synced = true;
    }
  }

  void noteChangedOtherwise() {
    if (!changedOtherwise) {
      changedOtherwise = true;
    }
  }
}
