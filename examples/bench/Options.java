package bench;

import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Collectors;

/**
 * What the command line asks for.
 *
 * @param directory where the data file is
 * @param size of the data file, in bytes
 * @param seconds how long a round is
 * @param rounds how many of them are measured
 * @param cells what to measure
 * @param portable whether the portable backend is measured too
 * @param html where the page goes; into the directory if absent
 * @param help whether only the help is wanted
 */
record Options(
    Path directory,
    long size,
    double seconds,
    int rounds,
    List<Cell> cells,
    boolean portable,
    Optional<Path> html,
    boolean help) {
  static final String USAGE =
      "bench [--help] [--quick] [--cells LIST] [--seconds N] [--rounds N] [--portable] [--size N] [--dir DIR] [--html FILE]";

  static final String HELP =
      """
      usage: %s

      Does the same work through this library and through the JDK, in turns, and prints what it cost.

        --quick        3 rounds of 0.3 s
        --cells LIST   only cells of these names, or whose names begin so, separated by commas: B,A3,V1
        --seconds N    length of a round; 1 if not given
        --rounds N     measured rounds, after three that warm up; 5 if not given
        --portable     measure the portable backend too
        --size N       size of the data file, as in 64m or 1g; 1g if not given
        --dir DIR      where the data file is, which stays there; if not given, annulus-bench in the
                       directory for temporary files
        --html FILE    where the page goes that shows the figures; DIR/bench.html if not given
        --help         print this

      Cells:
      %s
      Exit codes: 0 done, 1 failed (the other cells are measured all the same), 2 wrong usage.
      """
          .formatted(USAGE, cellNames());

  private static final long SMALLEST_SIZE = 8L << 20;
  private static final long LARGEST_SIZE = 1L << 40;
  private static final int MOST_ROUNDS = 1000;
  private static final double LONGEST_SECONDS = 600;

  /** The command line makes no sense; the message says why. */
  static final class WrongUsage extends Exception {
    private static final long serialVersionUID = 1L;

    WrongUsage(String message) {
      super(message);
    }
  }

  static Options parse(String... args) throws WrongUsage {
    Path directory = Path.of(System.getProperty("java.io.tmpdir"), "annulus-bench");
    long size = 1L << 30;
    double seconds = 1;
    int rounds = 5;
    List<Cell> cells = List.of(Cell.values());
    boolean portable = false;
    Path html = null;
    boolean help = false;
    for (Iterator<String> rest = List.of(args).iterator(); rest.hasNext(); ) {
      String arg = rest.next();
      switch (arg) {
        case "--help" -> help = true;
        case "--quick" -> {
          seconds = 0.3;
          rounds = 3;
        }
        case "--portable" -> portable = true;
        case "--cells" -> cells = cells(valueOf(arg, rest));
        case "--seconds" -> seconds = number(arg, valueOf(arg, rest), 0.001, LONGEST_SECONDS);
        case "--rounds" -> rounds = (int) number(arg, valueOf(arg, rest), 1, MOST_ROUNDS);
        case "--size" -> size = size(valueOf(arg, rest));
        case "--dir" -> directory = path(valueOf(arg, rest));
        case "--html" -> html = path(valueOf(arg, rest));
        case String option when option.startsWith("-") -> throw new WrongUsage("unknown option " + option);
        default -> throw new WrongUsage("what is " + arg + "?");
      }
    }
    return new Options(
        directory.toAbsolutePath(), size, seconds, rounds, cells, portable, Optional.ofNullable(html), help);
  }

  private static String valueOf(String option, Iterator<String> rest) throws WrongUsage {
    if (!rest.hasNext()) {
      throw new WrongUsage(option + " needs a value");
    }
    return rest.next();
  }

  private static List<Cell> cells(String list) throws WrongUsage {
    List<Cell> chosen = new ArrayList<>();
    for (String prefix : list.split(",", -1)) {
      List<Cell> meant = prefix.isEmpty() ? List.of() : Cell.meantBy(prefix);
      if (meant.isEmpty()) {
        throw new WrongUsage("no cell begins with '" + prefix + "'");
      }
      meant.stream().filter(cell -> !chosen.contains(cell)).forEach(chosen::add);
    }
    return chosen;
  }

  private static double number(String option, String text, double least, double most) throws WrongUsage {
    try {
      double number = Double.parseDouble(text);
      if (number >= least && number <= most) {
        return number;
      }
    } catch (NumberFormatException e) {
      // Said below.
    }
    throw new WrongUsage(String.format(Locale.ROOT, "%s must be %s to %.0f: %s", option, least, most, text));
  }

  private static long size(String text) throws WrongUsage {
    String lower = text.toLowerCase(Locale.ROOT);
    int shift = lower.endsWith("g") ? 30 : lower.endsWith("m") ? 20 : 0;
    double number = number("--size", shift == 0 ? lower : lower.substring(0, lower.length() - 1), 0, LARGEST_SIZE);
    double bytes = number * (1L << shift);
    if (bytes < SMALLEST_SIZE || bytes > LARGEST_SIZE) {
      throw new WrongUsage("--size must be 8m to 1024g: " + text);
    }
    return (long) bytes / DataFile.BLOCK_BYTES * DataFile.BLOCK_BYTES;
  }

  private static Path path(String text) throws WrongUsage {
    if (text.isEmpty()) {
      throw new WrongUsage("empty path");
    }
    try {
      return Path.of(text);
    } catch (InvalidPathException e) {
      throw new WrongUsage("not a path: " + text);
    }
  }

  private static String cellNames() {
    return Arrays.stream(Cell.values())
        .map(cell -> String.format("  %-24s %s%n", cell.id(), cell.title()))
        .collect(Collectors.joining());
  }
}
