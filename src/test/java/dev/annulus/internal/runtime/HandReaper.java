package dev.annulus.internal.runtime;

import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.annulus.internal.abi.Fcntl;
import dev.annulus.internal.abi.Syscalls;
import dev.annulus.internal.driver.Errno;
import dev.annulus.internal.driver.Operation;
import dev.annulus.internal.driver.Request;
import dev.annulus.internal.driver.Whereabouts;
import dev.annulus.internal.runtime.Reaper.Marks;
import dev.annulus.testing.RecordingRequest;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.function.Consumer;
import java.util.function.Predicate;

/**
 * A reaper whose rounds the test runs, over a {@link HandRing}: submitter, reaper and kernel are one
 * thread, so that each can be made to act at any moment of another's step.
 */
final class HandReaper implements AutoCloseable {
  private static final int EFD_NONBLOCK = 0x800;

  final HandRing ring;
  final Intake intake;
  final Table table;
  final Wakeup wakeup;
  final Counters counters = new Counters();
  final RegisteredMemory registered = new RegisteredMemory();
  final Whereabouts where;
  final Reaper reaper;

  private final MemorySegment wakeMemory = Arena.ofAuto().allocate(2 * Long.BYTES, Long.BYTES);
  private final int eventFd = Syscalls.eventfd(Fcntl.EFD_CLOEXEC | EFD_NONBLOCK);

  /** A table that has something happen whenever the reaper looks at it. */
  static final class Table extends InFlightTable {
    Runnable onLook = () -> {};
    Runnable afterRead = () -> {};
    Runnable onTold = () -> {};
    int ticks;

    /** How far its clock is ahead of the other. */
    long aheadNanos;

    Table(int capacity) {
      super(capacity);
    }

    Table(int capacity, int usualLimit) {
      super(capacity, usualLimit);
    }

    @Override
    long now() {
      return super.now() + aheadNanos;
    }

    @Override
    void told(int slot) {
      onTold.run();
      super.told(slot);
    }

    @Override
    boolean isFull() {
      onLook.run();
      return super.isFull();
    }

    @Override
    boolean hasRetries() {
      onLook.run();
      return super.hasRetries();
    }

    @Override
    boolean hasCancels() {
      onLook.run();
      return super.hasCancels();
    }

    @Override
    int endings() {
      onLook.run();
      return super.endings();
    }

    @Override
    int size() {
      onLook.run();
      return super.size();
    }

    @Override
    void forEachRequest(Consumer<Request> action) {
      super.forEachRequest(action);
      afterRead.run();
    }

    @Override
    void tick() {
      ticks++;
      super.tick();
    }
  }

  /** A request that nobody but the test's own thread can end: waiting for it would be for ever. */
  static class Prompt extends RecordingRequest {
    Prompt(Operation operation) {
      super(operation);
    }

    Prompt(Operation operation, Consumer<RecordingRequest> onEnd) {
      super(operation, onEnd);
    }

    @Override
    public End await() {
      assertTrue(hasEnded(), () -> "has not ended: " + operation());
      return super.await();
    }
  }

  static RecordingRequest nop() {
    return new Prompt(new Operation.Nop());
  }

  HandReaper(int slots, int places) {
    this(new HandRing(64, 256), slots, places);
  }

  HandReaper(HandRing ring, int slots, int places) {
    this(ring, new Table(slots), places, new BlockingFiles.Unknown(), new Whereabouts(null));
  }

  HandReaper(HandRing ring, Table table, int places, BlockingFiles files, Whereabouts where) {
    assertTrue(eventFd >= 0, () -> "eventfd: " + Errno.symbol(-eventFd));
    this.ring = ring;
    intake = new Intake(places, true);
    this.table = table;
    this.where = where;
    wakeup = new Wakeup(eventFd, wakeMemory);
    where.begin();
    reaper = new Reaper(ring, intake, wakeup, table, registered, files, counters, where);
  }

  // ---- submitters ----

  /** Submits as the driver does. */
  void put(Request request) {
    assertNull(intake.admission().enter());
    request.mark(Marks.QUEUED);
    intake.put(request);
    wakeup.requestQueued();
    intake.afterPut();
  }

  /** Submits past the limits, as the driver does. */
  void putUrgent(Request request) {
    request.mark(Marks.QUEUED);
    intake.putUrgent(request);
    wakeup.urgent();
    intake.afterPut();
  }

  /** Asks for a cancellation, as the driver does. */
  void cancel(Request request) {
    intake.putCancellation(request);
    wakeup.urgent();
    intake.afterPut();
  }

  /** Submits a no-operation and has it taken by the kernel; what its completion carries. */
  long inFlight(Request request) {
    int before = ring.entries().size();
    put(request);
    reaper.round(1);
    assertTrue(ring.entries().size() == before + 1, () -> "not one entry more: " + ring.entries());
    return ring.entries().getLast().userData();
  }

  // ---- the reaper ----

  /** Rounds with the least time limit until a condition holds. */
  void roundsUntil(Predicate<Reaper> condition) {
    for (int rounds = 0; !condition.test(reaper); rounds++) {
      assertTrue(rounds < 1000, "a thousand rounds, and it does not come");
      reaper.round(1);
    }
  }

  void roundsUntilEnded(RecordingRequest request) {
    roundsUntil(_ -> request.hasEnded());
  }

  // ---- the wake-up ----

  /** Writes to the eventfd that were not read, and reads them. */
  long readWakes() {
    int count = Syscalls.read(eventFd, wakeMemory.address() + Long.BYTES, Long.BYTES);
    assertTrue(count == Long.BYTES || count == -Errno.EAGAIN, () -> Errno.symbol(-count));
    return count == Long.BYTES ? wakeMemory.get(JAVA_LONG, Long.BYTES) : 0;
  }

  @Override
  public void close() {
    int result = Syscalls.close(eventFd);
    assertTrue(result == 0, () -> Errno.symbol(-result));
  }
}
