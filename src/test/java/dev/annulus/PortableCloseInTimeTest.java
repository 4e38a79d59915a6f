package dev.annulus;

import static dev.annulus.Futures.get;
import static java.nio.file.StandardOpenOption.READ;
import static java.nio.file.StandardOpenOption.WRITE;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;

class PortableCloseInTimeTest extends CloseInTimeContract {
  @Override
  Backend backend() {
    return Backend.PORTABLE;
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
