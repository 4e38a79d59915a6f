package bench;

import java.util.List;
import java.util.Locale;
import java.util.Map;

/** The table once more, in few words for people: comment lines behind it. */
final class Summary {
  private Summary() {}

  static String of(List<Result> results) {
    StringBuilder text = new StringBuilder("#\n# ops/s against the JDK's ways, medians of the rounds' ratios (and their range):\n");
    for (Result result : results) {
      for (Result.Ratio ratio : result.ratios()) {
        text.append(String.format("#   %-24s %-17s %s%n", result.cell().id(), ratio.ours().id(), ratio));
      }
      result.doubts().forEach(doubt -> text.append("#   ! ").append(doubt).append('\n'));
    }
    text.append("#\n# threads of the whole process, the JVM's own and the kernel's workers included, after the last operation:\n");
    for (Result result : results) {
      for (Map.Entry<Peer, Figures> entry : result.medians().entrySet()) {
        if (entry.getValue().systemThreads() >= 0) {
          text.append(
              String.format(
                  Locale.ROOT, "#   %-24s %-17s %.0f%n", result.cell().id(), entry.getKey().id(), entry.getValue().systemThreads()));
        }
      }
    }
    return text.toString();
  }
}
