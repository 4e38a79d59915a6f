package dev.annulus.internal.runtime;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import dev.annulus.internal.abi.Fcntl;
import dev.annulus.internal.abi.IoUring;
import dev.annulus.internal.abi.Syscalls;
import dev.annulus.internal.driver.Errno;
import dev.annulus.internal.driver.Log;
import dev.annulus.internal.driver.Unavailable;
import dev.annulus.internal.ring.SubmissionQueue;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.ref.Reference;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;

/**
 * Gets the reaper out of the kernel when there is work, at the price of one system call only when it really sleeps.
 *
 * <p>{@link SleepFlag} decides who wakes a reaper that sleeps. That one writes to the eventfd; a read of it, armed on the ring, then
 * completes and ends the wait.
 *
 * <p>Who flips the flag owes a write, perhaps much later. The descriptor must therefore stay open until every owed write has
 * been seen, or it would land in whatever file was given the number next: {@link #settle}. If an error of the JVM keeps it from writing, it
 * takes the flip back, so that the next who comes wakes the reaper, or tells that its write will not come. To make that rare it tries the way
 * to the system call before it flips: what is left of the stack then is enough.
 */
final class Wakeup {
  /** How long to wait for writes still owed, when closing: a thousand of these. */
  private static final long PAUSE_NANOS = 1_000_000;

  private static final int MAX_PAUSES = 1000;

  /** Frames beyond the writing: when the flag is about to be flipped, and before a request is put, which is some frames further up. */
  private static final int FRAMES_TO_SPARE = 3;

  private static final int FRAMES_TO_COME = 40;

  private final SleepFlag sleep =
      new SleepFlag() {
        @Override
        void beforeEnd() {
          Syscalls.tryTheWay(FRAMES_TO_SPARE);
        }
      };
  private final int eventFd;
  private final MemorySegment one;
  private final MemorySegment readBuffer;

  /** The reaper's books: whether the read is in the kernel, and how many writes others owe that it has not read. */
  private boolean armed;

  private long owedWrites;

  /** Whether a sleep is announced that {@link #rise} has not ended. */
  private boolean lying;

  /** Whether somebody has flipped the flag and could neither write nor flip it back. */
  private volatile boolean unwritten;

  /** Writes that were owed and will not come, by those who could not make them. */
  private final AtomicLong failedWrites = new AtomicLong();

  Wakeup() throws Unavailable {
    // Automatic memory: a late submitter may still write from `one` when the reaper is long gone.
    this(Arena.ofAuto().allocate(2 * Long.BYTES, Long.BYTES));
  }

  private Wakeup(MemorySegment memory) throws Unavailable {
    this(newEventFd(), memory);
    rehearse();
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

  /** Has the JVM link and load all that waking takes, while it has the memory. */
  private void rehearse() {
    lieDown(false);
    requestQueued();
    boolean _ = rise();
    lieDown(true);
    urgent();
    boolean _ = rise();
    boolean _ = sleep.resume();
    int count = Syscalls.read(eventFd, readBuffer.address(), Long.BYTES);
    if (count == Long.BYTES) {
      owedWrites -= readBuffer.get(JAVA_LONG, 0);
    }
  }

  /** Any thread: whether the reaper sleeps, so that it will have to be woken. */
  boolean isReaperAsleep() {
    return sleep.isAsleep();
  }

  /** Any thread: the same for an urgent matter, which wakes it from any sleep. */
  boolean isReaperAsleepAtAll() {
    return sleep.isAsleepAtAll();
  }

  /** Any thread: throws if the stack has no room for a wake-up. Called while there is nothing yet to wake the reaper for. */
  void checkReach() {
    Syscalls.tryTheWay(FRAMES_TO_COME);
  }

  /** Any thread, after filling the intake queue: wakes the reaper if it sleeps for lack of requests. */
  void requestQueued() {
    boolean owed = false;
    if (unwritten) {
      resume();
    }
    try {
      owed = sleep.endSleepForRequest();
      if (owed) {
        int _ = Syscalls.writeQuietly(eventFd, one.address(), Long.BYTES);
        owed = false;
      }
    } finally {
      if (owed) {
        unwritten = true; // which takes no stack
        resume();
      }
      Reference.reachabilityFence(one);
    }
  }

  /** Any thread, after filling the urgent queue or changing the life cycle: wakes the reaper if it sleeps at all. */
  void urgent() {
    boolean owed = false;
    if (unwritten) {
      resume();
    }
    try {
      owed = sleep.endSleep();
      if (owed) {
        int _ = Syscalls.writeQuietly(eventFd, one.address(), Long.BYTES);
        owed = false;
      }
    } finally {
      if (owed) {
        unwritten = true; // which takes no stack
        resume();
      }
      Reference.reachabilityFence(one);
    }
  }

  /** A write is owed, and could not be made: takes the flip back. Or the next who comes does. */
  private void resume() {
    unwritten = false;
    try {
      if (!sleep.resume()) {
        long _ = failedWrites.incrementAndGet();
      }
    } catch (VirtualMachineError e) {
      unwritten = true;
      throw e;
    }
  }

  /** Reaper: announces sleep. It must look at its queues after this and before it waits, and call {@link #rise} in any case. */
  void lieDown(boolean full) {
    if (lying) {
      boolean _ = rise();
    }
    lying = true;
    sleep.lieDown(full);
  }

  /** Reaper: ends the announced sleep. True if someone else has ended it: then a write is on its way. */
  boolean rise() {
    boolean woken = sleep.rise();
    if (woken) {
      owedWrites++;
    }
    lying = false;
    return woken;
  }

  /** Reaper: has the read armed, unless it is. */
  void arm(SubmissionQueue queue) {
    if (!armed && queue.hasRoom(1)) {
      queue.push(IoUring.IORING_OP_READ, eventFd, readBuffer.address(), Long.BYTES, 0, 0, UserData.WAKE);
      armed = true;
    }
  }

  boolean isArmed() {
    return armed;
  }

  /** Reaper: the armed read has completed. */
  void fired(int result) {
    if (armed) {
      long read = result == Long.BYTES ? readBuffer.get(JAVA_LONG, 0) : 0;
      owedWrites -= read;
      armed = false;
    }
  }

  /** Reaper, ending: makes the armed read complete. */
  void fireSelf() {
    write();
    owedWrites++;
  }

  /**
   * Reaper, ending, with no read armed: waits for the writes still owed, then closes the descriptor. It stays open if a write does not come:
   * then whoever owes it has not run for a second, and may yet.
   */
  void settle() {
    for (int pauses = 0; isOwed(); pauses++) {
      if (pauses == MAX_PAUSES) {
        Log.warn("the wake-up descriptor is left open: a write to it is owed, and has not come");
        return;
      }
      LockSupport.parkNanos(PAUSE_NANOS);
      fireSelf(); // or the read might wait for ever
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

  private boolean isOwed() {
    return owedWrites - failedWrites.get() > 0;
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
