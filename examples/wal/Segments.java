package wal;

import static java.nio.file.StandardOpenOption.CREATE_NEW;
import static java.nio.file.StandardOpenOption.WRITE;

import dev.annulus.AsyncFile;
import dev.annulus.ErrorKind;
import dev.annulus.IoRuntime;
import dev.annulus.Sync;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.Locale;
import java.util.OptionalInt;
import java.util.concurrent.CompletableFuture;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The files of a log: {@code 00000001.wal}, {@code 00000002.wal}, and so on. Each begins with a header, a magic number and its own index,
 * and is full of zeros when it is new.
 */
final class Segments {
  static final int HEADER_BYTES = 16;

  private static final long MAGIC = 0x314c_4157_756e_6e41L; // "AnnuWAL1", little endian
  private static final Pattern NAME = Pattern.compile("(\\d{8,10})\\.wal");
  private static final int CHUNK_BYTES = 1 << 20;
  private static final ByteBuffer ZEROS = ByteBuffer.allocateDirect(CHUNK_BYTES);

  private final IoRuntime runtime;
  private final Path directory;
  private final long capacityBytes;

  Segments(IoRuntime runtime, Path directory, long capacityBytes) {
    this.runtime = runtime;
    this.directory = directory;
    this.capacityBytes = capacityBytes;
  }

  static Path path(Path directory, int index) {
    return directory.resolve(String.format(Locale.ROOT, "%08d.wal", index));
  }

  /** The index of the segment of that name, if it is a segment's. */
  static OptionalInt indexOf(String fileName) {
    Matcher matcher = NAME.matcher(fileName);
    try {
      return matcher.matches() ? OptionalInt.of(Integer.parseInt(matcher.group(1))) : OptionalInt.empty();
    } catch (NumberFormatException e) {
      return OptionalInt.empty();
    }
  }

  static ByteBuffer header(int index) {
    ByteBuffer header = ByteBuffer.allocateDirect(HEADER_BYTES).order(RecordFormat.ORDER);
    return header.putLong(MAGIC).putInt(index).putInt(~index).flip();
  }

  /**
   * Makes a segment that can be used at once: its storage is taken and written to, so that a later sync has data to write but no new
   * blocks to note in the file system's journal, and its name survives a crash.
   */
  CompletableFuture<Segment> prepare(int index) {
    Path path = path(directory, index);
    return runtime
        .openFile(path, CREATE_NEW, WRITE)
        .thenCompose(
            file ->
                fill(file, index)
                    .thenCompose(_ -> file.sync(Sync.ALL))
                    .thenCompose(_ -> runtime.syncDirectory(directory))
                    .thenApply(_ -> new Segment(index, file, capacityBytes))
                    .exceptionallyCompose(failure -> discard(file, failure)));
  }

  private CompletableFuture<Segment> discard(AsyncFile file, Throwable failure) {
    return file.closeAsync()
        .thenCompose(_ -> runtime.deleteFile(file.path()))
        .handle((_, _) -> failure)
        .thenCompose(CompletableFuture::failedFuture);
  }

  private CompletableFuture<Void> fill(AsyncFile file, int index) {
    return file.allocate(0, capacityBytes)
        .exceptionallyCompose(failure -> isUnsupported(failure) ? done() : CompletableFuture.failedFuture(failure))
        .thenCompose(_ -> file.writeFully(header(index), 0))
        .thenCompose(_ -> zeros(file, HEADER_BYTES));
  }

  /** One chunk after the other, so that the batch in flight meanwhile does not wait behind all of them. */
  private CompletableFuture<Void> zeros(AsyncFile file, long position) {
    if (position >= capacityBytes) {
      return done();
    }
    ByteBuffer chunk = ZEROS.duplicate().limit((int) Math.min(CHUNK_BYTES, capacityBytes - position));
    return file.writeFully(chunk, position).thenCompose(_ -> zeros(file, position + chunk.limit()));
  }

  private static boolean isUnsupported(Throwable failure) {
    return ErrorKind.of(failure) == ErrorKind.UNSUPPORTED;
  }

  private static CompletableFuture<Void> done() {
    return CompletableFuture.completedFuture(null);
  }
}
