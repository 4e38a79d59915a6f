package dev.annulus;

import static dev.annulus.Futures.failure;
import static dev.annulus.Futures.get;
import static java.nio.file.StandardOpenOption.CREATE_NEW;
import static java.nio.file.StandardOpenOption.READ;
import static java.nio.file.StandardOpenOption.WRITE;
import static java.util.concurrent.TimeUnit.SECONDS;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import jdk.jfr.Recording;
import jdk.jfr.consumer.RecordedEvent;
import jdk.jfr.consumer.RecordingFile;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;

/** What a recording of the flight recorder says of a runtime. */
abstract class FlightRecorderContract extends BackendContract {
  static final String OPERATION = "dev.annulus.Operation";
  static final String STALL = "dev.annulus.RingStall";

  /** Longer than the events' thresholds. */
  static final Duration LONG = Duration.ofMillis(60);

  /** What is done while it is recorded. */
  interface Body {
    void run() throws Exception;
  }

  /** The events of a name that a recording has, with thresholds or the events' own. */
  final List<RecordedEvent> recorded(String name, boolean all, Body body) throws Exception {
    Path dump = dir.resolve("recording-" + System.nanoTime() + ".jfr");
    try (Recording recording = new Recording()) {
      if (all) {
        recording.enable(name).withThreshold(Duration.ZERO);
      } else {
        recording.enable(name);
      }
      recording.start();
      body.run();
      recording.stop();
      recording.dump(dump);
    }
    return events(dump, name);
  }

  private static List<RecordedEvent> events(Path dump, String name) throws IOException {
    return RecordingFile.readAllEvents(dump).stream().filter(event -> event.getEventType().getName().equals(name)).toList();
  }

  /** The only one of an operation. */
  static RecordedEvent one(List<RecordedEvent> events, String operation) {
    List<RecordedEvent> found = events.stream().filter(event -> event.getString("operation").equals(operation)).toList();
    assertEquals(1, found.size(), () -> operation + " in " + events);
    return found.getFirst();
  }

  // ---- operations ----

  @Test
  void operations_recorded_sayWhatWasDoneAndHowItEnded() throws Exception {
    Path path = dir.resolve("new");
    List<RecordedEvent> events =
        recorded(
            OPERATION,
            true,
            () -> {
              AsyncFile file = open(path, CREATE_NEW, READ, WRITE);
              assertEquals(100, get(file.write(direct(bytes(100, 1)), 5)));
              assertEquals(40, get(file.read(direct(200), 65)));
              get(file.sync(Sync.DATA));
              Throwable _ = failure(runtime.createDirectory(path));
              get(file.closeAsync());
            });

    RecordedEvent write = one(events, "write");
    assertEquals(path.toString(), write.getString("path"));
    assertEquals(5, write.getLong("position"));
    assertEquals(100, write.getLong("length"));
    assertEquals(100, write.getLong("result"));
    assertEquals("", write.getString("errno"));
    assertEquals("completed", write.getString("outcome"));
    assertFalse(write.getBoolean("inline"));
    assertFalse(write.getBoolean("callerRuns"));
    assertEquals(Thread.currentThread().getName(), write.getThread("submitter").getJavaName());
    assertTrue(write.getDuration().compareTo(Duration.ZERO) > 0);

    RecordedEvent read = one(events, "read");
    assertEquals(200, read.getLong("length"));
    assertEquals(40, read.getLong("result"));

    RecordedEvent mkdir = one(events, "mkdir");
    assertEquals("EEXIST", mkdir.getString("errno"));
    assertEquals(-17, mkdir.getLong("result"));
    assertEquals("failed", mkdir.getString("outcome"));
    assertEquals(-1, mkdir.getLong("position"));

    assertEquals(path.toString(), one(events, "open").getString("path"));
    assertEquals(path.toString(), one(events, "fdatasync").getString("path"));
    assertEquals(path.toString(), one(events, "close").getString("path"));
  }

  @Test
  void operation_onTheCallersThread_isMarkedSo() throws Exception {
    AsyncFile file = open(file(bytes(10, 1)), READ);
    List<RecordedEvent> events = recorded(OPERATION, true, () -> get(file.callerRuns().read(direct(10), 0)));
    assertTrue(one(events, "read").getBoolean("callerRuns"));
  }

  @Test
  void operations_shorterThanTheThreshold_areLeftOut() throws Exception {
    Path fifo = fifo();
    List<RecordedEvent> events =
        recorded(
            OPERATION,
            false,
            () -> {
              AsyncFile pipe = open(fifo, READ, WRITE);
              IoFuture<Integer> slow = pipe.read(direct(8), 0);
              pass(LONG);
              feed(fifo, bytes(8, 1));
              assertEquals(8, get(slow));
            });
    // A busy machine may make any other operation slow, too.
    for (RecordedEvent event : events) {
      assertTrue(event.getDuration().toMillis() >= 20, event::toString);
    }
    assertTrue(one(events, "read").getDuration().compareTo(LONG) >= 0, events::toString);
  }

  @Test
  void operation_begunBeforeTheRecording_isLeftOut() throws Exception {
    Path fifo = fifo();
    AsyncFile pipe = open(fifo, READ, WRITE);
    IoFuture<Integer> before = pipe.read(direct(8), 0);
    List<RecordedEvent> events =
        recorded(
            OPERATION,
            true,
            () -> {
              feed(fifo, bytes(8, 1));
              assertEquals(8, get(before));
              get(runtime.nop());
            });
    assertEquals(List.of("nop"), events.stream().map(event -> event.getString("operation")).toList());
  }

  @Test
  void events_notEnabled_areNotThere() throws Exception {
    Path dump = dir.resolve("other.jfr");
    try (Recording recording = new Recording()) {
      recording.disable(OPERATION);
      recording.enable("jdk.ActiveRecording");
      recording.start();
      get(runtime.nop());
      recording.stop();
      recording.dump(dump);
    }
    assertEquals(List.of(), events(dump, OPERATION));
  }

  // ---- stalls ----

  @Test
  void submitter_thatWaitsForRoom_isAStall() throws Exception {
    Path fifo = fifo();
    List<RecordedEvent> stalls =
        recorded(
            STALL,
            false,
            () -> {
              try (IoRuntime small = builder().maxInFlight(1).maxQueued(1).open()) {
                AsyncFile pipe = get(small.openFile(fifo, READ, WRITE));
                IoFuture<Integer> running = pipe.read(direct(8), 0);
                Awaitility.await().until(() -> small.stats().inFlight() == 1 && small.stats().queued() == 0);
                IoFuture<Integer> waiting = pipe.read(direct(8), 0);
                CompletableFuture<Integer> late = new CompletableFuture<>();
                Thread submitter = Thread.ofPlatform().name("submitter").start(() -> chain(pipe.read(direct(8), 0), late));
                Awaitility.await().until(() -> submitter.getState() == Thread.State.WAITING);
                pass(LONG);
                for (CompletableFuture<Integer> read : List.of(running, waiting, late)) {
                  feed(fifo, bytes(8, 1));
                  assertEquals(8, get(read));
                }
                submitter.join();
              }
            });
    RecordedEvent full =
        stalls.stream().filter(event -> event.getString("cause").equals("queue full")).findFirst().orElseThrow();
    assertEquals("submitter", full.getThread().getJavaName());
    assertTrue(full.getDuration().compareTo(LONG) >= 0, full::toString);
  }

  private static <T> void chain(CompletableFuture<T> from, CompletableFuture<T> to) {
    CompletableFuture<T> _ =
        from.whenComplete(
            (value, failure) -> {
              boolean _ = failure == null ? to.complete(value) : to.completeExceptionally(failure);
            });
  }

  /** The stalls of a runtime one of whose dependents took its time. */
  final List<RecordedEvent> stallsOfASlowDependent() throws Exception {
    Path fifo = fifo();
    AsyncFile pipe = open(fifo, READ, WRITE);
    return recorded(
        STALL,
        false,
        () -> {
          CountDownLatch running = new CountDownLatch(1);
          CountDownLatch enough = new CountDownLatch(1);
          CompletableFuture<Boolean> slow =
              pipe.read(direct(8), 0)
                  .thenApply(
                      _ -> {
                        running.countDown();
                        return awaited(enough);
                      });
          feed(fifo, bytes(8, 1));
          assertTrue(running.await(Futures.PATIENCE_SECONDS, SECONDS));
          pass(LONG);
          enough.countDown();
          assertTrue(get(slow));
          // Its round must have ended.
          get(runtime.nop());
        });
  }

  private static boolean awaited(CountDownLatch latch) {
    try {
      return latch.await(Futures.PATIENCE_SECONDS, SECONDS);
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
  }

  /** Lets something last. */
  static void pass(Duration time) {
    Awaitility.await().pollDelay(time).until(() -> true);
  }
}
