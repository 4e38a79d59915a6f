package dev.annulus;

import dev.annulus.internal.driver.Operation;

/**
 * The future of a read or write of several buffers, which may be short; at the end of file a read gives -1. Goes on as long as heap buffers
 * are left that did not fit into the native memory, up to the first short operation.
 */
final class VectorFuture extends FileFuture<Long> {
  private final VectorMemory memory;
  private final boolean read;
  private Operation operation;
  private long done;

  /**
   * @param offset where in the file
   */
  VectorFuture(OpenDescriptor file, VectorMemory memory, boolean read, long offset) {
    super(file);
    this.memory = memory;
    this.read = read;
    this.operation = operationAt(offset);
  }

  private Operation operationAt(long offset) {
    return read
        ? new Operation.ReadVector(file().fd(), memory.pieces(), offset)
        : new Operation.WriteVector(file().fd(), memory.pieces(), offset);
  }

  private static long offsetOf(Operation vector) {
    return vector instanceof Operation.ReadVector reading ? reading.offset() : ((Operation.WriteVector) vector).offset();
  }

  @Override
  public Operation operation() {
    return operation;
  }

  @Override
  void onSuccess(int count) {
    if (count == 0 && done == 0 && !memory.isEmpty() && operation instanceof Operation.ReadVector reading) {
      new EndOfFile(this, reading.offset(), count).ask();
      return;
    }
    boolean goesOn = memory.transferred(count);
    done += count;
    if (goesOn && count > 0) {
      ended();
      memory.place();
      operation = operationAt(offsetOf(operation) + count);
      again();
    } else {
      succeed(done, count);
    }
  }

  @Override
  boolean endsShort(int errno) {
    if (done == 0) {
      return false;
    }
    succeed(done, 0);
    return true;
  }

  @Override
  void onEndOfFile(int count) {
    succeed(-1L, count);
  }

  @Override
  void release() {
    memory.release();
  }
}
