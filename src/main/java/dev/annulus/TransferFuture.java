package dev.annulus;

import dev.annulus.internal.driver.Operation;

/** The future of one read or write, which may be short; at the end of file a read gives -1. */
abstract class TransferFuture<T> extends FileFuture<T> {
  private TransferFuture(OpenDescriptor file, Operation operation) {
    super(file, operation);
  }

  /** For byte buffers, whose sizes are ints. */
  static TransferFuture<Integer> ofInt(OpenDescriptor file, Operation operation) {
    return new TransferFuture<>(file, operation) {
      @Override
      Integer value(int count) {
        return count;
      }
    };
  }

  /** For segments and lists of buffers. */
  static TransferFuture<Long> ofLong(OpenDescriptor file, Operation operation) {
    return new TransferFuture<>(file, operation) {
      @Override
      Long value(int count) {
        return (long) count;
      }
    };
  }

  abstract T value(int count);

  @Override
  final void onSuccess(int count) {
    boolean endOfFile = false;
    switch (operation()) {
      case Operation.Read read -> {
        Buffers.transferred(read.memory(), count, true);
        endOfFile = count == 0 && read.length() > 0;
      }
      case Operation.ReadVector read -> {
        Buffers.transferred(read.pieces(), count, true);
        endOfFile = count == 0 && !read.pieces().isEmpty();
      }
      case Operation.Write write -> Buffers.transferred(write.memory(), count, false);
      case Operation.WriteVector write -> Buffers.transferred(write.pieces(), count, false);
      default -> throw new IllegalStateException("not a transfer: " + operation());
    }
    succeed(value(endOfFile ? -1 : count), count);
  }
}
