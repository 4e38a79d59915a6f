package dev.annulus;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assertions.fail;

import dev.annulus.Running.Access;
import dev.annulus.Running.Name;
import dev.annulus.sim.Quirk;
import dev.annulus.sim.Quirks;
import dev.annulus.sim.Quirks.Mood;
import dev.annulus.sim.SimulatedDisk;
import dev.annulus.sim.SimulatedNode;
import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.Future;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * One random program of file operations on a simulated machine: starts them, waits for those that would conflict, checks every outcome
 * against models of the files, and ends with an inventory. The machine may crash in between, and the program goes on with what is
 * left. The same seed gives the same run.
 */
final class SimulatedProgram {
  final SplittableRandom random;
  Quirks quirks;
  final ProgramVerdicts verdicts;

  /** Prints what the program does, for one that fails. */
  static final boolean TRACES = Boolean.getBoolean("annulus.sim.trace");

  /** In the names of the runtimes' threads. */
  static final String NAME = "simulated-";

  final ProgramErrors errors;

  private final String name;
  private SimulatedMachine machine;
  private final boolean endsAbruptly;
  private final int reboots;
  private final int runtimes;
  private final @Nullable Executor executor;

  /** Where futures are completed, in some programs: on the program's own thread, when it next looks. */
  private final LateCompletions completions = new LateCompletions();

  private final List<Running> running = new ArrayList<>();
  private final ProgramFiles files;
  private final ProgramSteps steps;

  private long clock;
  private long operations;
  private long overflows;
  private int staleBefore;
  private boolean inCallback;
  private boolean starting;
  private @Nullable Throwable callbackFailure;
  private boolean ending;
  private String outcome = "";

  /**
   * Makes a program.
   *
   * @param disk the number of its disk, of no meaning to what it does
   * @param jvmErrors whether memory and stack are wanting now and then
   */
  SimulatedProgram(long seed, NativePool pool, int disk, boolean jvmErrors) {
    random = new SplittableRandom(seed);
    errors = new ProgramErrors(jvmErrors, seed);
    name = NAME + seed;
    quirks = new Quirks(random.nextLong(), anyMood());
    endsAbruptly = random.nextInt(8) == 0;
    reboots = random.nextInt(4) == 0 ? 1 + random.nextInt(2) : 0;
    runtimes = random.nextInt(6) == 0 ? 2 : 1;
    boolean onProgram = !endsAbruptly && reboots == 0 && random.nextInt(4) == 0;
    executor = onProgram ? completions : null;
    machine = boot(new SimulatedDisk(disk));
    verdicts = new ProgramVerdicts(this);
    files = new ProgramFiles(this);
    steps = new ProgramSteps(this, files, pool);
  }

  private Mood anyMood() {
    List<Mood> moods = List.of(Mood.values());
    return moods.get(random.nextInt(moods.size()));
  }

  private SimulatedMachine boot(SimulatedDisk disk) {
    return new SimulatedMachine(disk, random, quirks, errors, name, runtimes, executor);
  }

  /** Runs it to its end. */
  void run() {
    try {
      for (int boot = 0; boot <= reboots; boot++) {
        if (boot > 0) {
          crash();
        }
        runSteps();
      }
      if (endsAbruptly) {
        endAbruptly();
      } else {
        endOrderly();
      }
    } catch (Throwable e) {
      addTrouble(e);
      errors.end();
      try {
        close();
      } catch (Throwable second) {
        e.addSuppressed(second);
      }
      throw e;
    }
    close();
    overflows += machine.overflows();
  }

  private void runSteps() {
    int length = 10 + random.nextInt(31);
    for (int i = 0; i < length; i++) {
      errors.next();
      steps.step();
      if (random.nextInt(3) == 0) {
        lookAround();
      }
    }
    errors.end();
  }

  private void addTrouble(Throwable e) {
    machine.addTrouble(e);
    for (Running operation : running) {
      e.addSuppressed(new IllegalStateException("running: " + operation));
    }
  }

  // ---- starting and waiting ----

  SimulatedMachine machine() {
    return machine;
  }

  SimulatedDisk disk() {
    return machine.disk;
  }

  long now() {
    return clock;
  }

  /** Whether this is the callback of a future, where waiting would be waiting for oneself. */
  boolean isInCallback() {
    return inCallback;
  }

  /** Whether the runtime is being closed, so that anything may fail. */
  boolean isEnding() {
    return ending;
  }

  /**
   * Waits until nothing that runs conflicts.
   *
   * @param wanted what is to be done; asked again after each wait, since the file may have another length then
   * @return what was wanted, now free; or {@code null} if it is not, and this is no place to wait
   */
  @Nullable Access clear(Supplier<Access> wanted) {
    while (true) {
      Access access = wanted.get();
      List<Running> conflicting = new ArrayList<>();
      for (Running operation : running) {
        if (operation.access.conflicts(access)) {
          conflicting.add(operation);
        }
      }
      if (conflicting.isEmpty()) {
        return access;
      }
      if (inCallback) {
        return null;
      }
      await(() -> Running.areOver(conflicting), () -> conflicting + " to end");
    }
  }

  @SuppressWarnings("SystemOut") // asked for
  private void trace(Supplier<String> event) {
    if (TRACES) {
      System.out.println(clock + " " + event.get());
    }
  }

  /** Whether an operation that is under way may change where a path leads. */
  boolean mayBeChanging(String path) {
    Access reading = Access.naming(new Name(path, false));
    for (Running operation : running) {
      if (operation.access.conflicts(reading)) {
        return true;
      }
    }
    return false;
  }

  /**
   * Starts an operation and takes note of it.
   *
   * @param library the call that starts it
   */
  Running start(
      String what, Supplier<CompletableFuture<?>> library, Access access, boolean full, Running.Check check) {
    CompletableFuture<?> future = errors.call(library, CompletableFuture::failedFuture);
    Running operation = new Running(what, future, access, clock++, full, check);
    operations++;
    running.add(operation);
    trace(() -> "start  " + operation);
    CompletableFuture<?> ignored = future.whenComplete((value, failure) -> ended(operation, value, failure));
    return operation;
  }

  /** Several operations are being started at once: until all are, no callback may start others. */
  void starting(boolean several) {
    starting = several;
  }

  /** Takes note of an operation that was done at once. */
  void didOne(String what) {
    clock++;
    operations++;
    trace(() -> what);
  }

  private void ended(Running operation, @Nullable Object value, @Nullable Throwable failure) {
    boolean _ = errors.calledBack(() -> noteEnd(operation, value, failure));
  }

  private boolean noteEnd(Running operation, @Nullable Object value, @Nullable Throwable failure) {
    operation.value = value;
    operation.failure = failure;
    operation.ended++;
    files.ended(operation);
    if (!ending && !inCallback && !starting && random.nextInt(6) == 0) {
      stepInCallback();
    }
    return true;
  }

  private void stepInCallback() {
    inCallback = true;
    try {
      steps.step();
    } catch (RuntimeException | Error e) {
      // Else the future would swallow it.
      callbackFailure = e;
    } finally {
      inCallback = false;
    }
  }

  /** Gives a running operation up, one way or the other. */
  void giveUpOne() {
    if (!running.isEmpty()) {
      giveUp(running.get(random.nextInt(running.size())));
    }
  }

  void giveUp(Running operation) {
    boolean cancels = random.nextBoolean();
    IllegalStateException given = new IllegalStateException("given up");
    BooleanSupplier end = () -> cancels ? operation.future.cancel(true) : operation.future.completeExceptionally(given);
    boolean first =
        errors.call(
            end::getAsBoolean,
            _ -> {
              // Cut, it is asked for again. The first may have ended the future.
              boolean again = end.getAsBoolean();
              return again || isGivenUp(operation.future, given);
            });
    operation.givenUp |= first && operation.ended <= 1;
  }

  @SuppressWarnings("ReferenceEquality") // this very one
  private static boolean isGivenUp(CompletableFuture<?> future, Exception given) {
    return future.isCancelled() || (future.state() == Future.State.FAILED && future.exceptionNow() == given);
  }

  void await(BooleanSupplier condition, Supplier<String> what) {
    boolean ignored = catchUp();
    while (!condition.getAsBoolean()) {
      boolean idle = machine.giveUntil(
              () -> condition.getAsBoolean() || !completions.isEmpty() || machine.workersWait());
      boolean progress = catchUp();
      if (idle && !progress && !condition.getAsBoolean()) {
        // Operations that never end may have taken every place there is.
        Running hung = running.stream().filter(operation -> operation.hung && !operation.givenUp).findFirst().orElse(null);
        if (hung == null && errors.mayStillBeMended()) {
          continue;
        }
        if (hung == null) {
          fail("nothing is left to happen, still waiting for " + what.get());
        }
        giveUp(hung);
      }
    }
  }

  /** Lets a ring run up to its next changing place, and checks what has ended. */
  private void lookAround() {
    boolean ignored = machine.any().turns().giveUntil(() -> true);
    ignored = catchUp();
  }

  /** Completes what is to be completed here, and checks what is over. False if there was nothing of either. */
  private boolean catchUp() {
    boolean worked = machine.runWorkers();
    boolean completed = completions.run();
    boolean settled = settle();
    return worked || completed || settled;
  }

  /** Checks what is over. */
  private boolean settle() {
    if (callbackFailure != null) {
      throw new AssertionError("a step in a callback failed", callbackFailure);
    }
    boolean any = false;
    for (Running operation : List.copyOf(running)) {
      if (!operation.isOver()) {
        continue;
      }
      any = true;
      boolean ignored = running.remove(operation);
      clock++;
      trace(() -> "settle " + operation);
      assertEquals(1, operation.ended, () -> operation + " ended more than once");
      synchronized (machine.disk) {
        try {
          operation.check.check(operation);
        } catch (AssertionError e) {
          throw new AssertionError(operation + ": " + e.getMessage(), e);
        }
      }
    }
    return any;
  }

  // ---- what came of it ----

  /** What the kernel did and how the runtime counted it: the same for the same seed. */
  String outcome() {
    return outcome;
  }

  /** To be noted before the runtimes are closed: then they run freely. */
  private void noteOutcome() {
    outcome = clock + " " + operations + " " + quirks.seen() + " " + machine;
  }

  long operations() {
    return operations;
  }

  long overflows() {
    return overflows;
  }

  // ---- the end ----

  private void endOrderly() {
    ending = true;
    await(() -> running.stream().allMatch(operation -> operation.isOver() || operation.hung), () -> "the rest");
    List.copyOf(running).forEach(this::giveUp);
    await(running::isEmpty, () -> running + " to end");
    files.closeAll();
    await(machine::isQuiet, () -> "the rings to be quiet");
    files.checkAll();
    machine.checkIdle(staleBefore);
    noteOutcome();
  }

  /** Closes the runtime on whatever is under way: every future must end, and every buffer come back. */
  private void endAbruptly() {
    noteOutcome();
    close();
    checkAllOver();
    boolean ignored = settle();
    files.checkAll();
    machine.checkEnded();
  }

  private void checkAllOver() {
    for (Running operation : running) {
      assertTrue(operation.isOver(), () -> operation + " did not end with the runtime");
    }
  }

  /** Cuts the power: what the runtime does afterwards is of no consequence, but must end. */
  private void crash() {
    IdentityHashMap<SimulatedNode, SimulatedNode> successors = new IdentityHashMap<>();
    SimulatedDisk left;
    synchronized (machine.disk) {
      files.checkCrash();
      left = machine.disk.afterCrash(random.nextBoolean() ? random : null, successors);
    }
    Quirks next = quirks.afterCrash(random.nextLong(), anyMood());
    close();
    checkAllOver();
    machine.checkEnded();
    overflows += machine.overflows();
    quirks = next;
    files.rebooted(left, successors);
    running.clear();
    staleBefore = quirks.seen(Quirk.STALE_COMPLETION);
    machine = boot(left);
    ending = false;
    completions.runAtOnce(false);
  }

  private void close() {
    ending = true;
    machine.close(
        () -> {
          boolean ignored = completions.run();
          completions.runAtOnce(true);
        });
  }
}
