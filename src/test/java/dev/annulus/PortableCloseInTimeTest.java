package dev.annulus;

import static dev.annulus.Futures.get;
import static java.nio.file.StandardOpenOption.READ;
import static java.nio.file.StandardOpenOption.WRITE;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;

class PortableCloseInTimeTest extends CloseInTimeContract {
  @Override
  Backend backend() {
    return Backend.PORTABLE;
  }

  /** Reads that cannot end before their dependents are there, or these would hold the test. */
  @Override
  @Test
  void close_withDependentsThatAllBlock_endsAllFutures() throws Exception {
    AsyncFile pipe = get(other().openFile(fifo(), READ, WRITE));
    CompletableFuture<Void> held = holdTheThread(new CountDownLatch(1));
    List<CompletableFuture<?>> futures = new ArrayList<>();
    for (int i = 0; i < 40; i++) {
      CompletableFuture<?> future = pipe.read(direct(10), 0);
      futures.add(future);
      CompletableFuture<?> _ = future.whenComplete((_, _) -> heldByTheTest());
    }
    assertClosesInTime();
    for (CompletableFuture<?> future : futures) {
      assertTrue(future.isDone(), () -> "not ended: " + future);
    }
    assertFalse(held.isDone());
  }

  /** A dependent that blocks has one thread of many: what was submitted is done. */
  @Override
  @Test
  void close_withADependentThatBlocks_leavesTheFilesAsTheyWere() throws Exception {
    Path path = file(bytes(100, 1));
    AsyncFile file = get(other().openFile(path, READ, WRITE));
    CompletableFuture<Void> held = holdTheThread(new CountDownLatch(1));
    CompletableFuture<Void> write = file.writeFully(direct(bytes(50, 2)), 0);
    assertClosesInTime();
    assertNull(get(write));
    assertFalse(held.isDone());
    assertArrayEquals(bytes(50, 2), Arrays.copyOf(Files.readAllBytes(path), 50));
  }
}
