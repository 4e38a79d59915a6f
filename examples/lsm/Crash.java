package lsm;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Map;
import java.util.Random;
import org.iq80.leveldb.DB;
import org.iq80.leveldb.DBIterator;
import org.iq80.leveldb.env.Env;
import org.iq80.leveldb.impl.DbImpl;

/**
 * Kills a process in the middle of synced writes, again and again, and looks after each time for every record it had acknowledged.
 *
 * <p>The process is a JVM of its own ({@link CrashWriter}). It prints a record's number when its write has returned, which is when the
 * write-ahead log's fsync has; so what was printed must be in the database, whatever else is. Each round goes on with the database that
 * the round before left.
 */
final class Crash {
  private static final int FEWEST_RECORDS = 50;
  private static final int MORE_RECORDS = 1500;

  private final Options options;
  private final Path database;
  private final Env env;
  private final Records records;

  Crash(Options options, Path database, Env env) {
    this.options = options;
    this.database = database;
    this.env = env;
    this.records = new Records(options.valueBytes());
  }

  void run() throws IOException {
    long seed = System.nanoTime();
    Random random = new Random(seed);
    System.out.printf("killing a writer %d times (seed %d)%n", options.rounds(), seed);
    long acknowledged = 0;
    for (int round = 1; round <= options.rounds(); round++) {
      long before = acknowledged;
      acknowledged = writeUntilKilled(before, before + FEWEST_RECORDS + random.nextInt(MORE_RECORDS));
      long found = recover(acknowledged);
      System.out.printf(
          Locale.ROOT,
          "  %3d: killed after %,d more acknowledged; %,d acknowledged in all are there and right, and %,d that were not%n",
          round, acknowledged - before, acknowledged, found - acknowledged);
    }
    System.out.printf(Locale.ROOT, "%nNothing lost: %,d acknowledged records, %d kills.%n", acknowledged, options.rounds());
  }

  /** Starts a writer at a number, kills it when it has acknowledged all below another, and returns the first number not acknowledged. */
  private long writeUntilKilled(long from, long until) throws IOException {
    Process writer =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "--enable-native-access=ALL-UNNAMED",
                "--sun-misc-unsafe-memory-access=allow", // or the JVM would complain about the engine's Guava
                "-Xmx256m",
                "-cp", System.getProperty("java.class.path"),
                CrashWriter.class.getName(),
                database.toString(), Long.toString(from), Integer.toString(options.valueBytes()), Boolean.toString(options.portable()))
            .redirectError(ProcessBuilder.Redirect.INHERIT)
            .start();
    long next = from;
    try (BufferedReader lines = new BufferedReader(new InputStreamReader(writer.getInputStream(), UTF_8))) {
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        if (!line.equals(next + CrashWriter.END_OF_NUMBER)) {
          continue; // the kill has cut it off
        }
        next++;
        if (next == until) {
          // The handle's, not the process's: that would close the stream before all of it is read.
          boolean _ = writer.toHandle().destroyForcibly();
        }
      }
    } finally {
      writer.toHandle().destroyForcibly();
      awaitEnd(writer);
    }
    if (next < until) {
      throw new IOException("the writer ended by itself after record " + next);
    }
    return next;
  }

  /** Opens what was left, and returns how many records it holds, having seen that every acknowledged one is among them, and right. */
  private long recover(long acknowledged) throws IOException {
    long next = 0;
    try (DB db = new DbImpl(new org.iq80.leveldb.Options().paranoidChecks(true), database.toString(), env);
        DBIterator each = db.iterator()) {
      for (each.seekToFirst(); each.hasNext(); next++) {
        Map.Entry<byte[], byte[]> entry = each.next();
        long number = Records.number(entry.getKey());
        if (number != next) {
          throw new IOException("LOST: record " + next + (next < acknowledged ? ", which was acknowledged" : ", written before " + number));
        }
        if (!records.isValue(entry.getValue(), number)) {
          throw new IOException("DAMAGED: record " + number);
        }
      }
    }
    if (next < acknowledged) {
      throw new IOException("LOST: record " + next + " and those after it, of " + acknowledged + " that were acknowledged");
    }
    return next;
  }

  private static void awaitEnd(Process writer) throws IOException {
    try {
      writer.waitFor();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException("interrupted while the writer was ending", e);
    }
  }
}
