package dev.annulus;

import static dev.annulus.Futures.get;
import static java.nio.file.StandardOpenOption.READ;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.nio.file.Path;
import java.time.Duration;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;

class IoUringBufferPoolTest extends BufferPoolContract {
  @Override
  Backend backend() {
    return Backend.IO_URING;
  }

  /** Eight megabytes may be locked by anybody here, or the machine is of no use to the other tests either. */
  @Test
  void pool_onceUsed_isRegisteredWithTheRing() throws Exception {
    Path path = file(bytes(4096, 1));
    try (IoRuntime own = builder().bufferPool(256 * 1024).open();
        AsyncFile file = get(own.openFile(path, READ))) {
      assertEquals(0, own.stats().buffers().registeredBytes());
      Awaitility.await()
          .atMost(Duration.ofSeconds(10))
          .until(
              () -> {
                try (BufferPool.Lease lease = own.buffers().lease(4096)) {
                  assertEquals(4096, get(file.read(lease.buffer(), 0)));
                  assertArrayEquals(bytes(4096, 1), drained(lease.buffer()));
                }
                return own.stats().buffers().registeredBytes() == 256 * 1024;
              });
    }
  }
}
