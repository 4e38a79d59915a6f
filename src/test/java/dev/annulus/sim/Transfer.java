package dev.annulus.sim;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import dev.annulus.internal.abi.Fcntl;
import dev.annulus.internal.abi.IoUring;
import dev.annulus.internal.abi.IovecLayout;
import dev.annulus.internal.abi.StatxLayout;
import dev.annulus.internal.abi.Syscalls;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;

/** The user's memory of one operation: the kernel's way into it, by address. */
record Transfer(List<MemorySegment> spans) {
  /** The number of the mount of every simulated disk: no real one comes so far. */
  static final long MOUNT_ID = 1L << 60;

  private static final int LONGEST_PATH = 4096;
  private static final short REGULAR_FILE = (short) 0x81a4; // S_IFREG, rw-r--r--
  private static final short DIRECTORY = (short) 0x41ed; // S_IFDIR, rwxr-xr-x
  private static final byte SCRIBBLE = (byte) 0xdb;

  static Transfer of(Sqe sqe) {
    return switch (sqe.opcode()) {
      case IoUring.IORING_OP_READ, IoUring.IORING_OP_WRITE -> new Transfer(List.of(Syscalls.segment(sqe.addr(), sqe.len())));
      case IoUring.IORING_OP_READV, IoUring.IORING_OP_WRITEV -> ofIovecs(sqe.addr(), sqe.len());
      default -> new Transfer(List.of());
    };
  }

  private static Transfer ofIovecs(long address, int count) {
    MemorySegment iovecs = Syscalls.segment(address, count * IovecLayout.SIZE);
    List<MemorySegment> spans = new ArrayList<>();
    for (long at = 0; at < iovecs.byteSize(); at += IovecLayout.SIZE) {
      spans.add(
          Syscalls.segment(
              iovecs.get(JAVA_LONG, at + IovecLayout.BASE), iovecs.get(JAVA_LONG, at + IovecLayout.LEN)));
    }
    return new Transfer(spans);
  }

  /** The C string at an address. */
  static String string(long address) {
    return Syscalls.segment(address, LONGEST_PATH).getString(0);
  }

  /** Writes a {@code struct statx}. */
  static int writeStatus(long address, SimulatedNode node) {
    long size = node instanceof SimulatedFile file ? file.cached().size() : SparseBytes.PAGE;
    MemorySegment statx = Syscalls.segment(address, StatxLayout.SIZE).fill((byte) 0);
    statx.set(JAVA_LONG, StatxLayout.STX_SIZE, size);
    statx.set(JAVA_SHORT, StatxLayout.MODE, node instanceof SimulatedFile ? REGULAR_FILE : DIRECTORY);
    statx.set(JAVA_INT, StatxLayout.NLINK, 1);
    statx.set(JAVA_INT, StatxLayout.MASK, Fcntl.STATX_MNT_ID_UNIQUE);
    statx.set(JAVA_LONG, StatxLayout.MNT_ID, MOUNT_ID);
    statx.set(JAVA_LONG, StatxLayout.INO, node.number);
    return 0;
  }

  int length() {
    long length = 0;
    for (MemorySegment span : spans) {
      length += span.byteSize();
    }
    return (int) length;
  }

  /** Until a read completes its memory holds nothing in particular. */
  void scribble() {
    for (MemorySegment span : spans) {
      MemorySegment ignored = span.fill(SCRIBBLE);
    }
  }

  /** Puts the first {@code length} bytes into the memory. */
  int fill(byte[] bytes, int length) {
    int done = 0;
    for (MemorySegment span : spans) {
      int here = (int) Math.min(span.byteSize(), length - done);
      MemorySegment.copy(bytes, done, span, JAVA_BYTE, 0, here);
      done += here;
    }
    return done;
  }

  /** Gets the first {@code length} bytes out of the memory. */
  byte[] take(int length) {
    byte[] bytes = new byte[length];
    int done = 0;
    for (MemorySegment span : spans) {
      int here = (int) Math.min(span.byteSize(), length - done);
      MemorySegment.copy(span, JAVA_BYTE, 0, bytes, done, here);
      done += here;
    }
    return bytes;
  }
}
