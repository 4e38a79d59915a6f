package dev.annulus.sim;

import dev.annulus.internal.abi.Fcntl;
import dev.annulus.internal.driver.Errno;
import java.util.Iterator;
import org.jspecify.annotations.Nullable;

/** An open file description. */
final class OpenFile {
  final String path;
  final SimulatedNode node;
  final boolean append;

  /** Whether each write has a sync in it. */
  final boolean syncsEachWrite;

  /** Names that a listing has yet to give; {@code null} before it begins. */
  @Nullable Iterator<String> listing;

  /** The losses it need not be told of. */
  private long known;

  OpenFile(String path, SimulatedNode node, int flags) {
    this.path = path;
    this.node = node;
    append = (flags & Fcntl.O_APPEND) != 0;
    syncsEachWrite = (flags & Fcntl.O_DSYNC) != 0;
    known = node.sample();
  }

  SimulatedFile file() {
    if (!(node instanceof SimulatedFile file)) {
      throw new KernelAbuse("not a regular file: " + path);
    }
    return file;
  }

  /** Returns the errno of a loss this description was not told of yet, or 0. It is told now. */
  int news() {
    if (known == node.losses()) {
      return 0;
    }
    known = node.losses();
    int errno = node.tell();
    return errno == 0 ? Errno.EIO : errno;
  }
}
