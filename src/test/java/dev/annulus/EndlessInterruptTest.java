package dev.annulus;

import static dev.annulus.Futures.get;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.annulus.internal.driver.Errno;
import dev.annulus.testing.FaultyFileSystem;
import dev.annulus.testing.FaultyFileSystem.Option;
import dev.annulus.testing.fuse.Reply;
import dev.annulus.testing.fuse.Request.Kind;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** A server that answers EINTR: calls are made again, but not for ever. */
class EndlessInterruptTest extends BackendContract {
  private static final int MOST_CALLS = 65;

  @SuppressWarnings("NullAway.Init") // mount
  private FaultyFileSystem fs;

  @SuppressWarnings("NullAway.Init") // mount
  private AsyncFile file;

  @Override
  Backend backend() {
    return Backend.IO_URING;
  }

  @BeforeEach
  void mount() throws Exception {
    fs = FaultyFileSystem.mount(dir, Option.DIRECT_IO);
    Path path = Files.write(fs.root().resolve("file"), bytes(100, 1));
    file = open(path, StandardOpenOption.READ, StandardOpenOption.WRITE);
    for (Kind kind : new Kind[] {Kind.READ, Kind.WRITE, Kind.FSYNC, Kind.READDIR, Kind.SETATTR}) {
      fs.on(kind, _ -> Reply.error(Errno.EINTR));
    }
  }

  @AfterEach
  void unmount() throws IOException {
    file.close();
    fs.close();
  }

  @Test
  void operationsOnTheRing_interruptedForEver_end() throws Exception {
    assertEnds(Kind.READ, () -> file.read(direct(10), 0));
    assertEnds(Kind.WRITE, () -> file.write(direct(10), 0));
    assertEnds(Kind.SETATTR, () -> file.truncate(5));
    assertEnds(Kind.FSYNC, () -> file.sync(Sync.ALL));
  }

  @Test
  void operationsOnCallersThreads_interruptedForEver_end() throws Exception {
    AsyncFile here = file.callerRuns();
    assertEnds(Kind.READ, () -> here.read(direct(10), 0));
    assertEnds(Kind.WRITE, () -> here.write(direct(10), 0));
    assertEnds(Kind.SETATTR, () -> here.truncate(5));
    assertEnds(Kind.FSYNC, () -> here.sync(Sync.ALL));
  }

  @Test
  void listings_interruptedForEver_end() throws Exception {
    assertEnds(Kind.READDIR, () -> runtime.readDirectory(fs.root()));
  }

  /** One interruption, as by a signal, is nobody's business, whoever makes the call. */
  @Test
  void operations_interruptedOnce_areMadeAgain() throws Exception {
    for (AsyncFile view : new AsyncFile[] {file, file.callerRuns()}) {
      assertMadeAgain(Kind.READ, () -> view.read(direct(10), 0));
      assertMadeAgain(Kind.READ, () -> view.read(List.of(direct(5), direct(5)), 0));
      assertMadeAgain(Kind.WRITE, () -> view.write(direct(10), 0));
      assertMadeAgain(Kind.WRITE, () -> view.write(List.of(direct(5), direct(5)), 0));
      assertMadeAgain(Kind.SETATTR, () -> view.truncate(50));
    }
    assertMadeAgain(Kind.READDIR, () -> runtime.readDirectory(fs.root()));
    interruptOnce(Kind.READ);
    assertEquals(10, file.callerRuns().tryRead(direct(10), 0));
    interruptOnce(Kind.WRITE);
    assertEquals(10, file.callerRuns().tryWrite(direct(10), 0));
  }

  private void assertMadeAgain(Kind kind, Callable<CompletableFuture<?>> operation) throws Exception {
    interruptOnce(kind);
    Object _ = get(operation.call());
    assertTrue(fs.calls(kind) >= 2, fs.calls(kind) + " calls of " + kind);
  }

  private void interruptOnce(Kind kind) {
    AtomicInteger calls = new AtomicInteger();
    fs.on(kind, _ -> calls.getAndIncrement() == 0 ? Reply.error(Errno.EINTR) : Reply.pass());
    fs.forgetRequests();
  }

  private void assertEnds(Kind kind, Callable<CompletableFuture<?>> operation) throws Exception {
    fs.forgetRequests();
    Throwable failure = Futures.failure(operation.call());
    assertEquals(ErrorKind.INTERRUPTED, ErrorKind.of(failure), failure.toString());
    assertTrue(fs.calls(kind) <= MOST_CALLS, fs.calls(kind) + " calls of " + kind);
    get(runtime.nop());
  }
}
