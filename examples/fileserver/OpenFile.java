package fileserver;

import java.util.concurrent.CompletableFuture;

/** A file that is open for reading. */
interface OpenFile {
  /**
   * What was known of it once it was open.
   *
   * @return size, times, number
   */
  FileFacts facts();

  /**
   * Reads once, into all of a chunk. The chunk may be closed meanwhile; its memory is used for something else only when the read is over.
   *
   * @param chunk takes the bytes, from its buffer's position to its limit
   * @param position where in the file to read
   * @return how many bytes were read, which the buffer's position has moved by; -1 at the end of the file. Cancelling it asks that the read
   *     be given up
   */
  CompletableFuture<Integer> read(Chunk chunk, long position);

  /**
   * Closes the file when the reads in flight are over.
   *
   * @return completes when it is closed
   */
  CompletableFuture<Void> close();
}
