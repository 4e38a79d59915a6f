package bench;

import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.function.ToDoubleFunction;
import java.util.stream.Collectors;
import java.util.stream.DoubleStream;

/**
 * What was measured.
 *
 * @param perSecond operations per second
 * @param p50 latency in microseconds that half of the operations do not exceed
 * @param p99 likewise, 99 %
 * @param p999 likewise, 99.9 %
 * @param cpu CPU time of all threads, user and system, in microseconds per operation
 * @param heap bytes allocated on the heap per operation
 * @param threads the most platform threads of Java alive at one time, carriers of virtual threads included
 * @param systemThreads threads of the process at the end: the JVM's own and the kernel's workers included; -1 if not known
 * @param deviceBytes bytes that storage delivered per operation; -1 if not known
 * @param latencies in microseconds, at {@link LatencyChart#PERCENTILES}
 */
record Figures(
    double perSecond,
    double p50,
    double p99,
    double p999,
    double cpu,
    double heap,
    double threads,
    double systemThreads,
    double deviceBytes,
    List<Double> latencies) {
  static final String COLUMNS = "peer\tcell\tops_per_s\tp50_us\tp99_us\tp999_us\tcpu_us_per_op\theap_B_per_op\tthreads";

  private static final List<ToDoubleFunction<Figures>> ALL =
      List.of(
          Figures::perSecond,
          Figures::p50,
          Figures::p99,
          Figures::p999,
          Figures::cpu,
          Figures::heap,
          Figures::threads,
          Figures::systemThreads,
          Figures::deviceBytes);

  private static Figures of(double... values) {
    return new Figures(
        values[0],
        values[1],
        values[2],
        values[3],
        values[4],
        values[5],
        values[6],
        values[7],
        values[8],
        Arrays.stream(values, ALL.size(), values.length).boxed().toList());
  }

  private double[] values() {
    return DoubleStream.concat(
            ALL.stream().mapToDouble(one -> one.applyAsDouble(this)), latencies.stream().mapToDouble(Double::doubleValue))
        .toArray();
  }

  /** Each figure's median by itself. */
  static Figures medians(List<Figures> rounds) {
    double[][] all = rounds.stream().map(Figures::values).toArray(double[][]::new);
    double[] medians = new double[all[0].length];
    Arrays.setAll(medians, i -> median(Arrays.stream(all).mapToDouble(values -> values[i]).toArray()));
    return of(medians);
  }

  static double median(double... values) {
    double[] sorted = values.clone();
    Arrays.sort(sorted);
    int middle = sorted.length / 2;
    return sorted.length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
  }

  /** For {@link #parse}, without loss. */
  String toLine() {
    return Arrays.stream(values()).mapToObj(Double::toString).collect(Collectors.joining(" "));
  }

  static Figures parse(String line) {
    return of(Arrays.stream(line.split(" ", -1)).mapToDouble(Double::parseDouble).toArray());
  }

  /** A line of the table. */
  String toRow(Peer peer, Cell cell) {
    return String.format(
        Locale.ROOT,
        "%s\t%s\t%.0f\t%.1f\t%.1f\t%.1f\t%.2f\t%.0f\t%.0f",
        peer.id(),
        cell.id(),
        perSecond,
        p50,
        p99,
        p999,
        cpu,
        heap,
        threads);
  }
}
