package dev.annulus.internal.abi;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.atomic.AtomicReferenceArray;
import org.jspecify.annotations.Nullable;

/**
 * The few bytes of native memory a system call needs beside its arguments: where errno is captured, and one {@code struct iovec}.
 *
 * <p>Kept in a small array that all threads share, because virtual threads are too many and too short-lived to have their own. A thread
 * looks at one place, which its number picks; if that is empty, it makes a new scratch, which is returned there or forgotten. The memory
 * is automatic: forgetting is safe.
 */
final class Scratch {
  private static final int PLACES = 128;

  /** Keeps the places of neighbouring threads out of each other's cache lines. */
  private static final int SPACING = 16;

  private static final AtomicReferenceArray<@Nullable Scratch> KEPT = new AtomicReferenceArray<>(PLACES * SPACING);

  private final int place;
  private final MemorySegment capture;
  private final MemorySegment iovec;

  private Scratch(int place) {
    this.place = place;
    Arena arena = Arena.ofAuto();
    this.capture = arena.allocate(Syscalls.CAPTURE);
    this.iovec = arena.allocate(IovecLayout.SIZE, Long.BYTES);
  }

  static Scratch borrow() {
    int place = (int) (Thread.currentThread().threadId() & (PLACES - 1)) * SPACING;
    Scratch kept = KEPT.getAndSet(place, null);
    return kept == null ? new Scratch(place) : kept;
  }

  void giveBack() {
    KEPT.setRelease(place, this);
  }

  MemorySegment capture() {
    return capture;
  }

  MemorySegment iovec() {
    return iovec;
  }
}
