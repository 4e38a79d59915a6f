package fileserver;

import java.nio.ByteBuffer;

/** Memory for a part of a file, lent until it is closed. */
interface Chunk extends AutoCloseable {
  /**
   * The memory.
   *
   * @return the same direct buffer each time
   */
  ByteBuffer buffer();

  /** Gives the memory back, at once or when the read that uses it is over. Idempotent. */
  @Override
  void close();
}
