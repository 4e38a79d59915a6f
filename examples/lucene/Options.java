package lucene;

import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.Iterator;
import java.util.List;
import java.util.Locale;
import java.util.Set;

/**
 * What the command line asks for.
 *
 * @param directory where the index is, or is made
 * @param documents how many documents it has
 * @param hits how many documents a page of hits has
 * @param threads how many threads search at once, in turn
 * @param loads what they do
 * @param temperatures with what in the page cache
 * @param rounds how often each is measured
 * @param seconds how long a warm measurement takes; a cold one ends when each part of the index was touched once
 * @param portable whether to do without io_uring
 * @param help whether only the help is wanted
 */
record Options(
    Path directory,
    int documents,
    int hits,
    List<Integer> threads,
    Set<Load> loads,
    Set<Temperature> temperatures,
    int rounds,
    double seconds,
    boolean portable,
    boolean help) {
  static final String USAGE =
      "lucene [--help] [--dir DIR] [--docs N] [--hits N] [--threads N,...] [--loads L,...] [--cache C,...] [--rounds N] [--seconds S]"
          + " [--portable]";

  static final String HELP =
      """
      usage: %s

      Measures searches of one index through four of Lucene's directories: AnnulusDirectory, with
      and without prefetching, MMapDirectory, NIOFSDirectory and DirectIODirectory. Each document
      that comes back is checked.

        --dir DIR        where the index is; made there if there is none of that size, and kept
                         (default: annulus-lucene in the directory for temporary files)
        --docs N         documents of 1 KiB that do not compress; default 400000
        --hits N         documents of a page; default 20
        --threads N,...  how many threads search at once; default 1,8
        --loads L,...    fetch: N documents, prefetched, then read
                         search: a term query, then N of its documents likewise
                         (default: both)
        --cache C,...    warm: everything is in the page cache; cold: nothing is (default: both)
        --rounds N       how often each is measured, in turn; the median counts; default 3
        --seconds S      how long a warm measurement takes, and the most a cold one may; default 1
        --portable       use the portable backend, even if io_uring is available
        --help           print this

      Exit codes: 0 done, 1 failed, 2 wrong usage.
      """
          .formatted(USAGE);

  /** The command line makes no sense; the message says why. */
  static final class WrongUsage extends Exception {
    private static final long serialVersionUID = 1L;

    WrongUsage(String message) {
      super(message);
    }
  }

  static Options parse(String... args) throws WrongUsage {
    Path directory = Path.of(System.getProperty("java.io.tmpdir"), "annulus-lucene");
    int documents = 400_000;
    int hits = 20;
    List<Integer> threads = List.of(1, 8);
    Set<Load> loads = EnumSet.allOf(Load.class);
    Set<Temperature> temperatures = EnumSet.allOf(Temperature.class);
    int rounds = 3;
    double seconds = 1;
    boolean portable = false;
    boolean help = false;
    for (Iterator<String> rest = List.of(args).iterator(); rest.hasNext(); ) {
      String arg = rest.next();
      switch (arg) {
        case "--help" -> help = true;
        case "--portable" -> portable = true;
        case "--dir" -> directory = path(valueOf(arg, rest));
        case "--docs" -> documents = number(arg, valueOf(arg, rest), 1000, 100_000_000);
        case "--hits" -> hits = number(arg, valueOf(arg, rest), 1, 1000);
        case "--threads" -> threads = threads(valueOf(arg, rest));
        case "--loads" -> loads = names(Load.class, arg, valueOf(arg, rest));
        case "--cache" -> temperatures = names(Temperature.class, arg, valueOf(arg, rest));
        case "--rounds" -> rounds = number(arg, valueOf(arg, rest), 1, 100);
        case "--seconds" -> seconds = seconds(valueOf(arg, rest));
        default -> throw new WrongUsage("unknown argument " + arg);
      }
    }
    return new Options(directory, documents, hits, threads, loads, temperatures, rounds, seconds, portable, help);
  }

  private static String valueOf(String option, Iterator<String> rest) throws WrongUsage {
    if (!rest.hasNext()) {
      throw new WrongUsage(option + " needs a value");
    }
    return rest.next();
  }

  private static Path path(String text) throws WrongUsage {
    try {
      if (!text.isEmpty()) {
        return Path.of(text).toAbsolutePath();
      }
    } catch (InvalidPathException e) {
      // Said below.
    }
    throw new WrongUsage("not a path: '" + text + "'");
  }

  private static List<Integer> threads(String text) throws WrongUsage {
    List<Integer> threads = new ArrayList<>();
    for (String each : text.split(",", -1)) {
      threads.add(number("--threads", each, 1, 1000));
    }
    return threads;
  }

  private static int number(String option, String text, int least, int most) throws WrongUsage {
    try {
      int number = Integer.parseInt(text);
      if (number >= least && number <= most) {
        return number;
      }
    } catch (NumberFormatException e) {
      // Said below.
    }
    throw new WrongUsage(option + " must be " + least + " to " + most + ": " + text);
  }

  private static double seconds(String text) throws WrongUsage {
    try {
      double seconds = Double.parseDouble(text);
      if (seconds > 0 && seconds <= 3600) {
        return seconds;
      }
    } catch (NumberFormatException e) {
      // Said below.
    }
    throw new WrongUsage("--seconds must be more than 0 and at most 3600: " + text);
  }

  private static <E extends Enum<E>> Set<E> names(Class<E> type, String option, String text) throws WrongUsage {
    Set<E> names = EnumSet.noneOf(type);
    for (String each : text.split(",", -1)) {
      try {
        names.add(Enum.valueOf(type, each.toUpperCase(Locale.ROOT)));
      } catch (IllegalArgumentException e) {
        String known = EnumSet.allOf(type).toString().toLowerCase(Locale.ROOT);
        throw new WrongUsage(option + " must be of " + known + ": " + each);
      }
    }
    return names;
  }
}
