package fileserver;

import dev.annulus.Backend;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Iterator;
import java.util.List;

/**
 * What the command line asks for.
 *
 * @param root the directory that is served
 * @param host where to listen
 * @param port 0 for any
 * @param backend what carries out the runtime's operations
 * @param listing whether directories are listed
 * @param reader what reads the files
 * @param threads how many event loops
 * @param workers how many threads read for {@link Reader#CHANNEL}
 * @param head how long the head of a request may take
 * @param help whether only the help is wanted
 */
record Options(
    Path root, String host, int port, Backend backend, boolean listing, Reader reader, int threads, int workers, Duration head,
    boolean help) {
  static final String USAGE =
      "file-server [--help] [--root DIR] [--host HOST] [--port N] [--list] [--backend B] [--reader R] [--threads N] [--workers N]"
          + " [--head-seconds N]";

  static final String HELP =
      """
      usage: %s

      Serves the files below a directory by HTTP, until it is ended with Ctrl-C or SIGTERM.

        --root DIR      the directory; the current one if not given. All of it can be read by whoever can connect
        --host HOST     where to listen; 127.0.0.1 if not given, so that only this machine can connect
        --port N        8080 if not given; 0 for any that is free
        --list          list directories that have no index.html
        --backend B     auto, io_uring or portable; auto if not given
        --reader R      annulus, or channel: FileChannel on a pool of threads, to compare with; annulus if not given
        --threads N     event loops; as many as there are processors if not given
        --workers N     threads of the pool of --reader channel; 16 if not given
        --head-seconds N  how long a client may take for the head of a request; 10 if not given
        --help          print this

      Exit codes: 0 done, 1 failed, 2 wrong usage.
      """
          .formatted(USAGE);

  private static final int MOST_THREADS = 1024;
  private static final int LAST_PORT = 65535;
  private static final int USUAL_PORT = 8080;
  private static final int USUAL_WORKERS = 16;
  private static final int USUAL_HEAD_SECONDS = 10;
  private static final int MOST_HEAD_SECONDS = 3600;

  /** What reads the files. */
  enum Reader {
    ANNULUS,
    CHANNEL
  }

  /** The command line makes no sense; the message says why. */
  static final class WrongUsage extends Exception {
    private static final long serialVersionUID = 1L;

    WrongUsage(String message) {
      super(message);
    }
  }

  static Options parse(String... args) throws WrongUsage {
    Path root = Path.of("");
    String host = "127.0.0.1";
    int port = USUAL_PORT;
    Backend backend = Backend.AUTO;
    boolean listing = false;
    Reader reader = Reader.ANNULUS;
    int threads = Runtime.getRuntime().availableProcessors();
    int workers = USUAL_WORKERS;
    int head = USUAL_HEAD_SECONDS;
    boolean help = false;
    for (Iterator<String> rest = List.of(args).iterator(); rest.hasNext(); ) {
      String arg = rest.next();
      switch (arg) {
        case "--help" -> help = true;
        case "--list" -> listing = true;
        case "--root" -> root = path(valueOf(arg, rest));
        case "--host" -> host = valueOf(arg, rest);
        case "--port" -> port = whole(arg, valueOf(arg, rest), 0, LAST_PORT);
        case "--backend" -> backend = backend(valueOf(arg, rest));
        case "--reader" -> reader = reader(valueOf(arg, rest));
        case "--threads" -> threads = whole(arg, valueOf(arg, rest), 1, MOST_THREADS);
        case "--workers" -> workers = whole(arg, valueOf(arg, rest), 1, MOST_THREADS);
        case "--head-seconds" -> head = whole(arg, valueOf(arg, rest), 1, MOST_HEAD_SECONDS);
        case String option when option.startsWith("-") -> throw new WrongUsage("unknown option " + option);
        default -> throw new WrongUsage("what is " + arg + "?");
      }
    }
    return new Options(root, host, port, backend, listing, reader, threads, workers, Duration.ofSeconds(head), help);
  }

  private static String valueOf(String option, Iterator<String> rest) throws WrongUsage {
    String value = rest.hasNext() ? rest.next() : "";
    if (value.isEmpty()) {
      throw new WrongUsage(option + " needs a value");
    }
    return value;
  }

  private static Path path(String text) throws WrongUsage {
    try {
      return Path.of(text);
    } catch (InvalidPathException e) {
      throw new WrongUsage("not a path: '" + text + "'");
    }
  }

  private static Backend backend(String text) throws WrongUsage {
    return switch (text) {
      case "auto" -> Backend.AUTO;
      case "io_uring" -> Backend.IO_URING;
      case "portable" -> Backend.PORTABLE;
      default -> throw new WrongUsage("--backend must be auto, io_uring or portable: " + text);
    };
  }

  private static Reader reader(String text) throws WrongUsage {
    return switch (text) {
      case "annulus" -> Reader.ANNULUS;
      case "channel" -> Reader.CHANNEL;
      default -> throw new WrongUsage("--reader must be annulus or channel: " + text);
    };
  }

  private static int whole(String option, String text, int least, int most) throws WrongUsage {
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
}
