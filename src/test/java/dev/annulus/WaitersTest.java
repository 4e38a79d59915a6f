package dev.annulus;

import static java.util.concurrent.TimeUnit.SECONDS;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.annulus.internal.driver.Errno;
import dev.annulus.internal.driver.Operation;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.SplittableRandom;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.awaitility.Awaitility;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/** Those who wait for an operation's future: that it is a {@link CompletableFuture} in every respect, and that nobody is forgotten. */
@Timeout(120)
class WaitersTest {
  private final HandDriver hand = new HandDriver();
  private final IoRuntime runtime = new IoRuntime("by-hand", Backend.IO_URING, hand, TestPolicies.plain(), Duration.ZERO);

  @SuppressWarnings("NullAway.Init")
  private AsyncFile file;

  @BeforeEach
  void openFile() throws Exception {
    CompletableFuture<AsyncFile> opened = runtime.openFile(Path.of("any"), StandardOpenOption.READ);
    hand.endNext(1_000_000);
    file = opened.get(10, SECONDS);
  }

  private IoFuture<Integer> read() {
    return file.read(ByteBuffer.allocateDirect(8), 0);
  }

  /** How a future ends: that of the JDK by hand, ours by hand or by its operation. */
  enum Ending {
    SUCCESS(future -> future.complete(7), 7),
    FAILURE(future -> future.completeExceptionally(new IllegalArgumentException()), null),
    WRAPPED_FAILURE(future -> future.completeExceptionally(new CompletionException(new IllegalStateException())), null),
    CANCEL(future -> future.cancel(true), null),
    VALUE_BY_HAND(future -> future.complete(3), null),
    OBTRUDED_VALUE(future -> future.obtrudeValue(3), null),
    OBTRUDED_FAILURE(future -> future.obtrudeException(new IllegalArgumentException()), null),
    ASYNC_VALUE(future -> settle(future.completeAsync(() -> 3, Runnable::run)), null),
    TIMEOUT(future -> settle(future.orTimeout(1, TimeUnit.NANOSECONDS)), null),
    VALUE_ON_TIMEOUT(future -> settle(future.completeOnTimeout(3, 1, TimeUnit.NANOSECONDS)), null);

    private final Consumer<CompletableFuture<Integer>> byHand;

    /** What the operation answers, if that is how ours ends. */
    private final @Nullable Integer result;

    Ending(Consumer<CompletableFuture<Integer>> byHand, @Nullable Integer result) {
      this.byHand = byHand;
      this.result = result;
    }

    private static void settle(CompletableFuture<Integer> future) {
      Awaitility.await().atMost(10, SECONDS).until(future::isDone);
    }
  }

  /** What a program sees of one future: each line an event. */
  private static List<String> watch(CompletableFuture<Integer> future, Runnable end, boolean attachedLate) {
    List<String> seen = new ArrayList<>();
    if (attachedLate) {
      end.run();
    }
    CompletableFuture<Integer> quiet = future.whenComplete((value, failure) -> seen.add("quiet " + value + " " + kind(failure)));
    CompletableFuture<Integer> loud =
        future.whenComplete(
            (value, failure) -> {
              seen.add("loud " + value + " " + kind(failure));
              throw new UnsupportedOperationException();
            });
    CompletableFuture<Integer> givenUp = future.whenComplete((_, _) -> seen.add("given up"));
    if (!attachedLate) {
      givenUp.cancel(false);
      end.run();
    }
    for (CompletableFuture<Integer> dependent : List.of(quiet, loud, givenUp)) {
      CompletableFuture<Integer> ignored = dependent.whenComplete((_, failure) -> seen.add("dependent " + kind(failure)));
      seen.add(dependent.state() + " " + dependent.isCompletedExceptionally() + " " + dependent.isCancelled());
    }
    seen.sort(null); // in which order dependents run, the JDK leaves open
    return seen;
  }

  private static String kind(@Nullable Throwable failure) {
    if (failure == null) {
      return "none";
    }
    return failure.getClass().getName() + (failure.getCause() == null ? "" : " of " + kind(failure.getCause()))
        + " with " + failure.getSuppressed().length;
  }

  @ParameterizedTest
  @EnumSource
  void whenComplete_onFutureEndedInAnyWay_doesWhatTheJdkDoes(Ending ending) {
    for (boolean late : new boolean[] {false, true}) {
      CompletableFuture<Integer> theirs = new CompletableFuture<>();
      List<String> expected = watch(theirs, () -> ending.byHand.accept(theirs), late);
      CompletableFuture<Integer> ours = read();
      assertEquals(expected, watch(ours, () -> end(ours, ending), late), ending + (late ? ", attached late" : ""));
    }
  }

  private void end(CompletableFuture<Integer> future, Ending ending) {
    if (ending.result == null) {
      ending.byHand.accept(future);
    } else {
      hand.endNext(ending.result);
    }
  }

  /** The first dependent of all is the one in the field. */
  @ParameterizedTest
  @EnumSource
  void firstDependent_whoseFunctionThrows_doesWhatTheJdksDoes(Ending ending) {
    CompletableFuture<Integer> theirs = new CompletableFuture<>();
    CompletableFuture<Integer> theirDependent = theirs.whenComplete((_, _) -> { throw new UnsupportedOperationException(); });
    ending.byHand.accept(theirs);
    CompletableFuture<Integer> ours = read();
    CompletableFuture<Integer> ourDependent = ours.whenComplete((_, _) -> { throw new UnsupportedOperationException(); });
    end(ours, ending);
    assertEquals(kind(theirDependent.handle((_, failure) -> failure).join()), kind(ourDependent.handle((_, failure) -> failure).join()));
  }

  @Test
  void whenComplete_onFailedOperation_getsTheFailureItself() {
    CompletableFuture<Integer> future = read();
    List<Throwable> seen = new ArrayList<>();
    CompletableFuture<Integer> dependent = future.whenComplete((_, failure) -> seen.add(failure));
    hand.endNext(-Errno.EIO);
    assertEquals(List.of(future.exceptionNow()), seen);
    assertEquals(future.exceptionNow(), assertThrows(CompletionException.class, dependent::join).getCause());
  }

  @Test
  @SuppressWarnings("NullAway") // that is what is tried
  void whenComplete_withoutAFunction_isRefused() {
    CompletableFuture<Integer> future = read();
    assertThrows(NullPointerException.class, () -> future.whenComplete(null));
  }

  static Stream<Thread.Builder> threads() {
    return Stream.of(Thread.ofPlatform(), Thread.ofVirtual());
  }

  @ParameterizedTest
  @MethodSource("threads")
  void join_byThreadsThatAreInterrupted_waitsAndLeavesTheInterruptPending(Thread.Builder threads) throws Exception {
    CompletableFuture<Integer> future = read();
    AtomicInteger interrupted = new AtomicInteger();
    List<Thread> waiters = new ArrayList<>();
    for (int i = 0; i < 3; i++) {
      waiters.add(
          threads.start(
              () -> {
                assertEquals(7, future.join());
                interrupted.addAndGet(Thread.interrupted() ? 1 : 0);
              }));
    }
    for (Thread waiter : waiters) {
      Awaitility.await().atMost(10, SECONDS).until(() -> waiter.getState() == Thread.State.WAITING);
      waiter.interrupt();
    }
    Awaitility.await().atMost(10, SECONDS)
        .until(() -> waiters.stream().allMatch(waiter -> waiter.getState() == Thread.State.WAITING));
    hand.endNext(7);
    for (Thread waiter : waiters) {
      assertTrue(waiter.join(Duration.ofSeconds(10)));
    }
    assertEquals(3, interrupted.get());
  }

  @ParameterizedTest
  @MethodSource("threads")
  void get_byThreadsThatAreInterrupted_throwsAndLeavesTheOperationAlone(Thread.Builder threads) throws Exception {
    CompletableFuture<Integer> future = read();
    AtomicInteger interrupted = new AtomicInteger();
    List<Thread> waiters = new ArrayList<>();
    for (int i = 0; i < 3; i++) {
      waiters.add(
          threads.start(
              () -> {
                assertThrows(InterruptedException.class, future::get);
                interrupted.addAndGet(Thread.interrupted() ? 100 : 1);
              }));
    }
    for (Thread waiter : waiters) {
      Awaitility.await().atMost(10, SECONDS).until(() -> waiter.getState() == Thread.State.WAITING);
      waiter.interrupt();
      assertTrue(waiter.join(Duration.ofSeconds(10)));
    }
    assertEquals(3, interrupted.get());

    // The place of the first waiter is free again, and who waits there is served.
    FutureTask<Integer> last = new FutureTask<>(future::get);
    Thread thread = threads.start(last);
    Awaitility.await().atMost(10, SECONDS).until(() -> thread.getState() == Thread.State.WAITING);
    hand.endNext(7);
    assertEquals(7, last.get(10, SECONDS));
  }

  @Test
  void get_onFutureThatIsDone_returnsWithTheInterruptPending() throws Exception {
    CompletableFuture<Integer> future = read();
    hand.endNext(7);
    Thread.currentThread().interrupt();
    assertEquals(7, future.get());
    assertTrue(Thread.interrupted());
  }

  @Test
  void get_onFailedOperation_throwsTheFailureAsTheCause() {
    CompletableFuture<Integer> future = read();
    FutureTask<Integer> waiter = new FutureTask<>(future::get);
    Thread thread = Thread.ofPlatform().daemon().start(waiter);
    Awaitility.await().atMost(10, SECONDS).until(() -> thread.getState() == Thread.State.WAITING);
    hand.endNext(-Errno.EIO);
    ExecutionException ours = assertThrows(ExecutionException.class, () -> waiter.get(10, SECONDS));
    ExecutionException inner = assertInstanceOf(ExecutionException.class, ours.getCause());
    assertEquals(future.exceptionNow(), inner.getCause());
  }

  @Test
  void join_onCancelledFuture_throws() {
    CompletableFuture<Integer> future = read();
    Thread canceller = Thread.startVirtualThread(() -> future.cancel(true));
    assertThrows(CancellationException.class, future::join);
    assertFalse(canceller.isInterrupted());
  }

  /** Who attaches, joins and asks for the release, races with the operation's end and with the user who gives it up. */
  @Test
  void waiters_racingWithTheEnd_areAllServedOnce() throws Exception {
    long seed = System.nanoTime();
    SplittableRandom random = new SplittableRandom(seed);
    try (ExecutorService threads = Executors.newCachedThreadPool()) {
      for (int round = 0; round < 10_000; round++) {
        race(threads, random, "seed " + seed + ", round " + round);
      }
    }
  }

  private void race(ExecutorService threads, SplittableRandom random, String which) throws Exception {
    IoFuture<Integer> future = read();
    AtomicInteger ran = new AtomicInteger();
    AtomicInteger released = new AtomicInteger();
    List<Runnable> waiting =
        new ArrayList<>(
            List.of(
                () -> ignore(future.whenComplete((_, _) -> ran.incrementAndGet())),
                () -> ignore(future.whenComplete((_, _) -> ran.incrementAndGet())),
                () -> ignore(future.released().thenRun(released::incrementAndGet)),
                () -> {
                  future.exceptionally(_ -> -1).join();
                  ran.incrementAndGet();
                },
                () -> {
                  try {
                    assertEquals(7, future.join());
                  } catch (CancellationException e) {
                    assertTrue(future.isCancelled());
                  }
                  ran.incrementAndGet();
                }));
    Collections.shuffle(waiting, new Random(random.nextLong()));
    waiting.subList(random.nextInt(1, waiting.size()), waiting.size()).clear();
    List<Runnable> racers = new ArrayList<>(waiting);
    if (random.nextInt(3) == 0) {
      racers.add(() -> future.cancel(true));
    }
    racers.add(() -> hand.endNext(7));
    CyclicBarrier together = new CyclicBarrier(racers.size());
    List<Future<?>> done = new ArrayList<>();
    for (Runnable racer : racers) {
      done.add(
          threads.submit(
              () -> {
                together.await(10, SECONDS);
                racer.run();
                return null;
              }));
    }
    for (Future<?> end : done) {
      end.get(10, SECONDS);
    }
    assertEquals(waiting.size(), ran.get() + released.get(), which);
    assertTrue(future.released().isDone(), which);
  }

  // ---- an operation that never ends: whoever the user's ending does not see is seen by nobody ----

  /** A future that is given up just after its waiter has looked whether it is done, and before the waiter is to be seen. */
  private final class EndedMeanwhile extends OperationFuture<Integer> {
    private final Engine engine = new Engine(hand, TestPolicies.plain());
    private @Nullable Consumer<CompletableFuture<Integer>> meanwhile;

    EndedMeanwhile(Consumer<CompletableFuture<Integer>> meanwhile) {
      this.meanwhile = meanwhile;
    }

    @Override
    public boolean isDone() {
      boolean done = super.isDone();
      Consumer<CompletableFuture<Integer>> end = meanwhile;
      meanwhile = null;
      if (end != null) {
        end.accept(this);
      }
      return done;
    }

    @Override
    Engine engine() {
      return engine;
    }

    @Override
    Path path() {
      return Path.of("any");
    }

    @Override
    public Operation operation() {
      return new Operation.Nop();
    }

    @Override
    void onResult(int result) {
      succeed(result, result);
    }
  }

  static Stream<Ending> endingsByHand() {
    return Stream.of(Ending.values()).filter(ending -> ending.result == null);
  }

  @ParameterizedTest
  @MethodSource("endingsByHand")
  void whenComplete_onFutureGivenUpMeanwhile_runsOnce(Ending ending) {
    AtomicInteger ran = new AtomicInteger();
    IoFuture<Integer> future = new EndedMeanwhile(ending.byHand);
    CompletableFuture<Integer> dependent = future.whenComplete((_, _) -> ran.incrementAndGet());
    assertTrue(dependent.isDone());
    assertEquals(1, ran.get());
    assertFalse(future.released().isDone());
  }

  @ParameterizedTest
  @MethodSource("endingsByHand")
  void join_onFutureGivenUpMeanwhile_returns(Ending ending) throws Exception {
    IoFuture<Integer> future = new EndedMeanwhile(ending.byHand);
    FutureTask<Boolean> waiter = new FutureTask<>(() -> hasEnded(future));
    Thread _ = Thread.ofPlatform().daemon().start(waiter);
    assertTrue(waiter.get(10, SECONDS));
    assertFalse(future.released().isDone());
  }

  @ParameterizedTest
  @MethodSource("endingsByHand")
  void get_onFutureGivenUpMeanwhile_returns(Ending ending) throws Exception {
    IoFuture<Integer> future = new EndedMeanwhile(ending.byHand);
    FutureTask<Boolean> waiter =
        new FutureTask<>(
            () -> {
              try {
                Integer _ = future.get();
              } catch (ExecutionException | CancellationException e) {
                // That is an end too.
              }
              return future.isDone();
            });
    Thread _ = Thread.ofPlatform().daemon().start(waiter);
    assertTrue(waiter.get(10, SECONDS));
    assertFalse(future.released().isDone());
  }

  private static boolean hasEnded(CompletableFuture<Integer> future) {
    try {
      Integer _ = future.join();
    } catch (CompletionException | CancellationException e) {
      // That is an end too.
    }
    return future.isDone();
  }

  @Test
  void waiters_racingWithTheUserWhoGivesUp_areAllServedOnce() throws Exception {
    long seed = System.nanoTime();
    SplittableRandom random = new SplittableRandom(seed);
    try (ExecutorService threads = Executors.newCachedThreadPool()) {
      for (int batch = 0; batch < 40; batch++) {
        hand.requests.clear();
        hand.cancelled.clear();
        raceWithTheUser(threads, random, "seed " + seed + ", batch " + batch);
      }
    }
  }

  /** Two threads go from future to future side by side: one waits, or has something run, and the other gives up. */
  private void raceWithTheUser(ExecutorService threads, SplittableRandom random, String which) throws Exception {
    int count = 500;
    int way = random.nextInt(3);
    List<IoFuture<Integer>> futures = new ArrayList<>();
    List<CompletableFuture<Integer>> waited = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      futures.add(read());
    }
    AtomicInteger ran = new AtomicInteger();
    AtomicInteger waiting = new AtomicInteger();
    AtomicInteger ending = new AtomicInteger();
    Future<?> waiter =
        threads.submit(
            () -> {
              for (int i = 0; i < count; i++) {
                IoFuture<Integer> future = futures.get(i);
                meet(waiting, ending, i);
                if (way == 0) {
                  waited.add(future.whenComplete((_, _) -> ran.incrementAndGet()));
                } else {
                  Thread self = Thread.currentThread();
                  assertEquals(3, way == 1 ? future.join() : future.get(10, SECONDS), self::getName);
                  ran.incrementAndGet();
                }
              }
              return null;
            });
    Future<?> user =
        threads.submit(
            () -> {
              for (int i = 0; i < count; i++) {
                meet(ending, waiting, i);
                assertTrue(futures.get(i).complete(3));
              }
            });
    try {
      user.get(20, SECONDS);
      waiter.get(20, SECONDS);
    } finally {
      futures.forEach(future -> future.obtrudeValue(4)); // lets those go who would hang
    }
    assertEquals(count, ran.get(), which + ", way " + way);
    assertTrue(waited.stream().allMatch(CompletableFuture::isDone), which);
  }

  private static void meet(AtomicInteger mine, AtomicInteger other, int at) {
    mine.set(at);
    for (int spins = 1; other.get() < at; spins++) {
      if (spins % 1_000 == 0) {
        LockSupport.parkNanos(1);
      }
      Thread.onSpinWait();
    }
  }

  private static void ignore(CompletableFuture<?> dependent) {
    var _ = dependent;
  }
}
