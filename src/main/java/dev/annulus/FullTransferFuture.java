package dev.annulus;

import dev.annulus.internal.driver.Errno;
import dev.annulus.internal.driver.Operation;
import java.io.EOFException;

/**
 * The future of a read or write of everything: goes on after each short transfer with what is left, and at the end, if it is to be
 * durable, with a sync. The sync is submitted only when the last write has completed: an fsync is worth just what was written
 * before it.
 */
final class FullTransferFuture extends FileFuture<Void> {
  /** Bytes still to be transferred. */
  private long left;

  private final boolean durable;

  /**
   * @param first the first transfer; of a segment longer than one operation takes, its beginning
   * @param total bytes to transfer over all
   */
  FullTransferFuture(OpenDescriptor file, Operation first, long total, boolean durable) {
    super(file, first);
    this.left = total;
    this.durable = durable;
  }

  @Override
  void onSuccess(int result) {
    switch (operation()) {
      case Operation.Read read -> onRead(read, result);
      case Operation.Write write -> onWritten(write, result);
      case Operation.Sync _ -> succeedUnlessLost(result);
      default -> throw new IllegalStateException("not a transfer: " + operation());
    }
  }

  @Override
  void onError(int errno) {
    if (operation() instanceof Operation.Sync) {
      fail(syncFailure(errno));
    } else {
      super.onError(errno);
    }
  }

  private void onRead(Operation.Read read, int count) {
    Buffers.transferred(read.memory(), count, true);
    left -= count;
    if (left == 0) {
      succeed(null, count);
    } else if (count == 0 || file().isEndOfDirectFile(count)) {
      fail(
          new EOFException(
              "read of " + file().path() + ": the file ends at " + (read.offset() + count) + ", " + left + " bytes short"));
    } else {
      again(
          new Operation.Read(
              read.fd(), read.memory(), read.address() + count, Buffers.length(left), read.offset() + count));
    }
  }

  private void onWritten(Operation.Write write, int count) {
    Buffers.transferred(write.memory(), count, false);
    left -= count;
    if (left == 0) {
      end(write, count);
    } else if (count == 0) {
      // Not an error to the kernel, but repeating it might go on for ever.
      super.onError(Errno.EIO);
    } else {
      again(
          new Operation.Write(
              write.fd(), write.memory(), write.address() + count, Buffers.length(left), write.offset() + count));
    }
  }

  private void end(Operation.Write write, int count) {
    if (durable) {
      Buffers.release(write);
      again(new Operation.Sync(write.fd(), true));
    } else {
      succeed(null, count);
    }
  }
}
