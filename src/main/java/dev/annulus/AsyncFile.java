package dev.annulus;

import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/**
 * An open file whose operations return futures. Made by {@link IoRuntime#openFile}. Safe for use by many threads; operations in
 * flight at one time are not ordered among each other, so what must come after something must be submitted when that has
 * completed. In particular a {@link #sync} covers only writes that had completed before it was called.
 *
 * <p><b>Arguments.</b> Bad ones fail on the calling thread, submit nothing and change nothing: {@link NullPointerException};
 * {@link IllegalArgumentException} for a negative position, a range past {@link Long#MAX_VALUE}, a read-only destination or an
 * empty list; {@link IllegalStateException} for a closed file or memory whose arena is closed; {@link WrongThreadException} for
 * memory confined to another thread; {@link java.nio.channels.NonReadableChannelException} and {@link
 * java.nio.channels.NonWritableChannelException} for a file not opened for it. Everything else fails in the future, with an
 * {@link ErrnoException} for what the system refuses, and a {@link java.util.concurrent.RejectedExecutionException} once the
 * runtime is closed, or full and told to {@link WhenFull#FAIL}.
 *
 * <p><b>Buffers.</b> A {@link ByteBuffer}'s bytes between position and limit take part; its position moves by the count before
 * any dependent runs. A direct buffer or a native segment is used in place. A heap buffer is copied through native memory, since
 * the kernel must never see memory the garbage collector moves: direct ones are faster. From the call until {@link
 * IoFuture#released()} the buffer belongs to the operation, and a segment's arena must stay open. An empty buffer completes at
 * once, with 0.
 *
 * <p>Heap memory of more than 1 MiB, or of less when much is under way, is copied and transferred in pieces, through native memory that is
 * bounded and used again; a plain read or write then ends with the first short piece, and with the count so far if a later piece fails.
 * Writes to a file opened with {@code APPEND} are never cut: a long heap buffer takes native memory of its size there, freed at the end of
 * the operation. Without any native memory the call itself throws {@link OutOfMemoryError}, and nothing is begun.
 *
 * <p>A buffer whose position or limit is changed by another thread meanwhile is never read or written outside its bounds. The call
 * throws {@link IllegalArgumentException} if it finds the limit before the position; the future fails with it if in the end the position cannot
 * be moved by what was transferred.
 *
 * <p><b>Interrupts.</b> {@link Thread#interrupt()} never closes a file and never ends an operation.
 */
public interface AsyncFile extends AutoCloseable {
  /** What {@link #tryRead} and {@link #tryWrite} answer when they have transferred nothing. */
  int NOT_NOW = -2;

  /**
   * The path the file was opened with.
   *
   * @return that path, unchanged
   */
  Path path();

  /**
   * Reads once.
   *
   * @param dst takes the bytes
   * @param position where in the file to read, in bytes
   * @return how many bytes were read, perhaps fewer than asked for; -1 at end of file
   */
  IoFuture<Integer> read(ByteBuffer dst, long position);

  /**
   * Reads once, if the calling thread can do so at once, and makes no object: what {@link #read(ByteBuffer, long)} would have completed
   * before it returned, without the future. That is data in the page cache; in a view {@linkplain #callerRuns for callers who wait} anything,
   * on platform threads. Only into native memory of the caller's own, while no {@link RuntimeListener} is there and no flight recording of
   * operations runs, and on {@link Backend#IO_URING}. Otherwise {@code read} is to be called: the buffer has not moved, though its bytes may
   * have been written to. So it is at the end of the file, which {@code read} then tells.
   * Bad arguments are thrown as by {@code read}.
   *
   * <pre>{@code
   * int count = file.tryRead(dst, position);
   * if (count != AsyncFile.NOT_NOW) {
   *   use(dst, count);
   * } else {
   *   file.read(dst, position).thenAccept(later -> use(dst, later));
   * }
   * }</pre>
   *
   * @param dst takes the bytes
   * @param position where in the file to read, in bytes
   * @return how many bytes were read, perhaps fewer than asked for; {@link #NOT_NOW} if it was not done, as by default
   * @throws java.io.UncheckedIOException if it fails, around the {@link ErrnoException} that {@code read} would have failed with
   */
  default int tryRead(ByteBuffer dst, long position) {
    return NOT_NOW;
  }

  /**
   * Reads once.
   *
   * @param dst takes the bytes; any size, of which at most 2 GiB - 4 KiB are read at once
   * @param position where in the file to read, in bytes
   * @return how many bytes were read, perhaps fewer than asked for; -1 at end of file
   */
  IoFuture<Long> read(MemorySegment dst, long position);

  /**
   * Reads until the buffer is full.
   *
   * @param dst takes the bytes
   * @param position where in the file to read, in bytes
   * @return completes when full; fails with {@link java.io.EOFException} when the file ends first, the position then telling how
   *     much was read
   */
  IoFuture<Void> readFully(ByteBuffer dst, long position);

  /**
   * Reads until the segment is full.
   *
   * @param dst takes the bytes, however many
   * @param position where in the file to read, in bytes
   * @return completes when full; fails with {@link java.io.EOFException} when the file ends first
   */
  IoFuture<Void> readFully(MemorySegment dst, long position);

  /**
   * Reads once into several buffers in turn: a scatter, in one operation. Of more than 1024 buffers, empty ones not
   * counted, the first 1024 take part.
   *
   * @param dsts take the bytes; the list is copied
   * @param position where in the file to read, in bytes
   * @return how many bytes were read over all, perhaps fewer than asked for; -1 at end of file
   */
  IoFuture<Long> read(List<ByteBuffer> dsts, long position);

  /**
   * Reads many places, each until its buffer is full, and hands all the reads over together: in one call of the kernel, where there is room.
   * They are not ordered among each other.
   *
   * @param reads the buffers and where to read them from; all are checked before any read is begun
   * @return a future for each, in the same order, as {@link #readFully(ByteBuffer, long)} gives it
   */
  List<IoFuture<Void>> readMany(List<BufferAt> reads);

  /**
   * Writes once. On a file opened with {@code APPEND} the bytes go to the end of file whatever the position.
   *
   * @param src holds the bytes
   * @param position where in the file to write, in bytes
   * @return how many bytes were written, perhaps fewer than given
   */
  IoFuture<Integer> write(ByteBuffer src, long position);

  /**
   * Writes once, if the calling thread can do so at once, and makes no object: on platform threads, in a view {@linkplain #callerRuns for
   * callers who wait}, from native memory of the caller's own, to a file that does not sync each write, while no {@link RuntimeListener} is there
   * and no flight recording of operations runs, and on {@link Backend#IO_URING}. Otherwise nothing is done, and {@link #write(ByteBuffer, long)}
   * is to be called. What has begun and fails is never left to be done again: that could
   * write a record twice. Bad arguments are thrown as by {@code write}.
   *
   * @param src holds the bytes
   * @param position where in the file to write, in bytes
   * @return how many bytes were written, perhaps fewer than asked for, even 0; {@link #NOT_NOW} if nothing was done, as by default
   * @throws java.io.UncheckedIOException if it fails, around the {@link ErrnoException} that {@code write} would have failed with
   */
  default int tryWrite(ByteBuffer src, long position) {
    return NOT_NOW;
  }

  /**
   * Writes once.
   *
   * @param src holds the bytes; any size, of which at most 2 GiB - 4 KiB are written at once
   * @param position where in the file to write, in bytes
   * @return how many bytes were written, perhaps fewer than given
   */
  IoFuture<Long> write(MemorySegment src, long position);

  /**
   * Writes everything.
   *
   * @param src holds the bytes
   * @param position where in the file to write, in bytes
   * @return completes when all is written; on failure the position tells how much was
   */
  IoFuture<Void> writeFully(ByteBuffer src, long position);

  /**
   * Writes everything.
   *
   * @param src holds the bytes, however many
   * @param position where in the file to write, in bytes
   * @return completes when all is written
   */
  IoFuture<Void> writeFully(MemorySegment src, long position);

  /**
   * Writes several buffers in turn: a gather, in one operation. Of more than 1024 buffers, empty ones not
   * counted, the first 1024 take part.
   *
   * @param srcs hold the bytes; the list is copied
   * @param position where in the file to write, in bytes
   * @return how many bytes were written over all, perhaps fewer than given
   */
  IoFuture<Long> write(List<ByteBuffer> srcs, long position);

  /**
   * Writes at the end of file, atomically against all other appenders, of any process: no two records mix. Concurrent appends
   * land in no particular order. A heap buffer takes native memory of its size while it is written.
   *
   * @param src holds the bytes
   * @return how many bytes were written: all, unless the device fills up or a limit on file size is met within them
   * @throws IllegalStateException if the file was not opened with {@code APPEND}
   */
  IoFuture<Integer> append(ByteBuffer src);

  /**
   * Puts every write that had completed before this call on stable storage. Concurrent calls share: while one sync of the file is under
   * way, those who call wait together for the next one.
   *
   * <p>When it fails, the system may already have dropped the unwritten data and would report the next sync as a success. Every
   * later sync of this file therefore fails too, with the first failure as its cause, until the file is opened again.
   *
   * @param mode how much
   * @return completes when done
   */
  IoFuture<Void> sync(Sync mode);

  /**
   * Writes everything, and sees to it that it is on stable storage: by a sync after it ({@link Sync#DATA}), or by writing it through, as the runtime's
   * {@link Durability} says. By default it also covers every write of this file that had completed before this call.
   *
   * @param src holds the bytes
   * @param position where in the file to write, in bytes
   * @return completes only when every byte is on stable storage; fails if any part of the write or the sync failed
   */
  IoFuture<Void> writeDurably(ByteBuffer src, long position);

  /**
   * Asks for the file's metadata.
   *
   * @return the metadata
   */
  IoFuture<FileStatus> stat();

  /**
   * Asks for the file's length.
   *
   * @return the length in bytes
   */
  IoFuture<Long> size();

  /**
   * Asks what direct I/O on this file must be aligned to, whether it was opened for that or not.
   *
   * @return the alignment, or a careful guess where the system does not tell
   */
  IoFuture<DirectAlignment> directAlignment();

  /**
   * Sets the file's length: cuts off what is behind it, or extends the file with zeros.
   *
   * @param size the length in bytes
   * @return completes when done
   */
  IoFuture<Void> truncate(long size);

  /**
   * Reserves storage for a range, so that writes to it cannot run out of space, and extends the file to hold it if it is
   * shorter. What is in the file stays.
   *
   * <p>If there is not enough storage, length and free space stay as they were. Where that is seen only in the midst of it, ext4
   * keeps what it could reserve, behind the end of the file: by a quota, or when others take the rest meanwhile.
   *
   * @param position start of the range, in bytes
   * @param length length of the range in bytes, more than 0
   * @return completes when done; fails with {@link ErrorKind#UNSUPPORTED} where the file system cannot
   */
  IoFuture<Void> allocate(long position, long length);

  /**
   * Takes the exclusive advisory lock on the whole file if it is free ({@code flock(2)}). The lock is this open file's: another
   * opening of the same file, in this process too, does not have it. {@link #unlock} and closing give it back, at once even while
   * a child process is being started, which for a moment holds every open file of its parent.
   *
   * @return true if the lock is now held by this file, or was before; false if another holds it
   */
  IoFuture<Boolean> tryLockExclusive();

  /**
   * Gives the lock of {@link #tryLockExclusive} back; the file stays open. Fine if it does not have it.
   *
   * @return completes when others may take the lock
   */
  IoFuture<Void> unlock();

  /**
   * This file for a caller that will wait for each operation at once. Operations of the view may be run by the calling thread, as a
   * plain system call, where that is cheaper than handing them over and taking the result back: for platform threads it is, by an
   * order of magnitude for cached data. The future is then complete when it is returned. On virtual threads, whose carriers must not
   * be held, and on the runtime's own threads the view behaves like the file. Closing it closes the file.
   *
   * @return a view of this file
   */
  AsyncFile callerRuns();

  /**
   * Whether operations are still taken.
   *
   * @return false once closing was asked for, of this file or of its runtime
   */
  boolean isOpen();

  /**
   * Refuses new operations, waits for those in flight, then closes. Further calls return the same end.
   *
   * @return completes when the file is closed; fails if the system reports an error on closing (the file is closed all the same),
   *     or if an operation in flight was abandoned, and the descriptor with it
   */
  CompletableFuture<Void> closeAsync();

  /**
   * As {@link #closeAsync()}, and waits for it. What the system says to the closing is logged, as a
   * warning, and not thrown: some file systems tell only then that earlier writes did not arrive, so
   * who has not called {@link #sync} closes with {@link #closeAsync()} and looks. On a thread of the runtime's own, such as in a dependent of a future, it does not wait.
   */
  @Override
  void close();
}
