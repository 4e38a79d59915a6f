package fileserver;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;

/** Serves the files below a directory by HTTP: Netty has the sockets, this library the files. */
public final class FileServer {
  private static final int FAILED = 1;
  private static final int WRONG_USAGE = 2;
  private static final int MOST_CONNECTIONS = 10_000;
  private static final Duration IDLE = Duration.ofSeconds(30);
  private static final Duration GRACE = Duration.ofSeconds(5);

  private FileServer() {}

  /**
   * Runs the server.
   *
   * @param args see {@code --help}
   */
  public static void main(String[] args) {
    try {
      Options options = Options.parse(args);
      if (options.help()) {
        System.out.print(Options.HELP);
        return;
      }
      serve(options);
    } catch (Options.WrongUsage e) {
      System.err.println(Complaint.of(e) + "; usage: " + Options.USAGE);
      System.exit(WRONG_USAGE);
    } catch (IOException | RuntimeException e) {
      System.err.println(Complaint.of(e));
      System.exit(FAILED);
    } catch (InterruptedException e) {
      System.err.println("file-server: interrupted");
      System.exit(FAILED);
    }
  }

  private static void serve(Options options) throws IOException, InterruptedException {
    FileAccess access = accessFor(options);
    Server server;
    try {
      server = Server.start(settings(options), access);
    } catch (Throwable e) {
      access.close();
      throw e;
    }
    Thread closer = new Thread(() -> close(server, access), "file-server-shutdown");
    Runtime.getRuntime().addShutdownHook(closer); // for SIGTERM and Ctrl-C
    System.out.printf(
        "Serving %s at http://%s:%d/ (%s); Ctrl-C ends it%n",
        options.root().toRealPath(), options.host(), server.port(), describe(access));
    new CountDownLatch(1).await();
  }

  private static void close(Server server, FileAccess access) {
    server.close();
    access.close();
    System.out.println("closed");
  }

  private static FileAccess accessFor(Options options) {
    return switch (options.reader()) {
      case ANNULUS -> new AnnulusAccess(options.backend());
      case CHANNEL -> new ChannelAccess(options.workers());
    };
  }

  private static String describe(FileAccess access) {
    return access instanceof AnnulusAccess annulus ? "annulus, " + annulus.runtime().backend() : "channel";
  }

  private static Server.Settings settings(Options options) {
    InetSocketAddress address = new InetSocketAddress(options.host(), options.port());
    return new Server.Settings(
        options.root(), address, options.threads(), options.listing(), MOST_CONNECTIONS, IDLE, options.head(), GRACE, System.err::println);
  }
}
