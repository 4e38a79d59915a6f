package dev.annulus.testing.fuse;

import dev.annulus.internal.driver.Errno;
import java.nio.ByteBuffer;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Directories and files in memory, and what each kind of request does to them. All methods hold one
 * lock.
 */
final class MemoryTree {
  private static final int RENAME_NOREPLACE = 1;
  private static final int KEEP_SIZE = 1;
  private static final int PUNCH_HOLE = 2;

  /** Ends a request with an errno. */
  static final class Refusal extends Exception {
    private static final long serialVersionUID = 1L;
    final int errno;

    Refusal(int errno) {
      super(Errno.symbol(errno), null, false, false);
      this.errno = errno;
    }
  }

  private static final long ROOT = 1;

  private final Map<Long, Node> nodes = new HashMap<>();
  private final int openFlags;
  private long lastId = ROOT;

  MemoryTree(int openFlags) {
    this.openFlags = openFlags;
    nodes.put(ROOT, new Node(ROOT, null, "", Node.DIRECTORY | 0777));
  }

  /** What a message asks for, in words a handler understands. */
  synchronized Request describe(Message message) {
    Request.Kind kind = Request.Kind.of(message.opcode());
    Node node = known(message.node());
    String path = node.path();
    ByteBuffer body = message.body();
    return switch (kind) {
      case LOOKUP, UNLINK, RMDIR -> named(kind, node, Wire.string(body), 0);
      case MKDIR -> named(kind, node, Wire.string(body.position(body.position() + 8)), 0);
      case CREATE -> named(kind, node, Wire.string(message.body(16)), body.getInt());
      case RENAME -> {
        Node directory = known(body.getLong());
        boolean second = message.opcode() == Wire.OPCODE_RENAME2;
        int flags = second ? body.getInt() : 0;
        body.position(body.position() + (second ? 4 : 0));
        String source = Wire.string(body);
        String target = directory.pathOf(Wire.string(body));
        yield new Request(kind, node.pathOf(source), target, 0, 0, flags);
      }
      case LINK -> {
        Node existing = known(body.getLong());
        yield new Request(kind, existing.path(), node.pathOf(Wire.string(body)), 0, 0, 0);
      }
      case READ, WRITE, READDIR ->
          new Request(kind, path, null, message.longAt(8), message.intAt(16), message.intAt(32));
      case SETATTR -> new Request(kind, path, null, message.longAt(16), 0, message.intAt(0));
      case OPEN, OPENDIR -> new Request(kind, path, null, 0, 0, message.intAt(0));
      case FSYNC, FSYNCDIR -> new Request(kind, path, null, 0, 0, message.intAt(8));
      case FALLOCATE ->
          new Request(
              kind, path, null, message.longAt(8), (int) message.longAt(16), message.intAt(24));
      default -> new Request(kind, path, null, 0, 0, 0);
    };
  }

  /**
   * The kernel asks only for nodes it was told of, and none is forgotten; it asks for none where it
   * means the mount.
   */
  private Node known(long id) {
    Node node = nodes.get(id == 0 ? ROOT : id);
    if (node == null) {
      throw new IllegalStateException("no node " + id);
    }
    return node;
  }

  private static Request named(Request.Kind kind, Node directory, String name, int flags) {
    return new Request(kind, directory.pathOf(name), null, 0, 0, flags);
  }

  /**
   * Does what is asked for.
   *
   * @param limit the most bytes a read or write transfers
   */
  synchronized ByteBuffer perform(Message message, int limit) throws Refusal {
    Node node = known(message.node());
    ByteBuffer body = message.body();
    return switch (Request.Kind.of(message.opcode())) {
      case LOOKUP -> Wire.entry(child(node, Wire.string(body)), 0);
      case GETATTR -> Wire.attributes(node);
      case SETATTR -> setAttributes(node, message);
      case MKDIR -> {
        int mode = Node.DIRECTORY | message.intAt(0);
        yield Wire.entry(add(node, Wire.string(message.body(8)), mode), 0);
      }
      case CREATE -> {
        int mode = Node.REGULAR | (message.intAt(4) & 07777);
        yield create(node, Wire.string(message.body(16)), mode);
      }
      case UNLINK -> remove(node, Wire.string(body), false);
      case RMDIR -> remove(node, Wire.string(body), true);
      case RENAME -> rename(node, message);
      case LINK -> link(node, known(body.getLong()), Wire.string(body));
      case OPEN -> Wire.putOpened(Wire.buffer(16), node.id, openFlags);
      case OPENDIR -> Wire.putOpened(Wire.buffer(16), node.id, 0);
      case READ -> {
        int count = Math.min(limit, message.intAt(16));
        yield ByteBuffer.wrap(node.contents.read(message.longAt(8), count));
      }
      case WRITE -> write(node, message, Math.min(limit, message.intAt(16)));
      case READDIR -> list(node, message.longAt(8), message.intAt(16));
      case FALLOCATE -> allocate(node, message.longAt(8), message.longAt(16), message.intAt(24));
      case STATFS -> Wire.statistics();
      case FSYNC, FLUSH, RELEASE, RELEASEDIR, FSYNCDIR, ACCESS -> Wire.buffer(0);
      case OTHER -> throw new Refusal(Errno.ENOSYS);
    };
  }

  private static Node child(Node directory, String name) throws Refusal {
    Node found = directory.children.get(name);
    if (found == null) {
      throw new Refusal(Errno.ENOENT);
    }
    return found;
  }

  private Node add(Node directory, String name, int mode) throws Refusal {
    if (directory.children.containsKey(name)) {
      throw new Refusal(Errno.EEXIST);
    }
    Node made = new Node(++lastId, directory, name, mode);
    nodes.put(made.id, made);
    directory.children.put(name, made);
    directory.links += made.isDirectory() ? 1 : 0;
    directory.touchModified();
    return made;
  }

  private ByteBuffer create(Node directory, String name, int mode) throws Refusal {
    Node made = add(directory, name, mode);
    return Wire.putOpened(Wire.entry(made, 16), made.id, openFlags);
  }

  private static ByteBuffer remove(Node directory, String name, boolean isDirectory)
      throws Refusal {
    Node gone = child(directory, name);
    if (gone.isDirectory() != isDirectory) {
      throw new Refusal(isDirectory ? Errno.ENOTDIR : Errno.EISDIR);
    }
    if (!gone.children.isEmpty()) {
      throw new Refusal(Errno.ENOTEMPTY);
    }
    directory.children.remove(name);
    directory.links -= isDirectory ? 1 : 0;
    gone.links -= isDirectory ? 2 : 1;
    directory.touchModified();
    return Wire.buffer(0);
  }

  private ByteBuffer rename(Node source, Message message) throws Refusal {
    boolean second = message.opcode() == Wire.OPCODE_RENAME2;
    int flags = second ? message.intAt(8) : 0;
    Node target = known(message.longAt(0));
    ByteBuffer names = message.body(second ? 16 : 8);
    String from = Wire.string(names);
    String to = Wire.string(names);
    Node moved = child(source, from);
    if ((flags & ~RENAME_NOREPLACE) != 0) {
      throw new Refusal(Errno.EINVAL);
    }
    Node replaced = target.children.get(to);
    if (replaced != null && (flags & RENAME_NOREPLACE) != 0) {
      throw new Refusal(Errno.EEXIST);
    }
    if (replaced == moved) {
      return Wire.buffer(0);
    }
    if (replaced != null) {
      var _ = remove(target, to, moved.isDirectory());
    }
    source.children.remove(from);
    target.children.put(to, moved);
    source.links -= moved.isDirectory() ? 1 : 0;
    target.links += moved.isDirectory() ? 1 : 0;
    moved.parent = target;
    moved.name = to;
    source.touchModified();
    target.touchModified();
    return Wire.buffer(0);
  }

  private static ByteBuffer link(Node directory, Node existing, String name) throws Refusal {
    if (directory.children.putIfAbsent(name, existing) != null) {
      throw new Refusal(Errno.EEXIST);
    }
    existing.links++;
    directory.touchModified();
    return Wire.entry(existing, 0);
  }

  private static ByteBuffer write(Node node, Message message, int count) {
    node.contents.write(message.longAt(8), message.bytes(), Wire.IN_HEADER + 40, count);
    node.touchModified();
    return Wire.written(count);
  }

  private static ByteBuffer allocate(Node node, long offset, long length, int mode) throws Refusal {
    if ((mode & PUNCH_HOLE) != 0) {
      node.contents.zero(offset, length);
    } else if (mode != 0 && mode != KEEP_SIZE) {
      throw new Refusal(Errno.EOPNOTSUPP);
    } else if (mode == 0) {
      node.contents.extendTo(offset + length);
    }
    return Wire.buffer(0);
  }

  private static ByteBuffer setAttributes(Node node, Message message) {
    int valid = message.intAt(0);
    if ((valid & Wire.SET_SIZE) != 0) {
      node.contents.resize(message.longAt(16));
      node.touchModified();
    }
    if ((valid & Wire.SET_MODE) != 0) {
      node.mode = message.intAt(68);
    }
    if ((valid & Wire.SET_USER) != 0) {
      node.userId = message.intAt(76);
    }
    if ((valid & Wire.SET_GROUP) != 0) {
      node.groupId = message.intAt(80);
    }
    if ((valid & (Wire.SET_ACCESSED | Wire.SET_ACCESSED_NOW)) != 0) {
      Instant given = Instant.ofEpochSecond(message.longAt(32), message.intAt(56));
      node.accessed = (valid & Wire.SET_ACCESSED_NOW) != 0 ? Instant.now() : given;
    }
    if ((valid & (Wire.SET_MODIFIED | Wire.SET_MODIFIED_NOW)) != 0) {
      Instant given = Instant.ofEpochSecond(message.longAt(40), message.intAt(60));
      node.modified = (valid & Wire.SET_MODIFIED_NOW) != 0 ? Instant.now() : given;
    }
    return Wire.attributes(node);
  }

  /**
   * An entry's offset is its place in the listing as it is now: good enough for directories that
   * keep still.
   */
  private static ByteBuffer list(Node directory, long offset, int size) {
    List<Map.Entry<String, Node>> all = new ArrayList<>();
    all.add(Map.entry(".", directory));
    all.add(Map.entry("..", directory.parent));
    all.addAll(directory.children.entrySet());
    ByteBuffer out = Wire.buffer(size);
    for (int i = (int) offset; i < all.size(); i++) {
      if (!Wire.putDirectoryEntry(out, all.get(i).getValue(), all.get(i).getKey(), i + 1L)) {
        break;
      }
    }
    return Wire.buffer(out.position()).put(out.flip());
  }
}
