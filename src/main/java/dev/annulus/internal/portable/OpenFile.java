package dev.annulus.internal.portable;

import dev.annulus.internal.driver.OpenFlag;
import dev.annulus.internal.driver.StatResult;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.EnumSet;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;

/**
 * One opening of a file. It may need two channels: a plain one, and one for writes to where the system puts them. For appending,
 * because the JDK has no channel that reads and appends; for pipes, because in one channel a read that waits holds up the writes. The plain one may be able to do more than was asked for; {@link #readable} and {@link #writable}
 * tell what was.
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
    this.shared = SharedFile.join(atOpen.key());
    channels.add(plain.channel);
    if (writer != null) {
      channels.add(writer);
    }
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

  private boolean isThis(@Nullable FileAttributes other) {
    return other != null && other.key().equals(shared.key());
  }

  void close() throws IOException {
    if (closed.compareAndSet(false, true)) {
      shared.leave(this, channels);
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
      SharedFile.closeAll(List.copyOf(channels));
    } catch (IOException e) {
      // Nobody waits for this file any more but to see its operations end.
      System.getLogger("dev.annulus").log(System.Logger.Level.WARNING, "closing " + path + " failed", e);
    }
  }
}
