package dev.annulus.internal.runtime;

import dev.annulus.internal.abi.Fcntl;
import dev.annulus.internal.abi.IoUring;
import dev.annulus.internal.abi.StatxLayout;
import dev.annulus.internal.driver.Operation;
import dev.annulus.internal.driver.StatResult;
import dev.annulus.internal.ring.SubmissionQueue;
import dev.annulus.internal.runtime.direct.KernelValues;
import dev.annulus.internal.runtime.direct.NativePaths;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Turns operations into submission entries. Transfers of registered memory name its place in the kernel's table, 0, by leaving out to name any
 * other. Native memory an entry points to, besides the user's buffers, is kept with the slot until the last completion.
 *
 * <p>Filling the entry is the last that is done: an error of the JVM finds it filled, with its memory kept, or not begun.
 */
final class SqeEncoder {
  /** Not an opcode: {@code io_uring} cannot run the operation. */
  private static final int NONE = -1;

  private SqeEncoder() {}

  /** The {@code IORING_OP_} that runs an operation, or -1 if none does. The most frequent ones are told first, and cheaply. */
  static int opcode(Operation operation) {
    if (operation instanceof Operation.Read) {
      return IoUring.IORING_OP_READ;
    }
    if (operation instanceof Operation.Write) {
      return IoUring.IORING_OP_WRITE;
    }
    return operation instanceof Operation.Nop ? IoUring.IORING_OP_NOP : otherOpcode(operation);
  }

  private static int otherOpcode(Operation operation) {
    return switch (operation) {
      case Operation.Nop _ -> IoUring.IORING_OP_NOP;
      case Operation.Read _ -> IoUring.IORING_OP_READ;
      case Operation.Write _ -> IoUring.IORING_OP_WRITE;
      case Operation.ReadVector _ -> IoUring.IORING_OP_READV;
      case Operation.WriteVector _ -> IoUring.IORING_OP_WRITEV;
      case Operation.Sync _ -> IoUring.IORING_OP_FSYNC;
      case Operation.Truncate _ -> IoUring.IORING_OP_FTRUNCATE;
      case Operation.Allocate _, Operation.Reserve _ -> IoUring.IORING_OP_FALLOCATE;
      case Operation.Stat _, Operation.StatPath _ -> IoUring.IORING_OP_STATX;
      case Operation.Open _ -> IoUring.IORING_OP_OPENAT;
      case Operation.Close _ -> IoUring.IORING_OP_CLOSE;
      case Operation.CreateDirectory _ -> IoUring.IORING_OP_MKDIRAT;
      case Operation.Remove _ -> IoUring.IORING_OP_UNLINKAT;
      case Operation.Rename _ -> IoUring.IORING_OP_RENAMEAT;
      case Operation.Link _ -> IoUring.IORING_OP_LINKAT;
      case Operation.Room _, Operation.TryLock _, Operation.Unlock _, Operation.ListDirectory _, Operation.RemoveTree _ ->
          NONE;
    };
  }

  /** Fills the queue's next entry for the operation in a slot. */
  static void push(
      SubmissionQueue queue,
      InFlightTable table,
      int slot,
      RegisteredMemory registered,
      BlockingFiles blockingFiles) {
    Operation operation = table.request(slot).operation();
    long userData = table.nextUserData(slot);
    if (operation instanceof Operation.Transfer transfer) {
      pushTransfer(queue, transfer, userData, registered, blockingFiles);
    } else if (operation instanceof Operation.Nop) {
      queue.push(IoUring.IORING_OP_NOP, -1, 0, 0, 0, 0, userData);
    } else {
      pushOther(queue, operation, userData, blockingFiles, table, slot);
    }
  }

  private static void pushTransfer(
      SubmissionQueue queue,
      Operation.Transfer transfer,
      long userData,
      RegisteredMemory registered,
      BlockingFiles blockingFiles) {
    boolean fixed = registered.holds(transfer.address(), transfer.length());
    queue.push(
        fixed ? fixedOpcode(transfer) : opcode(transfer),
        transferFlags(blockingFiles, transfer.fd()),
        transfer.fd(),
        transfer.address(),
        transfer.length(),
        transfer.offset(),
        transfer instanceof Operation.Write write && write.isDurable() ? Fcntl.RWF_DSYNC : 0,
        userData);
  }

  private static void pushOther(
      SubmissionQueue queue,
      Operation operation,
      long userData,
      BlockingFiles blockingFiles,
      InFlightTable table,
      int slot) {
    int opcode = opcode(operation);
    switch (operation) {
      case Operation.Sync(int fd, boolean dataOnly) ->
          queue.push(opcode, fd, 0, 0, 0, dataOnly ? IoUring.IORING_FSYNC_DATASYNC : 0, userData);
      case Operation.Truncate(int fd, long size) -> queue.push(opcode, fd, 0, 0, size, 0, userData);
      // The length travels in the address field and the mode in the length field (io_uring_enter(2)).
      case Operation.Allocate(int fd, long offset, long length) ->
          queue.push(opcode, fd, length, 0, offset, 0, userData);
      case Operation.Reserve(int fd, long offset, long length) ->
          queue.push(opcode, fd, length, Fcntl.FALLOC_FL_KEEP_SIZE, offset, 0, userData);
      case Operation.Close(int fd) -> queue.push(opcode, fd, 0, 0, 0, 0, userData);
      default -> pushWithMemory(queue, operation, opcode, userData, blockingFiles, new Kept(table, slot));
    }
  }

  /** Where an entry's memory is kept. */
  private record Kept(InFlightTable table, int slot) {
    void keep(MemorySegment memory) {
      table.keep(slot, memory);
    }
  }

  private static int fixedOpcode(Operation.Transfer transfer) {
    return transfer instanceof Operation.Read ? IoUring.IORING_OP_READ_FIXED : IoUring.IORING_OP_WRITE_FIXED;
  }

  /** Copies what the kernel wrote beside the user's buffers to where the operation wants it. */
  static void takeResult(Operation operation, @Nullable Object kept, int result) {
    if (result < 0 || !(kept instanceof MemorySegment memory)) {
      return;
    }
    switch (operation) {
      case Operation.Stat(int _, StatResult into) -> KernelValues.decode(memory, into);
      case Operation.StatPath(Path _, boolean _, StatResult into) -> KernelValues.decode(memory, into);
      default -> {}
    }
  }

  private static int transferFlags(BlockingFiles blockingFiles, int fd) {
    return blockingFiles.mayBlock(fd) ? IoUring.IOSQE_ASYNC : 0;
  }

  private static void pushWithMemory(
      SubmissionQueue queue,
      Operation operation,
      int opcode,
      long userData,
      BlockingFiles blockingFiles,
      Kept kept) {
    // These are the rare operations: automatic memory costs more than a freed one, but cannot be freed too early.
    Arena arena = Arena.ofAuto();
    switch (operation) {
      case Operation.ReadVector(int fd, List<Operation.Piece> pieces, long offset) ->
          pushVector(
              queue, opcode, transferFlags(blockingFiles, fd), fd, pieces, offset, userData, arena, kept);
      case Operation.WriteVector(int fd, List<Operation.Piece> pieces, long offset) ->
          pushVector(
              queue, opcode, transferFlags(blockingFiles, fd), fd, pieces, offset, userData, arena, kept);
      case Operation.Open open -> {
        MemorySegment path = NativePaths.toCString(open.path(), arena);
        int flags = KernelValues.openFlags(open.flags());
        kept.keep(path);
        queue.push(
            opcode,
            blockingFiles.opensMayBlock() ? IoUring.IOSQE_ASYNC : 0,
            Fcntl.AT_FDCWD,
            path.address(),
            open.permissions(),
            0,
            flags,
            userData);
      }
      case Operation.Stat(int fd, StatResult _) ->
          pushStat(queue, opcode, fd, arena.allocate(1), Fcntl.AT_EMPTY_PATH, userData, arena, kept);
      case Operation.StatPath(Path path, boolean follow, StatResult _) ->
          pushStat(
              queue,
              opcode,
              Fcntl.AT_FDCWD,
              NativePaths.toCString(path, arena),
              follow ? 0 : Fcntl.AT_SYMLINK_NOFOLLOW,
              userData,
              arena,
              kept);
      case Operation.CreateDirectory(Path path, int permissions) -> {
        MemorySegment name = NativePaths.toCString(path, arena);
        kept.keep(name);
        queue.push(opcode, Fcntl.AT_FDCWD, name.address(), permissions, 0, 0, userData);
      }
      case Operation.Remove(Path path, boolean directory) -> {
        MemorySegment name = NativePaths.toCString(path, arena);
        int flags = directory ? Fcntl.AT_REMOVEDIR : 0;
        kept.keep(name);
        queue.push(opcode, Fcntl.AT_FDCWD, name.address(), 0, 0, flags, userData);
      }
      case Operation.Rename(Path source, Path target) -> pushTwoPaths(queue, opcode, source, target, userData, arena, kept);
      case Operation.Link(Path link, Path existing) -> pushTwoPaths(queue, opcode, existing, link, userData, arena, kept);
      default -> throw new IllegalArgumentException("not for a ring: " + operation);
    }
  }

  private static void pushVector(
      SubmissionQueue queue,
      int opcode,
      int flags,
      int fd,
      List<Operation.Piece> pieces,
      long offset,
      long userData,
      Arena arena,
      Kept kept) {
    MemorySegment iovecs = KernelValues.iovecs(pieces, arena);
    int count = KernelValues.iovecCount(pieces);
    kept.keep(iovecs);
    queue.push(opcode, flags, fd, iovecs.address(), count, offset, 0, userData);
  }

  /** The path need not outlive the submission (IORING_FEAT_SUBMIT_STABLE); the buffer must, and is what is kept. */
  private static void pushStat(
      SubmissionQueue queue, int opcode, int dirFd, MemorySegment path, int flags, long userData, Arena arena, Kept kept) {
    MemorySegment both = arena.allocate(StatxLayout.SIZE + path.byteSize(), Long.BYTES);
    MemorySegment pathCopy = both.asSlice(StatxLayout.SIZE).copyFrom(path);
    kept.keep(both);
    queue.push(opcode, dirFd, pathCopy.address(), KernelValues.statMask(), both.address(), flags, userData);
  }

  /** The second directory descriptor travels in the length field, the second path in the offset field. */
  private static void pushTwoPaths(
      SubmissionQueue queue, int opcode, Path first, Path second, long userData, Arena arena, Kept kept) {
    MemorySegment a = NativePaths.toCString(first, arena);
    MemorySegment b = NativePaths.toCString(second, arena);
    MemorySegment both = arena.allocate(a.byteSize() + b.byteSize(), 1);
    MemorySegment.copy(a, 0, both, 0, a.byteSize());
    MemorySegment.copy(b, 0, both, a.byteSize(), b.byteSize());
    long secondAddress = both.address() + a.byteSize();
    kept.keep(both);
    queue.push(opcode, Fcntl.AT_FDCWD, both.address(), Fcntl.AT_FDCWD, secondAddress, 0, userData);
  }
}
