package dev.annulus;

import dev.annulus.internal.driver.Driver;
import dev.annulus.internal.driver.Errno;
import dev.annulus.internal.driver.Operation;
import dev.annulus.internal.driver.Request;
import dev.annulus.internal.driver.StatResult;
import java.io.IOException;
import org.jspecify.annotations.Nullable;

/**
 * A read that was answered as at the end of its file: the file's length is asked whether it is. Where
 * the file goes on, the read is done once more, since it may have grown meanwhile; an answer that makes
 * no progress then is a failure, and no end.
 *
 * <p>Until then the read keeps its lease on the file, and its memory.
 */
final class EndOfFile implements Request {
  private final FileFuture<?> read;
  private final long offset;
  private final int count;
  private final StatResult answer = new StatResult();
  private Operation operation;
  private int mark = NO_MARK;

  /** Why the read has failed here, should that be told once more. */
  private @Nullable Throwable failed;

  /**
   * @param offset where it was to read
   * @param count what it was answered: 0, or less than a block of a file whose blocks are read whole
   */
  EndOfFile(FileFuture<?> read, long offset, int count) {
    this.read = read;
    this.offset = offset;
    this.count = count;
    this.operation = new Operation.Stat(read.file().fd(), answer);
  }

  /** Has the read go on or end: at once if its caller waits anyway, else when the driver has asked. */
  void ask() {
    Driver driver = read.engine().driver();
    if (read.runsHere()) {
      completed(driver.call(operation));
    } else {
      driver.submitPastLimits(this);
    }
  }

  /** Does the read once more. */
  void readAgain() {
    if (read.isDone()) {
      read.deliver(0); // given up meanwhile
      return;
    }
    operation = read.operation();
    read.expectAnother();
    ask();
  }

  @Override
  public Operation operation() {
    return operation;
  }

  @Override
  public boolean needsWorker() {
    return !(operation instanceof Operation.Stat) && read.needsWorker();
  }

  @Override
  public void completed(int result) {
    Throwable earlier = failed;
    if (earlier != null) {
      read.fail(earlier); // and not the read once more: its memory was given back
      return;
    }
    try {
      if (operation instanceof Operation.Stat) {
        lengthAnswered(result);
      } else if (result < 0 || result > count) {
        read.deliver(result);
      } else {
        read.fail(noProgress(result));
      }
    } catch (RuntimeException | Error e) {
      failed = e; // a write alone, before anything that can be cut
      read.fail(e);
    }
  }

  private void lengthAnswered(int result) {
    if (result < 0) {
      read.fail(Errors.onFile(operation, read.path(), -result));
    } else if (isEnd()) {
      read.onEndOfFile(count);
    } else {
      read.onMoreToRead(count, answer, this);
    }
  }

  /** The lengths of what is no regular file mean nothing, nor do those of the kernel's own files. */
  private boolean isEnd() {
    return answer.sizeBytes <= offset + count || !Statuses.of(answer).isRegularFile() || isKernels();
  }

  private boolean isKernels() {
    String path = read.path().toAbsolutePath().normalize().toString();
    return path.startsWith("/sys/") || path.startsWith("/proc/");
  }

  private IOException noProgress(int again) {
    return Errors.onFile(
        read.operation(),
        read.path(),
        Errno.EIO,
        "; the file system answered " + again + " bytes, and the file, of " + answer.sizeBytes + " bytes, does not end there");
  }

  @Override
  public void refused(Throwable cause) {
    read.fail(Errors.ofOwn(cause));
  }

  @Override
  public void givenUp(Throwable cause) {
    read.givenUp(cause);
  }

  /** The memory may yet be written to if it was the read itself. */
  @Override
  public void abandoned(Throwable cause) {
    if (operation instanceof Operation.Stat) {
      read.fail(Errors.ofOwn(cause));
    } else {
      read.abandoned(cause);
    }
  }

  @Override
  public int mark() {
    return mark;
  }

  @Override
  public void mark(int newMark) {
    mark = newMark;
  }
}
