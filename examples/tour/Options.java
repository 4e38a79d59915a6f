package tour;

import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.Iterator;
import java.util.List;
import java.util.Optional;

/**
 * What the command line asks for.
 *
 * @param file what to copy
 * @param directory where to; a new temporary directory if absent
 * @param seconds how long each way of reading is measured
 * @param keep whether the copy stays
 * @param portable whether to do without io_uring
 * @param help whether only the help is wanted
 */
record Options(Path file, Optional<Path> directory, double seconds, boolean keep, boolean portable, boolean help) {
  static final String USAGE = "tour [--help] [--dir DIR] [--seconds N] [--keep] [--portable] [FILE]";

  static final String HELP =
      """
      usage: %s

      Copies a file with many reads and writes in flight, checks the copy, and reads it back at
      random places next to the JDK's own channels.

        FILE          what to copy; the running JDK's own lib/modules if not given
        --dir DIR     where to copy it; a new temporary directory if not given
        --seconds N   how long to measure each way of reading; 2 if not given
        --keep        leave the copy there
        --portable    use the portable backend, even if io_uring is available
        --help        print this

      Exit codes: 0 done, 1 failed (nothing is left behind), 2 wrong usage.
      """
          .formatted(USAGE);

  private static final double LONGEST_SECONDS = 3600;

  /** The command line makes no sense; the message says why. */
  static final class WrongUsage extends Exception {
    private static final long serialVersionUID = 1L;

    WrongUsage(String message) {
      super(message);
    }
  }

  static Options parse(String... args) throws WrongUsage {
    Path file = null;
    Path directory = null;
    double seconds = 2;
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
        case "--seconds" -> seconds = seconds(valueOf(arg, rest));
        case String option when option.startsWith("-") -> throw new WrongUsage("unknown option " + option);
        default -> {
          if (file != null) {
            throw new WrongUsage("more than one file: " + arg);
          }
          file = path(arg);
        }
      }
    }
    Path chosen = file == null ? Path.of(System.getProperty("java.home"), "lib", "modules") : file;
    return new Options(chosen, Optional.ofNullable(directory), seconds, keep, portable, help);
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

  private static double seconds(String text) throws WrongUsage {
    try {
      double seconds = Double.parseDouble(text);
      if (seconds > 0 && seconds <= LONGEST_SECONDS) {
        return seconds;
      }
    } catch (NumberFormatException e) {
      // Said below.
    }
    throw new WrongUsage("--seconds must be more than 0 and at most 3600: " + text);
  }
}
