package dev.annulus;

import dev.annulus.internal.driver.Operation;
import java.util.List;

/** The future of one read or write of several buffers, which may be short; at the end of file a read gives -1. */
final class VectorFuture extends FileFuture.Plain<Long> {
  private final List<Operation.Piece> pieces;
  private final boolean read;

  private VectorFuture(OpenDescriptor file, Operation operation, List<Operation.Piece> pieces, boolean read) {
    super(file, operation);
    this.pieces = pieces;
    this.read = read;
  }

  static VectorFuture reading(OpenDescriptor file, List<Operation.Piece> pieces, long offset) {
    return new VectorFuture(file, new Operation.ReadVector(file.fd(), pieces, offset), pieces, true);
  }

  static VectorFuture writing(OpenDescriptor file, List<Operation.Piece> pieces, long offset) {
    return new VectorFuture(file, new Operation.WriteVector(file.fd(), pieces, offset), pieces, false);
  }

  @Override
  void onSuccess(int count) {
    Buffers.transferred(pieces, count, read);
    succeed(read && count == 0 && !pieces.isEmpty() ? -1L : (long) count, count);
  }

  @Override
  void release() {
    pieces.forEach(piece -> Buffers.release(piece.memory()));
  }
}
