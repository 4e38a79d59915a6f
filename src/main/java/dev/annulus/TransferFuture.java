package dev.annulus;

import dev.annulus.internal.driver.Operation;

/**
 * The future of a read or write of one stretch of memory, and the operation itself too: everything it needs is in this one object.
 *
 * <p>A plain one may be short, and gives -1 at the end of file.
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

  /** Makes this the operation on what is behind the bytes that were transferred. */
  final void advance(int count, int nextLength) {
    address += count;
    offset += count;
    length = nextLength;
  }

  @Override
  final void release() {
    Buffers.release(memory);
  }

  // ---- plain reads ----

  /** For byte buffers, whose sizes are ints. */
  static final class ReadInt extends TransferFuture<Integer> implements Operation.Read {
    ReadInt(OpenDescriptor file, Object memory, long address, int length, long offset) {
      super(file, memory, address, length, offset);
    }

    @Override
    public Operation operation() {
      return this;
    }

    @Override
    void onSuccess(int count) {
      Buffers.transferred(memory(), count, true);
      succeed(file().boxed(count == 0 && length() > 0 ? -1 : count), count);
    }
  }

  /** For segments. */
  static final class ReadLong extends TransferFuture<Long> implements Operation.Read {
    ReadLong(OpenDescriptor file, Object memory, long address, int length, long offset) {
      super(file, memory, address, length, offset);
    }

    @Override
    public Operation operation() {
      return this;
    }

    @Override
    void onSuccess(int count) {
      Buffers.transferred(memory(), count, true);
      succeed(count == 0 && length() > 0 ? -1L : (long) count, count);
    }
  }

  // ---- plain writes ----

  /** For byte buffers. */
  static final class WriteInt extends TransferFuture<Integer> implements Operation.Write {
    WriteInt(OpenDescriptor file, Object memory, long address, int length, long offset) {
      super(file, memory, address, length, offset);
    }

    @Override
    public Operation operation() {
      return this;
    }

    @Override
    void onSuccess(int count) {
      Buffers.transferred(memory(), count, false);
      succeed(file().boxed(count), count);
    }
  }

  /** For segments. */
  static final class WriteLong extends TransferFuture<Long> implements Operation.Write {
    WriteLong(OpenDescriptor file, Object memory, long address, int length, long offset) {
      super(file, memory, address, length, offset);
    }

    @Override
    public Operation operation() {
      return this;
    }

    @Override
    void onSuccess(int count) {
      Buffers.transferred(memory(), count, false);
      succeed((long) count, count);
    }
  }
}
