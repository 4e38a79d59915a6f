package dev.annulus.internal.runtime;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import dev.annulus.internal.abi.Fcntl;
import dev.annulus.internal.abi.IoUring;
import dev.annulus.internal.abi.Syscalls;
import dev.annulus.internal.driver.Errno;
import dev.annulus.internal.driver.Unavailable;
import dev.annulus.internal.ring.SubmissionQueue;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.ref.Reference;

/**
 * Gets the reaper out of the kernel when there is work, at the price of one system call only when it really sleeps.
 *
 * <p>{@link SleepFlag} decides who wakes a reaper that sleeps. That one writes to the eventfd; a read of it, armed on the ring, then
 * completes and ends the wait.
 *
 * <p>Who flips the flag owes a write, perhaps much later. The descriptor must therefore stay open until every owed write has
 * been seen, or it would land in whatever file was given the number next: {@link #settle}.
 */
final class Wakeup {
  private final SleepFlag sleep = new SleepFlag();
  private final int eventFd;
  private final MemorySegment one;
  private final MemorySegment readBuffer;

  /** The reaper's books: whether the read is in the kernel, and how many writes others owe that it has not read. */
  private boolean armed;

  private long owedWrites;

  Wakeup() throws Unavailable {
    // Automatic memory: a late submitter may still write from `one` when the reaper is long gone.
    this(newEventFd(), Arena.ofAuto().allocate(2 * Long.BYTES, Long.BYTES));
  }

  /** With a descriptor and memory of the caller's: 16 bytes. */
  Wakeup(int eventFd, MemorySegment memory) {
    this.eventFd = eventFd;
    one = memory.asSlice(0, Long.BYTES);
    one.set(JAVA_LONG, 0, 1L);
    readBuffer = memory.asSlice(Long.BYTES, Long.BYTES);
  }

  private static int newEventFd() throws Unavailable {
    int fd = Syscalls.eventfd(Fcntl.EFD_CLOEXEC);
    if (fd < 0) {
      throw new Unavailable(Unavailable.Cause.OTHER, "eventfd failed with errno " + -fd);
    }
    return fd;
  }

  /** Any thread, after filling the intake queue: wakes the reaper if it sleeps for lack of requests. */
  void requestQueued() {
    if (sleep.endSleepForRequest()) {
      write();
    }
  }

  /** Any thread, after filling the urgent queue or changing the life cycle: wakes the reaper if it sleeps at all. */
  void urgent() {
    if (sleep.endSleep()) {
      write();
    }
  }

  /** Reaper: announces sleep. It must look at its queues after this and before it waits, and call {@link #rise} in any case. */
  void lieDown(boolean full) {
    sleep.lieDown(full);
  }

  /** Reaper: ends the announced sleep. True if someone else has ended it: then a write is on its way. */
  boolean rise() {
    boolean woken = sleep.rise();
    if (woken) {
      owedWrites++;
    }
    return woken;
  }

  /** Reaper: has the read armed, unless it is. */
  void arm(SubmissionQueue queue) {
    if (!armed && queue.free() > 0) {
      queue.push(IoUring.IORING_OP_READ, eventFd, readBuffer.address(), Long.BYTES, 0, 0, UserData.WAKE);
      armed = true;
    }
  }

  boolean isArmed() {
    return armed;
  }

  /** Reaper: the armed read has completed. */
  void fired(int result) {
    armed = false;
    if (result == Long.BYTES) {
      owedWrites -= readBuffer.get(JAVA_LONG, 0);
    }
  }

  /** Reaper, ending: makes the armed read complete. */
  void fireSelf() {
    owedWrites++;
    write();
  }

  /** Reaper, ending, with no read armed: waits for the writes still owed, then closes the descriptor. */
  void settle() {
    while (owedWrites > 0) {
      int count = Syscalls.read(eventFd, readBuffer.address(), Long.BYTES);
      if (count == Long.BYTES) {
        owedWrites -= readBuffer.get(JAVA_LONG, 0);
      } else if (count != -Errno.EINTR) {
        // Someone else has closed it, and may have its number: it is not ours to close any more.
        return;
      }
    }
    int _ = Syscalls.close(eventFd);
  }

  /** Cannot fail: the counter would have to overflow 64 bits, and the descriptor outlives every owed write. */
  private void write() {
    try {
      int _ = Syscalls.writeQuietly(eventFd, one.address(), Long.BYTES);
    } finally {
      Reference.reachabilityFence(one);
    }
  }
}
