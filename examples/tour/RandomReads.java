package tour;

import dev.annulus.AsyncFile;
import dev.annulus.IoRuntime;
import dev.annulus.fs.Fs;
import dev.annulus.fs.FsFile;
import dev.annulus.fs.FsOpenOptions;
import java.io.IOException;
import java.nio.channels.AsynchronousFileChannel;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/**
 * Reads blocks of a file at random places in three ways, each through this library and through the JDK. The two take turns in
 * short rounds, and medians count, since machines drift.
 */
final class RandomReads {
  private static final int IN_FLIGHT = 64;
  private static final int JDK_POOL_THREADS = 32;
  private static final int ROUNDS = 4;

  /** One way of reading, and the two that do it. */
  private record Pair(String way, Reading ours, String rival, Reading theirs) {}

  private final IoRuntime runtime;
  private final Path path;
  private final Fingerprint expected;
  private final long roundNanos;

  RandomReads(IoRuntime runtime, Path path, Fingerprint expected, double secondsPerWay) {
    this.runtime = runtime;
    this.path = path;
    this.expected = expected;
    this.roundNanos = (long) (secondsPerWay * 1e9 / ROUNDS);
  }

  /** Measures, and prints a table. */
  void run() throws IOException {
    try (AsyncFile file = runtime.openFile(path).join();
        Fs fs = Fs.on(runtime);
        FsFile blocking = fs.open(path, FsOpenOptions.reading());
        FileChannel channel = FileChannel.open(path);
        ExecutorService pool = Executors.newFixedThreadPool(JDK_POOL_THREADS);
        AsynchronousFileChannel asyncChannel = AsynchronousFileChannel.open(path, Set.of(StandardOpenOption.READ), pool)) {
      measure(
          List.of(
              new Pair(
                  IN_FLIGHT + " futures in flight",
                  new AsyncReading(throughFutures(file), expected, IN_FLIGHT),
                  "AsynchronousFileChannel, " + JDK_POOL_THREADS + " threads",
                  new AsyncReading(throughHandlers(asyncChannel), expected, IN_FLIGHT)),
              new Pair(
                  IN_FLIGHT + " virtual threads",
                  new BlockingReading(blocking::readAt, expected, IN_FLIGHT),
                  "FileChannel",
                  new BlockingReading(channel::read, expected, IN_FLIGHT)),
              new Pair(
                  "1 platform thread",
                  new BlockingReading(blocking::readAt, expected, 1),
                  "FileChannel",
                  new BlockingReading(channel::read, expected, 1))));
    }
  }

  private static AsyncReading.Source throughFutures(AsyncFile file) {
    return (dst, position, handler, block) -> {
      var _ =
          file.read(dst, position)
              .whenComplete(
                  (length, failure) -> {
                    if (failure == null) {
                      handler.completed(length, block);
                    } else {
                      handler.failed(failure, block);
                    }
                  });
    };
  }

  private static AsyncReading.Source throughHandlers(AsynchronousFileChannel channel) {
    return (dst, position, handler, block) -> channel.read(dst, position, block, handler);
  }

  private void measure(List<Pair> pairs) throws IOException {
    double[][] ours = new double[pairs.size()][ROUNDS];
    double[][] theirs = new double[pairs.size()][ROUNDS];
    int done = 0;
    try (ProgressBar progress = new ProgressBar("reading", 2L * pairs.size() * (1 + ROUNDS))) {
      for (int round = -1; round < ROUNDS; round++) { // round -1 warms up
        for (int pair = 0; pair < pairs.size(); pair++) {
          double our = readsPerSecond(pairs.get(pair).ours());
          progress.update(++done);
          double their = readsPerSecond(pairs.get(pair).theirs());
          progress.update(++done);
          if (round >= 0) {
            ours[pair][round] = our;
            theirs[pair][round] = their;
          }
        }
      }
    }
    print(pairs, ours, theirs);
  }

  private double readsPerSecond(Reading reading) throws IOException {
    long started = System.nanoTime();
    long reads = reading.readUntil(started + roundNanos);
    return reads / ((System.nanoTime() - started) / 1e9);
  }

  private void print(List<Pair> pairs, double[][] ours, double[][] theirs) {
    Table table = new Table();
    table.add("reads/s", "Annulus", "JDK", "ratio", "JDK's way");
    for (int i = 0; i < pairs.size(); i++) {
      double our = median(ours[i]);
      double their = median(theirs[i]);
      table.add(
          pairs.get(i).way(),
          String.format(Locale.ROOT, "%,.0f", our),
          String.format(Locale.ROOT, "%,.0f", their),
          String.format(Locale.ROOT, "%.2f", our / their),
          pairs.get(i).rival());
    }
    System.out.printf(
        Locale.ROOT,
        "%nRandom reads of 4 KiB from the page cache, every block checked; medians of %d rounds of %.2f s:%n%n%s",
        ROUNDS,
        roundNanos / 1e9,
        table);
  }

  private static double median(double[] values) {
    double[] sorted = values.clone();
    Arrays.sort(sorted);
    int middle = sorted.length / 2;
    return sorted.length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
  }
}
