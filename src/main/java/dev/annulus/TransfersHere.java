package dev.annulus;

import dev.annulus.internal.driver.Driver;
import java.lang.ref.Reference;
import java.nio.ByteBuffer;

/**
 * Reads and writes of one file that the calling thread does itself, with no future and no other object made for it.
 *
 * <p>What fails is not told of here: nothing counts as transferred then, so it is done once more as an operation with a future, which says in
 * full what went wrong. Likewise whatever needs an object: a stand-in for heap memory, the lease of the pool's memory, somebody to watch.
 */
final class TransfersHere {
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
      return count == 0 && length > 0 ? -1 : transferred(dst, count);
    } finally {
      Reference.reachabilityFence(dst);
      Reference.reachabilityFence(handle);
      descriptor.releaseLease();
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
    // A write that syncs must not be done once more: the first may have told of a loss, which the second does not hear of.
    if (!mayWait() || descriptor.syncsEachWrite() || !needsNoObject(address)) {
      return AsyncFile.NOT_NOW;
    }
    descriptor.lease();
    try {
      int count = driver.callWrite(descriptor.fd(), address, length, position);
      return count == 0 && length > 0 ? AsyncFile.NOT_NOW : transferred(src, count);
    } finally {
      Reference.reachabilityFence(src);
      Reference.reachabilityFence(handle);
      descriptor.releaseLease();
    }
  }

  private boolean needsNoObject(long address) {
    return !engine.listeners().areThere() && !engine.bufferPool().holds(address);
  }

  private static int transferred(ByteBuffer buffer, int count) {
    if (count < 0) {
      return AsyncFile.NOT_NOW;
    }
    Buffers.move(buffer, count);
    return count;
  }
}
