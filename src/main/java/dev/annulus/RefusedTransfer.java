package dev.annulus;

import dev.annulus.internal.driver.Driver;
import dev.annulus.internal.driver.Errno;
import dev.annulus.internal.driver.Operation;
import dev.annulus.internal.driver.Operation.Piece;
import dev.annulus.internal.driver.Request;
import dev.annulus.internal.driver.StatResult;
import java.io.IOException;
import java.util.List;

/**
 * A direct transfer that the system has refused as invalid, most likely because something about it is not aligned: the file system is asked
 * what it should have been like, and then it fails with a message that says so. Asked only then, and nothing is checked before: a file may
 * accept less than it says it needs.
 *
 * <p>Until then the transfer keeps its lease on the file, and its memory.
 */
final class RefusedTransfer implements Request {
  private final FileFuture<?> transfer;
  private final StatResult answer = new StatResult();
  private final Operation question;
  private int mark = NO_MARK;

  RefusedTransfer(FileFuture<?> transfer) {
    this.transfer = transfer;
    this.question = new Operation.Stat(transfer.file().fd(), answer);
  }

  static boolean isTransfer(Operation operation) {
    return switch (operation) {
      case Operation.Read _, Operation.Write _, Operation.ReadVector _, Operation.WriteVector _ -> true;
      default -> false;
    };
  }

  /** Has the transfer fail: at once on a caller's own thread, else when the driver has asked. */
  void explain() {
    Driver driver = transfer.engine().driver();
    if (driver.onDriverThread()) {
      driver.submitPastLimits(this);
    } else {
      completed(driver.call(question));
    }
  }

  @Override
  public Operation operation() {
    return question;
  }

  @Override
  public void completed(int result) {
    if (result < 0) {
      fail("", false);
      return;
    }
    DirectAlignment alignment = Statuses.directAlignmentOf(answer);
    boolean unaligned = alignment.known() && alignment.supported() && !isAligned(transfer.operation(), alignment);
    fail(explanation(transfer.operation(), alignment), unaligned);
  }

  @Override
  public void refused(Throwable cause) {
    fail("", false);
  }

  @Override
  public void abandoned(Throwable cause) {
    fail("", false);
  }

  @Override
  public void givenUp(Throwable cause) {
    transfer.givenUp(cause);
  }

  /**
   * @param harmless whether it is known that the system refused the transfer for its alignment, and so
   *     before anything was done. Else the error may be one of a sync within the transfer
   */
  private void fail(String explanation, boolean harmless) {
    IOException failure =
        Errors.onFile(transfer.operation(), transfer.file().path(), Errno.EINVAL, explanation);
    if (!harmless && transfer.tellsLosses()) {
      transfer.file().latchSyncFailure(failure);
    }
    transfer.fail(failure);
  }

  private boolean isAligned(Operation operation, DirectAlignment alignment) {
    return switch (operation) {
      case Operation.Read read -> alignment.fits(read.address(), read.offset(), read.length());
      case Operation.Write write -> alignment.fits(write.address(), placeOf(write.offset()), write.length());
      case Operation.ReadVector vector -> isAligned(vector.pieces(), vector.offset(), alignment);
      case Operation.WriteVector vector -> isAligned(vector.pieces(), placeOf(vector.offset()), alignment);
      default -> true;
    };
  }

  private static boolean isAligned(List<Piece> pieces, long offset, DirectAlignment alignment) {
    return pieces.stream().allMatch(piece -> alignment.fits(piece.address(), offset, piece.length()));
  }

  /** Of what goes to the end of the file only that it may be anywhere. */
  private long placeOf(long offset) {
    return transfer.file().isAppending() ? 0 : offset;
  }

  private static String explanation(Operation transfer, DirectAlignment alignment) {
    return switch (transfer) {
      case Operation.Read read -> alignment.explain(read.address(), read.offset(), read.length());
      case Operation.Write write when write.offset() == Operation.AT_END_OF_FILE ->
          alignment.explain(write.address(), 0, write.length()) + "; an append begins at the end of the file, wherever that is";
      case Operation.Write write -> alignment.explain(write.address(), write.offset(), write.length());
      case Operation.ReadVector vector -> explanation(alignment, vector.pieces(), vector.offset());
      case Operation.WriteVector vector -> explanation(alignment, vector.pieces(), vector.offset());
      default -> throw new IllegalStateException("not a transfer: " + transfer);
    };
  }

  /** About the first piece that is not aligned. */
  private static String explanation(DirectAlignment alignment, List<Piece> pieces, long offset) {
    for (Piece piece : pieces) {
      if (!alignment.fits(piece.address(), offset, piece.length())) {
        return alignment.explain(piece.address(), offset, piece.length());
      }
    }
    return alignment.explain(0, offset, 0);
  }

  @Override
  public int mark() {
    return mark;
  }

  @Override
  public void mark(int newMark) {
    mark = newMark;
  }
}
