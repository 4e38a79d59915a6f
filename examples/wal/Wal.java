package wal;

import dev.annulus.Backend;
import dev.annulus.IoRuntime;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
import java.util.function.ToDoubleFunction;
import java.util.stream.Stream;

/**
 * Shows what an awaited fsync is good for: a {@link WriteAheadLog} whose records are acknowledged when they are durable, beside one {@code
 * FileChannel.force} for each record.
 */
public final class Wal {
  private static final int FAILED = 1;
  private static final int WRONG_USAGE = 2;
  private static final WriteAheadLog.Settings SETTINGS = WriteAheadLog.Settings.DEFAULT;

  private final Options options;
  private final IoRuntime runtime;
  private final Path directory;
  private final long[] acknowledged;

  private Wal(Options options, IoRuntime runtime, Path directory) {
    this.options = options;
    this.runtime = runtime;
    this.directory = directory;
    this.acknowledged = new long[options.producers()];
  }

  /**
   * Runs the demonstration.
   *
   * @param args see {@code --help}
   */
  public static void main(String[] args) {
    System.exit(run(args));
  }

  private static int run(String... args) {
    try {
      Options options = Options.parse(args);
      if (options.help()) {
        System.out.print(Options.HELP);
        return 0;
      }
      runIn(options, directoryFor(options));
      return 0;
    } catch (Options.WrongUsage e) {
      System.err.println(Complaint.of(e) + "; usage: " + Options.USAGE);
      return WRONG_USAGE;
    } catch (ExecutionException e) {
      System.err.println(Complaint.of(e.getCause()));
    } catch (IOException | CompletionException | IllegalStateException e) {
      System.err.println(Complaint.of(e));
    } catch (InterruptedException e) {
      System.err.println("wal: interrupted");
    }
    return FAILED;
  }

  private static Path directoryFor(Options options) throws IOException {
    if (options.directory().isEmpty()) {
      return Files.createTempDirectory("wal-demo-");
    }
    return Files.createTempDirectory(options.directory().get(), "wal-demo-");
  }

  private static void runIn(Options options, Path directory) throws IOException, ExecutionException, InterruptedException {
    Thread cleaner = new Thread(() -> removeQuietly(directory), "wal-cleanup");
    if (!options.keep()) {
      Runtime.getRuntime().addShutdownHook(cleaner); // also for Ctrl-C
    }
    Backend backend = options.portable() ? Backend.PORTABLE : Backend.AUTO;
    try (IoRuntime runtime = IoRuntime.builder().backend(backend).open()) {
      new Wal(options, runtime, directory).run();
    }
    if (options.keep()) {
      System.out.printf("The log stays: %s%n", directory.resolve("log"));
    }
  }

  private void run() throws IOException, ExecutionException, InterruptedException {
    System.out.printf("backend    %s%n", runtime.backend());
    System.out.printf("directory  %s (%s)%n", directory, Files.getFileStore(directory).type());
    System.out.printf("producers  %d, records of %d bytes%n%n", options.producers(), options.recordBytes());
    contest();
    recover();
  }

  private void contest() throws IOException, ExecutionException, InterruptedException {
    List<Round.Figures> grouped = new ArrayList<>();
    List<Round.Figures> forced = new ArrayList<>();
    try (WriteAheadLog log = open((_, _) -> {});
        ForceEach each = new ForceEach(directory.resolve("forced"), SETTINGS.segmentBytes())) {
      Durable awaited = record -> {
        var _ = log.append(record).get();
      };
      System.out.println("round  way of writing              records/s    p50 us    p99 us  records per sync");
      for (int round = 1; round <= options.rounds(); round++) {
        long batchesBefore = log.batches();
        long recordsBefore = Arrays.stream(acknowledged).sum();
        grouped.add(new Round(options, awaited, acknowledged).run());
        double perSync = (double) (Arrays.stream(acknowledged).sum() - recordsBefore) / (log.batches() - batchesBefore);
        print(round, "group commit", grouped.getLast(), perSync);
        forced.add(new Round(options, each, new long[options.producers()]).run());
        print(round, "FileChannel, force each", forced.getLast(), 1);
      }
    }
    double ratio = median(grouped, Round.Figures::perSecond) / median(forced, Round.Figures::perSecond);
    System.out.printf(Locale.ROOT, "%nGroup commit made %.1f times as many records durable per second (medians).%n", ratio);
  }

  private static void print(int round, String way, Round.Figures figures, double perSync) {
    System.out.printf(
        Locale.ROOT,
        "%5d  %-25s %,11.0f %,9.0f %,9.0f %17.1f%n",
        round,
        way,
        figures.perSecond(),
        figures.p50(),
        figures.p99(),
        perSync);
  }

  private static double median(List<Round.Figures> rounds, ToDoubleFunction<Round.Figures> figure) {
    double[] sorted = rounds.stream().mapToDouble(figure).sorted().toArray();
    return (sorted[(sorted.length - 1) / 2] + sorted[sorted.length / 2]) / 2;
  }

  /** Opens the log again, as after a crash, and checks it against what was acknowledged. */
  private void recover() throws IOException {
    long[] found = new long[acknowledged.length];
    long started = System.nanoTime();
    try (WriteAheadLog _ = open((sequence, bytes) -> check(sequence, bytes, found))) {
      double seconds = (System.nanoTime() - started) / 1e9;
      if (!Arrays.equals(found, acknowledged)) {
        throw new IOException("the log in " + directory + " does not hold what was acknowledged");
      }
      long total = Arrays.stream(found).sum();
      System.out.printf(
          Locale.ROOT, "Recovered %,d records in %.2f s: every acknowledged one, whole and in order.%n", total, seconds);
    }
  }

  private static void check(long sequence, ByteBuffer bytes, long[] found) throws IOException {
    Payload payload = Payload.read(bytes);
    if (payload.number() != found[payload.producer()]++) {
      throw new IOException("record " + sequence + " is " + payload + ", out of order");
    }
  }

  private WriteAheadLog open(WriteAheadLog.Replay replay) throws IOException {
    return WriteAheadLog.open(runtime, directory.resolve("log"), SETTINGS, replay);
  }

  private static void removeQuietly(Path directory) {
    try (Stream<Path> paths = Files.walk(directory)) {
      for (Path path : paths.sorted((a, b) -> b.compareTo(a)).toList()) {
        Files.deleteIfExists(path);
      }
    } catch (IOException e) {
      System.err.println(Complaint.of(e));
    }
  }
}
