package bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;

/**
 * Measures this library beside the JDK's own channels on the same file: the same work, in turns, each in a JVM of its own. {@link
 * AnnulusPeer} and {@link JdkPeer} have the code that is compared.
 */
public final class Bench {
  private static final int FAILED = 1;
  private static final int WRONG_USAGE = 2;

  /** How much longer than a round the warm-up is: the compiler shares the processors with the load. */
  private static final int WARM_UP = 3;

  private final Options options;
  private final DataFile data;
  private final Environment environment;
  private final List<Result> results = new ArrayList<>();
  private boolean failed;

  private Bench(Options options, DataFile data, Environment environment) {
    this.options = options;
    this.data = data;
    this.environment = environment;
  }

  /**
   * Runs the benchmark.
   *
   * @param args see {@code --help}
   */
  public static void main(String[] args) throws InterruptedException {
    System.exit(run(args));
  }

  private static int run(String... args) throws InterruptedException {
    try {
      Options options = Options.parse(args);
      if (options.help()) {
        System.out.print(Options.HELP);
        return 0;
      }
      DataFile data = DataFile.in(options.directory(), options.size());
      Bench bench = new Bench(options, data, Environment.of(data, options));
      bench.measure();
      return bench.failed ? FAILED : 0;
    } catch (Options.WrongUsage e) {
      System.err.println(e.getMessage() + "; usage: " + Options.USAGE);
      return WRONG_USAGE;
    } catch (IOException e) {
      System.err.println("bench: " + e);
      return FAILED;
    }
  }

  private void measure() throws IOException, InterruptedException {
    environment.facts().forEach((name, value) -> System.out.printf("# %-12s %s%n", name, value));
    System.out.println(Figures.COLUMNS);
    for (Cell cell : options.cells()) {
      if (cell.direct() && !environment.allowsDirect()) {
        System.err.printf("%-24s left out: there is no O_DIRECT here%n", cell.id());
        continue;
      }
      measure(cell);
    }
    System.out.print(Summary.of(results));
    Path page = options.html().orElse(options.directory().resolve("bench.html"));
    Files.writeString(page, new HtmlPage(environment, results).toString());
    System.err.println("page       " + page);
  }

  private void measure(Cell cell) throws IOException, InterruptedException {
    if (cell.wantsWarmCache()) {
      data.warmCache();
    }
    List<WorkerProcess> workers = new ArrayList<>();
    WorkerProcess current = null;
    try {
      for (Peer peer : cell.peers(options.portable())) {
        workers.add(new WorkerProcess(peer, cell, data));
      }
      Map<Peer, List<Figures>> rounds = new EnumMap<>(Peer.class);
      double slowest = Double.MAX_VALUE;
      for (int round = 0; round <= options.rounds(); round++) { // round 0 warms up
        System.err.printf("%-24s %s%n", cell.id(), round == 0 ? "warming up" : "round " + round + " of " + options.rounds());
        for (WorkerProcess worker : workers) {
          current = worker;
          Figures figures =
              round == 0
                  ? worker.round(WARM_UP * options.seconds(), 0)
                  : worker.round(options.seconds(), cell.paced() ? slowest / 2 : 0);
          if (round == 0) {
            slowest = Math.min(slowest, figures.perSecond());
          } else {
            rounds.computeIfAbsent(worker.peer(), _ -> new ArrayList<>()).add(figures);
          }
        }
      }
      add(new Result(cell, rounds));
    } catch (IOException e) {
      failed = true;
      System.err.printf("%-24s failed: %s: %s%n", cell.id(), current == null ? "no JVM" : current.peer().id(), e.getMessage());
    } finally {
      workers.forEach(WorkerProcess::close);
    }
  }

  private void add(Result result) {
    results.add(result);
    result.medians().forEach((peer, figures) -> System.out.println(figures.toRow(peer, result.cell())));
    result.doubts().forEach(doubt -> System.err.printf("%-24s %s%n", result.cell().id(), doubt));
  }
}
