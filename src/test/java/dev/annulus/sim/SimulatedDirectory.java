package dev.annulus.sim;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** A directory: its names as calls see them, and those that survive a crash. What lies between is a list of changes, as in a file. */
public final class SimulatedDirectory extends SimulatedNode {
  private record Change(String name, @Nullable SimulatedNode to) {
    void applyTo(Map<String, SimulatedNode> names) {
      if (to == null) {
        names.remove(name);
      } else {
        names.put(name, to);
      }
    }
  }

  private final TreeMap<String, SimulatedNode> cache = new TreeMap<>();
  private final TreeMap<String, SimulatedNode> stable = new TreeMap<>();
  private final List<Change> unsynced = new ArrayList<>();
  private long firstUnsynced;

  SimulatedDirectory(long number) {
    super(number);
  }

  /** Returns the names there are. */
  public Map<String, SimulatedNode> names() {
    return Collections.unmodifiableMap(cache);
  }

  @Nullable SimulatedNode get(String name) {
    return cache.get(name);
  }

  boolean isEmpty() {
    return cache.isEmpty();
  }

  /** A name leads somewhere from now on, or nowhere. */
  void set(String name, @Nullable SimulatedNode to) {
    Change change = new Change(name, to);
    change.applyTo(cache);
    unsynced.add(change);
  }

  /** Makes everything stable at once, for what is there from the start. */
  void settle() {
    persist(mark());
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
    for (Change change : upTo(mark)) {
      change.applyTo(stable);
    }
    forget(mark);
  }

  @Override
  void forget(long mark) {
    upTo(mark).clear();
    firstUnsynced = Math.max(firstUnsynced, mark);
  }

  private List<Change> upTo(long mark) {
    return unsynced.subList(0, (int) Math.max(0, mark - firstUnsynced));
  }

  /** Returns the names that are left after a crash: those that were synced, and, with a seed, some of the later changes. */
  public Map<String, SimulatedNode> afterCrash(@Nullable SplittableRandom random) {
    TreeMap<String, SimulatedNode> left = new TreeMap<>(stable);
    for (Change change : unsynced) {
      if (random != null && random.nextBoolean()) {
        change.applyTo(left);
      }
    }
    return left;
  }
}
