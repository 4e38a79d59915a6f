package dev.annulus.adapter.nio;

import java.io.IOException;
import java.nio.channels.AsynchronousFileChannel;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;

/** A lock on a range of a file, held by a channel of ours through one of the JDK's. */
final class AnnulusFileLock extends FileLock {
  private final FileLock held;

  private AnnulusFileLock(FileChannel channel, FileLock held) {
    super(channel, held.position(), held.size(), held.isShared());
    this.held = held;
  }

  private AnnulusFileLock(AsynchronousFileChannel channel, FileLock held) {
    super(channel, held.position(), held.size(), held.isShared());
    this.held = held;
  }

  /** A channel's lock. If there is no memory for it, what is held is given back. */
  static AnnulusFileLock of(FileChannel channel, FileLock held) throws IOException {
    try {
      return new AnnulusFileLock(channel, held);
    } catch (VirtualMachineError e) {
      held.release();
      throw e;
    }
  }

  /** As {@link #of(FileChannel, FileLock)}. */
  static AnnulusFileLock of(AsynchronousFileChannel channel, FileLock held) throws IOException {
    try {
      return new AnnulusFileLock(channel, held);
    } catch (VirtualMachineError e) {
      held.release();
      throw e;
    }
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
