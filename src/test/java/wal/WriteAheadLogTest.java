package wal;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;
import static java.util.concurrent.TimeUnit.SECONDS;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.annulus.Backend;
import dev.annulus.ErrorKind;
import dev.annulus.IoRuntime;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.EnumSource;

/** Appending, acknowledging, rolling over, closing, failing: on each backend. */
@ParameterizedClass
@EnumSource(names = {"IO_URING", "PORTABLE"})
@Timeout(120)
class WriteAheadLogTest {
  @TempDir Path dir;

  private final IoRuntime runtime;

  WriteAheadLogTest(Backend backend) {
    runtime = IoRuntime.builder().backend(backend).open();
  }

  @AfterEach
  void closeRuntime() {
    runtime.close();
  }

  @Test
  void append_byManyProducers_keepsEveryRecordInOrderOfItsNumber() throws Exception {
    int producers = 64;
    int each = 200;
    List<List<Long>> sequences = new ArrayList<>();
    try (WriteAheadLog log = open(new ArrayList<>())) {
      List<Thread> threads = new ArrayList<>();
      for (int producer = 0; producer < producers; producer++) {
        List<Long> own = new ArrayList<>();
        sequences.add(own);
        int number = producer;
        threads.add(Thread.ofVirtual().start(() -> appendMany(log, number, each, own)));
      }
      for (Thread thread : threads) {
        assertTrue(thread.join(Duration.ofSeconds(60)), "a producer does not end");
      }
      assertTrue(log.batches() < (long) producers * each, "no two records shared a sync");
    }
    assertTrue(LogFixture.segments(dir).size() > 10, "the log did not roll over");
    List<byte[]> found = LogFixture.recover(runtime, dir);
    assertEquals(producers * each, found.size());
    for (int producer = 0; producer < producers; producer++) {
      assertEquals(each, sequences.get(producer).size());
      for (int i = 0; i < each; i++) {
        byte[] record = found.get(sequences.get(producer).get(i).intValue());
        assertEquals(producer + ":" + i, new String(record, UTF_8));
      }
    }
  }

  private static void appendMany(WriteAheadLog log, int producer, int count, List<Long> sequences) {
    for (int i = 0; i < count; i++) {
      sequences.add(log.append(ByteBuffer.wrap((producer + ":" + i).getBytes(UTF_8))).join());
    }
  }

  @Test
  void append_acknowledged_isInTheFileAlready() throws Exception {
    try (WriteAheadLog log = open(new ArrayList<>())) {
      for (int i = 0; i < 50; i++) {
        byte[] payload = ("record " + i).getBytes(UTF_8);
        String contents = log.append(ByteBuffer.wrap(payload)).thenApply(_ -> contentsOfSegments()).get(20, SECONDS);
        assertTrue(contents.contains("record " + i), "record " + i + " was acknowledged, but is not there");
      }
    }
  }

  private String contentsOfSegments() {
    StringBuilder contents = new StringBuilder();
    try {
      for (Path segment : LogFixture.segments(dir)) {
        contents.append(new String(Files.readAllBytes(segment), ISO_8859_1));
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return contents.toString();
  }

  @Test
  void append_byDependentsOfItself_goesOnForEver() throws Exception {
    CompletableFuture<Void> done = new CompletableFuture<>();
    try (WriteAheadLog log = open(new ArrayList<>())) {
      chain(log, 2_000, done);
      done.get(60, SECONDS);
    }
    assertEquals(2_000, LogFixture.recover(runtime, dir).size());
  }

  private static void chain(WriteAheadLog log, int left, CompletableFuture<Void> done) {
    if (left == 0) {
      done.complete(null);
      return;
    }
    var _ =
        log.append(ByteBuffer.allocate(10))
            .whenComplete(
                (_, failure) -> {
                  if (failure == null) {
                    chain(log, left - 1, done);
                  } else {
                    done.completeExceptionally(failure);
                  }
                });
  }

  @Test
  void append_tooLargeOrTooMuchOrClosed_isRefusedAndLeavesNoTrace() throws Exception {
    HoldingExecutor executor = new HoldingExecutor();
    try (IoRuntime held = IoRuntime.builder().backend(runtime.backend()).completionExecutor(executor).open()) {
      WriteAheadLog log = LogFixture.open(held, dir, new ArrayList<>());
      int largest = LogFixture.SMALL.batchBytes() - RecordFormat.HEADER_BYTES;
      assertThrows(IllegalArgumentException.class, () -> log.append(ByteBuffer.allocate(largest + 1)));

      executor.hold(); // the log does not hear of the end of its first batch
      CompletableFuture<Long> first = log.append(ByteBuffer.allocate(0));
      CompletableFuture<Long> second = log.append(ByteBuffer.allocate(largest));
      CompletableFuture<Long> third = log.append(ByteBuffer.allocate(largest));
      ExecutionException failure = assertThrows(ExecutionException.class, () -> third.get(10, SECONDS));
      assertInstanceOf(RejectedExecutionException.class, failure.getCause());
      assertFalse(first.isDone() || second.isDone());
      executor.goOn();

      assertEquals(0, first.get(20, SECONDS));
      assertEquals(1, second.get(20, SECONDS));
      assertEquals(2, log.append(ByteBuffer.allocate(1)).get(20, SECONDS), "what was refused got no number");
      log.close();
      assertThrows(IllegalStateException.class, () -> log.append(ByteBuffer.allocate(1)));
      log.close();
    }
    assertEquals(3, LogFixture.recover(runtime, dir).size());
  }

  /** Runs what it is given at once, or keeps it until told to go on. */
  private static final class HoldingExecutor implements Executor {
    private final Queue<Runnable> kept = new ArrayDeque<>();
    private boolean holding;

    @Override
    public void execute(Runnable task) {
      synchronized (this) {
        if (holding) {
          kept.add(task);
          return;
        }
      }
      task.run();
    }

    synchronized void hold() {
      holding = true;
    }

    void goOn() {
      List<Runnable> tasks;
      synchronized (this) {
        holding = false;
        tasks = List.copyOf(kept);
      }
      tasks.forEach(Runnable::run);
    }
  }

  @Test
  void close_withRecordsWaiting_makesThemDurableFirst() throws Exception {
    for (int round = 0; round < 20; round++) {
      Path own = dir.resolve("log-" + round);
      WriteAheadLog log = LogFixture.open(runtime, own, new ArrayList<>());
      List<CompletableFuture<Long>> records = new ArrayList<>();
      for (int i = 0; i < 40; i++) {
        records.add(log.append(ByteBuffer.allocate(20)));
      }
      log.closeAsync().get(20, SECONDS);
      for (CompletableFuture<Long> record : records) {
        assertTrue(record.isDone() && !record.isCompletedExceptionally(), "closed before a record was durable");
      }
      assertEquals(40, LogFixture.recover(runtime, own).size());
    }
  }

  @Test
  void open_ofALogInUse_isRefusedAndWorksOnceItIsClosed() throws Exception {
    try (WriteAheadLog _ = open(new ArrayList<>())) {
      IOException failure = assertThrows(IOException.class, () -> open(new ArrayList<>()));
      assertTrue(failure.getMessage().contains("in use"), failure::toString);
    }
    open(new ArrayList<>()).close();
  }

  @Test
  void log_openedAgainAndAgain_goesOnWhereItEnded() throws Exception {
    long seed = System.nanoTime();
    Random random = new Random(seed);
    List<byte[]> expected = new ArrayList<>();
    for (int round = 0; round < 12; round++) {
      List<byte[]> found = new ArrayList<>();
      try (WriteAheadLog log = open(found)) {
        assertSame(expected, found, seed);
        for (int i = random.nextInt(60); i > 0; i--) {
          expected.add(LogFixture.payload(random));
          long sequence = log.append(ByteBuffer.wrap(expected.getLast())).get(20, SECONDS);
          assertEquals(expected.size() - 1, sequence, () -> "seed " + seed);
        }
      }
    }
    assertSame(expected, LogFixture.recover(runtime, dir), seed);
  }

  private static void assertSame(List<byte[]> expected, List<byte[]> found, long seed) {
    assertEquals(expected.size(), found.size(), () -> "seed " + seed);
    for (int i = 0; i < expected.size(); i++) {
      int record = i;
      assertArrayEquals(expected.get(i), found.get(i), () -> "record " + record + "; seed " + seed);
    }
  }

  /** A file system that fills up, in earnest. What was acknowledged until then is there; nothing is acknowledged afterwards. */
  @Test
  void append_onAFullFileSystem_failsForGoodAndLosesNothingAcknowledged() throws Exception {
    Path mount = Files.createDirectory(dir.resolve("small"));
    mountTmpfs(mount, "96k");
    try {
      Path own = mount.resolve("log");
      List<byte[]> acknowledged = new ArrayList<>();
      WriteAheadLog log = LogFixture.open(runtime, own, new ArrayList<>());
      Throwable failure = null;
      for (int i = 0; i < 2_000 && failure == null; i++) {
        byte[] payload = ("record " + i).repeat(10).getBytes(UTF_8);
        try {
          long _ = log.append(ByteBuffer.wrap(payload)).get(20, SECONDS);
          acknowledged.add(payload);
        } catch (ExecutionException e) {
          failure = e.getCause();
        }
      }
      assertInstanceOf(WriteAheadLog.FailedException.class, failure);
      assertEquals(ErrorKind.NO_SPACE, ErrorKind.of(failure), failure::toString);

      assertEquals(0, run("mount", "-o", "remount,size=1m", mount.toString()));
      assertFails(log); // room again does not make the log trustworthy again
      log.close();

      List<byte[]> found = LogFixture.recover(runtime, own);
      assertTrue(acknowledged.size() > 10 && found.size() >= acknowledged.size(), () -> "acknowledged records are lost");
      assertSame(acknowledged, found.subList(0, acknowledged.size()), 0);
    } finally {
      run("umount", mount.toString());
    }
  }

  @Test
  void append_afterAFailedWrite_failsForGoodAndLosesNothingAcknowledged() throws Exception {
    WriteAheadLog log = open(new ArrayList<>());
    LogFixture.append(log, List.of(new byte[10], new byte[20]));
    runtime.close(); // every operation of the log fails from here on

    List<CompletableFuture<Long>> late = new ArrayList<>();
    for (int i = 0; i < 10; i++) {
      late.add(log.append(ByteBuffer.allocate(10)));
    }
    for (CompletableFuture<Long> record : late) {
      assertInstanceOf(
          WriteAheadLog.FailedException.class, assertThrows(ExecutionException.class, () -> record.get(10, SECONDS)).getCause());
    }
    assertFails(log);
    log.closeAsync().get(20, SECONDS);

    try (IoRuntime other = IoRuntime.open()) {
      assertTrue(LogFixture.recover(other, dir).size() >= 2, "acknowledged records are lost");
    }
  }

  private static void assertFails(WriteAheadLog log) {
    ExecutionException failure = assertThrows(ExecutionException.class, () -> log.append(ByteBuffer.allocate(1)).get(10, SECONDS));
    assertInstanceOf(WriteAheadLog.FailedException.class, failure.getCause());
    assertFalse(failure.getCause().getMessage().isEmpty());
  }

  private WriteAheadLog open(List<byte[]> found) throws IOException {
    return LogFixture.open(runtime, dir, found);
  }

  private static void mountTmpfs(Path mount, String size) throws Exception {
    int exit = run("mount", "-t", "tmpfs", "-o", "size=" + size, "tmpfs", mount.toString());
    if (exit != 0) {
      System.out.println("SKIPPED: a small tmpfs cannot be mounted here (needs root)");
    }
    Assumptions.assumeTrue(exit == 0, "mount failed");
  }

  private static int run(String... command) throws IOException, InterruptedException {
    return new ProcessBuilder(command).inheritIO().start().waitFor();
  }
}
