package dev.annulus;

import static dev.annulus.Futures.failure;
import static dev.annulus.Futures.get;
import static java.nio.file.StandardOpenOption.READ;
import static java.nio.file.StandardOpenOption.WRITE;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;

/** Buffers lent by the runtime: what they can be used for, and when they are lent again. */
abstract class BufferPoolContract extends BackendContract {
  private static final int POOL = 64 * 1024;

  private IoRuntime small() {
    return builder().bufferPool(POOL).open();
  }

  private static AsyncFile open(IoRuntime on, Path path) throws Exception {
    return get(on.openFile(path, READ, WRITE));
  }

  private static void awaitNothingLeased(IoRuntime idle) {
    Awaitility.await().atMost(Duration.ofSeconds(10)).until(() -> idle.stats().buffers().leasedBytes() == 0);
  }

  @Test
  void leases_ofAllSizes_roundTripAtRandomPlaces() throws Exception {
    long seed = System.nanoTime();
    Random random = new Random(seed);
    byte[] contents = bytes(300_000, seed);
    Path path = file(contents);
    try (AsyncFile file = open(path, READ, WRITE)) {
      for (int i = 0; i < 200; i++) {
        int size = 1 + random.nextInt(random.nextBoolean() ? 5_000 : 200_000);
        int position = random.nextInt(contents.length - size);
        try (BufferPool.Lease lease = runtime.buffers().lease(size)) {
          assertTrue(lease.isPooled(), "seed " + seed);
          assertEquals(size, lease.buffer().capacity());
          assertEquals(0, lease.segment().address() % 4096);
          assertNull(get(file.readFully(lease.buffer(), position)));
          assertArrayEquals(Arrays.copyOfRange(contents, position, position + size), drained(lease.buffer()), "seed " + seed);
          random.nextBytes(contents);
          byte[] part = Arrays.copyOfRange(contents, position, position + size);
          assertNull(get(file.writeFully(lease.segment().copyFrom(MemorySegment.ofArray(part)), position)));
          assertNull(get(file.writeFully(ByteBuffer.wrap(contents), 0)));
        }
      }
    }
    assertArrayEquals(contents, Files.readAllBytes(path), "seed " + seed);
    awaitNothingLeased(runtime);
    BufferPoolStats stats = runtime.stats().buffers();
    assertTrue(stats.leases() >= 200, stats.toString());
    assertEquals(0, stats.exhausted());
  }

  @Test
  void views_ofALeasedBuffer_areKnownForWhatTheyAre() throws Exception {
    Path path = file(bytes(8192, 1));
    BufferPool.Lease lease = runtime.buffers().lease(8192);
    try (AsyncFile file = open(path, READ)) {
      ByteBuffer tail = lease.buffer().slice(4096, 4000);
      assertEquals(4000, get(file.read(tail, 100)));
      assertEquals(4000, tail.position());
      assertEquals(0, lease.buffer().position());
      assertArrayEquals(Arrays.copyOfRange(bytes(8192, 1), 100, 4100), drained(tail));
      assertEquals(0, get(file.read(lease.buffer().slice(8192, 0), 0)), "an empty view is nobody's");
      lease.close();
      assertThrows(IllegalStateException.class, () -> file.read(tail.clear(), 0));
      assertThrows(IllegalStateException.class, () -> file.read(List.of(ByteBuffer.allocate(10), tail.clear()), 0));
      assertThrows(IllegalStateException.class, lease::buffer);
      assertThrows(IllegalStateException.class, lease::segment);
    }
    awaitNothingLeased(runtime);
  }

  @Test
  void lease_closedWhileARead_isUnderWay_isNotLentAgainBeforeItIsOver() throws Exception {
    Path fifo = fifo();
    try (IoRuntime own = small();
        AsyncFile file = open(own, fifo)) {
      BufferPool.Lease lease = own.buffers().lease(4096);
      long address = lease.segment().address();
      ByteBuffer buffer = lease.buffer();
      IoFuture<Integer> read = file.read(buffer, 0);
      lease.close();
      lease.close();
      List<BufferPool.Lease> rest = leaseAll(own);
      assertEquals(POOL / 4096 - 1, rest.size());
      assertTrue(rest.stream().noneMatch(other -> other.segment().address() == address), "lent while the kernel has it");

      feed(fifo, new byte[] {1, 2, 3});
      assertEquals(3, get(read));
      assertArrayEquals(new byte[] {1, 2, 3}, drained(buffer));
      assertNull(get(read.released()));
      try (BufferPool.Lease again = own.buffers().tryLease(4096).orElseThrow()) {
        assertEquals(address, again.segment().address());
      }
      rest.forEach(BufferPool.Lease::close);
      assertEquals(0, own.stats().buffers().leasedBytes());
    }
  }

  @Test
  void lease_ofACancelledRead_isLentAgainOnceReleased() throws Exception {
    Path fifo = fifo();
    try (IoRuntime own = small();
        AsyncFile file = open(own, fifo)) {
      for (int i = 0; i < 50; i++) {
        BufferPool.Lease lease = own.buffers().tryLease(POOL).orElseThrow();
        IoFuture<Integer> read = file.read(lease.buffer(), 0);
        lease.close();
        boolean ignored = read.cancel(true);
        if (backend() == Backend.PORTABLE) {
          feed(fifo, new byte[1]); // there a read that has begun goes on
        }
        assertNull(get(read.released()));
      }
      assertEquals(0, own.stats().buffers().leasedBytes());
    }
  }

  private static List<BufferPool.Lease> leaseAll(IoRuntime own) {
    List<BufferPool.Lease> all = new ArrayList<>();
    while (true) {
      Optional<BufferPool.Lease> lease = own.buffers().tryLease(1);
      if (lease.isEmpty()) {
        return all;
      }
      all.add(lease.get());
    }
  }

  @Test
  void pool_thatIsEmpty_lendsPlainBuffersAndCountsThem() throws Exception {
    Path path = file(bytes(4096, 2));
    try (IoRuntime own = small();
        AsyncFile file = open(own, path)) {
      List<BufferPool.Lease> all = leaseAll(own);
      assertEquals(POOL, own.stats().buffers().leasedBytes());
      long before = own.stats().buffers().exhausted();
      assertEquals(1, before, "the last try of all");
      try (BufferPool.Lease plain = own.buffers().lease(4096)) {
        assertFalse(plain.isPooled());
        assertEquals(0, plain.segment().address() % 4096);
        assertEquals(4096, get(file.read(plain.buffer(), 0)));
        assertArrayEquals(bytes(4096, 2), drained(plain.buffer()));
      }
      ByteBuffer heap = ByteBuffer.allocate(4096);
      assertEquals(4096, get(file.read(heap, 0)));
      assertArrayEquals(bytes(4096, 2), drained(heap));
      assertEquals(before + 2, own.stats().buffers().exhausted());
      all.forEach(BufferPool.Lease::close);
      assertTrue(own.buffers().tryLease(POOL).isPresent(), "whole again");
    }
  }

  @Test
  void plainLease_closedWhileARead_isUnderWay_isFreedWhenItIsOver() throws Exception {
    Path fifo = fifo();
    try (IoRuntime own = builder().bufferPool(0).open();
        AsyncFile file = open(own, fifo)) {
      BufferPool.Lease lease = own.buffers().lease(4096);
      MemorySegment memory = lease.segment();
      ByteBuffer tail = lease.buffer().slice(4000, 96);
      IoFuture<Integer> read = file.read(tail, 0);
      lease.close();
      assertTrue(memory.scope().isAlive(), "freed while the kernel has it");
      assertThrows(IllegalStateException.class, () -> file.read(tail.duplicate(), 0));
      feed(fifo, new byte[] {1, 2, 3});
      assertEquals(3, get(read));
      assertNull(get(read.released()));
      assertFalse(memory.scope().isAlive());
      assertThrows(IllegalStateException.class, () -> file.read(tail.duplicate(), 0));
    }
  }

  @Test
  void poolOfAClosedRuntime_isFreedWithItsLastLease() {
    IoRuntime own = small();
    BufferPool.Lease unused = own.buffers().lease(1);
    BufferPool.Lease last = own.buffers().lease(1);
    MemorySegment memory = last.segment();
    unused.close();
    own.close();
    assertTrue(memory.scope().isAlive(), "freed while it is lent");
    assertEquals(0, memory.fill((byte) 0).get(ValueLayout.JAVA_BYTE, 0));
    last.close();
    assertFalse(memory.scope().isAlive());
  }

  @Test
  void pool_thatIsTurnedOff_lendsPlainBuffers() throws Exception {
    Path path = file(bytes(100, 3));
    try (IoRuntime own = builder().bufferPool(0).open();
        AsyncFile file = open(own, path);
        BufferPool.Lease lease = own.buffers().lease(100)) {
      assertFalse(lease.isPooled());
      assertEquals(100, get(file.read(lease.buffer(), 0)));
      assertEquals(0, own.buffers().capacityBytes());
      assertEquals(0, own.stats().buffers().registeredBytes());
    }
  }

  @Test
  void badArguments_areRefused() {
    assertThrows(IllegalArgumentException.class, () -> runtime.buffers().lease(0));
    assertThrows(IllegalArgumentException.class, () -> runtime.buffers().tryLease(-1));
    assertThrows(IllegalArgumentException.class, () -> IoRuntime.builder().bufferPool(-1));
    assertThrows(IllegalArgumentException.class, () -> IoRuntime.builder().bufferPool((1 << 30) + 1));
    assertEquals(8192, new BufferPool(4097, _ -> {}).capacityBytes());
  }

  @Test
  void heapBuffers_standIns_areGivenBackHoweverTheOperationEnds() throws Exception {
    runtime.buffers().lease(1).close(); // from then on the pool is there, and used for stand-ins too
    Path path = file(bytes(20_000, 4));
    AsyncFile file = open(path, READ, WRITE);
    assertEquals(20_000, get(file.read(ByteBuffer.allocate(20_000), 0)));
    assertNull(get(file.writeDurably(ByteBuffer.allocate(5_000), 0)));
    assertEquals(300L, get(file.read(List.of(ByteBuffer.allocate(100), ByteBuffer.allocate(200)), 0)));
    assertEquals(ErrorKind.UNEXPECTED_EOF, ErrorKind.of(failure(file.readFully(ByteBuffer.allocate(100), 19_950))));
    assertSame(0, get(file.read(ByteBuffer.allocate(0), 0)));
    IoFuture<Integer> cancelled = file.read(ByteBuffer.allocate(4096), 0);
    boolean ignored = cancelled.cancel(true);
    assertNull(get(cancelled.released()));
    file.close();
    assertThrows(IllegalStateException.class, () -> file.read(ByteBuffer.allocate(100), 0));
    awaitNothingLeased(runtime);
    assertTrue(runtime.stats().buffers().leases() >= 6);
  }

  @Test
  void leases_byManyThreads_areNeverSharedAndAllComeBack() throws Exception {
    Path path = file(bytes(4096, 5));
    try (IoRuntime own = small();
        AsyncFile file = open(own, path)) {
      List<Thread> threads = new ArrayList<>();
      List<Throwable> troubles = Collections.synchronizedList(new ArrayList<>());
      for (int t = 0; t < 8; t++) {
        byte mark = (byte) t;
        threads.add(
            Thread.ofVirtual()
                .start(
                    () -> {
                      try {
                        for (int i = 0; i < 500; i++) {
                          try (BufferPool.Lease lease = own.buffers().lease(1 + 3000 * (i % 4))) {
                            MemorySegment all = lease.segment().fill(mark);
                            int ignored = get(file.write(lease.buffer(), 0));
                            assertEquals(-1, all.mismatch(MemorySegment.ofArray(filled((int) all.byteSize(), mark))));
                          }
                        }
                      } catch (Throwable e) {
                        troubles.add(e);
                      }
                    }));
      }
      for (Thread thread : threads) {
        assertTrue(thread.join(Duration.ofSeconds(50)));
      }
      assertEquals(List.of(), troubles);
      awaitNothingLeased(own);
      assertTrue(own.buffers().tryLease(POOL).isPresent(), "whole again");
    }
  }

  private static byte[] filled(int length, byte mark) {
    byte[] bytes = new byte[length];
    Arrays.fill(bytes, mark);
    return bytes;
  }
}
