package dev.annulus.adapter.lucene;

import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Objects;
import org.apache.lucene.store.DataAccessHint;
import org.apache.lucene.store.IOContext;
import org.apache.lucene.store.IndexInput;
import org.apache.lucene.store.RandomAccessInput;
import org.apache.lucene.store.ReadOnceHint;
import org.apache.lucene.util.BitUtil;

/**
 * A file, or a slice of one, read through a buffer of its own.
 *
 * <p>The buffer is a heap array, since Lucene makes inputs by the thousand and never closes most of them: it costs nothing before the
 * first read, and little then. It is filled from blocks that were prefetched, or by a read of the file, which the calling thread does
 * itself when the data is cached or it would only wait. How much a fill brings is {@link ReadSizes}'s matter.
 *
 * <p>Used by one thread at a time, as every {@link IndexInput}; the file below is shared with clones and slices. Closing the file ends
 * them all; closing a clone or slice ends that alone.
 */
final class AnnulusIndexInput extends IndexInput implements RandomAccessInput {
  private static final byte[] NO_BUFFER = {};

  private final InputFile file;
  private final ReadSizes sizes;

  /** Where in the file this begins, and how many bytes it has. */
  private final long base;

  private final long length;

  private boolean ownsFile;
  private boolean closed;

  /** Of what in {@link #buffer} counts, {@link #position} is the next byte, {@link #limit} the end. */
  private byte[] buffer = NO_BUFFER;

  private int position;
  private int limit;

  /** Where in this input the buffer's first byte comes from. */
  private long bufferStart;

  /** Where the last fill ended, how much it brought, and how much a fill brings at most. */
  private long lastEnd = -1;

  private int lastCount;
  private int longest;

  /** A whole file, to be closed with this input. */
  AnnulusIndexInput(String description, InputFile file, IOContext context) {
    this(description, file, 0, file.length());
    this.ownsFile = true;
    follow(context);
  }

  private AnnulusIndexInput(String description, InputFile file, long base, long length) {
    super(description);
    this.file = file;
    this.sizes = file.sizes();
    this.base = base;
    this.length = length;
    this.longest = sizes.longest();
  }

  // ---- reading in order ----

  @Override
  public byte readByte() throws IOException {
    if (position == limit || file.isClosed()) {
      fillAtPosition(1);
    }
    return buffer[position++];
  }

  @Override
  public short readShort() throws IOException {
    int at = take(Short.BYTES);
    return (short) BitUtil.VH_LE_SHORT.get(buffer, at);
  }

  @Override
  public int readInt() throws IOException {
    int at = take(Integer.BYTES);
    return (int) BitUtil.VH_LE_INT.get(buffer, at);
  }

  @Override
  public long readLong() throws IOException {
    int at = take(Long.BYTES);
    return (long) BitUtil.VH_LE_LONG.get(buffer, at);
  }

  @Override
  public void readBytes(byte[] target, int offset, int count) throws IOException {
    Objects.checkFromIndexSize(offset, count, target.length);
    ensureOpen();
    int buffered = Math.min(count, limit - position);
    System.arraycopy(buffer, position, target, offset, buffered);
    position += buffered;
    int left = count - buffered;
    if (left > sizes.longest()) {
      readPastBuffer(target, offset + buffered, left);
    } else {
      while (left > 0) {
        fillAtPosition(Math.min(left, longest));
        int copied = Math.min(left, limit - position);
        System.arraycopy(buffer, position, target, offset + count - left, copied);
        position += copied;
        left -= copied;
      }
    }
  }

  @Override
  public void readInts(int[] target, int offset, int count) throws IOException {
    Objects.checkFromIndexSize(offset, count, target.length);
    for (int done = 0; done < count; ) {
      int values = fillWithValues(count - done, Integer.BYTES);
      remaining().asIntBuffer().get(target, offset + done, values);
      position += values * Integer.BYTES;
      done += values;
    }
  }

  @Override
  public void readLongs(long[] target, int offset, int count) throws IOException {
    Objects.checkFromIndexSize(offset, count, target.length);
    for (int done = 0; done < count; ) {
      int values = fillWithValues(count - done, Long.BYTES);
      remaining().asLongBuffer().get(target, offset + done, values);
      position += values * Long.BYTES;
      done += values;
    }
  }

  @Override
  public void readFloats(float[] target, int offset, int count) throws IOException {
    Objects.checkFromIndexSize(offset, count, target.length);
    for (int done = 0; done < count; ) {
      int values = fillWithValues(count - done, Float.BYTES);
      remaining().asFloatBuffer().get(target, offset + done, values);
      position += values * Float.BYTES;
      done += values;
    }
  }

  @Override
  public long getFilePointer() {
    return bufferStart + position;
  }

  @Override
  public void seek(long target) throws IOException {
    ensureOpen();
    long into = target - bufferStart;
    if (into >= 0 && into <= limit) {
      position = (int) into;
      return;
    }
    if (target < 0) {
      throw new IllegalArgumentException("seek to negative position " + target + ": " + this);
    }
    if (target > length) {
      throw endOfFile(target, 0);
    }
    moveTo(target);
  }

  @Override
  public long length() {
    return length;
  }

  // ---- reading anywhere ----

  @Override
  public byte readByte(long at) throws IOException {
    int index = bring(at, Byte.BYTES); // first: it may bring another buffer
    return buffer[index];
  }

  @Override
  public short readShort(long at) throws IOException {
    int index = bring(at, Short.BYTES);
    return (short) BitUtil.VH_LE_SHORT.get(buffer, index);
  }

  @Override
  public int readInt(long at) throws IOException {
    int index = bring(at, Integer.BYTES);
    return (int) BitUtil.VH_LE_INT.get(buffer, index);
  }

  @Override
  public long readLong(long at) throws IOException {
    int index = bring(at, Long.BYTES);
    return (long) BitUtil.VH_LE_LONG.get(buffer, index);
  }

  @Override
  public void readBytes(long at, byte[] target, int offset, int count) throws IOException {
    Objects.checkFromIndexSize(offset, count, target.length);
    if (count <= sizes.longest()) {
      int index = count == 0 ? 0 : bring(at, count);
      System.arraycopy(buffer, index, target, offset, count);
    } else {
      seek(at);
      readBytes(target, offset, count);
    }
  }

  /** Has so many bytes from a place in the buffer, and says where in it. */
  private int bring(long at, int count) throws IOException {
    long into = at - bufferStart;
    if (into < 0 || into > limit - count || file.isClosed()) {
      ensureOpen();
      if (at < 0) {
        throw new IndexOutOfBoundsException("read at negative position " + at + ": " + this);
      }
      if (at > length - count) {
        throw endOfFile(at, count);
      }
      // Neighbours may be wanted next, on either side: from the start of the page.
      long from = Math.max(0, sizes.pageStart(base + at) - base);
      fill(from, (int) (at - from) + count);
      into = at - bufferStart;
    }
    return (int) into;
  }

  // ---- the buffer ----

  /** Goes on past so many bytes, and says where in the buffer they are. */
  private int take(int count) throws IOException {
    if (limit - position < count || file.isClosed()) {
      fillAtPosition(count);
    }
    int at = position;
    position += count;
    return at;
  }

  /** Has one value or more in the buffer, and says how many, of those wanted. */
  private int fillWithValues(int wanted, int bytesEach) throws IOException {
    if (limit - position < bytesEach || file.isClosed()) {
      fillAtPosition(Math.min(wanted, Math.max(1, longest / bytesEach)) * bytesEach);
    }
    return Math.min(wanted, (limit - position) / bytesEach);
  }

  private ByteBuffer remaining() {
    return ByteBuffer.wrap(buffer, position, limit - position).slice().order(ByteOrder.LITTLE_ENDIAN);
  }

  private void fillAtPosition(int needed) throws IOException {
    ensureOpen();
    long from = getFilePointer();
    if (needed > length - from) {
      throw endOfFile(from, needed);
    }
    fill(from, needed);
  }

  /**
   * Fills the buffer.
   *
   * @param from where it then begins
   * @param needed how many bytes it has then at least; there are so many
   */
  private void fill(long from, int needed) throws IOException {
    int count = (int) Math.min(length - from, Math.max(needed, wished(from, needed)));
    byte[] target = buffer.length >= count ? buffer : new byte[count];
    // Should it fail, what is in the buffer does not count.
    moveTo(from);
    int read = file.read(base + from, target, 0, needed, count);
    buffer = target;
    limit = read;
    lastCount = count;
    lastEnd = from + read;
  }

  /** How much it would be good to read. */
  private int wished(long from, int needed) {
    if (from == lastEnd) {
      return Math.min(longest, 2 * lastCount);
    }
    if (longest > sizes.longest()) {
      return sizes.longest();
    }
    long start = base + from;
    return (int) (sizes.pageEnd(start + Math.max(needed, sizes.shortest())) - start);
  }

  /** For long reads: straight to their target. */
  private void readPastBuffer(byte[] target, int offset, int count) throws IOException {
    ensureOpen();
    long from = getFilePointer();
    if (count > length - from) {
      throw endOfFile(from, count);
    }
    int read = file.read(base + from, target, offset, count, count);
    moveTo(from + read);
    lastEnd = bufferStart;
  }

  private void moveTo(long target) {
    bufferStart = target;
    position = 0;
    limit = 0;
  }

  // ---- hints ----

  /** Starts reading a range, for this input and all others of the file. Costs a system call or two if it is cached. */
  @Override
  public void prefetch(long offset, long count) throws IOException {
    ensureOpen();
    long _ = Objects.checkFromIndexSize(offset, count, length);
    if (count == 0 || (offset >= bufferStart && offset + count <= bufferStart + limit)) {
      return;
    }
    long from = base + offset;
    long to = sizes.pageEnd(from + Math.max(count, sizes.shortest()));
    file.prefetch(sizes.pageStart(from), Math.min(file.length(), to));
  }

  @Override
  public void updateIOContext(IOContext context) {
    ensureOpen();
    follow(context);
  }

  private void follow(IOContext context) {
    boolean sequential =
        context.context() == IOContext.Context.MERGE
            || context.hints().contains(DataAccessHint.SEQUENTIAL)
            || context.hints().contains(ReadOnceHint.INSTANCE);
    longest = sequential ? sizes.longestSequential() : sizes.longest();
  }

  // ---- clones, slices, the end ----

  @Override
  public AnnulusIndexInput clone() {
    ensureOpen();
    AnnulusIndexInput clone = (AnnulusIndexInput) super.clone();
    clone.ownsFile = false;
    clone.buffer = NO_BUFFER;
    clone.lastEnd = -1;
    clone.moveTo(getFilePointer());
    return clone;
  }

  @Override
  public AnnulusIndexInput slice(String sliceDescription, long offset, long count) {
    ensureOpen();
    if ((offset | count) < 0 || count > length - offset) {
      throw new IllegalArgumentException(
          "slice " + sliceDescription + " out of bounds: offset=" + offset + ", length=" + count + ", of " + length + ": " + this);
    }
    AnnulusIndexInput slice = new AnnulusIndexInput(getFullSliceDescription(sliceDescription), file, base + offset, count);
    slice.longest = longest;
    return slice;
  }

  @Override
  public AnnulusIndexInput slice(String sliceDescription, long offset, long count, IOContext context) {
    AnnulusIndexInput slice = slice(sliceDescription, offset, count);
    slice.follow(context);
    return slice;
  }

  @Override
  public RandomAccessInput randomAccessSlice(long offset, long count) {
    return slice("randomaccess", offset, count);
  }

  @Override
  public void close() {
    if (closed) {
      return;
    }
    closed = true;
    buffer = NO_BUFFER;
    moveTo(0);
    if (ownsFile) {
      file.close();
    }
  }

  private void ensureOpen() {
    if (closed || file.isClosed()) {
      throw file.closedException();
    }
  }

  private EOFException endOfFile(long at, int count) {
    return new EOFException("read past EOF: " + count + " bytes at " + at + " of " + length + ": " + this);
  }
}
