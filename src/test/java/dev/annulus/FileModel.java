package dev.annulus;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assertions.fail;

import dev.annulus.sim.SimulatedFile;
import dev.annulus.sim.SparseBytes;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * What a file must hold, and what of it must survive a crash. Changes to one byte never overlap in time, so they are in order.
 *
 * <p>After a crash a byte has the value of its last durable change or of a later one, durable or not.
 */
final class FileModel {
  private static final int PAGE = SparseBytes.PAGE;
  private static final long NOT_YET = Long.MAX_VALUE;

  /** A change of contents or length, in flight or over. */
  static final class Change {
    private final long from;

    /** What is written; {@code null} for zeros. */
    private byte @Nullable [] bytes;

    private long to;

    /** The length the file has after it, if it changes the length. */
    private @Nullable Long newSize;

    private final @Nullable Object by;
    private final long begin;
    private long end = NOT_YET;

    /** Whether all of it is known to have happened. */
    private boolean certain;

    private boolean durable;

    private Change(long from, long to, byte @Nullable [] bytes, @Nullable Long newSize, @Nullable Object by, long begin) {
      this.from = from;
      this.to = to;
      this.bytes = bytes;
      this.newSize = newSize;
      this.by = by;
      this.begin = begin;
    }

    private byte at(long at) {
      byte[] written = bytes;
      return written == null ? 0 : written[(int) (at - from)];
    }
  }

  /** For messages. */
  final String name;

  /** The file, until the next crash. */
  SimulatedFile file;

  final Losses losses = new Losses();

  /** Who holds its lock for certain, and whether anybody else may. */
  @Nullable Object lockOwner;

  boolean lockUnknown;

  int locksUnderWay;

  private SparseBytes content = new SparseBytes();
  private SparseBytes base = new SparseBytes();
  private final List<Change> changes = new ArrayList<>();

  FileModel(String name, SimulatedFile file) {
    this.name = name;
    this.file = file;
  }

  long size() {
    return content.size();
  }

  byte[] bytes(long at, int length) {
    byte[] bytes = content.read(at, length);
    assertEquals(length, bytes.length, "bytes there");
    return bytes;
  }

  // ---- changes ----

  /** A write begins. */
  Change beginWrite(long at, byte[] bytes, @Nullable Object by, long now) {
    long end = at + bytes.length;
    return begin(new Change(at, end, bytes.clone(), bytes.length > 0 && end > size() ? end : null, by, now));
  }

  /** A change of length begins; what is cut off reads as zeros from then on. */
  Change beginResize(long newSize, @Nullable Object by, long now) {
    return begin(new Change(newSize, Math.max(newSize, size()), null, newSize, by, now));
  }

  private Change begin(Change change) {
    changes.add(change);
    return change;
  }

  /** A write was not done at all. */
  void notWritten(Change change) {
    boolean ignored = changes.remove(change);
  }

  /**
   * A write has ended well, with so many bytes. If they are not all, more may have landed: it may have been repeated after an error
   * that came late.
   */
  void wrote(Change change, int count, long now) {
    byte[] all = Objects.requireNonNull(change.bytes);
    long end = change.to;
    byte[] written = Arrays.copyOf(all, count);
    change.bytes = written;
    change.to = change.from + count;
    change.newSize = count > 0 && change.to > size() ? change.to : null;
    content.write(change.from, written, 0, count);
    end(change, now);
    if (count < all.length) {
      byte[] rest = Arrays.copyOfRange(all, count, all.length);
      failed(begin(new Change(change.to, end, rest, end > size() ? end : null, change.by, change.begin)), now);
    }
  }

  /** A change of length has ended well. */
  void resized(Change change, long newSize, long now) {
    content.setSize(newSize);
    end(change, now);
  }

  private static void end(Change change, long now) {
    change.end = now;
    change.certain = true;
  }

  /** A change has failed: its bytes and the length are old or new, which is found out by looking. */
  void failed(Change change, long now) {
    SparseBytes cached = file.cached();
    Long newSize = change.newSize;
    if (newSize != null) {
      long low = Math.min(size(), newSize);
      long high = Math.max(size(), newSize);
      assertTrue(
          cached.size() >= low && cached.size() <= high,
          () -> name + " is " + cached.size() + " bytes long, neither " + low + " nor " + high);
    }
    long size = newSize == null ? size() : cached.size();
    for (long page : touched(change.from, change.to, content, cached)) {
      byte[] was = content.page(page);
      byte[] is = cached.page(page);
      byte[] merged = was.clone();
      int end = (int) Math.min(PAGE, change.to - page * PAGE);
      for (int i = (int) Math.max(0, change.from - page * PAGE); i < end; i++) {
        if (is[i] != was[i] && is[i] != change.at(page * PAGE + i)) {
          fail(name + ": a failed operation left something else at " + (page * PAGE + i));
        }
        merged[i] = is[i];
      }
      content.write(page * PAGE, merged, 0, PAGE);
    }
    content.setSize(size);
    change.end = now;
  }

  /** A write that syncs itself has ended well. */
  void wroteDurably(Change change, int count, long now) {
    wrote(change, count, now);
    change.durable = true;
  }

  /** A stretch of the file, which nothing in flight touches, must be as the model says. */
  void check(long from, long to) {
    SparseBytes cached = file.cached();
    long last = Math.min(to, size());
    for (long page : touched(from, last, content, cached)) {
      byte[] expected = content.page(page);
      byte[] found = cached.page(page);
      int begin = (int) Math.max(0, from - page * PAGE);
      int end = (int) Math.min(PAGE, last - page * PAGE);
      int at = Arrays.mismatch(expected, begin, end, found, begin, end);
      if (at >= 0) {
        fail(name + ": the byte at " + (page * PAGE + begin + at));
      }
    }
  }

  /** Nothing in flight touches the file: all of it must be as the model says. */
  void checkAll() {
    assertEquals(size(), file.cached().size(), () -> "length of " + name);
    check(0, size());
  }

  private static Iterable<Long> touched(long from, long to, SparseBytes one, SparseBytes other) {
    TreeSet<Long> pages = new TreeSet<>();
    if (to > from) {
      pages.addAll(one.pages().subSet(from / PAGE, true, (to - 1) / PAGE, true));
      pages.addAll(other.pages().subSet(from / PAGE, true, (to - 1) / PAGE, true));
    }
    return pages;
  }

  // ---- durability ----

  /**
   * A sync has ended well: what ended before it began is durable, unless it may have been lost before the file was opened, and the loss
   * told to another.
   *
   * @param only whose changes it covers; {@code null} for everybody's
   */
  @SuppressWarnings("ReferenceEquality") // this very opening
  void synced(long began, long opened, @Nullable Object only) {
    for (Change change : changes) {
      boolean covered = change.certain && !change.durable && change.end <= began;
      if (covered && (only == null || change.by == only) && !losses.mayHaveLost(change.begin, opened)) {
        change.durable = true;
      }
    }
  }

  /** Checks what a crash left, unless the device has lied: then nothing is promised. */
  void checkAfterCrash(SparseBytes image) {
    if (file.isLiedAbout()) {
      return;
    }
    long least = leastSize();
    assertTrue(
        image.size() >= least, () -> name + ": " + least + " bytes were durable, " + image.size() + " survived");
    TreeSet<Long> pages = new TreeSet<>(base.pages());
    pages.addAll(image.pages());
    for (Change change : changes) {
      if (change.bytes != null && change.to > change.from) {
        for (long page = change.from / PAGE; page <= (change.to - 1) / PAGE; page++) {
          pages.add(page);
        }
      }
    }
    for (long page : pages) {
      checkAfterCrash(page, image.page(page));
    }
  }

  private void checkAfterCrash(long page, byte[] found) {
    boolean[] settled = new boolean[PAGE];
    long start = page * PAGE;
    for (int i = changes.size() - 1; i >= 0; i--) {
      Change change = changes.get(i);
      int to = Math.clamp(change.to - start, 0, PAGE);
      for (int at = Math.clamp(change.from - start, 0, PAGE); at < to; at++) {
        if (settled[at]) {
          continue;
        }
        settled[at] = change.at(start + at) == found[at];
        if (!settled[at] && change.durable) {
          fail(name + ": a durable byte was lost at " + (start + at));
        }
      }
    }
    byte[] before = base.page(page);
    for (int at = 0; at < PAGE; at++) {
      if (!settled[at] && found[at] != before[at]) {
        fail(name + ": nobody wrote the byte at " + (start + at) + ", or it was durable before the last crash");
      }
    }
  }

  private long leastSize() {
    long least = Long.MAX_VALUE;
    for (int i = changes.size() - 1; i >= 0; i--) {
      Change change = changes.get(i);
      Long newSize = change.newSize;
      if (newSize != null) {
        least = Math.min(least, newSize);
        if (change.durable) {
          return least;
        }
      }
    }
    return Math.min(least, base.size());
  }

  /** The machine has crashed and come up again: what is left is durable. */
  void rebooted(SimulatedFile successor) {
    checkAfterCrash(successor.cached());
    file = successor;
    base = successor.cached().copy();
    content = base.copy();
    changes.clear();
    losses.clear();
    lockOwner = null;
    lockUnknown = false;
    locksUnderWay = 0;
  }
}
