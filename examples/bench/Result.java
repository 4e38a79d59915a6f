package bench;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.DoubleSummaryStatistics;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.ToDoubleFunction;

/** The rounds of one cell, by peer; all peers did the same number of them, in turns. */
record Result(Cell cell, Map<Peer, List<Figures>> rounds) {
  private static final double MOSTLY = 0.5;

  /** Classes that the JVM loads are read from the device too. */
  private static final double FEW = 0.02;

  /** What is compared. */
  enum Quantity {
    RATE("", Figures::perSecond),
    P50("latency p50 ", Figures::p50),
    P99("latency p99 ", Figures::p99),
    P999("latency p99.9 ", Figures::p999);

    private final String label;
    private final ToDoubleFunction<Figures> of;

    Quantity(String label, ToDoubleFunction<Figures> of) {
      this.label = label;
      this.of = of;
    }
  }

  /** One of ours against a rival: the median and the range of the rounds' ratios. */
  record Ratio(Quantity what, Peer ours, Peer rival, double median, double least, double most) {
    @Override
    public String toString() {
      return String.format(Locale.ROOT, "%s%.2f x %s (%.2f to %.2f)", what.label, median, rival.title(), least, most);
    }
  }

  Map<Peer, Figures> medians() {
    Map<Peer, Figures> medians = new EnumMap<>(Peer.class);
    rounds.forEach((peer, figures) -> medians.put(peer, Figures.medians(figures)));
    return medians;
  }

  /** How many times the rivals' rate ours is; or, at a rate given to all, how many times their latency. */
  List<Ratio> ratios() {
    List<Quantity> quantities = cell.paced() ? List.of(Quantity.P50, Quantity.P99, Quantity.P999) : List.of(Quantity.RATE);
    List<Ratio> ratios = new ArrayList<>();
    for (Peer ours : rounds.keySet()) {
      for (Peer rival : rounds.keySet()) {
        if (ours.isOurs() && !rival.isOurs()) {
          quantities.forEach(what -> ratios.add(ratio(what, ours, rival)));
        }
      }
    }
    return ratios;
  }

  private Ratio ratio(Quantity what, Peer ours, Peer rival) {
    List<Figures> our = rounds.get(ours);
    List<Figures> their = rounds.get(rival);
    double[] all = new double[our.size()];
    Arrays.setAll(all, i -> what.of.applyAsDouble(our.get(i)) / what.of.applyAsDouble(their.get(i)));
    DoubleSummaryStatistics range = Arrays.stream(all).summaryStatistics();
    return new Ratio(what, ours, rival, Figures.median(all), range.getMin(), range.getMax());
  }

  /** What puts the figures in doubt: reads that did not come from where the cell says. */
  List<String> doubts() {
    List<String> doubts = new ArrayList<>();
    if (cell.work() == Work.READ) {
      medians()
          .forEach(
              (peer, figures) -> {
                double share = figures.deviceBytes() / DataFile.BLOCK_BYTES;
                if (cell.direct() && share >= 0 && share < MOSTLY) {
                  doubts.add(peer.id() + ": reads did not reach the device: O_DIRECT is not in force");
                } else if (!cell.direct() && share > FEW) {
                  doubts.add(
                      String.format(Locale.ROOT, "%s: %.0f %% was read from the device: not cached", peer.id(), 100 * share));
                }
              });
    }
    return doubts;
  }
}
