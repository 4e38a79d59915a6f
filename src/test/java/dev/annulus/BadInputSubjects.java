package dev.annulus;

import static dev.annulus.Futures.get;
import static java.nio.file.StandardOpenOption.APPEND;
import static java.nio.file.StandardOpenOption.READ;
import static java.nio.file.StandardOpenOption.WRITE;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.annulus.fs.Blocking;
import dev.annulus.fs.Fs;
import dev.annulus.fs.FsFile;
import dev.annulus.fs.FsOpenOptions;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.net.URI;
import java.nio.ByteBuffer;
import java.nio.file.FileSystem;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.OpenOption;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/** What bad calls are made on: one file, opened in every way, with a runtime that lives and one that is closed; and memory to misuse. */
final class BadInputSubjects {
  private static final int BLOCK = 4_096;
  private static final byte[] CONTENTS = BackendContract.bytes(4 * BLOCK, 1);

  final IoRuntime runtime;
  final IoRuntime closedRuntime;
  final Fs fs;
  final Fs closedFs;
  final Path dir;
  final Path path;

  /** A path of another file system than the default one. */
  final Path foreign;

  final AsyncFile file;
  final AsyncFile readOnly;
  final AsyncFile writeOnly;
  final AsyncFile appending;
  final AsyncFile closed;

  /** Past the page cache; {@code null} where the file system cannot. */
  final @Nullable AsyncFile direct;

  final FsFile fsFile;
  final FsFile fsReadOnly;
  final FsFile fsWriteOnly;
  final FsFile fsClosed;
  final @Nullable FsFile fsDirect;

  /** Memory that may not be used, by what is wrong with it. */
  final Map<BadMemory, MemorySegment> memory = new HashMap<>();

  /** What may be wrong with memory, and what a use of it throws. */
  enum BadMemory {
    OF_A_CLOSED_CONFINED_ARENA(IllegalStateException.class),
    OF_A_CLOSED_SHARED_ARENA(IllegalStateException.class),
    OF_ANOTHER_THREAD(WrongThreadException.class);

    final Class<? extends Throwable> thrown;

    BadMemory(Class<? extends Throwable> thrown) {
      this.thrown = thrown;
    }
  }

  private final FileSystem zip;
  private final ExecutorService other = Executors.newSingleThreadExecutor();
  private final Arena othersArena;
  private final Map<BadMemory, ByteBuffer> buffers = new HashMap<>();
  private final List<ByteBuffer> used = new ArrayList<>();

  BadInputSubjects(Path dir, IoRuntime runtime, IoRuntime closedRuntime, UnaryOperator<AsyncFile> view) throws Exception {
    this.dir = dir;
    this.runtime = runtime;
    this.closedRuntime = closedRuntime;
    path = Files.write(dir.resolve("file"), CONTENTS);
    zip = FileSystems.newFileSystem(URI.create("jar:" + dir.resolve("archive.zip").toUri()), Map.of("create", "true"));
    foreign = zip.getPath("/inside");
    file = view.apply(open(READ, WRITE));
    readOnly = view.apply(open(READ));
    writeOnly = view.apply(open(WRITE));
    appending = view.apply(open(READ, APPEND));
    closed = view.apply(open(READ, APPEND));
    closed.close();
    direct = openDirect(view);
    // Facades that wait on futures count what they submit; what others run here would not show.
    fs = Fs.on(runtime, Blocking.FUTURES);
    closedFs = Fs.on(closedRuntime, Blocking.FUTURES);
    closedRuntime.close();
    fsFile = fs.open(path, FsOpenOptions.updating());
    fsReadOnly = fs.open(path, FsOpenOptions.reading());
    fsWriteOnly = fs.open(path, FsOpenOptions.none().withWrite(true));
    fsClosed = fs.open(path, FsOpenOptions.updating());
    fsClosed.close();
    fsDirect = direct == null ? null : fs.open(path, FsOpenOptions.updating().withDirect(true));
    othersArena = other.submit(Arena::ofConfined).get();
    makeBadMemory();
  }

  private AsyncFile open(OpenOption... options) throws Exception {
    return get(runtime.openFile(path, options));
  }

  private @Nullable AsyncFile openDirect(UnaryOperator<AsyncFile> view) throws Exception {
    try {
      return view.apply(open(READ, WRITE, IoOpenOption.DIRECT));
    } catch (IOException e) {
      System.out.println("skipped: direct I/O, which the file system of " + path + " refuses: " + e);
      return null;
    }
  }

  private void makeBadMemory() throws Exception {
    try (Arena confined = Arena.ofConfined();
        Arena shared = Arena.ofShared()) {
      memory.put(BadMemory.OF_A_CLOSED_CONFINED_ARENA, confined.allocate(8));
      memory.put(BadMemory.OF_A_CLOSED_SHARED_ARENA, shared.allocate(8));
      memory.put(BadMemory.OF_ANOTHER_THREAD, other.submit(() -> othersArena.allocate(8)).get());
      memory.forEach((kind, segment) -> buffers.put(kind, segment.asByteBuffer()));
    }
  }

  /** A view of bad memory. */
  ByteBuffer buffer(BadMemory kind) {
    return used(Objects.requireNonNull(buffers.get(kind)).duplicate());
  }

  /** Good memory. */
  MemorySegment segment(boolean heap) {
    return heap ? MemorySegment.ofArray(new byte[8]) : Arena.ofAuto().allocate(8);
  }

  /** A good buffer. */
  ByteBuffer buffer(boolean heap) {
    return used(heap ? ByteBuffer.allocate(8) : ByteBuffer.allocateDirect(8));
  }

  /** A buffer that no kernel can transfer from past the page cache. */
  ByteBuffer unaligned() {
    return used(ByteBuffer.allocateDirect(2 * BLOCK).alignedSlice(BLOCK).limit(BLOCK - 1));
  }

  /** Watches that a buffer is left as it is. */
  ByteBuffer used(ByteBuffer buffer) {
    used.add(buffer);
    return buffer;
  }

  /** Operations tried so far. */
  long attempts() {
    RuntimeStats stats = runtime.stats();
    return stats.submitted() + stats.inlineHits() + stats.inlineMisses();
  }

  void assertUnchanged(String what) throws Exception {
    assertArrayEquals(CONTENTS, Files.readAllBytes(path), what);
    assertEquals(0, fsFile.position(), what + ": the cursor");
    for (ByteBuffer buffer : used) {
      assertEquals(0, buffer.position(), what + ": a buffer's position");
    }
    used.clear();
    assertEquals(List.of("archive.zip", "file"), namesIn(dir), what);
  }

  private static List<String> namesIn(Path dir) throws IOException {
    try (var entries = Files.list(dir)) {
      return entries.map(entry -> String.valueOf(entry.getFileName())).sorted().toList();
    }
  }

  void close() throws Exception {
    for (AsyncFile open : List.of(file, readOnly, writeOnly, appending)) {
      open.close();
    }
    if (direct != null) {
      direct.close();
    }
    Object closedArena = other.submit(othersArena::close, "closed").get();
    assertEquals("closed", closedArena);
    other.close();
    zip.close();
  }
}
