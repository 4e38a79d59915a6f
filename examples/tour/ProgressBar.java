package tour;

import java.io.Console;
import java.util.Locale;

/** How far something is: a bar that moves on a terminal, a line per quarter elsewhere. For one thread. */
final class ProgressBar implements AutoCloseable {
  private static final int WIDTH = 40;
  private static final long REDRAW_NANOS = 50_000_000;
  private static final boolean TERMINAL = isTerminal();

  private final String title;
  private final long total;
  private long lastDrawn = System.nanoTime();
  private int quarters;
  private boolean lineOpen;

  ProgressBar(String title, long total) {
    this.title = title;
    this.total = total;
  }

  /** Says how much is done now; cheap enough to be called often. */
  void update(long done) {
    if (total <= 0) {
      return;
    }
    if (TERMINAL) {
      long now = System.nanoTime();
      if (now - lastDrawn >= REDRAW_NANOS || done >= total) {
        lastDrawn = now;
        draw(Math.min(done, total));
      }
    } else if (4 * (double) done / total >= quarters + 1 && quarters < 4) {
      quarters = (int) Math.min(4, 4 * (double) done / total);
      System.out.printf(Locale.ROOT, "  %-10s %3d %%%n", title, 25 * quarters);
    }
  }

  /** Leaves the bar as it is and goes to the next line. */
  @Override
  public void close() {
    if (lineOpen) {
      System.out.println();
      lineOpen = false;
    }
  }

  private void draw(long done) {
    int full = (int) ((double) done / total * WIDTH);
    String bar = "#".repeat(full) + ".".repeat(WIDTH - full);
    System.out.printf(Locale.ROOT, "\r  %-10s [%s] %3d %%", title, bar, (int) (100.0 * done / total));
    System.out.flush();
    lineOpen = true;
  }

  @SuppressWarnings("SystemConsoleNull") // JDK 25 does return null when there is no terminal, as JDK 21 did
  private static boolean isTerminal() {
    Console console = System.console();
    return console != null && console.isTerminal();
  }
}
