package bench;

import java.util.List;

/** The table once more, in few words for people: comment lines behind it. */
final class Summary {
  private Summary() {}

  static String of(List<Result> results) {
    StringBuilder text = new StringBuilder("#\n# ops/s against the JDK's (of paced loads the latency), medians of the rounds' ratios");
    text.append(" (and their range):\n");
    for (Result result : results) {
      for (Result.Ratio ratio : result.ratios()) {
        text.append(String.format("#   %-24s %-17s %s%n", result.cell().id(), ratio.ours().id(), ratio));
      }
      result.doubts().forEach(doubt -> text.append("#   ! ").append(result.cell().id()).append(", ").append(doubt).append('\n'));
    }
    return text.toString();
  }
}
