package dev.annulus;

import static org.junit.jupiter.api.Assertions.fail;

import dev.annulus.sim.SimulatedDirectory;
import dev.annulus.sim.SimulatedNode;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Predicate;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/**
 * What the names in a directory must lead to, and which of that must survive a crash: after one, a name leads where its last durable
 * change or a later one let it lead.
 */
final class DirectoryModel {
  /** A change of one name. */
  private static final class Change {
    private final @Nullable SimulatedNode to;
    private final long begin;
    private final long end;
    private boolean durable;

    private Change(@Nullable SimulatedNode to, long begin, long end) {
      this.to = to;
      this.begin = begin;
      this.end = end;
    }

    @Override
    public String toString() {
      return begin + ".." + end + (durable ? " durably" : "") + " to " + to;
    }
  }

  final String path;
  final SimulatedDirectory directory;
  final Losses losses = new Losses();

  /** Whether a runtime has told of a failed sync of it, by the runtime's number. */
  final boolean[] lossTold = new boolean[2];

  private final TreeMap<String, List<Change>> changes = new TreeMap<>();
  private final Map<String, SimulatedNode> base;

  /** A directory as a call finds it, of which all that is there is durable if it comes from a disk that was just started. */
  DirectoryModel(String path, SimulatedDirectory directory) {
    this.path = path;
    this.directory = directory;
    base = new TreeMap<>(directory.names());
  }

  /** Returns where a name leads now, or {@code null}. */
  @Nullable SimulatedNode get(String name) {
    List<Change> known = changes.get(name);
    return known == null ? base.get(name) : known.getLast().to;
  }

  /** Returns the names that lead somewhere. */
  SortedSet<String> names() {
    TreeSet<String> names = new TreeSet<>(base.keySet());
    names.addAll(changes.keySet());
    names.removeIf(name -> get(name) == null);
    return names;
  }

  /** A name leads elsewhere, or nowhere, since an operation that began and ended then. */
  void changed(String name, @Nullable SimulatedNode to, long begin, long end) {
    changes.computeIfAbsent(name, _ -> new ArrayList<>()).add(new Change(to, begin, end));
  }

  /** A sync has ended well. */
  void synced(long began, long now) {
    for (List<Change> ofName : changes.values()) {
      for (Change change : ofName) {
        // The directory was opened for it some time before now.
        if (change.end <= began && !losses.mayHaveLost(change.begin, now)) {
          change.durable = true;
        }
      }
    }
  }

  /**
   * Checks what a crash left.
   *
   * @param unknown paths that operations under way may be changing
   * @param successor what becomes of a file or directory in the crash
   */
  void checkAfterCrash(
      Map<String, SimulatedNode> left, Predicate<String> unknown, UnaryOperator<@Nullable SimulatedNode> successor) {
    if (directory.isLiedAbout()) {
      return;
    }
    TreeSet<String> names = new TreeSet<>(left.keySet());
    names.addAll(base.keySet());
    names.addAll(changes.keySet());
    for (String name : names) {
      if (!mayLeadTo(name, left.get(name), successor) && !unknown.test(path + "/" + name)) {
        fail(path + ": a durable change of the name " + name + " was lost: " + changes.get(name) + ", left " + left);
      }
    }
  }

  private boolean mayLeadTo(
      String name, @Nullable SimulatedNode found, UnaryOperator<@Nullable SimulatedNode> successor) {
    List<Change> known = changes.getOrDefault(name, List.of());
    for (int i = known.size() - 1; i >= 0; i--) {
      if (successor.apply(known.get(i).to) == found) {
        return true;
      }
      if (known.get(i).durable) {
        return false;
      }
    }
    return successor.apply(base.get(name)) == found;
  }
}
