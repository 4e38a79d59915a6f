package lucene;

import java.util.Locale;

/** Says how far something is, a line per quarter, on the error stream: the output is the table. For one thread. */
final class Progress implements AutoCloseable {
  private static final int STEPS = 4;

  private final String title;
  private final long total;
  private int said;

  Progress(String title, long total) {
    this.title = title;
    this.total = total;
    System.err.printf(Locale.ROOT, "%s %,d documents%n", title, total);
  }

  void update(long done) {
    int steps = (int) (STEPS * done / total);
    if (steps > said) {
      said = steps;
      System.err.printf(Locale.ROOT, "  %3d %%%n", 100 * steps / STEPS);
    }
  }

  @Override
  public void close() {
    if (said < STEPS) {
      System.err.printf(Locale.ROOT, "  %s stopped%n", title);
    }
  }
}
