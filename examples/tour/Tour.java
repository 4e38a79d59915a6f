package tour;

import dev.annulus.AsyncFile;
import dev.annulus.Availability;
import dev.annulus.Backend;
import dev.annulus.IoRuntime;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.concurrent.CompletionException;

/**
 * Shows the library at work on a real file: says what it runs on, copies the file durably with many operations in flight, checks
 * the copy, and reads it back at random places next to the JDK's own channels. See {@link Copy} for futures and {@link
 * RandomReads} for the comparison; the rest is a program's usual furniture.
 */
public final class Tour {
  private static final int FAILED = 1;
  private static final int WRONG_USAGE = 2;

  private final Options options;
  private final IoRuntime runtime;
  private final Leftovers leftovers;

  private Tour(Options options, IoRuntime runtime, Leftovers leftovers) {
    this.options = options;
    this.runtime = runtime;
    this.leftovers = leftovers;
  }

  /**
   * Runs the tour.
   *
   * @param args see {@code --help}
   */
  public static void main(String[] args) {
    System.exit(run(args));
  }

  private static int run(String... args) {
    try {
      Options options = Options.parse(args);
      if (options.help()) {
        System.out.print(Options.HELP);
        return 0;
      }
      try (Leftovers leftovers = new Leftovers();
          IoRuntime runtime = open(options)) {
        new Tour(options, runtime, leftovers).run();
      }
      return 0;
    } catch (Options.WrongUsage e) {
      System.err.println(Complaint.of(e) + "; usage: " + Options.USAGE);
      return WRONG_USAGE;
    } catch (IOException | CompletionException e) {
      System.err.println(Complaint.of(e));
      return FAILED;
    }
  }

  /**
   * {@link IoRuntime#open()} alone would do: it falls back to the portable backend too, and logs why. Asking first lets the
   * program say so in its own words.
   */
  private static IoRuntime open(Options options) {
    Availability ioUring = IoRuntime.ioUring();
    if (options.portable() || !ioUring.isAvailable()) {
      if (!ioUring.isAvailable()) {
        System.out.println("io_uring is not available here, so this tour uses the portable backend.");
        System.out.println("  " + ioUring.cause());
        System.out.println("  " + ioUring.remedy());
      }
      return IoRuntime.builder().backend(Backend.PORTABLE).open();
    }
    return IoRuntime.open();
  }

  private void run() throws IOException {
    if (!runtime.stat(options.file()).join().isRegularFile()) {
      throw new IOException(options.file() + " is not a regular file");
    }
    try (AsyncFile source = runtime.openFile(options.file()).join()) {
      Path directory = targetDirectory();
      Path target = directory.resolve(options.file().toAbsolutePath().getFileName());
      describe(target);
      Fingerprint fingerprint = Fingerprint.of(options.file(), "hashing");
      new Copy(runtime, leftovers).copy(source, target, fingerprint);
      readAtRandom(target, fingerprint);
      if (options.keep()) {
        leftovers.keep(target);
        leftovers.keep(directory);
        System.out.printf("%nThe copy stays: %s%n", target);
      } else {
        System.out.printf("%nThe copy is removed again: %s%n", target);
      }
    }
  }

  private Path targetDirectory() throws IOException {
    if (options.directory().isEmpty()) {
      return leftovers.create(() -> Files.createTempDirectory("annulus-tour"), created -> created);
    }
    Path directory = options.directory().get();
    if (!runtime.stat(directory).join().isDirectory()) {
      throw new IOException(directory + " is not a directory");
    }
    return directory.toAbsolutePath();
  }

  private void describe(Path target) throws IOException {
    String flags = runtime.stats().ringFlags();
    System.out.printf("backend  %s%s%n", runtime.backend(), flags.isEmpty() ? "" : " " + flags);
    System.out.printf("kernel   %s %s%n", System.getProperty("os.name"), System.getProperty("os.version"));
    System.out.printf("JVM      %s on %d processors%n", Runtime.version(), Runtime.getRuntime().availableProcessors());
    System.out.printf(Locale.ROOT, "file     %s (%,d B)%n", options.file(), Files.size(options.file()));
    System.out.printf("copy     %s (%s)%n%n", target, Files.getFileStore(target.getParent()).type());
  }

  private void readAtRandom(Path target, Fingerprint fingerprint) throws IOException {
    if (fingerprint.size() == 0) {
      System.out.printf("%nThe file is empty: there is nothing to read at random.%n");
      return;
    }
    new RandomReads(runtime, target, fingerprint, options.seconds()).run();
  }
}
