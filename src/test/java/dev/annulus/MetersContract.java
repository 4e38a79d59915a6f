package dev.annulus;

import static dev.annulus.Futures.failure;
import static dev.annulus.Futures.get;
import static java.nio.file.StandardOpenOption.CREATE;
import static java.nio.file.StandardOpenOption.CREATE_NEW;
import static java.nio.file.StandardOpenOption.READ;
import static java.nio.file.StandardOpenOption.WRITE;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.annulus.metrics.IoRuntimeMetrics;
import io.micrometer.core.instrument.Meter;
import io.micrometer.core.instrument.Tag;
import io.micrometer.core.instrument.Tags;
import io.micrometer.core.instrument.Timer;
import io.micrometer.core.instrument.search.Search;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Meters of a runtime: each moves when its cause happens, by the time the future completes, and no other does. */
abstract class MetersContract extends BackendContract {
  final SimpleMeterRegistry registry = new SimpleMeterRegistry();

  @SuppressWarnings("NullAway.Init") // bind
  IoRuntimeMetrics metrics;

  @BeforeEach
  void bind() {
    metrics = bound(runtime, Tags.empty());
  }

  final IoRuntimeMetrics bound(IoRuntime bound, Tags tags) {
    IoRuntimeMetrics made = new IoRuntimeMetrics(bound, tags);
    made.bindTo(registry);
    return made;
  }

  // ---- operations ----

  @Test
  void operations_thatSucceed_areCountedAndTimedByTypeAndRoute() throws Exception {
    AsyncFile file = open(dir.resolve("new"), CREATE_NEW, READ, WRITE);
    assertEquals(10, get(file.write(direct(bytes(10, 1)), 0)));
    get(file.sync(Sync.DATA));
    get(file.sync(Sync.ALL));
    assertEquals(10, get(file.read(direct(10), 0)));
    assertEquals(10, get(file.callerRuns().read(direct(10), 0)));
    assertEquals(10, get(file.size()));
    get(file.closeAsync());
    get(runtime.createDirectory(dir.resolve("directory")));
    assertEquals(2, get(runtime.readDirectory(dir)).size());

    assertEquals(1, timer("open", "submitted").count());
    assertEquals(1, timer("write", "submitted").count());
    assertEquals(2, timer("sync", "submitted").count());
    assertEquals(1, timer("read", "submitted").count());
    assertEquals(1, timer("read", "caller").count());
    assertEquals(1, timer("stat", "submitted").count());
    assertEquals(1, timer("close", "submitted").count());
    assertEquals(1, timer("create_directory", "submitted").count());
    assertEquals(1, timer("list_directory", "submitted").count());
    assertTrue(timer("sync", "submitted").totalTime(TimeUnit.NANOSECONDS) > 0);
    assertEquals(10, count("annulus.operations.submitted"));
    assertEquals(10, count("annulus.operations.completed"));
    assertNoneFailed();
    assertEquals(0, shortTransfers("read") + shortTransfers("write"));
  }

  @Test
  void latency_ofAnOperationThatHangs_isHowLongItTook() throws Exception {
    Path fifo = fifo();
    AsyncFile pipe = open(fifo, READ, WRITE);
    IoFuture<Integer> read = pipe.read(direct(8), 0);
    Duration hung = Duration.ofMillis(60);
    Awaitility.await().pollDelay(hung).until(() -> true);
    feed(fifo, bytes(8, 1));
    assertEquals(8, get(read));
    assertTrue(timer("read", "submitted").max(TimeUnit.MILLISECONDS) >= hung.toMillis(), () -> registry.getMetersAsString());
  }

  @Test
  void writeDurably_isAWriteAndASync() throws Exception {
    AsyncFile file = open(dir.resolve("log"), CREATE, WRITE);
    get(file.writeDurably(direct(bytes(10, 1)), 0));
    assertEquals(1, timer("write", "submitted").count());
    assertEquals(1, timer("sync", "submitted").count());
    assertEquals(3, count("annulus.operations.completed"));
  }

  @Test
  void shortTransfers_atTheEndOfTheFile_areCounted() throws Exception {
    AsyncFile file = open(file(bytes(100, 1)), READ);
    assertEquals(40, get(file.read(direct(200), 60)));
    assertEquals(40, get(file.read(List.of(direct(30), direct(30)), 60)));
    assertEquals(-1, get(file.read(direct(200), 100)));
    assertEquals(50, get(file.read(direct(50), 0)));
    assertEquals(2, shortTransfers("read"));
    assertEquals(0, shortTransfers("write"));
  }

  @Test
  void emptyTransfer_isNoOperation() throws Exception {
    AsyncFile file = open(file(bytes(100, 1)), READ);
    assertEquals(0, get(file.read(direct(0), 60)));
    assertEquals(1, count("annulus.operations.submitted"));
  }

  // ---- failures ----

  @Test
  void failures_areCountedByKind() throws Exception {
    Path existing = file(bytes(10, 1));
    fails(ErrorKind.NOT_FOUND, () -> runtime.stat(missing()));
    fails(ErrorKind.ALREADY_EXISTS, () -> runtime.createDirectory(existing));
    fails(ErrorKind.NOT_A_DIRECTORY, () -> runtime.openFile(existing.resolve("below"), READ));
    Path fullDirectory = Files.createDirectory(dir.resolve("full"));
    fails(ErrorKind.IS_A_DIRECTORY, () -> runtime.deleteFile(fullDirectory));
    Files.createFile(fullDirectory.resolve("file"));
    Path empty = Files.createDirectory(dir.resolve("empty"));
    fails(ErrorKind.DIRECTORY_NOT_EMPTY, () -> runtime.rename(empty, fullDirectory));
    AsyncFile file = open(existing, READ);
    fails(ErrorKind.UNEXPECTED_EOF, () -> file.readFully(direct(11), 0));
    AsyncFile full = open(Path.of("/dev/full"), WRITE);
    fails(ErrorKind.NO_SPACE, () -> full.write(direct(bytes(10, 1)), 0));
    fails(ErrorKind.NO_SPACE, () -> full.callerRuns().write(direct(bytes(10, 1)), 0), 2);
  }

  private void fails(ErrorKind kind, Supplier<? extends CompletableFuture<?>> operation) throws Exception {
    fails(kind, operation, 1);
  }

  private void fails(ErrorKind kind, Supplier<? extends CompletableFuture<?>> operation, int times) throws Exception {
    double before = allFailed();
    assertEquals(kind, ErrorKind.of(failure(operation.get())));
    assertEquals(times, failed(kind), kind::name);
    assertEquals(before + 1, allFailed(), "of other kinds too");
  }

  @Test
  void delete_ofADirectory_isNoFailure() throws Exception {
    get(runtime.delete(Files.createDirectory(dir.resolve("directory"))));
    assertNoneFailed();
  }

  @Test
  void tryLock_ofALockedFile_isNoFailure() throws Exception {
    Path path = file(bytes(10, 1));
    AsyncFile first = open(path, READ, WRITE);
    AsyncFile second = open(path, READ, WRITE);
    assertTrue(get(first.tryLockExclusive()));
    assertEquals(false, get(second.tryLockExclusive()));
    assertNoneFailed();
    assertEquals(2, timer("lock", "submitted").count());
  }

  @Test
  void cancelled_isCounted_whenTheOperationIsOver() throws Exception {
    Path fifo = fifo();
    AsyncFile pipe = open(fifo, READ, WRITE);
    IoFuture<Integer> read = pipe.read(direct(8), 0);
    Awaitility.await().until(() -> runtime.stats().inFlight() == 1);
    assertEquals(0, count("annulus.operations.cancelled"));
    assertTrue(read.cancel(true));
    if (backend() == Backend.PORTABLE) {
      feed(fifo, bytes(8, 1)); // its thread is in the read, and comes out of it in no other way
    }
    get(read.released());
    assertEquals(1, count("annulus.operations.cancelled"));
    assertNoneFailed();
  }

  @Test
  void refused_isCounted_whenTheQueueIsFull() throws Exception {
    Path fifo = fifo();
    try (IoRuntime small = builder().maxInFlight(1).maxQueued(1).whenFull(WhenFull.FAIL).closeTimeout(Duration.ZERO).open();
        IoRuntimeMetrics _ = bound(small, Tags.of("runtime", "small"))) {
      AsyncFile pipe = get(small.openFile(fifo, READ, WRITE));
      IoFuture<Integer> running = pipe.read(direct(8), 0);
      Awaitility.await().until(() -> small.stats().inFlight() == 1 && small.stats().queued() == 0);
      IoFuture<Integer> waiting = pipe.read(direct(8), 0);
      assertEquals(1, gauge("annulus.operations.in.flight", "small"));
      assertEquals(1, gauge("annulus.operations.queued", "small"));
      assertEquals(ErrorKind.WOULD_BLOCK, ErrorKind.of(failure(pipe.read(direct(8), 0))));
      assertEquals(1, registry.get("annulus.operations.refused").tag("runtime", "small").counter().count());
      assertEquals(0, allFailed());

      for (IoFuture<Integer> read : List.of(running, waiting)) {
        feed(fifo, bytes(8, 1));
        assertEquals(8, get(read));
      }
      assertEquals(0, gauge("annulus.operations.queued", "small"));
      Awaitility.await().until(() -> gauge("annulus.operations.in.flight", "small") == 0);
    }
  }

  @Test
  void inlineReads_areCountedByResult() throws Exception {
    try (IoRuntime inline = builder().inlineReads(true).open();
        IoRuntimeMetrics _ = bound(inline, Tags.of("runtime", "inline"))) {
      AsyncFile file = get(inline.openFile(file(bytes(10, 1)), READ));
      assertEquals(10, get(file.read(direct(10), 0)));
      Path fifo = fifo();
      AsyncFile pipe = get(inline.openFile(fifo, READ, WRITE));
      IoFuture<Integer> read = pipe.read(direct(8), 0);
      feed(fifo, bytes(8, 1));
      assertEquals(8, get(read));
      boolean ring = backend() == Backend.IO_URING;
      Search timers = registry.find("annulus.operations.latency").tag("runtime", "inline").tag("operation", "read");
      assertEquals(ring ? 1 : 0, inlineReads("hit"));
      assertEquals(ring ? 1 : 2, inlineReads("miss"));
      assertEquals(
          ring ? List.of("inline", "submitted") : List.of("submitted"),
          timers.timers().stream().map(timer -> timer.getId().getTag("route")).sorted().toList());
    }
  }

  private double inlineReads(String result) {
    return registry.get("annulus.inline.reads").tags("runtime", "inline", "result", result).functionCounter().count();
  }

  // ---- names and tags ----

  @Test
  void meters_always_carryRuntimeAndBackend() throws Exception {
    get(runtime.nop());
    for (Meter meter : registry.getMeters()) {
      assertEquals(runtime.name(), meter.getId().getTag("runtime"), meter.getId()::toString);
      assertEquals(backend().name().toLowerCase(Locale.ROOT), meter.getId().getTag("backend"), meter.getId()::toString);
    }
  }

  @Test
  void meters_areThoseOfTheDocumentation() throws Exception {
    get(runtime.nop());
    String documentation = Files.readString(Path.of("docs/metrics.md"));
    List<String> documented =
        documentation
            .lines()
            .filter(line -> line.startsWith("| `annulus."))
            .map(line -> line.substring(3, line.indexOf('`', 3)))
            .filter(name -> backend() == Backend.IO_URING || !name.startsWith("annulus.ring"))
            .sorted()
            .toList();
    List<String> registered =
        registry.getMeters().stream().map(meter -> meter.getId().getName()).distinct().sorted().toList();
    assertEquals(documented, registered);
  }

  @Test
  void twoRuntimes_ofOneThreadName_haveMetersOfTheirOwn() throws Exception {
    try (IoRuntime second = builder().open();
        IoRuntimeMetrics _ = bound(second, Tags.empty())) {
      assertNotEquals(runtime.name(), second.name());
      get(second.nop());
      assertEquals(1, registry.get("annulus.operations.completed").tag("runtime", second.name()).counter().count());
      assertEquals(0, registry.get("annulus.operations.completed").tag("runtime", runtime.name()).counter().count());
    }
  }

  @Test
  void tagsOfTheUser_replaceOursAndComeOnTop() {
    try (IoRuntime second = builder().open();
        IoRuntimeMetrics _ = bound(second, Tags.of("runtime", "mine", "shard", "7"))) {
      List<Tag> tags = registry.get("annulus.operations.completed").tag("runtime", "mine").counter().getId().getTags();
      assertEquals(
          "backend runtime shard", tags.stream().map(Tag::getKey).sorted().collect(Collectors.joining(" ")));
    }
  }

  // ---- binding and unbinding ----

  @Test
  void bind_again_countsOnce() throws Exception {
    metrics.bindTo(registry);
    get(runtime.nop());
    assertEquals(1, count("annulus.operations.completed"));
  }

  @Test
  void bind_late_leavesOutWhatHadBegunBefore() throws Exception {
    metrics.close();
    Path fifo = fifo();
    AsyncFile pipe = open(fifo, READ, WRITE);
    IoFuture<Integer> read = pipe.read(direct(8), 0);
    metrics.bindTo(registry);
    get(runtime.nop());
    feed(fifo, bytes(8, 1));
    assertEquals(8, get(read));
    assertEquals(1, count("annulus.operations.submitted"));
    assertEquals(1, count("annulus.operations.completed"));
  }

  @Test
  void close_removesTheMeters_andOperationsBringNoneBack() throws Exception {
    Path fifo = fifo();
    AsyncFile pipe = open(fifo, READ, WRITE);
    IoFuture<Integer> read = pipe.read(direct(8), 0);
    metrics.close();
    feed(fifo, bytes(8, 1));
    assertEquals(8, get(read));
    get(runtime.stat(dir));
    assertEquals(List.of(), registry.getMeters());
    metrics.close();
  }

  @Test
  void registry_closed_endsTheBinding() throws Exception {
    registry.close();
    get(runtime.nop());
    assertEquals(List.of(), registry.getMeters());
  }

  @Test
  void runtime_closed_keepsItsMetersWithTheirLastValues() throws Exception {
    AsyncFile left = open(file(bytes(10, 1)), READ);
    runtime.close();
    assertEquals(false, left.isOpen());
    assertEquals(2, count("annulus.operations.completed"), "the opening, and the closing by the runtime");
    assertEquals(0, gauge("annulus.operations.in.flight", runtime.name()));
    assertEquals(ErrorKind.CLOSED, ErrorKind.of(failure(runtime.nop())));
    assertEquals(1, count("annulus.operations.refused"));
    metrics.close();
    assertEquals(List.of(), registry.getMeters());
  }

  @Test
  void listener_thatThrows_harmsNobody() throws Exception {
    runtime.addListener(
        new RuntimeListener() {
          @Override
          public void operationBegan(OperationType type) {
            throw new IllegalStateException("on purpose");
          }

          @Override
          public void operationEnded(OperationEnd end) {
            throw new IllegalStateException("on purpose");
          }

          @Override
          public void batchSubmitted(int entries) {
            throw new IllegalStateException("on purpose");
          }
        });
    get(runtime.nop());
    assertEquals(1, count("annulus.operations.completed"));
  }

  // ---- reading the registry ----

  final double count(String name) {
    return registry.get(name).tag("runtime", runtime.name()).counter().count();
  }

  final double gauge(String name, String runtimeTag) {
    return registry.get(name).tag("runtime", runtimeTag).gauge().value();
  }

  final Timer timer(String operation, String route) {
    return registry
        .get("annulus.operations.latency")
        .tags("runtime", runtime.name(), "operation", operation, "route", route)
        .timer();
  }

  final double shortTransfers(String operation) {
    return registry.get("annulus.transfers.short").tags("runtime", runtime.name(), "operation", operation).counter().count();
  }

  final double failed(ErrorKind kind) {
    String tag = kind.name().toLowerCase(Locale.ROOT);
    return registry.get("annulus.operations.failed").tags("runtime", runtime.name(), "kind", tag).counter().count();
  }

  final double allFailed() {
    return registry.get("annulus.operations.failed").counters().stream().mapToDouble(counter -> counter.count()).sum();
  }

  final void assertNoneFailed() {
    assertEquals(0, allFailed(), registry::getMetersAsString);
  }
}
