package wal;

import dev.annulus.fs.Fs;
import dev.annulus.fs.FsDirEntry;
import dev.annulus.fs.FsFile;
import dev.annulus.fs.FsOpenOptions;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.List;

/**
 * Reads what a log holds, and makes it fit to go on: what is behind the last whole record is cut off. It waits for each step, so it is
 * written against the blocking facade.
 *
 * <p>A record that is torn or damaged ends the log if nothing comes after it in later segments: that is what a crash in the middle of a
 * batch leaves behind, and nobody was told that the batch was durable. If there are later records, acknowledged ones are lost: recovery
 * then refuses, and changes nothing.
 */
final class Recovery {
  private static final int CHUNK_BYTES = 1 << 20;

  private final Fs fs;
  private final Path directory;

  private long nextSequence;
  private int lastIndex;
  private long lastEnd;

  Recovery(Fs fs, Path directory) {
    this.fs = fs;
    this.directory = directory;
  }

  /** Hands over every record in order. Call it once. */
  void run(WriteAheadLog.Replay replay) throws IOException {
    List<Integer> indexes = segments();
    for (int index : indexes) {
      read(index, replay);
    }
    if (lastIndex > 0) {
      makeDurable();
    }
    for (int index : indexes) {
      if (index > lastIndex) {
        fs.removeFile(Segments.path(directory, index)); // prepared but never used, or its first batch is torn
      }
    }
    fs.syncDirectory(directory);
  }

  /** The number of the first record to come. */
  long nextSequence() {
    return nextSequence;
  }

  /** The index of the last segment that stays; 0 if there is none. */
  int lastIndex() {
    return lastIndex;
  }

  private List<Integer> segments() throws IOException {
    return fs.readDirectory(directory).stream()
        .map(FsDirEntry::fileName)
        .flatMapToInt(name -> Segments.indexOf(name).stream())
        .sorted()
        .boxed()
        .toList();
  }

  private void read(int index, WriteAheadLog.Replay replay) throws IOException {
    Path path = Segments.path(directory, index);
    try (FsFile file = fs.open(path, FsOpenOptions.reading())) {
      boolean headed = hasHeader(file, index);
      RecordReader reader = new RecordReader(file, Segments.HEADER_BYTES);
      while (reader.next()) {
        if (!headed) {
          throw new CorruptLogException(path + " has records but no header of segment " + index);
        }
        if (reader.sequence() != nextSequence) {
          throw new CorruptLogException(
              path + " goes on with record " + reader.sequence() + ", but " + nextSequence + " is missing or damaged before it");
        }
        replay.record(nextSequence, reader.payload());
        nextSequence++;
        lastIndex = index;
        lastEnd = reader.end();
      }
    }
  }

  private static boolean hasHeader(FsFile file, int index) throws IOException {
    ByteBuffer header = ByteBuffer.allocateDirect(Segments.HEADER_BYTES);
    file.readAt(header, 0);
    return header.flip().equals(Segments.header(index));
  }

  /**
   * What was read may be in the page cache only: a killed process leaves it there, and after a sync that failed the system no longer knows
   * that it is not on the disk. So it is written once more, which changes nothing but that it will be synced.
   */
  private void makeDurable() throws IOException {
    try (FsFile file = fs.open(Segments.path(directory, lastIndex), FsOpenOptions.updating().withCreate(false))) {
      ByteBuffer chunk = ByteBuffer.allocateDirect(CHUNK_BYTES);
      for (long at = 0; at < lastEnd; at += chunk.limit()) {
        chunk.clear().limit((int) Math.min(CHUNK_BYTES, lastEnd - at));
        file.readAt(chunk, at);
        file.writeAt(chunk.flip(), at);
      }
      file.setLength(lastEnd);
      file.syncAll();
    }
  }
}
