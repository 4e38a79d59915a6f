package dev.annulus;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assertions.fail;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What a file must hold, and what of it must survive a crash. Changes to one byte never overlap in time, so they are in order.
 *
 * <p>After a crash a byte has the value of its last durable change or of a later one, durable or not.
 */
final class FileModel {
  /** No file grows so long. */
  static final int MOST = 8192;

  private static final long NOT_YET = Long.MAX_VALUE;

  /** A change of contents or length, in flight or over. */
  static final class Change {
    private final int from;
    private byte[] bytes;

    /** The length the file has after it, if it changes the length. */
    private @Nullable Integer newSize;

    private final long begin;
    private long end = NOT_YET;

    /** Whether all of it is known to have happened. */
    private boolean certain;

    private boolean durable;

    /** Whether a sync that may have lost it was answered to somebody. */
    private boolean suspect;

    private Change(int from, byte[] bytes, @Nullable Integer newSize, long begin) {
      this.from = from;
      this.bytes = bytes;
      this.newSize = newSize;
      this.begin = begin;
    }

    private boolean covers(int at) {
      return at >= from && at < from + bytes.length;
    }
  }

  final String path;
  final byte[] content = new byte[MOST];
  int size;

  /** No change ever reached further. */
  private int touched;

  private final List<Change> changes = new ArrayList<>();

  FileModel(String path) {
    this.path = path;
  }

  // ---- changes ----

  /** A write begins. */
  Change beginWrite(int at, byte[] bytes, long now) {
    int end = at + bytes.length;
    return begin(new Change(at, bytes.clone(), bytes.length > 0 && end > size ? end : null, now));
  }

  /** A change of length begins; what is cut off reads as zeros from then on. */
  Change beginResize(int newSize, long now) {
    return begin(new Change(newSize, new byte[Math.max(0, size - newSize)], newSize, now));
  }

  private Change begin(Change change) {
    touched = Math.max(touched, change.from + change.bytes.length);
    changes.add(change);
    return change;
  }

  /** A write has ended well, with so many bytes. */
  void wrote(Change change, int count, long now) {
    change.bytes = Arrays.copyOf(change.bytes, count);
    System.arraycopy(change.bytes, 0, content, change.from, count);
    change.newSize = count > 0 && change.from + count > size ? change.from + count : null;
    size = change.newSize == null ? size : change.newSize;
    end(change, now);
  }

  /** A change of length has ended well. */
  void resized(Change change, int newSize, long now) {
    if (newSize < size) {
      Arrays.fill(content, newSize, size, (byte) 0);
    }
    size = newSize;
    end(change, now);
  }

  private static void end(Change change, long now) {
    change.end = now;
    change.certain = true;
  }

  /** A change has failed: its bytes and the length are old or new, which is found out by looking. */
  void failed(Change change, byte[] cached, long now) {
    Integer newSize = change.newSize;
    if (newSize != null) {
      int low = Math.min(size, newSize);
      int high = Math.max(size, newSize);
      assertTrue(cached.length >= low && cached.length <= high, () -> path + " is " + cached.length + " bytes long");
      size = cached.length;
    }
    for (int i = change.from; i < change.from + change.bytes.length; i++) {
      byte found = i < cached.length ? cached[i] : 0;
      if (found != content[i] && found != change.bytes[i - change.from]) {
        fail(path + ": a failed operation left something else at " + i);
      }
      content[i] = found;
    }
    change.end = now;
  }

  /** A durable write has ended well. */
  void wroteDurably(Change change, int count, long now) {
    wrote(change, count, now);
    change.durable = true;
  }

  /** A stretch of the file, which nothing in flight touches, must be as the model says. */
  void check(byte[] cached, int from, int to) {
    for (int i = from; i < Math.min(to, size); i++) {
      int at = i;
      assertEquals(content[i], i < cached.length ? cached[i] : 0, () -> path + ": the byte at " + at);
    }
  }

  // ---- durability ----

  /**
   * A sync has ended well: what ended before it began is durable, unless some of it was lost before the file was opened, and the loss
   * told to another. A change in several writes may be lost in part while it is still under way.
   */
  void synced(long began, long opened) {
    for (Change change : changes) {
      if (change.certain && change.end <= began && (change.begin > opened || !change.suspect)) {
        change.durable = true;
      }
    }
  }

  /** A sync has failed, or nobody knows. */
  void maybeLost() {
    for (Change change : changes) {
      if (!change.durable) {
        change.suspect = true;
      }
    }
  }

  /** Checks what a crash left. */
  void checkAfterCrash(byte[] image) {
    int least = leastSize();
    assertTrue(image.length >= least, () -> path + ": " + least + " bytes were durable, " + image.length + " survived");
    for (int at = 0; at < Math.max(touched, image.length); at++) {
      if (!mayBe(at, at < image.length ? image[at] : 0)) {
        fail(path + ": a durable byte was lost at " + at);
      }
    }
  }

  private boolean mayBe(int at, byte found) {
    for (int i = changes.size() - 1; i >= 0; i--) {
      Change change = changes.get(i);
      if (change.covers(at)) {
        if (change.bytes[at - change.from] == found) {
          return true;
        }
        if (change.durable) {
          return false;
        }
      }
    }
    return found == 0;
  }

  private int leastSize() {
    int least = Integer.MAX_VALUE;
    for (int i = changes.size() - 1; i >= 0; i--) {
      Change change = changes.get(i);
      if (change.newSize != null) {
        least = Math.min(least, change.newSize);
        if (change.durable) {
          return least;
        }
      }
    }
    return 0;
  }
}
