package bench;

import java.util.List;
import java.util.Locale;
import java.util.Map;

/** The figures as a page that needs nothing but itself. */
record HtmlPage(Environment environment, List<Result> results) {
  private static final String STYLE =
      """
      :root { color-scheme: light dark; --back: #ffffff; --ink: #1c2430; --soft: #5d6a7a; --line: #dfe4ea;
        --ours: #1769c2; --ours2: #6aa5e3; --rival: #c9772b; --rival2: #d8a26f; }
      @media (prefers-color-scheme: dark) { :root { --back: #14181e; --ink: #e6eaf0; --soft: #98a4b3; --line: #2c3540;
        --ours: #5aa5f2; --ours2: #35648f; --rival: #e29a55; --rival2: #8d6238; } }
      body { font: 15px/1.45 system-ui, sans-serif; background: var(--back); color: var(--ink); max-width: 66rem;
        margin: 2rem auto; padding: 0 1rem; }
      h1 { font-size: 1.5rem; margin: 0 0 .3rem; } h2 { font-size: 1rem; margin: 0; }
      p { color: var(--soft); margin: .2rem 0 .8rem; }
      dl { display: grid; grid-template-columns: max-content 1fr; gap: .1rem 1rem; margin: 1rem 0; font-size: .9rem; }
      dt { color: var(--soft); } dd { margin: 0; overflow-wrap: anywhere; }
      section { overflow-x: auto; border-top: 1px solid var(--line); padding: 1rem 0; }
      table { border-collapse: collapse; width: 100%; min-width: 52rem;
        font-variant-numeric: tabular-nums; font-size: .85rem; }
      th { font-weight: normal; color: var(--soft); text-align: right; padding: .1rem .4rem; }
      th:first-child, td:first-child, th.wide { text-align: left; }
      td { text-align: right; padding: .15rem .4rem; white-space: nowrap; }
      th:first-child { width: 9.5rem; } th.wide { width: 34%; } td.wide { padding-right: 1rem; }
      .bar { height: .9rem; border-radius: 2px; min-width: 1px; }
      .chart { display: block; width: 100%; min-width: 40rem; max-height: 13rem; margin-top: .6rem; }
      .chart polyline { fill: none; stroke-width: 2; stroke-linejoin: round; } .chart text { fill: var(--soft); font-size: 11px; }
      .annulus { background: var(--ours); stroke: var(--ours); }
      .annulus-portable { background: var(--ours2); stroke: var(--ours2); }
      .jdk-fc, .jdk-afc { background: var(--rival); stroke: var(--rival); }
      .jdk-vt { background: var(--rival2); stroke: var(--rival2); }
      .grid { stroke: var(--line); stroke-width: 1; } .doubt { color: var(--rival); }
      """;

  @Override
  public String toString() {
    StringBuilder page = new StringBuilder();
    page.append("<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<title>Annulus beside the JDK</title>\n");
    page.append("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n");
    page.append("<style>\n").append(STYLE).append("</style>\n<h1>Annulus beside the JDK</h1>\n");
    page.append("<p>The same work through each, in turns; medians of the rounds. Bars are operations per second; curves are ");
    page.append("latencies, by the share of operations that were no slower.</p>\n<dl>\n");
    environment.facts().forEach((name, value) -> page.append("<dt>" + escaped(name) + "<dd>" + escaped(value) + "\n"));
    page.append("</dl>\n");
    results.forEach(result -> section(page, result));
    return page.append("</html>\n").toString();
  }

  private static void section(StringBuilder page, Result result) {
    page.append("<section>\n<h2>" + result.cell().id() + "</h2>\n<p>" + escaped(result.cell().title()));
    result.ratios().forEach(ratio -> page.append("<br>" + escaped(ratio.ours().id() + " " + ratio)));
    result.doubts().forEach(doubt -> page.append("<br><span class=\"doubt\">" + escaped(doubt) + "</span>"));
    page.append("</p>\n<table>\n<tr><th>peer<th class=\"wide\">ops/s<th><th>p50 µs<th>p99 µs<th>p99.9 µs");
    page.append("<th>CPU µs/op<th>heap B/op<th>Java threads<th>all, at end\n");
    Map<Peer, Figures> medians = result.medians();
    double most = medians.values().stream().mapToDouble(Figures::perSecond).max().orElse(1);
    medians.forEach((peer, figures) -> row(page, peer, figures, most));
    page.append("</table>\n").append(LatencyChart.of(medians)).append("\n</section>\n");
  }

  private static void row(StringBuilder page, Peer peer, Figures figures, double most) {
    page.append(
        String.format(
            Locale.ROOT,
            "<tr><td>%s<td class=\"wide\"><div class=\"bar %s\" style=\"width:%.1f%%\"></div><td>%,.0f"
                + "<td>%,.1f<td>%,.1f<td>%,.1f<td>%.2f<td>%.0f<td>%.0f<td>%s%n",
            peer.id(),
            peer.id(),
            100 * figures.perSecond() / most,
            figures.perSecond(),
            figures.p50(),
            figures.p99(),
            figures.p999(),
            figures.cpu(),
            figures.heap(),
            figures.threads(),
            figures.systemThreads() < 0 ? "" : Math.round(figures.systemThreads())));
  }

  private static String escaped(String text) {
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;");
  }
}
