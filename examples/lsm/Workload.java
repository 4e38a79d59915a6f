package lsm;

import java.io.IOException;
import java.util.Locale;
import java.util.Map;
import java.util.Random;
import org.iq80.leveldb.DB;
import org.iq80.leveldb.DBIterator;
import org.iq80.leveldb.WriteOptions;

/** What LevelDB's {@code db_bench} does, under its names. */
enum Workload {
  FILLSEQ(true) {
    @Override
    long run(DB db, Records records, int count, Random random) {
      return write(db, records, new WriteOptions(), count, i -> i);
    }
  },
  FILLSYNC(true) {
    @Override
    long run(DB db, Records records, int count, Random random) {
      int synced = Math.max(1, count / SYNC_FRACTION);
      return write(db, records, new WriteOptions().sync(true), synced, _ -> random.nextInt(count));
    }
  },
  FILLRANDOM(true) {
    @Override
    long run(DB db, Records records, int count, Random random) {
      return write(db, records, new WriteOptions(), count, _ -> random.nextInt(count));
    }
  },
  OVERWRITE(false) {
    @Override
    long run(DB db, Records records, int count, Random random) {
      return write(db, records, new WriteOptions(), count, _ -> random.nextInt(count));
    }
  },
  READRANDOM(false) {
    @Override
    long run(DB db, Records records, int count, Random random) throws IOException {
      for (int i = 0; i < count; i++) {
        long number = random.nextInt(count);
        byte[] value = db.get(records.key(number)); // not every number has been written
        check(value == null || records.isValue(value, number), number);
      }
      return count;
    }
  },
  READSEQ(false) {
    @Override
    long run(DB db, Records records, int count, Random random) throws IOException {
      long read = 0;
      try (DBIterator each = db.iterator()) {
        for (each.seekToFirst(); each.hasNext(); read++) {
          Map.Entry<byte[], byte[]> entry = each.next();
          long number = Records.number(entry.getKey());
          check(records.isValue(entry.getValue(), number), number);
        }
      }
      return read;
    }
  },
  COMPACT(false) {
    @Override
    long run(DB db, Records records, int count, Random random) {
      db.compactRange(null, null);
      return count;
    }
  };

  private static final int SYNC_FRACTION = 100;

  private final boolean fresh;

  Workload(boolean fresh) {
    this.fresh = fresh;
  }

  /** Whether it begins with an empty database. */
  boolean fresh() {
    return fresh;
  }

  /** Does it, and says how many records it wrote, read or had to move. */
  abstract long run(DB db, Records records, int count, Random random) throws IOException;

  private interface Numbers {
    long at(int i);
  }

  private static long write(DB db, Records records, WriteOptions options, int count, Numbers numbers) {
    for (int i = 0; i < count; i++) {
      long number = numbers.at(i);
      db.put(records.key(number), records.value(number), options);
    }
    return count;
  }

  private static void check(boolean right, long number) throws IOException {
    if (!right) {
      throw new IOException("record " + number + " is not what was written");
    }
  }

  @Override
  public String toString() {
    return name().toLowerCase(Locale.ROOT);
  }
}
