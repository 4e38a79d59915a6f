package dev.annulus;

import dev.annulus.internal.driver.Driver;
import dev.annulus.internal.driver.Errno;
import dev.annulus.internal.driver.Operation;
import dev.annulus.internal.driver.Repeats;
import dev.annulus.internal.driver.StatResult;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.ref.Reference;
import java.nio.ByteBuffer;

/**
 * Reads and writes of one file that the calling thread does itself, with no future and no other object made for it.
 *
 * <p>Declined is only what has transferred nothing for sure, and what needs an object: a stand-in for heap memory, the lease of the pool's
 * memory, somebody to watch. An error is thrown: were it left to a second try to tell, a record that was written before the error would be
 * written twice.
 */
final class TransfersHere {
  private static final int DROP_TRIES = 20;

  private final OpenDescriptor descriptor;
  private final Engine engine;
  private final Driver driver;
  private final boolean callerRuns;

  /** As in {@link Launch}. */
  private final OpenHandle handle;

  TransfersHere(OpenDescriptor descriptor, OpenHandle handle, boolean callerRuns) {
    this.handle = handle;
    this.descriptor = descriptor;
    this.engine = descriptor.engine();
    this.driver = engine.driver();
    this.callerRuns = callerRuns;
  }

  boolean callerRuns() {
    return callerRuns;
  }

  /** Whether the calling thread may be blocked for an operation, being a caller's who would wait for it anyway. */
  boolean mayWait() {
    return callerRuns && !Thread.currentThread().isVirtual() && !driver.onDriverThread();
  }

  /** As {@link AsyncFile#tryRead}. */
  int read(ByteBuffer dst, long address, int length, long position) {
    boolean waits = mayWait();
    if (!(waits || descriptor.isBuffered()) || !needsNoObject(address)) {
      return AsyncFile.NOT_NOW;
    }
    descriptor.lease();
    try {
      int count =
          waits
              ? driver.callRead(descriptor.fd(), address, length, position)
              : attempt(address, length, position, true);
      // Whether 0 is the end of the file is for a read with a future to find out.
      return count == 0 && length > 0 ? AsyncFile.NOT_NOW : transferred(dst, address, count, true, length, position);
    } finally {
      boolean dropped = false;
      for (int tries = 0; !dropped && tries < DROP_TRIES; tries++) {
        try {
          descriptor.dropLease();
          dropped = true;
        } catch (VirtualMachineError e) {
          // Again: it fails only before it does anything.
        }
      }
      descriptor.closeIfUnused();
      Reference.reachabilityFence(dst);
      Reference.reachabilityFence(handle);
    }
  }

  /** As {@link InlineReads#attempt}, of a file whose reads go through the page cache. */
  int attempt(long address, int length, long position, boolean callerWaits) {
    return engine
        .inlineReads()
        .attempt(driver, descriptor.fd(), address, length, position, descriptor.inlineHistory(), callerWaits);
  }

  /** As {@link AsyncFile#tryWrite}. */
  int write(ByteBuffer src, long address, int length, long position) {
    // A write that syncs is told of losses, and whether its own success counts is known when all in flight with it have ended.
    if (!mayWait() || descriptor.syncsEachWrite() || !needsNoObject(address)) {
      return AsyncFile.NOT_NOW;
    }
    descriptor.lease();
    try {
      return transferred(src, address, write(address, length, position), false, length, position);
    } finally {
      boolean dropped = false;
      for (int tries = 0; !dropped && tries < DROP_TRIES; tries++) {
        try {
          descriptor.dropLease();
          dropped = true;
        } catch (VirtualMachineError e) {
          // Again: it fails only before it does anything.
        }
      }
      descriptor.closeIfUnused();
      Reference.reachabilityFence(src);
      Reference.reachabilityFence(handle);
    }
  }

  /** An append is not repeated: what was written before the interruption would be there twice. */
  private int write(long address, int length, long position) {
    int result = driver.callWrite(descriptor.fd(), address, length, position);
    for (int i = 0; !descriptor.isAppending() && Repeats.again(result, i); i++) {
      result = driver.callWrite(descriptor.fd(), address, length, position);
    }
    return result;
  }

  private boolean needsNoObject(long address) {
    return !engine.listeners().areThere() && !engine.bufferPool().holds(address);
  }

  private int transferred(ByteBuffer buffer, long address, int count, boolean read, int length, long position) {
    if (count >= 0) {
      Buffers.move(buffer, count);
      return count;
    }
    if (count == Driver.NOT_DONE || isUntried(-count, read)) {
      return AsyncFile.NOT_NOW;
    }
    throw new UncheckedIOException(failure(-count, read ? "read" : "write", address, length, position));
  }

  /** Not cached, or the file has no positions, or is not ready: it may be done once more, which an append may not. */
  private boolean isUntried(int errno, boolean read) {
    return (errno == Errno.EAGAIN || errno == Errno.ESPIPE) && (read || !descriptor.isAppending());
  }

  private IOException failure(int errno, String operation, long address, int length, long position) {
    String range = "(" + length + " bytes at position " + position + ")";
    if (errno != Errno.EINVAL || descriptor.isBuffered()) {
      return ErrnoException.of(errno, operation, descriptor.path(), range);
    }
    StatResult about = new StatResult();
    boolean known = driver.call(new Operation.Stat(descriptor.fd(), about)) == 0;
    String remedy = known ? Statuses.directAlignmentOf(about).explain(address, position, length) : "";
    return ErrnoException.of(errno, operation, descriptor.path(), range, remedy);
  }
}
