package dev.annulus;

import static dev.annulus.AsyncFile.NOT_NOW;
import static dev.annulus.Futures.get;
import static java.nio.file.StandardOpenOption.CREATE;
import static java.nio.file.StandardOpenOption.DSYNC;
import static java.nio.file.StandardOpenOption.READ;
import static java.nio.file.StandardOpenOption.WRITE;
import static java.util.concurrent.TimeUnit.SECONDS;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.concurrent.Callable;
import java.util.concurrent.FutureTask;
import java.util.function.IntSupplier;
import org.junit.jupiter.api.Test;

/** {@link AsyncFile#tryRead} and {@link AsyncFile#tryWrite}: what they do at once, and that otherwise they do nothing. */
abstract class TryTransferContract extends BackendContract {
  private static final int SIZE = 8192;
  private static final byte[] CONTENTS = bytes(SIZE, 1);

  /** Whether the backend has the calling thread do anything itself. */
  abstract boolean doesSome();

  @Override
  boolean inlineReads() {
    return true;
  }

  /** What is answered for a transfer that is done at once where anything is. */
  private int done(int count) {
    return doesSome() ? count : NOT_NOW;
  }

  // ---- reading ----

  @Test
  void tryRead_ofCachedData_readsAndMovesTheBuffer() throws Exception {
    AsyncFile file = openCached();
    ByteBuffer dst = direct(SIZE).position(10).limit(110);
    assertTried(100, file.tryRead(dst, 1000), dst, 10);
    if (doesSome()) {
      assertArrayEquals(Arrays.copyOfRange(CONTENTS, 1000, 1100), Arrays.copyOfRange(drained(dst), 10, 110));
    }
  }

  @Test
  void tryRead_atTheEnd_isShortOrNothing() throws Exception {
    AsyncFile file = openCached().callerRuns();
    ByteBuffer dst = direct(100);
    assertTried(7, file.tryRead(dst, SIZE - 7), dst, 0);
    assertEquals(NOT_NOW, file.tryRead(dst.clear(), SIZE), "whether it is the end is for read to find out");
    assertEquals(0, dst.position());
    assertEquals(done(0), file.tryRead(direct(0), 0));
  }

  @Test
  void tryRead_thatHasToWaitForTheDevice_isDoneOnlyForCallersWhoWait() throws Exception {
    Path path = file(CONTENTS);
    AsyncFile file = open(path, READ, IoOpenOption.DIRECT);
    ByteBuffer dst = ByteBuffer.allocateDirect(2 * SIZE).alignedSlice(SIZE).limit(SIZE);
    assertEquals(NOT_NOW, file.tryRead(dst, 0));
    assertEquals(0, dst.position());
    assertEquals(NOT_NOW, onVirtualThread(() -> file.callerRuns().tryRead(dst, 0)), "a virtual thread's carrier must not wait");
    assertTried(SIZE, file.callerRuns().tryRead(dst, 0), dst, 0);
    if (doesSome()) {
      assertArrayEquals(CONTENTS, drained(dst));
    }
  }

  @Test
  void tryRead_thatFails_tells() throws Exception {
    AsyncFile directory = open(dir, READ).callerRuns();
    ByteBuffer dst = direct(10);
    assertTellsOrDeclines(ErrorKind.IS_A_DIRECTORY, () -> directory.tryRead(dst, 0));
    assertEquals(0, dst.position());
  }

  @Test
  void tryRead_intoMemoryThatTakesAnObject_doesNothing() throws Exception {
    AsyncFile file = openCached().callerRuns();
    ByteBuffer heap = ByteBuffer.allocate(100);
    assertEquals(NOT_NOW, file.tryRead(heap, 0));
    assertEquals(0, heap.position());
    try (BufferPool.Lease lease = runtime.buffers().lease(100)) {
      ByteBuffer pooled = lease.segment().asByteBuffer();
      assertEquals(NOT_NOW, file.tryRead(pooled, 0));
      assertEquals(0, pooled.position());
    }
  }

  @Test
  void tries_whileSomebodyWatches_doNothing() throws Exception {
    AsyncFile file = open(file(CONTENTS), READ, WRITE).callerRuns();
    RuntimeListener listener = new RuntimeListener() {};
    ByteBuffer buffer = direct(100);
    runtime.addListener(listener);
    assertEquals(NOT_NOW, file.tryRead(buffer, 0));
    assertEquals(NOT_NOW, file.tryWrite(buffer, 0));
    assertEquals(0, buffer.position());
    runtime.removeListener(listener);
    assertTried(100, file.tryRead(buffer, 0), buffer, 0);
  }

  // ---- writing ----

  @Test
  void tryWrite_forCallersWhoWait_writesAndMovesTheBuffer() throws Exception {
    Path path = file(CONTENTS);
    AsyncFile file = open(path, WRITE).callerRuns();
    ByteBuffer src = direct(bytes(100, 2)).position(10);
    assertTried(90, file.tryWrite(src, 1000), src, 10);
    byte[] expected = CONTENTS.clone();
    if (doesSome()) {
      System.arraycopy(bytes(100, 2), 10, expected, 1000, 90);
    }
    assertArrayEquals(expected, Files.readAllBytes(path));
  }

  @Test
  void tryWrite_byAnybodyElse_doesNothing() throws Exception {
    Path path = file(CONTENTS);
    AsyncFile file = open(path, WRITE);
    ByteBuffer src = direct(bytes(100, 2));
    assertEquals(NOT_NOW, file.tryWrite(src, 0));
    assertEquals(NOT_NOW, onVirtualThread(() -> file.callerRuns().tryWrite(src, 0)));
    assertEquals(NOT_NOW, file.callerRuns().tryWrite(ByteBuffer.wrap(bytes(100, 2)), 0));
    assertEquals(0, src.position());
    assertArrayEquals(CONTENTS, Files.readAllBytes(path));
  }

  /** Its failure may be the only word of a loss, which the file must remember. */
  @Test
  void tryWrite_toAFileThatSyncsEachWrite_doesNothing() throws Exception {
    AsyncFile file = open(missing(), CREATE, WRITE, DSYNC).callerRuns();
    assertEquals(NOT_NOW, file.tryWrite(direct(100), 0));
    assertEquals(0, get(file.size()));
  }

  @Test
  void tryWrite_thatFails_tells() throws Exception {
    AsyncFile full = open(Path.of("/dev/full"), WRITE).callerRuns();
    ByteBuffer src = direct(100);
    assertTellsOrDeclines(ErrorKind.NO_SPACE, () -> full.tryWrite(src, 0));
    assertEquals(0, src.position());
  }

  // ---- helpers ----

  private AsyncFile openCached() throws Exception {
    Path path = file(CONTENTS);
    assertArrayEquals(CONTENTS, Files.readAllBytes(path)); // and it is in the page cache now
    return open(path, READ);
  }

  /** A transfer was done where any are, and else the buffer has not moved. */
  private void assertTried(int count, int answer, ByteBuffer buffer, int before) {
    assertEquals(done(count), answer);
    assertEquals(doesSome() ? before + count : before, buffer.position());
  }

  /** Where a transfer is begun, its failure must not be left to a second one to tell. */
  private void assertTellsOrDeclines(ErrorKind kind, IntSupplier tried) {
    if (doesSome()) {
      UncheckedIOException failure = assertThrows(UncheckedIOException.class, tried::getAsInt);
      assertEquals(kind, ErrorKind.of(failure));
    } else {
      assertEquals(NOT_NOW, tried.getAsInt());
    }
  }

  private static int onVirtualThread(Callable<Integer> call) throws Exception {
    FutureTask<Integer> task = new FutureTask<>(call);
    Thread _ = Thread.ofVirtual().start(task);
    return task.get(20, SECONDS);
  }
}
