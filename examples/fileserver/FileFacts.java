package fileserver;

import java.time.Instant;

/**
 * What tells one state of a file's contents from another.
 *
 * @param size length in bytes
 * @param lastModified when the contents were last changed, as finely as the file system keeps it
 * @param identity a number that is another one when the file has been replaced by another: its inode, or something made of it
 */
record FileFacts(long size, Instant lastModified, long identity) {
  /** Strong as far as every change of the contents changes the time, whose steps are a few milliseconds on most kernels. */
  String entityTag() {
    long nanos = lastModified.getEpochSecond() * 1_000_000_000L + lastModified.getNano();
    return "\"" + Long.toHexString(identity) + "-" + Long.toHexString(size) + "-" + Long.toHexString(nanos) + "\"";
  }
}
