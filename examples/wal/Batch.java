package wal;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.zip.CRC32C;

/** Records that become durable together, and the promises made to those who appended them. Not safe for concurrent use. */
final class Batch {
  /** Direct: the kernel writes it from where it is. */
  private final ByteBuffer bytes;

  private final List<CompletableFuture<Long>> promises = new ArrayList<>();
  private final CRC32C crc = new CRC32C();
  private long firstSequence;

  Batch(int capacityBytes) {
    bytes = ByteBuffer.allocateDirect(capacityBytes).order(RecordFormat.ORDER);
  }

  boolean hasRoomFor(int payloadBytes) {
    return bytes.remaining() >= RecordFormat.HEADER_BYTES + payloadBytes;
  }

  /** Adds a record for which there is room; sequence numbers must follow one another. */
  CompletableFuture<Long> add(long sequence, ByteBuffer payload) {
    if (promises.isEmpty()) {
      firstSequence = sequence;
    }
    RecordFormat.put(bytes, sequence, payload, crc);
    CompletableFuture<Long> promise = new CompletableFuture<>();
    promises.add(promise);
    return promise;
  }

  boolean isEmpty() {
    return promises.isEmpty();
  }

  int sizeBytes() {
    return bytes.position();
  }

  /** All of the batch, to be written. */
  ByteBuffer contents() {
    return bytes.duplicate().flip();
  }

  /** Keeps the promises, in order, and empties the batch. */
  void acknowledge() {
    for (int i = 0; i < promises.size(); i++) {
      promises.get(i).complete(firstSequence + i);
    }
    clear();
  }

  /** Breaks the promises, and empties the batch. */
  void fail(WriteAheadLog.FailedException why) {
    for (CompletableFuture<Long> promise : promises) {
      promise.completeExceptionally(why.again());
    }
    clear();
  }

  private void clear() {
    bytes.clear();
    promises.clear();
  }
}
