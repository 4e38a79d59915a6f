package dev.annulus.sim;

import static dev.annulus.internal.abi.IoUring.IORING_OP_CLOSE;
import static dev.annulus.internal.abi.IoUring.IORING_OP_FALLOCATE;
import static dev.annulus.internal.abi.IoUring.IORING_OP_FSYNC;
import static dev.annulus.internal.abi.IoUring.IORING_OP_FTRUNCATE;
import static dev.annulus.internal.abi.IoUring.IORING_OP_LINKAT;
import static dev.annulus.internal.abi.IoUring.IORING_OP_MKDIRAT;
import static dev.annulus.internal.abi.IoUring.IORING_OP_NOP;
import static dev.annulus.internal.abi.IoUring.IORING_OP_OPENAT;
import static dev.annulus.internal.abi.IoUring.IORING_OP_READ;
import static dev.annulus.internal.abi.IoUring.IORING_OP_READV;
import static dev.annulus.internal.abi.IoUring.IORING_OP_RENAMEAT;
import static dev.annulus.internal.abi.IoUring.IORING_OP_STATX;
import static dev.annulus.internal.abi.IoUring.IORING_OP_UNLINKAT;
import static dev.annulus.internal.abi.IoUring.IORING_OP_WRITE;
import static dev.annulus.internal.abi.IoUring.IORING_OP_WRITEV;

import dev.annulus.internal.abi.DirentLayout;
import dev.annulus.internal.abi.Fcntl;
import dev.annulus.internal.abi.Syscalls;
import dev.annulus.internal.driver.Errno;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Iterator;
import org.jspecify.annotations.Nullable;

/** Carries operations out on a disk, well or badly: those of rings and those of system calls alike. */
final class SimulatedCalls {
  /** An operation that has done a half and must be carried on. */
  static final int NOT_YET = Integer.MIN_VALUE;

  private static final int[] OF_A_CLOSE = {Errno.EIO, Errno.ENOSPC, Errno.EDQUOT};

  private final SimulatedDisk disk;
  private final Quirks quirks;

  SimulatedCalls(SimulatedDisk disk, Quirks quirks) {
    this.disk = disk;
    this.quirks = quirks;
  }

  SimulatedDisk disk() {
    return disk;
  }

  /** Runs a system call; a value or a negated errno. */
  int call(Sqe sqe) {
    synchronized (disk) {
      quirks.count(Quirk.CALLED);
      OpenFile file = sqe.fd() < 0 ? null : disk.at(sqe.fd());
      if (sqe.fd() >= 0 && file == null) {
        throw new KernelAbuse("the descriptor is not open: " + sqe);
      }
      Work work = new Work(sqe, file, true, true);
      int result;
      do {
        result = carryOut(work);
      } while (result == NOT_YET);
      return result;
    }
  }

  /** Carries one operation out; a value, a negated errno, or {@link #NOT_YET}. */
  int carryOut(Work work) {
    int opcode = work.sqe.opcode();
    if (work.written > 0) {
      return syncWritten(work);
    }
    if (work.reads() && work.opened().path.endsWith(SimulatedDisk.STUBBORN)) {
      return quirks.answer(Errno.EAGAIN);
    }
    if (work.called && opcode == IORING_OP_STATX && work.sqe.len() == Fcntl.STATX_MNT_ID_UNIQUE) {
      // What file system it is, is known without asking that.
      return stat(work);
    }
    return switch (opcode) {
      case IORING_OP_CLOSE -> close(work);
      case IORING_OP_FSYNC -> sync(work);
      default -> {
        int errno = failure(work);
        yield errno == 0 ? succeed(work) : failWith(errno, work);
      }
    };
  }

  // ---- failures ----

  private int failure(Work work) {
    boolean writes = work.writes();
    // These must not be done again by anyone, and so fail for good.
    boolean once = writes && (work.opened().append || work.syncsItself());
    if ((work.cancelledLate && quirks.below(3) == 0) || (!once && quirks.happens(Quirk.INTERRUPTED))) {
      return Errno.EINTR;
    }
    // To a lock it would say that another has it.
    if (!once && work.sqe.opcode() != Sqe.LOCKING && quirks.happens(Quirk.TRY_AGAIN)) {
      return Errno.EAGAIN;
    }
    if (quirks.happens(Quirk.CANCELLED_UNASKED)) {
      return Errno.ECANCELED;
    }
    if (quirks.happens(Quirk.IO_ERROR)) {
      return once ? quirks.errnoOfASync() : Errno.EIO;
    }
    return writes && quirks.happens(Quirk.NO_SPACE) ? Errno.ENOSPC : 0;
  }

  private int failWith(int errno, Work work) {
    if (work.writes()) {
      int length = work.memory.length();
      int ignored = write(work, quirks.below(3) == 0 ? length : quirks.below(length + 1));
      if (work.syncsItself() && quirks.below(2) == 0) {
        // The sync within it has failed, and this is who is told.
        work.opened().node.lose(work.opened().node.mark(), errno);
        int told = work.opened().news();
        return quirks.answer(told);
      }
    } else if ((work.changesNames() || work.changesLength())
        && errno != Errno.EINTR
        && errno != Errno.EAGAIN
        && quirks.happens(Quirk.DONE_ALL_THE_SAME)) {
      int ignored = succeed(work);
    }
    return quirks.answer(errno);
  }

  // ---- syncs and closes ----

  private int sync(Work work) {
    OpenFile open = work.opened();
    if (open.node instanceof SimulatedDirectory) {
      quirks.count(Quirk.DIRECTORY_SYNCED);
    }
    if (quirks.happens(Quirk.LOST_UNASKED)) {
      open.node.lose(work.mark, quirks.errnoOfASync());
    }
    if (quirks.happens(Quirk.SYNC_REFUSED)) {
      return quirks.answer(quirks.errnoOfASync());
    }
    if (quirks.happens(Quirk.LOST_SYNC)) {
      open.node.lose(work.mark, quirks.errnoOfASync());
    } else if (quirks.happens(Quirk.DEVICE_LIES)) {
      open.node.lie(work.mark);
    } else {
      open.node.persist(work.mark);
    }
    return news(open);
  }

  private int news(OpenFile open) {
    int errno = open.news();
    return errno == 0 ? 0 : quirks.answer(errno);
  }

  /** The second half of a write with a sync in it. */
  private int syncWritten(Work work) {
    OpenFile open = work.opened();
    SimulatedFile file = open.file();
    if (quirks.happens(Quirk.SYNC_REFUSED)) {
      return quirks.answer(quirks.errnoOfASync());
    }
    if (quirks.happens(Quirk.LOST_SYNC)) {
      file.lose(file.mark(), quirks.errnoOfASync());
    } else if (quirks.happens(Quirk.DEVICE_LIES)) {
      file.lie(file.mark());
    } else {
      file.persistRange(work.writtenAt, work.writtenAt + work.written);
    }
    int synced = news(open);
    return synced < 0 ? synced : work.written;
  }

  private int close(Work work) {
    OpenFile open = work.opened();
    disk.close(work.sqe.fd());
    if (quirks.happens(Quirk.CLOSE_INTERRUPTED)) {
      return quirks.answer(Errno.EINTR);
    }
    if (open.node instanceof SimulatedFile file && quirks.happens(Quirk.CLOSE_FAILED)) {
      file.lose(file.mark(), OF_A_CLOSE[quirks.below(OF_A_CLOSE.length)]);
      return news(open);
    }
    return 0;
  }

  // ---- the rest ----

  private int succeed(Work work) {
    Sqe sqe = work.sqe;
    return switch (sqe.opcode()) {
      case IORING_OP_NOP -> 0;
      case IORING_OP_READ, IORING_OP_READV -> read(work);
      case IORING_OP_WRITE, IORING_OP_WRITEV -> writeSome(work);
      case IORING_OP_FTRUNCATE -> {
        work.opened().file().setSize(sqe.off());
        yield 0;
      }
      case IORING_OP_FALLOCATE -> {
        SimulatedFile file = work.opened().file();
        file.setSize(Math.max(file.cached().size(), sqe.off() + sqe.addr()));
        yield 0;
      }
      case IORING_OP_OPENAT ->
          disk.open(directory(work), work.path, sqe.opFlags(), (sqe.opFlags() & Syscalls.arch().openDirectory) != 0);
      case IORING_OP_STATX -> stat(work);
      case IORING_OP_MKDIRAT -> disk.makeDirectory(directory(work), work.path);
      case IORING_OP_UNLINKAT -> disk.remove(directory(work), work.path, (sqe.opFlags() & Fcntl.AT_REMOVEDIR) != 0);
      case IORING_OP_RENAMEAT -> disk.rename(work.path, work.otherPath);
      case IORING_OP_LINKAT -> disk.link(work.path, work.otherPath);
      case Sqe.LISTING -> list(work);
      case Sqe.LOCKING -> lock(work);
      default -> -Errno.EINVAL;
    };
  }

  private static @Nullable SimulatedDirectory directory(Work work) {
    return work.file != null && work.file.node instanceof SimulatedDirectory directory ? directory : null;
  }

  private int read(Work work) {
    byte[] bytes = work.opened().file().cached().read(work.sqe.off(), work.memory.length());
    boolean mustNotWait = (work.sqe.opFlags() & Fcntl.RWF_NOWAIT) != 0;
    if (mustNotWait && bytes.length > 0 && quirks.happens(Quirk.NOT_CACHED)) {
      return quirks.below(2) == 0 ? -Errno.EAGAIN : work.memory.fill(bytes, 1 + quirks.below(bytes.length));
    }
    boolean cut = bytes.length > 1 && quirks.happens(Quirk.SHORT_READ);
    return work.memory.fill(bytes, cut ? 1 + quirks.below(bytes.length - 1) : bytes.length);
  }

  private int writeSome(Work work) {
    int length = work.memory.length();
    if (length > 0 && quirks.happens(Quirk.ZERO_WRITE)) {
      return 0;
    }
    boolean cut = length > 1 && quirks.happens(Quirk.SHORT_WRITE);
    int count = write(work, cut ? 1 + quirks.below(length - 1) : length);
    if (count == 0 || !work.syncsItself()) {
      return count;
    }
    quirks.count(work.opened().syncsEachWrite ? Quirk.WRITTEN_SYNCED : Quirk.WRITTEN_THROUGH);
    work.written = count;
    return quirks.happens(Quirk.SYNC_MUCH_LATER) ? NOT_YET : syncWritten(work);
  }

  private static int write(Work work, int length) {
    OpenFile open = work.opened();
    if (work.sqe.off() < 0 && !open.append) {
      throw new KernelAbuse("no position, and the file does not append: " + work.sqe);
    }
    SimulatedFile file = open.file();
    work.writtenAt = open.append ? file.cached().size() : work.sqe.off();
    file.write(work.writtenAt, work.memory.take(length));
    return length;
  }

  private int stat(Work work) {
    SimulatedNode node;
    if (work.file != null && work.path.isEmpty()) {
      node = work.file.node;
    } else {
      SimulatedDisk.Place place = disk.place(directory(work), work.path);
      node = place == null ? null : place.node();
    }
    return node == null ? -Errno.ENOENT : Transfer.writeStatus(work.sqe.off(), node);
  }

  private int lock(Work work) {
    if ((work.sqe.opFlags() & Fcntl.LOCK_EX) == 0) {
      disk.unlock(work.opened());
      return 0;
    }
    return disk.tryLock(work.opened());
  }

  /** As many records as fit, or as many as it likes. */
  private int list(Work work) {
    OpenFile open = work.opened();
    SimulatedDirectory directory = directory(work);
    if (directory == null) {
      return -Errno.ENOTDIR;
    }
    Iterator<String> names = open.listing;
    if (names == null) {
      names = new ArrayList<>(directory.names().keySet()).iterator();
      open.listing = names;
    }
    MemorySegment buffer = Syscalls.segment(work.sqe.addr(), work.sqe.len());
    int filled = 0;
    while (names.hasNext() && (filled == 0 || quirks.below(4) != 0)) {
      String name = names.next();
      long length = (DirentLayout.NAME + name.length() + 1 + 7) / 8 * 8;
      MemorySegment record = buffer.asSlice(filled, length).fill((byte) 0);
      record.set(ValueLayout.JAVA_SHORT, DirentLayout.RECLEN, (short) length);
      boolean tells = quirks.below(4) != 0;
      int type = !tells ? DirentLayout.DT_UNKNOWN : directory.get(name) instanceof SimulatedDirectory ? DirentLayout.DT_DIR : 8;
      record.set(ValueLayout.JAVA_BYTE, DirentLayout.TYPE, (byte) type);
      record.setString(DirentLayout.NAME, name);
      filled += (int) length;
    }
    return filled;
  }
}
