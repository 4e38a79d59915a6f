package dev.annulus;

import dev.annulus.internal.driver.Errno;
import dev.annulus.internal.driver.Operation;
import dev.annulus.internal.driver.StatResult;
import java.io.EOFException;

/** The future of a read or write of everything: goes on after each short transfer with what is left. */
abstract class FullTransferFuture extends TransferFuture<Void> {
  /** Bytes still to be transferred. */
  private long left;

  /**
   * @param length bytes the first operation transfers
   * @param total bytes to transfer over all
   */
  FullTransferFuture(OpenDescriptor file, Object memory, long address, int length, long total, long offset) {
    super(file, memory, address, length, offset);
    this.left = total;
  }

  /** Takes note of transferred bytes. True if none is left. */
  final boolean transferred(int count, boolean read) {
    Buffers.transferred(memory(), count, read);
    left -= count;
    return left == 0;
  }

  final void transferMore(int count) {
    goOn(count, left);
  }

  final long left() {
    return left;
  }

  /** Fills its memory, or fails if the file ends first. */
  static final class Read extends FullTransferFuture implements Operation.Read {
    Read(OpenDescriptor file, Object memory, long address, int length, long total, long offset) {
      super(file, memory, address, length, total, offset);
    }

    @Override
    public Operation operation() {
      return this;
    }

    @Override
    void onSuccess(int count) {
      if (count < left() && (count == 0 || file().isEndOfDirectFile(count))) {
        new EndOfFile(this, offset(), count).ask();
      } else if (transferred(count, true)) {
        succeed(null, count);
      } else {
        transferMore(count);
      }
    }

    @Override
    void onEndOfFile(int count) {
      boolean _ = transferred(count, true);
      long end = offset() + count;
      fail(new EOFException("read of " + file().path() + ": the file ends at " + end + ", " + left() + " bytes short"));
    }

    /** Goes on at a place that may be read from: of direct I/O the last whole block is the last that counts. */
    @Override
    void onMoreToRead(int count, StatResult about, EndOfFile asked) {
      int whole = count - count % Statuses.directAlignmentOf(about).positionBytes();
      if (whole == 0) {
        asked.readAgain();
      } else {
        boolean _ = transferred(whole, true);
        transferMore(whole);
      }
    }
  }

  /** Writes everything. */
  static final class Write extends FullTransferFuture implements Operation.Write {
    Write(OpenDescriptor file, Object memory, long address, int length, long total, long offset) {
      super(file, memory, address, length, total, offset);
    }

    @Override
    public Operation operation() {
      return this;
    }

    @Override
    void onSuccess(int count) {
      if (transferred(count, false)) {
        succeed(null, count);
      } else if (count == 0) {
        // Not an error to the kernel, but repeating it might go on for ever.
        super.onError(Errno.EIO);
      } else {
        transferMore(count);
      }
    }
  }
}
