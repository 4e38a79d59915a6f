package dev.annulus.sim;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;

/**
 * A file with two images: the page cache, which reads see, and stable storage, which survives a crash. What lies between them is
 * a list of changes; a sync carries the changes over that were made before it was submitted, no later ones.
 */
public final class SimulatedFile {
  /** What a device writes as a whole. */
  static final int SECTOR = 512;

  /** A write, or, without bytes, a new length. */
  private static final class Change {
    final int at;
    final byte @Nullable [] bytes;

    Change(int at, byte @Nullable [] bytes) {
      this.at = at;
      this.bytes = bytes;
    }
  }

  private byte[] cache = new byte[0];
  private byte[] stable = new byte[0];

  /** Changes not carried over; the first has the number {@link #firstUnsynced}. */
  private final List<Change> unsynced = new ArrayList<>();

  private long firstUnsynced;

  /** Syncs that lost data so far; each open file is told once (errseq_t in the kernel). */
  int losses;

  public byte[] cached() {
    return cache.clone();
  }

  int size() {
    return cache.length;
  }

  byte[] read(long at, int length) {
    int from = (int) Math.min(at, cache.length);
    return Arrays.copyOfRange(cache, from, Math.min(cache.length, from + length));
  }

  void write(int at, byte[] bytes) {
    if (bytes.length > 0) {
      Change change = new Change(at, bytes);
      cache = apply(cache, change);
      unsynced.add(change);
    }
  }

  void setSize(int size) {
    Change change = new Change(size, null);
    cache = apply(cache, change);
    unsynced.add(change);
  }

  /** A sync is submitted: everything up to here is what it is about. */
  long mark() {
    return firstUnsynced + unsynced.size();
  }

  /** A sync has succeeded. */
  void persist(long mark) {
    for (Change change : upTo(mark)) {
      stable = apply(stable, change);
    }
    forget(mark);
  }

  /** A sync has failed: the cache is clean afterwards, and stable storage is none the wiser. */
  void lose(long mark) {
    forget(mark);
    losses++;
  }

  /** What is left after a crash at the worst moment: nothing but what was synced. */
  public byte[] afterWorstCrash() {
    return stable.clone();
  }

  /** What is left after a crash when the kernel had begun to write back: some changes, some in part, cut at sectors. */
  public byte[] afterCrash(SplittableRandom random) {
    byte[] image = stable.clone();
    for (Change change : unsynced) {
      switch (random.nextInt(3)) {
        case 0 -> {}
        case 1 -> image = apply(image, change);
        default -> image = torn(image, change, random);
      }
    }
    return image;
  }

  private static byte[] torn(byte[] image, Change change, SplittableRandom random) {
    byte[] bytes = change.bytes;
    if (bytes == null) {
      return image;
    }
    byte[] result = image;
    int at = 0;
    while (at < bytes.length) {
      int sectorEnd = ((change.at + at) / SECTOR + 1) * SECTOR - change.at;
      int end = Math.min(bytes.length, sectorEnd);
      if (random.nextBoolean()) {
        result = apply(result, new Change(change.at + at, Arrays.copyOfRange(bytes, at, end)));
      }
      at = end;
    }
    return result;
  }

  private List<Change> upTo(long mark) {
    return unsynced.subList(0, (int) Math.max(0, mark - firstUnsynced));
  }

  private void forget(long mark) {
    upTo(mark).clear();
    firstUnsynced = Math.max(firstUnsynced, mark);
  }

  private static byte[] apply(byte[] image, Change change) {
    byte[] bytes = change.bytes;
    if (bytes == null) {
      return Arrays.copyOf(image, change.at);
    }
    byte[] result = Arrays.copyOf(image, Math.max(image.length, change.at + bytes.length));
    System.arraycopy(bytes, 0, result, change.at, bytes.length);
    return result;
  }
}
