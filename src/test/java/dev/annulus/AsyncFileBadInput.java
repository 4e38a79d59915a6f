package dev.annulus;

import static dev.annulus.BadInput.nothing;

import dev.annulus.BadInputSubjects.BadMemory;
import java.io.UncheckedIOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.NonReadableChannelException;
import java.nio.channels.NonWritableChannelException;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.function.IntSupplier;
import java.util.function.Supplier;

/** The bad calls of {@link AsyncFile}. */
final class AsyncFileBadInput {
  private static final Set<ErrorKind> INVALID = Set.of(ErrorKind.INVALID_INPUT);

  /** What the system says of ranges past all it holds: EFBIG, EINVAL or ENOSPC. */
  private static final Set<ErrorKind> TOO_BIG = Set.of(ErrorKind.INVALID_INPUT, ErrorKind.OTHER, ErrorKind.NO_SPACE);

  private static final long[] IMPOSSIBLE = {-1, -2, Long.MIN_VALUE, Long.MAX_VALUE - 6, Long.MAX_VALUE};

  /** The methods that transfer bytes. */
  enum Transfer {
    READ("read(ByteBuffer,long)", true),
    TRY_READ("tryRead(ByteBuffer,long)", true),
    READ_FULLY("readFully(ByteBuffer,long)", true),
    SCATTER("read(List,long)", true),
    READ_MANY("readMany(List)", true),
    READ_SEGMENT("read(MemorySegment,long)", true),
    READ_SEGMENT_FULLY("readFully(MemorySegment,long)", true),
    WRITE("write(ByteBuffer,long)", false),
    TRY_WRITE("tryWrite(ByteBuffer,long)", false),
    WRITE_FULLY("writeFully(ByteBuffer,long)", false),
    WRITE_DURABLY("writeDurably(ByteBuffer,long)", false),
    GATHER("write(List,long)", false),
    APPEND("append(ByteBuffer)", false),
    WRITE_SEGMENT("write(MemorySegment,long)", false),
    WRITE_SEGMENT_FULLY("writeFully(MemorySegment,long)", false);

    final String method;
    final boolean reads;

    Transfer(String signature, boolean reads) {
      this.method = "AsyncFile." + signature;
      this.reads = reads;
    }

    boolean ofSegments() {
      return method.contains("MemorySegment");
    }

    AsyncFile on(BadInputSubjects subjects) {
      return this == APPEND ? subjects.appending : subjects.file;
    }

    CompletableFuture<?> call(AsyncFile file, MemorySegment memory, ByteBuffer buffer, long position) {
      return switch (this) {
        case READ -> file.read(buffer, position);
        case TRY_READ -> doneOr(() -> file.tryRead(buffer, position), () -> file.read(buffer, position));
        case READ_FULLY -> file.readFully(buffer, position);
        case SCATTER -> file.read(Arrays.asList(ByteBuffer.allocateDirect(8), buffer), position);
        case READ_MANY -> file.readMany(List.of(new BufferAt(ByteBuffer.allocateDirect(8), 0), new BufferAt(buffer, position))).getLast();
        case READ_SEGMENT -> file.read(memory, position);
        case READ_SEGMENT_FULLY -> file.readFully(memory, position);
        case WRITE -> file.write(buffer, position);
        case TRY_WRITE -> doneOr(() -> file.tryWrite(buffer, position), () -> file.write(buffer, position));
        case WRITE_FULLY -> file.writeFully(buffer, position);
        case WRITE_DURABLY -> file.writeDurably(buffer, position);
        case GATHER -> file.write(Arrays.asList(ByteBuffer.allocateDirect(8), buffer), position);
        case APPEND -> file.append(buffer);
        case WRITE_SEGMENT -> file.write(memory, position);
        case WRITE_SEGMENT_FULLY -> file.writeFully(memory, position);
      };
    }

    /** What is tried and not done is to be done with a future. */
    private static CompletableFuture<?> doneOr(IntSupplier tried, Supplier<CompletableFuture<?>> other) {
      int count;
      try {
        count = tried.getAsInt();
      } catch (UncheckedIOException e) {
        return CompletableFuture.failedFuture(e.getCause()); // as the future of one would have failed
      }
      return count == AsyncFile.NOT_NOW ? other.get() : CompletableFuture.completedFuture(count);
    }

    CompletableFuture<?> call(AsyncFile file, BadInputSubjects subjects, boolean heap, long position) {
      return call(file, subjects.segment(heap), subjects.buffer(heap), position);
    }
  }

  private final BadInput.Table table;

  private AsyncFileBadInput(BadInput.Table table) {
    this.table = table;
  }

  static void addTo(BadInput.Table table) {
    AsyncFileBadInput bad = new AsyncFileBadInput(table);
    for (Transfer transfer : Transfer.values()) {
      bad.places(transfer);
      bad.memory(transfer);
      bad.files(transfer);
    }
    bad.lists();
    bad.lengths();
    bad.others();
  }

  private void places(Transfer transfer) {
    if (transfer == Transfer.APPEND) {
      return;
    }
    for (long position : IMPOSSIBLE) {
      for (boolean heap : new boolean[] {false, true}) {
        table.thrown(
            transfer.method,
            "at " + position,
            IllegalArgumentException.class,
            on -> transfer.call(transfer.on(on), on, heap, position));
      }
    }
    table.thrown(
        transfer.method,
        "nothing, at -1",
        IllegalArgumentException.class,
        on -> transfer.call(transfer.on(on), MemorySegment.ofArray(new byte[0]), ByteBuffer.allocate(0), -1));
    if (!transfer.reads) {
      table.failing(
          transfer.method, "at a place no file system has", TOO_BIG, on -> transfer.call(transfer.on(on), on, false, Long.MAX_VALUE - 16));
    }
    if (!transfer.ofSegments()) {
      table.failing(
          transfer.method,
          "not aligned, past the page cache",
          INVALID,
          on ->
              on.direct == null
                  ? CompletableFuture.failedFuture(new IllegalArgumentException("cannot be tried here"))
                  : transfer.call(Objects.requireNonNull(on.direct), on.segment(false), on.unaligned(), 1));
    }
  }

  private void memory(Transfer transfer) {
    table.thrown(
        transfer.method, "null", NullPointerException.class, on -> transfer.call(transfer.on(on), nothing(), nothing(), 0));
    for (BadMemory kind : BadMemory.values()) {
      table.thrown(
          transfer.method,
          "memory " + kind,
          kind.thrown,
          on -> transfer.call(transfer.on(on), Objects.requireNonNull(on.memory.get(kind)), on.buffer(kind), 0));
    }
    if (transfer.reads) {
      for (boolean heap : new boolean[] {false, true}) {
        for (int size : new int[] {8, 0}) {
          table.thrown(
              transfer.method,
              size + " bytes of read-only memory, on the heap: " + heap,
              IllegalArgumentException.class,
              on ->
                  transfer.call(
                      transfer.on(on),
                      on.segment(heap).asSlice(0, size).asReadOnly(),
                      on.buffer(heap).slice(0, size).asReadOnlyBuffer(),
                      0));
        }
      }
    }
  }

  private void files(Transfer transfer) {
    Class<? extends Throwable> wrongMode =
        transfer.reads ? NonReadableChannelException.class : NonWritableChannelException.class;
    for (boolean heap : new boolean[] {false, true}) {
      table.thrown(transfer.method, "closed", IllegalStateException.class, on -> transfer.call(on.closed, on, heap, 0));
      table.thrown(
          transfer.method,
          "not opened for it",
          wrongMode,
          on -> transfer.call(transfer.reads ? on.writeOnly : on.readOnly, on, heap, 0));
    }
    table.thrown(
        transfer.method,
        "nothing, closed",
        IllegalStateException.class,
        on -> transfer.call(on.closed, MemorySegment.ofArray(new byte[0]), ByteBuffer.allocate(0), 0));
  }

  private void lists() {
    for (Transfer transfer : EnumSet.of(Transfer.SCATTER, Transfer.GATHER)) {
      list(transfer, "null", NullPointerException.class, nothing(), 0);
      list(transfer, "empty list", IllegalArgumentException.class, List.of(), 0);
      List<ByteBuffer> both = List.of(ByteBuffer.allocate(8), ByteBuffer.allocateDirect(8));
      list(transfer, "range that overflows in its sum", IllegalArgumentException.class, both, Long.MAX_VALUE - 15);
    }
  }

  private void list(Transfer transfer, String what, Class<? extends Throwable> type, List<ByteBuffer> buffers, long position) {
    table.thrown(
        transfer.method,
        what,
        type,
        on -> transfer.reads ? on.file.read(buffers, position) : on.file.write(buffers, position));
  }

  private void lengths() {
    String truncate = "AsyncFile.truncate(long)";
    table.thrown(truncate, "to -1", IllegalArgumentException.class, on -> on.file.truncate(-1));
    table.thrown(truncate, "to the least long", IllegalArgumentException.class, on -> on.file.truncate(Long.MIN_VALUE));
    table.thrown(truncate, "not writable", NonWritableChannelException.class, on -> on.readOnly.truncate(0));
    table.thrown(truncate, "closed", IllegalStateException.class, on -> on.closed.truncate(0));
    table.failing(truncate, "huge", TOO_BIG, on -> on.file.truncate(Long.MAX_VALUE));
    String allocate = "AsyncFile.allocate(long,long)";
    table.thrown(allocate, "at -1", IllegalArgumentException.class, on -> on.file.allocate(-1, 1));
    table.thrown(allocate, "no bytes", IllegalArgumentException.class, on -> on.file.allocate(0, 0));
    table.thrown(allocate, "-1 bytes", IllegalArgumentException.class, on -> on.file.allocate(0, -1));
    table.thrown(allocate, "range that overflows", IllegalArgumentException.class, on -> on.file.allocate(1, Long.MAX_VALUE));
    table.thrown(allocate, "not writable", NonWritableChannelException.class, on -> on.readOnly.allocate(0, 10));
    table.thrown(allocate, "closed", IllegalStateException.class, on -> on.closed.allocate(0, 10));
    table.failing(allocate, "huge", TOO_BIG, on -> on.file.allocate(0, Long.MAX_VALUE));
  }

  private void others() {
    table.thrown(
        Transfer.APPEND.method, "not opened to append", IllegalStateException.class, on -> on.file.append(on.buffer(false)));
    table.thrown("AsyncFile.sync(Sync)", "null", NullPointerException.class, on -> on.file.sync(nothing()));
    table.thrown("AsyncFile.sync(Sync)", "closed", IllegalStateException.class, on -> on.closed.sync(Sync.ALL));
    table.thrown("AsyncFile.directAlignment()", "closed", IllegalStateException.class, on -> on.closed.directAlignment());
    table.thrown("AsyncFile.readMany(List)", "null list", NullPointerException.class, on -> on.file.readMany(nothing()).getLast());
    table.thrown("AsyncFile.stat()", "closed", IllegalStateException.class, on -> on.closed.stat());
    table.thrown("AsyncFile.size()", "closed", IllegalStateException.class, on -> on.closed.size());
    table.thrown("AsyncFile.tryLockExclusive()", "closed", IllegalStateException.class, on -> on.closed.tryLockExclusive());
    table.thrown("AsyncFile.unlock()", "closed", IllegalStateException.class, on -> on.closed.unlock());
  }
}
