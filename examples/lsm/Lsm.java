package lsm;

import dev.annulus.Backend;
import dev.annulus.ErrorKind;
import dev.annulus.IoRuntime;
import dev.annulus.adapter.leveldb.AnnulusEnv;
import dev.annulus.fs.Fs;
import java.io.IOException;
import java.nio.file.FileSystemException;
import java.util.Locale;
import org.iq80.leveldb.DBException;
import org.iq80.leveldb.fileenv.EnvImpl;

/**
 * An LSM-tree, LevelDB in pure Java, on the blocking facade: measures it beside the same engine on its own environment (see {@link
 * Comparison}), or kills it in the middle of its writes and looks what is left (see {@link Crash}).
 */
public final class Lsm {
  private static final int FAILED = 1;
  private static final int WRONG_USAGE = 2;

  private Lsm() {}

  /**
   * Runs the example.
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
      try (Leftovers directory = Leftovers.in(options.directory());
          IoRuntime runtime = IoRuntime.builder().backend(options.portable() ? Backend.PORTABLE : Backend.AUTO).open()) {
        System.out.printf("backend  %s%n", runtime.backend());
        System.out.printf("kernel   %s %s%n", System.getProperty("os.name"), System.getProperty("os.version"));
        System.out.printf("JVM      %s on %d processors%n", Runtime.version(), Runtime.getRuntime().availableProcessors());
        System.out.printf("files    %s (%s)%n%n", directory.path(), directory.fileSystem());
        AnnulusEnv ours = new AnnulusEnv(Fs.on(runtime));
        if (options.crash()) {
          new Crash(options, directory.path().resolve("crash"), ours).run();
        } else {
          new Comparison(options, directory.path(), ours, EnvImpl.createEnv()).run();
        }
      }
      return 0;
    } catch (Options.WrongUsage e) {
      System.err.println("lsm: " + e.getMessage() + "; usage: " + Options.USAGE);
      return WRONG_USAGE;
    } catch (IOException | DBException e) {
      System.err.println("lsm: " + reason(e));
      return FAILED;
    }
  }

  private static String reason(Exception failure) {
    if (failure instanceof FileSystemException e && e.getReason() == null) {
      // The message would be the path alone.
      return e.getFile() + ": " + ErrorKind.of(e).name().toLowerCase(Locale.ROOT).replace('_', ' ');
    }
    return failure.getMessage() == null ? failure.toString() : failure.getMessage();
  }
}
