package dev.annulus.sim;

import static dev.annulus.internal.abi.IoUring.IORING_OP_FALLOCATE;
import static dev.annulus.internal.abi.IoUring.IORING_OP_FTRUNCATE;
import static dev.annulus.internal.abi.IoUring.IORING_OP_LINKAT;
import static dev.annulus.internal.abi.IoUring.IORING_OP_MKDIRAT;
import static dev.annulus.internal.abi.IoUring.IORING_OP_OPENAT;
import static dev.annulus.internal.abi.IoUring.IORING_OP_READ;
import static dev.annulus.internal.abi.IoUring.IORING_OP_READV;
import static dev.annulus.internal.abi.IoUring.IORING_OP_RENAMEAT;
import static dev.annulus.internal.abi.IoUring.IORING_OP_STATX;
import static dev.annulus.internal.abi.IoUring.IORING_OP_UNLINKAT;
import static dev.annulus.internal.abi.IoUring.IORING_OP_WRITE;
import static dev.annulus.internal.abi.IoUring.IORING_OP_WRITEV;

import dev.annulus.internal.abi.Fcntl;
import org.jspecify.annotations.Nullable;

/** An operation between its submission, or call, and its end. What the kernel copies at submission is copied here. */
final class Work {
  final Sqe sqe;
  final @Nullable OpenFile file;
  final Transfer memory;

  /** The path, and the second one; empty if there is none. */
  final String path;

  final String otherPath;

  /** What a sync is about: the changes there were when it was submitted. */
  final long mark;

  /** Whether a worker has it in hand, so that it cannot be cancelled. */
  final boolean running;

  /** Whether it is a system call on a thread of the client's own. */
  final boolean called;

  boolean cancelledLate;

  /** Bytes written, when only the sync within the write is left to do, and where. */
  int written;

  long writtenAt;

  Work(Sqe sqe, @Nullable OpenFile file, boolean running, boolean called) {
    this.sqe = sqe;
    this.file = file;
    this.running = running;
    this.called = called;
    memory = Transfer.of(sqe);
    path = hasPath() ? Transfer.string(sqe.addr()) : "";
    boolean two = sqe.opcode() == IORING_OP_RENAMEAT || sqe.opcode() == IORING_OP_LINKAT;
    otherPath = two ? Transfer.string(sqe.off()) : "";
    mark = file == null ? 0 : file.node.mark();
  }

  private boolean hasPath() {
    return sqe.opcode() == IORING_OP_OPENAT || sqe.opcode() == IORING_OP_STATX || changesNames();
  }

  boolean changesNames() {
    return switch (sqe.opcode()) {
      case IORING_OP_MKDIRAT, IORING_OP_UNLINKAT, IORING_OP_RENAMEAT, IORING_OP_LINKAT -> true;
      default -> false;
    };
  }

  boolean changesLength() {
    return sqe.opcode() == IORING_OP_FTRUNCATE || sqe.opcode() == IORING_OP_FALLOCATE;
  }

  boolean reads() {
    return sqe.opcode() == IORING_OP_READ || sqe.opcode() == IORING_OP_READV;
  }

  boolean writes() {
    return sqe.opcode() == IORING_OP_WRITE || sqe.opcode() == IORING_OP_WRITEV;
  }

  /** Whether it is a write with a sync in it. */
  boolean syncsItself() {
    return writes() && file != null && (file.syncsEachWrite || (sqe.opFlags() & Fcntl.RWF_DSYNC) != 0);
  }

  boolean isHung() {
    return reads() && file != null && !called && file.path.endsWith(SimulatedDisk.HUNG);
  }

  /** What it runs on. */
  OpenFile opened() {
    OpenFile open = file;
    if (open == null) {
      throw new KernelAbuse("no descriptor: " + sqe);
    }
    return open;
  }
}
