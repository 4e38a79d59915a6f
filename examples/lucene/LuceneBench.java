package lucene;

import dev.annulus.Backend;
import dev.annulus.IoRuntime;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import lucene.Measurement.Outcome;
import org.HdrHistogram.Histogram;

/** Measures searches of one index through several directories, in turn, and prints a table for each kind of search. */
public final class LuceneBench {
  private static final int FAILED = 1;
  private static final int WRONG_USAGE = 2;

  private final Options options;
  private final Corpus corpus;
  private final IoRuntime runtime;

  private LuceneBench(Options options, IoRuntime runtime) {
    this.options = options;
    this.corpus = new Corpus(options.directory(), options.documents());
    this.runtime = runtime;
  }

  /**
   * Runs the benchmark.
   *
   * @param args see {@code --help}
   */
  public static void main(String[] args) {
    System.exit(run(args));
  }

  static int run(String... args) {
    try {
      Options options = Options.parse(args);
      if (options.help()) {
        System.out.print(Options.HELP);
        return 0;
      }
      IoRuntime.Builder builder = IoRuntime.builder().backend(options.portable() ? Backend.PORTABLE : Backend.AUTO);
      try (IoRuntime runtime = builder.open()) {
        new LuceneBench(options, runtime).run();
      }
      return 0;
    } catch (Options.WrongUsage e) {
      System.err.println(e.getMessage() + "; usage: " + Options.USAGE);
      return WRONG_USAGE;
    } catch (IOException | UncheckedIOException e) {
      System.err.println("failed: " + e);
      return FAILED;
    } catch (InterruptedException e) {
      System.err.println("interrupted");
      return FAILED;
    }
  }

  private void run() throws IOException, InterruptedException {
    corpus.make();
    describe();
    for (Load load : options.loads()) {
      warmUp(load);
      for (Temperature temperature : options.temperatures()) {
        for (int threads : options.threads()) {
          compare(load, temperature, threads);
        }
      }
    }
  }

  private void describe() throws IOException {
    System.out.printf("backend  %s %s%n", runtime.backend(), runtime.stats().ringFlags());
    System.out.printf("kernel   %s %s%n", System.getProperty("os.name"), System.getProperty("os.version"));
    System.out.printf("JVM      %s on %d processors%n", Runtime.version(), Runtime.getRuntime().availableProcessors());
    System.out.printf("lucene   %s%n", org.apache.lucene.util.Version.LATEST);
    System.out.printf(
        Locale.ROOT,
        "index    %,d documents in %s (%s)%n",
        corpus.documents(),
        options.directory(),
        Files.getFileStore(options.directory()).type());
  }

  /** Has everybody's code compiled before anybody is measured. */
  private void warmUp(Load load) throws IOException, InterruptedException {
    System.err.printf("warming up for %s%n", load);
    Measurement measurement = measurement(load, Temperature.WARM, 2);
    for (Rival rival : Rival.values()) {
      Outcome _ = measurement.run(rival, 0);
    }
  }

  private void compare(Load load, Temperature temperature, int threads) throws IOException, InterruptedException {
    System.err.printf("%s, %s, %d threads%n", load, temperature, threads);
    Measurement measurement = measurement(load, temperature, threads);
    Map<Rival, List<Outcome>> outcomes = new EnumMap<>(Rival.class);
    for (int round = 1; round <= options.rounds(); round++) {
      for (Rival rival : Rival.values()) {
        outcomes.computeIfAbsent(rival, _ -> new ArrayList<>()).add(measurement.run(rival, round));
      }
    }
    System.out.printf(
        Locale.ROOT, "%n%s, %s, %d thread%s: pages of %d documents%n", load, temperature, threads, threads == 1 ? "" : "s", options.hits());
    System.out.printf(Locale.ROOT, "  %-22s %10s  %17s %9s %9s%n", "", "pages/s", "lowest..highest", "p50 ms", "p99 ms");
    outcomes.forEach(LuceneBench::print);
  }

  private Measurement measurement(Load load, Temperature temperature, int threads) {
    return new Measurement(corpus, runtime, options.hits(), threads, load, temperature, (long) (options.seconds() * 1e9));
  }

  private static void print(Rival rival, List<Outcome> outcomes) {
    double[] rates = outcomes.stream().mapToDouble(Outcome::pagesPerSecond).sorted().toArray();
    Histogram nanos = new Histogram(outcomes.getFirst().nanos());
    nanos.reset();
    outcomes.forEach(outcome -> nanos.add(outcome.nanos()));
    System.out.printf(
        Locale.ROOT,
        "  %-22s %10.0f  %8.0f..%-8.0f %8.3f %9.3f%n",
        rival,
        rates[rates.length / 2],
        rates[0],
        rates[rates.length - 1],
        nanos.getValueAtPercentile(50) / 1e6,
        nanos.getValueAtPercentile(99) / 1e6);
  }
}
