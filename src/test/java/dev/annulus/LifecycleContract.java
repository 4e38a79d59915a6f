package dev.annulus;

import static dev.annulus.Futures.failure;
import static dev.annulus.Futures.get;
import static java.nio.file.StandardOpenOption.READ;
import static java.nio.file.StandardOpenOption.WRITE;
import static java.util.concurrent.TimeUnit.SECONDS;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.annulus.testing.ChildJvm;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedChannelException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicInteger;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;

/** The end of a runtime, at all sorts of moments: nothing may be lost, hang, or stay behind. */
abstract class LifecycleContract extends BackendContract {
  private static final Duration SHORT = Duration.ofMillis(300);

  /** What closing may take on top of its limit: cancelling, and a busy machine. */
  private static final Duration SLACK = Duration.ofSeconds(2);

  /** Of this test's runtimes alone. */
  private final String name = "lifecycle-" + System.nanoTime();

  private IoRuntime.Builder named() {
    return builder().threadName(name).closeTimeout(SHORT);
  }

  /** No thread and no descriptor of the closed runtime is there any more, nor any file of this test's open. */
  private void assertNothingStays(IoRuntime closed) throws IOException {
    assertEquals(List.of(), Processes.threadsNamed(name));
    assertEquals(List.of(), openFilesHere());
    assertEquals(0, closed.stats().inFlight());
    assertEquals(0, closed.stats().abandoned(), closed.stats().toString());
    assertEquals(0, closed.stats().staleCompletions());
  }

  private List<String> openFilesHere() throws IOException {
    return Processes.descriptors().stream().filter(target -> target.startsWith(dir.toString())).toList();
  }

  // ---- what happens to operations ----

  /** How many reads that never end may be in flight without keeping others from running. */
  int readsThatNeverEnd() {
    return 50;
  }

  @Test
  void close_withOperationsOfAllKindsInFlight_endsEachOnce() throws Exception {
    IoRuntime other = named().open();
    AsyncFile pipe = get(other.openFile(fifo(), READ, WRITE));
    AsyncFile file = get(other.openFile(file(bytes(4_096, 1)), READ, WRITE));
    AtomicInteger ended = new AtomicInteger();
    List<CompletableFuture<?>> futures = new ArrayList<>();
    for (int i = 0; i < 50; i++) {
      AsyncFile endless = i < readsThatNeverEnd() ? pipe : file;
      futures.add(endless.read(i % 2 == 0 ? direct(8) : ByteBuffer.allocate(8), 0));
      futures.add(file.read(direct(8), i));
      futures.add(file.writeFully(direct(8), i));
      futures.add(file.sync(Sync.DATA));
      futures.add(other.stat(dir));
      futures.add(file.tryLockExclusive());
      futures.add(other.readDirectory(dir));
    }
    List<CompletableFuture<?>> dependents = new ArrayList<>();
    for (CompletableFuture<?> future : futures) {
      dependents.add(future.whenComplete((_, _) -> ended.incrementAndGet()));
    }
    other.close();
    assertTrue(futures.stream().allMatch(CompletableFuture::isDone), "close returned with futures not complete");
    assertTrue(dependents.stream().allMatch(CompletableFuture::isDone));
    assertEquals(futures.size(), ended.get());
    for (int i = 0; i < futures.size(); i++) {
      CompletableFuture<?> future = futures.get(i);
      if (i % 7 == 0 && i / 7 < readsThatNeverEnd()) {
        assertTrue(future.isCompletedExceptionally(), "a read of an empty pipe ended well");
      } else {
        assertFalse(future.isCompletedExceptionally(), () -> "could have ended, but: " + future);
      }
    }
    for (CompletableFuture<?> future : futures) {
      if (future instanceof IoFuture<?> operation) {
        assertNull(get(operation.released()));
      }
    }
    assertNothingStays(other);
  }

  /** With one slot, those that wait must not take it over when its holder is cancelled: they would never end either. */
  @Test
  void close_withMoreThanItCanRunWaiting_holdsNoLongerThanItsLimit() throws Exception {
    IoRuntime narrow = named().maxInFlight(1).open();
    AsyncFile pipe = get(narrow.openFile(fifo(), READ, WRITE));
    List<IoFuture<Integer>> reads = new ArrayList<>();
    for (int i = 0; i < 20; i++) {
      reads.add(pipe.read(direct(8), 0));
    }
    assertClosesInTime(narrow);
    for (IoFuture<Integer> read : reads) {
      assertTrue(read.isCompletedExceptionally());
      assertNull(get(read.released()));
    }
    assertNothingStays(narrow);
  }

  private static void assertClosesInTime(IoRuntime runtime) {
    long start = System.nanoTime();
    runtime.close();
    Duration took = Duration.ofNanos(System.nanoTime() - start);
    assertTrue(took.compareTo(SHORT.plus(SLACK)) < 0, "close took " + took);
  }

  @Test
  void close_withADependentThatGoesOn_endsThatToo() throws Exception {
    IoRuntime other = named().open();
    AsyncFile pipe = get(other.openFile(fifo(), READ, WRITE));
    AtomicInteger tries = new AtomicInteger();
    CompletableFuture<Void> end = readOn(pipe, tries);
    assertClosesInTime(other);
    Futures.settled(end);
    assertEquals(2, tries.get());
    assertNothingStays(other);
  }

  private static CompletableFuture<Void> readOn(AsyncFile pipe, AtomicInteger tries) {
    tries.incrementAndGet();
    return pipe.read(direct(8), 0)
        .handle((_, failure) -> failure)
        .thenCompose(
            failure ->
                failure == null || tries.get() < 2
                    ? readOn(pipe, tries)
                    : CompletableFuture.<Void>failedFuture(failure));
  }

  @Test
  void operations_afterClose_areRefusedInTheFuture() throws Exception {
    IoRuntime other = named().open();
    Path path = file(bytes(10, 1));
    AsyncFile file = get(other.openFile(path, READ));
    other.close();
    for (CompletableFuture<?> future :
        List.of(other.stat(path), other.openFile(path, READ), other.nop(), other.readDirectory(dir))) {
      RejectedExecutionException refused = failure(RejectedExecutionException.class, future);
      Futures.assertNames(refused, "closed");
    }
    IllegalStateException closed =
        assertThrows(IllegalStateException.class, () -> file.read(direct(8), 0).join());
    assertInstanceOf(ClosedChannelException.class, closed.getCause());
    assertNull(get(file.closeAsync()));
    file.close();
    assertNothingStays(other);
  }

  // ---- who closes, and how often ----

  @Test
  void close_fromEightThreadsAtOnce_returnsToAllWhenItIsOver() throws Exception {
    IoRuntime other = named().open();
    AsyncFile pipe = get(other.openFile(fifo(), READ, WRITE));
    IoFuture<Integer> read = pipe.read(direct(8), 0);
    try (ExecutorService threads = Executors.newFixedThreadPool(8)) {
      CyclicBarrier start = new CyclicBarrier(8);
      List<Future<Boolean>> closers = new ArrayList<>();
      for (int i = 0; i < 8; i++) {
        closers.add(
            threads.submit(
                () -> {
                  int _ = start.await();
                  other.close();
                  return read.isDone();
                }));
      }
      for (Future<Boolean> closer : closers) {
        assertTrue(closer.get(Futures.PATIENCE_SECONDS, SECONDS));
      }
    }
    other.close();
    assertNothingStays(other);
  }

  @Test
  void close_inADependent_endsBehindIt() throws Exception {
    IoRuntime other = named().open();
    AsyncFile pipe = get(other.openFile(fifo(), READ, WRITE));
    AsyncFile empty = get(other.openFile(fifo(), READ, WRITE));
    IoFuture<Integer> gate = pipe.read(direct(8), 0);
    IoFuture<Integer> pending = empty.read(direct(8), 0);
    CompletableFuture<Void> closing = gate.thenRun(other::close);
    feed(pipe.path(), bytes(3, 1));
    assertNull(get(closing));
    Futures.settled(pending);
    other.close();
    Awaitility.await().untilAsserted(() -> assertNothingStays(other));
    assertTrue(pending.isCompletedExceptionally());
  }

  @Test
  void close_inAShutdownHook_endsEverything() throws Exception {
    ChildJvm.Result result = ChildJvm.of(ClosesOnExit.class, backend().name(), fifo().toString()).run(60);
    assertEquals(0, result.exitCode(), result.output());
    assertTrue(result.output().contains("closed, read done: true"), result.output());
  }

  /** Leaves a read pending, exits, and closes the runtime in a shutdown hook. */
  static final class ClosesOnExit {
    private ClosesOnExit() {}

    public static void main(String[] args) throws Exception {
      IoRuntime runtime = IoRuntime.builder().backend(Backend.valueOf(args[0])).closeTimeout(SHORT).open();
      AsyncFile pipe = get(runtime.openFile(Path.of(args[1]), READ, WRITE));
      IoFuture<Integer> pending = pipe.read(direct(8), 0);
      Runtime.getRuntime()
          .addShutdownHook(
              new Thread(
                  () -> {
                    runtime.close();
                    System.out.println("closed, read done: " + pending.isDone());
                  }));
      System.exit(0);
    }
  }

  /** The reaper's thread is a daemon: a program that forgets to close ends all the same. */
  @Test
  void runtime_neverClosed_doesNotKeepTheProgramAlive() throws Exception {
    ChildJvm.Result result = ChildJvm.of(ForgetsToClose.class, backend().name(), fifo().toString()).run(60);
    assertEquals(0, result.exitCode(), result.output());
    assertTrue(result.output().contains("main is over"), result.output());
  }

  /** Leaves a read pending, and returns. */
  static final class ForgetsToClose {
    private ForgetsToClose() {}

    public static void main(String[] args) throws Exception {
      IoRuntime runtime = IoRuntime.builder().backend(Backend.valueOf(args[0])).open();
      AsyncFile pipe = get(runtime.openFile(Path.of(args[1]), READ, WRITE));
      IoFuture<Integer> pending = pipe.read(direct(8), 0);
      System.out.println("main is over: " + !pending.isDone());
    }
  }

  @Test
  void close_amidAStormOfSubmissions_losesNoFuture() throws Exception {
    for (int round = 0; round < 5; round++) {
      IoRuntime other = named().maxInFlight(16).maxQueued(64).open();
      AsyncFile file = get(other.openFile(file(bytes(4_096, 1)), READ, WRITE));
      AtomicInteger started = new AtomicInteger();
      AtomicInteger ended = new AtomicInteger();
      CountDownLatch busy = new CountDownLatch(2_000);
      try (ExecutorService threads = Executors.newFixedThreadPool(32)) {
        for (int i = 0; i < 32; i++) {
          int number = i;
          Future<?> _ = threads.submit(() -> submitUntilRefused(other, file, number, started, ended, busy));
        }
        assertTrue(busy.await(Futures.PATIENCE_SECONDS, SECONDS));
        other.close();
      }
      assertEquals(started.get(), ended.get(), "futures that never ended, or ended twice");
      assertNothingStays(other);
    }
  }

  private static void submitUntilRefused(
      IoRuntime runtime, AsyncFile file, int number, AtomicInteger started, AtomicInteger ended, CountDownLatch busy) {
    ByteBuffer buffer = number % 2 == 0 ? direct(64) : ByteBuffer.allocate(64);
    boolean refused = false;
    for (int i = 0; !refused; i++) {
      CompletableFuture<?> future;
      try {
        future =
            switch ((i + number) % 4) {
              case 0 -> runtime.nop();
              case 1 -> file.write(buffer.duplicate(), 64L * number);
              case 2 -> runtime.stat(file.path());
              default -> file.read(buffer.duplicate(), 64L * number);
            };
      } catch (IllegalStateException e) {
        return; // The runtime has closed the file.
      }
      started.incrementAndGet();
      CompletableFuture<?> counted =
          future.whenComplete(
              (_, _) -> {
                ended.incrementAndGet();
                busy.countDown();
              });
      refused = counted.isCompletedExceptionally();
    }
  }

  // ---- what is given back ----

  @Test
  void runtime_withNothingToDo_usesLessThanAHundredthOfAProcessor() throws Exception {
    Path path = file(bytes(4096, 1));
    try (IoRuntime idle = named().open();
        AsyncFile file = get(idle.openFile(path, READ))) {
      for (int i = 0; i < 1000; i++) {
        assertEquals(4096, get(file.read(direct(4096), 0)));
      }
      awaitIdle(idle);
      long enters = idle.stats().enters();
      long before = cpuNanosOfThreads();
      boolean counted = new CountDownLatch(1).await(2, SECONDS);
      long used = cpuNanosOfThreads() - before;
      assertFalse(counted);
      assertTrue(used < Duration.ofSeconds(2).toNanos() / 100, () -> used + " ns of processor time in 2 s");
      // One for the sleep it may not have begun yet, and one for a look around.
      long more = idle.stats().enters() - enters;
      assertTrue(more <= 2, () -> more + " calls of the kernel in 2 s");
    }
  }

  private long cpuNanosOfThreads() {
    ThreadMXBean threads = ManagementFactory.getThreadMXBean();
    return Thread.getAllStackTraces().keySet().stream()
        .filter(thread -> thread.getName().startsWith(name))
        .mapToLong(thread -> Math.max(0, threads.getThreadCpuTime(thread.threadId())))
        .sum();
  }

  @Test
  void files_leftOpen_areClosedWithTheRuntime() throws Exception {
    IoRuntime other = named().open();
    List<AsyncFile> files = new ArrayList<>();
    for (int i = 0; i < 100; i++) {
      files.add(get(other.openFile(file(bytes(10, i)), READ)));
    }
    assertEquals(100, openFilesHere().size());
    other.close();
    assertEquals(List.of(), openFilesHere());
    for (AsyncFile file : files) {
      assertNull(get(file.closeAsync()));
    }
    assertNothingStays(other);
  }

  @Test
  void thousandRuntimes_openedAndClosed_leaveNothingBehind() throws Exception {
    Path path = file(bytes(4_096, 1));
    for (int i = 0; i < 200; i++) {
      openUseAndClose(path);
    }
    int descriptors = Processes.descriptors().size();
    long mappings = Processes.mappings();
    long resident = Processes.residentKib();
    int threads = Thread.getAllStackTraces().size();
    for (int i = 0; i < 1_000; i++) {
      openUseAndClose(path);
    }
    assertEquals(List.of(), Processes.threadsNamed(name));
    assertTrue(Processes.descriptors().size() <= descriptors + 2, () -> "descriptors: " + descriptors + " before");
    assertTrue(Thread.getAllStackTraces().size() <= threads + 2, "threads: " + threads + " before");
    long mappingsNow = Processes.mappings();
    assertTrue(mappingsNow <= mappings + 100, "mappings: " + mappings + " before, now " + mappingsNow);
    long residentNow = Processes.residentKib();
    assertTrue(residentNow <= resident + (200 << 10), "resident: " + resident + " KiB before, now " + residentNow);
  }

  private void openUseAndClose(Path path) throws Exception {
    try (IoRuntime one = named().maxInFlight(8).open()) {
      AsyncFile file = get(one.openFile(path, READ));
      assertEquals(100, get(file.read(ByteBuffer.allocate(100), 0)));
      assertEquals(true, get(file.tryLockExclusive()));
    }
  }
}
