package dev.annulus;

import dev.annulus.internal.driver.Errno;
import dev.annulus.internal.driver.Operation;
import dev.annulus.internal.driver.StackRoom;
import org.jspecify.annotations.Nullable;

/**
 * The future of a durable write: writes everything and then syncs, or writes everything through. The sync is submitted only when the last write
 * has completed: an fsync is worth just what was written before it.
 */
final class DurableWriteFuture extends FullTransferFuture implements Operation.Write {
  /** Takes this operation's place when all is written. */
  private Operation.@Nullable Sync sync;

  private boolean through;

  /** Whether the file's syncs wait for this. */
  private boolean alone;

  /** When it began, if it is to be timed; else 0. */
  private long beganNanos;

  DurableWriteFuture(OpenDescriptor file, Object memory, long address, int length, long total, long offset) {
    super(file, memory, address, length, total, offset);
  }

  /** Chooses how to write, now that it is about to be submitted. What takes several pieces is synced once, after the last. */
  void choose() {
    DurableWrites writes = file().durableWrites();
    if (isInPieces() || !writes.mayWriteThrough()) {
      return;
    }
    StackRoom.check(); // from here on others wait for the end of this
    alone = file().groupCommit().tryBeginAlone();
    if (!alone) {
      return;
    }
    beganNanos = System.nanoTime();
    through = writes.chooseThrough();
    if (!through) {
      endAlone();
    }
  }

  @Override
  public Operation operation() {
    Operation last = sync;
    return last == null ? this : last;
  }

  @Override
  public boolean isDurable() {
    return through;
  }

  @Override
  void onSuccess(int count) {
    if (sync != null) {
      file().durableWrites().noteSynced();
      end(count);
    } else if (!transferred(count, false)) {
      writeMore(count);
    } else if (through) {
      end(count);
    } else {
      ended();
      sync = new Operation.Sync(fd(), true);
      again();
    }
  }

  private void end(int count) {
    if (beganNanos != 0) {
      file().durableWrites().took(through, System.nanoTime() - beganNanos);
    }
    succeedUnlessLost(count);
  }

  private void writeMore(int count) {
    if (count == 0) {
      // Not an error to the kernel, but repeating it might go on for ever.
      super.onError(Errno.EIO);
    } else {
      transferMore(count);
    }
  }

  @Override
  void onOver() {
    endAlone();
    super.onOver();
  }

  /** The loss is known before a sync that waits for this may begin. */
  @Override
  void onAbandoned(Throwable cause) {
    super.onAbandoned(cause);
    endAlone();
  }

  private void endAlone() {
    if (alone) {
      file().groupCommit().endAlone();
      alone = false;
    }
  }
}
