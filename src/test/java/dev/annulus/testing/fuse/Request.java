package dev.annulus.testing.fuse;

import org.jspecify.annotations.Nullable;

/**
 * A request of the kernel to a file system, as a handler sees it.
 *
 * @param kind what is asked for
 * @param path the file it concerns, relative to the root and without a leading slash; the root is
 *     the empty string. An unlinked file keeps its last name.
 * @param target the new name of a {@link Kind#RENAME} or {@link Kind#LINK}, else {@code null}
 * @param offset where a transfer begins, in bytes; the new length of a {@link Kind#SETATTR} that
 *     sets one; else 0
 * @param size how many bytes a transfer wants; else 0
 * @param flags of the system call: {@code O_} flags of an open, 1 for the data-only form of a sync
 */
public record Request(
    Kind kind, String path, @Nullable String target, long offset, int size, int flags) {
  /** What the kernel asks for, under the kernel's names. */
  public enum Kind {
    LOOKUP(1),
    GETATTR(3),
    SETATTR(4),
    MKDIR(9),
    UNLINK(10),
    RMDIR(11),
    RENAME(12),
    LINK(13),
    OPEN(14),
    READ(15),
    WRITE(16),
    STATFS(17),
    /** The last descriptor of an open is gone. Nobody waits for the answer. */
    RELEASE(18),
    FSYNC(20),
    /** The answer is the result of {@code close(2)}. */
    FLUSH(25),
    OPENDIR(27),
    READDIR(28),
    RELEASEDIR(29),
    FSYNCDIR(30),
    ACCESS(34),
    CREATE(35),
    FALLOCATE(43),
    /** Anything else: answered ENOSYS unless a handler says otherwise. */
    OTHER(-1);

    private static final int RENAME2 = 45;

    private final int opcode;

    Kind(int opcode) {
      this.opcode = opcode;
    }

    static Kind of(int opcode) {
      int searched = opcode == RENAME2 ? RENAME.opcode : opcode;
      for (Kind kind : values()) {
        if (kind.opcode == searched) {
          return kind;
        }
      }
      return OTHER;
    }
  }
}
