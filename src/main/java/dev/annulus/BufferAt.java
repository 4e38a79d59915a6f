package dev.annulus;

import java.nio.ByteBuffer;
import java.util.Objects;

/**
 * A buffer and its place in a file, for batches such as {@link AsyncFile#readMany}.
 *
 * @param buffer its bytes between position and limit take part
 * @param position where in the file, in bytes
 */
public record BufferAt(ByteBuffer buffer, long position) {
  /** Checks that the buffer is there. */
  public BufferAt {
    Objects.requireNonNull(buffer, "buffer");
  }
}
