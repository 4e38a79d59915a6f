package dev.annulus;

import static java.nio.file.StandardOpenOption.APPEND;
import static java.nio.file.StandardOpenOption.READ;
import static java.nio.file.StandardOpenOption.WRITE;
import static java.util.concurrent.TimeUnit.SECONDS;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.annulus.adapter.nio.AnnulusAsynchronousFileChannel;
import dev.annulus.adapter.nio.AnnulusFileChannel;
import dev.annulus.fs.Fs;
import dev.annulus.fs.FsFile;
import dev.annulus.fs.FsOpenOptions;
import dev.annulus.fs.ReadRequest;
import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.MappedByteBuffer;
import java.nio.channels.AsynchronousFileChannel;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.awaitility.Awaitility;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Buffers whose position and limit another thread changes all the time: no memory outside them is read or written. */
abstract class MovedBufferContract extends BackendContract {
  /** Of the buffer, and of the memory on either side of it. */
  private static final int SIZE = 64 * 1024;

  private static final byte INSIDE = 'i';
  private static final byte OUTSIDE = 'O';
  private static final byte IN_FILE = 'f';
  private static final Duration TIME = Duration.ofMillis(600);

  /** What the buffer is a part of. */
  enum Kind {
    DIRECT,
    HEAP,
    LEASED
  }

  private interface Entry {
    Object call() throws Exception;
  }

  /** A buffer with memory before and behind it that must not be touched. */
  private static final class Guarded implements AutoCloseable {
    final ByteBuffer all;
    final ByteBuffer buffer;
    private final Thread mover;
    private volatile boolean stop;

    Guarded(ByteBuffer memory) {
      all = memory;
      buffer = all.slice(SIZE, SIZE);
      for (int i = 0; i < all.capacity(); i++) {
        all.put(i, i >= SIZE && i < 2 * SIZE ? INSIDE : OUTSIDE);
      }
      mover = Thread.ofPlatform().daemon().start(this::move);
    }

    private void move() {
      while (!stop) {
        try {
          buffer.clear().position(SIZE - 16);
          ByteBuffer _ = buffer.position(0).limit(16);
        } catch (IllegalArgumentException e) {
          // The operation moved it in between.
        }
      }
    }

    @Override
    public void close() {
      stop = true;
      Awaitility.await().atMost(Duration.ofSeconds(20)).until(() -> !mover.isAlive());
      for (int i = 0; i < all.capacity(); i++) {
        if (i < SIZE || i >= 2 * SIZE) {
          assertEquals(OUTSIDE, all.get(i), "byte " + (i - SIZE) + " of a buffer of " + SIZE);
        }
      }
    }
  }

  private ByteBuffer memory(Kind kind) {
    return switch (kind) {
      case DIRECT -> ByteBuffer.allocateDirect(3 * SIZE);
      case HEAP -> ByteBuffer.allocate(3 * SIZE);
      case LEASED -> runtime.buffers().tryLease(3 * SIZE).orElseThrow().buffer();
    };
  }

  @ParameterizedTest
  @EnumSource
  void reads_intoABufferThatIsMovedMeanwhile_stayWithinIt(Kind kind) throws Exception {
    byte[] contents = new byte[SIZE];
    Arrays.fill(contents, IN_FILE);
    Path path = file(contents);
    try (AsyncFile file = open(path, READ);
        FsFile fsFile = Fs.on(runtime).open(path, FsOpenOptions.reading());
        FileChannel channel = AnnulusFileChannel.open(runtime, path, READ);
        AsynchronousFileChannel asyncChannel = AnnulusAsynchronousFileChannel.open(runtime, path, READ);
        Guarded guarded = new Guarded(memory(kind))) {
      ByteBuffer b = guarded.buffer;
      ByteBuffer[] two = {b, b};
      AsyncFile here = file.callerRuns();
      Map<String, Entry> entries = new LinkedHashMap<>();
      entries.put("read", () -> file.read(b, 0).get(20, SECONDS));
      entries.put("read here", () -> here.read(b, 0).get(20, SECONDS));
      entries.put("tryRead", () -> file.tryRead(b, 0));
      entries.put("tryRead here", () -> here.tryRead(b, 0));
      entries.put("readFully", () -> file.readFully(b, 0).get(20, SECONDS));
      entries.put("scatter", () -> file.read(List.of(b, b), 0).get(20, SECONDS));
      entries.put("readMany", () -> file.readMany(List.of(new BufferAt(b, 0))).getFirst().get(20, SECONDS));
      entries.put("FsFile.readAt", () -> fsFile.readAt(b, 0));
      entries.put("FsFile.read", () -> fsFile.position(0).read(b));
      entries.put("FsFile.readMany", () -> readMany(fsFile, b));
      entries.put("channel read", () -> channel.read(b, 0));
      entries.put("channel scatter", () -> channel.position(0).read(two));
      entries.put("asynchronous channel read", () -> asyncChannel.read(b, 0).get(20, SECONDS));
      callAll(entries);
    }
  }

  private static Object readMany(FsFile file, ByteBuffer buffer) throws Exception {
    file.readMany(List.of(new ReadRequest(buffer, 0)));
    return "";
  }

  @ParameterizedTest
  @EnumSource
  void writes_fromABufferThatIsMovedMeanwhile_writeWhatIsInIt(Kind kind) throws Exception {
    Path path = file(new byte[0]);
    Path log = file(new byte[0]);
    try (AsyncFile file = open(path, WRITE);
        AsyncFile appended = open(log, APPEND);
        FsFile fsFile = Fs.on(runtime).open(path, FsOpenOptions.none().withWrite(true));
        FsFile fsLog = Fs.on(runtime).open(log, FsOpenOptions.none().withAppend(true));
        FileChannel channel = AnnulusFileChannel.open(runtime, path, WRITE);
        AsynchronousFileChannel asyncChannel = AnnulusAsynchronousFileChannel.open(runtime, path, WRITE);
        Guarded guarded = new Guarded(memory(kind))) {
      ByteBuffer b = guarded.buffer;
      ByteBuffer[] two = {b, b};
      AsyncFile here = file.callerRuns();
      Map<String, Entry> entries = new LinkedHashMap<>();
      entries.put("write", () -> file.write(b, 0).get(20, SECONDS));
      entries.put("write here", () -> here.write(b, 0).get(20, SECONDS));
      entries.put("tryWrite here", () -> here.tryWrite(b, 0));
      entries.put("writeFully", () -> file.writeFully(b, 0).get(20, SECONDS));
      entries.put("writeDurably", () -> file.writeDurably(b, 0).get(20, SECONDS));
      entries.put("gather", () -> file.write(List.of(b, b), 0).get(20, SECONDS));
      entries.put("FsFile.writeAt", () -> fsFile.writeAt(b, 0));
      entries.put("FsFile.write", () -> fsFile.position(0).write(b));
      entries.put("channel write", () -> channel.write(b, 0));
      entries.put("channel gather", () -> channel.position(0).write(two));
      entries.put("asynchronous channel write", () -> asyncChannel.write(b, 0).get(20, SECONDS));
      entries.put("append", () -> appended.append(b).get(20, SECONDS));
      entries.put("FsFile append", () -> fsLog.writeAt(b, 0));
      callAll(entries);
    }
    for (Path written : List.of(path, log)) {
      assertHoldsOnlyTheBuffers(written);
    }
    assertTrue(Files.size(path) <= 2L * SIZE, "length " + Files.size(path));
  }

  /** Piece by piece: a fast machine appends more than the heap takes. */
  private static void assertHoldsOnlyTheBuffers(Path written) throws IOException {
    byte[] piece = new byte[1 << 16];
    byte[] expected = new byte[piece.length];
    Arrays.fill(expected, INSIDE);
    try (InputStream in = Files.newInputStream(written)) {
      for (int count = in.read(piece); count > 0; count = in.read(piece)) {
        int wrong = Arrays.mismatch(expected, 0, count, piece, 0, count);
        assertEquals(-1, wrong, "a byte that is not the buffer's in " + written);
      }
    }
  }

  /** Calls them in turn. Each ends well, or says that the buffer is not to be had. */
  private static void callAll(Map<String, Entry> entries) {
    long end = System.nanoTime() + TIME.toNanos();
    for (int round = 0; round < 3 || System.nanoTime() < end; round++) {
      entries.forEach(MovedBufferContract::call);
    }
  }

  private static void call(String name, Entry entry) {
    Object result;
    try {
      result = entry.call();
    } catch (Exception e) {
      for (Throwable cause = e; !isOfTheBuffer(cause); cause = cause.getCause()) {
        if (cause == null) {
          throw new AssertionError(name, e);
        }
      }
      return;
    }
    if (result instanceof Number count) {
      assertTrue(count.longValue() >= AsyncFile.NOT_NOW && count.longValue() <= 2L * SIZE, name + ": " + count);
    }
  }

  /** It was refused; or empty when it was written from, and not any more when that was looked at. */
  private static boolean isOfTheBuffer(@Nullable Throwable failure) {
    return failure instanceof IllegalArgumentException
        || (failure instanceof ErrnoException && String.valueOf(failure.getMessage()).contains("(0 of "));
  }

  /** Two movers can leave it so for good, though not by will. */
  @Test
  void limit_beforeThePosition_isRefused() {
    IllegalArgumentException refusal = assertThrows(IllegalArgumentException.class, () -> Buffers.size(16, 15));
    assertTrue(String.valueOf(refusal.getMessage()).contains("another thread"), refusal.getMessage());
  }

  /** What a native buffer's operations are made of: its own address, whatever position the system was told of. */
  @Test
  void addresses_ofNativeBuffers_areThoseOfTheirPlaces() {
    MappedByteBuffer buffer = (MappedByteBuffer) ByteBuffer.allocateDirect(SIZE).slice(1000, 5000);
    long base = MemorySegment.ofBuffer(buffer).address();
    for (int position : new int[] {0, 1, 4096, 5000}) {
      for (int told : new int[] {0, 77, 5000}) {
        assertEquals(base + position, Buffers.addressAt(buffer, base + told, position));
      }
    }
  }
}
