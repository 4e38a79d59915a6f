package dev.annulus.adapter.nio;

import dev.annulus.AsyncFile;
import dev.annulus.IoRuntime;
import java.io.IOException;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.FileChannel;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.EnumSet;
import java.util.Set;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * A channel of the JDK's on the file of one of ours, for what only the JDK can do: locks that every Java program respects, and mappings.
 *
 * <p>Opened when first needed, by the path, which must still name the file then. It stays open as long as ours: a process that closes
 * any descriptor of a file loses its POSIX locks on it.
 */
final class SecondChannel {
  private final IoRuntime runtime;
  private final AsyncFile file;
  private final Modes modes;
  private final ReentrantLock lock = new ReentrantLock();
  private @Nullable FileChannel channel;
  private @Nullable Object key;
  private boolean closed;

  SecondChannel(IoRuntime runtime, AsyncFile file, Modes modes) {
    this.runtime = runtime;
    this.file = file;
    this.modes = modes;
  }

  /** What tells the file from all others. */
  Object key() throws IOException {
    lock.lock();
    try {
      Object known = key;
      if (known == null) {
        known = Waiting.await(runtime, file::stat).fileKey();
        key = known;
      }
      return known;
    } finally {
      lock.unlock();
    }
  }

  /**
   * The channel.
   *
   * @param purpose what it is needed for, for messages
   */
  FileChannel get(String purpose) throws IOException {
    lock.lock();
    try {
      FileChannel there = channel;
      if (closed) {
        throw new ClosedChannelException();
      }
      if (there == null || !there.isOpen()) {
        there = open(purpose);
        channel = there;
      }
      return there;
    } finally {
      lock.unlock();
    }
  }

  /** Gives all locks back. */
  void close() throws IOException {
    lock.lock();
    try {
      closed = true;
      if (channel != null) {
        channel.close();
      }
    } finally {
      lock.unlock();
    }
  }

  /** The path is looked at before and after, as the JDK's channel does not tell what it was opened on. */
  private FileChannel open(String purpose) throws IOException {
    checkStillNamed(purpose);
    Set<StandardOpenOption> options = EnumSet.noneOf(StandardOpenOption.class);
    if (modes.readable()) {
      options.add(StandardOpenOption.READ);
    }
    if (modes.writable()) {
      options.add(StandardOpenOption.WRITE);
    }
    FileChannel opened = FileChannel.open(file.path(), options);
    try {
      checkStillNamed(purpose);
      return opened;
    } catch (Throwable e) {
      opened.close();
      throw e;
    }
  }

  private void checkStillNamed(String purpose) throws IOException {
    Path path = file.path();
    NoSuchFileException missing = null;
    try {
      if (key().equals(Waiting.await(runtime, () -> runtime.stat(path)).fileKey())) {
        return;
      }
    } catch (NoSuchFileException e) {
      missing = e;
    }
    FileSystemException refusal =
        new FileSystemException(
            path.toString(),
            null,
            purpose
                + " needs the file by its path, which names "
                + (missing == null ? "another file" : "nothing")
                + " by now; do it before the file is renamed, replaced or deleted");
    refusal.initCause(missing);
    throw refusal;
  }
}
