package dev.annulus.adapter.leveldb;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.annulus.Backend;
import dev.annulus.IoRuntime;
import dev.annulus.fs.Fs;
import dev.annulus.testing.ChildJvm;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.file.Path;
import java.util.Random;
import org.iq80.leveldb.DB;
import org.iq80.leveldb.Options;
import org.iq80.leveldb.WriteOptions;
import org.iq80.leveldb.impl.DbImpl;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** A process that is killed without warning leaves a database that opens, with every write that had returned, synced or not. */
@Timeout(300)
class LevelDbKillNineTest {
  private static final int ROUNDS = Integer.getInteger("annulus.leveldb.kill.rounds", 3);
  private static final String END_OF_NUMBER = ";";

  @TempDir Path dir;

  @ParameterizedTest
  @CsvSource({"IO_URING, true", "IO_URING, false", "PORTABLE, false"})
  void write_returnedBeforeTheKill_isInTheDatabase(Backend backend, boolean sync) throws Exception {
    long seed = System.nanoTime();
    Random random = new Random(seed);
    int next = 0;
    for (int round = 0; round < ROUNDS; round++) {
      next = writeUntilKilled(backend, sync, next, next + 20 + random.nextInt(3000));
      try (IoRuntime runtime = IoRuntime.builder().backend(backend).open();
          DB db = open(runtime, dir)) {
        for (int number = 0; number < next; number++) {
          int each = number;
          byte[] value = db.get(key(number));
          assertTrue(value != null, () -> "record " + each + " is missing; seed " + seed);
          assertEquals(value(number), new String(value, UTF_8), () -> "seed " + seed);
        }
      }
    }
  }

  /** Starts a writer at a number, kills it once it has got to another, and returns the first number it did not report. */
  private int writeUntilKilled(Backend backend, boolean sync, int from, int until) throws Exception {
    Process writer =
        ChildJvm.of(Writer.class, backend.name(), Boolean.toString(sync), Integer.toString(from), dir.toString()).start();
    int next = from;
    StringBuilder other = new StringBuilder();
    try (BufferedReader lines = new BufferedReader(new InputStreamReader(writer.getInputStream(), UTF_8))) {
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        if (!line.equals(next + END_OF_NUMBER)) { // the kill has cut it off, or it is a stack trace
          other.append(line).append('\n');
          continue;
        }
        next++;
        if (next == until) {
          // The handle's, not the process's: that would close the stream before all of it is read.
          boolean _ = writer.toHandle().destroyForcibly();
        }
      }
    } finally {
      writer.destroyForcibly().waitFor();
    }
    int reached = next;
    assertTrue(reached >= until, () -> "the writer ended early, at " + reached + ": " + other);
    return next;
  }

  private static DB open(IoRuntime runtime, Path dir) throws IOException {
    // A small buffer, so that tables are made and compacted too.
    Options options = new Options().createIfMissing(true).writeBufferSize(64 * 1024);
    return new DbImpl(options, dir.resolve("db").toString(), new AnnulusEnv(Fs.on(runtime)));
  }

  private static byte[] key(int number) {
    return Integer.toString(number).getBytes(UTF_8);
  }

  private static String value(int number) {
    return ("value " + number + " ").repeat(1 + number % 40);
  }

  /** Writes records for ever, and prints the number of each once its write has returned. */
  static final class Writer {
    private Writer() {}

    public static void main(String[] args) throws IOException {
      DB db = open(IoRuntime.builder().backend(Backend.valueOf(args[0])).open(), Path.of(args[3]));
      WriteOptions options = new WriteOptions().sync(Boolean.parseBoolean(args[1]));
      for (int number = Integer.parseInt(args[2]); ; number++) {
        db.put(key(number), value(number).getBytes(UTF_8), options);
        System.out.println(number + END_OF_NUMBER);
      }
    }
  }
}
