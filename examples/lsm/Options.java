package lsm;

import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/**
 * What the command line asks for.
 *
 * @param directory where the databases are made; a new temporary directory if absent
 * @param records how many a database holds
 * @param valueBytes how long a value is
 * @param rounds how many are measured, or how often the writer is killed
 * @param workloads what to measure, in this order
 * @param portable whether to do without io_uring
 * @param crash whether to kill and recover instead of measuring
 * @param help whether only the help is wanted
 */
record Options(
    Optional<Path> directory,
    int records,
    int valueBytes,
    int rounds,
    List<Workload> workloads,
    boolean portable,
    boolean crash,
    boolean help) {
  static final String USAGE =
      "lsm [--help] [--crash] [--run LIST] [--num N] [--value-size N] [--rounds N] [--dir DIR] [--portable]";

  static final String HELP =
      """
      usage: %s

      LevelDB on this library's files and on its own, in turns: prints what each does in a second.

        --run LIST      only these, in this order, separated by commas:
                        %s
        --num N         records in a database; 100000 if not given
        --value-size N  bytes in a value, keys have 16; 100 if not given
        --rounds N      measured rounds, after one that warms up; 3 if not given
        --crash         instead: kill a process (kill -9) in the middle of synced writes, open the
                        database again, and look for every record that was acknowledged; N rounds
        --dir DIR       where the databases are made and removed again; a new temporary directory
                        if not given
        --portable      use the portable backend, even if io_uring is available
        --help          print this

      fillsync and fillrandom begin with an empty database, as fillseq does; fillsync writes a
      hundredth of the records and waits for storage after each. The others go on with what is there.

      Exit codes: 0 done, 1 failed or a record was lost, 2 wrong usage.
      """
          .formatted(USAGE, String.join(",", Arrays.stream(Workload.values()).map(Workload::toString).toList()));

  private static final int MOST_RECORDS = 100_000_000;
  private static final int LONGEST_VALUE = 1 << 20;
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
    int records = 100_000;
    int valueBytes = 100;
    int rounds = 3;
    List<Workload> workloads = List.of(Workload.values());
    boolean portable = false;
    boolean crash = false;
    boolean help = false;
    for (Iterator<String> rest = List.of(args).iterator(); rest.hasNext(); ) {
      String arg = rest.next();
      switch (arg) {
        case "--help" -> help = true;
        case "--crash" -> crash = true;
        case "--portable" -> portable = true;
        case "--dir" -> directory = path(valueOf(arg, rest));
        case "--run" -> workloads = workloads(valueOf(arg, rest));
        case "--num" -> records = number(arg, valueOf(arg, rest), MOST_RECORDS);
        case "--value-size" -> valueBytes = number(arg, valueOf(arg, rest), LONGEST_VALUE);
        case "--rounds" -> rounds = number(arg, valueOf(arg, rest), MOST_ROUNDS);
        default -> throw new WrongUsage("unknown option " + arg);
      }
    }
    return new Options(Optional.ofNullable(directory), records, valueBytes, rounds, workloads, portable, crash, help);
  }

  private static String valueOf(String option, Iterator<String> rest) throws WrongUsage {
    if (!rest.hasNext()) {
      throw new WrongUsage(option + " needs a value");
    }
    return rest.next();
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

  private static int number(String option, String text, int most) throws WrongUsage {
    try {
      int number = Integer.parseInt(text);
      if (number >= 1 && number <= most) {
        return number;
      }
    } catch (NumberFormatException e) {
      // Said below.
    }
    throw new WrongUsage(option + " must be from 1 to " + most + ": " + text);
  }

  private static List<Workload> workloads(String names) throws WrongUsage {
    List<Workload> chosen = new ArrayList<>();
    for (String name : names.split(",", -1)) {
      try {
        chosen.add(Workload.valueOf(name.toUpperCase(Locale.ROOT)));
      } catch (IllegalArgumentException e) {
        throw new WrongUsage("no such workload: " + name);
      }
    }
    return chosen;
  }
}
