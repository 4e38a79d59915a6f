package bench;

import java.util.DoubleSummaryStatistics;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * Latencies of a cell as curves, a line for each peer, as an SVG picture: to the right the share of operations that were no slower, with
 * each nine as wide as the other; upwards the latency, with each decade as high as the other.
 */
final class LatencyChart {
  /** Where the curves have their points. */
  static final List<Double> PERCENTILES = List.of(0.0, 10.0, 25.0, 50.0, 75.0, 90.0, 95.0, 99.0, 99.5, 99.9, 99.95, 99.99);

  private static final double WIDTH = 700;
  private static final double HEIGHT = 150;
  private static final double LEFT = 52;
  private static final double TOP = 8;
  private static final double BOTTOM = 20;
  private static final double NINES = 4;
  private static final List<Double> LABELLED = List.of(50.0, 90.0, 99.0, 99.9, 99.99);
  private static final List<String> DECADES =
      List.of("0.1 µs", "1 µs", "10 µs", "100 µs", "1 ms", "10 ms", "100 ms", "1 s", "10 s", "100 s");

  private final Map<Peer, Figures> medians;
  private final int lowest;
  private final int highest;
  private final StringBuilder svg = new StringBuilder();

  private LatencyChart(Map<Peer, Figures> medians) {
    this.medians = medians;
    DoubleSummaryStatistics all =
        medians.values().stream()
            .flatMap(figures -> figures.latencies().stream())
            .mapToDouble(LatencyChart::decade)
            .summaryStatistics();
    this.lowest = (int) Math.floor(all.getMin());
    this.highest = Math.max(lowest + 1, (int) Math.ceil(all.getMax()));
  }

  static String of(Map<Peer, Figures> medians) {
    return new LatencyChart(medians).draw();
  }

  private String draw() {
    double width = LEFT + WIDTH + 30;
    double height = TOP + HEIGHT + BOTTOM;
    svg.append(String.format(Locale.ROOT, "<svg class=\"chart\" viewBox=\"0 0 %.0f %.0f\" role=\"img\">", width, height));
    svg.append("<title>latency by percentile</title>");
    for (int decade = lowest; decade <= highest; decade++) {
      double y = y(decade);
      svg.append(line(LEFT, y, LEFT + WIDTH, y));
      text(LEFT - 6, y + 4, "end", DECADES.get(decade));
    }
    for (double percentile : LABELLED) {
      double x = x(percentile);
      svg.append(line(x, TOP, x, TOP + HEIGHT));
      text(x, TOP + HEIGHT + 15, "middle", "p" + shortly(percentile));
    }
    medians.forEach(this::curve);
    return svg.append("</svg>").toString();
  }

  private void curve(Peer peer, Figures figures) {
    svg.append("<polyline class=\"").append(peer.id()).append("\" points=\"");
    for (int i = 0; i < PERCENTILES.size(); i++) {
      svg.append(String.format(Locale.ROOT, "%.1f,%.1f ", x(PERCENTILES.get(i)), y(decade(figures.latencies().get(i)))));
    }
    svg.append("\"><title>").append(peer.title()).append("</title></polyline>");
  }

  private void text(double x, double y, String anchor, String text) {
    svg.append(String.format(Locale.ROOT, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\">%s</text>", x, y, anchor, text));
  }

  private static String line(double fromX, double fromY, double toX, double toY) {
    return String.format(Locale.ROOT, "<line class=\"grid\" x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\"/>", fromX, fromY, toX, toY);
  }

  private static double x(double percentile) {
    return LEFT + Math.min(NINES, -Math.log10(1 - percentile / 100)) / NINES * WIDTH;
  }

  private double y(double decade) {
    return TOP + HEIGHT - (decade - lowest) / (highest - lowest) * HEIGHT;
  }

  /** Tenths of microseconds are the lowest; see {@link #DECADES}. */
  private static double decade(double micros) {
    return Math.clamp(Math.log10(Math.max(micros, 1e-9)) + 1, 0, DECADES.size() - 1);
  }

  private static String shortly(double percentile) {
    return percentile == Math.rint(percentile) ? Long.toString(Math.round(percentile)) : Double.toString(percentile);
  }
}
