package dev.annulus.fs;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.SeekableByteChannel;
import java.util.List;

/**
 * An open file of the blocking facade: positional calls for storage engines, and a cursor for those who read or write in turn.
 *
 * <p>Safe for use by many threads. Positional calls ({@code readAt}, {@code writeAt}, {@code readMany}) run concurrently and leave
 * the cursor alone; calls that use the cursor are done one after the other. An interrupt neither closes the file nor ends a call.
 *
 * <p>Calls on a thread of the runtime's own, such as in a dependent of one of its futures, throw {@link IllegalStateException}:
 * they would wait for themselves. Only {@code close}, which does not wait there, and {@code isOpen} may be called. Calls on a closed
 * file throw {@link java.nio.channels.ClosedChannelException}.
 */
public interface FsFile extends SeekableByteChannel {
  /**
   * Reads at a place, until the buffer is full or the file ends. Any number of threads may do so at once.
   *
   * @param dst takes the bytes
   * @param offset where in the file to read, in bytes
   * @return how many bytes were read; less than asked for only at end of file, 0 there
   * @throws IOException if reading fails; {@code INVALID_INPUT} for a negative offset or one the range overflows
   */
  int readAt(ByteBuffer dst, long offset) throws IOException;

  /**
   * Fills every buffer of a batch, submitting all reads at once. All arguments are checked before the first is submitted, and all
   * reads have ended before this returns or throws.
   *
   * @param requests what to read where
   * @throws IOException the first failure in the order of the list; {@code UNEXPECTED_EOF} if the file ended within a read
   */
  void readMany(List<ReadRequest> requests) throws IOException;

  /**
   * Writes all of a buffer at a place.
   *
   * @param src holds the bytes
   * @param offset where in the file to write, in bytes; of no meaning to a file opened for appending, whose writes go to the end
   * @return how many bytes were written: all
   * @throws IOException if writing fails; {@code INVALID_INPUT} for a negative offset or one the range overflows
   */
  int writeAt(ByteBuffer src, long offset) throws IOException;

  /**
   * Moves the cursor.
   *
   * @param delta by how many bytes
   * @param from counted from where
   * @return where the cursor is now, from the start; past the end is fine
   * @throws IOException {@code INVALID_INPUT} if that would be before the start or past {@link Long#MAX_VALUE}, the cursor then
   *     being where it was
   */
  long seek(long delta, SeekFrom from) throws IOException;

  /**
   * Puts data and metadata on stable storage: {@code fsync(2)}. Once a sync of this file has failed every later one does, until it is
   * opened again.
   *
   * @throws IOException if it fails
   */
  void syncAll() throws IOException;

  /**
   * Puts the data on stable storage, and of the metadata what is needed to read it back: {@code fdatasync(2)}. Fails like {@link
   * #syncAll}.
   *
   * @throws IOException if it fails
   */
  void syncData() throws IOException;

  /**
   * Asks what this file is, and how long.
   *
   * @return the answer
   * @throws IOException if the system does not tell
   */
  FsMetadata metadata() throws IOException;

  /**
   * Sets the file's length: cuts off what is behind it, or extends the file with zeros. The cursor stays.
   *
   * @param size the length in bytes
   * @throws IOException if it fails; {@code INVALID_INPUT} for a file not open for writing, or a negative size
   */
  void setLength(long size) throws IOException;

  /**
   * Takes the exclusive advisory lock of the whole file, waiting until it is free. The lock is this open file's alone; {@link #unlock}
   * and closing give it back; taking it again is fine. A virtual thread that waits holds no carrier.
   *
   * @throws IOException if locking fails
   */
  void lockExclusive() throws IOException;

  /**
   * Takes the lock of {@link #lockExclusive} if it is free.
   *
   * @return whether this file holds the lock now
   * @throws IOException if locking fails
   */
  boolean tryLockExclusive() throws IOException;

  /**
   * Gives the lock of {@link #lockExclusive} back; the file stays open. Fine if it does not have it.
   *
   * @throws IOException if that fails
   */
  void unlock() throws IOException;

  /**
   * {@inheritDoc}
   *
   * <p>Cuts the file off at {@code size} and moves a cursor behind it there; a file that is shorter stays as it is. See {@link
   * #setLength} for extending.
   */
  @Override
  FsFile truncate(long size) throws IOException;

  /** {@inheritDoc} */
  @Override
  FsFile position(long newPosition) throws IOException;
}
