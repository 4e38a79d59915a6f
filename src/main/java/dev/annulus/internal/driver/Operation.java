package dev.annulus.internal.driver;

import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;

/**
 * One thing to be done, as data. Each driver says how; all answer with an {@code int}: the value below, or a negated errno.
 *
 * <p>Descriptors are numbers a driver's own {@link Open} gave out. An operation and everything it refers to must stay unchanged
 * until it has completed.
 */
public sealed interface Operation {
  /** Offset of a {@link Write} that goes to the end of a file opened with {@link OpenFlag#APPEND}. */
  long AT_END_OF_FILE = -1;

  /** Longest transfer the kernel does in one operation ({@code MAX_RW_COUNT}: {@code INT_MAX} rounded down to a page). */
  int MAX_TRANSFER_BYTES = 0x7ffff000;

  /** What failed, for messages: the kernel's name of the call. */
  String name();

  /**
   * Whether doing it once more, after an error, does no harm and tells no less. Not a close: its
   * number may be another file's by now. Not what syncs: the kernel tells each loss once, and the
   * repetition would succeed. Not an append: what was written before the error would be there twice.
   */
  default boolean isIdempotent() {
    return true;
  }

  /** Nothing; a round trip. Answers 0. */
  record Nop() implements Operation {
    @Override
    public String name() {
      return "nop";
    }
  }

  /**
   * One read or write of a stretch of native memory. An interface where the others are records, so that who asks for it can be the
   * operation as well: the path that everything is measured by makes one object, not two.
   */
  sealed interface Transfer extends Operation permits Read, Write {
    int fd();

    /**
     * What contains {@code [address, address + length)} and keeps it alive: a direct {@link ByteBuffer}, a native
     * {@code MemorySegment}, or a {@link StandIn}.
     */
    Object memory();

    long address();

    int length();

    /** Where in the file. */
    long offset();
  }

  /** Reads into native memory; answers the byte count, 0 at end of file. */
  non-sealed interface Read extends Transfer {
    @Override
    default String name() {
      return "read";
    }
  }

  /** Writes from native memory; answers the byte count. {@link #offset} may be {@link #AT_END_OF_FILE}. */
  non-sealed interface Write extends Transfer {
    @Override
    default String name() {
      return isDurable() ? "write+dsync" : "write";
    }

    /** Whether what it writes is on stable storage when it completes; only for drivers that {@linkplain Driver#writesThrough can}. */
    default boolean isDurable() {
      return false;
    }

    @Override
    default boolean isIdempotent() {
      return !isDurable() && offset() != AT_END_OF_FILE;
    }
  }

  /** A {@link Read} that is nothing else. */
  record PlainRead(int fd, Object memory, long address, int length, long offset) implements Read {}

  /** A {@link Write} that is nothing else. */
  record PlainWrite(int fd, Object memory, long address, int length, long offset) implements Write {}

  /** Reads into several pieces in turn; answers the byte count over all. */
  record ReadVector(int fd, List<Piece> pieces, long offset) implements Operation {
    @Override
    public String name() {
      return "readv";
    }
  }

  /** Writes several pieces in turn; answers the byte count over all. */
  record WriteVector(int fd, List<Piece> pieces, long offset) implements Operation {
    @Override
    public String name() {
      return "writev";
    }
  }

  /** A stretch of native memory; see {@link Transfer} for the components. */
  record Piece(Object memory, long address, int length) {}

  /** Puts what was written before on stable storage; answers 0. */
  record Sync(int fd, boolean dataOnly) implements Operation {
    @Override
    public String name() {
      return dataOnly ? "fdatasync" : "fsync";
    }

    @Override
    public boolean isIdempotent() {
      return false;
    }
  }

  /** Sets a file's length; answers 0. */
  record Truncate(int fd, long size) implements Operation {
    @Override
    public String name() {
      return "ftruncate";
    }
  }

  /** Reserves storage for a range and extends the file to hold it; answers 0. */
  record Allocate(int fd, long offset, long length) implements Operation {
    @Override
    public String name() {
      return "fallocate";
    }
  }

  /**
   * Asks whether there may be room for an {@link Allocate}; answers 0, or {@code -ENOSPC} if there
   * is none. Only for drivers that {@linkplain Driver#tellsRoom tell}.
   */
  record Room(int fd, long offset, long length) implements Operation {
    @Override
    public String name() {
      return "fstatfs";
    }
  }

  /** Reserves storage for a range, and leaves the file's length as it is; answers 0. */
  record Reserve(int fd, long offset, long length) implements Operation {
    @Override
    public String name() {
      return "fallocate";
    }
  }

  /** Describes an open file; answers 0 with {@code into} filled. */
  record Stat(int fd, StatResult into) implements Operation {
    @Override
    public String name() {
      return "statx";
    }
  }

  /** Describes what a path names; answers 0 with {@code into} filled. */
  record StatPath(Path path, boolean followLinks, StatResult into) implements Operation {
    @Override
    public String name() {
      return "statx";
    }
  }

  /** Opens a file, close-on-exec always; answers its descriptor. {@code permissions} are those of a file it creates. */
  record Open(Path path, Set<OpenFlag> flags, int permissions) implements Operation {
    @Override
    public String name() {
      return "open";
    }
  }

  /** Gives a descriptor back. It is gone whatever the answer. */
  record Close(int fd) implements Operation {
    @Override
    public String name() {
      return "close";
    }

    @Override
    public boolean isIdempotent() {
      return false;
    }
  }

  /** Makes a directory; answers 0. */
  record CreateDirectory(Path path, int permissions) implements Operation {
    @Override
    public String name() {
      return "mkdir";
    }
  }

  /** Removes a name: of an empty directory if {@code directory}, of anything else if not; answers 0. */
  record Remove(Path path, boolean directory) implements Operation {
    @Override
    public String name() {
      return directory ? "rmdir" : "unlink";
    }
  }

  /** Renames, replacing the target atomically; answers 0. */
  record Rename(Path source, Path target) implements Operation {
    @Override
    public String name() {
      return "rename";
    }
  }

  /** Gives an existing file a second name; answers 0. A symbolic link is itself linked, not followed. */
  record Link(Path link, Path existing) implements Operation {
    @Override
    public String name() {
      return "link";
    }
  }

  /** Takes the whole-file exclusive lock if it is free, without waiting; answers 0, or {@code -EAGAIN} if another holds it. */
  record TryLock(int fd) implements Operation {
    @Override
    public String name() {
      return "flock";
    }
  }

  /** Gives the whole-file lock back, if this opening has it; answers 0. */
  record Unlock(int fd) implements Operation {
    @Override
    public String name() {
      return "unlock";
    }
  }

  /** Lists a directory without {@code .} and {@code ..}, in no order; answers 0 with {@code into} filled. */
  record ListDirectory(Path path, List<DirectoryItem> into) implements Operation {
    @Override
    public String name() {
      return "readdir";
    }
  }

  /** A name in a directory. {@code path} is the directory's path with the name appended. */
  record DirectoryItem(Path path, boolean directory) {}

  /** Removes a directory and all in it, never following a link, not even one put there meanwhile; answers 0. */
  record RemoveTree(Path path) implements Operation {
    @Override
    public String name() {
      return "remove tree";
    }
  }
}
