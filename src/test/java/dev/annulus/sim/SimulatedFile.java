package dev.annulus.sim;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;

/**
 * A file with two images: the page cache, which reads see, and stable storage, which survives a crash. What lies between them is
 * a list of changes; a sync carries the changes over that were made before it was submitted, no later ones.
 */
public final class SimulatedFile extends SimulatedNode {
  /** What a device writes as a whole. */
  static final int SECTOR = 512;

  /** A write, or, without bytes, a new length. */
  private static final class Change {
    final long at;
    final byte @Nullable [] bytes;

    Change(long at, byte @Nullable [] bytes) {
      this.at = at;
      this.bytes = bytes;
    }

    long end() {
      return at + (bytes == null ? 0 : bytes.length);
    }

    void applyTo(SparseBytes image) {
      if (bytes == null) {
        image.setSize(at);
      } else {
        image.write(at, bytes, 0, bytes.length);
      }
    }

    Change part(long from, long to) {
      return new Change(from, Arrays.copyOfRange(Objects.requireNonNull(bytes), (int) (from - at), (int) (to - at)));
    }
  }

  private final SparseBytes cache;
  private final SparseBytes stable;

  /** Changes not carried over; the first has the number {@link #firstUnsynced}. What was carried over alone has no bytes left. */
  private final List<List<Change>> unsynced = new ArrayList<>();

  private long firstUnsynced;

  SimulatedFile(long number) {
    this(number, new SparseBytes());
  }

  /** A file that a crash has left. */
  private SimulatedFile(long number, SparseBytes image) {
    super(number);
    cache = image;
    stable = image.copy();
  }

  /** Returns what reads see; to be looked at with the disk's lock, and not to be changed. */
  public SparseBytes cached() {
    return cache;
  }

  void write(long at, byte[] bytes) {
    if (bytes.length > 0) {
      change(new Change(at, bytes));
    }
  }

  void setSize(long size) {
    change(new Change(size, null));
  }

  private void change(Change change) {
    change.applyTo(cache);
    unsynced.add(List.of(change));
  }

  @Override
  long mark() {
    return firstUnsynced + unsynced.size();
  }

  @Override
  long firstPending() {
    return firstUnsynced;
  }

  @Override
  void persist(long mark) {
    for (List<Change> parts : upTo(mark)) {
      parts.forEach(part -> part.applyTo(stable));
    }
    forget(mark);
  }

  /**
   * A write with a sync in it has succeeded: its bytes are stable, and all lengths, since the journal is written in order; other bytes
   * are not.
   */
  void persistRange(long from, long to) {
    for (int i = 0; i < unsynced.size(); i++) {
      List<Change> parts = unsynced.get(i);
      if (parts.size() == 1 && parts.getFirst().bytes == null) {
        Change length = parts.getFirst();
        for (int j = 0; j < i; j++) {
          unsynced.set(j, without(unsynced.get(j), length.at, Long.MAX_VALUE));
        }
        length.applyTo(stable);
        unsynced.set(i, List.of());
      }
    }
    unsynced.replaceAll(parts -> without(parts, from, to));
    byte[] bytes = cache.read(from, (int) (to - from));
    stable.write(from, bytes, 0, bytes.length);
  }

  /** The parts of changes outside of a range. */
  private static List<Change> without(List<Change> parts, long from, long to) {
    if (parts.stream().noneMatch(part -> part.at < to && from < part.end())) {
      return parts;
    }
    List<Change> left = new ArrayList<>();
    for (Change part : parts) {
      if (part.bytes == null || part.end() <= from || to <= part.at) {
        left.add(part);
        continue;
      }
      if (part.at < from) {
        left.add(part.part(part.at, from));
      }
      if (to < part.end()) {
        left.add(part.part(to, part.end()));
      }
    }
    return left;
  }

  /** Returns what is left after a crash at the worst moment: nothing but what was synced. Not to be changed. */
  public SparseBytes afterWorstCrash() {
    return stable;
  }

  /** Returns what is left after a crash when the kernel had begun to write back: some changes, some in part, cut at sectors. */
  public SparseBytes afterCrash(SplittableRandom random) {
    SparseBytes image = stable.copy();
    for (List<Change> parts : unsynced) {
      for (Change change : parts) {
        switch (random.nextInt(3)) {
          case 0 -> {}
          case 1 -> change.applyTo(image);
          default -> tear(image, change, random);
        }
      }
    }
    return image;
  }

  /** Returns this file as the next boot finds it. */
  SimulatedFile rebooted(@Nullable SplittableRandom random) {
    return new SimulatedFile(number, random == null ? stable.copy() : afterCrash(random));
  }

  private static void tear(SparseBytes image, Change change, SplittableRandom random) {
    byte[] bytes = change.bytes;
    if (bytes == null) {
      return;
    }
    int at = 0;
    while (at < bytes.length) {
      long sectorEnd = ((change.at + at) / SECTOR + 1) * SECTOR - change.at;
      int end = (int) Math.min(bytes.length, sectorEnd);
      if (random.nextBoolean()) {
        image.write(change.at + at, bytes, at, end - at);
      }
      at = end;
    }
  }

  private List<List<Change>> upTo(long mark) {
    return unsynced.subList(0, (int) Math.max(0, mark - firstUnsynced));
  }

  @Override
  void forget(long mark) {
    upTo(mark).clear();
    firstUnsynced = Math.max(firstUnsynced, mark);
  }
}
