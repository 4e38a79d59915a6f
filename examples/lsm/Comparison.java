package lsm;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Random;
import org.iq80.leveldb.CompressionType;
import org.iq80.leveldb.DB;
import org.iq80.leveldb.env.Env;
import org.iq80.leveldb.env.File;
import org.iq80.leveldb.impl.DbImpl;
import org.jspecify.annotations.Nullable;

/**
 * Runs the same workloads on both environments, and prints how many records each got done in a second.
 *
 * <p>The environments take turns within a round, and the first turn goes round: disks and shared machines drift, so only what was measured
 * side by side is compared. Tables are not compressed: the files are to be measured, not the compressor.
 */
final class Comparison {
  private static final String ROW = "  %-11s %14s %14s   %5s  %s%n";

  private final Options options;
  private final Side ours;
  private final Side theirs;
  private final Records records;
  private final Map<Workload, List<Rates>> measured = new EnumMap<>(Workload.class);

  /** An environment, and the directory its database is in. */
  private record Side(Env env, Path path) {}

  /** Records in a second, of one round. */
  private record Rates(double ours, double theirs) {
    double ratio() {
      return ours / theirs;
    }
  }

  Comparison(Options options, Path directory, Env ours, Env theirs) {
    this.options = options;
    this.ours = new Side(ours, directory.resolve("annulus"));
    this.theirs = new Side(theirs, directory.resolve("own"));
    this.records = new Records(options.valueBytes());
    options.workloads().forEach(workload -> measured.put(workload, new ArrayList<>()));
  }

  void run() throws IOException {
    System.out.printf(Locale.ROOT, "%,d records, keys of %d bytes, values of %,d%n", options.records(), Records.KEY_BYTES, options.valueBytes());
    for (int round = 0; round <= options.rounds(); round++) {
      boolean oursFirst = round % 2 == 0;
      System.out.println(round == 0 ? "warming up" : "round " + round + " of " + options.rounds());
      Map<Workload, Double> first = pass(oursFirst ? ours : theirs, round);
      Map<Workload, Double> second = pass(oursFirst ? theirs : ours, round);
      if (round > 0) {
        for (Workload workload : measured.keySet()) {
          double a = first.getOrDefault(workload, 0.0);
          double b = second.getOrDefault(workload, 0.0);
          measured.get(workload).add(oursFirst ? new Rates(a, b) : new Rates(b, a));
        }
      }
    }
    report();
  }

  /** All workloads in one environment; what each of them reached. */
  private Map<Workload, Double> pass(Side side, int round) throws IOException {
    Map<Workload, Double> rates = new EnumMap<>(Workload.class);
    @Nullable DB db = null;
    try {
      for (Workload workload : options.workloads()) {
        if (db == null || workload.fresh()) {
          close(db, side);
          db = open(side);
        }
        long before = System.nanoTime();
        long done = workload.run(db, records, options.records(), new Random(31L * round + workload.toString().hashCode()));
        double seconds = (System.nanoTime() - before) / 1e9;
        rates.put(workload, done / seconds);
        System.out.printf(Locale.ROOT, "  %-7s %-11s %8.2f s%n", side.path().getFileName(), workload, seconds);
      }
    } finally {
      close(db, side);
    }
    return rates;
  }

  private static DB open(Side side) throws IOException {
    org.iq80.leveldb.Options options =
        new org.iq80.leveldb.Options().createIfMissing(true).compressionType(CompressionType.NONE);
    return new DbImpl(options, side.path().toString(), side.env());
  }

  private static void close(@Nullable DB db, Side side) throws IOException {
    if (db != null) {
      db.close();
    }
    File directory = side.env().toFile(side.path().toString());
    if (directory.exists() && !directory.deleteRecursively()) {
      throw new IOException("cannot remove the database in " + side.path());
    }
  }

  private void report() {
    System.out.printf("%nRecords in a second: medians; ratios of a round, and their range%n%n");
    System.out.printf(ROW, "", "AnnulusEnv", "its own", "ratio", "");
    measured.forEach(
        (workload, rounds) -> {
          double[] ratios = rounds.stream().mapToDouble(Rates::ratio).sorted().toArray();
          System.out.printf(
              ROW,
              workload,
              number(median(rounds.stream().mapToDouble(Rates::ours).sorted().toArray())),
              number(median(rounds.stream().mapToDouble(Rates::theirs).sorted().toArray())),
              String.format(Locale.ROOT, "%.2f", median(ratios)),
              String.format(Locale.ROOT, "%.2f to %.2f", ratios[0], ratios[ratios.length - 1]));
        });
  }

  private static double median(double[] sorted) {
    int middle = sorted.length / 2;
    return sorted.length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
  }

  private static String number(double rate) {
    return String.format(Locale.ROOT, "%,.0f", rate);
  }
}
