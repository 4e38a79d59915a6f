package dev.annulus.adapter.nio;

import java.io.IOException;
import java.nio.channels.AsynchronousFileChannel;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;

/** A lock on a range of a file, held by a channel of ours through one of the JDK's. */
final class AnnulusFileLock extends FileLock {
  private final FileLock held;

  AnnulusFileLock(FileChannel channel, FileLock held) {
    super(channel, held.position(), held.size(), held.isShared());
    this.held = held;
  }

  AnnulusFileLock(AsynchronousFileChannel channel, FileLock held) {
    super(channel, held.position(), held.size(), held.isShared());
    this.held = held;
  }

  @Override
  public boolean isValid() {
    return held.isValid();
  }

  @Override
  public void release() throws IOException {
    if (!acquiredBy().isOpen()) {
      throw new ClosedChannelException();
    }
    if (held.isValid()) {
      held.release();
    }
  }
}
