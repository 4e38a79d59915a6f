package dev.annulus;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.annulus.internal.driver.OpenFlag;
import dev.annulus.internal.driver.Operation;
import dev.annulus.internal.driver.Request;
import java.nio.file.Path;
import java.util.EnumSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.CompletableFuture;

/** An open file on a driver whose requests the test ends, without a runtime around it. */
final class HandFile {
  static final int FD = 1_000_000;
  static final Path PATH = Path.of("by-hand");

  /**
   * What is closed, and reported, when a test drops its file: nothing, and not in the midst of
   * another file's requests.
   */
  private static final OpenDescriptor CLOSED = closed();

  final HandDriver hand;
  final Engine engine;
  final OpenDescriptor descriptor;
  final AsyncFile file;

  HandFile(HandDriver hand, Policies policies, OpenFlag... flags) {
    this.hand = hand;
    this.engine = new Engine(hand, policies);
    EnumSet<OpenFlag> set = EnumSet.noneOf(OpenFlag.class);
    set.addAll(List.of(flags));
    this.descriptor = new OpenDescriptor(engine, PATH, FD, new OpenSpec(set, 0, false));
    this.file = new DriverFile(descriptor, new OpenHandle(CLOSED, null), false);
  }

  private static OpenDescriptor closed() {
    OpenDescriptor descriptor =
        new OpenDescriptor(new Engine(new HandDriver(), TestPolicies.plain()), PATH, FD, new OpenSpec(Set.of(), 0, false));
    descriptor.closeUnheard();
    return descriptor;
  }

  /** For reading and writing, and with these flags. */
  static HandFile open(HandDriver hand, OpenFlag... more) {
    return open(hand, TestPolicies.plain(), more);
  }

  /** As {@link #open(HandDriver, OpenFlag...)}. */
  static HandFile open(HandDriver hand, Policies policies, OpenFlag... more) {
    EnumSet<OpenFlag> flags = EnumSet.of(OpenFlag.READ, OpenFlag.WRITE);
    flags.addAll(List.of(more));
    return new HandFile(hand, policies, flags.toArray(new OpenFlag[0]));
  }

  /** Takes the request that is with the driver, which must be of a type, out of it. */
  Request take(Class<? extends Operation> type) {
    Request request = Objects.requireNonNull(hand.requests.poll(), "nothing was submitted");
    assertTrue(type.isInstance(request.operation()), () -> "submitted was: " + request.operation());
    request.mark(Request.NO_MARK);
    return request;
  }

  /** Ends the request that is with the driver, which must be of a type. */
  void end(Class<? extends Operation> type, int result) {
    take(type).completed(result);
  }

  void assertNothingSubmitted() {
    assertTrue(hand.requests.isEmpty(), () -> "submitted was: " + hand.next().operation());
  }

  /** That nothing is borrowed for an operation any more: no lease on the file, and no memory. */
  void assertNothingBorrowed() {
    assertEquals(0, leases(), "leases");
    assertEquals(0, engine.bufferPool().stats(0).leasedBytes(), "bytes of the pool");
    engine.freeMemory();
    assertEquals(0, engine.heapCopies().blocks().allocatedBytes(), "bytes of blocks");
  }

  /** How many operations hold the file. */
  int leases() {
    String words = descriptor.toString();
    String count = words.replaceAll(".*, (\\d+) operations in flight\\)", "$1");
    return Integer.parseInt(count);
  }

  /** Closes it, which must take one operation more and no less. */
  void assertCloses() {
    CompletableFuture<Void> closed = file.closeAsync();
    end(Operation.Close.class, 0);
    assertTrue(closed.isDone() && !closed.isCompletedExceptionally(), closed::toString);
    assertNothingSubmitted();
  }
}
