package dev.annulus;

import static dev.annulus.Futures.get;
import static java.nio.file.StandardOpenOption.READ;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class IoUringBatchTest extends BatchContract {
  @Override
  Backend backend() {
    return Backend.IO_URING;
  }

  @Test
  void readMany_ofManyReads_wakesTheReaperOnceAtMost() throws Exception {
    long batches = 100;
    int reads = 64;
    try (IoRuntime own = builder().inlineReads(false).open();
        AsyncFile file = get(own.openFile(file(bytes(64 * 4096, 1)), READ))) {
      long wakeups = own.stats().wakeups();
      long submitted = own.stats().submitted();
      for (int i = 0; i < batches; i++) {
        List<BufferAt> batch = new ArrayList<>();
        for (int j = 0; j < reads; j++) {
          batch.add(new BufferAt(direct(4096), j * 4096L));
        }
        for (IoFuture<Void> future : file.readMany(batch)) {
          Void ignored = get(future);
        }
      }
      assertEquals(batches * reads, own.stats().submitted() - submitted);
      long woken = own.stats().wakeups() - wakeups;
      assertTrue(woken <= batches, () -> woken + " wake-ups for " + batches + " batches");
    }
  }
}
