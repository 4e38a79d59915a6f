package dev.annulus.internal.portable;

import dev.annulus.internal.driver.OpenFlag;
import dev.annulus.internal.driver.StatResult;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.LinkOption;
import java.nio.file.OpenOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.EnumSet;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;

/**
 * One opening of a file. It may need two channels: a plain one, and one for writes to where the
 * system puts them. For appending, because the JDK has no channel that reads and appends; for
 * pipes, because in one channel a read that waits holds up the writes. The plain one may be able to
 * do more than was asked for; {@link #readable} and {@link #writable} tell what was.
 */
final class OpenFile {
  /** A channel and what it can do, {@link OpenFlag#READ} and {@link OpenFlag#WRITE}. */
  record Plain(FileChannel channel, EnumSet<OpenFlag> modes) {}

  private final Path path;
  private final LinkOption[] links;
  private final EnumSet<OpenFlag> flags;
  private final Plain plain;
  private final @Nullable FileChannel writer;
  private final FileAttributes atOpen;
  private final SharedFile shared;
  private final List<FileChannel> channels = new CopyOnWriteArrayList<>();
  private final AtomicBoolean closed = new AtomicBoolean();
  private final AtomicBoolean aborted = new AtomicBoolean();

  /** What {@link #appender} has opened. */
  private volatile @Nullable FileChannel appender;

  /** Where its requests queue, once that is known. */
  private volatile @Nullable Lane lane;

  OpenFile(
      Path path,
      LinkOption[] links,
      EnumSet<OpenFlag> flags,
      Plain plain,
      @Nullable FileChannel writer,
      FileAttributes atOpen) {
    this.path = path;
    this.links = links.clone();
    this.flags = flags;
    this.plain = plain;
    this.writer = writer;
    this.atOpen = atOpen;
    channels.add(plain.channel);
    if (writer != null) {
      channels.add(writer);
    }
    this.shared = SharedFile.join(atOpen.key()); // last: who has joined must leave
  }

  Path path() {
    return path;
  }

  boolean readable() {
    return flags.contains(OpenFlag.READ);
  }

  boolean writable() {
    return flags.contains(OpenFlag.WRITE);
  }

  /** Whether a failed write may be a failed sync. */
  boolean syncsEachWrite() {
    return flags.contains(OpenFlag.DSYNC) || flags.contains(OpenFlag.SYNC);
  }

  boolean isRegular() {
    return atOpen.isRegular();
  }

  /** Whether it is neither a file nor a directory: a pipe or the like, which may wait for somebody. */
  boolean isStream() {
    return !atOpen.isRegular() && !atOpen.isDirectory();
  }

  /** The device the file is on; 0 where the system has no numbers for them. */
  long device() {
    return atOpen.device();
  }

  @Nullable Lane lane() {
    return lane;
  }

  void lane(Lane itsLane) {
    lane = itsLane;
  }

  /** Whether a position is past the end of a file opened for direct I/O: the kernel sees that first, the JDK the alignment. */
  boolean isDirectAtEnd(long position) throws IOException {
    return flags.contains(OpenFlag.DIRECT) && position >= plain.channel.size();
  }

  /** The channel for everything but appending. */
  FileChannel channel() {
    return plain.channel;
  }

  /** What {@link #channel} can do. */
  EnumSet<OpenFlag> modes() {
    return plain.modes;
  }

  /** The channel all writes go through, to where the system puts them, if there is one. */
  @Nullable FileChannel writer() {
    return writer;
  }

  SharedFile shared() {
    return shared;
  }

  /** Fills in what is known of the file: asked by its path, or if that names another by now, what was known at first. */
  void stat(StatResult into) throws IOException {
    FileAttributes now = FileAttributes.readIfThere(path, links);
    (isThis(now) ? Objects.requireNonNull(now) : atOpen).fill(into);
    if (!atOpen.isDirectory()) {
      FileAttributes.fillSize(into, plain.channel.size());
    }
  }

  /** A channel that may be locked exclusively, which takes one that can write; {@code null} if there is none to be had. */
  @Nullable FileChannel lockable() {
    if (plain.modes.contains(OpenFlag.WRITE)) {
      return plain.channel;
    }
    if (writer != null || !atOpen.isRegular()) {
      return writer;
    }
    try {
      FileChannel extra = FileChannel.open(path, StandardOpenOption.WRITE);
      channels.add(extra);
      return isThis(FileAttributes.readIfThere(path, links)) ? extra : null;
    } catch (IOException e) {
      return null;
    }
  }

  /** A channel that writes to the end of the file; {@code null} if there is none to be had. */
  @Nullable FileChannel appender() throws IOException {
    FileChannel known = appender;
    if (known != null) {
      return known;
    }
    if (!isThis(FileAttributes.readIfThere(path, links))) {
      return null;
    }
    Set<OpenOption> options = new HashSet<>(List.of(links));
    options.add(StandardOpenOption.APPEND);
    FileChannel opened = FileChannel.open(path, options);
    channels.add(opened); // closing it earlier would lose the process its locks on the file
    if (!isThis(FileAttributes.readIfThere(path, links))) {
      return null;
    }
    appender = opened;
    return opened;
  }

  private boolean isThis(@Nullable FileAttributes other) {
    return other != null && other.key().equals(shared.key());
  }

  void close() throws IOException {
    if (closed.compareAndSet(false, true)) {
      try {
        shared.leave(this, channels);
      } catch (VirtualMachineError e) {
        closed.set(false);
        throw e;
      }
    }
  }

  /** Has no operation begin any more; true for the first who asks. */
  boolean beginAbort() {
    return aborted.compareAndSet(false, true);
  }

  boolean isAborted() {
    return aborted.get();
  }

  /** Closes the channels under the operations in them, which then fail; {@link #close} must still follow. */
  void abort() {
    try {
      SharedFile.closeAll(channels);
    } catch (IOException e) {
      // Nobody waits for this file any more but to see its operations end.
      Log.warning("closing a file failed", path, e);
    }
  }

  /** Closes it where nobody is left to be told of a failure. */
  void closeQuietly() {
    try {
      close();
    } catch (IOException e) {
      Log.warning("closing a file failed", path, e);
    }
  }
}
