package dev.annulus;

import static dev.annulus.Futures.failure;
import static dev.annulus.Futures.get;
import static java.nio.file.StandardOpenOption.APPEND;
import static java.nio.file.StandardOpenOption.READ;
import static java.nio.file.StandardOpenOption.WRITE;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.NonReadableChannelException;
import java.nio.channels.NonWritableChannelException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.OpenOption;
import java.nio.file.Path;
import java.nio.file.attribute.FileAttribute;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Each public method with each kind of bad argument: it fails on the calling thread with the documented exception, and nothing
 * has happened: no operation, no change of file or buffer.
 */
abstract class BadInputContract extends BackendContract {
  private static final byte[] CONTENTS = bytes(1_000, 1);

  /** The methods that transfer bytes. */
  enum Transfer {
    READ,
    READ_FULLY,
    SCATTER,
    READ_SEGMENT,
    READ_SEGMENT_FULLY,
    WRITE,
    WRITE_FULLY,
    WRITE_DURABLY,
    GATHER,
    APPEND,
    WRITE_SEGMENT,
    WRITE_SEGMENT_FULLY;

    boolean reads() {
      return compareTo(READ_SEGMENT_FULLY) <= 0;
    }

    @SuppressWarnings("NullAway") // null is one of the bad arguments
    CompletableFuture<?> call(AsyncFile file, @Nullable MemorySegment memory, @Nullable ByteBuffer buffer, long position) {
      return switch (this) {
        case READ -> file.read(buffer, position);
        case READ_FULLY -> file.readFully(buffer, position);
        case SCATTER -> file.read(Arrays.asList(direct(8), buffer), position);
        case READ_SEGMENT -> file.read(memory, position);
        case READ_SEGMENT_FULLY -> file.readFully(memory, position);
        case WRITE -> file.write(buffer, position);
        case WRITE_FULLY -> file.writeFully(buffer, position);
        case WRITE_DURABLY -> file.writeDurably(buffer, position);
        case GATHER -> file.write(Arrays.asList(direct(8), buffer), position);
        case APPEND -> file.append(buffer);
        case WRITE_SEGMENT -> file.write(memory, position);
        case WRITE_SEGMENT_FULLY -> file.writeFully(memory, position);
      };
    }
  }

  @SuppressWarnings("NullAway.Init") // openFiles
  private Path path;

  @SuppressWarnings("NullAway.Init") // openFiles
  private AsyncFile file;

  @SuppressWarnings("NullAway.Init") // openFiles
  private AsyncFile appending;

  @BeforeEach
  void openFiles() throws Exception {
    path = file(CONTENTS);
    file = open(path, READ, WRITE);
    appending = open(path, READ, APPEND);
  }

  @AfterEach
  void nothingHasChanged() throws Exception {
    assertArrayEquals(CONTENTS, Files.readAllBytes(path));
    file.close();
    appending.close();
  }

  private AsyncFile fileFor(Transfer transfer) {
    return transfer == Transfer.APPEND ? appending : file;
  }

  /** A call with these arguments throws here, submits nothing, and leaves the buffer as it is. */
  private void refused(
      Class<? extends Throwable> type, Transfer transfer, AsyncFile on, @Nullable MemorySegment memory, long position) {
    refused(type, transfer, on, memory, memory == null ? null : memory.asByteBuffer(), position);
  }

  private void refused(
      Class<? extends Throwable> type,
      Transfer transfer,
      AsyncFile on,
      @Nullable MemorySegment memory,
      @Nullable ByteBuffer buffer,
      long position) {
    int before = buffer == null ? 0 : buffer.position();
    nothingSubmitted(type, transfer + " at " + position, () -> transfer.call(on, memory, buffer, position));
    assertEquals(before, buffer == null ? 0 : buffer.position());
  }

  private Throwable nothingSubmitted(Class<? extends Throwable> type, String what, Supplier<CompletableFuture<?>> call) {
    long before = attempts();
    Throwable thrown = assertThrows(Throwable.class, () -> call.get().join(), what);
    assertInstanceOf(type, thrown, what);
    assertEquals(before, attempts(), what + ": submitted something");
    return thrown;
  }

  private long attempts() {
    RuntimeStats stats = runtime.stats();
    return stats.submitted() + stats.inlineHits() + stats.inlineMisses();
  }

  @ParameterizedTest
  @EnumSource(Transfer.class)
  void transfer_ofNull_throwsNullPointer(Transfer transfer) {
    refused(NullPointerException.class, transfer, fileFor(transfer), null, 0);
  }

  @ParameterizedTest
  @EnumSource(mode = EnumSource.Mode.EXCLUDE, names = "APPEND")
  void transfer_atImpossiblePositions_throwsIllegalArgument(Transfer transfer) {
    try (Arena arena = Arena.ofConfined()) {
      for (long position : new long[] {-1, -2, Long.MIN_VALUE, Long.MAX_VALUE - 6, Long.MAX_VALUE}) {
        for (MemorySegment memory : List.of(arena.allocate(8), MemorySegment.ofArray(new byte[8]))) {
          refused(IllegalArgumentException.class, transfer, file, memory, position);
        }
      }
      refused(IllegalArgumentException.class, transfer, file, arena.allocate(8).asSlice(8), -1);
    }
  }

  @ParameterizedTest
  @EnumSource(to = "READ_SEGMENT_FULLY")
  void transfer_intoReadOnlyMemory_throwsIllegalArgument(Transfer transfer) {
    for (MemorySegment memory : List.of(Arena.ofAuto().allocate(8), MemorySegment.ofArray(new byte[8]))) {
      refused(IllegalArgumentException.class, transfer, file, memory.asReadOnly(), 0);
      refused(IllegalArgumentException.class, transfer, file, memory.asSlice(0, 0).asReadOnly(), 0);
    }
  }

  @ParameterizedTest
  @EnumSource(Transfer.class)
  void transfer_withMemoryOfAClosedArena_throwsIllegalState(Transfer transfer) {
    MemorySegment confined;
    MemorySegment shared;
    ByteBuffer ofConfined;
    ByteBuffer ofShared;
    try (Arena a = Arena.ofConfined();
        Arena b = Arena.ofShared()) {
      confined = a.allocate(8);
      shared = b.allocate(8);
      ofConfined = confined.asByteBuffer();
      ofShared = shared.asByteBuffer();
    }
    refused(IllegalStateException.class, transfer, fileFor(transfer), confined, ofConfined, 0);
    refused(IllegalStateException.class, transfer, fileFor(transfer), shared, ofShared, 0);
  }

  @ParameterizedTest
  @EnumSource(Transfer.class)
  void transfer_withMemoryOfAnotherThread_throwsWrongThread(Transfer transfer) throws Exception {
    try (ExecutorService other = Executors.newSingleThreadExecutor()) {
      Arena arena = other.submit(Arena::ofConfined).get();
      MemorySegment memory = other.submit(() -> arena.allocate(8)).get();
      refused(WrongThreadException.class, transfer, fileFor(transfer), memory, 0);
      assertEquals("closed", other.submit(arena::close, "closed").get());
    }
  }

  @ParameterizedTest
  @EnumSource(Transfer.class)
  void transfer_onAClosedFile_throwsIllegalStateBecauseOfClosedChannel(Transfer transfer) throws Exception {
    AsyncFile closed = open(path, READ, APPEND);
    closed.close();
    for (MemorySegment memory : List.of(Arena.ofAuto().allocate(8), MemorySegment.ofArray(new byte[8]), MemorySegment.NULL)) {
      Throwable thrown =
          nothingSubmitted(
              IllegalStateException.class, transfer.name(), () -> transfer.call(closed, memory, memory.asByteBuffer(), 0));
      assertInstanceOf(ClosedChannelException.class, thrown.getCause());
    }
  }

  @ParameterizedTest
  @EnumSource(Transfer.class)
  void transfer_onAFileNotOpenedForIt_throwsTheChannelsException(Transfer transfer) throws Exception {
    Class<? extends Throwable> type =
        transfer.reads() ? NonReadableChannelException.class : NonWritableChannelException.class;
    try (AsyncFile wrong = open(path, transfer.reads() ? WRITE : READ)) {
      for (MemorySegment memory : List.of(Arena.ofAuto().allocate(8), MemorySegment.ofArray(new byte[8]), MemorySegment.NULL)) {
        refused(type, transfer, wrong, memory, 0);
      }
    }
  }

  /** Within the range of a long, but past what any file system holds: the system refuses it, or it is the end of file. */
  @ParameterizedTest
  @EnumSource(mode = EnumSource.Mode.EXCLUDE, names = "APPEND")
  void transfer_atHugePositions_failsInTheFutureOrIsAtTheEnd(Transfer transfer) throws Exception {
    for (MemorySegment memory : List.of(Arena.ofAuto().allocate(8), MemorySegment.ofArray(new byte[8]))) {
      ByteBuffer buffer = memory.asByteBuffer();
      CompletableFuture<?> future = transfer.call(file, memory, buffer, Long.MAX_VALUE - 16);
      Futures.settled(future);
      if (future.isCompletedExceptionally()) {
        assertInstanceOf(IOException.class, failure(future));
      } else {
        assertTrue(transfer.reads() && String.valueOf(get(future)).equals("-1"), transfer + " came to " + future);
      }
      assertEquals(0, buffer.position());
    }
  }

  // ---- lists ----

  @Test
  void listsOfBuffers_thatAreBad_throw() throws Exception {
    ByteBuffer good = direct(8);
    for (boolean reads : new boolean[] {true, false}) {
      List<ByteBuffer> withNull = new ArrayList<>();
      withNull.add(good);
      withNull.add(null);
      assertList(IllegalArgumentException.class, reads, List.of(), 0);
      assertList(NullPointerException.class, reads, withNull, 0);
      assertList(NullPointerException.class, reads, null, 0);
      assertList(IllegalArgumentException.class, reads, List.of(good, good.duplicate()), -1);
      assertList(IllegalArgumentException.class, reads, List.of(direct(8), direct(8)), Long.MAX_VALUE - 15);
    }
    assertList(IllegalArgumentException.class, true, List.of(good, direct(8).asReadOnlyBuffer()), 0);
    assertEquals(0, good.position());
  }

  @SuppressWarnings("NullAway") // null is one of the bad arguments
  private void assertList(
      Class<? extends Throwable> type, boolean reads, @Nullable List<ByteBuffer> buffers, long position) {
    Throwable thrown =
        nothingSubmitted(
            type,
            (reads ? "read " : "write ") + buffers + " at " + position,
            () -> reads ? file.read(buffers, position) : file.write(buffers, position));
    assertEquals(type, thrown.getClass());
  }

  // ---- the rest ----

  @Test
  @SuppressWarnings("NullAway") // null is one of the bad arguments
  void otherOperations_withBadArguments_throw() throws Exception {
    nothingSubmitted(IllegalArgumentException.class, "truncate", () -> file.truncate(-1));
    nothingSubmitted(IllegalArgumentException.class, "truncate", () -> file.truncate(Long.MIN_VALUE));
    nothingSubmitted(IllegalArgumentException.class, "allocate", () -> file.allocate(-1, 1));
    nothingSubmitted(IllegalArgumentException.class, "allocate", () -> file.allocate(0, 0));
    nothingSubmitted(IllegalArgumentException.class, "allocate", () -> file.allocate(0, -1));
    nothingSubmitted(IllegalArgumentException.class, "allocate", () -> file.allocate(1, Long.MAX_VALUE));
    nothingSubmitted(NullPointerException.class, "sync", () -> file.sync(null));
    nothingSubmitted(IllegalStateException.class, "append", () -> file.append(direct(8)));
    try (AsyncFile readOnly = open(path, READ)) {
      nothingSubmitted(NonWritableChannelException.class, "truncate", () -> readOnly.truncate(0));
      nothingSubmitted(NonWritableChannelException.class, "allocate", () -> readOnly.allocate(0, 10));
    }
    // Nothing bad about these but their size: the system says so.
    for (IoFuture<Void> future : List.of(file.allocate(0, Long.MAX_VALUE), file.truncate(Long.MAX_VALUE))) {
      assertTrue(Set.of("EFBIG", "ENOSPC", "EINVAL").contains(failure(ErrnoException.class, future).symbol()));
    }
  }

  @Test
  @SuppressWarnings("NullAway") // null is the bad argument
  void pathOperations_withNull_throw() {
    List<Supplier<CompletableFuture<?>>> calls =
        List.of(
            () -> runtime.openFile(null, READ),
            () -> runtime.openFile(path, (OpenOption[]) null),
            () -> runtime.openFile(path, (OpenOption) null),
            () -> runtime.openFile(path, (Set<OpenOption>) null),
            () -> runtime.openFile(path, Set.of(READ), (FileAttribute<?>) null),
            () -> runtime.stat(null),
            () -> runtime.stat(path, (LinkOption) null),
            () -> runtime.createDirectory(null),
            () -> runtime.delete(null),
            () -> runtime.deleteFile(null),
            () -> runtime.rename(null, path),
            () -> runtime.rename(path, null),
            () -> runtime.link(null, path),
            () -> runtime.link(path, null),
            () -> runtime.syncDirectory(null),
            () -> runtime.readDirectory(null),
            () -> runtime.removeTree(null));
    for (int i = 0; i < calls.size(); i++) {
      nothingSubmitted(NullPointerException.class, "call " + i, calls.get(i));
    }
  }
}
