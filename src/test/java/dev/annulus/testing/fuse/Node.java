package dev.annulus.testing.fuse;

import java.time.Instant;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** A directory or a regular file. Guarded by the lock of its {@link MemoryTree}. */
final class Node {
  static final int DIRECTORY = 0x4000;
  static final int REGULAR = 0x8000;
  private static final int TYPE = 0xf000;

  final long id;
  final Map<String, Node> children = new TreeMap<>();
  final SparseBytes contents = new SparseBytes();
  Node parent;
  String name;
  int mode;
  int links;
  int userId;
  int groupId;
  Instant accessed;
  Instant modified;
  Instant changed;

  /** @param parent the directory that holds it, or {@code null} for the root */
  Node(long id, @Nullable Node parent, String name, int mode) {
    this.id = id;
    this.parent = parent == null ? this : parent;
    this.name = name;
    this.mode = mode;
    this.links = isDirectory() ? 2 : 1;
    this.accessed = Instant.now();
    this.modified = accessed;
    this.changed = accessed;
  }

  boolean isDirectory() {
    return (mode & TYPE) == DIRECTORY;
  }

  String path() {
    return parent == this ? "" : parent.pathOf(name);
  }

  String pathOf(String child) {
    String own = path();
    return own.isEmpty() ? child : own + "/" + child;
  }

  void touchModified() {
    modified = Instant.now();
    changed = modified;
  }
}
