package bench;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.util.SplittableRandom;

/**
 * One buffer and what is done with it, one operation at a time. Reads are checked as they come; what was written last is read
 * back afterwards, for which each slot overwrites only blocks of its own.
 */
final class Slot {
  static final int RECORD_BYTES = 256;

  private static final int STAMP_AT = Long.BYTES;

  private final Work work;
  private final int index;
  private final int slots;
  private final long blocks;
  private final SplittableRandom random;
  private final ByteBuffer buffer;
  private long position;
  private long stamp;

  Slot(Work work, int index, int slots, long blocks) {
    this.work = work;
    this.index = index;
    this.slots = slots;
    this.blocks = blocks;
    this.random = new SplittableRandom(index);
    this.buffer =
        switch (work) {
          case NOP -> ByteBuffer.allocate(0);
          case APPEND_SYNC -> alignedBlock(RECORD_BYTES);
          default -> alignedBlock(DataFile.BLOCK_BYTES);
        };
  }

  private static ByteBuffer alignedBlock(int bytes) {
    int page = DataFile.BLOCK_BYTES;
    return ByteBuffer.allocateDirect(2 * page).alignedSlice(page).slice(0, bytes).order(ByteOrder.LITTLE_ENDIAN);
  }

  ByteBuffer buffer() {
    return buffer;
  }

  long position() {
    return position;
  }

  /** How many times this slot has been prepared. */
  long stamp() {
    return stamp;
  }

  /** Makes the buffer and the position ready for the next operation. */
  void prepare() {
    stamp++;
    switch (work) {
      case READ -> position = random.nextLong(blocks) * DataFile.BLOCK_BYTES;
      case WRITE, WRITE_SYNC -> {
        long block = random.nextLong(blocks / slots) * slots + index;
        position = block * DataFile.BLOCK_BYTES;
        buffer.putLong(0, block).putLong(STAMP_AT, stamp);
      }
      case APPEND_SYNC -> buffer.putLong(0, index).putLong(STAMP_AT, stamp);
      case NOP -> {}
    }
    buffer.clear();
  }

  /** Looks at the outcome of the operation. */
  void check(int transferred) {
    if (work == Work.NOP) {
      return;
    }
    if (transferred != buffer.capacity()) {
      throw new IllegalStateException(work + " of " + transferred + " bytes at " + position);
    }
    if (work == Work.READ && buffer.getLong(0) != position / DataFile.BLOCK_BYTES) {
      throw new IllegalStateException("wrong data at " + position + ": block " + buffer.getLong(0));
    }
  }

  /** Looks whether the last block written is in the file. */
  void checkWritten(FileChannel file) throws IOException {
    if (!work.writes() || stamp == 0) {
      return;
    }
    ByteBuffer read = alignedBlock(DataFile.BLOCK_BYTES);
    int n = file.read(read, position);
    if (n != read.capacity() || read.getLong(0) != position / DataFile.BLOCK_BYTES || read.getLong(STAMP_AT) != stamp) {
      throw new IllegalStateException("block written at " + position + " is not in the file");
    }
  }
}
