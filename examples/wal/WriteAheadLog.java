package wal;

import dev.annulus.IoRuntime;
import dev.annulus.fs.Fs;
import dev.annulus.fs.FsFile;
import dev.annulus.fs.FsOpenOptions;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.RejectedExecutionException;

/**
 * A write-ahead log with group commit. Any number of threads append; the future of a record completes, with its sequence number, when the
 * record and all before it are on stable storage. Nobody waits in {@link #append}.
 *
 * <p>Records are gathered in a batch. One batch at a time is written and synced; the next one gathers meanwhile, so that a sync covers as
 * many records as were appended during the one before. Batches go to segments, files of a fixed size; the next segment is prepared while
 * the present one fills.
 *
 * <p>Once a write or a sync has failed the log takes no more records: what is on the disk is then unknown until the log is opened again,
 * and recovered. Records whose futures failed may be found there, or not; those whose futures completed are.
 */
public final class WriteAheadLog implements AutoCloseable {
  private final Path directory;
  private final Segments segments;
  private final FsFile lock;
  private final int batchBytes;

  // Guarded by this: what gathers, and whether a batch is in flight. There are two batches; one of them is spare unless it is in flight.
  private Batch gathering;
  private Batch spare;
  private boolean writing;
  private boolean closing;
  private FailedException failure;
  private long nextSequence;
  private long batches;

  // The batch in flight's own: handed from one batch to the next through the monitor.
  private Segment current;
  private CompletableFuture<Segment> next;

  private final CompletableFuture<Void> drained = new CompletableFuture<>();
  private final CompletableFuture<Void> closed = new CompletableFuture<>();

  /** Takes the records that are found when a log is opened. */
  @FunctionalInterface
  public interface Replay {
    /**
     * Takes one record.
     *
     * @param sequence its number; each is one more than the one before, and the first is 0
     * @param payload its contents, to be read before this returns
     * @throws IOException ends the opening of the log
     */
    void record(long sequence, ByteBuffer payload) throws IOException;
  }

  /**
   * Limits of a log.
   *
   * @param segmentBytes size of a segment
   * @param batchBytes the most that gathers while a batch is in flight; also the most a record can take
   */
  public record Settings(long segmentBytes, int batchBytes) {
    /** 16 MiB and 1 MiB. */
    public static final Settings DEFAULT = new Settings(16 << 20, 1 << 20);

    /** Checks that a batch fits into a segment. */
    public Settings {
      if (batchBytes <= RecordFormat.HEADER_BYTES || segmentBytes - Segments.HEADER_BYTES < batchBytes) {
        throw new IllegalArgumentException("a segment of " + segmentBytes + " bytes cannot hold a batch of " + batchBytes);
      }
    }
  }

  /** The log has failed: the cause says how. It takes no more records until it is opened again. */
  public static final class FailedException extends IOException {
    private static final long serialVersionUID = 1L;

    FailedException(String message, Throwable cause) {
      super(message, cause);
    }

    /** For another future: its stack trace will be set where it is thrown. */
    FailedException again() {
      return new FailedException(getMessage(), getCause());
    }
  }

  private WriteAheadLog(Path directory, Segments segments, FsFile lock, Recovery recovered, Settings settings) {
    this.directory = directory;
    this.segments = segments;
    this.lock = lock;
    this.batchBytes = settings.batchBytes();
    this.nextSequence = recovered.nextSequence();
    this.gathering = new Batch(batchBytes);
    this.spare = new Batch(batchBytes);
    this.current = segments.prepare(recovered.lastIndex() + 1).join();
    this.next = segments.prepare(current.index() + 1);
  }

  /**
   * Opens a log, or begins one, and recovers what it holds. Waits for all of that.
   *
   * @param runtime does the work; it must stay open as long as the log
   * @param directory where the segments are; created if it is not there
   * @param settings limits
   * @param replay is given every record in order. They are durable when this method returns
   * @return the log, ready for appending
   * @throws CorruptLogException if acknowledged records are missing or damaged
   * @throws IOException if the log is in use, or what else is the matter
   */
  public static WriteAheadLog open(IoRuntime runtime, Path directory, Settings settings, Replay replay) throws IOException {
    Fs fs = Fs.on(runtime);
    fs.createDirectories(directory);
    Path parent = directory.toAbsolutePath().getParent();
    if (parent != null) {
      fs.syncDirectory(parent);
    }
    FsFile lock = fs.open(directory.resolve("LOCK"), FsOpenOptions.updating());
    try {
      if (!lock.tryLockExclusive()) {
        throw new IOException("the log in " + directory + " is in use by another process or another WriteAheadLog");
      }
      Recovery recovery = new Recovery(fs, directory);
      recovery.run(replay);
      Segments segments = new Segments(runtime, directory, settings.segmentBytes());
      return new WriteAheadLog(directory, segments, lock, recovery, settings);
    } catch (CompletionException e) {
      lock.close();
      throw new IOException("cannot prepare a segment in " + directory + ": " + e.getCause().getMessage(), e.getCause());
    } catch (Throwable e) {
      lock.close();
      throw e;
    }
  }

  /**
   * Appends a record. Records are in the log in the order of these calls.
   *
   * @param payload its contents; copied before this returns, and the buffer's position moved to its limit
   * @return completes with the record's sequence number once it is on stable storage; fails with {@link FailedException} if that is not
   *     known to be so, or with {@link RejectedExecutionException}, and no trace of the record, when too much waits already. Dependents
   *     run on the runtime's thread, before the next batch is written: they must be short. Cancelling it does not take the record back
   * @throws IllegalArgumentException for a record larger than a batch
   * @throws IllegalStateException if the log is closed
   */
  public CompletableFuture<Long> append(ByteBuffer payload) {
    if (payload.remaining() > batchBytes - RecordFormat.HEADER_BYTES) {
      throw new IllegalArgumentException(
          "a record of " + payload.remaining() + " bytes and its header do not fit into a batch of " + batchBytes);
    }
    CompletableFuture<Long> durable;
    Batch batch;
    synchronized (this) {
      if (closing) {
        throw new IllegalStateException("the log in " + directory + " is closed");
      }
      if (failure != null) {
        return CompletableFuture.failedFuture(failure.again());
      }
      if (!gathering.hasRoomFor(payload.remaining())) {
        return CompletableFuture.failedFuture(
            new RejectedExecutionException("the log in " + directory + " is busy: " + gathering.sizeBytes() + " bytes wait already"));
      }
      durable = gathering.add(nextSequence++, payload);
      if (writing) {
        return durable;
      }
      writing = true;
      batch = takeGathered();
    }
    write(batch);
    return durable;
  }

  private Batch takeGathered() {
    Batch taken = gathering;
    gathering = spare;
    spare = null;
    batches++;
    return taken;
  }

  private void write(Batch batch) {
    var _ =
        segmentFor(batch)
            .thenCompose(segment -> segment.append(batch.contents()))
            .whenComplete((_, problem) -> onWritten(batch, problem));
  }

  private CompletableFuture<Segment> segmentFor(Batch batch) {
    Segment present = current;
    if (present.hasRoomFor(batch.sizeBytes())) {
      return CompletableFuture.completedFuture(present);
    }
    return next.thenApply(
        prepared -> {
          current = prepared;
          next = segments.prepare(prepared.index() + 1);
          var _ = present.close(); // all in it is durable
          return prepared;
        });
  }

  /**
   * Acknowledges first, then goes on with what has gathered: producers that append again at once get into the next batch, and not into the
   * one after it.
   */
  private void onWritten(Batch batch, Throwable problem) {
    if (problem != null) {
      fail(batch, problem);
      return;
    }
    batch.acknowledge();
    Batch following = null;
    boolean last;
    synchronized (this) {
      spare = batch;
      writing = !gathering.isEmpty();
      if (writing) {
        following = takeGathered();
      }
      last = closing && !writing;
    }
    if (following != null) {
      write(following);
    } else if (last) {
      drained.complete(null);
    }
  }

  /** From here on nothing is acknowledged: a sync that works after one that failed says nothing about what was written before. */
  private void fail(Batch batch, Throwable problem) {
    Throwable cause = problem instanceof CompletionException && problem.getCause() != null ? problem.getCause() : problem;
    FailedException why = new FailedException("the log in " + directory + " has failed; open it again: " + cause.getMessage(), cause);
    Batch waiting;
    boolean last;
    synchronized (this) {
      failure = why;
      waiting = gathering;
      last = closing;
    }
    batch.fail(why);
    waiting.fail(why);
    if (last) {
      drained.complete(null);
    }
  }

  /**
   * How many batches were written: syncs, that is.
   *
   * @return the count since the log was opened
   */
  public synchronized long batches() {
    return batches;
  }

  /**
   * Takes no more records, lets those that were appended become durable, then closes.
   *
   * @return completes when closed; never fails, as each record's future tells how it went
   */
  public CompletableFuture<Void> closeAsync() {
    boolean idle;
    synchronized (this) {
      if (closing) {
        return closed.copy();
      }
      closing = true;
      idle = !writing || failure != null;
    }
    var _ =
        drained
            .thenCompose(_ -> current.close())
            .exceptionally(_ -> null)
            .thenCompose(_ -> next)
            .thenCompose(Segment::close)
            .handleAsync((_, _) -> releaseLock())
            .thenAccept(closed::complete);
    if (idle) {
      drained.complete(null);
    }
    return closed.copy();
  }

  /** As {@link #closeAsync()}, and waits. Not to be called on the runtime's own thread, such as in a dependent of a future. */
  @Override
  public void close() {
    closeAsync().join();
  }

  private Void releaseLock() {
    try {
      lock.close();
    } catch (IOException e) {
      // Closed all the same, and the lock given back.
    }
    return null;
  }
}
