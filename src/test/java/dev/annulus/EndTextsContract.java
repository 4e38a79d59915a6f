package dev.annulus;

import static dev.annulus.Futures.assertNames;
import static dev.annulus.Futures.failure;
import static dev.annulus.Futures.get;
import static java.nio.file.StandardOpenOption.READ;
import static java.nio.file.StandardOpenOption.WRITE;
import static java.util.concurrent.TimeUnit.MILLISECONDS;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.NoSuchFileException;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeoutException;
import org.junit.jupiter.api.Test;

/** What is said of operations that were given up, and of those in flight. */
abstract class EndTextsContract extends BackendContract {
  private AsyncFile emptyPipe() throws Exception {
    return open(fifo(), READ, WRITE);
  }

  @Test
  void cancelledRead_saysWhatItWas() throws Exception {
    AsyncFile pipe = emptyPipe();
    IoFuture<Integer> read = pipe.read(direct(8), 40);
    assertTrue(read.cancel(true));
    assertTrue(read.cancel(true), "as the JDK's: cancelled before");
    assertTrue(read.isCancelled());
    CancellationException cancelled = assertThrows(CancellationException.class, read::join);
    assertNames(cancelled, "read", pipe.path(), "8 bytes at position 40");
    assertEquals(ErrorKind.CANCELLED, ErrorKind.of(cancelled));
    assertEquals(ErrorKind.CANCELLED, ErrorKind.of(failure(read)));
    feed(pipe.path(), bytes(8, 1));
  }

  @Test
  void readThatTimesOut_saysWhatItWas() throws Exception {
    AsyncFile pipe = emptyPipe();
    CompletableFuture<Integer> read = pipe.read(direct(8), 40).orTimeout(1, MILLISECONDS);
    TimeoutException late = failure(TimeoutException.class, read);
    assertNames(late, "read", pipe.path(), "8 bytes at position 40");
    assertEquals(ErrorKind.TIMED_OUT, ErrorKind.of(late));
    feed(pipe.path(), bytes(8, 1));
  }

  @Test
  void future_endedByHandWithATimeout_failsWithThatVeryOne() throws Exception {
    AsyncFile pipe = emptyPipe();
    TimeoutException own = new TimeoutException();
    IoFuture<Integer> read = pipe.read(direct(8), 0);
    assertTrue(read.completeExceptionally(own));
    assertSame(own, failure(read));
    feed(pipe.path(), bytes(8, 1));
  }

  @Test
  void futures_inEveryState_sayWhatTheyAre() throws Exception {
    AsyncFile pipe = emptyPipe();
    IoFuture<Integer> read = pipe.read(direct(8), 40);
    assertEquals("read of " + pipe.path() + " (8 bytes at position 40)[not ended]", read.toString());
    assertTrue(pipe.toString().contains(pipe.path() + " (open, 1 operations in flight)"), pipe::toString);
    boolean _ = read.cancel(true);
    assertTrue(read.toString().startsWith("read of " + pipe.path() + " (8 bytes at position 40)[cancelled"), read::toString);
    feed(pipe.path(), bytes(8, 1));
    get(read.released());
    assertEquals("read of " + pipe.path() + " (8 bytes at position 40)[cancelled]", read.toString());
    get(pipe.closeAsync());
    assertTrue(pipe.toString().contains("closed, 0 operations"), pipe::toString);

    CompletableFuture<FileStatus> stat = runtime.stat(missing());
    NoSuchFileException missing = failure(NoSuchFileException.class, stat);
    assertTrue(stat.toString().contains("statx") && stat.toString().contains(missing.toString()), stat::toString);
    assertTrue(runtime.toString().contains(runtime.name()), runtime::toString);
    assertTrue(runtime.toString().contains("open"), runtime::toString);
  }

  @Test
  void lease_saysWhatItIs() {
    BufferPool.Lease lease = runtime.buffers().lease(8_192);
    assertTrue(lease.toString().contains("8192 bytes"), lease::toString);
    lease.close();
    assertTrue(lease.toString().contains("closed"), lease::toString);
  }
}
