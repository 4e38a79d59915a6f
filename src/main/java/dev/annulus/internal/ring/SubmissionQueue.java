package dev.annulus.internal.ring;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import dev.annulus.internal.abi.IoUring;
import dev.annulus.internal.abi.SqeLayout;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.VarHandle;

/**
 * The producer's side of the submission queue. Entries are filled with {@link #push} and become visible to the kernel together,
 * with {@link #publish}.
 *
 * <p>Indices are unsigned 32-bit numbers that wrap: they are compared by subtraction and turned into places by the mask.
 */
public final class SubmissionQueue {
  /** {@code array} of {@link Shape} on a ring made with {@code IORING_SETUP_NO_SQARRAY}: there is none to write. */
  public static final long NO_ARRAY = -1;

  /** Where the shared words are, in bytes from the start of the mapping, and how many entries there are (a power of two). */
  public record Shape(long head, long tail, long flags, long array, int entries) {}

  private static final VarHandle INT = JAVA_INT.varHandle();

  private final MemorySegment ring;
  private final MemorySegment entryMemory;
  private final Shape shape;
  private final int mask;

  /** One past the last entry filled; runs ahead of the shared tail until {@link #publish}. */
  private int tail;

  /** The first entry the kernel had not taken when somebody looked last. */
  private int headSeen;

  public SubmissionQueue(MemorySegment ring, MemorySegment entryMemory, Shape shape) {
    if (Integer.bitCount(shape.entries) != 1) {
      throw new IllegalArgumentException("entries not a power of two: " + shape.entries);
    }
    this.ring = ring;
    this.entryMemory = entryMemory;
    this.shape = shape;
    this.mask = shape.entries - 1;
    this.tail = (int) INT.get(ring, shape.tail);
    this.headSeen = (int) INT.get(ring, shape.head);
    writeIdentityArray();
  }

  /** The array's indirection is not used: entry {@code i} always stands at place {@code i}, so it is written once, here. */
  private void writeIdentityArray() {
    if (shape.array == NO_ARRAY) {
      return;
    }
    for (int i = 0; i < shape.entries; i++) {
      ring.set(JAVA_INT, shape.array + (long) i * Integer.BYTES, i);
    }
  }

  public int entries() {
    return shape.entries;
  }

  /** Entries that can be pushed now. */
  public int free() {
    return shape.entries - unconsumed();
  }

  /** Whether so many entries can be pushed now. Cheaper than {@link #free}: mostly the last look at the kernel's side will do. */
  public boolean hasRoom(int entries) {
    return tail - headSeen <= shape.entries - entries || free() >= entries;
  }

  /**
   * Entries pushed that the kernel has not taken. The acquire pairs with the kernel's release of the head: once it has moved,
   * the kernel has read the entry and the place may be written again.
   */
  public int unconsumed() {
    headSeen = (int) INT.getAcquire(ring, shape.head);
    return tail - headSeen;
  }

  /**
   * Fills the next entry. All 64 bytes are written, since a flag left by an earlier operation would corrupt this one. The
   * parameters are named as for a read; other opcodes give the same places other names ({@link SqeLayout}).
   *
   * @throws IllegalStateException if the queue is full; nothing is written
   */
  public void push(int opcode, int fd, long address, int length, long offset, int opFlags, long userData) {
    push(opcode, 0, fd, address, length, offset, opFlags, userData);
  }

  /**
   * As the other, with {@code IOSQE_} flags: {@code IOSQE_ASYNC} for an operation that would block the
   * thread that submits it, and that one of the kernel's workers runs from the start.
   */
  public void push(
      int opcode, int flags, int fd, long address, int length, long offset, int opFlags, long userData) {
    if (!hasRoom(1)) {
      throw new IllegalStateException("submission queue full");
    }
    MemorySegment m = entryMemory;
    long at = (tail & mask) * SqeLayout.SIZE;
    m.set(JAVA_BYTE, at + SqeLayout.OPCODE, (byte) opcode);
    m.set(JAVA_BYTE, at + SqeLayout.FLAGS, (byte) flags);
    m.set(JAVA_SHORT, at + SqeLayout.IOPRIO, (short) 0);
    m.set(JAVA_INT, at + SqeLayout.FD, fd);
    m.set(JAVA_LONG, at + SqeLayout.OFF, offset);
    m.set(JAVA_LONG, at + SqeLayout.ADDR, address);
    m.set(JAVA_INT, at + SqeLayout.LEN, length);
    m.set(JAVA_INT, at + SqeLayout.OP_FLAGS, opFlags);
    m.set(JAVA_LONG, at + SqeLayout.USER_DATA, userData);
    m.set(JAVA_LONG, at + 40, 0L);
    m.set(JAVA_LONG, at + 48, 0L);
    m.set(JAVA_LONG, at + 56, 0L);
    tail++;
  }

  /** Shows the kernel every entry pushed so far: the release orders their 64 bytes before the index that reveals them. */
  public void publish() {
    INT.setRelease(ring, shape.tail, tail);
  }

  /**
   * Whether completions wait on the kernel's overflow list. They come only through {@link Ring#enter}. Opaque: a late answer
   * is found at the next look.
   */
  public boolean completionsOverflowed() {
    return ((int) INT.getOpaque(ring, shape.flags) & IoUring.IORING_SQ_CQ_OVERFLOW) != 0;
  }
}
