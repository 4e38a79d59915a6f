package dev.annulus.testing.fuse;

import java.util.Arrays;
import java.util.Iterator;
import java.util.Map;
import java.util.TreeMap;

/** The contents of a file: bytes at any offset, zero where nothing was written. */
final class SparseBytes {
  private static final int CHUNK_BYTES = 64 * 1024;

  private final TreeMap<Long, byte[]> chunks = new TreeMap<>();
  private long length;

  long length() {
    return length;
  }

  long allocated() {
    return (long) chunks.size() * CHUNK_BYTES;
  }

  void write(long offset, byte[] from, int at, int count) {
    for (int done = 0; done < count; ) {
      long position = offset + done;
      int inChunk = (int) (position % CHUNK_BYTES);
      int step = Math.min(count - done, CHUNK_BYTES - inChunk);
      byte[] chunk = chunks.computeIfAbsent(position / CHUNK_BYTES, _ -> new byte[CHUNK_BYTES]);
      System.arraycopy(from, at + done, chunk, inChunk, step);
      done += step;
    }
    length = Math.max(length, count == 0 ? 0 : offset + count);
  }

  byte[] read(long offset, int count) {
    int there = (int) Math.max(0, Math.min(count, length - offset));
    byte[] into = new byte[there];
    for (int done = 0; done < there; ) {
      long position = offset + done;
      int inChunk = (int) (position % CHUNK_BYTES);
      int step = Math.min(there - done, CHUNK_BYTES - inChunk);
      byte[] chunk = chunks.get(position / CHUNK_BYTES);
      if (chunk != null) {
        System.arraycopy(chunk, inChunk, into, done, step);
      }
      done += step;
    }
    return into;
  }

  void resize(long size) {
    if (size < length) {
      zero(size, length - size);
    }
    length = size;
  }

  void extendTo(long size) {
    length = Math.max(length, size);
  }

  /** Makes a range read as zeros and gives its memory back. */
  void zero(long offset, long count) {
    long end = Math.min(offset + count, length);
    Iterator<Map.Entry<Long, byte[]>> touched =
        chunks.tailMap(offset / CHUNK_BYTES, true).entrySet().iterator();
    while (touched.hasNext()) {
      Map.Entry<Long, byte[]> entry = touched.next();
      long start = entry.getKey() * CHUNK_BYTES;
      if (start >= end) {
        return;
      }
      if (offset <= start && end >= Math.min(start + CHUNK_BYTES, length)) {
        touched.remove();
      } else {
        int from = (int) Math.max(0, offset - start);
        Arrays.fill(entry.getValue(), from, (int) Math.min(CHUNK_BYTES, end - start), (byte) 0);
      }
    }
  }
}
