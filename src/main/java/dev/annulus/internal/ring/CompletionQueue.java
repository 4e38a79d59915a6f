package dev.annulus.internal.ring;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import dev.annulus.internal.abi.CqeLayout;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.VarHandle;

/**
 * The consumer's side of the completion queue: look how many are {@link #ready}, read them by index from the front, then give
 * their places back with one {@link #advance}.
 *
 * <p>Indices wrap like those of {@link SubmissionQueue}.
 */
public final class CompletionQueue {
  /** Where the shared words and the entries are, in bytes from the start of the mapping, and the power-of-two size. */
  public record Shape(long head, long tail, long overflow, long entryMemory, int entries) {}

  private static final VarHandle INT = JAVA_INT.varHandle();

  private final MemorySegment ring;
  private final Shape shape;
  private final int mask;

  /** The first entry not given back; equals the shared head, which only this side writes. */
  private int head;

  public CompletionQueue(MemorySegment ring, Shape shape) {
    if (Integer.bitCount(shape.entries) != 1) {
      throw new IllegalArgumentException("entries not a power of two: " + shape.entries);
    }
    this.ring = ring;
    this.shape = shape;
    this.mask = shape.entries - 1;
    this.head = (int) INT.get(ring, shape.head);
  }

  public int entries() {
    return shape.entries;
  }

  /** Completions that can be read. The acquire of the tail makes the entries before it, written by the kernel, visible. */
  public int ready() {
    return (int) INT.getAcquire(ring, shape.tail) - head;
  }

  /** What the submission carried as user data; {@code index} counts from the first unread completion. */
  public long userData(int index) {
    return ring.get(JAVA_LONG, at(index) + CqeLayout.USER_DATA);
  }

  /** The result, or a negated errno. */
  public int result(int index) {
    return ring.get(JAVA_INT, at(index) + CqeLayout.RES);
  }

  /** Gives {@code count} places back. The release orders our reads of them before the kernel's next writes. */
  public void advance(int count) {
    int next = head + count;
    INT.setRelease(ring, shape.head, next);
    head = next; // last: an error in between has given nothing back
  }

  /** Completions the kernel could not keep at all; stays 0 on kernels with {@code IORING_FEAT_NODROP}. */
  public int lost() {
    return (int) INT.getOpaque(ring, shape.overflow);
  }

  private long at(int index) {
    return shape.entryMemory + ((head + index) & mask) * CqeLayout.SIZE;
  }
}
