package dev.annulus.adapter.leveldb;

import dev.annulus.fs.Fs;
import dev.annulus.fs.FsFile;
import dev.annulus.fs.FsOpenOptions;
import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.Arrays;
import org.iq80.leveldb.env.RandomInputFile;
import org.jspecify.annotations.Nullable;

/**
 * A table, which is whole and no longer changes. Any number of threads may read it.
 *
 * <p>The engine asks for blocks of some 4 KiB. When it asks for one behind the other, as it does in compactions and for iterators, a longer
 * piece is read and the next blocks are found in that. Kept is the latest such piece only, and only as long as reads go on there.
 */
final class TableInput implements RandomInputFile {
  private static final int AHEAD_BYTES = 64 * 1024;
  private static final long NOWHERE = -1;

  private final FsFile file;
  private final long size;

  /** Where the latest read ended. Threads may overwrite each other's: that only costs the one who then reads without looking ahead. */
  private volatile long latestEnd = NOWHERE;

  private volatile @Nullable Ahead ahead;

  private TableInput(FsFile file, long size) {
    this.file = file;
    this.size = size;
  }

  static TableInput open(Fs fs, Path path) throws IOException {
    FsFile file = fs.open(path, FsOpenOptions.reading());
    try {
      return new TableInput(file, file.size());
    } catch (IOException | RuntimeException e) {
      try (file) {
        throw e;
      }
    }
  }

  @Override
  public long size() {
    return size;
  }

  @Override
  public ByteBuffer read(long offset, int length) throws IOException {
    if (offset < 0 || length < 0 || offset > size - length) {
      throw new EOFException("cannot read " + length + " bytes at " + offset + " in " + file + " of " + size + ": is the table damaged?");
    }
    Ahead known = ahead;
    boolean inTurn = latestEnd == offset;
    latestEnd = offset + length;
    if (known != null && known.holds(offset, length)) {
      return known.part(offset, length);
    }
    if (!inTurn || length >= AHEAD_BYTES) {
      ahead = null;
      return wrap(readHere(offset, length));
    }
    Ahead more = new Ahead(offset, readHere(offset, (int) Math.min(AHEAD_BYTES, size - offset)));
    ahead = more;
    return more.part(offset, length);
  }

  private byte[] readHere(long offset, int length) throws IOException {
    byte[] bytes = new byte[length];
    if (file.readAt(ByteBuffer.wrap(bytes), offset) < length) {
      throw new EOFException("read " + file + ": it became shorter than the " + size + " bytes it had");
    }
    return bytes;
  }

  /** In the heap: the engine keeps an array it is given, and copies anything else. */
  private static ByteBuffer wrap(byte[] bytes) {
    return ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
  }

  /** A piece of the table, not changed once it is here. */
  @SuppressWarnings("ArrayRecordComponent") // never compared
  private record Ahead(long offset, byte[] bytes) {
    boolean holds(long from, int length) {
      return from >= offset && from + length <= offset + bytes.length;
    }

    /** A copy, since the engine may keep it for long, and all the array with it. */
    ByteBuffer part(long from, int length) {
      int start = (int) (from - offset);
      return wrap(Arrays.copyOfRange(bytes, start, start + length));
    }
  }

  @Override
  public void close() throws IOException {
    file.close();
  }

  @Override
  public String toString() {
    return "TableInput[" + file + ", " + size + " bytes]";
  }
}
