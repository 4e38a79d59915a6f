package dev.annulus.fs;

import java.nio.ByteBuffer;
import java.util.Objects;

/**
 * One read of a {@linkplain FsFile#readMany batch}.
 *
 * @param dst the buffer to fill, from its position to its limit
 * @param offset where in the file to read, in bytes
 */
public record ReadRequest(ByteBuffer dst, long offset) {
  /** Checks that there is a buffer. */
  public ReadRequest {
    Objects.requireNonNull(dst, "dst");
  }
}
