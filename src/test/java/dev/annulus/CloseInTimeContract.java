package dev.annulus;

import static dev.annulus.Futures.get;
import static java.nio.file.StandardOpenOption.READ;
import static java.nio.file.StandardOpenOption.WRITE;
import static java.util.concurrent.TimeUnit.SECONDS;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.annulus.testing.CapturedLog;
import dev.annulus.testing.ChildJvm;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Closing a runtime takes its timeout and one second at most, whatever users' code does meanwhile. */
abstract class CloseInTimeContract extends BackendContract {
  private static final Duration TIMEOUT = Duration.ofMillis(200);

  /** The grace that is documented, and a busy machine. */
  private static final Duration MOST = TIMEOUT.plusSeconds(1).plusMillis(700);

  private final String name = "in-time-" + System.nanoTime();
  private final CountDownLatch free = new CountDownLatch(1);

  @SuppressWarnings("NullAway.Init") // setUp
  private CapturedLog log;

  @SuppressWarnings("NullAway.Init") // setUp
  private IoRuntime other;

  @BeforeEach
  final void setUp() {
    log = new CapturedLog();
    other = named().open();
  }

  private IoRuntime.Builder named() {
    return builder().threadName(name).closeTimeout(TIMEOUT);
  }

  @AfterEach
  final void freeAll() {
    free.countDown();
    other.close();
    Awaitility.await().untilAsserted(() -> assertEquals(List.of(), Processes.threadsNamed(name)));
    Awaitility.await().untilAsserted(() -> assertEquals(List.of(), openFilesHere()));
    log.close();
  }

  private List<String> openFilesHere() throws Exception {
    return Processes.descriptors().stream().filter(target -> target.startsWith(dir.toString())).toList();
  }

  /** Blocks as no interrupt can end, until the test is over. */
  final void heldByTheTest() {
    boolean interrupted = false;
    while (free.getCount() > 0) {
      try {
        assertTrue(free.await(Futures.PATIENCE_SECONDS, SECONDS));
      } catch (InterruptedException e) {
        interrupted = true;
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  final IoRuntime other() {
    return other;
  }

  final void assertClosesInTime() {
    assertClosesInTime(other);
  }

  private static void assertClosesInTime(IoRuntime closed) {
    long start = System.nanoTime();
    closed.close();
    Duration took = Duration.ofNanos(System.nanoTime() - start);
    assertTrue(took.compareTo(MOST) < 0, () -> "close took " + took);
  }

  /** A dependent of a future that holds the thread on which it is completed. */
  final CompletableFuture<Void> holdTheThread(CountDownLatch holding) throws Exception {
    Path fifo = fifo();
    AsyncFile pipe = get(other.openFile(fifo, READ, WRITE));
    CompletableFuture<Void> held =
        pipe.read(direct(8), 0)
            .thenAccept(
                _ -> {
                  holding.countDown();
                  heldByTheTest();
                });
    feed(fifo, bytes(8, 1));
    assertTrue(holding.await(Futures.PATIENCE_SECONDS, SECONDS));
    return held;
  }

  @Test
  void close_withADependentThatBlocks_endsAllFuturesInTimeAndNamesIt() throws Exception {
    AsyncFile file = get(other.openFile(file(bytes(100, 1)), READ, WRITE));
    AsyncFile pipe = get(other.openFile(fifo(), READ, WRITE));
    List<CompletableFuture<?>> futures = new ArrayList<>();
    futures.add(pipe.read(direct(8), 0));
    Awaitility.await().until(() -> other.stats().inFlight() == 1);
    CompletableFuture<Void> held = holdTheThread(new CountDownLatch(1));
    for (int i = 0; i < 20; i++) {
      futures.add(file.read(direct(10), i));
      futures.add(file.sync(Sync.DATA));
      futures.add(file.writeFully(direct(5), i));
      futures.add(other.stat(dir));
      futures.add(other.readDirectory(dir));
    }
    futures.add(file.closeAsync());
    assertClosesInTime();
    for (CompletableFuture<?> future : futures) {
      assertTrue(future.isDone(), () -> "not ended: " + future);
    }
    assertFalse(held.isDone());
    assertFalse(log.messagesWith("closed", "heldByTheTest").isEmpty(), () -> log.messages().toString());
    free.countDown();
    get(held);
    Awaitility.await().untilAsserted(() -> assertEquals(0, other.stats().inFlight()));
  }

  /** What was lent comes back when the thread does. */
  @Test
  void close_withADependentThatBlocksForAWhile_givesBackWhatWasLentWhenItIsOver() throws Exception {
    AsyncFile pipe = get(other.openFile(fifo(), READ, WRITE));
    IoFuture<Integer> read = pipe.read(direct(8), 0);
    CompletableFuture<Void> held = holdTheThread(new CountDownLatch(1));
    assertClosesInTime();
    assertTrue(read.isCompletedExceptionally());
    free.countDown();
    get(held);
    get(read.released());
  }

  /** What ends the futures must not be held up by one of them. */
  @Test
  void close_withDependentsThatAllBlock_endsAllFutures() throws Exception {
    AsyncFile file = get(other.openFile(file(bytes(100, 1)), READ, WRITE));
    CompletableFuture<Void> held = holdTheThread(new CountDownLatch(1));
    List<CompletableFuture<?>> futures = new ArrayList<>();
    for (int i = 0; i < 40; i++) {
      CompletableFuture<?> future = file.read(direct(10), i);
      futures.add(future);
      CompletableFuture<?> _ = future.whenComplete((_, _) -> heldByTheTest());
    }
    assertClosesInTime();
    for (CompletableFuture<?> future : futures) {
      assertTrue(future.isDone(), () -> "not ended: " + future);
    }
    assertFalse(held.isDone());
  }

  @Test
  void close_withADependentThatBlocksAHelperThread_returnsInTime() throws Exception {
    CountDownLatch holding = new CountDownLatch(1);
    Path fifo = fifo();
    AsyncFile pipe = get(other.openFile(fifo, READ, WRITE));
    CompletableFuture<Void> held =
        pipe.read(direct(8), 0)
            .thenCompose(_ -> other.readDirectory(dir))
            .thenAccept(
                _ -> {
                  holding.countDown();
                  heldByTheTest();
                });
    feed(fifo, bytes(8, 1));
    assertTrue(holding.await(Futures.PATIENCE_SECONDS, SECONDS));
    assertClosesInTime();
    assertFalse(held.isDone());
    assertFalse(log.messagesWith("heldByTheTest").isEmpty(), () -> log.messages().toString());
  }

  @Test
  void close_byEightThreadsWithADependentThatBlocks_returnsInTimeToAll() throws Exception {
    CompletableFuture<Void> held = holdTheThread(new CountDownLatch(1));
    try (ExecutorService threads = Executors.newFixedThreadPool(8)) {
      List<Future<?>> closers = new ArrayList<>();
      for (int i = 0; i < 8; i++) {
        closers.add(threads.submit(() -> assertClosesInTime()));
      }
      for (Future<?> closer : closers) {
        Object _ = closer.get(Futures.PATIENCE_SECONDS, SECONDS);
      }
    }
    assertFalse(held.isDone());
  }

  @Test
  void close_inTheDependentThatThenBlocks_endsEverythingBehindIt() throws Exception {
    AsyncFile pipe = get(other.openFile(fifo(), READ, WRITE));
    IoFuture<Integer> pending = pipe.read(direct(8), 0);
    CountDownLatch closed = new CountDownLatch(1);
    Path fifo = fifo();
    AsyncFile fed = get(other.openFile(fifo, READ, WRITE));
    CompletableFuture<Void> held =
        fed.read(direct(8), 0)
            .thenAccept(
                _ -> {
                  other.close();
                  closed.countDown();
                  heldByTheTest();
                });
    feed(fifo, bytes(8, 1));
    assertTrue(closed.await(Futures.PATIENCE_SECONDS, SECONDS));
    Futures.settled(pending);
    assertClosesInTime();
    assertFalse(held.isDone());
  }

  @Test
  void close_inAShutdownHookWhileADependentExits_returnsInTime() throws Exception {
    ChildJvm.Result result = ChildJvm.of(ExitsInADependent.class, backend().name(), fifo().toString()).run(60);
    assertEquals(7, result.exitCode(), result.output());
    assertTrue(result.output().contains("closed in time: true, read done: true"), result.output());
  }

  /** Exits in a dependent, on the runtime's thread, and closes the runtime in a shutdown hook. */
  static final class ExitsInADependent {
    private ExitsInADependent() {}

    public static void main(String[] args) throws Exception {
      IoRuntime runtime = IoRuntime.builder().backend(Backend.valueOf(args[0])).closeTimeout(TIMEOUT).open();
      AsyncFile pipe = get(runtime.openFile(Path.of(args[1]), READ, WRITE));
      IoFuture<Integer> pending = pipe.read(direct(8), 0);
      Runtime.getRuntime()
          .addShutdownHook(
              new Thread(
                  () -> {
                    long start = System.nanoTime();
                    runtime.close();
                    boolean inTime = System.nanoTime() - start < MOST.toNanos();
                    System.out.println("closed in time: " + inTime + ", read done: " + pending.isDone());
                  }));
      CompletableFuture<Void> never = runtime.stat(Path.of(args[1])).thenRun(() -> System.exit(7));
      get(never);
    }
  }

  /** A file's name stays that of a file after all this. */
  @Test
  void close_withADependentThatBlocks_leavesTheFilesAsTheyWere() throws Exception {
    Path path = file(bytes(100, 1));
    AsyncFile file = get(other.openFile(path, READ, WRITE));
    CompletableFuture<Void> held = holdTheThread(new CountDownLatch(1));
    CompletableFuture<Void> write = file.writeFully(direct(bytes(50, 2)), 0);
    assertClosesInTime();
    assertTrue(write.isCompletedExceptionally());
    free.countDown();
    get(held);
    Awaitility.await().untilAsserted(() -> assertEquals(List.of(), Processes.threadsNamed(name)));
    // It was never begun, and said so.
    assertEquals(ErrorKind.CLOSED, ErrorKind.of(Futures.failure(write)));
    assertEquals(100, Files.size(path));
  }
}
