package dev.annulus;

import static java.nio.file.StandardOpenOption.READ;
import static java.nio.file.StandardOpenOption.WRITE;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * All methods of {@link CompletableFuture} on the future of an operation that runs for ever: those that end it give up the operation too, and
 * the others leave it alone. A method that a later JDK adds is found missing here.
 */
@Timeout(60)
class CompletionMethodsTest extends BackendContract {
  /** When {@link IoFuture#released} is asked for. */
  enum Asked {
    BEFORE,
    AFTER,
    NEVER
  }

  private interface Call {
    void on(CompletableFuture<Integer> future) throws Exception;
  }

  /** By name and number of parameters. */
  private static final Map<String, Call> ENDING = new TreeMap<>();

  private static final Map<String, Call> HARMLESS = new TreeMap<>();

  static {
    ENDING.put("cancel/1", f -> assertTrue(f.cancel(true)));
    ENDING.put("complete/1", f -> assertTrue(f.complete(1)));
    ENDING.put("completeExceptionally/1", f -> assertTrue(f.completeExceptionally(new IllegalStateException("by the test"))));
    ENDING.put("completeAsync/1", f -> assertEquals(f, f.completeAsync(() -> 1)));
    ENDING.put("completeAsync/2", f -> assertEquals(f, f.completeAsync(() -> 1, Runnable::run)));
    ENDING.put("completeOnTimeout/3", f -> assertEquals(f, f.completeOnTimeout(1, 1, TimeUnit.MILLISECONDS)));
    ENDING.put("orTimeout/2", f -> assertEquals(f, f.orTimeout(1, TimeUnit.MILLISECONDS)));
    ENDING.put("obtrudeValue/1", f -> f.obtrudeValue(1));
    ENDING.put("obtrudeException/1", f -> f.obtrudeException(new IllegalStateException("by the test")));

    CompletableFuture<Integer> other = new CompletableFuture<>();
    HARMLESS.put("copy/0", f -> f.copy().cancel(true));
    HARMLESS.put("minimalCompletionStage/0", f -> f.minimalCompletionStage().toCompletableFuture().cancel(true));
    HARMLESS.put("toCompletableFuture/0", f -> assertEquals(f, f.toCompletableFuture()));
    HARMLESS.put("newIncompleteFuture/0", f -> f.newIncompleteFuture().cancel(true));
    HARMLESS.put("defaultExecutor/0", CompletableFuture::defaultExecutor);
    HARMLESS.put("getNow/1", f -> assertEquals(7, f.getNow(7)));
    HARMLESS.put("get/2", f -> fails(() -> f.get(1, TimeUnit.MILLISECONDS)));
    HARMLESS.put("resultNow/0", f -> fails(f::resultNow));
    HARMLESS.put("exceptionNow/0", f -> fails(f::exceptionNow));
    HARMLESS.put("isDone/0", f -> assertFalse(f.isDone()));
    HARMLESS.put("isCancelled/0", f -> assertFalse(f.isCancelled()));
    HARMLESS.put("isCompletedExceptionally/0", f -> assertFalse(f.isCompletedExceptionally()));
    HARMLESS.put("state/0", f -> assertEquals(java.util.concurrent.Future.State.RUNNING, f.state()));
    HARMLESS.put("getNumberOfDependents/0", CompletableFuture::getNumberOfDependents);
    HARMLESS.put("toString/0", f -> assertFalse(f.toString().isEmpty()));
    HARMLESS.put("thenApply/1", f -> f.thenApply(x -> x).cancel(true));
    HARMLESS.put("thenApplyAsync/1", f -> f.thenApplyAsync(x -> x).cancel(true));
    HARMLESS.put("thenApplyAsync/2", f -> f.thenApplyAsync(x -> x, Runnable::run).cancel(true));
    HARMLESS.put("thenAccept/1", f -> f.thenAccept(_ -> {}).cancel(true));
    HARMLESS.put("thenAcceptAsync/1", f -> f.thenAcceptAsync(_ -> {}).cancel(true));
    HARMLESS.put("thenAcceptAsync/2", f -> f.thenAcceptAsync(_ -> {}, Runnable::run).cancel(true));
    HARMLESS.put("thenRun/1", f -> f.thenRun(() -> {}).cancel(true));
    HARMLESS.put("thenRunAsync/1", f -> f.thenRunAsync(() -> {}).cancel(true));
    HARMLESS.put("thenRunAsync/2", f -> f.thenRunAsync(() -> {}, Runnable::run).cancel(true));
    HARMLESS.put("thenCombine/2", f -> f.thenCombine(other, (x, _) -> x).cancel(true));
    HARMLESS.put("thenCombineAsync/2", f -> f.thenCombineAsync(other, (x, _) -> x).cancel(true));
    HARMLESS.put("thenCombineAsync/3", f -> f.thenCombineAsync(other, (x, _) -> x, Runnable::run).cancel(true));
    HARMLESS.put("thenAcceptBoth/2", f -> f.thenAcceptBoth(other, (_, _) -> {}).cancel(true));
    HARMLESS.put("thenAcceptBothAsync/2", f -> f.thenAcceptBothAsync(other, (_, _) -> {}).cancel(true));
    HARMLESS.put("thenAcceptBothAsync/3", f -> f.thenAcceptBothAsync(other, (_, _) -> {}, Runnable::run).cancel(true));
    HARMLESS.put("runAfterBoth/2", f -> f.runAfterBoth(other, () -> {}).cancel(true));
    HARMLESS.put("runAfterBothAsync/2", f -> f.runAfterBothAsync(other, () -> {}).cancel(true));
    HARMLESS.put("runAfterBothAsync/3", f -> f.runAfterBothAsync(other, () -> {}, Runnable::run).cancel(true));
    HARMLESS.put("applyToEither/2", f -> f.applyToEither(other, x -> x).cancel(true));
    HARMLESS.put("applyToEitherAsync/2", f -> f.applyToEitherAsync(other, x -> x).cancel(true));
    HARMLESS.put("applyToEitherAsync/3", f -> f.applyToEitherAsync(other, x -> x, Runnable::run).cancel(true));
    HARMLESS.put("acceptEither/2", f -> f.acceptEither(other, _ -> {}).cancel(true));
    HARMLESS.put("acceptEitherAsync/2", f -> f.acceptEitherAsync(other, _ -> {}).cancel(true));
    HARMLESS.put("acceptEitherAsync/3", f -> f.acceptEitherAsync(other, _ -> {}, Runnable::run).cancel(true));
    HARMLESS.put("runAfterEither/2", f -> f.runAfterEither(other, () -> {}).cancel(true));
    HARMLESS.put("runAfterEitherAsync/2", f -> f.runAfterEitherAsync(other, () -> {}).cancel(true));
    HARMLESS.put("runAfterEitherAsync/3", f -> f.runAfterEitherAsync(other, () -> {}, Runnable::run).cancel(true));
    HARMLESS.put("thenCompose/1", f -> f.thenCompose(_ -> other).cancel(true));
    HARMLESS.put("thenComposeAsync/1", f -> f.thenComposeAsync(_ -> other).cancel(true));
    HARMLESS.put("thenComposeAsync/2", f -> f.thenComposeAsync(_ -> other, Runnable::run).cancel(true));
    HARMLESS.put("whenComplete/1", f -> f.whenComplete((_, _) -> {}).cancel(true));
    HARMLESS.put("whenCompleteAsync/1", f -> f.whenCompleteAsync((_, _) -> {}).cancel(true));
    HARMLESS.put("whenCompleteAsync/2", f -> f.whenCompleteAsync((_, _) -> {}, Runnable::run).cancel(true));
    HARMLESS.put("handle/1", f -> f.handle((x, _) -> x).cancel(true));
    HARMLESS.put("handleAsync/1", f -> f.handleAsync((x, _) -> x).cancel(true));
    HARMLESS.put("handleAsync/2", f -> f.handleAsync((x, _) -> x, Runnable::run).cancel(true));
    HARMLESS.put("exceptionally/1", f -> f.exceptionally(_ -> 1).cancel(true));
    HARMLESS.put("exceptionallyAsync/1", f -> f.exceptionallyAsync(_ -> 1).cancel(true));
    HARMLESS.put("exceptionallyAsync/2", f -> f.exceptionallyAsync(_ -> 1, Runnable::run).cancel(true));
    HARMLESS.put("exceptionallyCompose/1", f -> f.exceptionallyCompose(_ -> other).cancel(true));
    HARMLESS.put("exceptionallyComposeAsync/1", f -> f.exceptionallyComposeAsync(_ -> other).cancel(true));
    HARMLESS.put("exceptionallyComposeAsync/2", f -> f.exceptionallyComposeAsync(_ -> other, Runnable::run).cancel(true));
    HARMLESS.put("allOf/1", f -> CompletableFuture.allOf(f, other).cancel(true));
    HARMLESS.put("anyOf/1", f -> CompletableFuture.anyOf(f, other).cancel(true));
  }

  /** They wait until the operation is over; its end is tested elsewhere. */
  private static final List<String> WAITING = List.of("get/0", "join/0");

  /** Static methods that make futures of other things. */
  private static final List<String> ELSEWHERE =
      List.of(
          "completedFuture/1", "completedStage/1", "delayedExecutor/2", "delayedExecutor/3", "failedFuture/1", "failedStage/1",
          "runAsync/1", "runAsync/2", "supplyAsync/1", "supplyAsync/2");

  @Override
  Backend backend() {
    return Backend.IO_URING; // where an operation that was given up ends by itself; the futures are the same on both
  }

  private interface Failing {
    Object call() throws Exception;
  }

  private static void fails(Failing call) {
    try {
      Object value = call.call();
      throw new AssertionError("gave " + value);
    } catch (Exception e) {
      // It has no result yet.
    }
  }

  @Test
  void methodsOfTheFuture_allOfThem_areTested() {
    TreeSet<String> known = new TreeSet<>(ENDING.keySet());
    known.addAll(HARMLESS.keySet());
    known.addAll(WAITING);
    known.addAll(ELSEWHERE);
    TreeSet<String> there = new TreeSet<>();
    for (Method method : CompletableFuture.class.getMethods()) {
      if (method.getDeclaringClass() != Object.class && !Modifier.isVolatile(method.getModifiers())) {
        there.add(method.getName() + "/" + method.getParameterCount());
      }
    }
    there.removeAll(known);
    assertEquals(new TreeSet<String>(), there, "methods that no test calls");
  }

  static Stream<Object[]> endings() {
    List<Object[]> cases = new ArrayList<>();
    ENDING.keySet().forEach(name -> Stream.of(Asked.values()).forEach(asked -> cases.add(new Object[] {name, asked})));
    return cases.stream();
  }

  /** More than there are slots: were one kept, the last would never begin. */
  @ParameterizedTest
  @MethodSource("endings")
  void earlyEnd_byEachMethod_givesSlotAndLeaseBack(String name, Asked asked) throws Exception {
    Call call = ENDING.get(name);
    try (IoRuntime narrow = builder().maxInFlight(2).open()) {
      AsyncFile file = narrow.openFile(fifo(), READ, WRITE).get(10, TimeUnit.SECONDS);
      for (int i = 0; i < 5; i++) {
        IoFuture<Integer> read = file.read(ByteBuffer.allocateDirect(8), 0);
        CompletableFuture<Void> released = asked == Asked.BEFORE ? read.released() : null;
        Objects.requireNonNull(call).on(read);
        Object _ = read.handle((_, _) -> 0).get(10, TimeUnit.SECONDS);
        if (asked == Asked.AFTER) {
          released = read.released();
        }
        if (released != null) {
          Object _ = released.get(10, TimeUnit.SECONDS);
        }
      }
      Object _ = file.closeAsync().get(10, TimeUnit.SECONDS);
      awaitIdle(narrow);
    }
  }

  static Stream<String> harmless() {
    return HARMLESS.keySet().stream();
  }

  @ParameterizedTest
  @MethodSource("harmless")
  void otherMethod_ofAnOperationThatRuns_doesNotEndIt(String name) throws Exception {
    try (AsyncFile pipe = open(fifo(), READ, WRITE)) {
      IoFuture<Integer> read = pipe.read(ByteBuffer.allocateDirect(8), 0);
      CompletableFuture<Void> released = read.released();
      Objects.requireNonNull(HARMLESS.get(name)).on(read);
      assertFalse(read.isDone());
      assertFalse(released.isDone());
      feed(pipe.path(), new byte[8]);
      assertEquals(8, read.get(10, TimeUnit.SECONDS));
      Object _ = released.get(10, TimeUnit.SECONDS);
    }
  }

  /** Those that wait return when a function that runs elsewhere has ended the future. */
  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void waiting_forAFutureThatIsCompletedElsewhere_ends(boolean join) throws Exception {
    try (AsyncFile pipe = open(fifo(), READ, WRITE)) {
      IoFuture<Integer> read = pipe.read(ByteBuffer.allocateDirect(8), 0);
      CompletableFuture<Integer> _ =
          read.completeAsync(() -> 7, CompletableFuture.delayedExecutor(20, TimeUnit.MILLISECONDS));
      CompletableFuture<Integer> waiter = CompletableFuture.supplyAsync(read::join, task -> Thread.ofPlatform().daemon().start(task));
      assertEquals(7, waiter.get(10, TimeUnit.SECONDS));
      assertEquals(7, join ? read.join() : read.get());
      Object _ = read.released().get(10, TimeUnit.SECONDS);
    }
  }
}
