package wal;

import dev.annulus.fs.FsFile;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.zip.CRC32C;

/** Goes from record to record of a segment, up to the first place where there is no whole one. */
final class RecordReader {
  private static final int WINDOW_BYTES = 1 << 20;

  private final FsFile file;
  private final long fileBytes;
  private final CRC32C crc = new CRC32C();

  /** What has been read but not consumed, and where in the file it begins. */
  private ByteBuffer window = ByteBuffer.allocateDirect(WINDOW_BYTES).order(RecordFormat.ORDER).limit(0);

  private long position;
  private long sequence;
  private ByteBuffer payload = window;

  RecordReader(FsFile file, long start) throws IOException {
    this.file = file;
    this.position = start;
    this.fileBytes = file.metadata().length();
  }

  /** Goes to the next record. False for good once there is none, or none whole: a header or a payload cut off, or one that is damaged. */
  boolean next() throws IOException {
    if (!hasBytes(RecordFormat.HEADER_BYTES)) {
      return false;
    }
    long length = RecordFormat.payloadLength(window, window.position());
    long end = RecordFormat.HEADER_BYTES + length;
    if (length < 0 || end > fileBytes - position || !hasBytes((int) end)) {
      return false;
    }
    int start = window.position();
    if (!RecordFormat.isWhole(window, start, start + (int) end, crc)) {
      return false;
    }
    sequence = RecordFormat.sequence(window, start);
    payload = window.slice(start + RecordFormat.HEADER_BYTES, (int) length).asReadOnlyBuffer();
    window.position(start + (int) end);
    position += end;
    return true;
  }

  long sequence() {
    return sequence;
  }

  /** The payload, until the next call of {@link #next}. */
  ByteBuffer payload() {
    return payload;
  }

  /** Where the last whole record ends. */
  long end() {
    return position;
  }

  /** Has so many bytes in the window, if the file has them. */
  private boolean hasBytes(int count) throws IOException {
    if (window.remaining() < count) {
      window = count <= window.capacity() ? window.compact() : ByteBuffer.allocateDirect(count).order(RecordFormat.ORDER).put(window);
      file.readAt(window, position + window.position());
      window.flip();
    }
    return window.remaining() >= count;
  }
}
