package wal;

import dev.annulus.AsyncFile;
import java.nio.ByteBuffer;
import java.util.concurrent.CompletableFuture;

/** The file that batches are written to until it is full. For one batch at a time. */
final class Segment {
  private final int index;
  private final AsyncFile file;
  private final long capacityBytes;
  private long position = Segments.HEADER_BYTES;

  Segment(int index, AsyncFile file, long capacityBytes) {
    this.index = index;
    this.file = file;
    this.capacityBytes = capacityBytes;
  }

  int index() {
    return index;
  }

  boolean hasRoomFor(int bytes) {
    return capacityBytes - position >= bytes;
  }

  /** Completes when everything is on stable storage: a write, and when that has completed, a sync. */
  CompletableFuture<Void> append(ByteBuffer bytes) {
    long start = position;
    position += bytes.remaining();
    return file.writeDurably(bytes, start);
  }

  CompletableFuture<Void> close() {
    return file.closeAsync();
  }
}
