package dev.annulus;

import dev.annulus.HeapCopies.HeapCopy;
import dev.annulus.internal.driver.Operation;

/**
 * The future of a read or write of one stretch of memory, and the operation itself too: everything it needs is in this one object.
 */
abstract class TransferFuture<T> extends FileFuture<T> {
  private final Object memory;
  private long address;
  private long offset;
  private int length;

  /**
   * @param memory as {@link Operation.Transfer#memory}
   */
  TransferFuture(OpenDescriptor file, Object memory, long address, int length, long offset) {
    super(file);
    this.memory = memory;
    this.address = address;
    this.length = length;
    this.offset = offset;
  }

  // ---- the operation ----

  /** For {@link Operation.Transfer}. */
  public final int fd() {
    return file().fd();
  }

  /** For {@link Operation.Transfer}. */
  public final Object memory() {
    return memory;
  }

  /** For {@link Operation.Transfer}. */
  public final long address() {
    return address;
  }

  /** For {@link Operation.Transfer}. */
  public final int length() {
    return length;
  }

  /** For {@link Operation.Transfer}. */
  public final long offset() {
    return offset;
  }

  /** Whether heap memory goes through native memory piece after piece. */
  final boolean isInPieces() {
    return memory instanceof HeapCopy copy && copy.isInPieces();
  }

  /**
   * Goes on with what is behind the bytes that were transferred.
   *
   * @param left how many bytes that is
   */
  final void goOn(int count, long left) {
    ended();
    offset += count;
    if (memory instanceof HeapCopy copy) {
      copy.proceed(this instanceof Operation.Read);
      address = copy.address();
      length = copy.length();
    } else {
      address += count;
      length = Buffers.length(left);
    }
    again();
  }

  @Override
  final void release() {
    Buffers.release(memory);
  }

  /** A plain transfer, which may be short, and gives -1 at the end of file. Heap memory is transferred up to the first short piece. */
  abstract static class Plain<T> extends TransferFuture<T> {
    Plain(OpenDescriptor file, Object memory, long address, int length, long offset) {
      super(file, memory, address, length, offset);
    }

    /** The value of a transfer of so many bytes in all. */
    abstract T value(long total);

    @Override
    final void onSuccess(int count) {
      if (count == 0 && length() > 0 && isFirstRead()) {
        new EndOfFile(this, offset(), count).ask();
        return;
      }
      Buffers.transferred(memory(), count, this instanceof Operation.Read);
      if (!(memory() instanceof HeapCopy copy)) {
        succeed(value(count), count);
      } else if (count == length() && copy.left() > 0) {
        goOn(count, copy.left());
      } else {
        succeed(value(copy.done()), count);
      }
    }

    @Override
    final boolean endsShort(int errno) {
      if (!(memory() instanceof HeapCopy copy) || copy.done() == 0) {
        return false;
      }
      succeed(value(copy.done()), 0);
      return true;
    }

    private boolean isFirstRead() {
      return this instanceof Operation.Read && !(memory() instanceof HeapCopy copy && copy.done() > 0);
    }
  }

  // ---- plain reads ----

  /** For byte buffers, whose sizes are ints. */
  static final class ReadInt extends Plain<Integer> implements Operation.Read {
    ReadInt(OpenDescriptor file, Object memory, long address, int length, long offset) {
      super(file, memory, address, length, offset);
    }

    @Override
    public Operation operation() {
      return this;
    }

    @Override
    Integer value(long total) {
      return file().boxed((int) total);
    }

    @Override
    void onEndOfFile(int count) {
      succeed(-1, count);
    }
  }

  /** For segments. */
  static final class ReadLong extends Plain<Long> implements Operation.Read {
    ReadLong(OpenDescriptor file, Object memory, long address, int length, long offset) {
      super(file, memory, address, length, offset);
    }

    @Override
    public Operation operation() {
      return this;
    }

    @Override
    Long value(long total) {
      return total;
    }

    @Override
    void onEndOfFile(int count) {
      succeed(-1L, count);
    }
  }

  // ---- plain writes ----

  /** For byte buffers. */
  static final class WriteInt extends Plain<Integer> implements Operation.Write {
    WriteInt(OpenDescriptor file, Object memory, long address, int length, long offset) {
      super(file, memory, address, length, offset);
    }

    @Override
    public Operation operation() {
      return this;
    }

    @Override
    Integer value(long total) {
      return file().boxed((int) total);
    }
  }

  /** For segments. */
  static final class WriteLong extends Plain<Long> implements Operation.Write {
    WriteLong(OpenDescriptor file, Object memory, long address, int length, long offset) {
      super(file, memory, address, length, offset);
    }

    @Override
    public Operation operation() {
      return this;
    }

    @Override
    Long value(long total) {
      return total;
    }
  }
}
