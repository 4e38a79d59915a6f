package dev.annulus;

import static dev.annulus.Futures.get;
import static java.nio.file.StandardOpenOption.READ;
import static java.nio.file.StandardOpenOption.WRITE;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.concurrent.CompletableFuture;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;

/** On this backend a thread that is in a system call stays there: what was begun runs to its own end, and only then lets go. */
class PortableCancellationTest extends CancellationContract {
  @Override
  Backend backend() {
    return Backend.PORTABLE;
  }

  @Override
  boolean stopsPendingReads() {
    return false;
  }

  @Test
  @Override
  void closeAsync_withAReadPending_keepsTheDescriptorUntilItEnds() throws Exception {
    AsyncFile pipe = open(fifo(), READ, WRITE);
    IoFuture<Integer> first = pipe.read(direct(8), 0);
    IoFuture<Integer> second = pipe.read(direct(8), 0);
    Awaitility.await().until(() -> runtime.stats().inFlight() == 2);
    CompletableFuture<Void> closed = pipe.closeAsync();
    assertTrue(first.cancel(true));
    assertTrue(second.cancel(true));
    assertNull(get(runtime.nop()));
    assertFalse(closed.isDone());
    letGo(pipe.path());
    Awaitility.await().until(() -> first.released().isDone() || second.released().isDone()); // or one would take both bytes
    letGo(pipe.path());
    assertNull(get(first.released()));
    assertNull(get(second.released()));
    assertNull(get(closed));
    assertEquals(0, Processes.descriptorsOf(pipe.path()));
  }
}
