package dev.annulus.sim;

import static dev.annulus.internal.abi.IoUring.IORING_OP_ASYNC_CANCEL;
import static dev.annulus.internal.abi.IoUring.IORING_OP_CLOSE;
import static dev.annulus.internal.abi.IoUring.IORING_OP_FALLOCATE;
import static dev.annulus.internal.abi.IoUring.IORING_OP_FSYNC;
import static dev.annulus.internal.abi.IoUring.IORING_OP_FTRUNCATE;
import static dev.annulus.internal.abi.IoUring.IORING_OP_NOP;
import static dev.annulus.internal.abi.IoUring.IORING_OP_OPENAT;
import static dev.annulus.internal.abi.IoUring.IORING_OP_READ;
import static dev.annulus.internal.abi.IoUring.IORING_OP_READV;
import static dev.annulus.internal.abi.IoUring.IORING_OP_READ_FIXED;
import static dev.annulus.internal.abi.IoUring.IORING_OP_STATX;
import static dev.annulus.internal.abi.IoUring.IORING_OP_WRITE;
import static dev.annulus.internal.abi.IoUring.IORING_OP_WRITEV;
import static dev.annulus.internal.abi.IoUring.IORING_OP_WRITE_FIXED;

import dev.annulus.internal.abi.Fcntl;
import dev.annulus.internal.abi.Syscalls;
import dev.annulus.internal.driver.Errno;
import dev.annulus.sim.SimulatedDisk.OpenFile;
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

  /** An operation between submission and completion. */
  private static final class Work {
    final Sqe sqe;
    final @Nullable OpenFile file;
    final Transfer memory;
    final String path;

    /** What a sync is about: the changes there were when it was submitted. */
    final long mark;

    /** Whether a worker has it in hand, so that it cannot be cancelled. */
    final boolean running;

    boolean cancelledLate;

    Work(Sqe sqe, @Nullable OpenFile file, boolean running) {
      this.sqe = sqe;
      this.file = file;
      this.running = running;
      memory = Transfer.of(sqe);
      path = sqe.opcode() == IORING_OP_OPENAT || sqe.opcode() == IORING_OP_STATX ? Transfer.string(sqe.addr()) : "";
      mark = file == null ? 0 : file.file.mark();
    }

    boolean isHung() {
      return file != null && file.path.equals(SimulatedDisk.HUNG) && sqe.opcode() == IORING_OP_READ;
    }
  }

  private final SimulatedDisk disk;
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
    Work work = new Work(sqe, file, quirks.below(2) == 0);
    if (sqe.opcode() == IORING_OP_READ || sqe.opcode() == IORING_OP_READV) {
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
    return !answers.isEmpty() || works.stream().anyMatch(work -> !work.isHung());
  }

  /** Whether nothing is held but the wake-up and what never ends. */
  boolean isQuiet() {
    return !canComplete();
  }

  /** Carries out one operation that can complete. */
  Answer completeOne() {
    List<Work> able = works.stream().filter(work -> !work.isHung()).toList();
    int choice = quirks.happens(Quirk.REORDERED) ? quirks.below(answers.size() + able.size()) : 0;
    if (choice < answers.size()) {
      return answers.remove(choice);
    }
    Work work = able.get(choice - answers.size());
    boolean ignored = works.remove(work);
    Answer answer = new Answer(work.sqe.userData(), carryOut(work));
    boolean last = answer.result != -Errno.EINTR && answer.result != -Errno.EAGAIN;
    if (last && quirks.happens(Quirk.STALE_COMPLETION)) {
      answers.add(answer);
    }
    return answer;
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

  // ---- operations ----

  private int carryOut(Work work) {
    if (work.file != null && work.file.path.equals(SimulatedDisk.STUBBORN) && work.sqe.opcode() == IORING_OP_READ) {
      return -Errno.EAGAIN;
    }
    if (work.sqe.opcode() == IORING_OP_CLOSE) {
      disk.close(work.sqe.fd());
      return quirks.happens(Quirk.CLOSE_INTERRUPTED) ? -Errno.EINTR : 0;
    }
    if ((work.cancelledLate && quirks.below(3) == 0) || quirks.happens(Quirk.INTERRUPTED)) {
      return -Errno.EINTR;
    }
    if (quirks.happens(Quirk.TRY_AGAIN)) {
      return -Errno.EAGAIN;
    }
    if (quirks.happens(Quirk.CANCELLED_UNASKED)) {
      return -Errno.ECANCELED;
    }
    boolean writes = work.sqe.opcode() == IORING_OP_WRITE || work.sqe.opcode() == IORING_OP_WRITEV;
    int error = failure(writes);
    if (error != 0) {
      if (writes) {
        write(work, quirks.below(work.memory.length() + 1));
      }
      return -error;
    }
    return succeed(work);
  }

  private int failure(boolean writes) {
    if (quirks.happens(Quirk.IO_ERROR)) {
      return Errno.EIO;
    }
    return writes && quirks.happens(Quirk.NO_SPACE) ? Errno.ENOSPC : 0;
  }

  private int succeed(Work work) {
    Sqe sqe = work.sqe;
    return switch (sqe.opcode()) {
      case IORING_OP_NOP -> 0;
      case IORING_OP_READ, IORING_OP_READV -> read(work);
      case IORING_OP_WRITE, IORING_OP_WRITEV -> {
        boolean cut = work.memory.length() > 1 && quirks.happens(Quirk.SHORT_WRITE);
        yield writeAndSync(work, cut ? 1 + quirks.below(work.memory.length() - 1) : work.memory.length());
      }
      case IORING_OP_FSYNC -> sync(work, work.mark);
      case IORING_OP_FTRUNCATE -> {
        opened(work).file.setSize((int) sqe.off());
        yield 0;
      }
      case IORING_OP_FALLOCATE -> {
        SimulatedFile file = opened(work).file;
        file.setSize((int) Math.max(file.size(), sqe.off() + sqe.addr()));
        yield 0;
      }
      case IORING_OP_OPENAT -> disk.open(work.path, sqe.opFlags());
      case IORING_OP_STATX -> stat(work);
      default -> -Errno.EINVAL;
    };
  }

  private int read(Work work) {
    byte[] bytes = opened(work).file.read(work.sqe.off(), work.memory.length());
    boolean cut = bytes.length > 1 && quirks.happens(Quirk.SHORT_READ);
    return work.memory.fill(bytes, cut ? 1 + quirks.below(bytes.length - 1) : bytes.length);
  }

  private int write(Work work, int length) {
    OpenFile open = opened(work);
    check(work.sqe.off() >= 0 || open.append, "no position, and the file does not append", work.sqe);
    open.file.write(open.append ? open.file.size() : (int) work.sqe.off(), work.memory.take(length));
    return length;
  }

  /** A write with RWF_DSYNC has a sync in it, whose failure is all that is told. */
  private int writeAndSync(Work work, int length) {
    int count = write(work, length);
    if (count == 0 || (work.sqe.opFlags() & Fcntl.RWF_DSYNC) == 0) {
      return count;
    }
    quirks.count(Quirk.WRITTEN_THROUGH);
    int synced = sync(work, opened(work).file.mark());
    return synced < 0 ? synced : count;
  }

  private int sync(Work work, long mark) {
    OpenFile open = opened(work);
    if (quirks.happens(Quirk.LOST_SYNC)) {
      open.file.lose(mark);
    } else {
      open.file.persist(mark);
    }
    boolean news = open.knownLosses < open.file.losses;
    open.knownLosses = open.file.losses;
    return news ? -Errno.EIO : 0;
  }

  private int stat(Work work) {
    SimulatedFile file = work.file != null ? work.file.file : disk.file(work.path);
    return file == null ? -Errno.ENOENT : Transfer.writeStatus(work.sqe.off(), file.size());
  }

  private static OpenFile opened(Work work) {
    OpenFile open = work.file;
    if (open == null) {
      throw abuse("no descriptor", work.sqe);
    }
    return open;
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
