package dev.annulus.internal.ring;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import dev.annulus.internal.abi.IoUring;
import dev.annulus.internal.abi.RsrcUpdateLayout;
import dev.annulus.internal.abi.Syscalls;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * How {@code io_uring_enter(2)} is told which ring is meant: by the place of its descriptor among those the calling thread has registered,
 * which saves the kernel from taking and dropping a reference at each call; by the descriptor itself before Linux 5.18, or when the thread
 * has no place left.
 *
 * <p>The registration belongs to the thread and keeps the ring alive: {@link #close} must come from the same thread.
 */
final class RegisteredDescriptor {
  /** Lets the kernel choose the place. */
  private static final int ANY_PLACE = -1;

  private final int ringFd;
  private final int place;

  private RegisteredDescriptor(int ringFd, int place) {
    this.ringFd = ringFd;
    this.place = place;
  }

  /** Registers a ring with the calling thread, if the kernel will. */
  static RegisteredDescriptor of(int ringFd) {
    try (Arena scratch = Arena.ofConfined()) {
      MemorySegment update = update(scratch, ANY_PLACE, ringFd);
      int registered = Syscalls.ioUringRegister(ringFd, IoUring.IORING_REGISTER_RING_FDS, update, 1);
      return new RegisteredDescriptor(ringFd, registered == 1 ? update.get(JAVA_INT, RsrcUpdateLayout.OFFSET) : ANY_PLACE);
    }
  }

  boolean isRegistered() {
    return place != ANY_PLACE;
  }

  /** What to give {@code io_uring_enter(2)} for a descriptor. */
  int number() {
    return isRegistered() ? place : ringFd;
  }

  /** What to add to the flags of {@code io_uring_enter(2)}. */
  int enterFlags() {
    return isRegistered() ? IoUring.IORING_ENTER_REGISTERED_RING : 0;
  }

  /** Gives the place back. The descriptor itself stays open. */
  void close() {
    if (isRegistered()) {
      try (Arena scratch = Arena.ofConfined()) {
        int _ = Syscalls.ioUringRegister(ringFd, IoUring.IORING_UNREGISTER_RING_FDS, update(scratch, place, 0), 1);
      }
    }
  }

  private static MemorySegment update(Arena scratch, int offset, long data) {
    MemorySegment update = scratch.allocate(RsrcUpdateLayout.SIZE, Long.BYTES);
    update.set(JAVA_INT, RsrcUpdateLayout.OFFSET, offset);
    update.set(JAVA_LONG, RsrcUpdateLayout.DATA, data);
    return update;
  }
}
