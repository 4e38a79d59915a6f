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
 * One opening of a file. It may need two channels, because the JDK has none that reads and appends: a plain one, and one whose
 * writes all go to the end of file. The plain one may be able to do more than was asked for; {@link #readable} and {@link #writable}
 * tell what was.
 */
final class OpenFile {
  /** A channel and what it can do, {@link OpenFlag#READ} and {@link OpenFlag#WRITE}. */
  record Plain(FileChannel channel, EnumSet<OpenFlag> modes) {}

  private final Path path;
  private final LinkOption[] links;
  private final EnumSet<OpenFlag> flags;
  private final Plain plain;
  private final @Nullable FileChannel appender;
  private final FileAttributes atOpen;
  private final SharedFile shared;
  private final List<FileChannel> channels = new CopyOnWriteArrayList<>();
  private final AtomicBoolean closed = new AtomicBoolean();

  OpenFile(
      Path path,
      LinkOption[] links,
      EnumSet<OpenFlag> flags,
      Plain plain,
      @Nullable FileChannel appender,
      FileAttributes atOpen) {
    this.path = path;
    this.links = links.clone();
    this.flags = flags;
    this.plain = plain;
    this.appender = appender;
    this.atOpen = atOpen;
    this.shared = SharedFile.join(atOpen.key());
    channels.add(plain.channel);
    if (appender != null) {
      channels.add(appender);
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

  boolean isRegular() {
    return atOpen.isRegular();
  }

  /** The channel for everything but appending. */
  FileChannel channel() {
    return plain.channel;
  }

  /** What {@link #channel} can do. */
  EnumSet<OpenFlag> modes() {
    return plain.modes;
  }

  /** The channel whose writes go to the end of file, if the file was opened so. */
  @Nullable FileChannel appender() {
    return appender;
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
    if (appender != null || !atOpen.isRegular()) {
      return appender;
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
