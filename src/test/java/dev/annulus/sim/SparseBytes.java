package dev.annulus.sim;

import java.util.Arrays;
import java.util.Map;
import java.util.NavigableSet;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** The bytes of a file, of any length, most of which may be holes. */
public final class SparseBytes {
  /** Bytes are kept in pages of this size. */
  public static final int PAGE = 4096;

  private static final byte[] ZEROS = new byte[PAGE];

  private final TreeMap<Long, byte[]> pages = new TreeMap<>();
  private long size;

  /** No bytes. */
  public SparseBytes() {}

  private SparseBytes(SparseBytes other) {
    for (Map.Entry<Long, byte[]> page : other.pages.entrySet()) {
      pages.put(page.getKey(), page.getValue().clone());
    }
    size = other.size;
  }

  /** Returns the same bytes once more. */
  public SparseBytes copy() {
    return new SparseBytes(this);
  }

  /** Returns the length. */
  public long size() {
    return size;
  }

  /** Returns one page, which must not be changed; zeros for a hole. */
  public byte[] page(long number) {
    byte[] page = pages.get(number);
    return page == null ? ZEROS : page;
  }

  /** Returns the numbers of the pages that are no holes. */
  public NavigableSet<Long> pages() {
    return pages.navigableKeySet();
  }

  /** Returns one byte, 0 behind the end. */
  public byte get(long at) {
    return page(at / PAGE)[(int) (at % PAGE)];
  }

  /** Returns up to {@code length} bytes, fewer at the end. */
  public byte[] read(long at, int length) {
    byte[] bytes = new byte[(int) Math.clamp(size - at, 0L, length)];
    for (int done = 0; done < bytes.length; ) {
      int inPage = (int) ((at + done) % PAGE);
      int here = Math.min(bytes.length - done, PAGE - inPage);
      System.arraycopy(page((at + done) / PAGE), inPage, bytes, done, here);
      done += here;
    }
    return bytes;
  }

  /** Writes bytes, {@code null} for zeros, which make the file longer if they reach behind its end. */
  public void write(long at, byte @Nullable [] bytes, int from, int length) {
    for (int done = 0; done < length; ) {
      int inPage = (int) ((at + done) % PAGE);
      int here = Math.min(length - done, PAGE - inPage);
      byte[] page = pages.computeIfAbsent((at + done) / PAGE, _ -> new byte[PAGE]);
      System.arraycopy(bytes == null ? ZEROS : bytes, bytes == null ? 0 : from + done, page, inPage, here);
      done += here;
    }
    if (length > 0) {
      size = Math.max(size, at + length);
    }
  }

  /** Sets the length; what is cut off is zeros from then on. */
  public void setSize(long newSize) {
    if (newSize < size) {
      long last = newSize / PAGE;
      pages.tailMap(last, false).clear();
      byte[] page = pages.get(last);
      if (page != null) {
        Arrays.fill(page, (int) (newSize % PAGE), PAGE, (byte) 0);
      }
    }
    size = newSize;
  }
}
