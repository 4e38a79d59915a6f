package dev.annulus;

import static dev.annulus.Futures.failure;
import static dev.annulus.Futures.get;
import static java.nio.file.StandardOpenOption.READ;
import static java.nio.file.StandardOpenOption.WRITE;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.ByteBuffer;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.NonReadableChannelException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.RejectedExecutionException;
import org.junit.jupiter.api.Test;

/** Many reads handed over together. */
abstract class BatchContract extends BackendContract {
  private static final int SIZE = 100_000;

  private final byte[] contents = bytes(SIZE, 1);

  /** Reads of random places: heap, direct and leased buffers, empty ones too. */
  private static List<BufferAt> randomReads(IoRuntime on, int count, Random random, List<BufferPool.Lease> leases) {
    List<BufferAt> reads = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      int length = random.nextInt(8) == 0 ? 0 : 1 + random.nextInt(3000);
      ByteBuffer buffer =
          switch (i % 3) {
            case 0 -> ByteBuffer.allocate(length);
            case 1 -> ByteBuffer.allocateDirect(length);
            default -> {
              BufferPool.Lease lease = on.buffers().lease(length + 1);
              leases.add(lease);
              yield lease.buffer().limit(length);
            }
          };
      reads.add(new BufferAt(buffer, random.nextInt(SIZE - 3000)));
    }
    return reads;
  }

  private void assertRead(BufferAt read, String what) {
    int from = (int) read.position();
    assertEquals(read.buffer().limit(), read.buffer().position(), what);
    assertArrayEquals(Arrays.copyOfRange(contents, from, from + read.buffer().limit()), drained(read.buffer()), what);
  }

  @Test
  void readMany_ofRandomPlaces_fillsEachBuffer() throws Exception {
    long seed = System.nanoTime();
    Random random = new Random(seed);
    try (AsyncFile file = open(file(contents), READ)) {
      for (int round = 0; round < 20; round++) {
        List<BufferPool.Lease> leases = new ArrayList<>();
        List<BufferAt> reads = randomReads(runtime, 1 + random.nextInt(200), random, leases);
        List<IoFuture<Void>> futures = file.readMany(reads);
        assertEquals(reads.size(), futures.size());
        for (int i = 0; i < reads.size(); i++) {
          assertNull(get(futures.get(i)));
          assertRead(reads.get(i), "seed " + seed);
        }
        leases.forEach(BufferPool.Lease::close);
      }
      awaitIdle(runtime);
    }
    assertEquals(0, runtime.stats().buffers().leasedBytes());
  }

  @Test
  void readMany_ofMoreThanMayWait_waitsForRoom() throws Exception {
    try (IoRuntime narrow = builder().maxInFlight(2).maxQueued(3).open();
        AsyncFile file = view(get(narrow.openFile(file(contents), READ)))) {
      List<BufferAt> reads = randomReads(narrow, 300, new Random(1), new ArrayList<>());
      List<IoFuture<Void>> futures = file.readMany(reads);
      for (int i = 0; i < reads.size(); i++) {
        assertNull(get(futures.get(i)));
        assertRead(reads.get(i), "read " + i);
      }
    }
  }

  @Test
  void readMany_ofMoreThanMayWait_isRefusedInPartIfSoConfigured() throws Exception {
    try (IoRuntime narrow = builder().maxInFlight(1).maxQueued(2).whenFull(WhenFull.FAIL).open();
        AsyncFile file = view(get(narrow.openFile(file(contents), READ)))) {
      List<BufferAt> reads = randomReads(narrow, 300, new Random(2), new ArrayList<>());
      List<IoFuture<Void>> futures = file.readMany(reads);
      for (int i = 0; i < reads.size(); i++) {
        Throwable failure = get(futures.get(i).handle((_, thrown) -> thrown == null ? new NothingFailed() : thrown));
        if (failure instanceof NothingFailed) {
          assertRead(reads.get(i), "read " + i);
        } else {
          assertInstanceOf(RejectedExecutionException.class, failure);
          assertEquals(0, reads.get(i).buffer().position());
        }
        assertNull(get(futures.get(i).released()));
      }
    }
  }

  private static final class NothingFailed extends Exception {
    private static final long serialVersionUID = 1L;
  }

  @Test
  void readMany_pastTheEnd_failsThoseOnly() throws Exception {
    try (AsyncFile file = open(file(contents), READ)) {
      List<BufferAt> reads =
          List.of(
              new BufferAt(direct(100), 0), new BufferAt(direct(100), SIZE - 50), new BufferAt(direct(100), SIZE - 100));
      List<IoFuture<Void>> futures = file.readMany(reads);
      assertNull(get(futures.get(0)));
      assertEquals(ErrorKind.UNEXPECTED_EOF, ErrorKind.of(failure(futures.get(1))));
      assertNull(get(futures.get(2)));
      assertRead(reads.get(2), "the last");
    }
  }

  @Test
  void readMany_withOneBadArgument_submitsNothing() throws Exception {
    try (AsyncFile file = open(file(contents), READ)) {
      BufferAt good = new BufferAt(direct(10), 0);
      long before = runtime.stats().submitted();
      for (BufferAt bad :
          List.of(
              new BufferAt(ByteBuffer.allocate(10), -1),
              new BufferAt(ByteBuffer.allocate(10), Long.MAX_VALUE),
              new BufferAt(ByteBuffer.allocate(10).asReadOnlyBuffer(), 0))) {
        assertThrows(IllegalArgumentException.class, () -> file.readMany(List.of(good, bad)));
      }
      BufferPool.Lease lease = runtime.buffers().lease(10);
      BufferAt stale = new BufferAt(lease.buffer(), 0);
      lease.close();
      assertThrows(IllegalStateException.class, () -> file.readMany(List.of(good, stale)));
      assertThrows(NullPointerException.class, () -> new BufferAt(nothing(), 0));
      assertEquals(0, good.buffer().position());
      assertEquals(0, runtime.stats().buffers().leasedBytes());
      assertEquals(before, runtime.stats().submitted());
      assertEquals(List.of(), file.readMany(List.of()));
    }
  }

  @SuppressWarnings({"NullAway", "TypeParameterUnusedInFormals"}) // what no caller should give
  private static <T> T nothing() {
    return null;
  }

  @Test
  void readMany_ofAFileThatIsClosedOrNotReadable_isRefused() throws Exception {
    Path path = file(contents);
    AsyncFile file = open(path, READ);
    file.close();
    List<BufferAt> reads = List.of(new BufferAt(ByteBuffer.allocate(10), 0));
    IllegalStateException closed = assertThrows(IllegalStateException.class, () -> file.readMany(reads));
    assertInstanceOf(ClosedChannelException.class, closed.getCause());
    try (AsyncFile writing = open(path, WRITE)) {
      assertThrows(NonReadableChannelException.class, () -> writing.readMany(reads));
    }
  }

  @Test
  void readMany_onTheRuntimesThread_doesNotWaitForItself() throws Exception {
    try (IoRuntime narrow = builder().maxInFlight(1).maxQueued(1).open();
        AsyncFile file = view(get(narrow.openFile(file(contents), READ)))) {
      List<BufferAt> reads = randomReads(narrow, 50, new Random(3), new ArrayList<>());
      CompletableFuture<List<IoFuture<Void>>> submitted = narrow.nop().thenApply(_ -> file.readMany(reads));
      for (IoFuture<Void> future : get(submitted)) {
        assertNull(get(future));
      }
      for (BufferAt read : reads) {
        assertRead(read, "on the runtime's thread");
      }
      assertTrue(narrow.stats().submitted() > 0);
    }
  }
}
