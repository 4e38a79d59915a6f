package bench;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;

/** The log that records are appended to. */
record RecordLog(Path path) {
  private static final int RECORDS_AT_ONCE = 4096;

  /** A new, empty one. */
  static RecordLog in(Path directory) throws IOException {
    return new RecordLog(Files.createTempFile(directory, "bench", ".log"));
  }

  /** Whether every record of every writer is there once, whole, and in its writer's order; then empties the log. */
  void checkAndEmpty(List<Slot> writers, long[] checkedBefore) throws IOException {
    long[] seen = checkedBefore.clone();
    ByteBuffer records = ByteBuffer.allocateDirect(RECORDS_AT_ONCE * Slot.RECORD_BYTES).order(ByteOrder.LITTLE_ENDIAN);
    try (FileChannel file = FileChannel.open(path)) {
      for (long at = 0; file.read(records.clear(), at) > 0; at += records.position()) {
        for (int i = 0; i + Slot.RECORD_BYTES <= records.position(); i += Slot.RECORD_BYTES) {
          int writer = (int) records.getLong(i);
          if (records.getLong(i + Long.BYTES) != ++seen[writer]) {
            throw new IllegalStateException("a record of writer " + writer + " is not in its place in " + path);
          }
        }
      }
    }
    for (int i = 0; i < seen.length; i++) {
      if (seen[i] != writers.get(i).stamp()) {
        throw new IllegalStateException("records of writer " + i + " are missing from " + path);
      }
      checkedBefore[i] = seen[i];
    }
    try (FileChannel file = FileChannel.open(path, StandardOpenOption.WRITE)) {
      file.truncate(0);
    }
  }
}
