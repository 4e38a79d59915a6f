package dev.annulus;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.annulus.internal.driver.Errno;
import dev.annulus.internal.driver.Request;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.RejectedExecutionException;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.EnumSource.Mode;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Memory that is taken for an operation, a lease, a part of the pool or a block, comes back once however the operation ends or fails to
 * begin, and not before its end.
 */
@Timeout(60)
class GivenBackMemoryTest {
  private static final int SIZE = 3000;

  /** What the operation's memory is. */
  enum Kind {
    /** A buffer of the pool's, whose lease is closed while the operation is in flight. */
    LEASED,

    /** As before, of a pool that had no room. */
    PLAIN,

    /** Heap memory, for which some of the pool's stands in. */
    POOLED,

    /** Heap memory, for which a block stands in. */
    BLOCK
  }

  /** How an operation that was submitted ends. */
  enum End {
    SUCCESS,
    SHORT,
    ERROR,
    CANCELLED,
    REFUSED
  }

  private interface Entry {
    CompletableFuture<?> call(AsyncFile file, ByteBuffer buffer, MemorySegment segment, long position);
  }

  private final HandDriver hand = new HandDriver();
  private Engine engine = new Engine(hand, TestPolicies.plain());
  private OpenDescriptor descriptor = descriptor();
  private AsyncFile file = asyncFile();
  private BufferPool.@Nullable Lease lease;

  private OpenDescriptor descriptor() {
    OpenSpec spec = OpenSpec.parse(Set.of(StandardOpenOption.READ, StandardOpenOption.WRITE));
    return new OpenDescriptor(engine, Path.of("file"), 99, spec);
  }

  private AsyncFile asyncFile() {
    return new DriverFile(descriptor, new OpenHandle(descriptor, null), false);
  }

  /** All calls that take memory for an operation. */
  private static Map<String, Entry> entries() {
    Map<String, Entry> all = new LinkedHashMap<>();
    all.put("read", (file, buffer, _, position) -> file.read(buffer, position));
    all.put("read segment", (file, _, segment, position) -> file.read(segment, position));
    all.put("readFully", (file, buffer, _, position) -> file.readFully(buffer, position));
    all.put("readFully segment", (file, _, segment, position) -> file.readFully(segment, position));
    all.put("scatter", (file, buffer, _, position) -> file.read(halves(buffer), position));
    all.put("readMany", (file, buffer, _, position) -> file.readMany(List.of(new BufferAt(buffer, position))).getFirst());
    all.put("write", (file, buffer, _, position) -> file.write(buffer, position));
    all.put("write segment", (file, _, segment, position) -> file.write(segment, position));
    all.put("writeFully", (file, buffer, _, position) -> file.writeFully(buffer, position));
    all.put("writeFully segment", (file, _, segment, position) -> file.writeFully(segment, position));
    all.put("gather", (file, buffer, _, position) -> file.write(halves(buffer), position));
    all.put("writeDurably", (file, buffer, _, position) -> file.writeDurably(buffer, position));
    return all;
  }

  private static List<ByteBuffer> halves(ByteBuffer buffer) {
    return List.of(buffer.slice(0, SIZE / 2), buffer.slice(SIZE / 2, SIZE - SIZE / 2));
  }

  /** Everything new, and memory of a kind. */
  private MemorySegment begin(Kind kind, boolean views) {
    closeIfOpen();
    hand.views = views;
    engine = new Engine(hand, TestPolicies.plain());
    descriptor = descriptor();
    file = asyncFile();
    lease = null;
    BufferPool pool = engine.bufferPool();
    switch (kind) {
      case LEASED -> lease = pool.tryLease(SIZE).orElseThrow();
      case PLAIN -> {
        BufferPool.Lease all = pool.tryLease(pool.capacityBytes()).orElseThrow();
        lease = pool.lease(SIZE);
        all.close();
        assertFalse(lease.isPooled());
      }
      case POOLED -> pool.lease(1).close();
      case BLOCK -> {}
    }
    return lease == null ? MemorySegment.ofArray(new byte[SIZE]) : lease.segment();
  }

  /** The user's part is over: the rest of the time is the operation's. */
  private void closeLease() {
    if (lease != null) {
      lease.close();
    }
  }

  private boolean isLent(Kind kind, MemorySegment segment) {
    return switch (kind) {
      case LEASED, POOLED -> engine.bufferPool().stats(0).leasedBytes() > 0;
      case PLAIN -> segment.scope().isAlive();
      case BLOCK -> lentBlocks() > 0;
    };
  }

  /** The bytes of blocks that are not kept for the next. */
  private long lentBlocks() {
    return engine.heapCopies().blocks().lentBytes();
  }

  /** All of it is there once, and goes with the runtime. */
  private void checkAllIsBack(String what) {
    NativeBlocks blocks = engine.heapCopies().blocks();
    assertEquals(0, engine.bufferPool().stats(0).leasedBytes(), what);
    assertEquals(0, lentBlocks(), what);
    Set<Long> addresses = new HashSet<>();
    List<NativeBlocks.Block> taken = new ArrayList<>();
    for (int i = 0; i < 3; i++) {
      taken.add(blocks.take(SIZE));
      assertTrue(addresses.add(taken.getLast().segment().address()), what + ": one block is lent twice");
    }
    taken.forEach(block -> block.giveBack(block.lending));
    engine.freeMemory();
    assertEquals(0, blocks.allocatedBytes(), what);
    assertTrue(descriptor.toString().contains("0 operations in flight"), () -> what + ": " + descriptor);
  }

  @AfterEach
  void free() {
    closeIfOpen();
    closeLease();
    engine.freeMemory();
  }

  // ---- operations that begin ----

  static Stream<Arguments> kindsAndEnds() {
    return Stream.of(Kind.values()).flatMap(kind -> Stream.of(End.values()).map(end -> Arguments.of(kind, end)));
  }

  @ParameterizedTest
  @MethodSource("kindsAndEnds")
  void memory_ofAnOperation_comesBackWithItsEndAndNotBefore(Kind kind, End end) {
    for (boolean views : new boolean[] {false, true}) {
      entries()
          .forEach(
              (name, entry) -> {
                String what = name + ", " + kind + ", " + end + (views ? ", viewed" : "");
                MemorySegment segment = begin(kind, views);
                IoFuture<?> future = (IoFuture<?>) entry.call(file, buffer(segment), segment, 0);
                closeLease();
                endAll(future, kind, end, segment, what);
                assertTrue(future.isDone(), what);
                assertTrue(future.released().isDone(), what);
                assertFalse(isLent(kind, segment), what + ": kept");
                checkAllIsBack(what);
              });
    }
  }

  private ByteBuffer buffer(MemorySegment segment) {
    return lease == null ? segment.asByteBuffer() : lease.buffer();
  }

  /** Ends an operation, and those that follow. */
  private void endAll(IoFuture<?> future, Kind kind, End end, MemorySegment segment, String what) {
    if (end == End.CANCELLED) {
      assertTrue(future.cancel(false), what);
      assertFalse(future.released().isDone(), what);
    }
    for (int i = 0; !hand.requests.isEmpty(); i++) {
      assertTrue(i < 10, what + ": goes on for ever");
      assertTrue(isLent(kind, segment), what + ": given back while an operation uses it");
      switch (end) {
        case SUCCESS -> hand.endNext(SIZE);
        case SHORT -> hand.endNext(i == 0 ? SIZE / 3 : SIZE - SIZE / 3);
        case ERROR -> hand.endNext(-Errno.EIO);
        case CANCELLED -> hand.endNext(-Errno.ECANCELED);
        case REFUSED -> Objects.requireNonNull(hand.requests.poll()).refused(new RejectedExecutionException("test"));
      }
    }
  }

  /** The kernel may still write to it: it is not to be used again, whatever it was. */
  @ParameterizedTest
  @EnumSource
  void memory_ofAnAbandonedOperation_neverComesBack(Kind kind) {
    entries()
        .forEach(
            (name, entry) -> {
              MemorySegment segment = begin(kind, false);
              IoFuture<?> future = (IoFuture<?>) entry.call(file, buffer(segment), segment, 0);
              closeLease();
              Objects.requireNonNull(hand.requests.poll()).abandoned(new IOException("test"));
              assertTrue(future.isCompletedExceptionally(), name);
              assertTrue(isLent(kind, segment), name + ": given back though the kernel may have it");
              engine.freeMemory();
              assertTrue(isLent(kind, segment), name + ": freed though the kernel may have it");
            });
  }

  // ---- operations that do not ----

  @ParameterizedTest
  @EnumSource
  void memory_ofACallThatThrows_isGivenBack(Kind kind) {
    for (boolean views : new boolean[] {false, true}) {
      entries()
          .forEach(
              (name, entry) -> {
                String what = name + ", " + kind;
                MemorySegment segment = begin(kind, views);
                ByteBuffer buffer = buffer(segment);
                assertThrows(IllegalArgumentException.class, () -> entry.call(file, buffer, segment, -1), what);
                assertThrows(
                    IllegalArgumentException.class, () -> entry.call(file, buffer, segment, Long.MAX_VALUE), what);
                hand.taker =
                    _ -> {
                      throw new OutOfMemoryError("by the test");
                    };
                try {
                  Object future = entry.call(file, buffer, segment, 0);
                  assertTrue(((IoFuture<?>) future).isCompletedExceptionally(), what);
                } catch (OutOfMemoryError e) {
                  assertNotNull(e.getMessage());
                }
                hand.taker = hand.requests::add;
                assertTrue(isUnused(kind), what + ": kept until the file is used again");
                closeFile();
                assertThrows(IllegalStateException.class, () -> entry.call(file, buffer, segment, 0), what);
                closeLease();
                assertFalse(isLent(kind, segment), what + ": kept");
                checkAllIsBack(what);
              });
    }
  }

  /** Whether no operation has it, though the user may. */
  private boolean isUnused(Kind kind) {
    return switch (kind) {
      case LEASED, PLAIN -> Objects.requireNonNull(lease).toString().contains("used by 0");
      case POOLED -> engine.bufferPool().stats(0).leasedBytes() == 0;
      case BLOCK -> lentBlocks() == 0;
    };
  }

  /** The file is closed by another thread when the memory is taken, and the operation's lease on the file is not. */
  @Test
  void memory_takenWhileTheFileIsBeingClosed_isGivenBack() {
    entries()
        .forEach(
            (name, entry) -> {
              MemorySegment segment = begin(Kind.BLOCK, false);
              for (int i = 0; !engine.bufferPool().isMade(); i++) {
                // The pool's memory is made for the one after so many copies.
                hand.onRegister = this::closeFile;
                try {
                  Object _ = entry.call(file, segment.asByteBuffer(), segment, 0);
                  assertTrue(i < 100, name);
                  end(name);
                } catch (IllegalStateException e) {
                  assertTrue(engine.bufferPool().isMade(), name + ": " + e);
                }
              }
              hand.onRegister = () -> {};
              assertFalse(file.isOpen(), name);
              checkAllIsBack(name);
            });
  }

  private void end(String name) {
    for (int i = 0; !hand.requests.isEmpty(); i++) {
      assertTrue(i < 10, name);
      hand.endNext(SIZE);
    }
  }

  /** It is not known whether the file has places to read from, as the driver fails. */
  @Test
  void memory_ofALongRead_isGivenBackWhenTheDriverCannotTellWhatTheFileIs() {
    Map<String, Entry> reads = entries();
    for (String name : List.of("read", "read segment", "scatter")) {
      MemorySegment _ = begin(Kind.BLOCK, false);
      MemorySegment large = MemorySegment.ofArray(new byte[3 << 20]);
      hand.reader =
          () -> {
            throw new IllegalStateException("by the test");
          };
      ByteBuffer buffer = large.asByteBuffer();
      Entry entry =
          name.equals("scatter") ? (on, all, _, position) -> on.read(List.of(all), position) : reads.get(name);
      assertThrows(
          IllegalStateException.class, () -> Objects.requireNonNull(entry).call(file, buffer, large, 0), name);
      checkAllIsBack(name);
    }
  }

  /** With a lease that is closed, a call throws and keeps nothing of what it took before: of several buffers those before it. */
  @ParameterizedTest
  @EnumSource(mode = Mode.EXCLUDE, names = "BLOCK")
  void memory_besideABufferOfAClosedLease_isGivenBack(Kind kind) {
    for (boolean read : new boolean[] {false, true}) {
      MemorySegment segment = begin(kind, false);
      List<BufferPool.Lease> others = leaseAll();
      ByteBuffer gone = others.getFirst().buffer();
      others.getFirst().close();
      others.getLast().close(); // is lent again before the first is
      ByteBuffer buffer = buffer(segment);
      List<ByteBuffer> buffers = List.of(buffer, gone);
      assertThrows(
          IllegalStateException.class, () -> Objects.requireNonNull(read ? file.read(buffers, 0) : file.write(buffers, 0)));
      assertThrows(
          IllegalStateException.class, () -> file.readMany(List.of(new BufferAt(buffer, 0), new BufferAt(gone, 0))));
      closeLease();
      others.forEach(BufferPool.Lease::close);
      assertFalse(isLent(kind, segment), "kept");
      checkAllIsBack("read: " + read);
    }
  }

  private List<BufferPool.Lease> leaseAll() {
    List<BufferPool.Lease> all = new ArrayList<>();
    BufferPool pool = engine.bufferPool();
    for (Optional<BufferPool.Lease> next = pool.tryLease(1); next.isPresent(); next = pool.tryLease(1)) {
      all.add(next.get());
    }
    return all;
  }

  /** A file that is dropped would be reported. */
  private void closeIfOpen() {
    if (file.isOpen()) {
      Object _ = file.closeAsync();
    }
    hand.requests.clear();
  }

  private void closeFile() {
    Object _ = file.closeAsync();
    Request close = Objects.requireNonNull(hand.requests.poll());
    close.completed(0);
    assertTrue(hand.requests.isEmpty());
  }
}
