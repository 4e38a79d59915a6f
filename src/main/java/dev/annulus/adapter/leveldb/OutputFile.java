package dev.annulus.adapter.leveldb;

import dev.annulus.fs.Fs;
import dev.annulus.fs.FsFile;
import dev.annulus.fs.FsOpenOptions;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedChannelException;
import java.nio.file.Path;
import org.iq80.leveldb.env.WritableFile;
import org.iq80.leveldb.util.Slice;
import org.jspecify.annotations.Nullable;

/**
 * A file that grows at its end.
 *
 * <p>The engine appends small pieces; they are gathered in native memory, which the facade need not copy again. When they go to the
 * system depends on what the file is:
 *
 * <ul>
 *   <li>A table is of use to nobody before it is whole and forced: its pieces are written when the buffer is full.
 *   <li>A log's records must survive the end of the process without being forced, and there is no call to say where one ends. So every
 *       piece is written at once, except that the header of a chunk waits for what it heads: one write for each chunk instead of two.
 *       What is no table is taken for a log.
 * </ul>
 */
final class OutputFile implements WritableFile {
  private static final int BUFFER_BYTES = 64 * 1024;
  private static final int BUFFER_ALIGNMENT = 4096;

  /** As LevelDB's log format has it: checksum 4, length 2, type 1. */
  private static final int CHUNK_HEADER_BYTES = 7;

  private static final int FIRST_CHUNK_TYPE = 1;
  private static final int LAST_CHUNK_TYPE = 4;

  private final Fs fs;
  private final Path path;
  private final FsFile file;
  private final boolean isTable;

  /** Freed when the file is closed: engines make many files, and collect garbage rarely. */
  private final Arena arena = Arena.ofShared();

  private final ByteBuffer buffer = arena.allocate(BUFFER_BYTES, BUFFER_ALIGNMENT).asByteBuffer();

  /** Where the buffer's first byte belongs. */
  private long position;

  private boolean nameIsDurable;
  private @Nullable Exception failure;

  private OutputFile(Fs fs, Path path, FsFile file, long position) {
    this.fs = fs;
    this.path = path;
    this.file = file;
    this.position = position;
    String name = String.valueOf(path.getFileName());
    this.isTable = name.endsWith(".ldb") || name.endsWith(".sst");
  }

  /** A new file; one that is there is emptied. */
  static OutputFile create(Fs fs, Path path) throws IOException {
    return new OutputFile(fs, path, fs.open(path, FsOpenOptions.writing()), 0);
  }

  /** Goes on where a file ends, or begins a new one. */
  static OutputFile append(Fs fs, Path path) throws IOException {
    FsFile file = fs.open(path, FsOpenOptions.none().withWrite(true).withCreate(true));
    try {
      return new OutputFile(fs, path, file, file.size());
    } catch (IOException | RuntimeException e) {
      try (file) {
        throw e;
      }
    }
  }

  @Override
  public void append(Slice data) throws IOException {
    checkUsable("write");
    byte[] bytes = data.getRawArray();
    int from = data.getRawOffset();
    int end = from + data.length();
    boolean waitsForMore = isTable || (buffer.position() == 0 && isChunkHeader(data));
    while (from < end) {
      if (!buffer.hasRemaining()) {
        flush();
      }
      int count = Math.min(end - from, buffer.remaining());
      buffer.put(bytes, from, count);
      from += count;
    }
    if (!waitsForMore) {
      flush();
    }
  }

  @Override
  public void force() throws IOException {
    checkUsable("fdatasync");
    flush();
    try {
      file.syncData();
      if (!nameIsDurable) {
        EnvFile.syncParent(fs, path);
        nameIsDurable = true;
      }
    } catch (IOException | RuntimeException e) {
      failure = e;
      throw e;
    }
  }

  @Override
  public void close() throws IOException {
    try (file) {
      if (file.isOpen() && failure == null) {
        flush();
      }
    } finally {
      // After a failure the system may not have let go of it.
      if (failure == null && arena.scope().isAlive()) {
        arena.close();
      }
    }
  }

  private void flush() throws IOException {
    buffer.flip();
    try {
      if (buffer.hasRemaining()) {
        position += file.writeAt(buffer, position);
      }
    } catch (IOException | RuntimeException e) {
      failure = e;
      throw e;
    } finally {
      buffer.clear();
    }
  }

  private void checkUsable(String operation) throws IOException {
    if (!file.isOpen()) {
      throw new ClosedChannelException();
    }
    if (failure != null) {
      throw new IOException(
          operation + " " + path + ": an earlier write or sync failed; open the database again to recover what it holds", failure);
    }
  }

  private static boolean isChunkHeader(Slice data) {
    if (data.length() != CHUNK_HEADER_BYTES) {
      return false;
    }
    int type = data.getByte(CHUNK_HEADER_BYTES - 1);
    return type >= FIRST_CHUNK_TYPE && type <= LAST_CHUNK_TYPE;
  }

  @Override
  public String toString() {
    return "OutputFile[" + path + " at " + (position + buffer.position()) + "]";
  }
}
