package dev.annulus.testing.fuse;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.time.Instant;

/**
 * The forms in which the kernel and a file system server write to each other: {@code linux/fuse.h},
 * minor version 31.
 */
final class Wire {
  static final int VERSION = 7;
  static final int MINOR_VERSION = 31;

  /** {@code fuse_in_header}. */
  static final int IN_HEADER = 40;

  static final int IN_OPCODE = 4;
  static final int IN_UNIQUE = 8;
  static final int IN_NODE = 16;

  /** {@code fuse_out_header}: length, negated errno, unique. */
  static final int OUT_HEADER = 16;

  static final int OPCODE_FORGET = 2;
  static final int OPCODE_INIT = 26;
  static final int OPCODE_INTERRUPT = 36;
  static final int OPCODE_DESTROY = 38;
  static final int OPCODE_BATCH_FORGET = 42;
  static final int OPCODE_RENAME2 = 45;

  static final int INIT_ASYNC_READ = 1;
  static final int INIT_BIG_WRITES = 1 << 5;
  static final int INIT_ASYNC_DIO = 1 << 15;
  static final int INIT_WRITEBACK_CACHE = 1 << 16;
  static final int INIT_PARALLEL_DIROPS = 1 << 18;
  static final int INIT_MAX_PAGES = 1 << 22;

  static final int OPEN_DIRECT_IO = 1;
  static final int OPEN_PARALLEL_DIRECT_WRITES = 1 << 6;

  static final int SET_MODE = 1;
  static final int SET_USER = 1 << 1;
  static final int SET_GROUP = 1 << 2;
  static final int SET_SIZE = 1 << 3;
  static final int SET_ACCESSED = 1 << 4;
  static final int SET_MODIFIED = 1 << 5;
  static final int SET_ACCESSED_NOW = 1 << 7;
  static final int SET_MODIFIED_NOW = 1 << 8;

  private static final int ATTR = 88;
  private static final int BLOCK_BYTES = 4096;

  private Wire() {}

  static ByteBuffer buffer(int size) {
    return ByteBuffer.allocate(size).order(ByteOrder.nativeOrder());
  }

  /** The zero-terminated string at the buffer's position, which moves behind it. */
  static String string(ByteBuffer from) {
    int start = from.position();
    int end = start;
    while (from.get(end) != 0) {
      end++;
    }
    byte[] bytes = new byte[end - start];
    from.get(bytes).position(end + 1);
    return new String(bytes, StandardCharsets.UTF_8);
  }

  /**
   * {@code fuse_entry_out}; names and attributes are not to be cached, so that each question is
   * asked.
   */
  static ByteBuffer entry(Node node, int extraBytes) {
    ByteBuffer out = buffer(40 + ATTR + extraBytes);
    out.putLong(node.id).putLong(0).putLong(0).putLong(0).putInt(0).putInt(0);
    putAttributes(out, node);
    return out;
  }

  /** {@code fuse_attr_out}. */
  static ByteBuffer attributes(Node node) {
    ByteBuffer out = buffer(16 + ATTR);
    out.putLong(0).putInt(0).putInt(0);
    putAttributes(out, node);
    return out;
  }

  @SuppressWarnings("JavaInstantGetSecondsGetNano") // The seconds stand elsewhere.
  private static void putAttributes(ByteBuffer out, Node node) {
    out.putLong(node.id).putLong(node.contents.length()).putLong(node.contents.allocated() / 512);
    putSeconds(out, node.accessed);
    putSeconds(out, node.modified);
    putSeconds(out, node.changed);
    out.putInt(node.accessed.getNano());
    out.putInt(node.modified.getNano());
    out.putInt(node.changed.getNano());
    out.putInt(node.mode).putInt(node.links).putInt(node.userId).putInt(node.groupId).putInt(0);
    out.putInt(BLOCK_BYTES).putInt(0);
  }

  private static void putSeconds(ByteBuffer out, Instant instant) {
    out.putLong(instant.getEpochSecond());
  }

  /** {@code fuse_open_out}. */
  static ByteBuffer putOpened(ByteBuffer out, long handle, int flags) {
    return out.putLong(handle).putInt(flags).putInt(0);
  }

  /** {@code fuse_write_out}. */
  static ByteBuffer written(int count) {
    return buffer(8).putInt(count).putInt(0);
  }

  /** {@code fuse_statfs_out}. */
  static ByteBuffer statistics() {
    long blocks = 1 << 20;
    ByteBuffer out = buffer(80);
    out.putLong(blocks).putLong(blocks).putLong(blocks).putLong(blocks).putLong(blocks);
    return out.putInt(BLOCK_BYTES).putInt(255).putInt(BLOCK_BYTES).position(out.capacity());
  }

  /** Appends a {@code fuse_dirent}; false, and nothing appended, if there is no room. */
  static boolean putDirectoryEntry(ByteBuffer out, Node node, String name, long nextOffset) {
    byte[] bytes = name.getBytes(StandardCharsets.UTF_8);
    int size = (24 + bytes.length + 7) & ~7;
    if (out.remaining() < size) {
      return false;
    }
    int start = out.position();
    out.putLong(node.id).putLong(nextOffset);
    out.putInt(bytes.length).putInt(node.mode >>> 12).put(bytes);
    out.position(start + size);
    return true;
  }

  /** {@code fuse_init_out}. */
  static ByteBuffer initialised(
      int readAhead, int flags, int maxBackground, int maxWrite, int maxPages) {
    ByteBuffer out = buffer(64);
    out.putInt(VERSION).putInt(MINOR_VERSION).putInt(readAhead).putInt(flags);
    out.putShort((short) maxBackground).putShort((short) maxBackground).putInt(maxWrite).putInt(1);
    return out.putShort((short) maxPages).position(out.capacity());
  }
}
