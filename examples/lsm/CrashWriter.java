package lsm;

import dev.annulus.Backend;
import dev.annulus.IoRuntime;
import dev.annulus.adapter.leveldb.AnnulusEnv;
import dev.annulus.fs.Fs;
import java.io.IOException;
import org.iq80.leveldb.DB;
import org.iq80.leveldb.Options;
import org.iq80.leveldb.WriteOptions;
import org.iq80.leveldb.impl.DbImpl;

/** Writes records for ever, each synced, and prints the number of each once its write has returned. Made to be killed, by {@link Crash}. */
final class CrashWriter {
  static final String END_OF_NUMBER = ";";

  /** Small, so that memtables are written out and tables compacted while it runs. */
  private static final int WRITE_BUFFER_BYTES = 64 * 1024;

  private CrashWriter() {}

  /** Takes the database's directory, the first number, a value's length, and whether to do without io_uring. */
  public static void main(String[] args) throws IOException {
    Records records = new Records(Integer.parseInt(args[2]));
    IoRuntime runtime = IoRuntime.builder().backend(Boolean.parseBoolean(args[3]) ? Backend.PORTABLE : Backend.AUTO).open();
    Options options = new Options().createIfMissing(true).writeBufferSize(WRITE_BUFFER_BYTES);
    DB db = new DbImpl(options, args[0], new AnnulusEnv(Fs.on(runtime)));
    WriteOptions synced = new WriteOptions().sync(true);
    for (long number = Long.parseLong(args[1]); ; number++) {
      db.put(records.key(number), records.value(number), synced);
      System.out.println(number + END_OF_NUMBER);
    }
  }
}
