package wal;

import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.Iterator;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/**
 * What the command line asks for.
 *
 * @param directory where log and rival's file are made; a new temporary directory if absent
 * @param producers how many threads append
 * @param recordBytes length of a record's payload
 * @param seconds how long a round is
 * @param rounds how many of them each way of writing gets
 * @param keep whether the log stays
 * @param portable whether to do without io_uring
 * @param help whether only the help is wanted
 */
record Options(
    Optional<Path> directory,
    int producers,
    int recordBytes,
    double seconds,
    int rounds,
    boolean keep,
    boolean portable,
    boolean help) {
  static final String USAGE =
      "wal [--help] [--dir DIR] [--producers N] [--record BYTES] [--seconds N] [--rounds N] [--keep] [--portable]";

  static final String HELP =
      """
      usage: %s

      Appends records to a write-ahead log, each acknowledged only when it is on stable storage, in
      turns with a FileChannel that is forced once for each record. Then recovers the log and checks
      that every acknowledged record is there, whole and in order.

        --dir DIR        where the log goes, as DIR/wal-demo-*; the directory for temporary files if not given.
                         On tmpfs nothing is durable, and the figures mean nothing
        --producers N    threads that append, each its next record when the last is durable; 64 if not given
        --record BYTES   length of a record; 128 if not given, at least 16
        --seconds N      length of a round; 2 if not given
        --rounds N       rounds for each way of writing; 3 if not given
        --keep           leave the log there
        --portable       use the portable backend, even if io_uring is available
        --help           print this

      Exit codes: 0 done, 1 failed, 2 wrong usage.
      """
          .formatted(USAGE);

  private static final int MOST_PRODUCERS = 4096;
  private static final int LONGEST_RECORD = 64 << 10;
  private static final double LONGEST_SECONDS = 600;
  private static final int MOST_ROUNDS = 1000;

  /** The command line makes no sense; the message says why. */
  static final class WrongUsage extends Exception {
    private static final long serialVersionUID = 1L;

    WrongUsage(String message) {
      super(message);
    }
  }

  static Options parse(String... args) throws WrongUsage {
    Path directory = null;
    int producers = 64;
    int recordBytes = 128;
    double seconds = 2;
    int rounds = 3;
    boolean keep = false;
    boolean portable = false;
    boolean help = false;
    for (Iterator<String> rest = List.of(args).iterator(); rest.hasNext(); ) {
      String arg = rest.next();
      switch (arg) {
        case "--help" -> help = true;
        case "--keep" -> keep = true;
        case "--portable" -> portable = true;
        case "--dir" -> directory = path(valueOf(arg, rest));
        case "--producers" -> producers = whole(arg, valueOf(arg, rest), 1, MOST_PRODUCERS);
        case "--record" -> recordBytes = whole(arg, valueOf(arg, rest), Payload.LEAST_BYTES, LONGEST_RECORD);
        case "--seconds" -> seconds = number(arg, valueOf(arg, rest), 0.01, LONGEST_SECONDS);
        case "--rounds" -> rounds = whole(arg, valueOf(arg, rest), 1, MOST_ROUNDS);
        case String option when option.startsWith("-") -> throw new WrongUsage("unknown option " + option);
        default -> throw new WrongUsage("what is " + arg + "?");
      }
    }
    return new Options(Optional.ofNullable(directory), producers, recordBytes, seconds, rounds, keep, portable, help);
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
        return Path.of(text);
      }
    } catch (InvalidPathException e) {
      // Said below.
    }
    throw new WrongUsage("not a path: '" + text + "'");
  }

  private static int whole(String option, String text, int least, int most) throws WrongUsage {
    double number = number(option, text, least, most);
    if (number != Math.rint(number)) {
      throw new WrongUsage(option + " must be a whole number: " + text);
    }
    return (int) number;
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
}
