package dev.annulus.sim;

import static dev.annulus.internal.abi.IoUring.IORING_OP_ASYNC_CANCEL;
import static dev.annulus.internal.abi.IoUring.IORING_OP_CLOSE;
import static dev.annulus.internal.abi.IoUring.IORING_OP_READ;
import static dev.annulus.internal.abi.IoUring.IORING_OP_READ_FIXED;
import static dev.annulus.internal.abi.IoUring.IORING_OP_WRITE;
import static dev.annulus.internal.abi.IoUring.IORING_OP_WRITE_FIXED;

import dev.annulus.internal.abi.Syscalls;
import dev.annulus.internal.driver.Errno;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The operations a simulated ring's kernel holds. Each is carried out late, at the moment its completion is posted: until then its
 * memory is the kernel's. What the kernel copies at submission, paths and iovecs, is copied then.
 */
final class SimulatedKernel {
  /** What becomes a completion entry. */
  record Answer(long userData, int result) {}

  private final SimulatedDisk disk;
  private final SimulatedCalls calls;
  private final Quirks quirks;
  private final int maxInFlight;

  private final List<Work> works = new ArrayList<>();

  /** Decided, but not yet posted. */
  private final List<Answer> answers = new ArrayList<>();

  /** What {@code IORING_OP_READ_FIXED} and its like may use. */
  private @Nullable MemorySegment registered;

  /** The read of a real eventfd, while there is one. */
  private @Nullable Sqe wakeRead;

  SimulatedKernel(SimulatedDisk disk, Quirks quirks, int maxInFlight) {
    this.disk = disk;
    calls = new SimulatedCalls(disk, quirks);
    this.quirks = quirks;
    this.maxInFlight = maxInFlight;
  }

  // ---- submission ----

  int register(MemorySegment memory) {
    if (registered != null) {
      return -Errno.EBUSY;
    }
    registered = memory;
    return 0;
  }

  void take(Sqe entry) {
    check(entry.rest() == 0, "bytes that must be 0 are not", entry);
    Sqe sqe = plain(entry);
    if (sqe.opcode() == IORING_OP_ASYNC_CANCEL) {
      cancel(sqe);
    } else if (sqe.opcode() == IORING_OP_READ && sqe.fd() < SimulatedDisk.FIRST_DESCRIPTOR) {
      check(wakeRead == null, "a second read of the wake-up", sqe);
      wakeRead = sqe;
    } else {
      takeWork(sqe);
    }
  }

  /** A transfer of registered memory is like any other, provided that it is registered. */
  private Sqe plain(Sqe sqe) {
    boolean reads = sqe.opcode() == IORING_OP_READ_FIXED;
    if (!reads && sqe.opcode() != IORING_OP_WRITE_FIXED) {
      return sqe;
    }
    MemorySegment memory = registered;
    long offset = memory == null ? -1 : sqe.addr() - memory.address();
    check(memory != null && offset >= 0 && offset + sqe.len() <= memory.byteSize(), "not in the registered memory", sqe);
    quirks.count(Quirk.REGISTERED_TRANSFER);
    return sqe.withOpcode(reads ? IORING_OP_READ : IORING_OP_WRITE);
  }

  private void takeWork(Sqe sqe) {
    check(works.size() < maxInFlight, "more operations than " + maxInFlight, sqe);
    OpenFile file = sqe.fd() < 0 ? null : disk.at(sqe.fd());
    check(sqe.fd() < 0 || file != null, "the descriptor is not open", sqe);
    for (Work other : works) {
      check(other.sqe.userData() != sqe.userData(), "user data already in use", sqe);
      check(
          sqe.opcode() != IORING_OP_CLOSE || other.file != file || file == null,
          "the descriptor is closed under an operation",
          sqe);
    }
    Work work = new Work(sqe, file, quirks.below(2) == 0, false);
    if (work.reads()) {
      work.memory.scribble();
    }
    works.add(work);
  }

  private void cancel(Sqe sqe) {
    for (Work work : works) {
      if (work.sqe.userData() == sqe.addr()) {
        cancel(sqe, work);
        return;
      }
    }
    quirks.count(Quirk.CANCEL_MISSED);
    answers.add(new Answer(sqe.userData(), -Errno.ENOENT));
  }

  private void cancel(Sqe sqe, Work work) {
    if (work.running && !work.isHung()) {
      quirks.count(Quirk.CANCEL_TOO_LATE);
      work.cancelledLate = true;
      answers.add(new Answer(sqe.userData(), -Errno.EALREADY));
    } else {
      quirks.count(Quirk.CANCEL_FOUND);
      boolean ignored = works.remove(work);
      answers.add(new Answer(work.sqe.userData(), -Errno.ECANCELED));
      answers.add(new Answer(sqe.userData(), 0));
    }
  }

  // ---- completion ----

  /** Whether an operation can complete now, the wake-up apart. */
  boolean canComplete() {
    return !answers.isEmpty() || ableToComplete() > 0;
  }

  private int ableToComplete() {
    int able = 0;
    for (Work work : works) {
      able += work.isHung() ? 0 : 1;
    }
    return able;
  }

  /** Whether nothing is held but the wake-up and what never ends. */
  boolean isQuiet() {
    return !canComplete();
  }

  /** Carries out one operation that can complete. */
  Answer completeOne() {
    while (true) {
      int choice = quirks.happens(Quirk.REORDERED) ? quirks.below(answers.size() + ableToComplete()) : 0;
      if (choice < answers.size()) {
        return answers.remove(choice);
      }
      Work work = able(choice - answers.size());
      int result = calls.carryOut(work);
      if (result == SimulatedCalls.NOT_YET) {
        continue;
      }
      boolean ignored = works.remove(work);
      Answer answer = new Answer(work.sqe.userData(), result);
      boolean last = result != -Errno.EINTR && result != -Errno.EAGAIN;
      if (last && quirks.happens(Quirk.STALE_COMPLETION)) {
        answers.add(answer);
      } else if (ableToComplete() > 0 && quirks.happens(Quirk.LATE_COMPLETION)) {
        answers.add(answer);
        continue;
      }
      return answer;
    }
  }

  private Work able(int choice) {
    int left = choice;
    for (Work work : works) {
      if (!work.isHung() && left-- == 0) {
        return work;
      }
    }
    throw new IllegalStateException("nothing can complete");
  }

  /** The eventfd whose read is waiting, or -1. */
  int wakeDescriptor() {
    return wakeRead == null ? -1 : wakeRead.fd();
  }

  /** Carries out the read of the wake-up, which is known not to block. */
  Answer completeWake() {
    Sqe sqe = wakeRead;
    if (sqe == null) {
      throw new IllegalStateException("no read of the wake-up");
    }
    wakeRead = null;
    boolean fails = quirks.happens(Quirk.WAKE_READ_FAILS);
    return new Answer(sqe.userData(), fails ? -Errno.EINTR : Syscalls.read(sqe.fd(), sqe.addr(), sqe.len()));
  }

  private static void check(boolean condition, String otherwise, Sqe sqe) {
    if (!condition) {
      throw abuse(otherwise, sqe);
    }
  }

  private static KernelAbuse abuse(String what, Sqe sqe) {
    return new KernelAbuse(what + ": " + sqe);
  }
}
