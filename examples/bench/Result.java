package bench;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.DoubleSummaryStatistics;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** The rounds of one cell, by peer; all peers did the same number of them, in turns. */
record Result(Cell cell, Map<Peer, List<Figures>> rounds) {
  private static final double MOSTLY = 0.5;

  /** Classes that the JVM loads are read from the device too. */
  private static final double FEW = 0.02;

  /** How much faster one of ours is than a rival: the median and the range of the rounds' ratios. */
  record Ratio(Peer ours, Peer rival, double median, double least, double most) {
    @Override
    public String toString() {
      return String.format(Locale.ROOT, "%.2f x %s (%.2f to %.2f)", median, rival.title(), least, most);
    }
  }

  Map<Peer, Figures> medians() {
    Map<Peer, Figures> medians = new EnumMap<>(Peer.class);
    rounds.forEach((peer, figures) -> medians.put(peer, Figures.medians(figures)));
    return medians;
  }

  List<Ratio> ratios() {
    List<Ratio> ratios = new ArrayList<>();
    for (Peer ours : rounds.keySet()) {
      for (Peer rival : rounds.keySet()) {
        if (ours.isOurs() && !rival.isOurs()) {
          ratios.add(ratio(ours, rival));
        }
      }
    }
    return ratios;
  }

  private Ratio ratio(Peer ours, Peer rival) {
    List<Figures> our = rounds.get(ours);
    List<Figures> their = rounds.get(rival);
    double[] all = new double[our.size()];
    Arrays.setAll(all, i -> our.get(i).perSecond() / their.get(i).perSecond());
    DoubleSummaryStatistics range = Arrays.stream(all).summaryStatistics();
    return new Ratio(ours, rival, Figures.median(all), range.getMin(), range.getMax());
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
