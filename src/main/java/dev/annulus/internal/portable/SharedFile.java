package dev.annulus.internal.portable;

import dev.annulus.internal.driver.Errno;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import org.jspecify.annotations.Nullable;

/**
 * What all openings of one file share, over all drivers of this JVM.
 *
 * <p>The whole-file lock, because a POSIX lock belongs to the process: it does not tell two openings in one process apart, and is
 * lost when the process closes <em>any</em> descriptor of the file. So it is kept here who holds it, and while somebody does,
 * channels of the file are not closed but kept until the lock is given back.
 */
final class SharedFile {
  private static final Map<Object, SharedFile> ALL = new ConcurrentHashMap<>();

  private final Object key;

  /** Openings; changed only within {@code ALL.compute}. */
  private int openings;

  /**
   * Held for writing by what sets the length: the JDK has no call to extend a file without writing to it in all cases, and what is
   * written must not fall upon another's data. Held for reading by writes.
   */
  private final ReentrantReadWriteLock lengthLock = new ReentrantReadWriteLock();

  private @Nullable OpenFile lockHolder;

  /** The JDK itself keeps it weakly only. */
  private @Nullable FileLock heldLock;

  private final List<FileChannel> toCloseWithLock = new ArrayList<>();

  private SharedFile(Object key) {
    this.key = key;
  }

  /** For one more opening of the file with this key. */
  @SuppressWarnings("NullAway") // compute never gives null here
  static SharedFile join(Object key) {
    return ALL.compute(
        key,
        (_, there) -> {
          SharedFile shared = there == null ? new SharedFile(key) : there;
          shared.openings++;
          return shared;
        });
  }

  Object key() {
    return key;
  }

  ReentrantReadWriteLock lengthLock() {
    return lengthLock;
  }

  /** Takes the exclusive lock for an opening: 0, or a negated errno. */
  synchronized int tryLock(OpenFile file) throws IOException {
    if (lockHolder != null) {
      return isHolder(file) ? 0 : -Errno.EAGAIN;
    }
    FileChannel channel = file.lockable();
    if (channel == null) {
      return -Errno.EBADF;
    }
    heldLock = channel.tryLock();
    if (heldLock == null) {
      return -Errno.EAGAIN;
    }
    lockHolder = file;
    return 0;
  }

  /** Gives the lock back, if this opening has it, and closes what was kept open for it; answers 0. */
  synchronized int unlock(OpenFile file) throws IOException {
    if (isHolder(file)) {
      try {
        giveBackLock();
      } finally {
        closeKept();
      }
    }
    return 0;
  }

  private void giveBackLock() throws IOException {
    FileLock held = heldLock;
    lockHolder = null;
    heldLock = null;
    if (held != null) {
      held.release();
    }
  }

  /** Ends an opening: closes its channels, now or with the lock another opening holds. */
  void leave(OpenFile file, List<FileChannel> channels) throws IOException {
    boolean cut = false; // by an error of the JVM's: then this is called again
    try {
      closeOrKeep(file, channels);
    } catch (VirtualMachineError e) {
      cut = true;
      throw e;
    } finally {
      if (!cut) {
        leave();
      }
    }
  }

  private void leave() {
    SharedFile _ = ALL.computeIfPresent(key, (_, shared) -> --shared.openings == 0 ? null : shared);
  }

  private synchronized void closeOrKeep(OpenFile file, List<FileChannel> channels)
      throws IOException {
    if (lockHolder != null && !isHolder(file)) {
      toCloseWithLock.addAll(channels);
      return;
    }
    try {
      giveBackLock();
    } catch (IOException e) {
      // Of a channel that was closed under it: that has given it back.
      Log.warning("giving back a lock failed", key, e);
    }
    try {
      closeKept();
    } finally {
      closeAll(channels);
    }
  }

  private void closeKept() throws IOException {
    try {
      closeAll(toCloseWithLock);
    } finally {
      toCloseWithLock.clear();
    }
  }

  /** Closes all, whatever fails; throws what failed first. */
  static void closeAll(List<FileChannel> channels) throws IOException {
    IOException first = null;
    for (FileChannel channel : channels) {
      try {
        channel.close();
      } catch (IOException e) {
        first = first == null ? e : first;
      }
    }
    if (first != null) {
      throw first;
    }
  }

  @SuppressWarnings("ReferenceEquality") // this very opening
  private boolean isHolder(OpenFile file) {
    return lockHolder == file;
  }
}
